//! What can go wrong: the kinds of faults, whom they strike, and what can be said about each.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::network::RoleRule;
use crate::ids::NodeId;
use crate::time::RunTime;

/// A fault at its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultEvent {
    /// Since the start of the run (a file counts from the end of `start_wait`).
    pub at: RunTime,
    /// What happens.
    pub kind: FaultKind,
    /// To whom, how long, and how.
    #[serde(default, flatten)]
    pub parameters: Parameters,
    /// Where the file says so: `events[2]`.
    #[serde(default)]
    pub place: String,
}

impl FaultEvent {
    /// Whether it harms or keeps data, and so needs replicas that have some on disk.
    pub fn needs_data(&self) -> bool {
        self.kind == FaultKind::Disk || self.parameters.keep_data == Some(true)
    }
}

/// An enum whose variants have a word in workload files and a line for people.
macro_rules! words {
    ($(#[$doc:meta])* $enum:ident { $($variant:ident $name:literal $meaning:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $enum {
            $(#[doc = $meaning] $variant,)*
        }

        impl $enum {
            /// All, in the order in which they are listed to people.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Their words, in that order.
            pub const NAMES: &[&str] = &[$($name,)*];

            /// The word in workload files and reports.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The one with this word.
            pub fn named(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.name() == word)
            }

            /// What it means, in a line.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }
        }
    };
}

words! {
    /// The faults that a file can ask for.
    FaultKind {
        KillLeader "kill_leader"
            "SIGKILL, for good, to the replica believed to lead",
        KillNonLeader "kill_non_leader"
            "SIGKILL, for good, to a random other living replica",
        PartEasy "part_easy"
            "a random bare majority that includes the leader against the rest",
        PartHard "part_hard"
            "a random bare majority against the rest, the leader on either side",
        PartEnd "part_end"
            "the partition heals",
        Kill "kill"
            "SIGKILL, for good",
        Crash "crash"
            "SIGKILL; started again after `duration`, with its data directory as it was or (`keep_data` false) empty",
        Pause "pause"
            "SIGSTOP to the whole process group, SIGCONT after `duration`; with `cut_off`, as for a suspended machine, what others send it meanwhile is lost",
        Restart "restart"
            "SIGTERM, SIGKILL if it still lives after `deadline`; started again after `duration`",
        Rolling "rolling"
            "`restart` of one replica after the other, each as soon as the one before has connected again",
        Slow "slow"
            "a starved process: of each `period` it is stopped for the fraction `stopped`, for `duration`",
        Disk "disk"
            "SIGKILL, then `harm` to the data directory; started again after `duration` (`read_only` and `full`: started at once, with a good disk again after `duration`)",
        Depose "depose"
            "the network is cut by `shape` for `duration`, then the leader is cut off (with a shape that begins with the leader, at once; after `everyone` none is, and all see one another again, or two halves see only one in between); then, `times` times, whoever names itself as leader next: before the others hear of it, when it has answered some operations, or up to `lag` later. Those cut off stay alone, the latest of them, as long as a majority is left; all is whole again after one more election",
        Partition "partition"
            "the network is cut by `shape`, and heals after `duration`; with `period` it is whole again in the second half of each; what a `hub` says comes `lag` later",
        Reset "reset"
            "the connection of a replica is closed under its hands, and with it all of its links; it may connect again (not over UDP, which has no connections)",
        Network "network"
            "`rules` hold on links for `duration`: all that `network` can list, on links that may be named by roles",
    }
}

