//! The course's transport since 2022: datagrams on localhost.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};

use nix::unistd::{Pid, getppid};

use super::outbox::Outbox;
use super::{Received, Transport};
use crate::core::Id;
use crate::wire;

/// The largest datagram.
const DATAGRAM_BYTES: usize = 65_536;

/// A bound UDP socket that sends to one port. It is not connected, so that it also hears a
/// simulator that sends from another port than the one it listens on.
#[derive(Debug)]
pub struct Udp {
    socket: UdpSocket,
    simulator: SocketAddr,
    /// The other end of a datagram socket is never closed: when the parent is gone, so is the simulator.
    parent: Pid,
    datagram: Vec<u8>,
    outbox: Outbox,
}

impl Udp {
    /// Binds a socket and says hello, from which the simulator learns where to answer.
    pub fn open(port: u16, id: Id) -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_nonblocking(true)?;
        let simulator = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        socket.send_to(&wire::write_hello(id), simulator)?;
        let datagram = vec![0; DATAGRAM_BYTES];
        Ok(Self { socket, simulator, parent: getppid(), datagram, outbox: Outbox::default() })
    }
}

impl Transport for Udp {
    fn receive(&mut self, buffer: &mut Vec<u8>) -> io::Result<Received> {
        match self.socket.recv_from(&mut self.datagram) {
            Ok((length, _)) => {
                buffer.clear();
                buffer.extend_from_slice(&self.datagram[..length]);
                Ok(Received::Message)
            }
            Err(_) if getppid() != self.parent => Ok(Received::Closed),
            Err(error) => super::failed_receive(error),
        }
    }

    fn send(&mut self, message: Vec<u8>) {
        self.outbox.send(message, |bytes| self.socket.send_to(bytes, self.simulator));
    }

    fn send_kept(&mut self) {
        self.outbox.send_kept(|bytes| self.socket.send_to(bytes, self.simulator));
    }

    fn reconnect(&mut self) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::NotConnected, "the process that started it is gone"))
    }

    fn has_kept(&self) -> bool {
        !self.outbox.is_empty()
    }

    fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
