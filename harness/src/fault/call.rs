//! The system calls before which a fault can kill a replica.

use serde::{Deserialize, Serialize};

use crate::words::words;

words! {
    /// The system calls before which a fault can kill a replica.
    Call {
        Send "send" "bytes are put into a socket: `send`, `sendto`, `sendmsg`, `sendmmsg`, or `write` to one",
        Fsync "fsync" "a file is synced: `fsync`, `fdatasync`",
        Rename "rename" "a file is renamed: `rename`, `renameat`",
    }
}

/// A call of a replica, counted from the time of the fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeforeCall {
    /// Which calls count.
    pub call: Call,
    /// Which of them it is, from 1.
    pub n: u64,
}
