//! Everything that the seed decides, drawn before the run starts.
//!
//! A run can be repeated from its `plan.json` alone: it holds the scenario, the seed, each fault with
//! its draw, and the clients' operations, listed for course clients and as seeded streams for
//! shared ones. What a draw *means* (which replica is "the leader") is resolved when it is used.

pub mod host;
mod nemesis;
pub mod operations;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use supervisor::{Costs, Turns};

use crate::durability::promise::Promise;
use crate::fault::{FaultEvent, FaultKind};
use crate::ids::NodeId;
use crate::network::course_2016::RouterKind;
use crate::network::fabric::Settings;
use crate::network::rules::Rule;
use crate::plan::host::HostPlan;
use crate::scenario::host::profile::Profile;
use crate::scenario::{DrawnFault, Scenario};
use crate::seed::Seed;
use crate::system::{Port, System};
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
    /// The seed of the links' decisions: see [`Settings::links`].
    pub links: Seed,
    /// The simulated host; `null`: the host as it is.
    #[serde(default)]
    pub host: Option<HostPlan>,
    /// The router's semantics.
    #[serde(default)]
    pub router: RouterKind,
    /// The seed of the clients' choices of replicas.
    pub routes: Seed,
    /// What a refused put means.
    #[serde(default)]
    pub fail_is: FailIs,
    /// What the system under test promises of a put that it acknowledges.
    #[serde(default)]
    pub durability: Promise,
    /// How fast the processor is in virtual time: what calls and messages cost.
    #[serde(default)]
    pub processor: Costs,
    /// Which replica comes first in virtual time, of those that have something to do.
    #[serde(default)]
    pub turns: Turns,
    /// What is tested.
    #[serde(default, skip_serializing_if = "System::is_the_courses")]
    pub system: System,
}

/// By how much each replica is late for each one before it, where they have priorities.
const LATE: Duration = Duration::from_micros(500);

/// What it means that a put was answered `fail`: the protocol leaves it open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailIs {
    /// It is unknown whether it takes effect.
    #[default]
    Info,
    /// It certainly takes no effect.
    Definite,
}

/// A fault with its draw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedFault {
    /// What, and when.
    #[serde(flatten)]
    pub event: FaultEvent,
    /// From what its targets are drawn when it is injected.
    pub draw: Seed,
}

/// A fault needs the replicas' data directories, and they have none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{path}`: `{kind}` is for replicas that keep their data on disk, and no argument of the replica \
     names its data directory; allowed: `--replica-arg` with `{{data}}` in it (for the bundled replica \
     `--replica-arg --data-dir --replica-arg {{data}}`; in a system file `{{data}}` in `command`), `keep_data` false, or \
     another fault"
)]
pub struct NoDataDirectory {
    path: String,
    kind: FaultKind,
}

/// Whether these arguments give each replica a data directory.
pub fn keeps_data(arguments: &[String]) -> bool {
    arguments.iter().any(|argument| argument.contains("{data}"))
}

impl Plan {
    /// Draws everything that `scenario` leaves to chance.
    pub fn draw(scenario: &Scenario, seed: Seed) -> Self {
        let mut events = scenario.events.clone();
        events.extend(nemesis::draw(scenario, seed));
        events.sort_by_key(|event| event.at);
        let faults = events.into_iter().zip(0_u64..).map(|(event, n)| {
            let draw = Seed(seed.derive("faults").draw(n));
            PlannedFault { event, draw }
        });
        Self {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            seed,
            faults: faults.collect(),
            operations: OperationPlan::draw(scenario, seed),
            links: seed.derive("links"),
            host: None,
            router: RouterKind::Default,
            routes: seed.derive("routes"),
            fail_is: FailIs::default(),
            durability: Promise::default(),
            processor: Costs::default(),
            turns: Turns::default(),
            system: System::default(),
            scenario: scenario.clone(),
        }
    }

    /// The nodes, in their order.
    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = NodeId> + ExactSizeIterator + use<> {
        self.system.naming.nodes(self.scenario.replicas)
    }

    /// The n-th client, counted from 0.
    pub fn client(&self, n: usize) -> NodeId {
        self.system.naming.client(self.scenario.replicas, n)
    }

