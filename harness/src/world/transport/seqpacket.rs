//! The course's first transport: one `AF_UNIX` `SOCK_SEQPACKET` socket per replica, named by its id
//! in the replica's working directory; one JSON object a packet.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::rc::Rc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, recv, send};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::task::JoinHandle;

use super::unix::has_hung_up;
use super::{EventSender, Sent, TransportEvent};
use crate::ids::NodeId;
use crate::limits;
use crate::os;

/// A connected replica; its reader ends with it.
pub struct Connection {
    id: NodeId,
    socket: Rc<AsyncFd<OwnedFd>>,
    events: EventSender,
    reader: JoinHandle<()>,
    waker: Option<JoinHandle<()>>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.reader.abort();
        if let Some(waker) = self.waker.take() {
            waker.abort();
        }
    }
}

impl Connection {
    /// Plugs in the accepted connection.
    pub fn plug(id: NodeId, fd: OwnedFd, events: EventSender) -> io::Result<super::Connection> {
        Self::new(id, fd, events).map(super::Connection::Seqpacket)
    }

    fn new(id: NodeId, fd: OwnedFd, events: EventSender) -> io::Result<Self> {
        let socket = Rc::new(os::watch(fd, Interest::READABLE | Interest::WRITABLE)?);
        let reader = tokio::task::spawn_local(read_all(id, Rc::clone(&socket), events.clone()));
        Ok(Self { id, socket, events, reader, waker: None })
    }

    pub(super) fn socket(&self) -> &OwnedFd {
        self.socket.get_ref()
    }

    /// Whether the replica waits for us to read, as far as it can be seen: something of it is there.
    pub fn has_unread(&self) -> bool {
        let mut polled = [PollFd::new(self.socket.get_ref().as_fd(), PollFlags::POLLIN)];
        let is_there = poll(&mut polled, PollTimeout::ZERO).is_ok_and(|ready| ready > 0);
        is_there && polled[0].revents().is_some_and(|it| it.contains(PollFlags::POLLIN))
    }

    /// Sends one packet without ever waiting.
    pub fn send(&mut self, packet: &[u8]) -> Sent {
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
        let result =
            self.socket.try_io(Interest::WRITABLE, |fd| Ok(send(fd.as_raw_fd(), packet, flags)?));
        match result {
            Ok(_) => Sent::Delivered,
            Err(error) => match error.raw_os_error().map(Errno::from_raw) {
                // `try_io` itself answers "would block", without a number, when it knows better.
                None | Some(Errno::EAGAIN | Errno::ENOBUFS) => {
                    self.tell_when_writable();
                    Sent::WouldBlock
                }
                Some(Errno::EMSGSIZE) => Sent::TooLarge,
                Some(_) => Sent::Gone,
            },
        }
    }

    /// Sends one packet as the course's simulator does: everything else waits until the socket takes it,
    /// or the time is over.
    pub fn send_blocking(&self, packet: &[u8], patience: Duration) -> Sent {
        let fd = self.socket.get_ref();
        let begin = Instant::now();
        loop {
            let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
            match send(fd.as_raw_fd(), packet, flags) {
                Ok(_) => return Sent::Delivered,
                Err(Errno::EAGAIN | Errno::ENOBUFS | Errno::EINTR) => {}
                Err(Errno::EMSGSIZE) => return Sent::TooLarge,
                Err(_) => return Sent::Gone,
            }
            let left = patience.saturating_sub(begin.elapsed());
            if left.is_zero() {
                return Sent::WouldBlock;
            }
            let mut polled = [PollFd::new(fd.as_fd(), PollFlags::POLLOUT)];
            let _ = poll(&mut polled, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX));
        }
    }

    fn tell_when_writable(&mut self) {
        if self.waker.as_ref().is_some_and(|waker| !waker.is_finished()) {
            return;
        }
        let (id, socket, events) = (self.id, Rc::clone(&self.socket), self.events.clone());
        self.waker = Some(tokio::task::spawn_local(async move {
            if let Ok(guard) = socket.writable().await {
                drop(guard);
                let _ = events.send(TransportEvent::Writable(id)).await;
            }
        }));
    }
}

async fn read_all(id: NodeId, socket: Rc<AsyncFd<OwnedFd>>, events: EventSender) {
    let mut buffer = vec![0; limits::PACKET_BYTES];
    loop {
        for _ in 0..limits::READ_BURST {
            let received = socket
                .async_io(Interest::READABLE, |fd| {
                    // MSG_TRUNC: the packet's whole length, also where it exceeds the buffer.
                    Ok(recv(fd.as_raw_fd(), &mut buffer, MsgFlags::MSG_TRUNC)?)
                })
                .await;
            let event = match received {
                // A packet may be empty: only a peer that is gone has closed.
                Ok(0) if !has_hung_up(socket.get_ref().as_fd()) => {
                    TransportEvent::Packet { from: id, bytes: Rc::from([]), length: 0 }
                }
                Ok(0) | Err(_) => {
                    let _ = events.send(TransportEvent::Closed(id)).await;
                    return;
                }
                Ok(length) => TransportEvent::Packet {
                    from: id,
                    bytes: Rc::from(&buffer[..length.min(buffer.len())]),
                    length,
                },
            };
            if events.send(event).await.is_err() {
                return;
            }
        }
        // The others have their turn.
        tokio::task::yield_now().await;
    }
}
