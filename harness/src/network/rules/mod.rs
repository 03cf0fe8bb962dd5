//! What a link may do to messages: one file per rule, all of them pure.
//!
//! A rule answers for one message with a [`Decision`]; a link (see [`super::link`]) asks all that
//! hold there, in the order of [`Rule`], until one drops the message, and adds up the rest. What
//! chance decides about the n-th message of a link is a pure function of (seed, link, rule, n):
//! each rule draws from a seed of its own, by the message's number. [`rate`] and [`buffer`] draw
//! nothing: they depend on when and how much was sent before.

pub mod buffer;
pub mod corrupt;
pub mod duplicate;
pub mod fault;
pub mod latency;
pub mod loss;
pub mod rate;
pub mod reorder;
pub mod size;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use buffer::Buffer;
pub use corrupt::Corrupt;
pub use duplicate::Duplicate;
pub use fault::FaultId;
pub use latency::{Distribution, Latency};
pub use loss::Loss;
pub use rate::Rate;
pub use reorder::Reorder;
pub use size::Size;

use crate::network::counts::DropCause;
use crate::seed::Seed;
use crate::time::RunTime;
use crate::words::words;

/// A rule that holds on a link for a while; in the order in which a link asks them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub enum Rule {
    /// Nothing crosses: a partition is this on many links. On a byte stream it is a black hole:
    /// the connection stays open, and its ends are not told.
    Cut,
    /// Messages above a size are lost.
    Size(Size),
    /// Some messages are lost.
    Loss(Loss),
    /// Only so much may be on its way at a time; what comes on top is lost.
    Buffer(Buffer),
    /// Some messages arrive changed.
    Corrupt(Corrupt),
    /// Some messages arrive more than once.
    Duplicate(Duplicate),
    /// Only so many bytes a second.
    Rate(Rate),
    /// Messages take time.
    Latency(Latency),
    /// Some messages are held back, so that later ones overtake them.
    Reorder(Reorder),
}

/// What a rule does with one message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decision {
    /// Nothing.
    Pass,
    /// It is lost, and why.
    Drop(DropCause),
    /// It is delivered later by this; whether it may then be overtaken, and overtake.
    Delay(Duration, Order),
    /// It is delivered as many times more, the last one this much after the first.
    Again(u32, Duration),
    /// It is delivered changed: how is decided by this seed.
    Change(Corrupt, Seed),
}

/// Whether a message that is delayed keeps its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// It arrives after all that were sent before it on this link.
    Kept,
    /// It arrives when its own time has come.
    Free,
}

/// What rules know of a message.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    /// Its number on the link, from 0.
    pub n: u64,
    /// Its size.
    pub bytes: usize,
    /// When it was sent.
    pub now: RunTime,
    /// Messages of this link that are on their way or unread.
    pub waiting: usize,
    /// Their bytes.
    pub waiting_bytes: usize,
}

words! {
    /// The rules without their parameters, in the order in which a link asks them.
    RuleKind {
        Cut "cut"
            "nothing crosses, and messages on their way are lost. On a byte stream it is a black hole: the \
             ends are not told",
        Size "size" "larger messages are lost",
        Loss "loss" "some messages are lost",
        Buffer "buffer"
            "messages that do not fit behind those that are on their way, or unread, are lost",
        Corrupt "corrupt" "some messages arrive changed, at the right receiver",
        Duplicate "duplicate" "some messages arrive more than once",
        Rate "rate" "messages leave one after the other, each as long as its bytes take",
        Latency "latency" "messages take time, and keep their order unless `reorders`",
        Reorder "reorder" "some messages are held back, and others overtake them",
    }
}

impl Rule {
    /// What it is, without its parameters; a link asks its rules in the order of the kinds.
    pub fn kind(&self) -> RuleKind {
        match self {
            Self::Cut => RuleKind::Cut,
            Self::Size(_) => RuleKind::Size,
            Self::Loss(_) => RuleKind::Loss,
            Self::Buffer(_) => RuleKind::Buffer,
            Self::Corrupt(_) => RuleKind::Corrupt,
            Self::Duplicate(_) => RuleKind::Duplicate,
            Self::Rate(_) => RuleKind::Rate,
            Self::Latency(_) => RuleKind::Latency,
            Self::Reorder(_) => RuleKind::Reorder,
        }
    }

    /// The name in workload files.
    pub fn name(&self) -> &'static str {
        self.kind().name()
    }

    /// What this rule, drawing from `seed`, does with a message. `busy_until` is the rule's own
    /// memory on this link: until when its line is taken.
    pub fn decide(&self, seed: Seed, message: &Message, busy_until: &mut RunTime) -> Decision {
        match self {
            Self::Cut => Decision::Drop(DropCause::Partition),
            Self::Size(size) => size.decide(message),
            Self::Loss(loss) => loss.decide(seed, message),
            Self::Buffer(buffer) => buffer.decide(message),
            Self::Corrupt(corrupt) => corrupt.decide(seed, message),
            Self::Duplicate(duplicate) => duplicate.decide(seed, message),
            Self::Rate(rate) => rate.decide(message, busy_until),
            Self::Latency(latency) => latency.decide(seed, message),
            Self::Reorder(reorder) => reorder.decide(seed, message),
        }
    }

    /// Whether it holds messages back.
    pub fn delays(&self) -> bool {
        matches!(self, Self::Rate(_) | Self::Latency(_) | Self::Reorder(_))
    }

    /// Why a transport that carries bytes in order, not messages, cannot bear it.
    pub fn unsupported_on_streams(&self) -> Option<&'static str> {
        match self {
            Self::Cut | Self::Rate(_) => None,
            Self::Latency(latency) if !latency.reorders => None,
            Self::Latency(_) | Self::Reorder(_) => Some("a byte stream keeps its order"),
            Self::Loss(_) | Self::Size(_) | Self::Buffer(_) => {
                Some("a byte stream loses nothing while it stands")
            }
            Self::Corrupt(_) => Some("a byte stream is protected by checksums"),
            Self::Duplicate(_) => Some("a byte stream delivers everything once"),
        }
    }
}

/// Milliseconds as a duration; negative, absurd or not a number is none at all.
pub(crate) fn milliseconds(ms: f64) -> Duration {
    Duration::try_from_secs_f64(ms / 1e3).unwrap_or_default()
}
