//! What the course's simulator reports of a run.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::ids::NodeId;
use crate::network::counts::{DropCause, MessageCounts};
use crate::network::protocol::{Example, ProtocolViolation, ProtocolWarning};
use crate::op::{F, Outcome, RequestCounts};
use crate::record::RunRecord;

/// The facts of the simulator's report, under the harness's names.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Statistics {
    /// The replicas believed to lead, in order, without immediate repetitions.
    pub leaders: Vec<NodeId>,
    /// Replicas that ended by themselves.
    pub replicas_died: u64,
    /// Replicas that the scenario killed.
    pub replicas_killed: u64,
    /// Messages between replicas; a multicast counts once per receiver.
    pub messages_sent: u64,
    /// Those of them lost at random or in a partition.
    pub messages_dropped: u64,
    /// Those of them lost because the receiver does not read.
    pub messages_blocked: u64,
    /// Gets asked (not counting repetitions).
    pub gets: u64,
    /// Puts asked (not counting repetitions), those in place of a get among them.
    pub puts: u64,
    /// Gets that could not be generated and became puts.
    pub gets_not_generated: u64,
    /// Puts answered `ok`.
    pub puts_acknowledged: u64,
    /// Second answers.
    pub duplicate_responses: u64,
    /// Gets open at the end.
    pub unanswered_gets: u64,
    /// Puts open at the end.
    pub unanswered_puts: u64,
    /// Answers `redirect`.
    pub redirects: u64,
    /// Gets answered `fail`.
    pub failed_gets: u64,
    /// Puts answered `fail`.
    pub failed_puts: u64,
    /// Gets answered with a value that the client knows to be wrong.
    pub incorrect_gets: u64,
    /// Messages that the simulator counts as incorrect answers too: those it cannot read or place.
    pub protocol_errors: u64,
    /// Mean time from a request to its answer (`ok`, `redirect` or `fail`), in seconds; 0 without
    /// answers.
    pub mean_latency_s: f64,
    /// The upper median of the same times, in seconds; 0 without answers.
    pub median_latency_s: f64,
}

impl Statistics {
    /// The statistics of a run.
    pub fn of(record: &RunRecord) -> Self {
        let deaths = record.replicas.iter().filter_map(|replica| replica.death.as_ref());
        let (killed, died): (Vec<_>, Vec<_>) = deaths.partition(|death| death.is_planned);
        let mut leaders: Vec<NodeId> = record.leaders.iter().map(|(_, leader)| *leader).collect();
        leaders.dedup();
        let acknowledged = |operation: &&_| is_acknowledged_put(operation);
        Self {
            leaders,
            replicas_died: died.len() as u64,
            replicas_killed: killed.len() as u64,
            puts_acknowledged: record.operations.iter().filter(acknowledged).count() as u64,
            protocol_errors: protocol_errors(&record.violations, &record.protocol_warnings),
            ..Self::of_counts(&record.requests, &record.messages, record.scenario.replicas)
        }
    }

    /// What follows from the counts of clients and links alone.
    fn of_counts(
        requests: &RequestCounts,
        messages: &BTreeMap<(NodeId, NodeId, Arc<str>), MessageCounts>,
        replicas: usize,
    ) -> Self {
        let is_replica = |id: NodeId| id.is_one_of(replicas);
        let between: Vec<&MessageCounts> = messages
            .iter()
            .filter(|((from, to, _), _)| is_replica(*from) && is_replica(*to))
            .map(|(_, counts)| counts)
            .collect();
        let lost = |cause: DropCause| -> u64 {
            between.iter().filter_map(|counts| counts.dropped.get(&cause)).sum()
        };
        let sent: u64 = between.iter().map(|counts| counts.sent).sum();
        let latencies = &requests.latencies;
        Self {
            // The run's clock had not started for those.
            messages_sent: sent.saturating_sub(lost(DropCause::BeforeStart)),
            messages_dropped: lost(DropCause::Loss) + lost(DropCause::Partition),
            messages_blocked: lost(DropCause::FullQueue),
            gets: requests.gets,
            puts: requests.puts,
            gets_not_generated: requests.gets_not_generated,
            duplicate_responses: requests.duplicate_responses,
            unanswered_gets: requests.unanswered_gets,
            unanswered_puts: requests.unanswered_puts,
            redirects: requests.redirects,
            failed_gets: requests.failed_gets,
            failed_puts: requests.failed_puts,
            incorrect_gets: requests.incorrect_gets,
            mean_latency_s: latencies.mean_s(),
            median_latency_s: latencies.median_s(),
            ..Self::default()
        }
    }

    /// Failed and unanswered operations.
    pub fn failures(&self) -> u64 {
        self.failed_gets + self.failed_puts + self.unanswered_gets + self.unanswered_puts
    }

