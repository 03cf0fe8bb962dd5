//! From operations to the calls of an object that is decided exactly, and back to a verdict.

use rustc_hash::FxHashMap;

use super::{Judgement, Subject};
use crate::budget::Limit;
use crate::datum::{Datum, Encoded, View};
use crate::event::F;
use crate::history::{Operation, Value};
use crate::model::Call;
use crate::models::ModelName;
use crate::objects::confirm::Claim;
use crate::objects::exact::container::{self, Discipline};
use crate::objects::exact::lock::{self, Act, Rules};
use crate::objects::exact::{self, Answer, Refutation, Scope, counter};
use crate::verdict::Verdict;
use crate::witness::Anomaly;

/// What was decided about an object, and what its answers left open.
pub(super) struct Exact {
    answer: Answer,
    /// The positions of the operations that became calls.
    sources: Vec<u32>,
    /// Valid, or that an answer could not be read.
    doubt: Verdict,
}

impl Exact {
    /// An order of the operations, by position; an operation that acts several times is there as often.
    pub(super) fn order(self) -> Option<Vec<u32>> {
        let Answer::Valid(order) = self.answer else { return None };
        // What could not be read has no place.
        if self.doubt != Verdict::Valid {
            return None;
        }
        Some(order.into_iter().map(|call| self.sources[call as usize]).collect())
    }

    pub(super) fn judgement(self, subject: Subject<'_>) -> Judgement {
        match &self.answer {
            Answer::Valid(_) => self.doubt.into(),
            Answer::Unknown(limit) => {
                let unknown = subject.unknown(*limit, "the search for an order was given up");
                self.doubt.join(unknown).into()
            }
            Answer::Invalid(refutation) => Judgement {
                claim: Claim::of(refutation),
                ..self.refuted(subject, refutation).into()
            },
        }
    }

    fn refuted(&self, subject: Subject<'_>, refutation: &Refutation) -> Verdict {
        let operation = |&call: &u32| {
            let position = self.sources[call as usize];
            subject.operations[position as usize]
        };
        let core: Vec<&Operation> = refutation.positions.iter().map(operation).collect();
        let meaning = refutation.anomaly.meaning();
        let what = match refutation.scope {
            Scope::Alone => meaning.to_owned(),
            Scope::WithOthers => format!("{meaning}, whenever the other operations took effect"),
            Scope::InAnyState => format!(
                "{meaning}, whatever was before, and whenever the other operations took effect"
            ),
            Scope::Nearby => {
                format!("{meaning}: all operations up to the last of these have no order")
            }
        };
        subject.witness(named(refutation.anomaly), &core, refutation.is_minimal, &what)
    }
}

fn named(anomaly: exact::Anomaly) -> Anomaly {
    match anomaly {
        exact::Anomaly::GarbageRead => Anomaly::GarbageRead,
        exact::Anomaly::FutureRead => Anomaly::FutureRead,
        exact::Anomaly::Duplicated => Anomaly::Duplicated,
        exact::Anomaly::Lost => Anomaly::Lost,
        exact::Anomaly::OutOfOrder => Anomaly::OutOfOrder,
        exact::Anomaly::FalseEmpty => Anomaly::FalselyEmpty,
        exact::Anomaly::OutOfBounds => Anomaly::OutOfBounds,
        exact::Anomaly::StaleRead => Anomaly::StaleRead,
        exact::Anomaly::TwoHolders => Anomaly::TwoHolders,
        exact::Anomaly::NotHeld => Anomaly::NotTheHolder,
        exact::Anomaly::FencingToken => Anomaly::TokenNotFenced,
        exact::Anomaly::NotLinearizable => Anomaly::NotLinearizable,
    }
}

/// Decides an object; `Err` if an operation has no meaning there.
pub(super) fn decide(model: ModelName, subject: Subject<'_>) -> Result<Exact, Verdict> {
    match model {
        ModelName::Counter => counted(subject),
        ModelName::Queue => contained(subject, Order::Fifo),
        ModelName::UnorderedQueue => contained(subject, Order::Any),
        ModelName::Stack => contained(subject, Order::Lifo),
        ModelName::PriorityQueue => contained(subject, Order::Least),
        ModelName::Lock => Ok(locked(subject, Rules::MUTEX)),
        ModelName::OwnerLock => Ok(locked(subject, Rules::OWNER)),
        ModelName::ReentrantLock => Ok(locked(subject, Rules::REENTRANT)),
        ModelName::FencedLock => Ok(locked(subject, Rules::FENCED)),
        ModelName::ReentrantFencedLock => Ok(locked(subject, Rules::REENTRANT_FENCED)),
        _ => Err(subject.unknown(Limit::Algorithm, "this model is no object")),
    }
}

fn call<O>(op: &Operation, what: O) -> Call<O> {
    let complete = op.complete_index().map(|_| op.complete);
    Call { op: what, invoke: op.invoke, complete }
}

/// A whole number of any size that fits 128 bits.
pub(super) fn number(value: Encoded<'_>) -> Option<i128> {
    match value.view() {
        View::Integer(number) => Some(i128::from(number)),
        View::Number(number) => number.parse().ok(),
        _ => None,
    }
}

