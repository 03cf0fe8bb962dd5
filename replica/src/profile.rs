//! Sets of timings that work together.

use std::time::Duration;

use clap::ValueEnum;

use crate::bugs::Bugs;
use crate::core::{Config, ElectionRule, Id};

/// How many clients' requests a replica keeps while there is no leader.
const QUEUE_LIMIT: usize = 1_024;

/// Half the messages is few enough: the course takes a replica that sends too few between
/// replicas for one that does not replicate.
const LOW_MESSAGE_BATCH: usize = 2;

/// Where entries go to disk, and the replicas share one, those that are not needed for a majority
/// write what has come together meanwhile, and do not make the others wait.
pub const FOLLOW_UP_ON_DISK: Duration = Duration::from_millis(5);

/// A set of timings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Profile {
    /// Election timeouts of 150 to 300 ms: the paper's.
    Paper,
    /// Election timeouts of 100 to 300 ms: the original's.
    Course,
    /// The fewest messages: long timeouts, puts to a bare majority first, and in batches
    /// once messages were lost.
    LowMessage,
}

struct Timings {
    heartbeat: u64,
    resend: u64,
    election_min: u64,
    election_max: u64,
    quorum_timeout: u64,
    batch_delay: u64,
}

impl Profile {
    fn timings(self) -> Timings {
        match self {
            Self::Paper => Timings {
                heartbeat: 75,
                resend: 75,
                election_min: 150,
                election_max: 300,
                quorum_timeout: 500,
                batch_delay: 0,
            },
            // The heartbeat is as long as the shortest timeout allows: it is most of the traffic.
            Self::Course => Timings {
                heartbeat: 70,
                resend: 70,
                election_min: 100,
                election_max: 300,
                quorum_timeout: 500,
                batch_delay: 0,
            },
            Self::LowMessage => Timings {
                heartbeat: 900,
                resend: 150,
                election_min: 1_200,
                election_max: 2_000,
                quorum_timeout: 3_000,
                batch_delay: 250,
            },
        }
    }

    /// The configuration of one replica under this profile.
    pub fn config(self, id: Id, peers: Vec<Id>) -> Config {
        let timings = self.timings();
        let mut config = Config {
            id,
            peers,
            boot: 0,
            heartbeat: Duration::from_millis(timings.heartbeat),
            resend: Duration::from_millis(timings.resend),
            election_min: Duration::from_millis(timings.election_min),
            election_max: Duration::from_millis(timings.election_max),
            quorum_timeout: Duration::from_millis(timings.quorum_timeout),
            batch_delay: Duration::from_millis(timings.batch_delay),
            batch_limit: if self == Self::LowMessage { LOW_MESSAGE_BATCH } else { usize::MAX },
            batch_after_loss: self == Self::LowMessage,
            loyalty: Duration::ZERO,
            lease: Duration::ZERO,
            follow_up: if self == Self::LowMessage { Duration::MAX } else { Duration::ZERO },
            losses_by_chance: if self == Self::LowMessage { 0 } else { 4 },
            asks_per_timeout: if self == Self::LowMessage { 2 } else { 5 },
            election: ElectionRule::Fast,
            queue_limit: QUEUE_LIMIT,
            bugs: Bugs::default(),
        };
        derive(&mut config);
        config
    }
}

/// Sets what follows from the shortest election timeout: no replica stands before it is over, so
/// loyalty may last nearly as long, and a lease ends a tenth of it before loyalty does: clocks
/// may drift apart by as much.
pub fn derive(config: &mut Config) {
    config.loyalty = config.election_min.mul_f64(0.95);
    config.lease = config.election_min.mul_f64(0.85);
}
