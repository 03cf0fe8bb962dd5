//! The likely cause of an anomaly. The anomaly itself is decided by the history, not guessed.

mod object;

use checker::{Anomaly, Witness};

use super::evidence::Evidence;
use super::leaders::Claim;

/// An anomaly, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// In a few words.
    pub name: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What programs that show it often do wrong: a place to begin, not a proof.
    pub check: &'static str,
}

/// What is known of the replica that answered a late read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reader {
    /// It had acknowledged the newer write itself.
    Acknowledged,
    /// It began to lead after the newer value was there.
    NewLeader,
    /// It led all the time.
    OldLeader,
    /// It named another replica as leader.
    Follower,
    /// Nothing.
    Unknown,
}

impl Reader {
    fn of(witness: &Witness, evidence: &Evidence) -> Self {
        let (Some(late), Some(reader)) = (witness.late, evidence.reader()) else {
            return Self::Unknown;
        };
        let newer = witness.operations.get(late.newer).and_then(|it| it.value.as_ref());
        if newer.is_some_and(|value| evidence.acknowledged(reader.replica, value, reader.asked_ns))
        {
            return Self::Acknowledged;
        }
        let claims = evidence.leaders.as_deref().unwrap_or_default();
        let candidacies = evidence.candidacies();
        match Claim::at(claims, candidacies, reader.replica, reader.answered_ns) {
            Some(Claim::Leads(since)) if since > reader.newer_ns => Self::NewLeader,
            Some(Claim::Leads(_)) => Self::OldLeader,
            Some(Claim::Follows(_)) => Self::Follower,
            Some(Claim::Dead | Claim::Candidate | Claim::NoLeader) | None => Self::Unknown,
        }
    }
}

/// The anomaly of a witness, for people. The checker decides it by the key's whole history.
pub fn of(witness: &Witness, evidence: &Evidence) -> Mistake {
    let reader = Reader::of(witness, evidence);
    match witness.anomaly {
        Anomaly::ResurrectedValue => Mistake {
            name: "resurrected value",
            meaning: "a value that had been overwritten, and was seen to be, came back for good: the \
                      state went back",
            check: "an old write that takes effect twice (a request sent twice, an entry applied \
                    twice), or a replica that lost its newest entries and leads again. From outside \
                    the two look the same",
        },
        Anomaly::StaleRead => stale_read(reader),
        Anomaly::LostWrite => lost_write(reader),
        Anomaly::GarbageRead => Mistake {
            name: "garbage read",
            meaning: "a read returned a value that no client ever wrote to that key",
            check: "values that are mixed up between keys or requests, cut, or lost on the way into \
                    the log; or a write that was refused and took effect all the same",
        },
        Anomaly::FutureRead => Mistake {
            name: "future read",
            meaning: "a read returned a value before the write of that value began",
            check: "answers that are given to the wrong request, or a clock or identity that is used \
                    twice",
        },
        Anomaly::DuplicatedWrite => Mistake {
            name: "duplicated write",
            meaning: "one operation took effect twice",
            check: "a request that was sent again, or an entry that was read again from the log, \
                    without being recognized as a duplicate",
        },
        Anomaly::DivergentReads => Mistake {
            name: "divergent reads",
            meaning: "reads saw values alternate, as if some were answered from one copy of the state \
                      and some from another",
            check: "two replicas that answer at the same time, each from its own state: two leaders, \
                    or followers that answer on their own",
        },
        Anomaly::ReorderedWrites => Mistake {
            name: "reordered writes",
            meaning: "a read shows two writes in the wrong order: the one that it shows first began after the \
                      other was over",
            check: "writes that replicas apply in different orders, or a late write that is put before \
                    entries of the log that were acknowledged already",
        },
        Anomaly::NotLinearizable => Mistake {
            name: "not linearizable",
            meaning: "no order of these operations, one after another, explains their answers, and \
                      none of the simpler anomalies fits",
            check: "writes that replicas apply in different orders",
        },
        Anomaly::Lost
        | Anomaly::Duplicated
        | Anomaly::OutOfBounds
        | Anomaly::OutOfOrder
        | Anomaly::FalselyEmpty
        | Anomaly::TwoHolders
        | Anomaly::NotTheHolder
        | Anomaly::TokenNotFenced
        | Anomaly::WrongTotal
        | Anomaly::NegativeBalance
        | Anomaly::MissingAccount
        | Anomaly::UnknownAccount => object::of(witness.anomaly),
    }
}

fn lost_write(reader: Reader) -> Mistake {
    Mistake {
        name: "lost acknowledged write",
        meaning: "a write was acknowledged and is gone: reads that began later saw what was there \
                  before it, and no later read saw it",
        check: if reader == Reader::Acknowledged {
            "a replica whose own state goes back: a log that is cut off too far back, a restart that \
             loses entries, or a write that is acknowledged before it is applied"
        } else {
            "an acknowledgement that is sent before a majority holds the write, a vote for a candidate \
             whose log lacks it, or a log that is cut off too far back. If the key was read only once \
             before it was written again, the cause may also be a replaced leader, or a new one that has \
             not caught up, that answered this read"
        },
    }
}

/// By what is known of the replica that answered.
fn stale_read(reader: Reader) -> Mistake {
    let name = match reader {
        Reader::NewLeader => "stale read by a new leader",
        _ => "stale read",
    };
    let meaning = match reader {
        Reader::Acknowledged => {
            "a read returned a value that had certainly been overwritten before the read began. The \
             replica that answered had itself acknowledged the newer write"
        }
        Reader::NewLeader => {
            "a read returned a value that had certainly been overwritten before the read began. The \
             replica that answered became leader after that, and had not applied the newer write"
        }
        Reader::OldLeader | Reader::Follower | Reader::Unknown => {
            "a read returned a value that had certainly been overwritten before the read began. The \
             replica that answered did not know the newer write"
        }
    };
    let check = match reader {
        Reader::Acknowledged => {
            "a write that is acknowledged before it is applied, reads that are answered from another \
             copy than the log, or a state that goes back, as at a restart"
        }
        Reader::NewLeader => {
            "a new leader must not answer before it has applied what its predecessor committed. It \
             learns that by committing an entry of its own term first (a no-op)"
        }
        Reader::OldLeader => {
            "a leader that was replaced and does not know it yet: it must ask a majority, or hold a \
             lease, before it answers a read"
        }
        Reader::Follower => "a follower that answers on its own, although it names another leader",
        Reader::Unknown => {
            "a leader that was replaced and does not know it yet, a follower that answers on its own, \
             or a new leader that answers before it has applied what its predecessor committed"
        }
    };
    Mistake { name, meaning, check }
}
