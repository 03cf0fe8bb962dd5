//! `pause`: SIGSTOP, and SIGCONT after a time.

use super::{Act, Step, each};
use crate::ids::NodeId;
use crate::scenario::Parameters;

/// All stand still together.
pub fn script(parameters: &Parameters, targets: &[NodeId]) -> Vec<Step> {
    let stop = each(targets, Act::Stop);
    let wait = Step::Wait(parameters.duration());
    stop.chain([wait]).chain(each(targets, Act::Continue)).collect()
}
