//! `clock`: the wall clock jumps, and back after a time.

use super::{Act, Step, each};
use crate::fault::Parameters;
use crate::ids::NodeId;

/// All targets at once, by the same.
pub fn script(parameters: &Parameters, targets: &[NodeId]) -> Vec<Step> {
    let by = parameters.by.unwrap_or_default();
    let mut steps: Vec<Step> = each(targets, |id| Act::SetClock(id, by)).collect();
    steps.push(Step::Wait(parameters.duration()));
    steps.extend(each(targets, |id| Act::SetClock(id, 0.0)));
    steps
}
