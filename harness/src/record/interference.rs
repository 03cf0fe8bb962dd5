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
                write!(f, "the working directory of all replicas was removed before {at}")
            }
        }
    }
}
