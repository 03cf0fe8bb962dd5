//! Loss: each message is lost with a probability, whatever happens to the others.

use serde::{Deserialize, Serialize};

use super::{Decision, Message};
use crate::network::counts::DropCause;
use crate::seed::Seed;

/// Loses this fraction of the messages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Loss {
    /// From 0 to 1.
    pub probability: f64,
}

impl Loss {
    pub(super) fn decide(&self, seed: Seed, message: &Message) -> Decision {
        if seed.fraction(message.n) < self.probability {
            Decision::Drop(DropCause::Loss)
        } else {
            Decision::Pass
        }
    }
}
