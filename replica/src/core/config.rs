//! What a replica is told once, at its start.

use std::hash::{Hash, Hasher};
use std::time::Duration;

use super::types::Id;
use crate::bugs::Bugs;

/// How an election without a winner continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElectionRule {
    /// By comparing the logs that the election messages tell of: only the best stands again.
    Fast,
    /// As in the paper: everyone stands again after another random timeout.
    Paper,
}

/// The whole configuration of one replica's core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// This replica.
    pub id: Id,
    /// All the others.
    pub peers: Vec<Id>,
    /// Tells this life of the replica from an earlier one.
    pub boot: u32,
    /// A leader that has sent a follower nothing for this long sends it a heartbeat.
    pub heartbeat: Duration,
    /// Election timeouts are drawn from here to [`Config::election_max`].
    pub election_min: Duration,
    /// The longest election timeout.
    pub election_max: Duration,
    /// A leader that has not heard from a majority for this long stops leading.
    pub quorum_timeout: Duration,
    /// A leader sends entries again that a follower has not answered for this long.
    pub resend: Duration,
    /// How long a leader waits for more puts before it sends the first of them.
    pub batch_delay: Duration,
    /// As soon as a batch holds so many puts it leaves before its time.
    pub batch_limit: usize,
    /// Waits so only for ten seconds after something had to be sent twice: where messages are
    /// lost each entry costs more of them, where none is, no replica need wait.
    pub batch_after_loss: bool,
    /// For this long after a leader's append a replica supports no other candidate. Zero: never.
    pub loyalty: Duration,
    /// For this long after a broadcast that a majority answered a leader serves gets by itself.
    /// Shorter than [`Config::loyalty`] by more than clocks drift meanwhile. Zero: every get
    /// waits for a broadcast of its own.
    pub lease: Duration,
    /// Sends new entries to a bare majority at once, and to the others this much later, or with the next
    /// heartbeat if that comes first. Zero: to all at once.
    pub follow_up: Duration,
    /// So many messages in a row may be lost before the leader sends the next ones to that follower one
    /// at a time. Zero: after the first.
    pub losses_by_chance: u32,
    /// So many times within the shortest election timeout a candidate asks those that do not answer; after
    /// the first time half as often, but once a heartbeat interval at least.
    pub asks_per_timeout: u32,
    /// Which election.
    pub election: ElectionRule,
    /// How many clients' requests are kept while there is no leader.
    pub queue_limit: usize,
    /// Mistakes switched on.
    pub bugs: Bugs,
}

impl Config {
    /// How many replicas, this one included, are more than half.
    pub fn majority(&self) -> usize {
        usize::midpoint(self.peers.len(), 1) + 1
    }

    /// How long a candidate waits before it first asks again those that have not answered.
    pub fn ask_again(&self) -> Duration {
        self.election_min / self.asks_per_timeout
    }
}

/// The configuration never changes, so that two states of one cluster differ by `id` at most.
impl Hash for Config {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}
