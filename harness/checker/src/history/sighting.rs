//! What was seen of a write besides the history: that a node still held it after it was acknowledged.

use serde::{Deserialize, Serialize};

/// A node showed that it holds a write that had been acknowledged before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// The text that was written, by this write alone.
    pub value: String,
    /// The node, as the history names it.
    pub node: String,
    /// When, in nanoseconds of the history.
    pub time_ns: u64,
    /// How it showed it.
    pub shown: Shown,
}

/// How a node shows that it holds a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// It sent the value in a message to another node.
    Message,
    /// It acknowledged the write once more.
    Acknowledgement,
}

impl Sighting {
    /// The same in words, about a write that is told as `write`.
    pub(crate) fn told(&self, write: &str) -> String {
        let Self { node, time_ns, shown, .. } = self;
        let ms = *time_ns as f64 / 1e6;
        match shown {
            Shown::Message => {
                format!("But later, at {ms:.3} ms, {node} sent {write} in a message")
            }
            Shown::Acknowledgement => {
                format!("But later, at {ms:.3} ms, {node} acknowledged {write} again")
            }
        }
    }
}
