//! Clients under faults: their affinity to the sides of a partition, and probe reads of what a fault
//! may have changed.

use std::time::Duration;

use super::{Asking, Effect, Kind, Phase, Pool, View, Wake};
use crate::ids::NodeId;
use crate::limits;
use crate::network::rules::FaultId;
use crate::op::F;
use crate::scenario::Clients;

impl Pool {
    /// A partition begins: clients may have an affinity to its sides.
    pub fn part(&mut self, fault: FaultId, sides: &[Vec<NodeId>], leader: Option<NodeId>) {
        self.affinity.part_among(&self.plan.scenario.clients, fault, sides, leader);
    }

    /// It heals.
    pub fn heal(&mut self, fault: FaultId) {
        self.affinity.heal(fault);
    }

    /// Every client uses any replica.
    pub fn drop_affinity(&mut self) {
        self.affinity.heal_all();
    }

    /// A fault that affects the leader lasts for so long, or has ended: probe reads go to all replicas.
    pub fn probe_reads(&mut self, lasting: Duration, view: View<'_>) {
        let Clients::Shared { probe_reads, .. } = self.plan.scenario.clients else { return };
        if self.phase != Phase::Requests || probe_reads.is_zero() {
            return;
        }
        let is_under_way = self.probe_until > view.now;
        self.probe_until = self.probe_until.max(view.now + lasting + probe_reads);
        if !is_under_way {
            self.probe(view);
        }
    }

    pub(super) fn probe(&mut self, view: View<'_>) {
        if self.phase != Phase::Requests || view.now > self.probe_until {
            return;
        }
        let prober = self.askers();
        for &replica in view.alive {
            let Kind::Shared(shared) = &self.kind else { return };
            let key = shared.recent_key(self.plan.routes.derive("chase").draw(self.probes));
            self.probes += 1;
            let Some(key) = key else { break };
            self.count_generated(F::Get);
            self.invoke(prober, F::Get, key, None, Asking::Probe(replica), view);
        }
        self.effects.push(Effect::WakeAt(view.now + limits::PROBE_READ_INTERVAL, Wake::ProbeReads));
    }
}
