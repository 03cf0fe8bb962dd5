//! What can be seen of a run while it goes on.

use super::feed::RunEvent;
use crate::ids::NodeId;
use crate::op::Outcome;
use crate::time::RunTime;

/// A snapshot of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The time; zero until the clock has started.
    pub now: RunTime,
    /// How many replicas have connected so far, whatever became of them.
    pub connected: usize,
    /// Operations that ended in `ok`.
    pub ok: u64,
    /// Operations that ended in `fail`.
    pub fail: u64,
    /// Operations that ended in `info`.
    pub info: u64,
    /// Messages between replicas.
    pub messages: u64,
    /// The replica believed to lead.
    pub leader: Option<NodeId>,
    /// How many replicas live.
    pub alive: usize,
    /// The partition in force, the majority first; empty if there is none.
    pub sides: Vec<Vec<NodeId>>,
    /// What has happened so far, in order.
    pub happened: Vec<RunEvent>,
}

impl Progress {
    /// Counts an operation that ended.
    pub fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Ok => self.ok += 1,
            Outcome::Fail => self.fail += 1,
            Outcome::Info => self.info += 1,
        }
    }
}
