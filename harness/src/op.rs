//! What a client asks of a store, and how it ended.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ids::NodeId;
use crate::time::RunTime;

/// Get or put.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OpKind {
    /// A read.
    Get,
    /// A write.
    Put,
}

impl OpKind {
    /// `get` or `put`, as on the wire and in every file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Put => "put",
        }
    }
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
}

impl OperationError {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Refused, Self::RefusedForGood, Self::Redirected, Self::TimedOut, Self::Unanswered];

    /// The text in `history.jsonl`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::RefusedForGood => "refused for good: no such key",
            Self::Redirected => "redirected",
            Self::TimedOut => "timed out",
            Self::Unanswered => "unanswered",
        }
    }

    /// The one with this text.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|error| error.name() == name)
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
    /// The replica believed to lead when it was invoked.
    pub leader: Option<NodeId>,
    /// How often it was redirected.
    pub redirects: u32,
    /// Why it did not end with a plain `ok`.
    pub error: Option<OperationError>,
    /// Whether it belongs to the reads after the healing.
    pub is_final_read: bool,
}

/// An operation of the recovery phase, retried until it is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryOperation {
    /// The client.
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
    /// Time from each request to its answer (`ok`, `redirect` or `fail`), in nanoseconds, in the
    /// order of the answers.
    pub latencies_ns: Vec<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_is_read_back_from_its_text() {
        for error in OperationError::ALL {
            assert_eq!(OperationError::named(error.name()), Some(error));
        }
        assert_eq!(OperationError::named("it rained"), None);
    }
}
