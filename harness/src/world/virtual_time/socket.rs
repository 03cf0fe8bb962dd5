//! The harness's end of a replica's connection, which never waits.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, Backlog, MsgFlags, SockFlag, SockType, UnixAddr, accept4, bind, listen, recv,
    send, socket,
};
use nix::unistd::{read, write};

use crate::limits;
use crate::network::fabric::Sent;
use crate::network::transport::Transport;
use crate::os;
use crate::world::transport::lines::Lines;

/// What a replica did.
pub(super) enum News {
    /// It connected.
    Connected,
    /// It sent a message.
    Packet {
        /// Cut at the limit.
        bytes: Vec<u8>,
        /// Its whole length.
        length: usize,
    },
    /// Its first datagram was none that says who it is.
    NoHello(Vec<u8>),
    /// It closed its connection.
    Closed,
}

/// A socket that waits for a replica.
pub(super) fn wait_for(transport: Transport, path: &Path) -> Result<OwnedFd, Errno> {
    let kind = match transport {
        Transport::Stream => SockType::Stream,
        Transport::Seqpacket | Transport::Udp | Transport::Stdio => SockType::SeqPacket,
    };
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let listener = socket(AddressFamily::Unix, kind, flags, None)?;
    bind(listener.as_raw_fd(), &UnixAddr::new(path)?)?;
    listen(&listener, Backlog::new(4)?)?;
    Ok(listener)
}

/// Who waits there, if anybody does.
pub(super) fn accept(listener: &OwnedFd) -> Option<OwnedFd> {
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    accept4(listener.as_raw_fd(), flags).ok().map(os::own_fd)
}

/// What carries a connection.
enum Ends {
    Socket(OwnedFd),
    /// What the replica reads, and what it writes.
    Pipes {
        input: OwnedFd,
        output: OwnedFd,
    },
}

/// A connection over a UNIX socket, or over standard input and output.
pub(super) struct Connection {
    ends: Ends,
    /// Of lines: what is no whole line yet.
    lines: Option<Lines>,
    /// Of lines: the rest of one of which the socket took a part only.
    rest: Vec<u8>,
    /// It took no more the last time.
    pub(super) is_full: bool,
    /// Room for a message.
    buffer: Vec<u8>,
}

impl Connection {
    pub(super) fn new(socket: OwnedFd, transport: Transport) -> Self {
        let lines = (transport == Transport::Stream).then(Lines::default);
        let buffer = vec![0; limits::PACKET_BYTES];
        Self { ends: Ends::Socket(socket), lines, rest: Vec::new(), is_full: false, buffer }
    }

    /// Over pipes, none of which ever waits.
    pub(super) fn over_pipes(input: OwnedFd, output: OwnedFd) -> Self {
        let (lines, buffer) = (Some(Lines::default()), vec![0; limits::PACKET_BYTES]);
        let ends = Ends::Pipes { input, output };
        Self { ends, lines, rest: Vec::new(), is_full: false, buffer }
    }

