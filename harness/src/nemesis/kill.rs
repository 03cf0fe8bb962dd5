//! `kill_leader`, `kill_non_leader`: SIGKILL, for good.

use super::{Obstacle, Situation, Strike};
use crate::ids::NodeId;
use crate::seed::{self, Seed};

/// The one believed to lead.
pub fn leader(situation: &Situation<'_>) -> Result<Strike, Obstacle> {
    situation.leader.map(Strike::Kill).ok_or("no leader was known")
}

/// A random living one that is not believed to lead.
pub fn non_leader(situation: &Situation<'_>, draw: Seed) -> Result<Strike, Obstacle> {
    let leader = situation.leader.ok_or("no leader was known")?;
    let others: Vec<NodeId> =
        situation.alive.iter().copied().filter(|&replica| replica != leader).collect();
    if others.is_empty() {
        return Err("nobody but the leader was alive");
    }
    Ok(Strike::Kill(others[seed::index(draw.draw(0), others.len())]))
}
