//! Histories that are hard to decide: many clients at a time, few values, one answer that is wrong.

use checker::{Datum, Entry, EventType, F, History, Recorder};
use rand::{RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What the clients do, and how values repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hard {
    /// Reads and writes of five values.
    Registers,
    /// Reads, writes and compare-and-sets of five values.
    Swaps,
    /// Reads of texts, and appends of one of two letters.
    Appends,
}

/// The shape of a hard history.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// What the clients do.
    pub hard: Hard,
    /// Operations on each key.
    pub operations: usize,
    /// Clients of each key in a closed loop.
    pub clients: usize,
    /// Keys, each with a history of its own.
    pub keys: u64,
    /// The fraction of operations of unknown outcome.
    pub unknown: f64,
    /// The seed of everything random.
    pub seed: u64,
}

struct Pending {
    process: u64,
    f: F,
    value: String,
    expected: String,
    applied: bool,
    refused: bool,
}

impl Pending {
    /// By a process of its own.
    fn new(f: F, value: &str, expected: &str, next: &mut (u64, u64)) -> Self {
        let (value, expected) = (value.to_owned(), expected.to_owned());
        next.1 += 1;
        Pending { process: next.1, f, value, expected, applied: false, refused: false }
    }
}

/// The history of that shape: of each key, a read is wrong.
pub fn history(shape: Shape) -> History {
    let mut recorder = Recorder::new();
    each_entry(shape, &mut |entry| recorder.record(entry).expect("events that fit together"));
    recorder.finish().expect("values that fit together")
}

/// Each event of the history, in order: key after key.
pub fn each_entry(shape: Shape, take: &mut dyn FnMut(&Entry<'_>)) {
    let mut rng = ChaCha8Rng::seed_from_u64(shape.seed);
    let mut next = (0, 0);
    for number in 0..shape.keys {
        let key = Datum::text(&number.to_string());
        let open = (0..shape.clients).map(|_| None).collect();
        let (state, late, next) = (String::new(), Vec::new(), &mut next);
        Key { shape, name: key, state, open, late, next, take: &mut *take }.whole(&mut rng);
    }
}

/// A key on its way.
struct Key<'a> {
    shape: Shape,
    name: Datum,
    state: String,
    open: Vec<Option<Pending>>,
    late: Vec<Pending>,
    next: &'a mut (u64, u64),
    take: &'a mut dyn FnMut(&Entry<'_>),
}

impl Key<'_> {
    /// Half of the operations; then, while no other process does anything, two reads of which one is wrong;
    /// then the other half.
    fn whole(&mut self, rng: &mut ChaCha8Rng) {
        self.operate(self.shape.operations / 2, rng);
        for wrong in [false, true] {
            let mut read = Pending::new(F::Get, "", "", self.next);
            self.emit(&read, EventType::Invoke, None);
            read.value.clone_from(&self.state);
            if wrong {
                spoil(&mut read.value, self.shape.hard);
            }
            self.emit(&read, EventType::Ok, Some(&read.value));
        }
        self.operate(self.shape.operations / 2, rng);
    }

    fn operate(&mut self, operations: usize, rng: &mut ChaCha8Rng) {
        let mut invoked = 0;
        while invoked < operations || self.open.iter().any(Option::is_some) {
            if !self.late.is_empty() && rng.random_range(0..50) == 0 {
                let mut pending = self.late.swap_remove(rng.random_range(0..self.late.len()));
                apply(&mut self.state, &mut pending);
            }
            let client = rng.random_range(0..self.open.len());
            match self.open[client].take() {
                None if invoked == operations => {}
                None => {
                    invoked += 1;
                    let pending = invocation(self.shape.hard, self.next, rng);
                    let given = (pending.f != F::Get).then_some(pending.value.as_str());
                    self.emit(&pending, EventType::Invoke, given);
                    self.open[client] = Some(pending);
                }
                Some(mut pending) if !pending.applied && rng.random_bool(self.shape.unknown) => {
                    self.emit(&pending, EventType::Info, None);
                    match rng.random_range(0..3) {
                        0 => apply(&mut self.state, &mut pending),
                        1 => self.late.push(pending),
                        _ => {}
                    }
                }
                Some(mut pending) if !pending.applied => {
                    apply(&mut self.state, &mut pending);
                    self.open[client] = Some(pending);
                }
                Some(pending) => self.emit(&pending, EventType::Ok, Some(&pending.value)),
            }
        }
    }

    fn emit(&mut self, pending: &Pending, r#type: EventType, value: Option<&str>) {
        let value = match value.map(Datum::text) {
            Some(new) if pending.f == F::Cas => {
                Some(Datum::List(vec![Datum::text(&pending.expected), new]))
            }
            value => value,
        };
        let index = self.next.0;
        (self.take)(&Entry {
            index,
            time_ns: index * 1_000,
            process: pending.process,
            client: "0015",
            r#type,
            f: pending.f,
            key: Some(&self.name),
            value: value.as_ref(),
            refused: pending.refused && r#type == EventType::Ok,
            node: None,
        });
        self.next.0 += 1;
    }
}

fn invocation(hard: Hard, next: &mut (u64, u64), rng: &mut ChaCha8Rng) -> Pending {
    let kinds = match hard {
        Hard::Registers => [F::Get, F::Put, F::Put],
        Hard::Swaps => [F::Get, F::Put, F::Cas],
        Hard::Appends => [F::Get, F::Append, F::Append],
    };
    let f = kinds[rng.random_range(0..3)];
    let mut value = || match hard {
        Hard::Appends => ["a", "b"][rng.random_range(0..2)].to_owned(),
        _ => rng.random_range(0..5).to_string(),
    };
    let (value, expected) = (value(), value());
    Pending::new(f, &value, &expected, next)
}

fn apply(state: &mut String, pending: &mut Pending) {
    pending.applied = true;
    match pending.f {
        F::Get => pending.value.clone_from(state),
        F::Append => state.push_str(&pending.value),
        F::Cas if *state != pending.expected => pending.refused = true,
        _ => state.clone_from(&pending.value),
    }
}

/// Another value than the one that was read.
fn spoil(read: &mut String, hard: Hard) {
    let other = if read.ends_with(['0', 'a']) { ["1", "b"] } else { ["0", "a"] };
    read.pop();
    read.push_str(if hard == Hard::Appends { other[1] } else { other[0] });
}
