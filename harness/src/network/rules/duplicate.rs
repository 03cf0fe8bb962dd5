//! Duplication: some messages arrive again.

use serde::{Deserialize, Serialize};

use super::{Decision, Message, milliseconds};
use crate::seed::Seed;

/// Delivers this fraction of the messages more than once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Duplicate {
    /// From 0 to 1.
    pub probability: f64,
    /// How many times more.
    pub copies: u32,
    /// The copies come at random times up to this much after the first.
    pub within_ms: f64,
}

impl Duplicate {
    pub(super) fn decide(&self, seed: Seed, message: &Message) -> Decision {
        if seed.fraction(message.n) >= self.probability {
            return Decision::Pass;
        }
        let last = Seed(seed.draw(message.n)).fraction(1) * self.within_ms;
        Decision::Again(self.copies, milliseconds(last))
    }
}
