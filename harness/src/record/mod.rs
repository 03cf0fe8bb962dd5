//! What a run leaves behind: the plain value from which every verdict and report is made.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::fault::{FaultKind, LinkRule, Parameters};
use crate::host::disturbance::Disturbance;
use crate::ids::NodeId;
use crate::network::counts::MessageCounts;
use crate::network::course_2016::GivenUp;
use crate::network::remarks::{Example, ProtocolOddity, ProtocolViolation};
use crate::network::words::LeaderWord;
use crate::op::{OperationRecord, RequestCounts, SettlingOperation};
use crate::plan::Plan;
use crate::scenario::Scenario;
use crate::time::RunTime;

/// Everything that was seen in one run.
#[derive(Clone, Debug)]
pub struct RunRecord {
    /// What was asked for.
    pub scenario: Arc<Scenario>,
    /// What the seed decided.
    pub plan: Arc<Plan>,
    /// Every operation, in the order of invocation; `operations[i].index == i`.
    pub operations: Vec<OperationRecord>,
    /// What was asked after the healing, each again until it was answered; empty where the clients
    /// are the course's.
    pub settling: Vec<SettlingOperation>,
    /// What the clients counted besides.
    pub requests: RequestCounts,
    /// Per link (source, destination) and message type.
    pub messages: BTreeMap<(NodeId, NodeId, Arc<str>), MessageCounts>,
    /// Each planned fault, in the order of the plan, and what became of it.
    pub faults: Vec<FaultRecord>,
    /// Who was believed to lead from when on, in order.
    pub leaders: Vec<(RunTime, NodeId)>,
    /// Who named whom as leader and when, each speaker's changes, in the order of their times.
    pub leader_words: Vec<LeaderWord>,
    /// One for each replica, in the order of ids.
    pub replicas: Vec<ReplicaRecord>,
    /// What the living replicas that know `status` said of their state when all was quiet, in the
    /// order of ids; empty where nobody knows it, or no majority lived.
    pub states: Vec<ReplicaState>,
    /// What replicas wrote that the protocol does not allow, by kind.
    pub violations: BTreeMap<ProtocolViolation, Example>,
    /// What only looks odd, by kind.
    pub oddities: BTreeMap<ProtocolOddity, Example>,
    /// What the harness could not do, or left out, a sentence each: no verdict depends on it.
    pub remarks: Vec<String>,
    /// What the harness measured of its host.
    pub host: HostRecord,
    /// Why the run ended.
    pub end: EndReason,
    /// From the start of the clock to the end.
    pub duration: Duration,
}

/// A fault as planned and as it happened: a line of `faults.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultRecord {
    /// The place in the plan, from 0.
    pub index: usize,
    /// What.
    pub kind: FaultKind,
    /// To whom, how long, and how, as planned.
    #[serde(default, flatten)]
    pub parameters: Parameters,
    /// When it was planned.
    pub planned_ns: RunTime,
    /// When it struck; `None` if it could not.
    pub applied_ns: Option<RunTime>,
    /// When it ended; `None` if it had no end of its own, or did not strike.
    #[serde(default)]
    pub ended_ns: Option<RunTime>,
    /// Who was believed to lead when it struck.
    pub leader: Option<NodeId>,
    /// The replicas that were struck, in the order of ids.
    pub targets: Vec<NodeId>,
    /// The sides of a partition, the majority first; empty for other faults.
    pub sides: Vec<Vec<NodeId>>,
    /// The rules that it put on links, and on which.
    #[serde(default)]
    pub links: Vec<LinkRule>,
    /// Why it was not applied.
    pub not_applied: Option<String>,
    /// Whether that was because another fault lasted: nothing was missed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub had_no_room: bool,
}

impl FaultRecord {
    /// Why a fault whose time has not come was not applied.
    pub const TO_COME: &str = "the run ended before";

    /// No more rules on links than this are told one by one.
    const RULES_TOLD: usize = 3;

    /// What it is, for people: `pause`, `partition bridge`.
    pub fn title(&self) -> String {
        let shape = self.parameters.shape.map(|shape| format!(" {}", shape.name()));
        format!("{}{}", self.kind, shape.unwrap_or_default())
    }

