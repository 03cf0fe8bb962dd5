//! The follower: takes the leader's entries, applies what is committed, hands over its queue.

use tracing::{info, trace};

use super::fates::Fate;
use super::log::{Command, Entry};
use super::message::{Append, Appended, Body};
use super::replica::{Replica, Role};
use super::types::{Id, Index, Now, Term};
use crate::bugs::Bug;

/// How many entries a follower takes of a batch under [`Bug::LostBatchTail`].
const KEPT_OF_A_BATCH: usize = 4;

impl Replica {
    pub(super) fn receive_append(&mut self, now: Now, from: Id, term: Term, append: Append) {
        let round = append.round;
        if term < self.term {
            // Rounds are numbered anew in each term: the sender may lead this one by now, and must
            // not take an answer to what it sent in an older one for one to its latest.
            let answer = Appended { round: 0, success: false, matched: Index(0), queue: None };
            self.send(from, self.term, Body::Appended(answer));
            return;
        }
        self.follow(now, from, term);
        if let Some(received) = append.queue_ack {
            for id in self.queue.acknowledge(self.config.boot, received) {
                self.fates.remember(id, Fate::HandedOver);
            }
        }
        if append.entries.is_empty() {
            trace!(leader = %from, round, "heartbeat");
        } else {
            trace!(leader = %from, round, entries = append.entries.len(), "append");
        }
        let leader_commit = append.commit;
        let (success, matched) = self.take_entries(append);
        if success {
            let ahead = self.config.bugs.has(Bug::CommitAhead);
            self.commit_to(if ahead { leader_commit } else { leader_commit.min(matched) });
        }
        let queue = self.hand_over_queue();
        self.send(from, self.term, Body::Appended(Appended { round, success, matched, queue }));
    }

    fn follow(&mut self, now: Now, leader: Id, term: Term) {
        if term > self.term || self.leader != Some(leader) {
            assert!(term > self.term || !self.is_leader(), "two leaders in one term");
            self.become_follower(now, term);
            info!(term = term.0, leader = %leader, "follows");
        }
        self.role = Role::Follower;
        self.leader = Some(leader);
        self.heard_leader = now.time;
        self.sent_away.clear();
        self.election = super::election::Election::default();
        self.restart_election_timer(now);
    }

    /// Log matching (section 5.3): takes the entries if the one before them is the leader's.
    /// Returns up to where the logs agree, or else up to where they may.
    fn take_entries(&mut self, append: Append) -> (bool, Index) {
        let bugs = self.config.bugs;
        let fits = self.log.term_at(append.prev_index) == Some(append.prev_term);
        if !fits && !bugs.has(Bug::NoPrevCheck) {
            return (false, self.refuse_entries(append.prev_index));
        }
        let matched = Index(append.prev_index.0 + append.entries.len() as u64);
        let kept = if bugs.has(Bug::LostBatchTail) { KEPT_OF_A_BATCH } else { usize::MAX };
        let mut index = append.prev_index.min(self.log.last_index());
        for entry in append.entries.into_iter().take(kept) {
            index = index.next();
            self.take_entry(index, entry);
        }
        if bugs.has(Bug::Rewind) && self.log.last_index() > index {
            self.log.truncate_after(index);
            self.mark_log(index.next());
        }
        (true, matched)
    }

    fn take_entry(&mut self, index: Index, mut entry: Entry) {
        let bugs = self.config.bugs;
        if let Command::Put { value, .. } = &mut entry.command
            && bugs.has(Bug::EmptyEntries)
        {
            *value = "".into();
        }
        match self.log.term_at(index) {
            Some(term) if term == entry.term || bugs.has(Bug::SplitBrainHeal) => return,
            Some(_) => self.log.truncate_after(index.previous()),
            None => {}
        }
        self.log.push(entry);
        self.mark_log(index);
    }

    /// Says where the leader should try next: the end of this log, or before all entries of the
    /// term that differs.
    fn refuse_entries(&mut self, prev_index: Index) -> Index {
        if self.config.bugs.has(Bug::TruncateCommitted) {
            self.log.truncate_after(Index(0));
            self.mark_log(Index(1));
        }
        let last = self.log.last_index();
        if prev_index > last {
            return last;
        }
        let conflicting = self.log.term_at(prev_index);
        let mut hint = prev_index;
        while hint.0 > 0 && hint > self.commit && self.log.term_at(hint) == conflicting {
            hint = hint.previous();
        }
        hint
    }
}