    /// The statistics for the console, a line each, in the simulator's order and words.
    pub fn lines(&self) -> Vec<String> {
        let leaders: Vec<String> = self.leaders.iter().map(NodeId::to_string).collect();
        let leaders = if leaders.is_empty() { "none seen".to_owned() } else { leaders.join(" ") };
        let latency = if self.gets + self.puts == self.unanswered_gets + self.unanswered_puts {
            "no request was answered".to_owned()
        } else {
            let (mean_ms, median_ms) = (self.mean_latency_s * 1e3, self.median_latency_s * 1e3);
            format!("{mean_ms:.3} ms/{median_ms:.3} ms")
        };
        let two = |one: u64, other: u64| format!("{one}/{other}");
        let lines = [
            ("leaders in order", leaders),
            ("replicas died/killed", two(self.replicas_died, self.replicas_killed)),
            ("messages sent", self.messages_sent.to_string()),
            ("messages dropped", self.messages_dropped.to_string()),
            ("messages blocked by full sockets", self.messages_blocked.to_string()),
            ("gets/puts asked", two(self.gets, self.puts)),
            ("gets not generated", self.gets_not_generated.to_string()),
            ("duplicate responses", self.duplicate_responses.to_string()),
            ("unanswered gets/puts", two(self.unanswered_gets, self.unanswered_puts)),
            ("redirects", self.redirects.to_string()),
            ("failed gets/puts", two(self.failed_gets, self.failed_puts)),
            ("incorrect gets", self.incorrect_gets.to_string()),
            ("mean/median latency", latency),
        ];
        lines.iter().map(|(what, much)| format!("{what:<33} {much}")).collect()
    }
}

fn is_acknowledged_put(operation: &crate::op::OperationRecord) -> bool {
    operation.f == F::Put && operation.outcome == Outcome::Ok
}

/// What the simulator adds to its count of incorrect answers: it does not tell them apart.
fn protocol_errors(
    violations: &BTreeMap<ProtocolViolation, Example>,
    protocol_warnings: &BTreeMap<ProtocolWarning, Example>,
) -> u64 {
    const COUNTED: [ProtocolViolation; 5] = [
        ProtocolViolation::NotJson,
        ProtocolViolation::MissingField,
        ProtocolViolation::UnknownDestination,
        ProtocolViolation::UnknownMid,
        ProtocolViolation::UnknownAnswer,
    ];
    let violations = COUNTED.iter().filter_map(|kind| violations.get(kind));
    let protocol_warnings = protocol_warnings.get(&ProtocolWarning::MissingLeader);
    violations.chain(protocol_warnings).map(|example| example.count).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(sent: u64, dropped: &[(DropCause, u64)]) -> MessageCounts {
        MessageCounts { sent, dropped: dropped.iter().copied().collect(), ..Default::default() }
    }

    #[test]
    fn only_messages_between_replicas_count_and_only_since_the_start() {
        let (first, second) = (NodeId::replica(0), NodeId::replica(1));
        let client = NodeId::client(5, 0);
        let messages = BTreeMap::from([
            (
                (first, second, "append".into()),
                counts(
                    100,
                    &[
                        (DropCause::Loss, 10),
                        (DropCause::Partition, 5),
                        (DropCause::FullQueue, 3),
                        (DropCause::Gone, 7),
                        (DropCause::BeforeStart, 20),
                    ],
                ),
            ),
            ((first, first, "tick".into()), counts(4, &[])),
            ((client, first, "get".into()), counts(1000, &[(DropCause::Loss, 1)])),
            ((first, client, "ok".into()), counts(1000, &[])),
        ]);
        let statistics = Statistics::of_counts(&RequestCounts::default(), &messages, 5);
        assert_eq!(statistics.messages_sent, 84);
        assert_eq!(statistics.messages_dropped, 15);
        assert_eq!(statistics.messages_blocked, 3);
    }

    #[test]
    fn what_the_simulator_cannot_read_or_place_counts_as_incorrect() {
        let example = |count| Example {
            count,
            node: NodeId::replica(0),
            at: crate::time::RunTime::ZERO,
            text: String::new(),
        };
        let violations = BTreeMap::from([
            (ProtocolViolation::UnknownMid, example(2)),
            (ProtocolViolation::NotJson, example(3)),
            (ProtocolViolation::ForeignSource, example(100)),
            (ProtocolViolation::PacketStorm, example(1000)),
        ]);
        let protocol_warnings = BTreeMap::from([
            (ProtocolWarning::MissingLeader, example(5)),
            (ProtocolWarning::LargePacket, example(10_000)),
        ]);
        assert_eq!(protocol_errors(&violations, &protocol_warnings), 10);
    }

    #[test]
    fn the_console_shows_every_fact() {
        let statistics = Statistics {
            leaders: vec![NodeId::replica(2), NodeId::replica(4)],
            replicas_died: 1,
            replicas_killed: 2,
            messages_sent: 3000,
            messages_dropped: 301,
            messages_blocked: 17,
            gets: 98,
            puts: 402,
            gets_not_generated: 6,
            puts_acknowledged: 395,
            duplicate_responses: 8,
            unanswered_gets: 9,
            unanswered_puts: 7,
            redirects: 23,
            failed_gets: 11,
            failed_puts: 12,
            incorrect_gets: 13,
            protocol_errors: 0,
            mean_latency_s: 0.001_25,
            median_latency_s: 0.000_75,
        };
        let expected = "\
leaders in order                  0002 0004
replicas died/killed              1/2
messages sent                     3000
messages dropped                  301
messages blocked by full sockets  17
gets/puts asked                   98/402
gets not generated                6
duplicate responses               8
unanswered gets/puts              9/7
redirects                         23
failed gets/puts                  11/12
incorrect gets                    13
mean/median latency               1.250 ms/0.750 ms";
        assert_eq!(statistics.lines().join("\n"), expected);
    }
}
