//! What a run leaves, whichever world it took place in.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::RunError;
use crate::journal::ended::EndedOperations;
use crate::plan::Plan;
use crate::record::{HostRecord, Interference, ReplicaRecord, RunRecord};
use crate::run::machine::Outcome;

/// What the world itself saw of a run.
pub(super) struct Ended {
    pub(super) replicas: Vec<ReplicaRecord>,
    pub(super) interference: BTreeSet<Interference>,
    pub(super) notes: Vec<String>,
    pub(super) host: HostRecord,
    pub(super) duration: Duration,
}

impl Ended {
    /// The same together with what the state machine saw, and the operations that ended meanwhile.
    pub(super) fn record(
        self,
        plan: Arc<Plan>,
        outcome: Outcome,
        ended: EndedOperations,
    ) -> Result<RunRecord, RunError> {
        let traffic = outcome.traffic;
        let operations = ended
            .into_all(outcome.operations)
            .map_err(RunError::system("reading the operations of the run again"))?;
        Ok(RunRecord {
            replicas: self.replicas,
            scenario: Arc::new(plan.scenario.clone()),
            plan,
            operations,
            recovery: outcome.recovery,
            requests: outcome.requests,
            messages: traffic.messages,
            faults: outcome.faults,
            leaders: traffic.leaders,
            leadership_claims: traffic.leadership_claims,
            durability: traffic.durability,
            sightings: traffic.sightings,
            states: outcome.states,
            violations: traffic.protocol.violations,
            interference: self.interference,
            checks: Vec::new(),
            protocol_warnings: traffic.protocol.warnings,
            notes: self.notes.into_iter().chain(traffic.log_problem).collect(),
            host: self.host,
            end: outcome.end,
            duration: self.duration,
        })
    }
}
