//! Everything that the seed decides, drawn before the run starts.
//!
//! A run can be repeated from its `plan.json` alone: it holds the scenario, the seed, each fault with
//! its draw, and the clients' operations, listed for course clients and as seeded streams for
//! shared ones. What a draw *means* (which replica is "the leader") is settled when it is used.

pub mod operations;

use serde::{Deserialize, Serialize};

use crate::ids::NodeId;
use crate::scenario::{FaultKind, Scenario};
use crate::seed::Seed;
use crate::time::RunTime;
pub use operations::{OperationPlan, PlannedRequest};

/// The version of the shape of `plan.json`.
pub const SCHEMA: u32 = 1;

/// What the seed decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The version of this shape.
    pub schema: u32,
    /// The harness that drew it.
    pub version: String,
    /// What everything was drawn from.
    pub seed: Seed,
    /// What was asked for.
    pub scenario: Scenario,
    /// The faults, in the order of their times.
    pub faults: Vec<PlannedFault>,
    /// What the clients ask.
    pub operations: OperationPlan,
    /// The seed of the links' decisions: see [`Plan::link`].
    pub links: Seed,
    /// The seed of the clients' choices of replicas.
    pub routes: Seed,
}

/// A fault with its draw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedFault {
    /// When, since the start of the run.
    pub at: RunTime,
    /// What.
    pub kind: FaultKind,
    /// From what its targets are drawn when it strikes.
    pub draw: Seed,
}

impl Plan {
    /// Draws everything that `scenario` leaves to chance.
    pub fn draw(scenario: &Scenario, seed: Seed) -> Self {
        let faults = scenario.events.iter().zip(0_u64..).map(|(event, n)| PlannedFault {
            at: event.at,
            kind: event.kind,
            draw: Seed(seed.derive("faults").draw(n)),
        });
        Self {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            seed,
            faults: faults.collect(),
            operations: OperationPlan::draw(scenario, seed),
            links: seed.derive("links"),
            routes: seed.derive("routes"),
            scenario: scenario.clone(),
        }
    }

    /// The seed of one link's decisions, by the number of the message on that link.
    pub fn link(&self, from: NodeId, to: NodeId) -> Seed {
        Seed(self.links.draw(u64::from(from.0) << 16 | u64::from(to.0)))
    }
}
