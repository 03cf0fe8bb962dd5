//! The replicas that a fault affects: an id, or a role that is resolved when the fault is injected.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::NodeId;

/// The replicas that a fault affects: an id, or a role that is resolved when the fault is injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// This one.
    Id(NodeId),
    /// The replica believed to lead.
    Leader,
    /// A random one that is not believed to lead.
    Follower,
    /// A random one.
    One,
    /// As many random ones as leave a majority.
    Minority,
    /// A random bare majority.
    Majority,
    /// All.
    All,
}

impl Target {
    /// The roles and their words.
    pub const ROLES: [(&str, Self); 6] = [
        ("leader", Self::Leader),
        ("follower", Self::Follower),
        ("one", Self::One),
        ("minority", Self::Minority),
        ("majority", Self::Majority),
        ("all", Self::All),
    ];
}

impl Target {
    /// Whether it is one replica, whichever.
    pub fn is_one(self) -> bool {
        !matches!(self, Self::Minority | Self::Majority | Self::All)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            role => {
                let name = Self::ROLES.iter().find(|(_, target)| target == role);
                f.write_str(name.map_or("", |(name, _)| name))
            }
        }
    }
}

/// The text names neither a role nor an id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither a role nor an id")]
pub struct NoTarget(String);

impl FromStr for Target {
    type Err = NoTarget;

    fn from_str(text: &str) -> Result<Self, NoTarget> {
        let role = Self::ROLES.iter().find(|(name, _)| *name == text).map(|&(_, role)| role);
        let id = || text.parse().ok().map(Self::Id);
        role.or_else(id).ok_or_else(|| NoTarget(text.to_owned()))
    }
}

impl Serialize for Target {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
