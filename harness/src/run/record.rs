//! What a run leaves behind: the plain value from which every verdict and report is made.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::host::disturbance::Disturbance;
use crate::ids::NodeId;
use crate::network::course_2016::GivenUp;
use crate::network::words::LeaderWord;
pub use crate::op::OpKind;
use crate::plan::Plan;
use crate::scenario::{FaultKind, LinkRule, Parameters, Scenario};
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

/// How an operation ended, in Jepsen's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It took effect.
    Ok,
    /// It certainly did not take effect.
    Fail,
    /// Nobody knows.
    Info,
}

impl Outcome {
    /// `ok`, `fail` or `info`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Fail => "fail",
            Self::Info => "info",
        }
    }
}

/// One client operation from its first message to its last answer.
#[derive(Clone, Debug)]
pub struct OperationRecord {
    /// The place in the order of invocations, from 0.
    pub index: u64,
    /// The identity under which the client asked: a client whose operation ended in `info` goes on
    /// under a new one.
    pub process: u64,
    /// The client.
    pub client: NodeId,
    /// Get or put.
    pub kind: OpKind,
    /// The key.
    pub key: Arc<str>,
    /// What was written, or what was read (`None` for a get without an answer).
    pub value: Option<Arc<str>>,
    /// The replica that answered; without an answer the one last asked.
    pub node: Option<NodeId>,
    /// When the first message was sent.
    pub invoked: RunTime,
    /// When the last answer came, or the client gave up; `None` if the run ended first.
    pub completed: Option<RunTime>,
    /// How it ended. An operation that the end of the run found open is `Info`.
    pub outcome: Outcome,
    /// Who was believed to lead when it was invoked.
    pub leader: Option<NodeId>,
    /// How often it was redirected.
    pub redirects: u32,
    /// Why it did not end in `ok`: `timed out`, `refused`, `unanswered`, ...
    pub error: Option<&'static str>,
    /// Whether it belongs to the reads after the healing.
    pub is_final_read: bool,
}

/// One thing asked after the healing, again and again until it is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettlingOperation {
    /// Who asks.
    pub client: NodeId,
    /// Get or put.
    pub kind: OpKind,
    /// The key.
    pub key: Arc<str>,
    /// When it was asked first; `None` if its turn never came.
    pub started: Option<RunTime>,
    /// When it was answered `ok`.
    pub answered: Option<RunTime>,
}

/// What the course's simulator counts, a request being one message of a client.
#[derive(Clone, Debug, Default)]
pub struct RequestCounts {
    /// Gets generated (a repetition after `redirect` or `fail` is not a new one).
    pub gets: u64,
    /// Puts generated.
    pub puts: u64,
    /// Gets that could not be generated and became puts.
    pub gets_not_generated: u64,
    /// Gets that nobody answered by the end.
    pub unanswered_gets: u64,
    /// Puts that nobody answered by the end.
    pub unanswered_puts: u64,
    /// Gets answered `fail`.
    pub failed_gets: u64,
    /// Puts answered `fail`.
    pub failed_puts: u64,
    /// Answers `redirect`.
    pub redirects: u64,
    /// Answers to what had been completed with `ok`.
    pub duplicate_responses: u64,
    /// Gets whose answer the asking client knows to be wrong (course clients only).
    pub incorrect_gets: u64,
    /// Time from each request to its answer (`ok`, `redirect` or `fail`), in nanoseconds, in the
    /// order of the answers.
    pub latencies_ns: Vec<u64>,
}

/// What passed through one link, for one message type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageCounts {
    /// Messages that the source sent there (a multicast counts once per receiver).
    pub sent: u64,
    /// Messages handed to the destination.
    pub delivered: u64,
    /// Messages lost, by cause.
    pub dropped: BTreeMap<DropCause, u64>,
    /// Deliveries beyond the first of a message.
    pub duplicated: u64,
    /// Messages that a rule delayed.
    pub delayed: u64,
    /// Messages whose bytes a rule changed.
    #[serde(default)]
    pub corrupted: u64,
    /// Bytes sent.
    pub bytes: u64,
}

