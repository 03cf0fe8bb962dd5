//! A size limit: a path whose packets have a largest size, without a warning.

use serde::{Deserialize, Serialize};

use super::{Decision, Message};
use crate::network::counts::DropCause;

/// Loses what is larger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Size {
    /// The largest message that passes.
    pub max_bytes: u64,
}

impl Size {
    pub(super) fn decide(&self, message: &Message) -> Decision {
        if message.bytes as u64 > self.max_bytes {
            Decision::Drop(DropCause::SizeLimit)
        } else {
            Decision::Pass
        }
    }
}
