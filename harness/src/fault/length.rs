//! How long faults last, for the planning of what comes after them.

use std::time::Duration;

use super::{FaultKind, Parameters, PartitionShape};
use crate::limits;

/// How long a fault lasts, more or less.
pub fn expected_length(kind: FaultKind, parameters: &Parameters) -> Duration {
    match kind {
        FaultKind::IsolateLeaders => isolation(parameters),
        _ => parameters.duration(),
    }
}

/// Whether its first partition cuts off the leader.
pub fn begins_with_the_leader(parameters: &Parameters) -> bool {
    let shape = parameters.shape.unwrap_or(PartitionShape::Leader);
    matches!(shape, PartitionShape::Leader | PartitionShape::LeaderMinority)
}

/// How many new leaders are cut off.
pub fn times(parameters: &Parameters) -> u64 {
    parameters.times.unwrap_or(1)
}

/// How long all stays as it is after the last election of the script: no elected replica is cut
/// off, and it has this time with the replicas that see it; or one more is elected.
pub fn aftermath(parameters: &Parameters) -> Duration {
    if times(parameters) == 0 { lag(parameters) } else { limits::USUAL_ELECTION }
}

/// How long after its election, at most, a new leader is cut off.
pub fn lag(parameters: &Parameters) -> Duration {
    Duration::from_millis(parameters.lag_ms.unwrap_or(0))
}

/// About how long one lasts, for the planning of what comes after it.
fn isolation(parameters: &Parameters) -> Duration {
    let first =
        if begins_with_the_leader(parameters) { Duration::ZERO } else { parameters.duration() };
    let elections = u32::try_from(times(parameters)).unwrap_or(u32::MAX).max(1);
    first + limits::USUAL_ELECTION.saturating_mul(elections) + aftermath(parameters)
}
