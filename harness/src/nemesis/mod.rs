//! Faults: what a planned fault means once its time has come.
//!
//! Roles ("the leader") are resolved when the fault strikes. One file per fault; each is a pure
//! function from what is known then to a [`Strike`], which the dispatcher carries out.

mod kill;
mod partition;

use std::collections::BTreeSet;

use crate::ids::NodeId;
use crate::plan::PlannedFault;
use crate::scenario::FaultKind;

/// What is known when a fault is to strike.
#[derive(Clone, Debug)]
pub struct Situation<'a> {
    /// All replicas, in order.
    pub replicas: &'a [NodeId],
    /// Those that live.
    pub alive: &'a BTreeSet<NodeId>,
    /// The one believed to lead; a living one.
    pub leader: Option<NodeId>,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Strike {
    /// SIGKILL for good.
    Kill(NodeId),
    /// No message crosses between the sides; the first is the majority.
    Partition([Vec<NodeId>; 2]),
    /// All links carry again.
    Heal,
}

/// Why a fault cannot strike now; it may later.
pub type Obstacle = &'static str;

/// What `fault` means in this situation.
pub fn resolve(fault: &PlannedFault, situation: &Situation<'_>) -> Result<Strike, Obstacle> {
    match fault.kind {
        FaultKind::KillLeader => kill::leader(situation),
        FaultKind::KillNonLeader => kill::non_leader(situation, fault.draw),
        FaultKind::PartEasy => partition::easy(situation, fault.draw),
        FaultKind::PartHard => Ok(partition::hard(situation, fault.draw)),
        FaultKind::PartEnd => Ok(Strike::Heal),
    }
}
