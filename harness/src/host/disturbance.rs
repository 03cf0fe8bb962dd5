//! What the host did to a run beyond a threshold: the kind, the replica, the times, the amount.
//!
//! The thresholds are in [`crate::limits`], each with its reason.

use serde::{Deserialize, Serialize};

use crate::ids::NodeId;
use crate::limits;
use crate::time::RunTime;

/// What can be wrong with a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisturbanceKind {
    /// The harness's loop stood still; the figure is by how many seconds at most.
    LoopLag,
    /// A replica was ready to run and waited for a processor; seconds in all.
    Starved,
    /// A replica was stopped by a signal that the harness did not send; seconds in all.
    Stopped,
    /// A replica was late to connect; seconds.
    LateStart,
    /// A replica lived and never connected; seconds that it was waited for.
    NeverConnected,
    /// The wall clock left the monotonic one; seconds.
    ClockJump,
    /// The whole system slept; seconds.
    Suspended,
    /// Processes waited for a processor nearly all the time; the largest share.
    CpuPressure,
    /// Processes waited for a disk most of the time; the largest share.
    IoPressure,
    /// Processes waited for memory; the largest share.
    MemoryPressure,
    /// The hypervisor gave the processors to others; the largest share.
    Steal,
    /// The run was behind by many events; the most.
    Backlog,
    /// A replica did not read what was sent to it; the most messages that waited.
    FullQueue,
    /// Nearly all descriptors of the harness were in use; the most.
    Descriptors,
    /// The disk with the results was full; kB left at least.
    DiskFull,
    /// Packets longer than 16,384 bytes were cut by the rules of 2016, and so lost; how many.
    Truncated,
    /// Messages for a replica that lived found it not connected; how many.
    FailedSends,
    /// Nothing moved between the router and a replica, each of which waited for the other; seconds.
    Deadlock,
    /// What a replica printed could not be written down; bytes.
    LogsLost,
    /// Another run took the sockets' places in the working directory.
    SocketTaken,
    /// The history could not be written any more.
    HistoryLost,
    /// The run's folder was moved, or removed, while the run went on.
    FolderMoved,
    /// A process of another run connected to a replica's socket.
    ForeignProcess,
    /// The kernel killed processes for want of memory; how many.
    OutOfMemory,
}

impl DisturbanceKind {
    /// Whether it invalidates a run, also where nothing failed. The others are slowness: named, and to
    /// blame only for what failed meanwhile.
    pub fn invalidates_run(self) -> bool {
        match self {
            Self::Stopped
            | Self::NeverConnected
            | Self::ClockJump
            | Self::Suspended
            | Self::Descriptors
            | Self::Deadlock
            | Self::SocketTaken
            | Self::ForeignProcess
            | Self::LogsLost
            | Self::HistoryLost
            | Self::FolderMoved
            | Self::DiskFull => true,
            Self::LoopLag
            | Self::Starved
            | Self::LateStart
            | Self::CpuPressure
            | Self::IoPressure
            | Self::MemoryPressure
            | Self::Steal
            | Self::Backlog
            | Self::FullQueue
            | Self::Truncated
            | Self::FailedSends
            | Self::OutOfMemory => false,
        }
    }

    /// Whether time under it is time that a replica or the harness did not have. Pressure and steal
    /// tell of the host as a whole: the affected processes show as [`Self::Starved`].
    pub fn takes_time(self) -> bool {
        matches!(
            self,
            Self::LoopLag | Self::Starved | Self::Stopped | Self::Suspended | Self::Deadlock
        )
    }
}

/// One disturbance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Disturbance {
    /// The kind of disturbance.
    pub kind: DisturbanceKind,
    /// The affected replica; `None`: the harness, or the whole host.
    pub replica: Option<NodeId>,
    /// Since when.
    pub from: RunTime,
    /// Until when.
    pub until: RunTime,
    /// How much, in the unit of its kind.
    pub figure: f64,
}

impl Disturbance {
    /// Whether it invalidates the run.
    pub fn invalidates_run(&self) -> bool {
        let lag = limits::LOOP_LAG.as_secs_f64();
        self.kind.invalidates_run() || (self.kind == DisturbanceKind::LoopLag && self.figure > lag)
    }

    /// Whether it took so much time from a replica or the harness that the host did not keep up.
    pub fn is_long(&self) -> bool {
        self.kind.takes_time() && self.figure >= limits::SLOW_HOST.as_secs_f64()
    }

    /// Whether a run under it may fail for that reason alone: it is worth to be made again, alone.
    pub fn may_explain_a_failure(&self) -> bool {
        let takes_time = self.kind.takes_time() && self.figure >= limits::STARVED.as_secs_f64();
        takes_time || self.invalidates_run() || self.kind == DisturbanceKind::OutOfMemory
    }

    /// Whether it and that span of time have a moment in common.
    pub fn overlaps(&self, from: RunTime, until: RunTime) -> bool {
        self.from <= until && from <= self.until
    }

