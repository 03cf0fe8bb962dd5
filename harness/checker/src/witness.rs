//! Witnesses: the operations that cannot all be true, and what that is called.

use crate::datum::Datum;
use crate::event::F;
use crate::history::{History, Operation, Outcome, Value};
use crate::model::Call;

/// The class of a violation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Anomaly {
    /// A read returned a state that had been replaced before the read began; the newer one was still
    /// there.
    StaleRead,
    /// A write was acknowledged, and is gone: no read ever saw it, or from some time on every read
    /// saw what was there before it.
    LostWrite,
    /// A value that had been replaced, and seen to be, is there again for good.
    ResurrectedValue,
    /// A read returned something that no operation wrote.
    GarbageRead,
    /// A read returned something before its write began.
    FutureRead,
    /// One operation took effect twice.
    DuplicatedWrite,
    /// Readers saw states that exclude one another, as from two copies.
    DivergentReads,
    /// A read shows two writes in the wrong order: the first began after the second was over.
    ReorderedWrites,
    /// No order of the operations explains their answers, and none of the other classes fits.
    NotLinearizable,
    /// An element that was acknowledged, or seen, is gone.
    Lost,
    /// An element is there, or was handed out, more often than it was put in.
    Duplicated,
    /// A number that no order of the additions gives.
    OutOfBounds,
    /// A later element was handed out before an earlier one.
    OutOfOrder,
    /// Something was found empty while an element was in it for certain.
    FalselyEmpty,
    /// A lock with two holders.
    TwoHolders,
    /// A lock that was released by a process that did not hold it.
    NotTheHolder,
    /// A fencing token that is not above those handed out before.
    TokenNotFenced,
    /// A total that is not what it was.
    WrongTotal,
    /// An account below zero.
    NegativeBalance,
    /// A read that lacks an account, or its balance.
    MissingAccount,
    /// A read with an account that was never there.
    UnknownAccount,
}

impl Anomaly {
    /// All of them.
    pub const ALL: [Self; 21] = [
        Self::StaleRead,
        Self::LostWrite,
        Self::ResurrectedValue,
        Self::GarbageRead,
        Self::FutureRead,
        Self::DuplicatedWrite,
        Self::DivergentReads,
        Self::ReorderedWrites,
        Self::NotLinearizable,
        Self::Lost,
        Self::Duplicated,
        Self::OutOfBounds,
        Self::OutOfOrder,
        Self::FalselyEmpty,
        Self::TwoHolders,
        Self::NotTheHolder,
        Self::TokenNotFenced,
        Self::WrongTotal,
        Self::NegativeBalance,
        Self::MissingAccount,
        Self::UnknownAccount,
    ];

    /// The anomaly with this name.
    pub fn named(name: &str) -> Option<Anomaly> {
        Anomaly::ALL.into_iter().find(|anomaly| anomaly.name() == name)
    }

    /// The anomaly in words.
    pub fn name(self) -> &'static str {
        match self {
            Anomaly::StaleRead => "stale read",
            Anomaly::LostWrite => "lost write",
            Anomaly::ResurrectedValue => "resurrected value",
            Anomaly::GarbageRead => "garbage read",
            Anomaly::FutureRead => "future read",
            Anomaly::DuplicatedWrite => "duplicated write",
            Anomaly::DivergentReads => "divergent reads",
            Anomaly::ReorderedWrites => "reordered writes",
            Anomaly::NotLinearizable => "not linearizable",
            Anomaly::Lost => "lost",
            Anomaly::Duplicated => "duplicated",
            Anomaly::OutOfBounds => "out of bounds",
            Anomaly::OutOfOrder => "out of order",
            Anomaly::FalselyEmpty => "falsely empty",
            Anomaly::TwoHolders => "two holders",
            Anomaly::NotTheHolder => "not the holder",
            Anomaly::TokenNotFenced => "token not fenced",
            Anomaly::WrongTotal => "wrong total",
            Anomaly::NegativeBalance => "negative balance",
            Anomaly::MissingAccount => "missing account",
            Anomaly::UnknownAccount => "unknown account",
        }
    }
}

