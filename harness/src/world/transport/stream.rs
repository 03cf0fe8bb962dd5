//! The course's transport of 2021: one `AF_UNIX` `SOCK_STREAM` socket per replica, named by its id
//! in the replica's working directory; one JSON object a line.

use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use tokio::net::UnixStream;
use tokio::task::JoinHandle;

use super::line_writer::LineWriter;
use super::lines::{Line, Lines};
use super::{EventSender, Sent, TransportEvent};
use crate::ids::NodeId;
use crate::limits;

/// A connected replica; its reader ends with it.
pub struct Connection {
    lines: LineWriter<UnixStream>,
    reader: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.reader.abort();
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
        Self { lines: LineWriter::new(id, socket, events), reader }
    }

    pub(super) fn socket(&self) -> &UnixStream {
        self.lines.stream()
    }

    /// Sends one line without ever waiting.
    pub fn send(&mut self, packet: &[u8]) -> Sent {
        self.lines.send(packet)
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