/// Why a message was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DropCause {
    /// Random loss.
    Loss,
    /// A partition lay between.
    Partition,
    /// Larger than a rule lets pass.
    SizeLimit,
    /// The link's buffer, bounded by a rule, was full.
    FullBuffer,
    /// The receiver does not read: its bounded queue was full.
    FullQueue,
    /// The receiver is dead, or not connected.
    Gone,
    /// Larger than the transport carries.
    TooLarge,
    /// Still on its way when the run ended.
    Underway,
    /// Sent before every replica had connected.
    BeforeStart,
}

impl DropCause {
    /// All causes, in the order of the columns.
    pub const ALL: [Self; 9] = [
        Self::Loss,
        Self::Partition,
        Self::SizeLimit,
        Self::FullBuffer,
        Self::FullQueue,
        Self::Gone,
        Self::TooLarge,
        Self::Underway,
        Self::BeforeStart,
    ];

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::Partition => "partition",
            Self::SizeLimit => "size_limit",
            Self::FullBuffer => "full_buffer",
            Self::FullQueue => "full_queue",
            Self::Gone => "gone",
            Self::TooLarge => "too_large",
            Self::Underway => "underway",
            Self::BeforeStart => "before_start",
        }
    }
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

/// What no replica may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProtocolViolation {
    /// A packet that is not a JSON object.
    NotJson,
    /// An object without a text `src`, `dst` or `type`.
    MissingField,
    /// `src` is not the sender's id.
    ForeignSource,
    /// `dst` names nobody.
    UnknownDestination,
    /// An answer to a `MID` never asked.
    UnknownMid,
    /// A message to a client that is neither `ok`, `fail` nor `redirect`.
    UnknownAnswer,
    /// Two replicas acknowledged puts as leaders of the same term.
    TwoLeaders,
    /// It closed its socket and lived on.
    HungUp,
    /// More messages than `max_packets`.
    PacketStorm,
}

impl ProtocolViolation {
    /// What happened, for a sentence: "0003 sent ...".
    pub fn describe(self) -> &'static str {
        match self {
            Self::NotJson => "packets that are not a JSON object",
            Self::MissingField => "messages without `src`, `dst` or `type`",
            Self::ForeignSource => "messages under another's `src`",
            Self::UnknownDestination => "messages to a `dst` that names nobody",
            Self::UnknownMid => "answers to a `MID` that was never asked",
            Self::UnknownAnswer => "messages to a client that are not `ok`, `fail` or `redirect`",
            Self::TwoLeaders => "acknowledgements of two leaders in one term",
            Self::HungUp => "the end of their connection, although they live",
            Self::PacketStorm => "more messages than `max_packets` allows",
        }
    }
}

/// What is allowed but odd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProtocolOddity {
    /// An answer to what had been answered.
    DuplicateResponse,
    /// The first datagram of a replica was no `hello`, by which alone the course's simulator learns where
    /// it is.
    NoHello,
    /// A message without `leader`.
    MissingLeader,
    /// A get answered with no `value`, or with one that is no text; taken as empty if it is `[]`,
    /// `null` or missing, else by its JSON text.
    OddValue,
    /// After the healing, a get of a key with an acknowledged write was answered `fail` again and
    /// again, to several clients that were served other keys: taken as empty.
    RefusedForGood,
    /// A packet above the 16,384 bytes that the course's simulator reads.
    LargePacket,
    /// A packet larger than the harness reads: it is lost.
    CutPacket,
}

impl ProtocolOddity {
    /// What happened, for a sentence.
    pub fn describe(self) -> &'static str {
        match self {
            Self::DuplicateResponse => "answers to what had been answered",
            Self::NoHello => {
                "first datagrams that are no `hello`, without which the course's simulator finds no \
                 replica"
            }
            Self::MissingLeader => "messages without `leader`",
            Self::OddValue => "answers to a get whose `value` is no text",
            Self::RefusedForGood => {
                "a last `fail` to gets of a key that was acknowledged, while other keys are served: \
                 taken for \"no such key\""
            }
            Self::LargePacket => {
                "packets above 16,384 bytes, which the course's simulator cuts without a word"
            }
            Self::CutPacket => "packets above 262,144 bytes, which the harness does not carry",
        }
    }
}

/// How often, and the first one seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// How often.
    pub count: u64,
    /// Who sent the first.
    pub node: NodeId,
    /// When the first was seen.
    pub at: RunTime,
    /// The first one, cut to a readable length.
    pub text: String,
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
