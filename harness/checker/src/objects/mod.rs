//! Objects other than registers: sets, counters, queues, stacks, locks, leases, ids, bank accounts.
//!
//! [`judge`] looks at the operations of one key, none of them failed. What each object promises, what is
//! proved of it, and what that costs stand in [`crate::models`]. Operations that ended in `info`, or not
//! at all, may have taken effect at any time after their invocation, or never. *Invalid* is said only of
//! what no such object can have answered, however the open ones ended; a proof of it always wins over an
//! answer that cannot be read.

mod bank;
pub(crate) mod confirm;
mod counter_bounds;
mod decide;
mod echo;
pub mod exact;
mod ids;
mod lease;
mod log;
mod set;
mod words;

use crate::budget::{Budget, Limit};
use crate::datum::{Datum, Encoded};
use crate::history::{History, Operation, Value};
use crate::memory;
use crate::models::ModelName;
use crate::verdict::{Reason, Verdict};
use crate::witness::{Anomaly, Witness};
use confirm::Claim;

/// The operations on one object.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) history: &'a History,
    /// In order of invocation.
    pub(crate) operations: &'a [&'a Operation],
    pub(crate) budget: Budget<'a>,
}

/// Something counted on the way that is no violation by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Fact {
    /// What was counted.
    pub name: &'static str,
    /// How many there are.
    pub count: u64,
}

/// A verdict about one object, and what was counted on the way.
#[derive(Debug)]
pub(crate) struct Judgement {
    pub(crate) verdict: Verdict,
    pub(crate) facts: Vec<Fact>,
    /// What is claimed of a witness, where that can be confirmed.
    pub(crate) claim: Option<Claim>,
}

impl From<Verdict> for Judgement {
    fn from(verdict: Verdict) -> Self {
        Judgement { verdict, facts: Vec::new(), claim: None }
    }
}

/// How an object is decided.
pub(crate) fn algorithm(model: ModelName) -> &'static str {
    match model {
        ModelName::Set => "set-order",
        ModelName::SetEventual => "last-reads",
        ModelName::SetConverged => "last-reads-of-each",
        ModelName::CounterBounds => "bounds",
        ModelName::CounterEventual => "last-bounds",
        ModelName::Echo => "answers",
        ModelName::Log => "offsets",
        ModelName::Lease => "holders",
        ModelName::UniqueIds => "duplicates",
        ModelName::Bank | ModelName::BankNegative => "totals",
        ModelName::Counter => "sums",
        ModelName::Queue
        | ModelName::UnorderedQueue
        | ModelName::Stack
        | ModelName::PriorityQueue => "passages",
        _ => "holders-and-search",
    }
}

/// Bytes of memory that an object takes for each of its operations, before any search: what was seen to be
/// taken at the most, and a little more.
pub(crate) fn structure_bytes(model: ModelName) -> usize {
    match model {
        ModelName::Queue
        | ModelName::UnorderedQueue
        | ModelName::Stack
        | ModelName::PriorityQueue
        | ModelName::Counter => 400,
        ModelName::Set | ModelName::SetEventual | ModelName::SetConverged => 256,
        ModelName::Lock
        | ModelName::OwnerLock
        | ModelName::ReentrantLock
        | ModelName::FencedLock
        | ModelName::ReentrantFencedLock => 280,
        _ => memory::STRUCTURE_BYTES,
    }
}

/// Judges the operations on one object.
pub(crate) fn judge(model: ModelName, subject: Subject<'_>) -> Judgement {
    match model {
        ModelName::Set => set::linearizable(subject),
        ModelName::SetEventual => set::eventual(subject, false),
        ModelName::SetConverged => set::eventual(subject, true),
        ModelName::CounterBounds => counter_bounds::judge(subject),
        ModelName::CounterEventual => counter_bounds::eventual(subject),
        ModelName::Echo => echo::judge(subject).into(),
        ModelName::Log => log::judge(subject),
        ModelName::Lease => lease::judge(subject).into(),
        ModelName::UniqueIds => ids::judge(subject).into(),
        ModelName::Bank => bank::judge(subject, false).into(),
        ModelName::BankNegative => bank::judge(subject, true).into(),
        _ => match decide::decide(model, subject) {
            Ok(exact) => exact.judgement(subject),
            Err(verdict) => verdict.into(),
        },
    }
}

/// An order of the operations on one object that explains all answers, by position; `None` if none was
/// found, or none is looked for.
pub(crate) fn order(model: ModelName, subject: Subject<'_>) -> Option<Vec<u32>> {
    match model {
        ModelName::Set => set::order_of(subject),
        _ => decide::decide(model, subject).ok()?.order(),
    }
}

impl<'a> Subject<'a> {
    fn argument(&self, op: &Operation) -> Encoded<'a> {
        self.history.encoded(op.argument)
    }

    fn result(&self, op: &Operation) -> Encoded<'a> {
        self.history.encoded(op.result)
    }

    fn shown(&self, value: Value) -> Datum {
        self.history.value(value)
    }

    /// These operations contradict one another.
    fn invalid(&self, anomaly: Anomaly, core: &[&Operation], what: &str) -> Verdict {
        self.witness(anomaly, core, false, what)
    }

    fn witness(&self, anomaly: Anomaly, core: &[&Operation], minimal: bool, what: &str) -> Verdict {
        let mut core = core.to_vec();
        core.sort_by_key(|op| op.invoke);
        core.dedup_by_key(|op| op.invoke);
        let explanation = words::explanation(self.history, anomaly, &core, what);
        let witness = Witness::new(self.history, anomaly, &core, minimal, explanation);
        Verdict::Invalid(Box::new(witness))
    }

    /// It is not decided.
    fn unknown(&self, limit: Limit, why: &str) -> Verdict {
        let key = self.operations.first().map(|op| self.history.key_text(op.key));
        Verdict::Unknown(Reason {
            key: key.unwrap_or_default(),
            limit,
            placed: 0,
            completed: self.operations.iter().filter(|op| op.is_ok()).count(),
            explanation: format!("undecided: {why}"),
        })
    }

    /// This limit was reached.
    fn spent(&self, limit: Limit) -> Verdict {
        let key = self.operations.first().map(|op| self.history.key_text(op.key));
        Verdict::Unknown(Reason::spent(key.unwrap_or_default(), limit, 0, 0))
    }

    /// A value of the wrong shape.
    fn misfit(&self, op: &Operation, expected: &str) -> Verdict {
        let why = format!("{}: expected {expected}", words::told(self.history, op));
        self.unknown(Limit::Algorithm, &why)
    }
}

/// Where an operation ended: after everything if it is open.
fn end(op: &Operation) -> u32 {
    op.complete
}
