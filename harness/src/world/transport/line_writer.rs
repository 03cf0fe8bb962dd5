//! Lines into a stream that may take a part of one only, without ever waiting.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use tokio::net::UnixStream;
use tokio::net::unix::pipe;
use tokio::task::JoinHandle;

use super::{EventSender, Sent, TransportEvent};
use crate::ids::NodeId;

/// What lines are written into.
pub trait Stream: 'static {
    /// Writes what there is room for.
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize>;
    /// Waits until there is room.
    fn has_room(&self) -> impl Future<Output = io::Result<()>>;
}

impl Stream for UnixStream {
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        UnixStream::try_write(self, bytes)
    }

    fn has_room(&self) -> impl Future<Output = io::Result<()>> {
        self.writable()
    }
}

impl Stream for pipe::Sender {
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        pipe::Sender::try_write(self, bytes)
    }

    fn has_room(&self) -> impl Future<Output = io::Result<()>> {
        self.writable()
    }
}

/// Writes the lines for one replica.
pub struct LineWriter<S> {
    id: NodeId,
    stream: Rc<S>,
    /// The rest of a line of which the stream took a part only.
    rest: Rc<RefCell<Vec<u8>>>,
    events: EventSender,
    waker: Option<JoinHandle<()>>,
}

impl<S> Drop for LineWriter<S> {
    fn drop(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.abort();
        }
    }
}

impl<S: Stream> LineWriter<S> {
    /// Nothing is written yet.
    pub fn new(id: NodeId, stream: Rc<S>, events: EventSender) -> Self {
        Self { id, stream, rest: Rc::default(), events, waker: None }
    }

    /// What it writes into.
    pub fn stream(&self) -> &S {
        &self.stream
    }

    /// Sends one line without ever waiting. A line begun counts as delivered: the rest follows
    /// before anything else. Must be called within a `LocalSet`.
    pub fn send(&mut self, packet: &[u8]) -> Sent {
        if !self.rest.borrow().is_empty() {
            self.write_rest_when_writable();
            return Sent::WouldBlock;
        }
        let mut line = packet.strip_suffix(b"\n").unwrap_or(packet).to_vec();
        line.push(b'\n');
        match self.stream.try_write(&line) {
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
        let (id, stream, events) = (self.id, Rc::clone(&self.stream), self.events.clone());
        let rest = Rc::clone(&self.rest);
        self.waker = Some(tokio::task::spawn_local(async move {
            // A peer that is gone is told by the reader.
            while stream.has_room().await.is_ok() {
                let written = stream.try_write(&rest.borrow());
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
