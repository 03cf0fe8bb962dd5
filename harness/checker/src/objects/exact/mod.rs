//! Objects that are decided exactly: counters, queues, stacks, priority queues and locks.
//!
//! Each takes [`Call`](crate::model::Call)s and a [`Budget`](crate::Budget), and answers with an
//! [`Answer`]: an order that explains everything, a [`Refutation`], or the limit that was met.
//!
//! | module | operations | without search | else |
//! |---|---|---|---|
//! | [`counter`] | add, read | amounts that are all equal: O(n log n) | search over sums |
//! | [`container`] | put, take, drain | elements that differ: O(n log n) | search |
//! | [`lock`] | acquire, release | two holders at once: O(n log n) | search |
//!
//! An operation without a completion is *open*: it may take effect at any time after it began, or
//! never. Operations that failed are left out by the caller.
//!
//! Every [`Answer::Valid`] was replayed, one operation after another, before it is given out. Every
//! [`Answer::Invalid`] names few operations that contradict one another.

pub mod container;
pub mod counter;
#[cfg(test)]
mod least;
pub mod lock;
mod shrink;
mod strike;

use crate::budget::Limit;

/// What is known about some calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// An order that explains every answer: positions in the given calls. Open ones are in it only
    /// if they took effect. A drain stands there once for each element and once more for the
    /// moment at which it found nothing; an open drain once for each element that it took.
    Valid(Vec<u32>),
    /// There is none, and here is why.
    Invalid(Refutation),
    /// The budget was spent.
    Unknown(Limit),
}

/// Operations that contradict one another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refutation {
    /// The class of the contradiction.
    pub anomaly: Anomaly,
    /// Positions in the given calls, in increasing order.
    pub positions: Vec<u32>,
    /// Whether none can be left out.
    pub is_minimal: bool,
    /// What is proved of all other operations.
    pub scope: Scope,
    /// What was over by this place does not count, in whatever state that left the object. None if the
    /// contradiction begins with the history.
    pub from: Option<u32>,
    /// The place of the completion that makes them a contradiction: what began after it does not
    /// count, and what was over after it counts as open.
    pub until: u32,
}

impl Refutation {
    /// Where nothing smaller was found than all operations up to some place.
    fn nearby((positions, until): (Vec<u32>, u32)) -> Self {
        let (anomaly, scope) = (Anomaly::NotLinearizable, Scope::Nearby);
        Refutation { anomaly, positions, is_minimal: false, scope, from: None, until }
    }
}

/// How the operations of a [`Refutation`] contradict one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// By themselves, as if nothing else had been done. Of a drain only the elements that the
    /// others put in count, and one that no operation put in.
    Alone,
    /// Whenever the others took effect.
    WithOthers,
    /// In whatever state they found the object, and whenever the others beside them took effect.
    InAnyState,
    /// Up to the last of these, all operations together contradict one another; these are near.
    Nearby,
}

/// The class of a contradiction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each says in words what it is")]
pub enum Anomaly {
    GarbageRead,
    FutureRead,
    Duplicated,
    Lost,
    OutOfOrder,
    FalseEmpty,
    OutOfBounds,
    StaleRead,
    TwoHolders,
    NotHeld,
    FencingToken,
    NotLinearizable,
}

impl Anomaly {
    /// The class in words.
    pub fn name(self) -> &'static str {
        match self {
            Anomaly::GarbageRead => "garbage read",
            Anomaly::FutureRead => "future read",
            Anomaly::Duplicated => "duplicated",
            Anomaly::Lost => "lost",
            Anomaly::OutOfOrder => "out of order",
            Anomaly::FalseEmpty => "false empty",
            Anomaly::OutOfBounds => "out of bounds",
            Anomaly::StaleRead => "stale read",
            Anomaly::TwoHolders => "two holders",
            Anomaly::NotHeld => "lock not held",
            Anomaly::FencingToken => "fencing token out of order",
            Anomaly::NotLinearizable => "not linearizable",
        }
    }

    /// What that means, in a sentence.
    pub fn meaning(self) -> &'static str {
        match self {
            Anomaly::GarbageRead => "an element or number came back that no operation put in",
            Anomaly::FutureRead => "an element was taken out before its insertion began",
            Anomaly::Duplicated => "an element was taken out more often than it was put in",
            Anomaly::Lost => "an acknowledged element was gone although nothing can have taken it",
            Anomaly::OutOfOrder => "elements were taken out in an order that the object excludes",
            Anomaly::FalseEmpty => "the object answered empty while an element was certainly in it",
            Anomaly::OutOfBounds => "a number is outside what the additions allow",
            Anomaly::StaleRead => "a number lacks additions that had taken effect before",
            Anomaly::TwoHolders => "the lock was acquired while a client certainly held it",
            Anomaly::NotHeld => "a client released a lock that it cannot have held",
            Anomaly::FencingToken => "a fencing token is not above those handed out before",
            Anomaly::NotLinearizable => "no order of the operations gives these answers",
        }
    }
}