    /// Whether it says no more than can be: no replica waits longer than the time in which it waited.
    pub fn is_possible(&self) -> bool {
        let is_within_its_window =
            matches!(self.kind, DisturbanceKind::Starved | DisturbanceKind::Stopped);
        // The moments are those of samples, which may be late themselves.
        let window = self.until.since(self.from) + limits::HOST_INTERVAL;
        !is_within_its_window || self.figure <= window.as_secs_f64()
    }

    /// What happened, as a clause with its figure and its moments.
    pub fn describe(&self) -> String {
        let figure = self.figure;
        let when = if self.until.since(self.from).as_millis() < 1 {
            format!("at {}", self.from)
        } else {
            format!("between {} and {}", self.from, self.until)
        };
        let who = self.replica.map_or_else(|| "a replica".to_owned(), |id| id.to_string());
        let percent = figure * 100.0;
        let is_one = (figure - 1.0).abs() < 0.5;
        let counted = |noun: &str| format!("{figure:.0} {noun}{}", if is_one { "" } else { "s" });
        let were = if is_one { "was" } else { "were" };
        match self.kind {
            DisturbanceKind::LoopLag => format!(
                "the harness's loop stood still for {figure:.1} s {when}: the host was overloaded or suspended"
            ),
            DisturbanceKind::Starved => {
                format!("{who} was ready to run and got no processor for {figure:.2} s {when}")
            }
            DisturbanceKind::Stopped => format!(
                "{who} was stopped for about {figure:.1} s {when} by a signal that the harness did \
                 not send"
            ),
            DisturbanceKind::LateStart => format!("{who} took {figure:.1} s to connect"),
            DisturbanceKind::NeverConnected => {
                format!("{who} was alive until the end but never connected to its socket")
            }
            DisturbanceKind::ClockJump => format!(
                "the wall clock jumped by {:.0} ms against the monotonic clock {when}",
                figure * 1e3
            ),
            DisturbanceKind::Suspended => format!("the system slept for {figure:.1} s {when}"),
            DisturbanceKind::CpuPressure => {
                format!("processes waited for a processor {percent:.0} % of the time {when}")
            }
            DisturbanceKind::IoPressure => {
                format!("processes waited for a disk {percent:.0} % of the time {when}")
            }
            DisturbanceKind::MemoryPressure => {
                format!("processes waited for memory {percent:.0} % of the time {when}")
            }
            DisturbanceKind::Steal => {
                format!("the hypervisor took {percent:.0} % of the processors {when}")
            }
            DisturbanceKind::Backlog => {
                format!("up to {} waited for the harness {when}", counted("event"))
            }
            DisturbanceKind::FullQueue => {
                let messages = counted("message");
                format!("up to {messages} waited for {who}, which did not read, {when}")
            }
            DisturbanceKind::Descriptors => {
                let whose =
                    self.replica.map_or_else(|| "the harness".to_owned(), |id| id.to_string());
                let open = counted("descriptor");
                format!("{open} of {whose} {were} open {when}, nearly all that it may have")
            }
            DisturbanceKind::DiskFull if self.replica.is_some() => {
                format!("the disk for the output of {who} was full {when}")
            }
            DisturbanceKind::DiskFull => {
                format!("the disk with the results was full {when} ({figure:.0} kB left)")
            }
            DisturbanceKind::Truncated => format!(
                "{} of {who} {were} longer than 16,384 bytes {when}: the rules of 2016 truncate such packets \
                 without a warning, so they could not be read",
                counted("packet")
            ),
            DisturbanceKind::FailedSends => format!(
                "{} for {who}, which was alive but not connected, {were} lost {when}",
                counted("message")
            ),
            DisturbanceKind::Deadlock => format!(
                "a deadlock: the router waited {figure:.1} s {when} for {who} to read, and {who} for \
                 the router"
            ),
            DisturbanceKind::LogsLost => {
                format!("{} of output of {who} could not be kept {when}", counted("byte"))
            }
            DisturbanceKind::HistoryLost => {
                format!("the history could not be written {when}; it was judged from memory")
            }
            DisturbanceKind::FolderMoved => format!(
                "the folder of the run was moved or removed before {}, while the run went on",
                self.until
            ),
            DisturbanceKind::SocketTaken => format!(
                "another run in the same working directory replaced the socket of {who} {when}"
            ),
            DisturbanceKind::ForeignProcess => format!(
                "a process of another run in the same working directory was connected as {who} {when}"
            ),
            DisturbanceKind::OutOfMemory => {
                let killed = if is_one {
                    "one process".to_owned()
                } else {
                    format!("{figure:.0} processes")
                };
                format!("the kernel killed {killed} for want of memory {when}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_time_is_possible_than_lies_between_two_moments() {
        let starved = |figure| Disturbance {
            kind: DisturbanceKind::Starved,
            replica: Some(NodeId(3)),
            from: RunTime::ZERO,
            until: RunTime::from_secs_f64(1.003),
            figure,
        };
        assert!(!starved(5.74).is_possible());
        assert!(starved(1.0).is_possible());
        let told = starved(0.5).describe();
        assert!(told.ends_with("0.50 s between 0.000 s and 1.003 s"), "{told}");
    }
}