/// The operations that cannot all be true, and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Witness {
    /// The key they work on; empty where the history has no keys.
    pub key: String,
    /// The class of the violation.
    pub anomaly: Anomaly,
    /// The operations, by invocation.
    pub operations: Vec<WitnessOperation>,
    /// What orders them: real time, and reads of what was written.
    pub edges: Vec<Edge>,
    /// Whether none can be left out: without any one, and without those that saw a value that then
    /// none of them wrote, the rest is no contradiction, because the operations around it can explain
    /// it.
    pub minimal: bool,
    /// Whether an independent tester of linearizability, which shares no code with this crate's
    /// search, rejects the operations too, together with those around them that could make a difference.
    /// `None` where it was not asked. Never `Some(false)` in a verdict: what the testers do not agree on
    /// is no accusation.
    pub confirmed: Option<bool>,
    /// Why no tester was asked. `None` where one was, and where the promise is not linearizability.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unconfirmed: Option<Unconfirmed>,
    /// The operation that saw a replaced value, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub late: Option<Late>,
    /// Some sentences for people. Operations go by their numbers, the first of [`Witness::operations`] is 1.
    pub explanation: String,
}

/// Whether an independent tester rejects a witness too, or why it was not asked.
pub(crate) type Confirmation = Result<bool, Unconfirmed>;

/// Why no independent tester was asked about a witness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unconfirmed {
    /// The witness has more operations than a tester is given.
    ManyOperations,
    /// It has with the operations around it that could make a difference.
    ManyAround,
    /// The operations contradict one another only together with what others were answered, and a tester
    /// is not given that.
    OtherAnswers,
    /// The object may have been in too many states before them.
    ManyStates,
    /// To find what could make a difference took too long.
    TooLong,
}

impl Unconfirmed {
    /// The reason in words.
    pub fn reason(self) -> &'static str {
        match self {
            Unconfirmed::ManyOperations => "these are more than eight operations",
            Unconfirmed::ManyAround => {
                "with the relevant operations around them, these are more than eight"
            }
            Unconfirmed::OtherAnswers => {
                "these operations contradict one another only together with the answers of others, \
                 which it is not given"
            }
            Unconfirmed::ManyStates => "too many states are possible before these operations",
            Unconfirmed::TooLong => {
                "the search for other explanations of these operations took too long"
            }
        }
    }
}

/// An operation that saw an old value although a newer one was there before it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Late {
    /// The place of the operation in [`Witness::operations`].
    pub read: usize,
    /// The place of the one that shows the newer value.
    pub newer: usize,
}

/// Why one operation of a witness comes before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Edge {
    /// The place of the earlier operation in [`Witness::operations`].
    pub from: usize,
    /// The place of the later one.
    pub to: usize,
    /// What makes the one come before the other.
    pub why: Why,
}

/// Why one operation comes before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// It was over before the other one began.
    RealTime,
    /// The other one saw what it wrote.
    ReadFrom,
}

/// An operation of a [`Witness`].
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct WitnessOperation {
    /// The index of its invocation.
    pub invoke_index: u64,
    /// The index of its completion, if it has one.
    pub complete_index: Option<u64>,
    /// Its process.
    pub process: u64,
    /// Its client.
    pub client: String,
    /// Its function.
    pub f: F,
    /// The function as the history names it.
    pub name: &'static str,
    /// What it was given, or what a read returned; of a compare-and-set, what it wrote. Nothing if it
    /// was given nothing, or returned nothing.
    pub value: Option<Datum>,
    /// What a compare-and-set expected.
    pub expected: Option<Datum>,
    /// What any other operation that was given something, or takes something out, was answered.
    pub answer: Option<Datum>,
    /// When it was invoked, in nanoseconds of the run.
    pub invoke_ns: u64,
    /// When it was completed, in nanoseconds of the run.
    pub complete_ns: Option<u64>,
    /// How it ended.
    pub outcome: Outcome,
    /// Whether it is a compare-and-set that was refused.
    pub refused: bool,
    /// The replica that answered it, or was asked.
    pub node: Option<String>,
}

impl WitnessOperation {
    /// An operation of a history, as it is shown.
    pub fn of(history: &History, operation: &Operation) -> Self {
        Self::new(history, operation)
    }

    pub(crate) fn new(history: &History, operation: &Operation) -> Self {
        let some = |value| (value != Value::NIL).then(|| history.value(value));
        let is_ok = operation.outcome == Outcome::Ok;
        let (value, expected, answer) = match operation.f {
            F::Get => (is_ok.then(|| history.value(operation.result)), None, None),
            F::Cas => {
                let (new, old) = (operation.argument, operation.result);
                (Some(history.value(new)), Some(history.value(old)), None)
            }
            F::Put | F::Append => (Some(history.value(operation.argument)), None, None),
            F::Dequeue | F::Pop | F::DeleteMin => {
                (None, None, is_ok.then(|| history.value(operation.result)))
            }
            // An answer that repeats what was given says nothing.
            _ if operation.result == operation.argument => (some(operation.argument), None, None),
            _ => (some(operation.argument), None, some(operation.result)),
        };
        WitnessOperation {
            invoke_index: operation.invoke_index(),
            complete_index: operation.complete_index(),
            process: history.process(operation),
            client: history.client(operation).to_owned(),
            f: operation.f,
            name: history.name(operation.f),
            value,
            expected,
            answer,
            invoke_ns: operation.invoke_ns,
            complete_ns: operation.complete_ns(),
            outcome: operation.outcome,
            refused: operation.refused,
            node: history.node(operation).map(str::to_owned),
        }
    }
}

