//! What a workload file describes.
//!
//! - [`Scenario`]: the checked description, every default filled in; a plain value.
//! - `parse`: from a file to a [`Scenario`] ([`Scenario::load`], [`Scenario::parse`]), or to one
//!   sentence that says what is wrong where ([`WorkloadError`], in `error`).
//! - `keys`: the table of all keys ([`keys()`]), from which the reader and the manual take names,
//!   types, bounds and defaults.
//! - `network`, `sites`: the rules on links, and names for groups of replicas.
//! - `nemesis`: what faults are drawn from.
//! - [`system`]: from a system file to a [`Description`](crate::system::Description).
//! - `json`, `fields`, `events`, `parameters`: what `parse` stands on: a JSON reader that remembers places, an
//!   object's keys against the table, and the faults that can and cannot happen.
//!
//! A workload file is JSON, a superset of the course's config: every published config loads
//! unmodified, each with its own era's meaning of the waits. A file with only the course's keys is
//! a course config; one of our own keys makes it a workload of ours, with our defaults:
//!
//! | | course config | ours |
//! |---|---|---|
//! | clients | the course's eight | shared |
//! | `requests` | required, to 900,000 | optional for shared clients, to 1,000,000,000 |
//! | `max_packets` | 20,000, to 900,000 | 10,000,000 (or `requests`, if more), to 1,000,000,000 |
//! | `mix` | 0.8 | 0.5 |
//! | `start_wait` | 2 s in 2016, 5 s in 2021 | 1 s |
//! | era | 2021 if it has `tests`, else 2016 | 2021, unless `era` says otherwise |

mod error;
mod events;
mod fields;
pub mod host;
mod json;
mod keys;
mod nemesis;
pub mod network;
mod parameters;
mod parse;
mod sites;
pub mod system;

use std::fmt;
use std::time::Duration;

use checker::ModelName;
use serde::{Deserialize, Serialize};

use crate::fault::FaultEvent;
use crate::ids::{Naming, NodeId};
use crate::workload::WorkloadName;
pub use error::{Place, WorkloadError};
pub use keys::{Key, Shape, keys, pattern};
pub use nemesis::{DrawnFault, Nemesis};
pub use network::NetworkRule;
pub use system::system_keys;

/// Which generation of the course's simulator a file follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Era {
    /// `lifetime` includes `start_wait` and `end_wait`.
    #[serde(rename = "2016")]
    Y2016,
    /// The waits are added to `lifetime`. Our own workloads follow it too.
    #[serde(rename = "2021")]
    Y2021,
}

impl fmt::Display for Era {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Y2016 => "2016",
            Self::Y2021 => "2021",
        })
    }
}

/// One workload, checked and with every default filled in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// Names the results folder: `name` in the file, else the file's stem (`course-2021-simple-1`
    /// for a course config).
    pub name: String,
    /// One line for people; may be empty.
    pub description: String,
    /// The course's generation whose meaning of the waits holds.
    pub era: Era,
    /// Whether the file is a config of the course as it is (no key of ours).
    pub is_course_config: bool,
    /// Number of replicas, 3 to 21.
    pub replicas: usize,
    /// Quiet time before the first request.
    pub start_wait: Duration,
    /// The request phase: operations and events happen in it.
    pub request_phase: Duration,
    /// Quiet time after the last request.
    pub end_wait: Duration,
    /// Fraction of gets among the operations, 0 to 1.
    pub mix: f64,
    /// Fraction of replica-to-replica messages lost, 0 to 1.
    pub drops: f64,
    /// More replica-to-replica messages than this end the run as a packet storm.
    pub max_packets: u64,
    /// The seed that the file asks for; `--seed` wins over it.
    pub seed: Option<u64>,
    /// The faults, in the order of their times.
    pub events: Vec<FaultEvent>,
    /// The rules on links between replicas.
    #[serde(default)]
    pub network: Vec<NetworkRule>,
    /// What else goes wrong, by chance.
    #[serde(default)]
    pub nemesis: Option<Nemesis>,
    /// What clients ask.
    #[serde(default, skip_serializing_if = "WorkloadName::is_the_courses")]
    pub workload: WorkloadName,
    /// The clients and how they work.
    pub clients: Clients,
    /// The course's thresholds and tiers, where the file has `tests`.
    pub tests: Option<CourseTests>,
    /// Once faults are healed and a majority lives, operations must be answered within this time.
    pub liveness_bound: Duration,
    /// What the checker may spend before it answers "unknown".
    pub checker: CheckerBudget,
    /// What is unusual about the file but allowed, one sentence each.
    pub warnings: Vec<String>,
}

