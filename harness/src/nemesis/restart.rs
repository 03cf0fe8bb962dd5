//! `restart`: asked to end, made to end if it does not, and started again.

use std::time::Duration;

use super::{Act, Step, crash, each};
use crate::fault::Parameters;
use crate::ids::NodeId;

/// All together.
pub fn script(parameters: &Parameters, targets: &[NodeId]) -> Vec<Step> {
    let deadline = Duration::from_millis(parameters.deadline_ms.unwrap_or(0));
    let mut steps: Vec<Step> = each(targets, Act::Terminate).collect();
    steps.extend(targets.iter().map(|&id| Step::UntilGone(id, deadline)));
    steps.extend(each(targets, Act::Kill));
    steps.extend(crash::down_and_up(parameters, targets));
    steps
}
