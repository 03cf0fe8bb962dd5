//! What a check takes of memory, by an allocator that counts, against what it may take.

mod generate;
#[path = "generate/hard.rs"]
mod hard;
#[path = "generate/objects.rs"]
mod objects;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use checker::model::{Call, Nondeterministic, Powerset};
use checker::{
    Budget, History, Limit, Linearization, ModelName, Options, Verdict, check, linearizable,
};
use generate::Mix;
use hard::Hard;
use objects::Object;

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Relaxed) + layout.size();
        PEAK.fetch_max(now, Relaxed);
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

/// One test at a time, for all take from the same allocator.
static ALONE: Mutex<()> = Mutex::new(());

/// The most bytes that some work takes at a time.
fn peak<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = NOW.load(Relaxed);
    PEAK.store(before, Relaxed);
    let result = work();
    (result, PEAK.load(Relaxed) - before)
}

/// What threads and the report take whatever the budget is.
const BESIDES: usize = 300_000;

fn assert_within(peak: usize, budget: u64, what: &str) {
    let most = usize::try_from(budget).expect("a small budget") + BESIDES;
    assert!(peak <= most, "{what}: {peak} bytes, where {budget} may be taken");
}

fn check_within(history: &History, model: ModelName, memory_bytes: u64, what: &str) -> Verdict {
    check_by(history, model, Budget { steps: 4_000_000, memory_bytes, ..Budget::default() }, what)
}

fn check_by(history: &History, model: ModelName, budget: Budget<'_>, what: &str) -> Verdict {
    let options = Options { model, budget, witness: false, all_keys: true, ..Options::default() };
    let (report, peak) = peak(|| check(history, &options));
    assert_within(peak, budget.memory_bytes, what);
    report.verdict
}

#[test]
fn a_search_takes_no_more_than_its_budget() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut out_of_memory = 0;
    for hard in [Hard::Registers, Hard::Swaps, Hard::Appends] {
        for (clients, unknown) in [(30, 0.0), (30, 0.1), (100, 0.05)] {
            for keys in [1, 5] {
                let shape = hard::Shape { hard, operations: 300, clients, keys, unknown, seed: 1 };
                let history = hard::history(shape);
                for megabytes in [1, 2, 3, 7] {
                    let what = format!("{shape:?}, {megabytes} MB");
                    let verdict =
                        check_within(&history, ModelName::Kv, megabytes * 1_000_000, &what);
                    let is_out = matches!(&verdict, Verdict::Unknown(reason)
                        if reason.limit == Limit::Memory);
                    out_of_memory += usize::from(is_out);
                }
            }
        }
    }
    assert!(out_of_memory > 10, "only {out_of_memory} searches ran out of memory");
}

#[test]
fn structure_takes_no_more_than_is_set_aside_for_it() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (mut decided, mut undecided) = (0, 0);
    for mix in [Mix::Unique, Mix::UniqueCas] {
        // Tables are largest beside what they hold when they have just grown.
        for operations in [20_000, 30_000, 43_000] {
            for stale_at in [None, Some(operations * 9 / 10)] {
                let shape = generate::Shape {
                    operations,
                    clients: 10,
                    keys: 1,
                    unknown: 0.02,
                    mix,
                    stale_at,
                    seed: 1,
                };
                let history = generate::history(shape);
                for bytes_per_operation in [40, 100, 150, 250] {
                    let budget = operations * bytes_per_operation;
                    let what = format!("{shape:?}, {bytes_per_operation} bytes an operation");
                    match check_within(&history, ModelName::Kv, budget, &what) {
                        Verdict::Unknown(_) => undecided += 1,
                        _ => decided += 1,
                    }
                }
            }
        }
    }
    assert!(decided >= 20 && undecided >= 20, "{decided} decided, {undecided} not");
}

#[test]
fn sequential_consistency_takes_no_more_than_its_budget() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let shape = hard::Shape {
        hard: Hard::Registers,
        operations: 60,
        clients: 12,
        keys: 1,
        unknown: 0.0,
        seed: 1,
    };
    let history = hard::history(shape);
    for megabytes in [1, 4] {
        check_within(&history, ModelName::Sequential, megabytes * 1_000_000, "sequential");
    }
}

