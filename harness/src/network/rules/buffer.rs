//! A bounded buffer: what does not fit behind the messages that wait is lost (tail drop).

use serde::{Deserialize, Serialize};

use super::{Decision, Message};
use crate::network::counts::DropCause;

/// The messages of a link that are on their way (delayed by another rule) or that the receiver has
/// not made room for: at most so many of them. At least one of the two is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Buffer {
    /// The most messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messages: Option<u64>,
    /// The most bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

impl Buffer {
    pub(super) fn decide(&self, message: &Message) -> Decision {
        let with_it = (message.waiting_bytes + message.bytes) as u64;
        // A message that alone exceeds the bytes passes an empty buffer: it never waits there.
        let is_full = self.messages.is_some_and(|most| message.waiting as u64 >= most)
            || self.bytes.is_some_and(|most| message.waiting > 0 && with_it > most);
        if is_full { Decision::Drop(DropCause::FullBuffer) } else { Decision::Pass }
    }
}