/// What an `add` is answered does not count: it may repeat the amount or be a sum.
fn counted(subject: Subject<'_>) -> Result<Exact, Verdict> {
    let mut doubt = Verdict::Valid;
    let (mut calls, mut sources) = (Vec::new(), Vec::new());
    for (position, &op) in (0u32..).zip(subject.operations) {
        let what = match op.f {
            F::Add => match number(subject.argument(op)) {
                Some(amount) => counter::Op::Add(amount),
                None => return Err(subject.misfit(op, "a whole number to add")),
            },
            _ if !op.is_ok() => continue,
            _ => {
                if let Some(value) = number(subject.result(op)) {
                    counter::Op::Read(value)
                } else {
                    doubt = doubt.join(subject.misfit(op, "a whole number as the answer"));
                    continue;
                }
            }
        };
        calls.push(call(op, what));
        sources.push(position);
    }
    let initial = subject.history.initial().map(|value| number(subject.history.encoded(value)));
    let Some(initial) = initial.unwrap_or(Some(0)) else {
        return Err(subject.unknown(Limit::Algorithm, "a counter begins with a whole number"));
    };
    let answer = counter::check(initial, &calls, subject.budget);
    Ok(Exact { answer, sources, doubt })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Fifo,
    Lifo,
    Least,
    Any,
}

/// The elements of a container, numbered in order of appearance.
#[derive(Default)]
struct Elements<'a> {
    numbers: FxHashMap<&'a [u8], u32>,
    values: Vec<Encoded<'a>>,
}

impl<'a> Elements<'a> {
    fn number(&mut self, value: Encoded<'a>) -> u32 {
        let next = u32::try_from(self.values.len()).expect("fewer elements than events");
        let number = *self.numbers.entry(value.bytes()).or_insert(next);
        if number == next {
            self.values.push(value);
        }
        number
    }
}

fn contained(subject: Subject<'_>, order: Order) -> Result<Exact, Verdict> {
    let mut doubt = Verdict::Valid;
    let mut elements = Elements::default();
    let mut calls = Vec::new();
    for &op in subject.operations {
        let what = match op.f {
            F::Enqueue | F::Push | F::Insert if op.argument == Value::NIL => {
                return Err(subject.misfit(op, "an element to put in"));
            }
            F::Enqueue | F::Push | F::Insert => {
                container::Op::Put(elements.number(subject.argument(op)))
            }
            F::Drain if !op.is_ok() => container::Op::DrainUnknown,
            F::Drain => {
                if let View::List(items) = subject.result(op).view() {
                    container::Op::Drain(items.map(|item| elements.number(item)).collect())
                } else {
                    doubt = doubt.join(subject.misfit(op, "a list of elements as the answer"));
                    container::Op::DrainUnknown
                }
            }
            _ if !op.is_ok() => container::Op::TakeUnknown,
            _ if op.result == Value::NIL => container::Op::Take(None),
            _ => container::Op::Take(Some(elements.number(subject.result(op)))),
        };
        calls.push(call(op, what));
    }
    let ranks;
    let discipline = match order {
        Order::Fifo => Discipline::Fifo,
        Order::Lifo => Discipline::Lifo,
        Order::Any => Discipline::Unordered,
        Order::Least => {
            match self::ranks(subject, &elements.values) {
                Ok(found) => {
                    ranks = found;
                    Discipline::Priority(&ranks)
                }
                // What no order of taking out explains needs no priorities.
                Err(unknown) => {
                    doubt = doubt.join(unknown);
                    Discipline::Unordered
                }
            }
        }
    };
    let answer = container::check(discipline, &calls, subject.budget);
    let sources = (0u32..).zip(subject.operations).map(|(position, _)| position).collect();
    Ok(Exact { answer, sources, doubt })
}

/// The places of the elements from the least to the greatest: whole numbers by value, other values
/// by type, texts and lists as in a dictionary.
fn ranks(subject: Subject<'_>, values: &[Encoded<'_>]) -> Result<Vec<u32>, Verdict> {
    let mut keys: Vec<(Option<i128>, Datum, usize)> = Vec::new();
    for (place, value) in values.iter().enumerate() {
        let whole = number(*value);
        let datum = value.datum();
        if whole.is_none() && matches!(datum, Datum::Number(_)) {
            let why = "priorities are compared as whole numbers, texts or lists of these";
            return Err(subject.unknown(Limit::Algorithm, why));
        }
        let datum = if whole.is_some() { Datum::Nil } else { datum };
        keys.push((whole, datum, place));
    }
    // Numbers come before everything else.
    keys.sort_by(|one, other| {
        (one.0.is_none(), one.0, &one.1).cmp(&(other.0.is_none(), other.0, &other.1))
    });
    let mut ranks = vec![0; values.len()];
    for (rank, (.., place)) in (0u32..).zip(keys) {
        ranks[place] = rank;
    }
    Ok(ranks)
}

fn locked(subject: Subject<'_>, rules: Rules) -> Exact {
    let mut doubt = Verdict::Valid;
    let mut calls = Vec::new();
    for &op in subject.operations {
        let act = match op.f {
            F::Acquire if op.is_ok() => {
                let token = number(subject.result(op));
                if rules.is_fenced && token.is_none() && op.result != Value::NIL {
                    doubt = doubt.join(subject.misfit(op, "a whole number as the token"));
                }
                Act::Acquire(token)
            }
            F::Acquire => Act::Acquire(None),
            _ => Act::Release,
        };
        calls.push(call(op, lock::Op { owner: op.process, act }));
    }
    let answer = lock::check(rules, &calls, subject.budget);
    let sources = (0u32..).zip(subject.operations).map(|(position, _)| position).collect();
    Exact { answer, sources, doubt }
}
