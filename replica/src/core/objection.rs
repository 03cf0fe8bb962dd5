//! What no replica of this cluster can have said.
//!
//! A message may be well formed and yet not what a replica sent: forged, or changed on its way. Raft
//! trusts its members, and nothing here finds every lie; but what contradicts this replica's
//! certain knowledge, or itself, is dropped with a warning before it can do harm, and no message
//! whatsoever makes a replica stop.

use super::message::{Append, Appended, Body, Message, Position};
use super::replica::{Replica, Role};
use super::size;
use super::types::{Id, Index, Term};

/// No replica misses so many elections; and a term from which this could be repeated to the end of
/// the numbers would need as many lies.
const MISSED_TERMS: u64 = 1 << 32;

/// Why a message is not what a replica of this cluster sent; `None` if nothing speaks against it.
type Objection = Option<&'static str>;

fn objection_if(wrong: bool, objection: &'static str) -> Objection {
    wrong.then_some(objection)
}

impl Replica {
    /// Why this replica drops a message, if it does.
    pub fn objection(&self, message: &Message) -> Option<&'static str> {
        let Message { from, to, term, body, .. } = message;
        objection_if(*to != self.config.id, "it is for another replica")
            .or_else(|| objection_if(!self.config.peers.contains(from), "its sender is unknown"))
            .or_else(|| {
                let missed = term.0.saturating_sub(self.term.0);
                objection_if(missed > MISSED_TERMS, "its term is out of reach")
            })
            .or_else(|| match body {
                Body::Elect(elect) => elect.position.objection(*term),
                Body::Vote(vote) => vote.position.objection(*term),
                Body::Append(append) if *term < self.term => append.objection(*term),
                Body::Append(append) => {
                    append.objection(*term).or_else(|| self.append_objection(*term, append))
                }
                Body::Appended(answer) => self.appended_objection(*from, *term, answer),
            })
    }

    /// Of a leader's message in this term or a later one.
    fn append_objection(&self, term: Term, append: &Append) -> Objection {
        let rival = self.is_leader() && term == self.term;
        let ack = append.queue_ack;
        let acknowledges = ack.is_some_and(|place| !self.queue.could_be(self.config.boot, place));
        objection_if(rival, "another leader in the term that this one leads")
            .or_else(|| objection_if(acknowledges, "it acknowledges what was not handed over"))
            .or_else(|| {
                let entries = append.entries.iter().map(|entry| entry.term);
                let terms = std::iter::once(append.prev_term).chain(entries);
                let places = (append.prev_index.0..=self.commit.0).map(Index);
                let differs = places.zip(terms).any(|(index, term)| {
                    self.log.term_at(index).is_some_and(|committed| committed != term)
                });
                objection_if(differs, "it contradicts a committed entry")
            })
    }

    /// Of a follower's answer, if it is for this leader.
    fn appended_objection(&self, from: Id, term: Term, answer: &Appended) -> Objection {
        let Role::Leader(leader) = &self.role else { return None };
        if term != self.term {
            return None;
        }
        let queue = answer.queue.as_ref();
        let large = queue.is_some_and(|queue| !queue.requests.iter().all(size::fits));
        let numbers = queue
            .is_some_and(|queue| queue.first.checked_add(queue.requests.len() as u64).is_none());
        objection_if(!leader.has_sent(from, answer.round), "it answers what was not sent")
            .or_else(|| {
                let beyond = answer.matched > self.log.last_index();
                objection_if(beyond, "it has more of this log than there is")
            })
            .or_else(|| objection_if(large, "it hands over what fits into no message"))
            .or_else(|| objection_if(numbers, "its queue has impossible numbers"))
    }
}

impl Append {
    /// What a leader's message says about itself.
    fn objection(&self, term: Term) -> Objection {
        let mut highest = self.prev_term;
        let rising = self.entries.iter().all(|entry| {
            let rises = entry.term >= highest && entry.term > Term(0);
            highest = entry.term;
            rises
        });
        let end = self.prev_index.0.checked_add(self.entries.len() as u64);
        let large = self.entries.iter().any(|entry| size::entry(entry) > size::BATCH_LIMIT);
        objection_if(self.round == 0 || end.is_none(), "it has impossible numbers")
            .or_else(|| start_objection(self.prev_index, self.prev_term))
            .or_else(|| objection_if(!rising || highest > term, "its terms are in no order"))
            .or_else(|| objection_if(large, "it has an entry that fits into no message"))
    }
}

impl Position {
    fn objection(&self, term: Term) -> Objection {
        start_objection(self.last_index, self.last_term)
            .or_else(|| objection_if(self.last_term > term, "its log is from a later term"))
    }
}

/// Term 0 is where no entry is, and only there.
fn start_objection(index: Index, term: Term) -> Objection {
    objection_if((index == Index(0)) != (term == Term(0)), "an entry without a term")
}
