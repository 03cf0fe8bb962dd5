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
fn calibrate() {
    use generate::{Mix, Shape};
    for (mix, name) in
        [(Mix::Unique, "zones"), (Mix::UniqueCas, "chains"), (Mix::SmallCas, "search")]
    {
        for operations in [60_000, 100_000, 150_000] {
            for stale_at in [None, Some(operations * 9 / 10)] {
                let shape = Shape {
                    operations,
                    clients: 10,
                    keys: 1,
                    unknown: 0.02,
                    mix,
                    stale_at,
                    seed: 1,
                };
                let history: History = generate::history(shape);
                let h = history.memory_bytes();
                let mut v = "";
                let mut a = "";
                let p = peak(|| {
                    let options = Options {
                        model: ModelName::Kv,
                        witness: false,
                        budget: Budget { steps: 3_000_000, ..Budget::default() },
                        ..Options::default()
                    };
                    let r = check(&history, &options);
                    v = r.verdict.name();
                    a = r.algorithms[0];
                });
                println!(
                    "{name} {a} {v} {operations} {} bytes an op; history {}",
                    p as u64 / operations,
                    h / operations
                );
            }
        }
    }
}
