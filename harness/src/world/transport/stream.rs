//! The course's transport of 2021: one `AF_UNIX` `SOCK_STREAM` socket per replica, named by its id
//! in the replica's working directory; one JSON object a line.

use std::cell::RefCell;
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use tokio::net::UnixStream;
use tokio::task::JoinHandle;

use super::lines::{Line, Lines};
use super::{EventSender, Sent, TransportEvent};
use crate::ids::NodeId;
use crate::limits;

/// A connected replica; its reader ends with it.
pub struct Connection {
    id: NodeId,
    socket: Rc<UnixStream>,
    /// The rest of a line of which the socket took a part only.
    rest: Rc<RefCell<Vec<u8>>>,
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
        let socket = UnixStream::from_std(fd.into())?;
        Ok(super::Connection::Stream(Self::new(id, socket, events)))
    }

    fn new(id: NodeId, socket: UnixStream, events: EventSender) -> Self {
        let socket = Rc::new(socket);
        let reader = tokio::task::spawn_local(read_all(id, Rc::clone(&socket), events.clone()));
        Self { id, socket, rest: Rc::default(), events, reader, waker: None }
    }

    pub(super) fn socket(&self) -> &UnixStream {
        &self.socket
    }

    /// Sends one line without ever waiting. A line begun counts as delivered: the rest follows
    /// before anything else.
    pub fn send(&mut self, packet: &[u8]) -> Sent {
        if !self.rest.borrow().is_empty() {
            self.write_rest_when_writable();
            return Sent::WouldBlock;
        }
        let mut line = packet.strip_suffix(b"\n").unwrap_or(packet).to_vec();
        line.push(b'\n');
        match self.socket.try_write(&line) {
            Ok(written) if written == line.len() => Sent::Delivered,
            Ok(written) => {
                self.rest.borrow_mut().extend_from_slice(&line[written..]);
                self.write_rest_when_writable();
                Sent::Delivered
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.write_rest_when_writable();
                Sent::WouldBlock
            }
            Err(_) => Sent::Gone,
        }
    }

    fn write_rest_when_writable(&mut self) {
        if self.waker.as_ref().is_some_and(|waker| !waker.is_finished()) {
            return;
        }
        let (id, socket, events) = (self.id, Rc::clone(&self.socket), self.events.clone());
        let rest = Rc::clone(&self.rest);
        self.waker = Some(tokio::task::spawn_local(async move {
            // A peer that is gone is told by the reader.
            while socket.writable().await.is_ok() {
                let written = socket.try_write(&rest.borrow());
                match written {
                    Ok(written) => drop(rest.borrow_mut().drain(..written)),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(_) => return,
                }
                if rest.borrow().is_empty() {
                    let _ = events.send(TransportEvent::Writable(id)).await;
                    return;
                }
            }
        }));
    }
}

async fn read_all(id: NodeId, socket: Rc<UnixStream>, events: EventSender) {
    let mut buffer = vec![0; limits::PACKET_BYTES];
    let mut lines = Lines::default();
    loop {
        let mut found = Vec::new();
        let is_closed = match socket.try_read(&mut buffer) {
            Ok(0) => true,
            Ok(read) => {
                lines.push(&buffer[..read], |line| found.push(line));
                false
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                found.extend(lines.take_object());
                false
            }
            Err(_) => true,
        };
        if is_closed {
            found.extend(lines.take());
        }
        let is_waiting = found.is_empty();
        for line in found {
            if events.send(packet(id, line)).await.is_err() {
                return;
            }
        }
        if is_closed {
            let _ = events.send(TransportEvent::Closed(id)).await;
            return;
        }
        if is_waiting && socket.readable().await.is_err() {
            let _ = events.send(TransportEvent::Closed(id)).await;
            return;
        }
        // The others have their turn.
        tokio::task::yield_now().await;
    }
}

fn packet(from: NodeId, line: Line) -> TransportEvent {
    TransportEvent::Packet { from, bytes: Rc::from(line.bytes), length: line.length }
}
