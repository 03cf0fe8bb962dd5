//! The numbers of a whole run, counted once for every report that shows them.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::ids::NodeId;
use crate::network::counts::DropCause;
use crate::op::Outcome;
use crate::record::RunRecord;
use crate::report::quantiles::Quantiles;

/// The numbers of a whole run: the `statistics` of `verdict.json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Totals {
    /// Operations of clients.
    pub operations: u64,
    /// Those that took effect.
    pub ok: u64,
    /// Those that certainly did not.
    pub fail: u64,
    /// Those of unknown outcome.
    pub info: u64,
    /// Operations that read.
    pub gets: u64,
    /// Operations that write.
    pub puts: u64,
    /// From invocation to answer, of the operations that ended in `ok`.
    pub latency: Option<Quantiles>,
    /// What replicas sent to replicas.
    pub messages: MessageTotals,
    /// How many replicas were believed to lead, one after another: 0 if none ever was, 1 if it
    /// never changed; one that comes back counts again.
    pub leaders: u64,
    /// Faults that were injected.
    pub faults_applied: u64,
    /// Faults that the plan asked for.
    pub faults_planned: u64,
    /// Replicas that a fault killed.
    pub kills: u64,
    /// Replicas that died by themselves.
    pub deaths: u64,
}

/// What went between replicas, all links and types together; clients' messages are not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MessageTotals {
    /// Messages sent, a multicast once for each receiver.
    pub sent: u64,
    /// Messages handed to their destination.
    pub delivered: u64,
    /// Messages lost for any cause.
    pub dropped: u64,
    /// Messages lost, by cause; a cause that never occurred is left out.
    pub dropped_by_cause: BTreeMap<DropCause, u64>,
}

impl Totals {
    /// Counts what `record` holds.
    pub fn of(record: &RunRecord) -> Self {
        let operations = &record.operations;
        let ended = |outcome| count(operations, |operation| operation.outcome == outcome);
        let asked = |is_read| count(operations, |operation| operation.f.only_asks() == is_read);
        let died = |is_planned| {
            count(&record.replicas, |replica| {
                replica.death.as_ref().is_some_and(|death| death.is_planned == is_planned)
            })
        };
        let latencies = operations
            .iter()
            .filter(|operation| operation.outcome == Outcome::Ok)
            .filter_map(|operation| Some(operation.completed?.since(operation.invoked)));
        Self {
            operations: operations.len() as u64,
            ok: ended(Outcome::Ok),
            fail: ended(Outcome::Fail),
            info: ended(Outcome::Info),
            gets: asked(true),
            puts: asked(false),
            latency: Quantiles::of(latencies),
            messages: MessageTotals::of(record),
            leaders: leaders(record).len() as u64,
            faults_applied: count(&record.faults, |fault| fault.applied_ns.is_some()),
            faults_planned: record.faults.len() as u64,
            kills: died(true),
            deaths: died(false),
        }
    }
}

impl MessageTotals {
    /// Adds up the links between replicas.
    fn of(record: &RunRecord) -> Self {
        let is_replica = |id: NodeId| id.is_one_of(record.scenario.replicas);
        let mut totals = Self::default();
        for ((src, dst, _), counts) in &record.messages {
            if !is_replica(*src) || !is_replica(*dst) {
                continue;
            }
            // What was sent before the clock started is in no total: it was never on its way.
            let early = counts.dropped.get(&DropCause::BeforeStart).copied().unwrap_or(0);
            totals.sent += counts.sent - early;
            totals.delivered += counts.delivered;
            let dropped = counts.dropped.iter();
            for (cause, dropped) in dropped.filter(|(cause, _)| **cause != DropCause::BeforeStart) {
                totals.dropped += dropped;
                *totals.dropped_by_cause.entry(*cause).or_default() += dropped;
            }
        }
        totals
    }
}

/// The believed leaders in order, each change once.
pub fn leaders(record: &RunRecord) -> Vec<NodeId> {
    let mut leaders: Vec<NodeId> = record.leaders.iter().map(|(_, leader)| *leader).collect();
    leaders.dedup();
    leaders
}

fn count<T>(items: &[T], holds: impl Fn(&T) -> bool) -> u64 {
    items.iter().filter(|item| holds(item)).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;
    use crate::time::RunTime;

    #[test]
    fn clients_messages_are_not_counted_among_the_replicas() {
        let record = sample::record();
        let totals = Totals::of(&record);
        assert_eq!(totals.messages.sent, 2310, "of {:?}", record.messages);
        assert_eq!(totals.messages.dropped, totals.messages.dropped_by_cause.values().sum::<u64>());
    }

    #[test]
    fn a_leader_named_twice_in_a_row_is_one_leader() {
        let mut record = sample::record();
        let (a, b) = (NodeId::replica(0), NodeId::replica(1));
        record.leaders = [a, a, b, a].map(|leader| (RunTime::ZERO, leader)).to_vec();
        assert_eq!(leaders(&record), [a, b, a]);
    }

    #[test]
    fn only_operations_that_ended_in_ok_have_a_latency_here() {
        let mut record = sample::record();
        record.operations.retain(|operation| operation.outcome != Outcome::Ok);
        assert!(!record.operations.is_empty());
        assert_eq!(Totals::of(&record).latency, None);
    }
}
