//! Lists with different elements, which are decided without search: the time of the check beside what is to
//! be looked at, as a markdown table. `cargo bench -p checker --bench appends`

#![expect(clippy::cast_precision_loss, reason = "sizes are small")]

use std::time::{Duration, Instant};

use checker::{Datum, Entry, EventType, F, History, ModelName, Options, Recorder, Verdict, check};
use rand::{RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Each history is checked so many times, and the shortest time counts.
const RUNS: usize = 5;

/// Clients in a closed loop around lists that behave.
#[derive(Clone, Copy)]
struct Shape {
    clients: u64,
    keys: u64,
    operations: u64,
    reads: f64,
    /// One of so many reads returns what the list held five writes before.
    stale: Option<u32>,
}

/// Like the recorded histories of 50 clients that come with Porcupine.
const STORE: Shape = Shape { clients: 50, keys: 10, operations: 2_500, reads: 0.5, stale: None };

struct Log {
    recorder: Recorder,
    events: u64,
}

impl Log {
    fn new() -> Self {
        Log { recorder: Recorder::new(), events: 0 }
    }

    fn push(&mut self, process: u64, r#type: EventType, f: F, key: u64, value: Option<&Datum>) {
        let entry = Entry {
            index: self.events,
            time_ns: self.events,
            process,
            client: "",
            r#type,
            f,
            key: Some(&Datum::from(key.cast_signed())),
            value,
            refused: false,
            node: None,
        };
        self.recorder.record(&entry).expect("events in order");
        self.events += 1;
    }

    fn finish(self) -> History {
        self.recorder.finish().expect("whole operations")
    }
}

struct Call {
    f: F,
    key: u64,
    element: i64,
    /// What a read returns: the first so many elements of its key.
    length: Option<usize>,
}

fn closed_loop(shape: Shape) -> History {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut log = Log::new();
    let mut lists: Vec<Vec<Datum>> = vec![Vec::new(); usize::try_from(shape.keys).expect("few")];
    let mut pending: Vec<Option<Call>> = (0..shape.clients).map(|_| None).collect();
    let mut begun = 0;
    while begun < shape.operations || pending.iter().any(Option::is_some) {
        let process = rng.random_range(0..shape.clients);
        let slot = &mut pending[usize::try_from(process).expect("few")];
        let Some(call) = slot else {
            if begun < shape.operations {
                let f = if rng.random_bool(shape.reads) { F::Get } else { F::Append };
                let key = rng.random_range(0..shape.keys);
                let element = i64::try_from(begun).expect("few");
                let argument = Datum::from(element);
                log.push(process, EventType::Invoke, f, key, (f == F::Append).then_some(&argument));
                *slot = Some(Call { f, key, element, length: None });
                begun += 1;
            }
            continue;
        };
        let list = &mut lists[usize::try_from(call.key).expect("few")];
        match call.length {
            None => {
                if call.f == F::Append {
                    list.push(Datum::from(call.element));
                }
                let is_stale = shape.stale.is_some_and(|one_of| rng.random_range(0..one_of) == 0);
                call.length = Some(list.len().saturating_sub(if is_stale { 5 } else { 0 }));
            }
            Some(length) => {
                let value = match call.f {
                    F::Append => Datum::from(call.element),
                    _ => Datum::List(list[..length].to_vec()),
                };
                log.push(process, EventType::Ok, call.f, call.key, Some(&value));
                *slot = None;
            }
        }
    }
    log.finish()
}

fn at_once(count: u64) -> History {
    let mut log = Log::new();
    let element = |process: u64| Datum::from(process.cast_signed());
    for process in 0..count {
        log.push(process, EventType::Invoke, F::Append, 0, Some(&element(process)));
    }
    for process in 0..count {
        log.push(process, EventType::Ok, F::Append, 0, Some(&element(process)));
    }
    let list = Datum::List((0..count).rev().map(element).collect());
    log.push(0, EventType::Invoke, F::Get, 0, None);
    log.push(0, EventType::Ok, F::Get, 0, Some(&list));
    log.finish()
}

fn time(history: &History) -> (Duration, String) {
    let options = Options { model: ModelName::ListRegister, ..Options::default() };
    let mut shortest = Duration::MAX;
    let mut verdict = String::new();
    for _ in 0..RUNS {
        let start = Instant::now();
        let report = check(history, &options);
        shortest = shortest.min(start.elapsed());
        verdict = match report.verdict {
            Verdict::Invalid(witness) => {
                format!("invalid, {} operations", witness.operations.len())
            }
            other => other.name().to_owned(),
        };
    }
    (shortest, verdict)
}

/// The elements of all reads, and the operations.
fn size(history: &History) -> usize {
    let elements = |read| match history.value(read) {
        Datum::List(elements) => elements.len(),
        _ => 0,
    };
    let reads = history.operations().iter().filter(|operation| operation.f == F::Get);
    history.operations().len() + reads.map(|read| elements(read.result)).sum::<usize>()
}

fn main() {
    println!("| history | operations | and elements read | ms | ns each | verdict |");
    println!("|---|---|---|---|---|---|");
    let row = |name: &str, history: &History| {
        let (took, verdict) = time(history);
        let (operations, size, ms) =
            (history.operations().len(), size(history), took.as_secs_f64() * 1e3);
        let each = ms * 1e6 / size as f64;
        println!("| {name} | {operations} | {size} | {ms:.2} | {each:.0} | {verdict} |");
    };
    for operations in [STORE.operations, 4 * STORE.operations] {
        for (name, stale) in [("10 keys, 50 clients", None), ("the same, stale reads", Some(2))] {
            row(name, &closed_loop(Shape { operations, stale, ..STORE }));
        }
    }
    for operations in [5_000, 20_000] {
        for (name, stale) in [("1 key, 2 % reads", None), ("the same, stale reads", Some(10))] {
            let shape = Shape { operations, stale, reads: 0.02, keys: 1, ..STORE };
            row(name, &closed_loop(shape));
        }
    }
    for count in [1_000, 100_000] {
        row("all appends at once, one read", &at_once(count));
    }
}
