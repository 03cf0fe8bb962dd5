//! How far a follower is, as its leader knows it, and what it may be sent next.
//!
//! As long as all goes well entries are sent as they come, up to a window. What is lost or refused
//! makes the leader probe: from where the two logs may still agree, and smaller after each loss, until
//! a message is accepted. New entries still leave at once, for what is lost by chance comes through
//! the next time; after several losses in a row ([`Config::losses_by_chance`]) there is but one message
//! at a time. A way that lets nothing of some size pass, or a follower that has lost its disk, costs a message now
//! and then and no flood.

use std::time::Duration;

use super::config::Config;
use super::message::{Handover, QueuePlace};
use super::size;
use super::types::{Index, Request, Time};

/// Unanswered messages with entries that a follower may have in flight.
const WINDOW: u32 = 32;

/// What a leader knows of one follower.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Progress {
    /// The next entry to send.
    pub next: Index,
    /// Up to where its log is known to be the leader's.
    pub matched: Index,
    /// The latest round that it answered.
    pub round: u64,
    /// When it was last heard.
    pub heard: Time,
    /// When it was last sent anything.
    pub sent: Time,
    /// When it was last sent entries.
    pub tried: Time,
    /// Messages with entries that it has not answered.
    pub in_flight: u32,
    /// The first entry in them.
    pub tried_from: Index,
    /// Something was lost or refused: until entries are accepted again `next` stays where the messages
    /// begin.
    pub probing: bool,
    /// How many bytes of entries a message may carry: less after each loss, for it may have been
    /// the size that did not pass, and more again with each success.
    pub batch_bytes: usize,
    /// How often entries were sent again since it was last heard.
    pub resends: u32,
    /// It is owed a message, whether there are entries or not.
    pub owed: bool,
    /// Refusals of rounds before this one are about what was sent before they were acted on.
    pub refusals_from: u64,
    /// What was received of its queue.
    pub queue: QueuePlace,
    pub queue_ack_owed: bool,
}

impl Progress {
    /// Of a follower of which nothing is known yet.
    pub fn new(next: Index, now: Time) -> Self {
        Self {
            next,
            matched: Index(0),
            round: 0,
            heard: now,
            sent: now,
            tried: now,
            in_flight: 0,
            tried_from: next,
            probing: false,
            batch_bytes: size::BATCH_LIMIT,
            resends: 0,
            owed: true,
            refusals_from: 0,
            queue: QueuePlace::default(),
            queue_ack_owed: false,
        }
    }

    /// Whether it may be sent entries now.
    pub fn has_room(&self, config: &Config) -> bool {
        let losses = config.losses_by_chance;
        let by_chance = losses > 0 && self.batch_bytes >= size::BATCH_LIMIT >> losses;
        self.in_flight < if self.probing && !by_chance { 1 } else { WINDOW }
    }

    /// Whether it has not answered for so long that it gets heartbeats only.
    pub fn is_silent(&self, config: &Config, now: Time) -> bool {
        now.since(self.heard) > 3 * config.heartbeat
    }

    /// When entries that it has not answered are sent again.
    pub fn resend_due(&self, config: &Config, resend: Duration) -> Time {
        if self.in_flight == 0 {
            return Time::NEVER;
        }
        // Twice as long each time: what does not answer may be dead.
        let wait = resend * (1 << self.resends.min(8));
        self.tried + wait.min(config.heartbeat)
    }

    /// When it needs a message even if nothing new happens.
    pub fn due(&self, config: &Config, resend: Duration) -> Time {
        (self.sent + config.heartbeat).min(self.resend_due(config, resend))
    }

    /// From here on messages begin with this entry, until one is accepted.
    pub fn probe(&mut self, next: Index) {
        self.probing = true;
        self.next = next.max(self.matched.next());
        self.in_flight = 0;
    }

    /// What was sent is lost, as far as anyone can tell.
    pub fn probe_again(&mut self) {
        self.probe(self.tried_from);
        self.resends += 1;
        self.batch_bytes = (self.batch_bytes / 2).max(1);
    }

    /// It has all entries up to here.
    pub fn accepted(&mut self, matched: Index) {
        if matched > self.matched {
            self.matched = matched;
            // So much more that a way that loses three messages of four by chance, whatever their size,
            // does not end with one entry a message.
            self.batch_bytes = (16 * self.batch_bytes).min(size::BATCH_LIMIT);
        }
        if self.probing && matched < self.next {
            return; // answers a heartbeat
        }
        self.probing = false;
        self.next = self.next.max(self.matched.next());
        self.tried_from = self.tried_from.max(self.matched.next());
        let all = self.matched.next() == self.next;
        self.in_flight = if all { 0 } else { self.in_flight.saturating_sub(1) };
    }

    /// Its log does not fit; it may up to here. Says whether that is news.
    pub fn refused(&mut self, hint: Index) -> bool {
        // What a follower has acknowledged it keeps, unless it has lost its disk: then it is given
        // everything again, and is no copy until it has it.
        self.matched = self.matched.min(hint);
        let (was_probing, before) = (self.probing, self.next);
        self.probe(hint.next().min(before.previous()));
        !was_probing || self.next < before
    }

    /// So many entries from `next` on have left.
    pub fn sent_entries(&mut self, time: Time, count: usize) {
        if self.in_flight == 0 {
            self.tried_from = self.next;
        }
        if !self.probing {
            self.next = Index(self.next.0 + count as u64);
        }
        self.in_flight += 1;
        self.tried = time;
    }

    /// The requests of a handover that were not received before.
    pub fn receive(&mut self, handover: Handover) -> Vec<Request> {
        if self.queue.boot != handover.boot {
            self.queue = QueuePlace { boot: handover.boot, next: handover.first };
        }
        // A gap cannot be: a queue goes on where it was acknowledged.
        let seen = self.queue.next.saturating_sub(handover.first);
        let end = handover.first + handover.requests.len() as u64;
        self.queue.next = self.queue.next.max(end);
        self.queue_ack_owed = true;
        self.owed = true;
        handover.requests.into_iter().skip(usize::try_from(seen).unwrap_or(usize::MAX)).collect()
    }
}
