//! Histories of objects other than registers: clients in a closed loop around an object that behaves,
//! and at last an answer that it does not give, which only open operations could explain.

#![expect(clippy::option_option, reason = "no answer yet, or nothing as an answer")]

use std::collections::VecDeque;

use checker::{Datum, Entry, EventType, F, History, Recorder};
use rand::{RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What the clients use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Object {
    /// First in, first out.
    Queue,
    /// Whatever comes.
    Bag,
    /// Last in, first out.
    Stack,
    /// The least first.
    PriorityQueue,
    /// A number that is added to.
    Counter,
    /// Held by one process at a time, which releases it.
    Lock,
}

/// The shape of a history.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// What the clients use.
    pub object: Object,
    /// Operations.
    pub operations: u64,
    /// Clients.
    pub clients: usize,
    /// How many elements or amounts there are; none if they all differ.
    pub values: Option<i64>,
    /// The fraction of operations of unknown outcome.
    pub unknown: f64,
    /// Whether an answer is wrong.
    pub is_wrong: bool,
    /// The seed of everything random.
    pub seed: u64,
}

/// An operation on its way, with its answer once it took effect.
struct Pending {
    process: u64,
    f: F,
    given: Option<i64>,
    answer: Option<Option<i64>>,
}

/// The object itself.
#[derive(Default)]
struct State {
    content: VecDeque<i64>,
    sum: i64,
    /// The client that holds the lock.
    holder: Option<usize>,
}

/// The history of that shape.
pub fn history(shape: Shape) -> History {
    let mut recorder = Recorder::new();
    each_entry(shape, &mut |entry| recorder.record(entry).expect("events that fit together"));
    recorder.finish().expect("values that fit together")
}

/// Each event of the history, in order.
pub fn each_entry(shape: Shape, take: &mut dyn FnMut(&Entry<'_>)) {
    let rng = ChaCha8Rng::seed_from_u64(shape.seed);
    Run { shape, rng, state: State::default(), index: 0, processes: 0, take }.whole();
}

struct Run<'a> {
    shape: Shape,
    rng: ChaCha8Rng,
    state: State,
    index: u64,
    processes: u64,
    take: &'a mut dyn FnMut(&Entry<'_>),
}

impl Run<'_> {
    fn whole(mut self) {
        let mut open: Vec<Option<Pending>> = (0..self.shape.clients).map(|_| None).collect();
        let mut begun = 0;
        while begun < self.shape.operations || open.iter().any(Option::is_some) {
            let client = self.rng.random_range(0..open.len());
            match open[client].take() {
                None if begun >= self.shape.operations => {}
                None => {
                    begun += 1;
                    let pending = self.invocation(client);
                    self.emit(&pending, EventType::Invoke, pending.given);
                    open[client] = Some(pending);
                }
                Some(mut pending) if pending.answer.is_none() => {
                    pending.answer = self.state.answer(self.shape.object, client, &pending);
                    let is_lost = match pending.answer {
                        Some(_) => self.rng.random_bool(self.shape.unknown),
                        // No process may be left that it waits for.
                        None => begun >= self.shape.operations,
                    };
                    open[client] = (!is_lost).then_some(pending);
                }
                Some(pending) => self.emit(&pending, EventType::Ok, pending.answer.flatten()),
            }
        }
        if self.shape.is_wrong {
            self.wrong();
        }
    }

    /// Operations one after another, of which the last has a wrong answer.
    fn wrong(&mut self) {
        let (first, last) = functions(self.shape.object);
        let answer = (self.shape.object == Object::Counter).then_some(self.state.sum + 3);
        let next = i64::try_from(self.index).expect("few events");
        let [one, two] = match (self.shape.object, self.shape.values) {
            (Object::Lock, _) => [None, None],
            // Elements that differ from all others, where all do.
            (object, None) if object != Object::Counter => [Some(next), Some(next + 1)],
            _ => [Some(1), Some(1)],
        };
        let operations = [(first, one, one), (first, two, two), (last, None, answer)];
        for (f, given, answer) in operations {
            self.processes += 1;
            let (process, answer) = (self.processes, Some(answer));
            let pending = Pending { process, f, given, answer };
            self.emit(&pending, EventType::Invoke, given);
            self.emit(&pending, EventType::Ok, answer.flatten());
        }
    }

    fn invocation(&mut self, client: usize) -> Pending {
        self.processes += 1;
        let (first, last) = functions(self.shape.object);
        let is_first = match self.shape.object {
            Object::Lock => self.state.holder != Some(client),
            _ => self.rng.random_bool(0.5),
        };
        let f = if is_first { first } else { last };
        let value = match self.shape.values {
            Some(values) => self.rng.random_range(1..=values),
            None => i64::try_from(self.index).expect("few events"),
        };
        let is_given = f == first && self.shape.object != Object::Lock;
        Pending { process: self.processes, f, given: is_given.then_some(value), answer: None }
    }

    fn emit(&mut self, pending: &Pending, r#type: EventType, value: Option<i64>) {
        let value = value.map(Datum::Integer);
        (self.take)(&Entry {
            index: self.index,
            time_ns: self.index * 1_000,
            process: pending.process,
            client: "0015",
            r#type,
            f: pending.f,
            key: None,
            value: value.as_ref(),
            refused: false,
            node: None,
        });
        self.index += 1;
    }
}

/// What changes an object first, and what its answers tell.
fn functions(object: Object) -> (F, F) {
    match object {
        Object::Queue | Object::Bag => (F::Enqueue, F::Dequeue),
        Object::Stack => (F::Push, F::Pop),
        Object::PriorityQueue => (F::Insert, F::DeleteMin),
        Object::Counter => (F::Add, F::Get),
        Object::Lock => (F::Acquire, F::Release),
    }
}

impl State {
    /// The answer to an operation that takes effect now; none if it has to wait.
    fn answer(&mut self, object: Object, client: usize, pending: &Pending) -> Option<Option<i64>> {
        Some(match (pending.f, pending.given) {
            (F::Add, Some(amount)) => {
                self.sum += amount;
                Some(amount)
            }
            (F::Get, _) => Some(self.sum),
            (F::Acquire, _) if self.holder.is_some() => return None,
            (F::Acquire, _) => {
                self.holder = Some(client);
                None
            }
            (F::Release, _) => {
                self.holder = None;
                None
            }
            (_, Some(element)) => {
                self.content.push_back(element);
                Some(element)
            }
            (_, None) => match object {
                Object::Stack => self.content.pop_back(),
                Object::PriorityQueue => {
                    let least =
                        self.content.iter().enumerate().min_by_key(|(_, element)| **element);
                    least.map(|(at, _)| at).and_then(|at| self.content.remove(at))
                }
                _ => self.content.pop_front(),
            },
        })
    }
}
