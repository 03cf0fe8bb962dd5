//! The transport of Maelstrom's nodes: lines over standard input and output, one JSON object each.
//!
//! A node is greeted as soon as it is started, and is connected when it has answered that. What it wrote before is told
//! right after: some nodes cannot wait.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

use tokio::io::Interest;
use tokio::net::unix::pipe;
use tokio::task::JoinHandle;

use super::line_writer::LineWriter;
use super::lines::{Line, Lines};
use super::{EventSender, Sent, TransportEvent};
use crate::cluster::process::Pipes;
use crate::dialect::maelstrom;
use crate::ids::NodeId;
use crate::limits;

/// A node that was greeted; what waits for its answer ends with this.
pub struct Greeting(JoinHandle<()>);

impl Drop for Greeting {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The standard input of a node.
pub struct Connection(LineWriter<pipe::Sender>);

/// Greets a node, and reads what it writes. Must be called within a `LocalSet`.
pub fn begin(
    id: NodeId,
    pipes: Pipes,
    mut greeting: Vec<u8>,
    events: EventSender,
) -> io::Result<Greeting> {
    greeting.push(b'\n');
    // An empty pipe takes a line as short as this; that the process is gone already is told otherwise.
    let _ = nix::unistd::write(&pipes.input, &greeting);
    let input = pipe::Sender::from_owned_fd(nonblocking(pipes.input)?)?;
    let output = pipe::Receiver::from_owned_fd(nonblocking(pipes.output)?)?;
    let connection = Connection(LineWriter::new(id, Rc::new(input), events.clone()));
    Ok(Greeting(tokio::task::spawn_local(read_all(id, output, connection, events))))
}

fn nonblocking(fd: OwnedFd) -> io::Result<OwnedFd> {
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    fcntl(&fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok(fd)
}

impl Connection {
    /// Sends one line without ever waiting.
    pub fn send(&mut self, packet: &[u8]) -> Sent {
        self.0.send(packet)
    }

    /// Whether the node has closed its standard input.
    pub fn has_hung_up(&self) -> bool {
        use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
        let mut polled = [PollFd::new(self.0.stream().as_fd(), PollFlags::POLLERR)];
        poll(&mut polled, PollTimeout::ZERO).is_err()
            || polled[0].revents().is_none_or(|events| events.contains(PollFlags::POLLERR))
    }
}

async fn read_all(id: NodeId, output: pipe::Receiver, connection: Connection, events: EventSender) {
    let mut connection = Some(connection);
    let mut early: Vec<Line> = Vec::new();
    let mut buffer = vec![0; limits::PACKET_BYTES];
    let mut lines = Lines::default();
    loop {
        let mut found = Vec::new();
        let is_closed = match output.try_read(&mut buffer) {
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
            let is_ready = connection.is_some() && maelstrom::is_init_ok(&line.bytes);
            if is_ready && let Some(connection) = connection.take() {
                let connection = super::Connection::Stdio(connection);
                if events.send(TransportEvent::Connected(id, connection)).await.is_err() {
                    return;
                }
                early.push(line);
                for line in early.drain(..) {
                    if events.send(packet(id, line)).await.is_err() {
                        return;
                    }
                }
            } else if connection.is_some() {
                early.push(line);
            } else if events.send(packet(id, line)).await.is_err() {
                return;
            }
        }
        if is_closed {
            if connection.is_none() {
                let _ = events.send(TransportEvent::Closed(id)).await;
            }
            return;
        }
        if is_waiting && output.ready(Interest::READABLE).await.is_err() {
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
