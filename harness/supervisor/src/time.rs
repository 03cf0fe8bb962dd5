//! Virtual time: nanoseconds since the supervisor began.

use std::fmt;
use std::time::Duration;

/// A microsecond.
pub const US: u64 = 1_000;
/// A millisecond.
pub const MS: u64 = 1_000_000;
/// A second.
pub const SECOND: u64 = 1_000_000_000;

/// What the clocks of a process show at virtual time zero, beside its own skew.
pub const WALL_START: u64 = 1_700_000_000 * SECOND;
/// The same of the monotonic clocks.
pub const MONOTONIC_START: u64 = 1_000 * SECOND;

/// A moment of virtual time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VirtualTime(pub u64);

impl VirtualTime {
    /// The beginning.
    pub const ZERO: Self = Self(0);
    /// Never.
    pub const NEVER: Self = Self(u64::MAX);

    /// So many nanoseconds later.
    #[must_use]
    pub fn plus(self, nanoseconds: u64) -> Self {
        Self(self.0.saturating_add(nanoseconds))
    }

    /// Since the beginning.
    pub fn since_start(self) -> Duration {
        Duration::from_nanos(self.0)
    }
}

impl fmt::Display for VirtualTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:09} s", self.0 / SECOND, self.0 % SECOND)
    }
}
