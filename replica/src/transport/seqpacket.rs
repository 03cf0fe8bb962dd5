//! The course's first transport: a UNIX socket that keeps packets apart.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect, recv, send, socket,
};

use super::outbox::Outbox;
use super::{Received, Transport};

/// Room for any packet: more than a UNIX socket's default buffer holds.
const PACKET_BYTES: usize = 256 * 1024;

/// A connected `SOCK_SEQPACKET` socket.
#[derive(Debug)]
pub struct SeqPacket {
    name: String,
    socket: OwnedFd,
    packet: Vec<u8>,
    outbox: Outbox,
}

impl SeqPacket {
    /// Connects to the socket of that name in the working directory.
    pub fn connect(name: &str) -> io::Result<Self> {
        let socket = connected(name)?;
        let (name, packet) = (name.to_owned(), vec![0; PACKET_BYTES]);
        Ok(Self { name, socket, packet, outbox: Outbox::default() })
    }
}

fn connected(name: &str) -> io::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(AddressFamily::Unix, SockType::SeqPacket, flags, None)?;
    connect(socket.as_raw_fd(), &UnixAddr::new(name)?)?;
    Ok(socket)
}

fn write(socket: &OwnedFd, packet: &[u8]) -> io::Result<usize> {
    Ok(send(socket.as_raw_fd(), packet, MsgFlags::MSG_NOSIGNAL)?)
}

impl Transport for SeqPacket {
    fn receive(&mut self, buffer: &mut Vec<u8>) -> io::Result<Received> {
        match recv(self.socket.as_raw_fd(), &mut self.packet, MsgFlags::empty()) {
            Ok(0) => Ok(Received::Closed),
            Ok(length) => {
                buffer.clear();
                buffer.extend_from_slice(&self.packet[..length]);
                Ok(Received::Message)
            }
            Err(error) => super::failed_receive(error.into()),
        }
    }

    fn send(&mut self, message: Vec<u8>) {
        self.outbox.send(message, |packet| write(&self.socket, packet));
    }

    fn send_kept(&mut self) {
        self.outbox.send_kept(|packet| write(&self.socket, packet));
    }

    fn reconnect(&mut self) -> io::Result<()> {
        self.socket = connected(&self.name)?;
        self.outbox = Outbox::default();
        Ok(())
    }

    fn has_kept(&self) -> bool {
        !self.outbox.is_empty()
    }

    fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
