//! What a run leaves behind: the plain value from which every verdict and report is made.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use checker::Sighting;
use serde::{Deserialize, Serialize};

use crate::cluster::life::Death;
use crate::durability::DurabilityRecord;
use crate::host::disturbance::Disturbance;
use crate::ids::NodeId;
use crate::leadership::claims::LeadershipClaim;
use crate::nemesis::happened::FaultRecord;
use crate::network::counts::MessageCounts;
use crate::network::course_2016::GivenUp;
use crate::network::protocol::{Example, ProtocolViolation, ProtocolWarning};
use crate::op::{OperationRecord, RecoveryOperation, RequestCounts};
use crate::plan::Plan;
use crate::scenario::Scenario;
use crate::time::RunTime;

mod interference;
#[cfg(test)]
pub(crate) mod sample;

pub use interference::{FileChange, Interference};

/// Everything that was seen in one run.
#[derive(Clone, Debug)]
pub struct RunRecord {
    /// What was asked for.
    pub scenario: Arc<Scenario>,
    /// What the seed decided.
    pub plan: Arc<Plan>,
    /// Every operation, in the order of invocation; `operations[i].index == i`.
    pub operations: Vec<OperationRecord>,
    /// The operations of the recovery phase, each retried until it was answered; empty where the clients
    /// are the course's.
    pub recovery: Vec<RecoveryOperation>,
    /// What the clients counted besides.
    pub requests: RequestCounts,
    /// Per link (source, destination) and message type.
    pub messages: BTreeMap<(NodeId, NodeId, Arc<str>), MessageCounts>,
    /// Each planned fault, in the order of the plan, and what became of it.
    pub faults: Vec<FaultRecord>,
    /// The replicas believed to lead, each with the time from which on, in order.
    pub leaders: Vec<(RunTime, NodeId)>,
    /// Leadership claims, where they changed, in the order of their times.
    pub leadership_claims: Vec<LeadershipClaim>,
    /// Whether puts were known to enough replicas when they were acknowledged.
    pub durability: DurabilityRecord,
    /// Which replicas showed, after puts were acknowledged, that they hold them.
    pub sightings: Vec<Sighting>,
    /// One for each replica, in the order of ids.
    pub replicas: Vec<ReplicaRecord>,
    /// What the living replicas that know `status` said of their state when all was quiet, in the
    /// order of ids; empty where no replica knows it, or no majority was alive.
    pub states: Vec<ReplicaState>,
    /// What replicas wrote that the protocol does not allow, by kind.
    pub violations: BTreeMap<ProtocolViolation, Example>,
    /// What the program did to the run itself, each once.
    pub interference: BTreeSet<Interference>,
    /// Protocol warnings, by kind.
    pub protocol_warnings: BTreeMap<ProtocolWarning, Example>,
    /// The checks of the client's commands, in the order of phases and names.
    pub checks: Vec<CheckRecord>,
    /// What the harness could not do, or left out, a sentence each: no verdict depends on it.
    pub notes: Vec<String>,
    /// What the harness measured of its host.
    pub host: HostRecord,
    /// Why the run ended.
    pub end: EndReason,
    /// From the start of the clock to the end.
    pub duration: Duration,
}

/// A command of the user's that checks something, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckRecord {
    /// The name of its file.
    pub command: String,
    /// When it is to hold.
    pub phase: CheckPhase,
    /// How often it was run to its end.
    pub runs: usize,
    /// Its first failure.
    pub failed: Option<FailedCheck>,
}

/// When a check is to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckPhase {
    /// At any time.
    Anytime,
    /// In the end, once all faults are healed.
    Eventually,
    /// After that.
    Finally,
}

/// A check that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedCheck {
    /// When it was started.
    pub at: RunTime,
    /// `exit status 1; its last output: ...`.
    pub how: String,
}

/// The life of one replica process.
#[derive(Clone, Debug)]
pub struct ReplicaRecord {
    /// Its id.
    pub id: NodeId,
    /// Its process id.
    pub pid: i32,
    /// From spawn to its connection; `None` if it never connected.
    pub connect_time: Option<Duration>,
    /// Its death, if it died before the end of the run.
    pub death: Option<Death>,
    /// How often it was started again.
    pub restarts: u32,
    /// Bytes that it wrote on standard output and standard error, kept or not.
    pub output_bytes: u64,
    /// CPU time that it used, in nanoseconds, where the system tells.
    pub cpu_ns: Option<u64>,
    /// The last lines of its standard error.
    pub stderr_tail: String,
}

/// A replica's own word about its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaState {
    /// The replica.
    pub id: NodeId,
    /// When it said so.
    pub at: RunTime,
    /// Up to where its log is applied.
    pub commit: u64,
    /// The digest of what it holds.
    pub digest: String,
}

impl ReplicaState {
    /// Whether both hold the same.
    pub fn is_same(&self, other: &Self) -> bool {
        (self.commit, &self.digest) == (other.commit, &other.digest)
    }
}

/// What the harness measured of its host while it worked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HostRecord {
    /// The longest time by which the harness's own loop was late.
    pub max_loop_lag: Duration,
    /// When that was.
    pub max_loop_lag_at: RunTime,
    /// The largest gap between the wall clock and the monotonic one, in milliseconds.
    pub clock_jump_ms: i64,
    /// The replicas that the rules of 2016 gave up, and killed.
    pub given_up: Vec<GivenUp>,
    /// What exceeded its threshold, in the order of its beginnings.
    pub disturbances: Vec<Disturbance>,
    /// Where time was virtual: what keeps the run from being the same each time, a few words each. None where time was
    /// the host's.
    pub not_exact: Option<Vec<String>>,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// Its time was over.
    Completed,
    /// The user pressed Ctrl-C.
    Interrupted,
    /// More messages than `max_packets`.
    PacketStorm,
    /// No replica was left alive.
    AllDead,
}
