//! `disk`: something happens to the data directory of a stopped replica.

use super::{Act, Step, crash, each};
use crate::fault::{DiskFault, Parameters};
use crate::ids::NodeId;

/// All together.
pub fn script(parameters: &Parameters, targets: &[NodeId]) -> Vec<Step> {
    let disk_fault = parameters.disk_fault.unwrap_or(DiskFault::Truncate);
    let mut steps = Vec::new();
    let mut parameters = parameters.clone();
    if disk_fault == DiskFault::OldCopy {
        // The copy ages in the first half, the replica is down in the second.
        parameters.duration_ms = parameters.duration_ms.map(|ms| ms / 2);
        steps.extend(each(targets, Act::Copy));
        steps.push(Step::Wait(parameters.duration()));
    }
    steps.extend(each(targets, Act::Kill));
    steps.extend(crash::gone(targets));
    steps.extend(each(targets, |id| Act::DamageDisk(id, disk_fault)));
    if disk_fault.passes() {
        steps.extend(each(targets, Act::Start));
        steps.push(Step::Wait(parameters.duration()));
        steps.extend(each(targets, Act::Kill));
        steps.extend(crash::gone(targets));
        steps.extend(each(targets, Act::RepairDisk));
        parameters.duration_ms = Some(0);
    }
    steps.extend(crash::down_and_up(&parameters, targets));
    steps
}
