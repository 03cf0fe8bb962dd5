//! What became of the messages of a link: counted by message type, and by the cause of each loss.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What passed through one link, for one message type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageCounts {
    /// Messages that the source sent there (a multicast counts once per receiver).
    pub sent: u64,
    /// Messages handed to the destination.
    pub delivered: u64,
    /// Messages lost, by cause.
    pub dropped: BTreeMap<DropCause, u64>,
    /// Deliveries beyond the first of a message.
    pub duplicated: u64,
    /// Messages that a rule delayed.
    pub delayed: u64,
    /// Messages whose bytes a rule changed.
    #[serde(default)]
    pub corrupted: u64,
    /// Bytes sent.
    pub bytes: u64,
}

/// Why a message was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DropCause {
    /// Random loss.
    Loss,
    /// A partition lay between.
    Partition,
    /// Larger than a rule lets pass.
    SizeLimit,
    /// The link's buffer, bounded by a rule, was full.
    FullBuffer,
    /// The receiver does not read: its bounded queue was full.
    FullQueue,
    /// The receiver is dead, or not connected.
    Gone,
    /// Larger than the transport carries.
    TooLarge,
    /// Still on its way when the run ended.
    Underway,
    /// Sent before every replica had connected.
    BeforeStart,
}

impl DropCause {
    /// All causes, in the order of the columns.
    pub const ALL: [Self; 9] = [
        Self::Loss,
        Self::Partition,
        Self::SizeLimit,
        Self::FullBuffer,
        Self::FullQueue,
        Self::Gone,
        Self::TooLarge,
        Self::Underway,
        Self::BeforeStart,
    ];

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::Partition => "partition",
            Self::SizeLimit => "size_limit",
            Self::FullBuffer => "full_buffer",
            Self::FullQueue => "full_queue",
            Self::Gone => "gone",
            Self::TooLarge => "too_large",
            Self::Underway => "underway",
            Self::BeforeStart => "before_start",
        }
    }
}