impl FaultKind {
    /// The keys that can stand beside `type` and `time`.
    pub fn keys(self) -> &'static [&'static str] {
        match self {
            Self::KillLeader
            | Self::KillNonLeader
            | Self::PartEasy
            | Self::PartHard
            | Self::PartEnd => &[],
            Self::Kill | Self::Reset => &["target"],
            Self::Crash => &["target", "duration", "keep_data"],
            Self::Pause => &["target", "duration", "cut_off"],
            Self::Restart => &["target", "duration", "deadline", "keep_data"],
            Self::Rolling => &["duration", "deadline", "keep_data"],
            Self::Slow => &["target", "duration", "period", "stopped"],
            Self::Disk => &["target", "duration", "harm"],
            Self::Depose => &["shape", "duration", "times", "lag"],
            Self::Partition => &["shape", "direction", "period", "duration", "lag"],
            Self::Network => &["rules", "duration"],
        }
    }

    /// Whether the course's own files know it.
    pub fn is_the_courses(self) -> bool {
        use FaultKind::{KillLeader, KillNonLeader, PartEasy, PartEnd, PartHard};
        matches!(self, KillLeader | KillNonLeader | PartEasy | PartHard | PartEnd)
    }

    /// How long it lasts where nobody says: long enough for an election, or two.
    pub fn default_duration(self) -> Option<Duration> {
        let ms = match self {
            Self::Crash
            | Self::Disk
            | Self::Slow
            | Self::Pause
            | Self::Partition
            | Self::Network
            | Self::Depose => 1000,
            Self::Restart | Self::Rolling => 0,
            _ => return None,
        };
        Some(Duration::from_millis(ms))
    }

    /// Whether the replica is down, or stands still, while it lasts.
    pub fn takes_replicas(self) -> bool {
        self.keys().contains(&"target") || self == Self::Rolling
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What can be said about a fault; each kind takes those of [`FaultKind::keys`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Parameters {
    /// Whom it strikes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// How long it lasts, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Whether a replica that is started again finds its data directory as it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_data: Option<bool>,
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
    pub harm: Option<Harm>,
    /// Whether messages to and from a replica that stands still are lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut_off: Option<bool>,
    /// Who is cut off from whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shape: Option<Shape>,
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
    /// Whether it cuts links.
    pub fn parts(&self) -> bool {
        self.shape.is_some() || self.cut_off == Some(true)
    }

    /// How long the fault lasts; zero if that means nothing for it.
    pub fn duration(&self) -> Duration {
        Duration::from_millis(self.duration_ms.unwrap_or(0))
    }
}

/// Whom a fault strikes: a role, settled when it strikes, or an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// This one.
    Id(NodeId),
    /// Whoever is believed to lead.
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

words! {
    /// What is done to a data directory.
    Harm {
        Truncate "truncate" "each file loses its end, up to a page",
        FlipBit "flip_bit" "one bit in each file is another, among those that were written",
        OldCopy "old_copy" "the directory is as it was half of `duration` before",
        ReadOnly "read_only" "nothing in it can be written",
        Full "full" "nothing more fits: a write behind what was written before fails",
    }
}

impl Harm {
    /// Whether it passes, so that the replica has a good disk again.
    pub fn passes(self) -> bool {
        matches!(self, Self::ReadOnly | Self::Full)
    }
}

words! {
    /// Who is cut off from whom.
    Shape {
        Leader "leader" "the leader alone against all others",
        LeaderMinority "leader_minority"
            "a bare minority that includes the leader against the majority without it",
        LeaderMajority "leader_majority"
            "a bare majority that includes the leader against the minority without it (as `part_easy`)",
        Majority "majority"
            "a random bare majority against the rest, the leader on either side (as `part_hard`)",
        One "one" "one random replica alone against all others",
        Halves "halves" "two random halves; of an odd number the greater is a majority",
        Everyone "everyone" "each alone",
        Bridge "bridge" "two halves that do not see each other, and one in between that sees all",
        Hub "hub"
            "the leader alone; a bare minority of the others sees all others, each of the rest only it: two may be elected and not hear of one another",
        MajoritiesRing "majorities_ring" "each sees a majority, no two the same one",
        RandomPairs "random_pairs"
            "of each two, none, the one or the other direction is cut: some hear those who do not hear them",
        Flapping "flapping" "two random halves that part and meet again, over and over",
    }
}

impl Shape {
    /// Whether it has two sides.
    pub fn has_sides(self) -> bool {
        use Shape::{Bridge, Everyone, Hub, MajoritiesRing, RandomPairs};
        !matches!(self, Everyone | Bridge | Hub | MajoritiesRing | RandomPairs)
    }
}

words! {
    /// Which directions between two sides are cut, told of the smaller side (the second half).
    Direction {
        Both "both" "nothing crosses",
        Deaf "deaf" "it hears nothing, and is heard",
        Mute "mute" "it is not heard, and hears",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        for (shape, name) in Shape::ALL.iter().zip(Shape::NAMES) {
            assert_eq!(serde_json::to_string(shape).unwrap(), format!("{name:?}"));
        }
        for (harm, name) in Harm::ALL.iter().zip(Harm::NAMES) {
            assert_eq!(serde_json::to_string(harm).unwrap(), format!("{name:?}"));
        }
    }
}
