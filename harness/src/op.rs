//! What a client asks of a store, and how it ended.

use std::sync::Arc;
use std::time::Duration;

use checker::Datum;
pub use checker::F;
use serde::{Deserialize, Serialize};

use crate::ids::NodeId;
use crate::limits;
use crate::time::RunTime;

/// What a client asks: a function, the key that it works on, and what it is given.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Op {
    /// The function.
    pub f: F,
    /// The key; `None` for an object that is the only one of its system.
    pub key: Option<Arc<str>>,
    /// What is written, added, sent; nil if nothing is given.
    pub value: Datum,
}

impl Op {
    /// Asks `f` of the only object that there is.
    pub fn new(f: F, value: Datum) -> Self {
        Self { f, key: None, value }
    }

    /// Asks `f` of the object under a key.
    pub fn of_key(f: F, key: impl Into<Arc<str>>, value: Datum) -> Self {
        Self { f, key: Some(key.into()), value }
    }
}

/// How an operation ended, as the system under test says or as its client had to assume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completion {
    /// It took effect, with this answer; nil where there is nothing to tell.
    Ok(Datum),
    /// It certainly did not take effect, and never will.
    Fail(Definite),
    /// It may take effect at any later time, or never.
    Info(Indefinite),
}

/// Why an operation certainly had no effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Definite {
    /// It was never sent: the connection was refused, or there is none.
    NotSent,
    /// The system answered that it does not do this, for the reason that it gives.
    Refused(Arc<str>),
}

/// Why it is not known whether an operation had an effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Indefinite {
    /// No answer came in time.
    TimedOut,
    /// The connection broke after the operation may have been sent.
    Disconnected,
    /// The system answered something that leaves it open, for the reason that it gives.
    Unclear(Arc<str>),
}

/// How an operation ended, in Jepsen's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It took effect.
    Ok,
    /// It certainly did not take effect.
    Fail,
    /// Unknown.
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

/// Why an operation did not end with a plain `ok`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OperationError {
    /// A replica answered `fail`.
    Refused,
    /// A get ended in `ok` without a value, although it was answered `fail`: in the recovery phase replicas went on
    /// refusing it.
    RefusedForGood,
    /// A probe read was answered `redirect`, which says nothing about the key.
    Redirected,
    /// No answer came within the client's timeout.
    TimedOut,
    /// The run ended first.
    Unanswered,
    /// The operation could not be sent.
    NotSent,
    /// The connection broke before the answer.
    Disconnected,
    /// What the system under test said.
    Told(Arc<str>),
}

impl OperationError {
    /// All of them but those in the words of the system under test.
    pub const ALL: [Self; 7] = [
        Self::Refused,
        Self::RefusedForGood,
        Self::Redirected,
        Self::TimedOut,
        Self::Unanswered,
        Self::NotSent,
        Self::Disconnected,
    ];

    /// The text in `history.jsonl`.
    pub fn name(&self) -> &str {
        match self {
            Self::Refused => "refused",
            Self::RefusedForGood => "refused for good: no such key",
            Self::Redirected => "redirected",
            Self::TimedOut => "timed out",
            Self::Unanswered => "unanswered",
            Self::NotSent => "not sent",
            Self::Disconnected => "disconnected",
            Self::Told(text) => text,
        }
    }

    /// The one with this text.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|error| error.name() == name)
    }
}

impl From<Definite> for OperationError {
    fn from(why: Definite) -> Self {
        match why {
            Definite::NotSent => Self::NotSent,
            Definite::Refused(text) => Self::Told(text),
        }
    }
}

