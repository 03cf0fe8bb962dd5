//! The origin of a rule: its name keeps the draws of different faults apart.

use std::fmt;

use crate::seed::Seed;

/// What a rule on a link belongs to, so that it can be lifted again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultId {
    /// The workload's `drops`.
    Drops,
    /// The n-th rule of the workload's `network`.
    Network(usize),
    /// A rule of the n-th fault of the plan, by its place among them.
    Planned(usize, usize),
    /// The course's partition, of which there is one at a time.
    Partition,
}

impl fmt::Display for FaultId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Drops => f.write_str("drops"),
            Self::Network(n) => write!(f, "network/{n}"),
            Self::Planned(n, rule) => write!(f, "fault/{n}/{rule}"),
            Self::Partition => f.write_str("partition"),
        }
    }
}

impl FaultId {
    /// From what this fault's rule draws on the link with this seed.
    pub fn seed(self, link: Seed) -> Seed {
        match self {
            // The link's own: a seed loses the same messages as it always did.
            Self::Drops => link,
            other => link.derive(&other.to_string()),
        }
    }
}
