//! What a check counts as taken, against what it really takes: with an allocator that counts.

mod generate;
#[path = "generate/hard.rs"]
mod hard;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use checker::{Budget, History, ModelName, Options, check};

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

fn taken(bytes: usize) {
    let now = NOW.fetch_add(bytes, Relaxed) + bytes;
    PEAK.fetch_max(now, Relaxed);
}

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        taken(layout.size());
        // SAFETY: see above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        // SAFETY: see above.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// The most bytes that a check takes at a time.
fn peak(work: impl FnOnce()) -> usize {
    let before = NOW.load(Relaxed);
    PEAK.store(before, Relaxed);
    work();
    PEAK.load(Relaxed) - before
}

#[test]
fn look() {
    use hard::{Hard, Shape};
    let swaps =
        Shape { hard: Hard::Swaps, operations: 400, clients: 30, keys: 1, unknown: 0.05, seed: 1 };
    let appends = Shape { hard: Hard::Appends, unknown: 0.0, ..swaps };
    for (name, shape) in [
        ("swaps", swaps),
        ("appends", appends),
        ("many-texts", Shape { keys: 50, ..appends }),
        ("many-keys", Shape { keys: 50, ..swaps }),
    ] {
        for mb in [10, 50] {
            for witness in [false, true] {
                let history = hard::history(shape);
                let start = std::time::Instant::now();
                let stop = move || start.elapsed().as_secs() >= 15;
                let budget = Budget {
                    steps: u64::MAX,
                    memory_bytes: mb * 1_000_000,
                    stop: &stop,
                    ..Budget::default()
                };
                let mut v = "";
                let p = peak(|| {
                    let options = Options {
                        model: ModelName::Kv,
                        witness,
                        budget,
                        all_keys: true,
                        ..Options::default()
                    };
                    v = check(&history, &options).verdict.name();
                });
                println!(
                    "look {name} {mb} witness {witness} {v} peak {:.1} MB {:.1?}",
                    p as f64 / 1e6,
                    start.elapsed()
                );
            }
        }
    }
}
