//! What operations are called on the wire: where Maelstrom has a workload, in its words; elsewhere by the same rules.

use checker::Datum;

use crate::op::F;
use crate::workload::WorkloadName;

/// One operation on the wire. The type of its reply is that of the request with `_ok` behind it.
#[derive(Clone, Copy, Debug)]
pub struct Words {
    /// The type of the request.
    pub request: &'static str,
    /// The field of what is given, if it is one value.
    pub argument: &'static str,
    /// The field of what is answered.
    pub answer: Option<&'static str>,
    /// What the answer must be.
    pub shape: Shape,
}

/// What an answer must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Anything.
    Any,
    /// Anything but nil.
    Something,
    /// A list.
    List,
    /// A whole number.
    Whole,
    /// An object.
    Map,
}

impl Shape {
    /// What is wrong with a value, if it is not this.
    pub fn problem(self, value: &Datum) -> Option<&'static str> {
        if self == Self::Something && value.is_nil() {
            return Some("null");
        }
        match (self, value) {
            (Self::Any | Self::Something, _)
            | (Self::List, Datum::List(_))
            | (Self::Whole, Datum::Integer(_))
            | (Self::Map, Datum::Map(_)) => None,
            (Self::List, _) => Some("no list"),
            (Self::Whole, _) => Some("no whole number"),
            (Self::Map, _) => Some("no object"),
        }
    }
}

/// The words for a function of a workload.
pub fn of(workload: WorkloadName, f: F) -> Words {
    use WorkloadName::{Bank, Broadcast, Counter, GCounter, GSet, Lists, PnCounter, Set};
    let silent = |request, argument| Words { request, argument, answer: None, shape: Shape::Any };
    let answers =
        |request, argument, answer, shape| Words { request, argument, answer: Some(answer), shape };
    match (f, workload) {
        (F::Add, Broadcast) => silent("broadcast", "message"),
        (F::Get, Broadcast) => answers("read", "", "messages", Shape::List),
        (F::Add, Counter | GCounter | PnCounter) => silent("add", "delta"),
        (F::Get, Counter | GCounter | PnCounter) => answers("read", "", "value", Shape::Whole),
        (F::Get, Set | GSet | Lists) => answers("read", "", "value", Shape::List),
        (F::Get, Bank) => answers("read", "", "balances", Shape::Something),
        (F::Get, _) => answers("read", "", "value", Shape::Any),
        (F::Add, _) => silent("add", "element"),
        (F::Put, _) => silent("write", "value"),
        (F::Cas, _) => silent("cas", "value"),
        (F::Append, _) => silent("append", "element"),
        (F::Echo, _) => answers("echo", "echo", "echo", Shape::Any),
        (F::Generate, _) => answers("generate", "", "id", Shape::Something),
        (F::Enqueue, _) => silent("enqueue", "element"),
        (F::Push, _) => silent("push", "element"),
        (F::Insert, _) => silent("insert", "element"),
        (F::Dequeue, _) => answers("dequeue", "", "element", Shape::Any),
        (F::Pop, _) => answers("pop", "", "element", Shape::Any),
        (F::DeleteMin, _) => answers("delete_min", "", "element", Shape::Any),
        (F::Drain, _) => answers("drain", "", "elements", Shape::List),
        (F::Acquire, WorkloadName::FencedLock) => answers("acquire", "", "token", Shape::Whole),
        (F::Acquire, _) => silent("acquire", "ms"),
        (F::Renew, _) => silent("renew", "ms"),
        (F::Release, _) => silent("release", ""),
        (F::Transfer, _) => silent("transfer", ""),
        (F::Send, _) => answers("send", "msg", "offset", Shape::Whole),
        (F::Poll, _) => answers("poll", "offsets", "msgs", Shape::Map),
        (F::Commit, _) => silent("commit_offsets", "offsets"),
        (F::Committed, _) => answers("list_committed_offsets", "keys", "offsets", Shape::Map),
    }
}
