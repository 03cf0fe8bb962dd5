//! Witnesses: a small set of operations that cannot all be true.
//!
//! An operation is *struck* from a history by forgetting when it happened: a read is dropped, and
//! what may change the state stays as an operation that may take effect at any time or never.
//! Striking never makes a linearizable history contradictory, unlike leaving out a write, whose
//! readers would then hold a value from nowhere. So a set of operations that contradict one
//! another with all others struck is a proof, and it is minimal when none of it can be struck.

use crate::budget::Budget;
use crate::event::F;
use crate::history::{History, Operation, Outcome};
use crate::model::{Call, Model};
use crate::search::{self, Answer};

/// What kind of contradiction it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A read returned a value that had been replaced before the read began.
    StaleRead,
    /// A write was acknowledged, and every later read saw what was there before it.
    LostWrite,
    /// A read returned a value that nobody wrote.
    ValueFromNowhere,
    /// A read returned a value before its write began.
    ReadFromTheFuture,
    /// One operation took effect twice.
    DoubleApply,
    /// Readers saw values come back in turns, as from two copies of the state.
    SplitState,
    /// No order of the operations gives their answers, in none of the ways above.
    NoOrder,
}

impl Kind {
    /// The kind in words.
    pub fn name(self) -> &'static str {
        match self {
            Kind::StaleRead => "stale read",
            Kind::LostWrite => "lost write",
            Kind::ValueFromNowhere => "value from nowhere",
            Kind::ReadFromTheFuture => "read from the future",
            Kind::DoubleApply => "double apply",
            Kind::SplitState => "split state",
            Kind::NoOrder => "no order",
        }
    }
}

/// The operations that contradict one another, and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Witness {
    /// The key they work on.
    pub key: String,
    /// The kind of contradiction.
    pub kind: Kind,
    /// The operations, by invocation. Alone they are not linearizable, and for a writer left out
    /// they would be with it (see the module's words on striking).
    pub operations: Vec<WitnessOperation>,
    /// Whether striking any one of them was shown to resolve the contradiction.
    pub minimal: bool,
    /// One or two sentences for people: key, operations, and when they happened.
    pub explanation: String,
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
    /// What it wrote or read; for a compare-and-set, what it wrote.
    pub value: Option<String>,
    /// What a compare-and-set expected.
    pub expected: Option<String>,
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
    pub(crate) fn new(history: &History, operation: &Operation) -> Self {
        let text = |value| history.value(value).to_owned();
        let value = match (operation.f, operation.outcome) {
            (F::Get, Outcome::Ok) => Some(text(operation.result)),
            (F::Get, _) => None,
            _ => Some(text(operation.argument)),
        };
        WitnessOperation {
            invoke_index: operation.invoke_index(),
            complete_index: operation.complete_index(),
            process: history.process(operation),
            client: history.client(operation).to_owned(),
            f: operation.f,
            value,
            expected: (operation.f == F::Cas).then(|| text(operation.result)),
            invoke_ns: operation.invoke_ns,
            complete_ns: operation.complete_ns(),
            outcome: operation.outcome,
            refused: operation.refused,
            node: history.node(operation).map(str::to_owned),
        }
    }
}

/// The most steps that one trial of the minimization may take.
const STEPS_PER_TRIAL: u64 = 10_000;

/// Of `calls`, which are not linearizable, the positions of a small set that is not either with
/// all others struck; and whether it is minimal.
///
/// The earliest operations that contradict one another are found by bisection, since keeping more
/// never helps. Of those, delta debugging (Zeller and Hildebrandt, 2002) strikes halves first,
/// then ever smaller parts, down to single operations.
pub(crate) fn minimize<M: Model>(
    model: &M,
    calls: &[Call<M::Op>],
    budget: Budget<'_>,
) -> (Vec<u32>, bool) {
    let mut budget = budget;
    budget.steps = budget.steps.min(STEPS_PER_TRIAL);
    let contradicts = |kept: &[u32]| -> Option<bool> {
        match search::linearize(model, &strike(model, calls, kept), budget).answer {
            Answer::NotLinearizable => Some(true),
            Answer::Linearizable(_) => Some(false),
            Answer::GivenUp(_) => None,
        }
    };
    let all: Vec<u32> = (0u32..).zip(calls).map(|(position, _)| position).collect();
    let (mut too_few, mut enough) = (0, all.len());
    while enough - too_few > 1 {
        let middle = usize::midpoint(too_few, enough);
        if contradicts(&all[..middle]) == Some(true) {
            enough = middle;
        } else {
            too_few = middle;
        }
    }
    let mut kept = all[..enough].to_vec();
    let mut chunk = kept.len().div_ceil(2);
    loop {
        let mut certain = true;
        let mut shrunk = false;
        let mut end = kept.len();
        while end > 0 && !(budget.stop)() {
            let start = end.saturating_sub(chunk);
            let fewer = [&kept[..start], &kept[end..]].concat();
            match contradicts(&fewer) {
                Some(true) => {
                    kept = fewer;
                    shrunk = true;
                }
                answer => certain &= answer.is_some(),
            }
            end = start;
        }
        if (budget.stop)() {
            return (kept, false);
        }
        if chunk == 1 && !shrunk {
            return (kept, certain);
        }
        chunk = chunk.div_ceil(2).min(kept.len().div_ceil(2)).max(1);
    }
}

/// The calls with all but `kept`, in increasing order, struck.
fn strike<M: Model>(model: &M, calls: &[Call<M::Op>], kept: &[u32]) -> Vec<Call<M::Op>> {
    let mut kept = kept.iter().peekable();
    let mut struck = Vec::with_capacity(calls.len());
    for (position, call) in (0u32..).zip(calls) {
        if kept.next_if_eq(&&position).is_some() {
            struck.push(call.clone());
        } else if !model.is_read_only(&call.op) {
            struck.push(Call { op: call.op.clone(), invoke: 0, complete: None });
        }
    }
    struck
}