    /// The same where replicas have priorities: so often the first becomes the last.
    #[must_use]
    pub fn with_priorities(mut self, changes: u32) -> Self {
        let (seed, length) = (self.seed.derive("turns"), RunTime::from(self.scenario.duration()).0);
        let at = |n: u32| seed.draw(n.into()) % length.max(1);
        let changes_ns = (0..changes).map(at).collect();
        self.turns = Turns::Priorities { late_ns: RunTime::from(LATE).0, changes_ns };
        self
    }

    /// How often the first replica becomes the last, where replicas have priorities.
    pub fn changes_of_priorities(&self) -> Option<u32> {
        match &self.turns {
            Turns::Chance => None,
            Turns::Priorities { changes_ns, .. } => u32::try_from(changes_ns.len()).ok(),
        }
    }

    /// Whether a program with these arguments supports the faults: what keeps or damages data needs a data directory.
    pub fn check_program(&self, arguments: &[String]) -> Result<(), NoDataDirectory> {
        // Elsewhere nodes keep what they like where they like.
        let may_keep = match self.system.port {
            Port::Course => keeps_data(arguments),
            Port::Maelstrom => true,
            Port::Driver => self.keeps_described_data(),
        };
        if may_keep {
            return Ok(());
        }
        match self.faults.iter().map(|fault| &fault.event).find(|event| event.needs_data()) {
            None => Ok(()),
            Some(event) => {
                let key = if event.kind == FaultKind::Disk { "type" } else { "keep_data" };
                let path = format!("{}.{key}", event.place);
                Err(NoDataDirectory { path, kind: event.kind })
            }
        }
    }

    /// Whether a system file says that replicas keep their data.
    fn keeps_described_data(&self) -> bool {
        self.system.description.as_ref().is_some_and(|description| description.keeps_data)
    }

    /// No more replicas can know of a put than there are.
    pub fn check_promise(&self) -> Result<(), String> {
        let replicas = self.scenario.replicas;
        match self.durability {
            Promise::Any(count) if count > replicas => Err(format!(
                "durability `any:{count}` asks for more than the {replicas} replicas that there are; allowed: \
                 `any:1` to `any:{replicas}`"
            )),
            _ => Ok(()),
        }
    }

    /// All rules that may hold on links, with the places in the workload that ask for them.
    pub fn rules(&self) -> impl Iterator<Item = (&Rule, &str)> {
        let listed = self.scenario.network.iter().map(|it| (&it.what.rule, it.place.as_str()));
        let faults = self.faults.iter().map(|fault| (&fault.event.parameters, &fault.event.place));
        // Also those that this seed does not draw.
        let drawn = self.scenario.nemesis.iter().flat_map(|nemesis| &nemesis.faults);
        let all = faults.chain(drawn.map(|fault| (&fault.parameters, &fault.place)));
        let of_faults = all.flat_map(|(parameters, place)| {
            parameters.rules.iter().map(move |it| (&it.rule, place.as_str()))
        });
        listed.chain(of_faults)
    }

    /// Drawn again without what is `optional` and cannot be borne; `None` if there is nothing of that kind.
    pub fn sparing(&self, is_unsupported: impl Fn(&DrawnFault) -> bool) -> Option<Self> {
        let mut scenario = self.scenario.clone();
        let nemesis = scenario.nemesis.as_mut()?;
        let before = nemesis.faults.len();
        nemesis.spare(is_unsupported);
        (nemesis.faults.len() < before).then(|| Self {
            host: self.host.clone(),
            router: self.router,
            fail_is: self.fail_is,
            durability: self.durability,
            processor: self.processor,
            turns: self.turns.clone(),
            system: self.system.clone(),
            ..Self::draw(&scenario, self.seed)
        })
    }

    /// The same plan on a simulated host, under these rules of the network.
    #[must_use]
    pub fn on(mut self, profile: Option<&Profile>, router: RouterKind) -> Self {
        self.host =
            profile.map(|profile| HostPlan::draw(profile, self.scenario.replicas, self.seed));
        self.router = router;
        self
    }

    /// The network between the replicas and these clients.
    pub fn network(&self, clients: &[NodeId]) -> Settings {
        Settings {
            replicas: self.nodes().collect(),
            clients: clients.to_vec(),
            links: self.links,
            drops: self.scenario.drops,
        }
    }
}
