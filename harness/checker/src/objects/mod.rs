//! Objects other than registers: sets, counters, queues, locks, leases, unique ids, bank accounts.
//!
//! Their operations have names and values of any kind, so that they have a history of their own,
//! the [`ObjectHistory`], read by a [`Reader`] from the project's JSON lines or Jepsen's EDN.
//! [`check`] takes each key apart from the others and asks the [`Object`] that was promised:
//!
//! | object | operations | proves |
//! |---|---|---|
//! | `set` | `add`, `read` | linearizability of a set that only grows |
//! | `set-eventual` | `add`, `read` | nothing lost, duplicated or from nowhere |
//! | `counter` | `add`, `read` | each read within the bounds of what can have been added |
//! | `queue` | `enqueue`, `dequeue`, `drain` | as below, and first in, first out |
//! | `unordered-queue` | `enqueue`, `dequeue`, `drain` | nothing lost, duplicated or unexpected |
//! | `lock` | `acquire`, `release` | linearizability of a mutual exclusion |
//! | `lease` | `acquire`, `renew`, `release` | one holder at a time, by the clock |
//! | `unique-ids` | `generate` | no id twice |
//! | `bank` | `transfer`, `read` | the total stays, and no account is below zero |
//! | `bank-negative` | `transfer`, `read` | the total stays |
//!
//! Failed operations are absent; those that ended in `info`, or not at all, may have taken effect
//! at any time after their invocation, or never. [`Finding::Invalid`] is said only of what no such
//! object can have answered, however the open ones ended. An operation that the object does not
//! have, or a value of the wrong shape, is [`Finding::Unknown`].

mod bank;
mod counter;
mod datum;
mod fifo;
mod finding;
mod history;
mod lease;
mod lock;
mod no_order;
mod queue;
mod reader;
mod set;
#[cfg(test)]
mod tests;
mod unique_ids;

use crate::budget::Budget;

pub use datum::Datum;
pub use finding::{Contradiction, Doubt, Fact, Finding, Kind, Shown};
pub use history::{ObjectEvent, ObjectHistory, ObjectOperation, ObjectRecorder};
pub use reader::{Form, Reader};

use finding::Judgement;

/// What an object promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Object {
    /// A linearizable set that only grows.
    Set,
    /// A set whose elements, once there, appear to every reader in the end.
    SetEventual,
    /// A number that is added to.
    Counter,
    /// A queue: first in, first out.
    Queue,
    /// A queue without order.
    UnorderedQueue,
    /// A lock with one holder.
    Lock,
    /// A lock that ends by itself, with one holder.
    Lease,
    /// A source of ids.
    UniqueIds,
    /// Accounts that never fall below zero.
    Bank,
    /// Accounts that may fall below zero.
    BankNegative,
}

impl Object {
    /// All of them with their names on the command line and what they promise.
    pub const NAMES: [(&'static str, Object, &'static str); 10] = [
        ("set", Object::Set, "a linearizable set with add and read"),
        ("set-eventual", Object::SetEventual, "a set that may be read late, but loses nothing"),
        ("counter", Object::Counter, "a number with add and read"),
        ("queue", Object::Queue, "first in, first out, with enqueue, dequeue and drain"),
        ("unordered-queue", Object::UnorderedQueue, "a queue that may change the order"),
        ("lock", Object::Lock, "mutual exclusion with acquire and release"),
        ("lease", Object::Lease, "one holder at a time, each for so many milliseconds"),
        ("unique-ids", Object::UniqueIds, "generate never returns an id twice"),
        ("bank", Object::Bank, "transfers keep the total, and no account is below zero"),
        ("bank-negative", Object::BankNegative, "transfers keep the total"),
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        let entry = Object::NAMES.iter().find(|(_, object, _)| *object == self);
        entry.map_or("", |(name, ..)| name)
    }

    /// The object of that name.
    pub fn named(name: &str) -> Option<Object> {
        Object::NAMES.iter().find(|(known, ..)| *known == name).map(|&(_, object, _)| object)
    }

    /// How it is decided.
    pub fn algorithm(self) -> &'static str {
        match self {
            Object::Set => "set-order",
            Object::SetEventual => "last-reads",
            Object::Counter => "bounds",
            Object::Queue => "multiset-and-order",
            Object::UnorderedQueue => "multiset",
            Object::Lock => "holders-and-search",
            Object::Lease => "holders",
            Object::UniqueIds => "duplicates",
            Object::Bank | Object::BankNegative => "totals",
        }
    }

    fn judge(self, operations: &[&ObjectOperation], budget: Budget<'_>) -> Judgement {
        match self {
            Object::Set => set::linearizable(operations),
            Object::SetEventual => set::eventual(operations),
            Object::Counter => counter::judge(operations),
            Object::Queue => queue::ordered(operations, budget),
            Object::UnorderedQueue => queue::unordered(operations),
            Object::Lock => lock::judge(operations, budget),
            Object::Lease => lease::judge(operations),
            Object::UniqueIds => unique_ids::judge(operations),
            Object::Bank => bank::judge(operations, false),
            Object::BankNegative => bank::judge(operations, true),
        }
    }
}

/// The result for a history.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// The joined verdict of all keys; a contradiction is that of the first key that has one.
    pub verdict: Finding,
    /// The object's name.
    pub model: &'static str,
    /// How it was decided.
    pub algorithm: &'static str,
    /// Operations that were checked, that is, all that did not fail.
    pub operations: u64,
    /// How many of them are open: nobody knows whether they took effect.
    pub open: u64,
    /// How many failed, and therefore count as absent.
    pub failed: u64,
    /// What was counted on the way, summed over the keys.
    pub facts: Vec<Fact>,
}

/// Checks what a history says about an object, key by key.
///
/// The budget is for each key, and only queues and locks need one.
pub fn check(object: Object, history: &ObjectHistory, budget: &Budget<'_>) -> Report {
    use crate::history::Outcome;
    let count =
        |outcome| history.operations().iter().filter(|op| op.outcome == outcome).count() as u64;
    let failed = count(Outcome::Fail);
    let mut report = Report {
        verdict: Finding::Valid,
        model: object.name(),
        algorithm: object.algorithm(),
        operations: history.operations().len() as u64 - failed,
        open: count(Outcome::Info),
        failed,
        facts: Vec::new(),
    };
    for operations in history.by_key() {
        let Judgement { finding, facts } = object.judge(&operations, *budget);
        let before = std::mem::replace(&mut report.verdict, Finding::Valid);
        report.verdict = before.join(finding);
        for fact in facts {
            match report.facts.iter_mut().find(|known| known.name == fact.name) {
                Some(known) => known.count += fact.count,
                None => report.facts.push(fact),
            }
        }
    }
    report
}