/// The objects of which memory is asked, with their models.
const OBJECTS: [(Object, ModelName); 6] = [
    (Object::Queue, ModelName::Queue),
    (Object::Bag, ModelName::UnorderedQueue),
    (Object::Stack, ModelName::Stack),
    (Object::PriorityQueue, ModelName::PriorityQueue),
    (Object::Counter, ModelName::Counter),
    (Object::Lock, ModelName::Lock),
];

#[test]
fn the_search_for_an_order_of_any_object_takes_no_more_than_its_budget() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for (object, model) in OBJECTS {
        let mut out_of_memory = 0;
        for (operations, clients, values) in
            [(400, 40, Some(5)), (100, 100, Some(30)), (4_000, 20, None)]
        {
            for unknown in [0.0, 0.05] {
                let is_wrong = true;
                let shape = objects::Shape {
                    object,
                    operations,
                    clients,
                    values,
                    unknown,
                    is_wrong,
                    seed: 1,
                };
                let history = objects::history(shape);
                for megabytes in [1, 3, 7] {
                    let what = format!("{shape:?}, {megabytes} MB");
                    let budget = Budget {
                        steps: 300_000,
                        memory_bytes: megabytes * 1_000_000,
                        ..Budget::default()
                    };
                    let verdict = check_by(&history, model, budget, &what);
                    let is_out = matches!(&verdict, Verdict::Unknown(reason)
                        if reason.limit == Limit::Memory);
                    out_of_memory += usize::from(is_out);
                }
            }
        }
        println!("{object:?}: {out_of_memory} searches ran out of memory");
    }
}

#[test]
fn the_structure_of_any_object_takes_no_more_than_is_set_aside_for_it() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for (object, model) in OBJECTS {
        for operations in [20_000, 43_000] {
            for is_wrong in [false, true] {
                let (clients, values, unknown) = (10, None, 0.0);
                let shape = objects::Shape {
                    object,
                    operations,
                    clients,
                    values,
                    unknown,
                    is_wrong,
                    seed: 1,
                };
                let history = objects::history(shape);
                for bytes_per_operation in [100, 200, 300, 450] {
                    let budget = Budget {
                        steps: 300_000,
                        memory_bytes: operations * bytes_per_operation,
                        ..Budget::default()
                    };
                    let what = format!("{shape:?}, {bytes_per_operation} bytes an operation");
                    check_by(&history, model, budget, &what);
                }
            }
        }
    }
}

/// Elements go in; any of them comes out, and it is unknown which.
struct Bag;

impl Nondeterministic for Bag {
    /// An element put in, or taken out.
    type Op = Option<u32>;
    type State = Vec<u32>;

    fn initial(&self) -> Vec<Vec<u32>> {
        vec![vec![]]
    }

    fn steps(&self, state: &Vec<u32>, op: &Option<u32>) -> Vec<Vec<u32>> {
        let Some(element) = *op else {
            let without = |at| {
                let mut left = state.clone();
                left.remove(at);
                left
            };
            return (0..state.len()).map(without).collect();
        };
        let mut more = [&state[..], &[element]].concat();
        more.sort_unstable();
        vec![more]
    }

    fn state_bytes(&self, state: &Vec<u32>) -> usize {
        state.capacity() * size_of::<u32>() + 16
    }
}

#[test]
fn a_model_says_what_its_states_own() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    // All at the same time, and one that takes from nothing.
    let mut calls: Vec<Call<Option<u32>>> =
        (0..11).map(|at| Call { op: Some(at), invoke: at, complete: Some(100 + at) }).collect();
    calls.extend((11..16).map(|at| Call { op: None, invoke: at, complete: Some(100 + at) }));
    calls.extend((0..7).map(|at| Call {
        op: None,
        invoke: 200 + 2 * at,
        complete: Some(201 + 2 * at),
    }));
    for memory_bytes in [1_000_000, 5_000_000] {
        let budget = Budget { memory_bytes, ..Budget::default() };
        let (answer, peak) = peak(|| linearizable(&Powerset(Bag), &calls, budget));
        assert_eq!(answer, Linearization::Unknown(Limit::Memory));
        assert_within(peak, memory_bytes, "a bag");
    }
}
