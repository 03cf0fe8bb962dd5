//! `pause`: SIGSTOP, and SIGCONT after a time.

use std::time::Duration;

use super::{Act, Situation, Step, each, partition, shape};
use crate::fault::{Direction, Parameters};
use crate::ids::NodeId;

/// A replica that was cut off answers what waits for it before it hears how the others went on.
const STILL_CUT_OFF: Duration = Duration::from_millis(30);

/// All stand still together; with `cut_off` what is sent to them meanwhile does not wait for them, as
/// it would in their sockets, but is lost, as it is for a machine that is suspended.
pub fn script(parameters: &Parameters, targets: &[NodeId], situation: &Situation<'_>) -> Vec<Step> {
    let stop = each(targets, Act::Stop);
    let wait = Step::Wait(parameters.duration());
    let steps = stop.chain([wait]).chain(each(targets, Act::Continue));
    if parameters.cut_off != Some(true) {
        return steps.collect();
    }
    let others = situation.replicas.iter().copied().filter(|id| !targets.contains(id));
    let sides = [others.collect(), targets.to_vec()];
    let cut = partition::cut(&shape::between(sides, Direction::Both));
    let heal = [Step::Wait(STILL_CUT_OFF), Step::Do(Act::Lift)];
    std::iter::once(cut).chain(steps).chain(heal).collect()
}
