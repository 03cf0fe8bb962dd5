//! What a program did to the run that tests it, instead of taking part in it.

use std::fmt;

use crate::ids::NodeId;
use crate::time::RunTime;

/// Something that only a replica, or what it started, can have done.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Interference {
    /// A file in the run's folder that only the harness writes was changed.
    File {
        /// The file.
        name: String,
        /// How it was changed.
        change: FileChange,
    },
    /// The harness's socket for this replica is gone from the run's own working directory, or was replaced.
    Socket {
        /// The replica of the socket.
        id: NodeId,
        /// When that was seen first.
        at: RunTime,
    },
    /// The run's own working directory is gone.
    Directory {
        /// When that was seen first.
        at: RunTime,
    },
    /// The run's folder was moved or removed.
    RunFolder {
        /// When that was seen first.
        at: RunTime,
    },
    /// The folder for a replica's output and data cannot be used any more.
    Folder {
        /// The replica.
        id: NodeId,
        /// When that was seen first.
        at: RunTime,
    },
    /// The process of a replica connected to the socket of another.
    Impostor {
        /// The replica of the socket.
        id: NodeId,
        /// Whose process it was.
        by: NodeId,
        /// When that was seen first.
        at: RunTime,
    },
    /// A process of a replica stopped a replica.
    Stopped {
        /// Which was stopped.
        id: NodeId,
        /// Whose process did it.
        by: NodeId,
        /// When that was seen first.
        at: RunTime,
    },
    /// A process of a replica sent another replica a signal that ends it.
    Killed {
        /// Which got it.
        id: NodeId,
        /// Whose process did it.
        by: NodeId,
        /// When that was seen first.
        at: RunTime,
    },
    /// A process of a replica sent a signal to the harness, or to every process of the user; it was refused.
    Refused {
        /// Whose process did it.
        by: NodeId,
        /// When that was seen first.
        at: RunTime,
    },
}

/// How a file was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileChange {
    /// It was removed or replaced by another file. What it held is known: it was written anew.
    Replaced,
    /// Something was written into it. It was written anew from memory.
    Rewritten,
    /// Something was written into it, and memory does not hold what was lost. It was set aside.
    SetAside,
}

impl Interference {
    /// Whether both tell of the same deed, whenever it was seen.
    pub fn is_same_deed(&self, other: &Self) -> bool {
        let never = |it: &Self| match it.clone() {
            Self::Socket { id, .. } => Self::Socket { id, at: RunTime::ZERO },
            Self::Directory { .. } => Self::Directory { at: RunTime::ZERO },
            Self::RunFolder { .. } => Self::RunFolder { at: RunTime::ZERO },
            Self::Folder { id, .. } => Self::Folder { id, at: RunTime::ZERO },
            Self::Impostor { id, by, .. } => Self::Impostor { id, by, at: RunTime::ZERO },
            Self::Stopped { id, by, .. } => Self::Stopped { id, by, at: RunTime::ZERO },
            Self::Killed { id, by, .. } => Self::Killed { id, by, at: RunTime::ZERO },
            Self::Refused { by, .. } => Self::Refused { by, at: RunTime::ZERO },
            file @ Self::File { .. } => file,
        };
        never(self) == never(other)
    }
}

impl fmt::Display for Interference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { name, change: FileChange::Replaced } => {
                write!(f, "{name} was removed or replaced; it holds again what the harness wrote")
            }
            Self::File { name, change: FileChange::Rewritten } => {
                write!(f, "{name} was overwritten; it was written again from memory")
            }
            Self::File { name, change: FileChange::SetAside } => {
                write!(f, "{name} was overwritten; what is left of it is in {name}.changed")
            }
            Self::Socket { id, at } => {
                write!(f, "the socket of {id} was removed or replaced before {at}")
            }
            Self::Directory { at } => {
                write!(
                    f,
                    "the working directory of all replicas was removed, moved or forbidden before {at}"
                )
            }
            Self::RunFolder { at } => write!(
                f,
                "the folder of the run was moved or removed before {at} by a process of the program"
            ),
            Self::Folder { id, at } => write!(
                f,
                "the folder of {id} was removed, replaced or forbidden before {at}: it could not be started again"
            ),
            Self::Impostor { id, by, at } => {
                write!(f, "the process of {by} connected to the socket of {id} at {at}")
            }
            Self::Stopped { id, by, at } if id == by => {
                write!(f, "{id} was stopped before {at} by a process of its own")
            }
            Self::Stopped { id, by, at } => {
                write!(f, "{id} was stopped before {at} by a process of {by}")
            }
            Self::Killed { id, by, at } => {
                write!(f, "{id} was sent a signal that ends it before {at} by a process of {by}")
            }
            Self::Refused { by, at } => write!(
                f,
                "a process of {by} sent a signal to the harness, or to all processes, before {at}; it was refused"
            ),
        }
    }
}
