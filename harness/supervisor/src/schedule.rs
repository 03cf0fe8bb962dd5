//! The running hash of all that the supervisor decided, in order. Two runs with the same hash took the same path.

use crate::random::mix;
use crate::time::VirtualTime;

/// So many calls lie between two checkpoints.
pub const INTERVAL: u64 = 10_000;

/// The hash after some calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The calls until then.
    pub calls: u64,
    /// The time.
    pub at: VirtualTime,
    /// The hash.
    pub hash: u64,
}

/// What was decided so far.
#[derive(Clone, Debug, Default)]
pub struct Schedule {
    hash: u64,
    calls: u64,
    checkpoints: Vec<Checkpoint>,
}

impl Schedule {
    /// Something was decided that these numbers stand for.
    pub fn note(&mut self, numbers: &[u64]) {
        for &number in numbers {
            self.hash = mix(self.hash ^ number);
        }
    }

    /// A call was taken up.
    pub fn count(&mut self, now: VirtualTime) {
        self.calls += 1;
        if self.calls.is_multiple_of(INTERVAL) {
            self.checkpoints.push(Checkpoint { calls: self.calls, at: now, hash: self.hash });
        }
    }

    /// The hash.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The calls.
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// The hash after each 10,000 calls.
    pub fn checkpoints(&self) -> &[Checkpoint] {
        &self.checkpoints
    }
}
