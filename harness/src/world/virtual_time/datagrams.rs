//! A replica that talks by datagrams: it says `hello` first, and is reached where that came from.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};

use super::socket::News;
use crate::ids::NodeId;
use crate::network::envelope::Envelope;
use crate::network::fabric::Sent;

/// More than a datagram can hold.
const DATAGRAM: usize = 1 << 16;

/// The socket that one replica sends to.
pub(super) struct Datagrams {
    socket: UdpSocket,
    address: Option<SocketAddr>,
    /// It said something.
    is_known: bool,
    pub(super) is_full: bool,
    /// Room for a datagram.
    buffer: Vec<u8>,
}

impl Datagrams {
    pub(super) fn new(socket: UdpSocket) -> Self {
        let buffer = vec![0; DATAGRAM];
        Self { socket, address: None, is_known: false, is_full: false, buffer }
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    pub(super) fn port(&self) -> io::Result<u16> {
        Ok(self.socket.local_addr()?.port())
    }

    /// Takes all that is there.
    pub(super) fn receive(&mut self, news: &mut Vec<News>) {
        let mut buffer = std::mem::take(&mut self.buffer);
        loop {
            match self.socket.recv_from(&mut buffer) {
                Ok((length, from)) => self.take(&buffer[..length], from, news),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // An earlier datagram found no receiver, and the system reports it here.
                Err(_) => {}
            }
        }
        self.buffer = buffer;
    }

    fn take(&mut self, bytes: &[u8], from: SocketAddr, news: &mut Vec<News>) {
        let is_hello = is_hello(bytes);
        if is_hello || !self.is_known {
            if !is_hello {
                news.push(News::NoHello(bytes.to_vec()));
            }
            self.is_known = true;
            self.address = Some(from);
            news.push(News::Connected);
        }
        if !is_hello {
            news.push(News::Packet { bytes: bytes.to_vec(), length: bytes.len() });
        }
    }

    /// Sends a message; none: it is not known where to.
    pub(super) fn send(&mut self, packet: &[u8]) -> Option<Sent> {
        let address = self.address?;
        Some(match self.socket.send_to(packet, address) {
            Ok(_) => Sent::Delivered,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.is_full = true;
                Sent::WouldBlock
            }
            Err(error) if error.raw_os_error() == Some(nix::libc::EMSGSIZE) => Sent::TooLarge,
            Err(_) => Sent::Gone,
        })
    }

    /// It is not sent to any more. Returns whether it was.
    pub(super) fn close(&mut self) -> bool {
        self.address.take().is_some()
    }

    /// Whether there is room again: whatever is on its way is taken at once.
    pub(super) fn has_room_again(&mut self) -> bool {
        std::mem::take(&mut self.is_full)
    }
}

fn is_hello(datagram: &[u8]) -> bool {
    Envelope::parse(datagram)
        .is_ok_and(|message| message.kind == "hello" && message.dst.parse() == Ok(NodeId::ANY))
}
