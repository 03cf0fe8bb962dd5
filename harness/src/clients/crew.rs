//! The clients of a run, whichever they are.

use std::sync::Arc;
use std::time::Duration;

use super::callers::Callers;
use super::pool::{Effect, Pool, View, Wake};
use super::requests::OperationIndex;
use crate::ids::NodeId;
use crate::network::rules::FaultId;
use crate::op::{Completion, OperationRecord, RecoveryOperation, RequestCounts};
use crate::plan::Plan;

/// The clients of a run.
#[expect(clippy::large_enum_variant, reason = "a run has one")]
pub enum Crew {
    /// Those that speak the course's protocol.
    Course(Pool),
    /// Those of any other workload.
    Callers(Callers),
}

/// Hands a call to whichever clients there are.
macro_rules! either {
    ($crew:expr, $clients:ident => $call:expr) => {
        match $crew {
            Crew::Course($clients) => $call,
            Crew::Callers($clients) => $call,
        }
    };
}

impl Crew {
    /// The clients of `plan`.
    pub fn new(plan: Arc<Plan>) -> Self {
        match Callers::new(Arc::clone(&plan)) {
            Some(callers) => Self::Callers(callers),
            None => Self::Course(Pool::new(plan)),
        }
    }

    /// The course's clients, if these are they.
    pub fn course(&mut self) -> Option<&mut Pool> {
        match self {
            Self::Course(pool) => Some(pool),
            Self::Callers(_) => None,
        }
    }

    /// What is to be done now, in order.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        either!(self, it => it.take_effects())
    }

    /// The clients' ids.
    pub fn ids(&self) -> &[NodeId] {
        either!(self, it => it.ids())
    }

    /// An operation by its index, which is in flight or has just ended.
    pub fn operation(&self, index: OperationIndex) -> &OperationRecord {
        either!(self, it => it.operation(index))
    }

    /// Something that was asked for with [`Effect::WakeAt`] is due.
    pub fn wake(&mut self, wake: Wake, view: View<'_>) {
        either!(self, it => it.wake(wake, view));
    }

    /// How an operation ended. The course's clients learn that by messages.
    pub fn completed(&mut self, index: OperationIndex, end: Completion, view: View<'_>) {
        if let Self::Callers(callers) = self {
            callers.completed(index, end, view);
        }
    }

    /// An operation had no effect where it was asked: another node is to be asked, this one if it is told.
    pub fn redirected(&mut self, index: OperationIndex, to: Option<NodeId>, view: View<'_>) {
        if let Self::Callers(callers) = self {
            callers.redirected(index, to, view);
        }
    }

    /// Whether an operation waits for [`Crew::completed`].
    pub fn awaits(&self, index: OperationIndex) -> bool {
        matches!(self, Self::Callers(callers) if callers.is_open(index))
    }

    /// Whether this client asked this operation; of one that ended long ago it is believed.
    pub fn was_asked(&self, index: OperationIndex, client: NodeId) -> bool {
        matches!(self, Self::Callers(callers) if callers.was_asked(index, client))
    }

    /// Whether an operation that ended lately was answered.
    pub fn was_done(&self, index: OperationIndex) -> bool {
        matches!(self, Self::Callers(callers) if callers.was_done(index))
    }

    /// The request phase is over and the faults are healed.
    pub fn recover(&mut self, view: View<'_>) {
        either!(self, it => it.recover(view));
    }

    /// Whether the operations after the healing are all answered.
    pub fn is_recovered(&self) -> bool {
        either!(self, it => it.is_recovered())
    }

    /// Whether some operation after the healing waits in vain.
    pub fn is_stalled(&self, now: crate::time::RunTime) -> bool {
        either!(self, it => it.is_stalled(now))
    }

    /// A partition begins: clients may have an affinity to its sides.
    pub fn part(&mut self, fault: FaultId, sides: &[Vec<NodeId>], leader: Option<NodeId>) {
        either!(self, it => it.part(fault, sides, leader));
    }

    /// It heals.
    pub fn heal(&mut self, fault: FaultId) {
        either!(self, it => it.heal(fault));
    }

    /// No client has an affinity any more.
    pub fn drop_affinity(&mut self) {
        either!(self, it => it.drop_affinity());
    }

    /// A fault that affects the leader lasts for so long, or has ended.
    pub fn probe_reads(&mut self, lasting: Duration, view: View<'_>) {
        if let Self::Course(pool) = self {
            pool.probe_reads(lasting, view);
        }
    }

    /// The run is over: what was open, what was asked after the healing, and the counts.
    pub fn finish(self) -> (Vec<OperationRecord>, Vec<RecoveryOperation>, RequestCounts) {
        either!(self, it => it.finish())
    }
}
