//! The kinds of faults that a file can ask for.

use std::fmt;
use std::time::Duration;

use crate::words::words;

use super::target::Target;

words! {
    /// The faults that a file can ask for.
    FaultKind {
        KillLeader "kill_leader"
            "SIGKILL, for good, to the replica believed to be the leader",
        KillNonLeader "kill_non_leader"
            "SIGKILL, for good, to a random other living replica",
        PartEasy "part_easy"
            "a random bare majority that includes the leader against the rest",
        PartHard "part_hard"
            "a random bare majority against the rest, the leader on either side",
        PartEnd "part_end"
            "the partition heals",
        Kill "kill"
            "SIGKILL, for good; with `before` as for `crash`",
        Crash "crash"
            "SIGKILL, with `before` only before the n-th such system call from then on (in virtual time); started \
             again after `duration`, with its data directory as it was or (`keep_data` false) empty",
        Pause "pause"
            "SIGSTOP to the whole process group, SIGCONT after `duration`; with `cut_off` messages to it are \
             lost meanwhile, as for a suspended machine",
        Restart "restart"
            "SIGTERM, SIGKILL if it still lives after `deadline`; started again after `duration`",
        Rolling "rolling"
            "`restart` of one replica after the other, each as soon as the one before has connected again",
        Slow "slow"
            "a starved process: for `duration` it is stopped for the fraction `stopped` of each `period`",
        Disk "disk"
            "SIGKILL, then `disk_fault` in the data directory; started again after `duration` (`read_only` \
             and `full`: started at once, with a repaired disk after `duration`)",
        Clock "clock"
            "the wall clock of a replica jumps by `by` seconds, and back after `duration` (in virtual time)",
        IsolateLeaders "isolate_leaders"
            "the network is cut by `shape` for `duration`. Then the leader is isolated (at once with a shape \
             that begins with it; after `everyone` none is: all links heal, or two halves reach only one \
             replica in between). Then, `times` times, the next replica that claims leadership is isolated: \
             before the others hear of it, when it has answered some operations, or up to `lag` later. \
             Isolated replicas stay alone, the latest of them, as long as a majority is left. The network \
             heals after one more election",
        Partition "partition"
            "the network is cut by `shape` and heals after `duration`; with `period` it is whole in the \
             second half of each period; messages of a `hub` come `lag` later",
        Reset "reset"
            "the harness closes the connection of a replica, and with it all of its links; the replica may \
             connect again (not over UDP, which has no connections)",
        Network "network"
            "`rules` hold on links for `duration`: any rule of `network`, also between roles",
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
            Self::Kill => &["target", "before"],
            Self::Reset => &["target"],
            Self::Crash => &["target", "duration", "keep_data", "before"],
            Self::Pause => &["target", "duration", "cut_off"],
            Self::Restart => &["target", "duration", "deadline", "keep_data"],
            Self::Rolling => &["duration", "deadline", "keep_data"],
            Self::Slow => &["target", "duration", "period", "stopped"],
            Self::Disk => &["target", "duration", "disk_fault"],
            Self::Clock => &["target", "duration", "by"],
            Self::IsolateLeaders => &["shape", "duration", "times", "lag"],
            Self::Partition => &["shape", "direction", "period", "duration", "lag"],
            Self::Network => &["rules", "duration"],
        }
    }

    /// Whether the course's own files know it.
    pub fn is_the_courses(self) -> bool {
        use FaultKind::{KillLeader, KillNonLeader, PartEasy, PartEnd, PartHard};
        matches!(self, KillLeader | KillNonLeader | PartEasy | PartHard | PartEnd)
    }

    /// Its default duration: long enough for an election, or two.
    pub fn default_duration(self) -> Option<Duration> {
        let ms = match self {
            Self::Crash
            | Self::Disk
            | Self::Clock
            | Self::Slow
            | Self::Pause
            | Self::Partition
            | Self::Network
            | Self::IsolateLeaders => 1000,
            Self::Restart | Self::Rolling => 0,
            _ => return None,
        };
        Some(Duration::from_millis(ms))
    }

    /// How many replicas it kills for good.
    pub fn kills(self, target: Option<Target>, replicas: usize) -> usize {
        match (self, target) {
            (Self::Kill, Some(Target::Minority)) => (replicas - 1) / 2,
            (Self::Kill, Some(Target::Majority)) => replicas / 2 + 1,
            (Self::Kill, Some(Target::All)) => replicas,
            (Self::Kill | Self::KillLeader | Self::KillNonLeader, _) => 1,
            _ => 0,
        }
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
