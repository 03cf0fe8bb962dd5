//! The one socket over which a replica talks to everyone: one file per kind.
//!
//! Nothing here blocks but [`Transport::wait`]: what a full socket does not take is kept in a
//! bounded `outbox` until it does.

mod outbox;
mod seqpacket;
mod stream;
mod udp;

use std::fmt;
use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;

use crate::core::Id;

pub use seqpacket::SeqPacket;
pub use stream::Stream;
pub use udp::Udp;

/// The kinds of transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Whichever of the two UNIX sockets is there.
    Unix,
    /// `seqpacket`.
    SeqPacket,
    /// `stream`.
    Stream,
    /// `udp`, to this port.
    Udp(u16),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix => f.write_str("a UNIX socket of that name in the working directory"),
            Self::SeqPacket => f.write_str("a UNIX socket of packets of that name"),
            Self::Stream => f.write_str("a UNIX socket of lines of that name"),
            Self::Udp(port) => write!(f, "UDP port {port}"),
        }
    }
}

/// Opens a replica's socket. UNIX sockets are named by the bare id, in the working directory.
pub fn open(kind: Kind, id: Id) -> io::Result<Box<dyn Transport>> {
    let name = id.to_string();
    Ok(match kind {
        Kind::SeqPacket => Box::new(SeqPacket::connect(&name)?),
        Kind::Stream => Box::new(Stream::connect(&name)?),
        Kind::Udp(port) => Box::new(Udp::open(port, id)?),
        Kind::Unix => match SeqPacket::connect(&name) {
            Err(error) if error.raw_os_error() == Some(nix::Error::EPROTOTYPE as i32) => {
                Box::new(Stream::connect(&name)?)
            }
            other => Box::new(other?),
        },
    })
}

/// What an attempt to receive gave.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// One message is in the buffer.
    Message,
    /// There is none at the moment.
    Nothing,
    /// The other side has closed the socket.
    Closed,
}

/// A socket that carries whole messages.
pub trait Transport {
    /// Puts the next message, if there is one, into `buffer` in place of what was there.
    fn receive(&mut self, buffer: &mut Vec<u8>) -> io::Result<Received>;

    /// Sends a message, or keeps it until the socket takes it. One that it refuses is lost.
    fn send(&mut self, message: Vec<u8>);

    /// Sends what was kept, as far as the socket takes it.
    fn send_kept(&mut self);

    /// Connects again after the other side has closed the socket; what was under way is lost. Fails
    /// if the other side is gone.
    fn reconnect(&mut self) -> io::Result<()>;

    /// Whether anything was kept.
    fn has_kept(&self) -> bool;

    /// The socket, to wait for.
    fn socket(&self) -> BorrowedFd<'_>;

    /// Waits until there is something to read, room for what was kept, or the time is over.
    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        let room = if self.has_kept() { PollFlags::POLLOUT } else { PollFlags::empty() };
        let socket = self.socket();
        let mut sockets = [PollFd::new(socket, PollFlags::POLLIN | room)];
        match ppoll(&mut sockets, timeout.map(TimeSpec::from), None) {
            Ok(_) | Err(nix::Error::EINTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// What an error on receiving means.
fn failed_receive(error: io::Error) -> io::Result<Received> {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(Received::Nothing),
        io::ErrorKind::ConnectionReset => Ok(Received::Closed),
        _ => Err(error),
    }
}
