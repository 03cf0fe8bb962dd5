//! What can go wrong, as data: the kinds of faults, their targets, and what can be said about each.

mod call;
mod direction;
mod disk_fault;
mod kind;
pub mod length;
mod rule;
mod shape;
mod target;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ids::NodeId;
use crate::time::RunTime;
pub use call::{BeforeCall, Call};
pub use direction::Direction;
pub use disk_fault::DiskFault;
pub use kind::FaultKind;
pub use rule::{LinkRule, RoleRule};
pub use shape::PartitionShape;
pub use target::{NoTarget, Target};

/// A fault at its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultEvent {
    /// Since the start of the run (a file counts from the end of `start_wait`).
    pub at: RunTime,
    /// What happens.
    pub kind: FaultKind,
    /// Its targets, duration and other parameters.
    #[serde(default, flatten)]
    pub parameters: Parameters,
    /// Where the file says so: `events[2]`.
    #[serde(default)]
    pub place: String,
}

impl FaultEvent {
    /// What only virtual time can do of it, in a few words.
    pub fn needs_virtual_time(&self) -> Option<&'static str> {
        match self.kind {
            FaultKind::Clock => Some("a jump of one replica's clock"),
            _ => self.parameters.before.map(|_| "a kill before a system call"),
        }
    }

    /// Whether it harms or keeps data, and so needs replicas that have some on disk.
    pub fn needs_data(&self) -> bool {
        self.kind == FaultKind::Disk || self.parameters.keep_data == Some(true)
    }
}

/// What can be said about a fault; each kind takes those of [`FaultKind::keys`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Parameters {
    /// The replicas that it affects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// How long it lasts, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Whether a replica that is started again finds its data directory as it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_data: Option<bool>,
    /// The system call before which the replica is killed; without it at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<BeforeCall>,
    /// How long SIGTERM may take, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
    /// One round of stopping and going on, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period_ms: Option<u64>,
    /// The fraction of a round in which the process is stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<f64>,
    /// What is done to the data directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_fault: Option<DiskFault>,
    /// Whether messages to and from a replica that stands still are lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut_off: Option<bool>,
    /// By how much the wall clock jumps, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<f64>,
    /// The links that are cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shape: Option<PartitionShape>,
    /// Which directions between two sides are cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// How many new leaders are cut off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// How long after its election, at most, a new leader is cut off, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lag_ms: Option<u64>,
    /// What holds on which links.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RoleRule>,
}

impl Parameters {
    /// Gives each id that stands here its name in a system.
    pub fn named(&mut self, named: impl Fn(&mut NodeId)) {
        let rules = self.rules.iter_mut().flat_map(|rule| rule.from.iter_mut().chain(&mut rule.to));
        for target in self.target.iter_mut().chain(rules) {
            if let Target::Id(id) = target {
                named(id);
            }
        }
    }

    /// Whether it cuts links.
    pub fn parts(&self) -> bool {
        self.shape.is_some() || self.cut_off == Some(true)
    }

    /// How long the fault lasts; zero if that means nothing for it.
    pub fn duration(&self) -> Duration {
        Duration::from_millis(self.duration_ms.unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::NodeId;

    #[test]
    fn targets_are_roles_or_ids() {
        for (name, role) in Target::ROLES {
            assert_eq!((name.parse(), role.to_string()), (Ok(role), name.to_owned()));
        }
        assert_eq!("0003".parse(), Ok(Target::Id(NodeId(3))));
        assert!("boss".parse::<Target>().is_err());
    }

    #[test]
    fn a_kind_s_word_is_the_same_everywhere() {
        for (kind, name) in FaultKind::ALL.iter().zip(FaultKind::NAMES) {
            assert_eq!(serde_json::to_string(kind).unwrap(), format!("{name:?}"));
            assert_eq!((kind.name(), FaultKind::named(name)), (*name, Some(*kind)));
        }
        for (shape, name) in PartitionShape::ALL.iter().zip(PartitionShape::NAMES) {
            assert_eq!(serde_json::to_string(shape).unwrap(), format!("{name:?}"));
        }
        for (call, name) in Call::ALL.iter().zip(Call::NAMES) {
            assert_eq!(serde_json::to_string(call).unwrap(), format!("{name:?}"));
        }
        for (disk_fault, name) in DiskFault::ALL.iter().zip(DiskFault::NAMES) {
            assert_eq!(serde_json::to_string(disk_fault).unwrap(), format!("{name:?}"));
        }
    }
}
