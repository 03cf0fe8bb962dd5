//! What replicas say to one another.

use super::log::Entry;
use super::types::{Id, Index, Request, Term};

/// One message from one replica to another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Message {
    /// The sender.
    pub from: Id,
    /// The receiver.
    pub to: Id,
    /// The sender's term; for the request of a pre-vote, the term it would stand in.
    pub term: Term,
    /// The leader, as the sender believes.
    pub leader: Option<Id>,
    /// What it says.
    pub body: Body,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Body {
    /// "I stand." Doubles as the election message that the faster election listens to.
    Elect(Elect),
    /// The answer to [`Body::Elect`].
    Vote(Vote),
    /// New entries, or none: then a heartbeat.
    Append(Append),
    /// The answer to [`Body::Append`].
    Appended(Appended),
}

/// How far a replica's log goes, as election messages tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// The term of its last entry.
    pub last_term: Term,
    /// The index of its last entry.
    pub last_index: Index,
    /// Up to where it knows entries to be committed.
    pub commit: Index,
}

impl Position {
    /// Section 5.4.1 of the paper: is a log that ends here at least as up to date as `other`?
    pub fn is_up_to_date(&self, other: &Self) -> bool {
        (self.last_term, self.last_index) >= (other.last_term, other.last_index)
    }
}

/// A candidate's message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Elect {
    /// Only asks whether it would be worth standing; changes no term
    /// (Ongaro's thesis, section 9.6).
    pub pre: bool,
    /// Where the candidate's log ends.
    pub position: Position,
}

/// A voter's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Vote {
    /// The term asked about: tells an answer of this election from an older one's.
    pub election: Term,
    /// Whether a pre-vote was asked for.
    pub pre: bool,
    /// The vote.
    pub granted: bool,
    /// Where the voter's log ends.
    pub position: Position,
}

/// A leader's message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Append {
    /// Numbers the leader's broadcasts; the answer returns it, and so proves that the leader
    /// still led when it sent this.
    pub round: u64,
    /// The index of the entry before the new ones.
    pub prev_index: Index,
    /// That entry's term.
    pub prev_term: Term,
    /// The new entries.
    pub entries: Vec<Entry>,
    /// Up to where the leader has committed.
    pub commit: Index,
    /// What it has received of the receiver's queue.
    pub queue_ack: Option<QueuePlace>,
}

/// A follower's answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Appended {
    /// The round that is answered.
    pub round: u64,
    /// Whether the entries fitted on the follower's log.
    pub success: bool,
    /// After success: up to where the two logs are known to agree. Else: where to try next.
    pub matched: Index,
    /// The follower's queue, or the part that fits into a message.
    pub queue: Option<Handover>,
}

/// A place in a replica's queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct QueuePlace {
    /// Which life of the replica: its queue does not outlive it, its numbers start again.
    pub boot: u32,
    /// The number of the next request that has not been received.
    pub next: u64,
}

/// Requests on their way from the queue of a follower to the leader.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Handover {
    /// Which life of the follower.
    pub boot: u32,
    /// The number of the first request.
    pub first: u64,
    /// Requests, numbered upwards from `first`.
    pub requests: Vec<Request>,
    /// How many more wait behind these.
    pub left: u64,
}
