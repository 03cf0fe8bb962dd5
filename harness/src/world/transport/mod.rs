//! A transport brings packets in and out and says where one message ends. One file per kind; the
//! rest of the harness knows [`Endpoint`], [`Connection`] and [`TransportEvent`] only.

use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use nix::sys::socket::SockType;
use tokio::sync::mpsc;

use crate::ids::NodeId;
use crate::network::fabric::Sent;
use crate::network::transport::Transport;

mod late;
mod line_writer;
pub mod lines;
pub use late::read_late;

pub mod seqpacket;
pub mod stdio;
pub mod stream;
pub mod udp;
pub mod udp_drops;
mod unix;

/// What a transport tells.
pub enum TransportEvent {
    /// A replica connected: from now on it can be sent to.
    Connected(NodeId, Connection),
    /// A replica sent a packet.
    Packet {
        /// The replica that sent it.
        from: NodeId,
        /// The packet, cut at [`crate::limits::PACKET_BYTES`].
        bytes: Rc<[u8]>,
        /// Its whole length.
        length: usize,
    },
    /// The first datagram of a replica was no `hello`.
    NoHello {
        /// The replica that sent it.
        from: NodeId,
        /// The datagram.
        bytes: Rc<[u8]>,
    },
    /// A replica that could not be sent to can be sent to again.
    Writable(NodeId),
    /// A replica closed its socket.
    Closed(NodeId),
}

/// Where a transport's events go.
pub type EventSender = mpsc::Sender<TransportEvent>;

/// Where one replica plugs in, and whatever was accepted there; all of it ends with this.
pub enum Endpoint {
    /// A listening UNIX socket, for packets or for lines.
    Unix(unix::Endpoint),
    /// A UDP socket.
    Udp(udp::Endpoint),
    /// Nowhere: it talks over the pipes that it is started with.
    Stdio,
}

impl Endpoint {
    /// Waits for the replica `id`: at a socket in `directory`, or at a port. Must be called within
    /// a `LocalSet`.
    pub fn listen(
        transport: Transport,
        id: NodeId,
        directory: &Path,
        events: &EventSender,
    ) -> io::Result<Self> {
        let path = directory.join(id.to_string());
        let unix = |kind, plug| unix::Endpoint::listen(id, &path, kind, plug, events.clone());
        Ok(match transport {
            Transport::Seqpacket => {
                Self::Unix(unix(SockType::SeqPacket, seqpacket::Connection::plug)?)
            }
            Transport::Stream => Self::Unix(unix(SockType::Stream, stream::Connection::plug)?),
            Transport::Udp => Self::Udp(udp::Endpoint::listen(id, events.clone())?),
            Transport::Stdio => Self::Stdio,
        })
    }

    /// The port that the replica is told, where it needs one.
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Unix(_) | Self::Stdio => None,
            Self::Udp(endpoint) => Some(endpoint.port()),
        }
    }
}

/// A replica that can be sent to; what watches it ends with this.
pub enum Connection {
    /// A packet a message.
    Seqpacket(seqpacket::Connection),
    /// A line a message.
    Stream(stream::Connection),
    /// A datagram a message.
    Udp(udp::Connection),
    /// A line a message, over pipes.
    Stdio(stdio::Connection),
}

impl Connection {
    /// Sends one message without ever waiting.
    pub fn send(&mut self, packet: &[u8]) -> Sent {
        match self {
            Self::Seqpacket(connection) => connection.send(packet),
            Self::Stream(connection) => connection.send(packet),
            Self::Udp(connection) => connection.send(packet),
            Self::Stdio(connection) => connection.send(packet),
        }
    }

    /// Sends one message as the course's simulator of 2016 does: everything waits until the socket
    /// takes it, or the time is over. Only packets are sent so.
    pub fn send_blocking(&mut self, packet: &[u8], patience: Duration) -> Sent {
        match self {
            Self::Seqpacket(connection) => connection.send_blocking(packet, patience),
            Self::Stream(connection) => connection.send(packet),
            Self::Udp(connection) => connection.send(packet),
            Self::Stdio(connection) => connection.send(packet),
        }
    }

    /// Whether something of the replica is there that was not read.
    pub fn has_unread(&self) -> bool {
        match self {
            Self::Seqpacket(connection) => connection.has_unread(),
            Self::Stream(_) | Self::Udp(_) | Self::Stdio(_) => false,
        }
    }

    /// Lets no more than some bytes wait in the socket until the replica reads them.
    pub fn limit(&self, bytes: usize) {
        use nix::sys::socket::{setsockopt, sockopt::SndBuf};
        // A socket that refuses has the size it had.
        let _ = match self {
            Self::Seqpacket(connection) => setsockopt(connection.socket(), SndBuf, &bytes),
            Self::Stream(connection) => setsockopt(connection.socket(), SndBuf, &bytes),
            Self::Udp(connection) => setsockopt(connection.socket(), SndBuf, &bytes),
            Self::Stdio(_) => return,
        };
    }

    /// Whether the replica has closed it, or is gone; never so where no connection tells.
    pub fn has_hung_up(&self) -> bool {
        match self {
            Self::Seqpacket(connection) => unix::has_hung_up(connection.socket().as_fd()),
            Self::Stream(connection) => unix::has_hung_up(connection.socket().as_fd()),
            Self::Stdio(connection) => connection.has_hung_up(),
            Self::Udp(_) => false,
        }
    }

    /// The process that made the connection, where the transport tells.
    pub fn peer(&self) -> Option<i32> {
        use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
        let credentials = match self {
            Self::Seqpacket(connection) => getsockopt(connection.socket(), PeerCredentials),
            Self::Stream(connection) => getsockopt(connection.socket(), PeerCredentials),
            Self::Udp(_) | Self::Stdio(_) => return None,
        };
        credentials.ok().map(|credentials| credentials.pid())
    }

    /// The port at which a replica reads datagrams.
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Seqpacket(_) | Self::Stream(_) | Self::Stdio(_) => None,
            Self::Udp(connection) => Some(connection.port()),
        }
    }

    /// Whether the other side's death closes the connection; a datagram's receiver just stays
    /// away.
    pub fn tells_of_its_end(&self) -> bool {
        !matches!(self, Self::Udp(_))
    }
}
