//! What waits for a replica that does not read: bounded, so that it disturbs no other replica.

use std::collections::VecDeque;
use std::rc::Rc;

use super::link::TypeIndex;
use crate::ids::NodeId;
use crate::limits;
use crate::time::RunTime;

/// A message on its way to a replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The sender: with the receiver, its link.
    pub from: NodeId,
    /// Its place in the link's counts; `None` if it is not counted.
    pub kind: Option<TypeIndex>,
    /// When it was sent.
    pub sent: RunTime,
    /// Whether the message was, or will be, delivered before.
    pub is_copy: bool,
    /// The packet.
    pub packet: Rc<[u8]>,
}

/// The bounded queue in front of one replica's socket.
#[derive(Debug, Default)]
pub struct Outbox {
    waiting: VecDeque<Outgoing>,
    bytes: usize,
}

impl Outbox {
    /// Puts a message at the end; hands it back if the box is full.
    pub fn push(&mut self, message: Outgoing) -> Result<(), Outgoing> {
        let bytes = self.bytes + message.packet.len();
        if self.waiting.len() >= limits::OUTBOX_MESSAGES || bytes > limits::OUTBOX_BYTES {
            return Err(message);
        }
        self.bytes = bytes;
        self.waiting.push_back(message);
        Ok(())
    }

    /// Takes the first message out.
    pub fn pop(&mut self) -> Option<Outgoing> {
        let message = self.waiting.pop_front()?;
        self.bytes -= message.packet.len();
        Some(message)
    }

    /// The first message.
    pub fn front(&self) -> Option<&Outgoing> {
        self.waiting.front()
    }

    /// Whether nothing waits.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}
