//! `kill`, `kill_leader`, `kill_non_leader`: SIGKILL, for good.

use super::{Act, Injection, Obstacle, Situation, Step, each, target};
use crate::fault::Target;
use crate::ids::NodeId;
use crate::seed::Seed;

/// All at once.
pub fn script(targets: &[NodeId]) -> Vec<Step> {
    each(targets, Act::KillForGood).collect()
}

/// The one believed to lead.
pub fn leader(situation: &Situation<'_>) -> Result<Injection, Obstacle> {
    resolve(Target::Leader, situation, Seed(0))
}

/// A random living one that is not believed to lead.
pub fn non_leader(situation: &Situation<'_>, draw: Seed) -> Result<Injection, Obstacle> {
    resolve(Target::Follower, situation, draw)
}

fn resolve(role: Target, situation: &Situation<'_>, draw: Seed) -> Result<Injection, Obstacle> {
    let targets = target::choose(Some(role), situation, draw)?;
    Ok(Injection { script: script(&targets), targets })
}
