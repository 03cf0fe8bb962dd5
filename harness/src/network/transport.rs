//! How replicas talk: in each generation of the course, and over standard input and output.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The course's three generations of transport, and that of Maelstrom's nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// A UNIX socket that carries packets, 2014 to 2020.
    #[default]
    Seqpacket,
    /// A UNIX socket that carries lines, 2021.
    Stream,
    /// UDP on the loopback, since 2022.
    Udp,
    /// Standard input and output, lines: not the course's.
    Stdio,
}

impl Transport {
    /// The course's, the oldest first.
    pub const ALL: [Self; 3] = [Self::Seqpacket, Self::Stream, Self::Udp];

    /// `seqpacket`, `stream`, `udp` or `stdio`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Seqpacket => "seqpacket",
            Self::Stream => "stream",
            Self::Udp => "udp",
            Self::Stdio => "stdio",
        }
    }

    /// How a replica is started, for people.
    pub fn usage(self) -> &'static str {
        match self {
            Self::Seqpacket | Self::Stream => "PROGRAM <id> <other id>...",
            Self::Udp => "PROGRAM <udp port> <id> <other id>...",
            Self::Stdio => "PROGRAM",
        }
    }

    /// What to do about a program that never comes, as the end of a sentence.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Stdio => "and write an `init` message to its standard input",
            _ => "or give its transport with --transport",
        }
    }

    /// What a replica does when it is ready, for people.
    pub fn sign_of_life(self) -> &'static str {
        match self {
            Self::Seqpacket => {
                "connects to the `SOCK_SEQPACKET` UNIX socket named by its id in the working \
                 directory"
            }
            Self::Stream => {
                "connects to the `SOCK_STREAM` UNIX socket named by its id in the working directory"
            }
            Self::Udp => "sends a datagram of type `hello` to the UDP port of its first argument",
            Self::Stdio => {
                "answers the `init` message on standard input with `init_ok` on standard output"
            }
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
