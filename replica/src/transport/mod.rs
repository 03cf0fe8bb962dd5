//! The one socket over which a replica talks to everyone: one file per kind.
//!
//! Nothing here blocks but [`Transport::wait`]: what a full socket does not take is kept in a
//! bounded [`outbox`] until it does.

mod outbox;
mod seqpacket;

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;

pub use seqpacket::SeqPacket;

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

    /// Sends a message, or keeps it until the socket takes it.
    fn send(&mut self, message: Vec<u8>) -> io::Result<()>;

    /// Sends what was kept, as far as the socket takes it.
    fn send_kept(&mut self) -> io::Result<()>;

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