impl Witness {
    /// A witness of these operations, in order of invocation.
    pub(crate) fn new(
        history: &History,
        anomaly: Anomaly,
        core: &[&Operation],
        minimal: bool,
        explanation: String,
    ) -> Self {
        Witness {
            key: core.first().map(|op| history.key_text(op.key)).unwrap_or_default(),
            anomaly,
            operations: core.iter().map(|op| WitnessOperation::new(history, op)).collect(),
            edges: edges(core),
            minimal,
            confirmed: None,
            unconfirmed: None,
            late: None,
            explanation,
        }
    }

    /// Notes what an independent tester said, or why none was asked.
    pub(crate) fn note(&mut self, confirmation: Confirmation) {
        self.confirmed = confirmation.ok();
        self.unconfirmed = confirmation.err();
    }
}

/// How much a witness asks of its reader. Of two the smaller is shown: the one with fewer operations,
/// then the one whose first and last event are closer together, then the earlier. An operation
/// that is open ends with its invocation, since its completion is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Size {
    operations: usize,
    span: u64,
    begin: u64,
}

impl Size {
    /// Of operations from and to these events.
    fn of(events: impl Iterator<Item = (u64, Option<u64>)>) -> Self {
        let (mut operations, mut begin, mut end) = (0, u64::MAX, 0);
        for (invoke, complete) in events {
            operations += 1;
            begin = begin.min(invoke);
            end = end.max(complete.unwrap_or(invoke));
        }
        Size { operations, span: end.saturating_sub(begin), begin }
    }

    #[cfg(test)]
    pub(crate) fn operations(&self) -> usize {
        self.operations
    }

    /// Of those of the calls at these positions.
    pub(crate) fn of_calls<O>(calls: &[Call<O>], positions: &[u32]) -> Self {
        let calls = positions.iter().map(|&at| &calls[at as usize]);
        Size::of(calls.map(|call| (call.invoke.into(), call.complete.map(u64::from))))
    }

    /// Of those of the operations at these positions.
    pub(crate) fn of_operations(operations: &[&Operation], positions: &[u32]) -> Self {
        let operations = positions.iter().map(|&at| operations[at as usize]);
        Size::of(operations.map(|op| (op.invoke_index(), op.complete_index())))
    }

    /// Of these operations.
    pub(crate) fn of_all(operations: &[&Operation]) -> Self {
        Size::of(operations.iter().map(|op| (op.invoke_index(), op.complete_index())))
    }

    /// Of a witness. One that has no operations says least.
    pub(crate) fn of_witness(witness: &Witness) -> Self {
        let operations = witness.operations.iter();
        let size = Size::of(operations.map(|op| (op.invoke_index, op.complete_index)));
        let operations = if size.operations == 0 { usize::MAX } else { size.operations };
        Size { operations, ..size }
    }
}

/// Operations of larger witnesses are not joined by edges: so many are of no use.
const MOST_WITH_EDGES: usize = 48;

fn edges(core: &[&Operation]) -> Vec<Edge> {
    if core.len() > MOST_WITH_EDGES {
        return Vec::new();
    }
    let before = |one: &Operation, other: &Operation| one.complete < other.invoke;
    let mut edges = Vec::new();
    for (from, one) in core.iter().enumerate() {
        for (to, other) in core.iter().enumerate() {
            let is_direct = || !core.iter().any(|via| before(one, via) && before(via, other));
            if before(one, other) && is_direct() {
                edges.push(Edge { from, to, why: Why::RealTime });
            }
            if from != to && is_seen(one, other) {
                edges.push(Edge { from, to, why: Why::ReadFrom });
            }
        }
    }
    edges
}

/// Whether the second operation saw the value that the first one put there.
fn is_seen(write: &Operation, read: &Operation) -> bool {
    let gives = !write.refused && write.argument != Value::NIL && !write.f.takes_nothing();
    let saw =
        (read.f.only_asks() || read.f == F::Cas) && read.outcome == Outcome::Ok && !read.refused;
    gives && saw && write.key == read.key && write.argument == read.result
}
