//! Reordering as such: some messages are held back while the others pass them.

use serde::{Deserialize, Serialize};

use super::{Decision, Message, Order, milliseconds};
use crate::seed::Seed;

/// Holds this fraction of the messages back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reorder {
    /// From 0 to 1.
    pub probability: f64,
    /// For a random time up to this.
    pub within_ms: f64,
}

impl Reorder {
    pub(super) fn decide(&self, seed: Seed, message: &Message) -> Decision {
        if seed.fraction(message.n) >= self.probability {
            return Decision::Pass;
        }
        // In (0, 1]: a message that is held back waits at least a little.
        let share = 1.0 - Seed(seed.draw(message.n)).fraction(1);
        Decision::Delay(milliseconds(share * self.within_ms), Order::Free)
    }
}
