//! What a few calls say by themselves.

use super::{NEVER, Sequence, SequenceOp, Symbol};
use crate::budget::Budget;
use crate::linearizable::search::{self, Answer};
use crate::model::{self, Call};

/// Steps for one set of calls: they are few.
const MOST_STEPS: u64 = 20_000;

/// Whether these calls, with all that their reads returned, have no order if nothing else was done.
pub(super) fn stands<S: Symbol>(sequence: Sequence<'_, '_, S>, positions: &[u32]) -> bool {
    let written = |&at: &u32| match sequence.op(at) {
        SequenceOp::Read(_) => 0,
        SequenceOp::Append(text) | SequenceOp::Put(text) => text.len(),
    };
    let most = sequence.initial.len() + positions.iter().map(written).sum::<usize>();
    let is_longer = |&at: &u32| {
        matches!(sequence.op(at), SequenceOp::Read(shown) if shown.len() > most)
            && sequence.complete(at) != NEVER
    };
    if positions.iter().any(is_longer) {
        return true;
    }
    let call = |&at: &u32| {
        let Call { op, invoke, complete } = sequence.calls[at as usize];
        let op = match op {
            SequenceOp::Read(shown) => model::SequenceOp::Get(shown.into()),
            SequenceOp::Append(text) => model::SequenceOp::Append(text.into()),
            SequenceOp::Put(text) => model::SequenceOp::Put(text.into()),
        };
        Call { op, invoke, complete }
    };
    let calls: Vec<_> = positions.iter().map(call).collect();
    let model = model::Sequence { initial: sequence.initial.into() };
    let budget = Budget { steps: MOST_STEPS, ..Budget::default() };
    search::linearize(&model, &calls, budget).answer == Answer::NotLinearizable
}
