//! What becomes of each message, in the counts of its link and in the log of messages.

use super::link::{Link, TypeIndex};
use super::links::Links;
use super::message_log::{Fate, MessageLog};
use super::outbox::Outgoing;
use crate::ids::NodeId;
use crate::network::counts::DropCause;

/// All links, and the log of what crossed them.
pub struct Ledger {
    /// The links.
    pub links: Links,
    /// The log.
    pub log: MessageLog,
}

impl Ledger {
    /// A message was handed over.
    pub fn delivered(&mut self, to: NodeId, message: &Outgoing) {
        self.note(to, message, Fate::Delivered, |link, kind| {
            if message.is_copy { link.repeated(kind) } else { link.delivered(kind) }
        });
    }

    /// A message was lost; a copy that is lost is no loss.
    pub fn lost(&mut self, to: NodeId, message: &Outgoing, cause: DropCause) {
        if !message.is_copy {
            self.note(to, message, Fate::Lost(cause), |link, kind| link.lost(kind, cause));
        }
    }

    /// A message was changed.
    pub fn corrupted(&mut self, to: NodeId, message: &Outgoing) {
        self.count(to, message, Link::corrupted);
    }

    /// A message waits, on its way or for its receiver.
    pub fn waits(&mut self, to: NodeId, message: &Outgoing) {
        if !message.is_copy {
            self.count(to, message, |link, _| link.waits(message.packet.len()));
        }
    }

    /// It waits no longer.
    pub fn waited(&mut self, to: NodeId, message: &Outgoing) {
        if !message.is_copy {
            self.count(to, message, |link, _| link.waits_no_longer(message.packet.len()));
        }
    }

    fn count(&mut self, to: NodeId, message: &Outgoing, how: impl FnOnce(&mut Link, TypeIndex)) {
        if let (Some(link), Some(kind)) = (self.links.get_mut((message.from, to)), message.kind) {
            how(link, kind);
        }
    }

    fn note(
        &mut self,
        to: NodeId,
        message: &Outgoing,
        fate: Fate,
        how: impl FnOnce(&mut Link, TypeIndex),
    ) {
        if let (Some(link), Some(kind)) = (self.links.get_mut((message.from, to)), message.kind) {
            how(link, kind);
            self.log.note(message.sent, message.from, to, link.kind(kind), fate);
        }
    }
}
