//! On the heels of faults: clients pinned to the sides of a partition, and reads that chase what a fault
//! may have changed.

use std::time::Duration;

use super::{Asking, Effect, Kind, Phase, Pool, Wake, World};
use crate::ids::NodeId;
use crate::limits;
use crate::network::rules::FaultId;
use crate::op::OpKind;
use crate::scenario::Clients;

impl Pool {
    /// A partition strikes: clients may be pinned to its sides.
    pub fn part(&mut self, fault: FaultId, sides: &[Vec<NodeId>], leader: Option<NodeId>) {
        if let Clients::Shared { pinned, count, .. } = self.plan.scenario.clients
            && pinned > 0.0
        {
            self.pins.part(fault, sides, leader, count, pinned);
        }
    }

    /// It heals.
    pub fn heal(&mut self, fault: FaultId) {
        self.pins.heal(fault);
    }

    /// All ask whom they like.
    pub fn unpin(&mut self) {
        self.pins.heal_all();
    }

    /// A fault struck the leader, and lasts for so long, or it ended: all are asked what they hold.
    pub fn chase(&mut self, lasting: Duration, world: World<'_>) {
        let Clients::Shared { chase, .. } = self.plan.scenario.clients else { return };
        if self.phase != Phase::Requests || chase.is_zero() {
            return;
        }
        let is_under_way = self.chase_until > world.now;
        self.chase_until = self.chase_until.max(world.now + lasting + chase);
        if !is_under_way {
            self.chase_on(world);
        }
    }

    pub(super) fn chase_on(&mut self, world: World<'_>) {
        if self.phase != Phase::Requests || world.now > self.chase_until {
            return;
        }
        let chaser = self.askers();
        for &replica in world.alive {
            let Kind::Shared(shared) = &self.kind else { return };
            let key = shared.recent_key(self.plan.routes.derive("chase").draw(self.chased));
            self.chased += 1;
            let Some(key) = key else { break };
            self.count_generated(OpKind::Get);
            self.invoke(chaser, OpKind::Get, key, None, Asking::Chasing(replica), world);
        }
        self.effects.push(Effect::WakeAt(world.now + limits::CHASE_INTERVAL, Wake::Chase));
    }
}
