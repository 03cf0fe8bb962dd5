//! The transport of Maelstrom's nodes: lines over standard input and output, one JSON object each.
//!
//! A node is greeted as soon as it is started, and is connected when it has answered that. What it wrote before is told
//! right after: some nodes cannot wait.

use std::cell::RefCell;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

use tokio::io::Interest;
use tokio::net::unix::pipe;
use tokio::task::JoinHandle;

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
pub struct Connection {
    id: NodeId,
    input: Rc<pipe::Sender>,
    /// The rest of a line of which the pipe took a part only.
    rest: Rc<RefCell<Vec<u8>>>,
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
    let connection = Connection {
        id,
        input: Rc::new(input),
        rest: Rc::default(),
        events: events.clone(),
        waker: None,
    };
    Ok(Greeting(tokio::task::spawn_local(read_all(id, output, connection, events))))
}

fn nonblocking(fd: OwnedFd) -> io::Result<OwnedFd> {
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    fcntl(&fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok(fd)
}

impl Connection {
    /// Sends one line without ever waiting. A line begun counts as delivered: the rest follows
    /// before anything else.
    pub fn send(&mut self, packet: &[u8]) -> Sent {
        if !self.rest.borrow().is_empty() {
            self.write_rest_when_writable();
            return Sent::WouldBlock;
        }
        let mut line = packet.strip_suffix(b"\n").unwrap_or(packet).to_vec();
        line.push(b'\n');
        match self.input.try_write(&line) {
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
        let (id, input, events) = (self.id, Rc::clone(&self.input), self.events.clone());
        let rest = Rc::clone(&self.rest);
        self.waker = Some(tokio::task::spawn_local(async move {
            // A process that is gone is told by the reader.
            while input.writable().await.is_ok() {
                let written = input.try_write(&rest.borrow());
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

    /// Whether nobody reads the pipe any more.
    pub fn has_hung_up(&self) -> bool {
        use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
        let mut polled = [PollFd::new(self.input.as_fd(), PollFlags::POLLERR)];
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