impl From<Indefinite> for OperationError {
    fn from(why: Indefinite) -> Self {
        match why {
            Indefinite::TimedOut => Self::TimedOut,
            Indefinite::Disconnected => Self::Disconnected,
            Indefinite::Unclear(text) => Self::Told(text),
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
    /// What was asked: the function,
    pub f: F,
    /// the key, if there is one,
    pub key: Option<Arc<str>>,
    /// and what was given, nil if nothing.
    pub value: Datum,
    /// What was answered, where that is more than that it is done.
    pub answer: Option<Datum>,
    /// The replica that answered; without an answer the one last asked.
    pub node: Option<NodeId>,
    /// When the first message was sent.
    pub invoked: RunTime,
    /// When the last answer came, or the client gave up; `None` if the run ended first.
    pub completed: Option<RunTime>,
    /// How it ended. An operation that the end of the run found open is `Info`.
    pub outcome: Outcome,
    /// The replica believed to lead when it was invoked.
    pub leader: Option<NodeId>,
    /// How often it was redirected.
    pub redirects: u32,
    /// Why it did not end with a plain `ok`.
    pub error: Option<OperationError>,
    /// Whether it belongs to the reads after the healing.
    pub is_final_read: bool,
}

impl OperationRecord {
    /// What was asked.
    pub fn op(&self) -> Op {
        Op { f: self.f, key: self.key.clone(), value: self.value.clone() }
    }

    /// The name of the key; empty where there is only one object.
    pub fn key_name(&self) -> &str {
        self.key.as_deref().unwrap_or_default()
    }

    /// What its completion tells: the answer, or what was given.
    pub fn told(&self) -> &Datum {
        self.answer.as_ref().unwrap_or(&self.value)
    }
}

/// The text of a value, if it is one.
pub fn text_of(value: &Datum) -> Option<&str> {
    match value {
        Datum::Text(text) => Some(text),
        _ => None,
    }
}

/// An operation of the recovery phase, retried until it is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryOperation {
    /// The client.
    pub client: NodeId,
    /// The function.
    pub f: F,
    /// The key; empty where there is only one object.
    pub key: Arc<str>,
    /// When it was asked first; `None` if its turn never came.
    pub started: Option<RunTime>,
    /// When it was answered `ok`.
    pub answered: Option<RunTime>,
}

impl RecoveryOperation {
    /// Whether something has waited for half as long again as `bound`, so that a host which stood still for
    /// a moment is no excuse, and nothing at all was answered for [`limits::FINAL_SILENCE`]: more time
    /// would change nothing.
    pub fn are_stalled(asked: &[Self], now: RunTime, bound: Duration) -> bool {
        let mut waiting = asked.iter().filter(|it| it.started.is_some() && it.answered.is_none());
        let is_late = |it: &Self| it.started.is_some_and(|at| now.since(at) > bound * 3 / 2);
        let last = asked.iter().filter_map(|it| it.answered).max().unwrap_or_default();
        waiting.any(is_late) && now.since(last) > limits::FINAL_SILENCE
    }
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
    /// Gets without an answer by the end.
    pub unanswered_gets: u64,
    /// Puts without an answer by the end.
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
    /// Time from each request to its answer (`ok`, `redirect` or `fail`).
    pub latencies: Latencies,
}

/// Latencies in bounded memory: their mean is that of all, their median that of one in so many, evenly spread, once
/// there are more than [`limits::LATENCIES`].
#[derive(Clone, Debug)]
pub struct Latencies {
    count: u64,
    sum_ns: u128,
    kept_ns: Vec<u64>,
    /// One in so many is kept.
    every: u64,
}

impl Default for Latencies {
    fn default() -> Self {
        Self { count: 0, sum_ns: 0, kept_ns: Vec::new(), every: 1 }
    }
}

impl Latencies {
    /// Adds one.
    pub fn add(&mut self, latency: Duration) {
        let RunTime(latency_ns) = RunTime::from(latency);
        self.sum_ns += u128::from(latency_ns);
        if self.count.is_multiple_of(self.every) {
            self.kept_ns.push(latency_ns);
        }
        self.count += 1;
        if self.kept_ns.len() > limits::LATENCIES {
            let mut is_kept = false;
            self.kept_ns.retain(|_| {
                is_kept = !is_kept;
                is_kept
            });
            self.every *= 2;
        }
    }

    /// The mean in seconds; 0 of none.
    pub fn mean_s(&self) -> f64 {
        self.sum_ns as f64 / self.count.max(1) as f64 / 1e9
    }

    /// The median in seconds, of two the larger; 0 of none.
    pub fn median_s(&self) -> f64 {
        let mut sorted = self.kept_ns.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).map_or(0.0, |&latency_ns| latency_ns as f64 / 1e9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn latencies(ns: impl IntoIterator<Item = u64>) -> Latencies {
        let mut latencies = Latencies::default();
        ns.into_iter().for_each(|ns| latencies.add(Duration::from_nanos(ns)));
        latencies
    }

    #[test]
    fn the_median_of_an_even_number_is_the_upper_one_as_in_the_course() {
        let none = latencies([]);
        assert_eq!((none.mean_s(), none.median_s()), (0.0, 0.0));
        let four = latencies([4, 1, 3, 2].map(|s| s * 1_000_000_000));
        assert_eq!((four.mean_s(), four.median_s()), (2.5, 3.0));
    }

    #[test]
    fn many_latencies_take_no_more_memory() {
        let count = 5 * limits::LATENCIES as u64;
        let many = latencies((0..count).map(|n| n * 1_000));
        assert!(many.kept_ns.len() <= limits::LATENCIES);
        assert!(many.kept_ns.len() > limits::LATENCIES / 4);
        let middle = (count - 1) as f64 / 2.0 * 1e-6;
        assert!((many.mean_s() - middle).abs() < 1e-9, "{} of {middle}", many.mean_s());
        assert!((many.median_s() / middle - 1.0).abs() < 0.001, "{} of {middle}", many.median_s());
    }

    #[test]
    fn each_error_is_read_back_from_its_text() {
        for error in OperationError::ALL {
            assert_eq!(OperationError::named(error.name()), Some(error));
        }
        assert_eq!(OperationError::named("it rained"), None);
    }
}
