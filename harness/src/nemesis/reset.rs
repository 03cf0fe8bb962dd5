//! `reset`: a connection is closed under the hands of its replica. Where a cut link is a black hole, of
//! of which the replica is not told, it learns of this at once: it reads the end of the connection.

use super::{Act, Step, each};
use crate::ids::NodeId;

/// All at once.
pub fn script(targets: &[NodeId]) -> Vec<Step> {
    each(targets, Act::Reset).collect()
}
