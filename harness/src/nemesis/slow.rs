//! `slow`: a starved process gets its turns too seldom.

use std::time::Duration;

use super::{Act, Step, each};
use crate::fault::Parameters;
use crate::ids::NodeId;

/// Rounds of standing still and going on.
pub fn script(parameters: &Parameters, targets: &[NodeId]) -> Vec<Step> {
    let period = Duration::from_millis(parameters.period_ms.unwrap_or(0));
    let stopped = period.mul_f64(parameters.stopped.unwrap_or(0.0));
    let mut steps: Vec<Step> = each(targets, Act::Stop).collect();
    steps.push(Step::Wait(stopped));
    steps.extend(each(targets, Act::Continue));
    steps.push(Step::Wait(period.saturating_sub(stopped)));
    steps.push(Step::RepeatFor(parameters.duration()));
    steps
}
