//! Few operations of a counter that contradict one another ([`strike`](crate::objects::exact::strike)).

use std::cell::Cell;

use super::sweep::{self, Misfit, Sweep};
use super::{Decision, History, Op, Signs, decide};
use crate::budget::{Budget, Meter};
use crate::model::Call;
use crate::objects::exact::shrink::nearby;
use crate::objects::exact::strike::Striking;
use crate::objects::exact::{Anomaly, Refutation, Scope};
use crate::witness::Size;

/// The most steps of one trial.
const MOST_STEPS: u64 = 20_000;

/// The most operations that are shown where few were not found.
const MOST_SHOWN: usize = 12;

/// The contradiction of calls that have no order.
pub(super) fn refute(initial: i128, calls: &[Call<Op>], budget: Budget<'_>) -> Refutation {
    let budget = Budget { steps: budget.steps.min(MOST_STEPS), ..budget };
    let contradicts = |any: bool, calls: &[Call<Op>]| match decide(
        (!any).then_some(initial),
        calls,
        &mut Meter::new(budget),
    ) {
        Decision::Impossible => Some(true),
        Decision::Order(_) => Some(false),
        Decision::Unknown(_) => None,
    };
    let strike = |op: &Op| match *op {
        Op::Read(_) => None,
        Op::Add(amount) | Op::AddAndGet { amount, .. } => Some(Op::Add(amount)),
    };
    let size = |kept: &[u32]| Size::of_calls(calls, kept);
    let (strike, contradicts, size) = (&strike, &contradicts, &size);
    let (stop, work) = (budget.stop, Cell::default());
    let striking = Striking { calls, strike, contradicts, size, stop, work };
    let core = striking.core();
    let Some(core) = core.filter(|core| core.is_minimal || core.positions.len() <= MOST_SHOWN)
    else {
        let is_impossible = |calls: &[Call<Op>]| contradicts(false, calls) == Some(true);
        return Refutation::nearby(nearby(calls, MOST_SHOWN, stop, &mut { is_impossible }));
    };
    let initial = core.start.is_none().then_some(initial);
    Refutation {
        anomaly: anomaly(initial, calls, &core.positions, core.until),
        scope: if core.start.is_some() { Scope::InAnyState } else { Scope::WithOthers },
        from: core.start,
        positions: core.positions,
        is_minimal: core.is_minimal,
        until: core.until,
    }
}

/// What is wrong between some operations, while others may have taken effect at any time.
fn anomaly(initial: Option<i128>, calls: &[Call<Op>], kept: &[u32], until: u32) -> Anomaly {
    let kept = |at: u32| kept.binary_search(&at).is_ok();
    let begin = (0u32..).zip(calls).filter(|&(at, _)| kept(at)).map(|(_, call)| call.invoke).min();
    let struck = |(at, call): (u32, &Call<Op>)| match call.op {
        _ if call.invoke >= until => None,
        _ if kept(at) => {
            Some(Call { complete: call.complete.filter(|&end| end <= until), ..call.clone() })
        }
        _ if initial.is_none() && call.complete <= begin => None,
        Op::Read(_) => None,
        Op::Add(amount) | Op::AddAndGet { amount, .. } => {
            Some(Call { op: Op::Add(amount), invoke: 0, complete: None })
        }
    };
    let struck: Vec<Call<Op>> = (0u32..).zip(calls).filter_map(struck).collect();
    let Some(mut history) = History::new(initial, &struck) else { return Anomaly::NotLinearizable };
    match history.signs() {
        Signs::Both if history.fixed.len() <= MOST_SHOWN && !history.is_within_bounds() => {
            return Anomaly::OutOfBounds;
        }
        Signs::Both => return Anomaly::NotLinearizable,
        Signs::Down => history = history.negated(),
        Signs::Up => {}
    }
    match sweep::sweep(&mut history) {
        Sweep::Refuted(Misfit::TooLow) => Anomaly::StaleRead,
        Sweep::Refuted(Misfit::TooHigh) => Anomaly::OutOfBounds,
        _ => Anomaly::NotLinearizable,
    }
}
