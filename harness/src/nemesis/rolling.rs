//! `rolling`: a restart of one after the other, as a new version is brought out.

use super::{Step, restart};
use crate::fault::Parameters;
use crate::ids::NodeId;

/// Each as soon as the one before has connected again.
pub fn script(parameters: &Parameters, targets: &[NodeId]) -> Vec<Step> {
    targets.iter().flat_map(|&id| restart::script(parameters, &[id])).collect()
}