    /// Who is struck, for people: the sides of a partition (`0000 0001 | 0002`), or what happens on
    /// which links (`cut 0000 → 0001 0002`), or the ids.
    pub fn whom(&self) -> String {
        if !self.sides.is_empty() && !self.is_one_way() {
            return sides(&self.sides);
        }
        if self.links.is_empty() {
            return listed(&self.targets);
        }
        let rules = self.rules();
        let told = rules.iter().take(Self::RULES_TOLD).cloned();
        let more = rules.len().saturating_sub(Self::RULES_TOLD);
        let more = (more > 0).then(|| format!("{more} rules more"));
        told.chain(more).collect::<Vec<_>>().join("; ")
    }

    /// Each rule on links for people; what holds there and back is one.
    fn rules(&self) -> Vec<String> {
        let mirrors = |one: &LinkRule, other: &LinkRule| {
            one.rule == other.rule && one.from == other.to && one.to == other.from
        };
        let mut told = Vec::new();
        for (n, rule) in self.links.iter().enumerate() {
            if self.links[..n].iter().any(|earlier| mirrors(rule, earlier)) {
                continue;
            }
            let is_both_ways = self.links[n..].iter().any(|later| mirrors(rule, later));
            told.push(on_links(rule, if is_both_ways { "↔" } else { "→" }));
        }
        told
    }

    /// Whether something happens on links, and on none of them in both directions.
    fn is_one_way(&self) -> bool {
        let pairs: BTreeSet<_> = self.links.iter().flat_map(LinkRule::pairs).collect();
        !pairs.is_empty() && pairs.iter().all(|&(from, to)| !pairs.contains(&(to, from)))
    }
}

/// A rule on links, for people: `cut 0000 → 0001`; `loss among 0000 0001 0002`.
pub fn on_links(rule: &LinkRule, arrow: &str) -> String {
    let (name, from) = (rule.rule.name(), listed(&rule.from));
    if rule.from == rule.to {
        return format!("{name} among {from}");
    }
    // Nobody sends to itself.
    let to = rule.to.iter().filter(|id| rule.from != [**id]);
    format!("{name} {from} {arrow} {}", listed(&to.copied().collect::<Vec<_>>()))
}

fn listed(ids: &[NodeId]) -> String {
    ids.iter().map(NodeId::to_string).collect::<Vec<_>>().join(" ")
}

/// The sides of a partition, for people: `0000 0001 | 0002`.
pub fn sides(sides: &[Vec<NodeId>]) -> String {
    sides.iter().map(|side| listed(side)).collect::<Vec<_>>().join(" | ")
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
    /// Who.
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

/// How and when a replica ended before the end of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Death {
    /// When `waitpid` told.
    pub at: RunTime,
    /// `exit status 1`, `killed by SIGKILL`.
    pub how: String,
    /// Whether a fault of the plan killed it.
    pub is_planned: bool,
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
    /// Whom the rules of 2016 gave up, and killed.
    pub given_up: Vec<GivenUp>,
    /// What exceeded its threshold, in the order of its beginnings.
    pub disturbances: Vec<Disturbance>,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// Its time was over.
    Completed,
    /// Somebody pressed Ctrl-C.
    Interrupted,
    /// More messages than `max_packets`.
    PacketStorm,
    /// No replica was left alive.
    AllDead,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::rules::Rule;
    use crate::report::sample;

    #[test]
    fn a_fault_says_whom_it_strikes_or_which_links() {
        let mut fault = sample::record().faults.swap_remove(0);
        fault.targets = vec![NodeId(3)];
        assert_eq!(fault.whom(), "0003");
        let cut = |from: &[u16], to: &[u16]| {
            let [from, to] = [from, to].map(|ids| ids.iter().copied().map(NodeId).collect());
            LinkRule { rule: Rule::Cut, from, to }
        };
        fault.links = vec![cut(&[0], &[1, 2])];
        fault.sides = vec![vec![NodeId(1), NodeId(2)], vec![NodeId(0)]];
        assert_eq!(fault.whom(), "cut 0000 → 0001 0002", "one way only");
        fault.links.push(cut(&[1, 2], &[0]));
        assert_eq!(fault.whom(), "0001 0002 | 0000");
        fault.sides.clear();
        assert_eq!(fault.whom(), "cut 0000 ↔ 0001 0002");
        fault.links = vec![cut(&[0], &[1]); 5];
        assert_eq!(fault.whom(), "cut 0000 → 0001; cut 0000 → 0001; cut 0000 → 0001; 2 rules more");
    }
}
