//! The semantics of the course's simulator of 2016, on request (`--router course-2016`).
//!
//! It routes from the first moment on; a message to a replica that is not connected is a reason to
//! give that replica up ("unable to send to replica"), and to kill it; it reads 16,384 bytes of a packet and loses
//! the rest; it blocks on a socket that is full, and so for ever if the replica behind it is blocked on its own; and in
//! the end it closes the sockets before it kills. The default router does none of that.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::fabric::Sent;
use crate::ids::NodeId;
use crate::limits;
use crate::time::RunTime;

/// The router's semantics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum RouterKind {
    /// Waits for all replicas, loses messages to absent ones, never blocks, kills before it closes sockets
    #[default]
    Default,
    /// Behaves like the course's simulator of 2016
    #[value(name = "course-2016")]
    #[serde(rename = "course-2016")]
    Course2016,
}

impl RouterKind {
    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Course2016 => "course-2016",
        }
    }
}

/// Why a replica was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GivenUpFor {
    /// It had not connected yet.
    NotConnected,
    /// It had closed its socket.
    HungUp,
    /// Its socket stayed full while it had something to say itself: both sides waited for each other.
    Deadlock,
    /// Its socket stayed full, and it said nothing: it did not read.
    DoesNotRead,
}

/// A replica that the router gave up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenUp {
    /// The replica that was given up.
    pub id: NodeId,
    /// The time, since the start of the run.
    pub at: RunTime,
    /// The rule that gave it up.
    pub why: GivenUpFor,
    /// The sender of the message.
    pub sender: NodeId,
}

/// What the old simulator remembers.
#[derive(Debug, Default)]
pub struct Course2016 {
    gone: BTreeSet<NodeId>,
    /// Those that have connected at least once.
    had_come: BTreeSet<NodeId>,
    fresh: Vec<GivenUp>,
    /// Whether a socket stayed full once.
    had_deadlock: bool,
    /// How long it was blocked since this was last asked.
    blocked: Duration,
}

impl Course2016 {
    /// What came of handing a message of `sender` to `to`. Where the socket was full: whether the replica has itself
    /// sent something that was not read.
    pub fn handed(&mut self, sender: NodeId, to: NodeId, sent: Sent, has_unread: bool) {
        let why = match sent {
            Sent::Delivered | Sent::TooLarge => return,
            Sent::Gone if !self.had_come.contains(&to) => GivenUpFor::NotConnected,
            Sent::Gone => GivenUpFor::HungUp,
            // Each waits for the other only if the other has something to say, too.
            Sent::WouldBlock if has_unread => GivenUpFor::Deadlock,
            Sent::WouldBlock => GivenUpFor::DoesNotRead,
        };
        self.unable_to_send(sender, to, why);
    }

    fn unable_to_send(&mut self, sender: NodeId, id: NodeId, why: GivenUpFor) {
        self.had_deadlock |= matches!(why, GivenUpFor::Deadlock | GivenUpFor::DoesNotRead);
        if self.gone.insert(id) {
            self.fresh.push(GivenUp { id, at: RunTime::ZERO, why, sender });
        }
    }

    /// How long a socket may stay full. Where one is deadlocked others are, and nothing moves meanwhile: they are
    /// not waited for as long again.
    pub fn patience(&self) -> Duration {
        if self.had_deadlock { limits::DEADLOCK / 10 } else { limits::DEADLOCK }
    }

    /// It was blocked for so long.
    pub fn was_blocked(&mut self, time: Duration) {
        self.blocked += time;
    }

    /// How long it was blocked since this was last asked: no other process is to blame for that time.
    pub fn take_blocked(&mut self) -> Duration {
        std::mem::take(&mut self.blocked)
    }

    /// A replica connected, perhaps after it was started again.
    pub fn came(&mut self, id: NodeId) {
        self.had_come.insert(id);
        self.gone.remove(&id);
    }

    /// Whether it was given up, or died: no process waits for it.
    pub fn is_gone(&self, id: NodeId) -> bool {
        self.gone.contains(&id)
    }

    /// A replica died or was killed: messages for it are no reason for anything any more.
    pub fn died(&mut self, id: NodeId) {
        self.gone.insert(id);
    }

    /// Those that were given up since this was last asked.
    pub fn take(&mut self, now: RunTime) -> Vec<GivenUp> {
        let fresh = std::mem::take(&mut self.fresh).into_iter();
        fresh.map(|given_up| GivenUp { at: now, ..given_up }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_is_given_up_once_and_never_after_its_death() {
        let mut course = Course2016::default();
        let (one, two) = (NodeId(1), NodeId(2));
        course.died(two);
        for id in [one, one, two] {
            course.unable_to_send(NodeId(0), id, GivenUpFor::NotConnected);
        }
        let given_up: Vec<NodeId> = course.take(RunTime(9)).iter().map(|it| it.id).collect();
        assert_eq!(given_up, [one]);
        assert!(course.take(RunTime(9)).is_empty());
    }
}
