//! `crash`: SIGKILL, and started again after a time, with or without its data.

use super::{Act, Step, each};
use crate::fault::Parameters;
use crate::ids::NodeId;
use crate::limits;

/// All go down, and come up, together.
pub fn script(parameters: &Parameters, targets: &[NodeId]) -> Vec<Step> {
    let mut steps: Vec<Step> = each(targets, Act::Kill).collect();
    steps.extend(down_and_up(parameters, targets));
    steps
}

/// From the death of the targets to their new connection.
pub(super) fn down_and_up(parameters: &Parameters, targets: &[NodeId]) -> Vec<Step> {
    let mut steps = gone(targets);
    steps.push(Step::Wait(parameters.duration()));
    if parameters.keep_data == Some(false) {
        steps.extend(each(targets, Act::Wipe));
    }
    steps.extend(each(targets, Act::Start));
    steps.extend(targets.iter().map(|&id| Step::UntilConnected(id, limits::CONNECT_DEADLINE)));
    steps
}

/// Until all targets have ended.
pub(super) fn gone(targets: &[NodeId]) -> Vec<Step> {
    targets.iter().map(|&id| Step::UntilGone(id, limits::REAP_DEADLINE)).collect()
}
