//! Long random histories: clients in a closed loop around registers that behave.

use checker::{Datum, Entry, EventType, F, History, Recorder};
use rand::{RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What the clients do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mix {
    /// Half reads, half writes, each of a new value.
    Unique,
    /// Reads, writes and compare-and-sets, each of a new value; some swaps are refused.
    UniqueCas,
    /// Reads, writes and compare-and-sets of the values 0 to 4.
    SmallCas,
}

/// The shape of a history.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Operations.
    pub operations: u64,
    /// Clients in a closed loop.
    pub clients: u64,
    /// Keys, chosen at random.
    pub keys: u64,
    /// The fraction of operations of unknown outcome.
    pub unknown: f64,
    /// What the clients do.
    pub mix: Mix,
    /// A read at about this operation returns what was written long before.
    pub stale_at: Option<u64>,
    /// The seed of everything random.
    pub seed: u64,
}

/// An operation on its way.
#[derive(Debug, Clone, Copy)]
struct Pending {
    key: u64,
    f: F,
    value: u64,
    expected: u64,
    applied: bool,
    refused: bool,
}

/// What a register holds before the first write.
const INITIAL: u64 = u64::MAX;

/// An event whose key and values are texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextEvent {
    pub index: u64,
    pub time_ns: u64,
    pub process: u64,
    pub r#type: EventType,
    pub f: F,
    pub key: String,
    pub value: Option<String>,
    /// What a compare-and-set expects.
    pub expected: Option<String>,
    pub refused: bool,
}

impl TextEvent {
    /// Records it.
    pub fn record(&self, recorder: &mut Recorder) {
        let key = Datum::text(&self.key);
        let value = self.value.as_deref().map(Datum::text);
        let value = match (value, &self.expected) {
            (Some(new), Some(old)) => Some(Datum::List(vec![Datum::text(old), new])),
            (value, _) => value,
        };
        let entry = Entry {
            index: self.index,
            time_ns: self.time_ns,
            process: self.process,
            client: "0015",
            r#type: self.r#type,
            f: self.f,
            key: Some(&key),
            value: value.as_ref(),
            refused: self.refused,
            node: None,
        };
        recorder.record(&entry).expect("events that fit together");
    }
}

/// The history of that shape, valid unless it is to have a stale read.
pub fn history(shape: Shape) -> History {
    let mut recorder = Recorder::new();
    each_event(shape, &mut |event| event.record(&mut recorder));
    recorder.finish().expect("values that fit together")
}

/// Each event of the history, in order.
pub fn each_event(shape: Shape, take: &mut dyn FnMut(&TextEvent)) {
    let mut rng = ChaCha8Rng::seed_from_u64(shape.seed);
    let mut registers = vec![INITIAL; usize::try_from(shape.keys).expect("keys fit memory")];
    let mut old: Vec<Option<u64>> = vec![None; registers.len()];
    let mut open: Vec<Option<Pending>> = vec![None; usize::try_from(shape.clients).expect("few")];
    let mut processes: Vec<u64> = (0..shape.clients).collect();
    let (mut next_process, mut invoked, mut index, mut fresh) = (shape.clients, 0, 0, 0);
    let mut late: Vec<Pending> = Vec::new();
    let mut stale = shape.stale_at;
    let mut open_count = 0;
    while invoked < shape.operations || open_count > 0 {
        if !late.is_empty() && rng.random_range(0..50) == 0 {
            let mut pending = late.swap_remove(rng.random_range(0..late.len()));
            apply(&mut registers, &mut pending);
        }
        let client = rng.random_range(0..open.len());
        let mut emit = |process, kind, pending: &Pending, value: u64| {
            let text = |value: u64| {
                if value == INITIAL { String::new() } else { value.to_string() }
            };
            take(&TextEvent {
                index,
                time_ns: index * 1_000,
                process,
                r#type: kind,
                f: pending.f,
                key: pending.key.to_string(),
                value: Some(text(value)),
                expected: (pending.f == F::Cas).then(|| text(pending.expected)),
                refused: pending.refused && kind == EventType::Ok,
            });
            index += 1;
        };
        match &mut open[client] {
            None => {
                if invoked == shape.operations {
                    continue;
                }
                invoked += 1;
                open_count += 1;
                let key = rng.random_range(0..shape.keys);
                let held = registers[usize::try_from(key).expect("small")];
                fresh += 1;
                let new = if shape.mix == Mix::SmallCas { rng.random_range(0..5) } else { fresh };
                let kind = rng.random_range(0..if shape.mix == Mix::Unique { 2 } else { 3 });
                let f = [F::Get, F::Put, F::Cas][kind];
                let expected = match shape.mix {
                    Mix::SmallCas => rng.random_range(0..5),
                    _ => held,
                };
                let value = if f == F::Get { 0 } else { new };
                let pending = Pending { key, f, value, expected, applied: false, refused: false };
                emit(processes[client], EventType::Invoke, &pending, value);
                open[client] = Some(pending);
            }
            Some(pending) if !pending.applied => {
                if rng.random_bool(shape.unknown) {
                    emit(processes[client], EventType::Info, pending, pending.value);
                    match rng.random_range(0..3) {
                        0 => apply(&mut registers, pending),
                        1 => late.push(*pending),
                        _ => {}
                    }
                    processes[client] = next_process;
                    next_process += 1;
                    open[client] = None;
                    open_count -= 1;
                } else {
                    apply(&mut registers, pending);
                }
            }
            Some(pending) => {
                let mut value = pending.value;
                let key = usize::try_from(pending.key).expect("small");
                if pending.f == F::Get {
                    if old[key].is_none() && stale.is_some_and(|at| invoked + 2_000 > at) {
                        old[key] = Some(value);
                    }
                    if stale.is_some_and(|at| invoked > at)
                        && old[key].is_some_and(|old| old != value)
                    {
                        stale = None;
                        value = old[key].unwrap_or(value);
                    }
                }
                emit(processes[client], EventType::Ok, pending, value);
                open[client] = None;
                open_count -= 1;
            }
        }
    }
}

fn apply(registers: &mut [u64], pending: &mut Pending) {
    let register = &mut registers[usize::try_from(pending.key).expect("small")];
    pending.applied = true;
    match pending.f {
        F::Get => pending.value = *register,
        F::Cas if *register != pending.expected => pending.refused = true,
        _ => *register = pending.value,
    }
}
