//! Bandwidth: messages leave one after the other, each for as long as its bytes take.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Decision, Message, Order};
use crate::time::RunTime;

/// A line of this many bytes a second. What waits is not bounded here but by
/// [`Buffer`](super::Buffer) and the limit of the whole network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// Bytes a second.
    pub bytes_per_s: f64,
}

impl Rate {
    pub(super) fn decide(&self, message: &Message, busy_until: &mut RunTime) -> Decision {
        let seconds = message.bytes as f64 / self.bytes_per_s;
        let takes = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        *busy_until = (*busy_until).max(message.now) + takes;
        Decision::Delay(busy_until.since(message.now), Order::Kept)
    }
}