    /// Where what the replica says arrives.
    pub(super) fn incoming(&self) -> BorrowedFd<'_> {
        match &self.ends {
            Ends::Socket(socket) => socket.as_fd(),
            Ends::Pipes { output, .. } => output.as_fd(),
        }
    }

    fn outgoing(&self) -> BorrowedFd<'_> {
        match &self.ends {
            Ends::Socket(socket) => socket.as_fd(),
            Ends::Pipes { input, .. } => input.as_fd(),
        }
    }

    fn get(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        match &self.ends {
            Ends::Socket(socket) => {
                let flags = MsgFlags::MSG_TRUNC | MsgFlags::MSG_DONTWAIT;
                recv(socket.as_raw_fd(), buffer, flags)
            }
            Ends::Pipes { output, .. } => read(output, buffer),
        }
    }

    /// Takes all that is there. Returns whether it is still open.
    pub(super) fn receive(&mut self, news: &mut Vec<News>) -> bool {
        let mut buffer = std::mem::take(&mut self.buffer);
        let is_open = self.receive_into(&mut buffer, news);
        self.buffer = buffer;
        is_open
    }

    fn receive_into(&mut self, buffer: &mut [u8], news: &mut Vec<News>) -> bool {
        loop {
            match self.get(buffer) {
                Err(Errno::EAGAIN) => break,
                Err(Errno::EINTR) => {}
                Ok(0) if self.lines.is_none() && !self.has_hung_up() => {
                    news.push(News::Packet { bytes: Vec::new(), length: 0 });
                }
                Ok(0) | Err(_) => return self.end(news),
                Ok(length) => self.take(&buffer[..length.min(buffer.len())], length, news),
            }
        }
        // A program may forget the line end.
        let line = self.lines.as_mut().and_then(Lines::take_object);
        news.extend(line.map(|line| News::Packet { bytes: line.bytes, length: line.length }));
        true
    }

    fn take(&mut self, bytes: &[u8], length: usize, news: &mut Vec<News>) {
        match &mut self.lines {
            None => news.push(News::Packet { bytes: bytes.to_vec(), length }),
            Some(lines) => lines.push(bytes, |line| {
                news.push(News::Packet { bytes: line.bytes, length: line.length });
            }),
        }
    }

    fn end(&mut self, news: &mut Vec<News>) -> bool {
        let line = self.lines.as_mut().and_then(Lines::take);
        news.extend(line.map(|line| News::Packet { bytes: line.bytes, length: line.length }));
        false
    }

    fn has_hung_up(&self) -> bool {
        let hung_up = PollFlags::POLLHUP | PollFlags::from_bits_retain(libc::POLLRDHUP);
        let mut polled = [PollFd::new(self.incoming(), hung_up)];
        poll(&mut polled, PollTimeout::ZERO).is_err()
            || polled[0].revents().is_none_or(|events| events.intersects(hung_up))
    }

    /// Sends a message.
    pub(super) fn send(&mut self, packet: &[u8]) -> Sent {
        if self.lines.is_some() {
            return self.send_line(packet);
        }
        match self.put(packet) {
            Ok(_) => Sent::Delivered,
            Err(error) => self.refused(error),
        }
    }

    /// A line begun counts as delivered: the rest follows before anything else.
    fn send_line(&mut self, packet: &[u8]) -> Sent {
        if !self.write_rest() {
            self.is_full = true;
            return Sent::WouldBlock;
        }
        let line: Vec<u8> = packet.iter().copied().chain([b'\n']).collect();
        match self.put(&line) {
            Ok(length) if length == line.len() => Sent::Delivered,
            Ok(length) => {
                self.rest = line[length..].to_vec();
                self.is_full = true;
                Sent::Delivered
            }
            Err(error) => self.refused(error),
        }
    }

    fn put(&self, bytes: &[u8]) -> Result<usize, Errno> {
        match &self.ends {
            Ends::Socket(socket) => {
                let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
                send(socket.as_raw_fd(), bytes, flags)
            }
            Ends::Pipes { input, .. } => write(input, bytes),
        }
    }

    fn refused(&mut self, error: Errno) -> Sent {
        match error {
            Errno::EAGAIN | Errno::ENOBUFS => {
                self.is_full = true;
                Sent::WouldBlock
            }
            Errno::EMSGSIZE => Sent::TooLarge,
            _ => Sent::Gone,
        }
    }

    /// Whether nothing of a line is left.
    fn write_rest(&mut self) -> bool {
        if !self.rest.is_empty()
            && let Ok(length) = self.put(&self.rest)
        {
            self.rest.drain(..length);
        }
        self.rest.is_empty()
    }

    /// Whether it was full, and takes something again.
    pub(super) fn has_room_again(&mut self) -> bool {
        if !self.is_full {
            return false;
        }
        let mut polled = [PollFd::new(self.outgoing(), PollFlags::POLLOUT)];
        let has_room = poll(&mut polled, PollTimeout::ZERO).is_ok_and(|ready| ready > 0);
        self.is_full = !(has_room && self.write_rest());
        !self.is_full
    }
}
