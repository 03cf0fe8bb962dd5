//! The operations of the request phase: how many were asked and answered, and when.
//!
//! The reads and writes of the recovery phase do not count: a store that answers only then has
//! shown nothing of what it does under faults.

use std::time::Duration;

use crate::limits;
use crate::op::{OperationError, OperationRecord, Outcome};
use crate::record::RunRecord;
use crate::time::RunTime;

/// The operations of the request phase.
pub struct Requests<'a> {
    /// In the order of invocation.
    pub operations: Vec<&'a OperationRecord>,
    /// When the first could be asked.
    pub begin: RunTime,
    /// When the recovery phase began, or the run ended.
    pub end: RunTime,
    /// The times of all `ok` answers until `end`, in order.
    answers: Vec<RunTime>,
    /// The times at which operations ended, however, in order.
    ends: Vec<RunTime>,
    /// The median latency of those that were answered.
    usual_latency: Duration,
}

impl<'a> Requests<'a> {
    /// Those of `record`.
    pub fn of(record: &'a RunRecord) -> Self {
        let recovery = record.recovery.iter().filter_map(|operation| operation.started).min();
        let end = recovery.unwrap_or(RunTime::from(record.duration));
        // A replica that redirects a probe read was not asked for anything that it has.
        let is_asked = |it: &&OperationRecord| {
            !it.is_final_read
                && recovery.is_none_or(|begin| it.invoked < begin)
                && it.error != Some(OperationError::Redirected)
        };
        let operations: Vec<_> = record.operations.iter().filter(is_asked).collect();
        let mut ends: Vec<_> = operations.iter().filter_map(|it| it.completed).collect();
        ends.sort_unstable();
        let begin = RunTime::from(record.scenario.start_wait);
        let mut requests = Self {
            operations,
            begin,
            end,
            answers: Vec::new(),
            ends,
            usual_latency: Duration::ZERO,
        };
        let answered = requests.operations.iter().filter(|it| requests.is_answered(it));
        let mut answers: Vec<_> = answered.filter_map(|it| it.completed).collect();
        answers.sort_unstable();
        let took = |it: &&&OperationRecord| requests.is_answered(it);
        let mut latencies: Vec<Duration> = requests
            .operations
            .iter()
            .filter(took)
            .filter_map(|it| Some(it.completed?.since(it.invoked)))
            .collect();
        latencies.sort_unstable();
        requests.usual_latency = latencies.get(latencies.len() / 2).copied().unwrap_or_default();
        requests.answers = answers;
        requests
    }

    /// How long after a fault clients must have been answered again: an election, and two operations
    /// of a slow store.
    pub fn patience(&self) -> Duration {
        limits::FAULT_AFTERMATH + 2 * self.usual_latency
    }

    /// Whether this operation was answered `ok` before the recovery phase.
    pub fn is_answered(&self, operation: &OperationRecord) -> bool {
        let is_in_time = |completed: RunTime| completed <= self.end;
        operation.outcome == Outcome::Ok && operation.completed.is_some_and(is_in_time)
    }

    /// `ok` answers between two moments, both included.
    pub fn answered(&self, from: RunTime, until: RunTime) -> usize {
        let before = self.answers.partition_point(|&at| at < from);
        self.answers.partition_point(|&at| at <= until).saturating_sub(before)
    }

    /// Operations that waited for an answer at some moment between these two, both included.
    pub fn due(&self, from: RunTime, until: RunTime) -> usize {
        let begun = self.operations.partition_point(|it| it.invoked <= until);
        begun.saturating_sub(self.ends.partition_point(|&at| at < from))
    }

    /// Whether operations were due between two moments, and in vain: none was answered, and some
    /// ended without an answer or waited for one all the time.
    pub fn is_silent(&self, from: RunTime, until: RunTime) -> bool {
        let is_in_vain = |it: &&OperationRecord| match it.completed {
            Some(at) if at <= until => at >= from,
            _ => it.invoked < from,
        };
        self.answered(from, until) == 0 && self.operations.iter().any(is_in_vain)
    }
}
