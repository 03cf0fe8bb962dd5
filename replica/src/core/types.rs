//! The words of the protocol as types: ids, times, terms, places in the log.

use std::fmt;
use std::ops::Add;
use std::sync::Arc;
use std::time::Duration;

/// A replica or a client: four hexadecimal digits on the wire.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub u16);

impl Id {
    /// `FFFF`: everyone else as a destination, "unknown" as a leader.
    pub const EVERYONE: Self = Self(0xFFFF);

    /// Reads exactly four hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.len() == 4 && text.bytes().all(|b| b.is_ascii_hexdigit());
        if digits { u16::from_str_radix(text, 16).ok().map(Self) } else { None }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}", self.0)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A moment on the replica's own monotonic clock, in microseconds since an arbitrary start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub u64);

impl Time {
    /// A deadline that never comes.
    pub const NEVER: Self = Self(u64::MAX);

    /// How long ago `earlier` was; zero if it lies ahead.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(span.as_micros()).unwrap_or(u64::MAX)))
    }
}

/// What the outside world gives to every step: the time, read after the input arrived, and a
/// fresh random number, from which an election timeout is drawn when one is needed. The core
/// has no clock and no randomness of its own, so a step can be repeated exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Now {
    /// When the input is being handled.
    pub time: Time,
    /// Uniform over all of `u32`.
    pub jitter: u32,
}

/// A Raft term. Zero is before the first election.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term(pub u64);

impl Term {
    /// The term after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A place in the log. The first entry is at 1; 0 is before the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Index(pub u64);

impl Index {
    /// The place after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The place before this one, or 0.
    #[must_use]
    pub fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

/// What makes a request the same request when its message comes twice: the client and the `MID`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId {
    /// The client.
    pub client: Id,
    /// The client's message id.
    pub mid: Arc<str>,
}

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Read a key.
    Get {
        /// The key.
        key: Arc<str>,
    },
    /// Write a key.
    Put {
        /// The key.
        key: Arc<str>,
        /// Its new value.
        value: Arc<str>,
    },
}

/// A client's request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// Which request it is.
    pub id: RequestId,
    /// What it asks for.
    pub operation: Operation,
}

/// An answer to a client's request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reply {
    /// The request answered.
    pub id: RequestId,
    /// The leader, as the sender believes.
    pub leader: Option<Id>,
    /// The answer.
    pub outcome: Outcome,
}

/// The three answers that the course's protocol knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Read; the empty string is the value of a key never put.
    Value(Arc<str>),
    /// Written, and committed.
    Done,
    /// Certainly not done, and not to be done under this `MID`.
    Fail,
    /// Certainly not done here: ask the leader named, or anyone.
    Redirect,
}
