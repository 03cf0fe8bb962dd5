//! The course's transport since 2022: UDP on the loopback, one JSON object a datagram.
//!
//! Each replica is told a port of its own, so that the sender is known, whatever it writes.
//! Its first datagram, of type `hello` to `FFFF`, teaches where it can be reached; that message
//! goes nowhere and is not counted.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;

use nix::sys::socket::{setsockopt, sockopt};
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

use super::{EventSender, Sent, TransportEvent};
use crate::ids::NodeId;
use crate::limits;
use crate::network::envelope::Envelope;

/// The socket that one replica sends to; its reader ends with it.
pub struct Endpoint {
    port: u16,
    reader: JoinHandle<()>,
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Endpoint {
    /// Waits for the replica `id` at a free port. Must be called within a `LocalSet`.
    pub fn listen(id: NodeId, events: EventSender) -> io::Result<Self> {
        let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_nonblocking(true)?;
        // Datagrams that find a full buffer are lost without a word: the larger, the better. The
        // forced size needs a privilege, the other is cut at what the system allows.
        if setsockopt(&socket, sockopt::RcvBufForce, &limits::UDP_RECEIVE_BYTES).is_err() {
            let _ = setsockopt(&socket, sockopt::RcvBuf, &limits::UDP_RECEIVE_BYTES);
        }
        let port = socket.local_addr()?.port();
        let socket = Rc::new(UdpSocket::from_std(socket)?);
        let reader = tokio::task::spawn_local(read_all(id, socket, events));
        Ok(Self { port, reader })
    }

    /// The port that the replica is told.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// Where a replica can be reached.
pub struct Connection {
    id: NodeId,
    socket: Rc<UdpSocket>,
    address: SocketAddr,
    events: EventSender,
    waker: Option<JoinHandle<()>>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.abort();
        }
    }
}

impl Connection {
    pub(super) fn socket(&self) -> &UdpSocket {
        &self.socket
    }

    /// The port at which the replica reads.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Sends one datagram without ever waiting. A receiver that does not read loses it without a
    /// word.
    pub fn send(&mut self, packet: &[u8]) -> Sent {
        match self.socket.try_send_to(packet, self.address) {
            Ok(_) => Sent::Delivered,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.tell_when_writable();
                Sent::WouldBlock
            }
            Err(error) if error.raw_os_error() == Some(nix::libc::EMSGSIZE) => Sent::TooLarge,
            Err(_) => Sent::Gone,
        }
    }

    fn tell_when_writable(&mut self) {
        if self.waker.as_ref().is_some_and(|waker| !waker.is_finished()) {
            return;
        }
        let (id, socket, events) = (self.id, Rc::clone(&self.socket), self.events.clone());
        self.waker = Some(tokio::task::spawn_local(async move {
            if socket.writable().await.is_ok() {
                let _ = events.send(TransportEvent::Writable(id)).await;
            }
        }));
    }
}

async fn read_all(id: NodeId, socket: Rc<UdpSocket>, events: EventSender) {
    // More than a datagram can hold.
    let mut buffer = vec![0; 1 << 16];
    let mut is_known = false;
    loop {
        for _ in 0..limits::READ_BURST {
            let Ok((length, address)) = socket.recv_from(&mut buffer).await else {
                // An earlier datagram found no receiver, and the system reports it here.
                tokio::task::yield_now().await;
                continue;
            };
            let bytes = &buffer[..length];
            let is_hello = is_hello(bytes);
            // A replica that sends something before `hello` is heard, and it is noted. A replica that was
            // started again says `hello` again.
            if is_hello || !is_known {
                if !is_known && !is_hello {
                    let event = TransportEvent::NoHello { from: id, bytes: Rc::from(bytes) };
                    if events.send(event).await.is_err() {
                        return;
                    }
                }
                is_known = true;
                let connection = super::Connection::Udp(Connection {
                    id,
                    socket: Rc::clone(&socket),
                    address,
                    events: events.clone(),
                    waker: None,
                });
                if events.send(TransportEvent::Connected(id, connection)).await.is_err() {
                    return;
                }
            }
            if is_hello {
                continue;
            }
            let packet = TransportEvent::Packet { from: id, bytes: Rc::from(bytes), length };
            if events.send(packet).await.is_err() {
                return;
            }
        }
        // The others have their turn.
        tokio::task::yield_now().await;
    }
}

fn is_hello(datagram: &[u8]) -> bool {
    Envelope::parse(datagram)
        .is_ok_and(|message| message.kind == "hello" && message.dst.parse() == Ok(NodeId::ANY))
}