impl Scenario {
    /// From the start of the clock to the end of the quiet time.
    pub fn duration(&self) -> Duration {
        self.start_wait + self.request_phase + self.end_wait
    }

    /// The same with all ids as they are called in a system.
    #[must_use]
    pub fn named(mut self, naming: Naming) -> Self {
        let named = |id: &mut NodeId| *id = naming.node(id.index());
        for rule in &mut self.network {
            rule.what.from.iter_mut().chain(&mut rule.what.to).for_each(named);
        }
        for event in &mut self.events {
            event.parameters.named(named);
        }
        for fault in self.nemesis.iter_mut().flat_map(|nemesis| &mut nemesis.faults) {
            fault.parameters.named(named);
        }
        self
    }

    /// By what the history is judged.
    pub fn model(&self) -> ModelName {
        self.workload.model()
    }

    /// The smallest number of replicas that is more than half.
    pub fn majority(&self) -> usize {
        self.replicas / 2 + 1
    }
}

/// The clients and how they work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Clients {
    /// The course's eight clients: each reads only what it wrote itself, and waits for ever.
    Course {
        /// Operations, evenly spaced over the request phase.
        requests: u64,
    },
    /// All clients on the same few keys, every written value unique.
    Shared {
        /// Number of clients.
        count: usize,
        /// Number of keys.
        keys: usize,
        /// Operations a second, all clients together, evenly spaced; without it each client asks
        /// again as soon as it is answered (closed loop).
        rate: Option<f64>,
        /// No more operations than this, if given.
        requests: Option<u64>,
        /// An operation not answered within this time is `info`.
        timeout: Duration,
        /// At a given rate: so many operations begin at the same moment, and so much longer is the
        /// pause between two such moments.
        #[serde(default = "one")]
        burst: u64,
        /// At a given rate: so many operations a second besides, evenly spread; zero: none.
        #[serde(default)]
        steady_rate: f64,
        /// This fraction of the requests goes to some replica as to the leader, whatever the client has heard.
        #[serde(default)]
        old_news: f64,
        /// While a partition lasts, this fraction of the clients asks only the leader's side, and the
        /// others only the other one; with 0 every client uses any replica.
        #[serde(default)]
        partition_affinity: f64,
        /// During a fault that affects the leader, and after each fault's end, all living replicas are asked
        /// for reads during this time; zero: they are not.
        #[serde(default)]
        probe_reads: Duration,
        /// This fraction of the puts takes a key that was never written before.
        #[serde(default)]
        one_shot_keys: f64,
    },
}

fn one() -> u64 {
    1
}

/// The thresholds and tiers of a 2021 config.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CourseTests {
    /// At most this fraction of the generated gets may stay unanswered.
    pub maximum_get_fail_fraction: f64,
    /// At most this fraction of the generated puts may stay unanswered.
    pub maximum_put_fail_fraction: f64,
    /// At most this fraction of the gets may turn out impossible to generate.
    pub maximum_get_generation_fail_fraction: f64,
    /// Below this much batching the expected number of messages is counted.
    pub maximum_appends_batched_fraction: f64,
    /// The limits of the tiers, where the file has them.
    pub benchmarks: Option<Benchmarks>,
}

/// Three limits each; strictly below the first is tier 0, and so on; see `course::tiers`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Benchmarks {
    /// Messages between replicas.
    pub total_msgs: Option<[f64; 3]>,
    /// Failed and unanswered operations.
    pub failures: Option<[f64; 3]>,
    /// Answers to what had been answered.
    pub duplicates: Option<[f64; 3]>,
    /// Median latency in seconds.
    pub median_latency: Option<[f64; 3]>,
}

/// What the checker may spend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckerBudget {
    /// Time for the whole history.
    pub time: Duration,
    /// Memory for its tables, in megabytes (10^6 bytes).
    pub memory_mb: u64,
}
