//! One replica: its state, and the step from one state to the next.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tracing::{debug, trace, warn};

use super::config::Config;
use super::election::{Candidate, Election};
use super::fates::Fates;
use super::leader::Leader;
use super::log::{Command, Entry, Log};
use super::machine::Machine;
use super::message::{Body, Message, Position};
use super::queue::Queue;
use super::types::{Id, Index, Now, Outcome, Reply, Request, RequestId, Term, Time};
use crate::bugs::Bug;

/// What happens to a replica.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// Another replica's message arrived.
    Message(Message),
    /// A client's request arrived.
    Request(Request),
    /// Time has passed: whatever is due happens.
    Tick,
}

/// What a replica wants done.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Output {
    /// Send this to another replica.
    Send(Message),
    /// Send this to a client.
    Reply(Reply),
}

/// What must survive a crash.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Saved {
    /// The latest term seen.
    pub term: Term,
    /// The replica that got this one's vote in that term.
    pub vote: Option<Id>,
    /// All entries, the first at index 1.
    pub entries: Vec<Entry>,
}

/// Which parts of [`Saved`] changed since they were last stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Unsaved {
    /// The term or the vote.
    pub ballot: bool,
    /// The log, from this index to its end.
    pub log_from: Option<Index>,
}

impl Unsaved {
    /// Whether there is anything to store.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What a replica is to the others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Role {
    Follower,
    Candidate(Candidate),
    Leader(Box<Leader>),
}

/// One replica as a value: steps change it and collect outputs, nothing else happens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Replica {
    pub(super) config: Arc<Config>,
    pub(super) term: Term,
    pub(super) vote: Option<Id>,
    pub(super) log: Log,
    pub(super) commit: Index,
    pub(super) machine: Machine,
    pub(super) role: Role,
    pub(super) leader: Option<Id>,
    /// When the leader was last heard, or this life began: the start of this replica's loyalty.
    /// Zero before a new replica has heard one.
    pub(super) heard_leader: Time,
    pub(super) election: Election,
    pub(super) queue: Queue,
    pub(super) fates: Fates,
    /// Clients that were told to go to the leader since it was last heard. One that comes back
    /// did not find it there: its request is kept, or it would be sent in circles.
    pub(super) sent_away: BTreeSet<Id>,
    /// Puts that this replica took in as a leader and whose clients wait: answered when their
    /// place in the log is committed, even if another leader commits it. A place is known by its
    /// term too: in another one it may have been given to another put meanwhile, and which of
    /// them it will be is not decided before it is committed.
    pub(super) waiting: BTreeMap<(Index, Term), Request>,
    /// Puts among them whose place went to another entry, within one step.
    overtaken: Vec<Request>,
    /// When the last [`Input::Tick`] was handled: an old idea of the time, for a bug to use.
    pub(super) clock: Time,
    pub(super) unsaved: Unsaved,
    outputs: Vec<Output>,
}

impl Replica {
    /// A replica that starts, or starts again with what it had saved.
    #[must_use]
    pub fn new(config: Arc<Config>, saved: Saved, now: Now) -> Self {
        // One that has known no term has promised nothing in an earlier life.
        let is_new = saved.term == Term(0);
        let mut replica = Self {
            term: saved.term,
            vote: saved.vote,
            log: Log::new(saved.entries),
            commit: Index(0),
            machine: Machine::default(),
            role: Role::Follower,
            leader: None,
            heard_leader: if is_new { Time(0) } else { now.time },
            election: Election::default(),
            queue: Queue::default(),
            fates: Fates::default(),
            sent_away: BTreeSet::new(),
            waiting: BTreeMap::new(),
            overtaken: Vec::new(),
            clock: now.time,
            unsaved: Unsaved::default(),
            outputs: Vec::new(),
            config,
        };
        replica.restart_election_timer(now);
        if is_new {
            replica.shorten_first_timeout(now);
        }
        replica
    }

    /// Handles one input. What a leader has to send because of it waits for [`Self::flush`], so
    /// that inputs that arrive together leave in one message.
    pub fn step(&mut self, now: Now, input: Input) {
        self.handle(now, input);
        self.requeue_overtaken(now);
    }

    fn handle(&mut self, now: Now, input: Input) {
        match input {
            Input::Message(message) => self.receive(now, message),
            Input::Request(request) => self.receive_request(now, request),
            Input::Tick => {
                self.clock = now.time;
                self.tick(now);
            }
        }
    }

    fn receive(&mut self, now: Now, message: Message) {
        if let Some(objection) = self.objection(&message) {
            warn!(from = %message.from, term = message.term.0, "dropped a message: {objection}");
            return;
        }
        let Message { from, term, body, .. } = message;
        match body {
            Body::Elect(elect) => self.receive_elect(now, from, term, elect),
            Body::Vote(vote) => self.receive_vote(now, from, term, vote),
            Body::Append(append) => self.receive_append(now, from, term, append),
            Body::Appended(appended) => self.receive_appended(now, from, term, appended),
        }
    }

    /// Does what is due.
    fn tick(&mut self, now: Now) {
        match self.role {
            Role::Leader(_) => self.leader_tick(now),
            _ => self.election_tick(now),
        }
        self.expire_queue(now);
    }

    /// When the next [`Input::Tick`] is needed.
    #[must_use]
    pub fn deadline(&self) -> Time {
        let role = match &self.role {
            Role::Leader(leader) => leader.deadline(&self.config, self.log.last_index()),
            Role::Candidate(candidate) => candidate.resend_at.min(self.election.deadline),
            Role::Follower => self.election.deadline,
        };
        role.min(self.queue.deadline())
    }

    /// Takes what may leave before anything is stored: a leader's appends. They promise nothing
    /// about its own disk, so followers can write while it does (Ongaro's thesis, section 10.2.1).
    /// It counts itself among those that have an entry from the moment it is in its log: so the
    /// caller must store what [`Self::take_effects`] says before the next [`Self::step`].
    ///
    /// Nothing leaves early in a term that is not stored yet, nor what makes a follower forget its
    /// queue: that is a promise to keep it.
    pub fn take_early(&mut self) -> Vec<Message> {
        if self.unsaved.ballot {
            return Vec::new();
        }
        let early = |output: &mut Output| {
            let Output::Send(Message { body: Body::Append(append), .. }) = output else {
                return false;
            };
            append.queue_ack.is_none()
        };
        let messages = self.outputs.extract_if(.., early).filter_map(|output| match output {
            Output::Send(message) => Some(message),
            Output::Reply(_) => None,
        });
        messages.collect()
    }

    /// Takes what is to be stored and then sent, in this order.
    pub fn take_effects(&mut self) -> (Unsaved, Vec<Output>) {
        (std::mem::take(&mut self.unsaved), std::mem::take(&mut self.outputs))
    }

    pub(super) fn send(&mut self, to: Id, term: Term, body: Body) {
        let (from, leader) = (self.config.id, self.leader);
        self.outputs.push(Output::Send(Message { from, to, term, leader, body }));
    }

    pub(super) fn reply(&mut self, id: RequestId, outcome: Outcome) {
        self.outputs.push(Output::Reply(Reply { id, leader: self.leader, outcome }));
    }

    /// Enters a term, or stays in it, as a follower without a leader yet.
    pub(super) fn become_follower(&mut self, now: Now, term: Term) {
        assert!(term >= self.term, "terms never fall");
        if term > self.term {
            self.term = term;
            self.vote = None;
            self.unsaved.ballot = true;
        }
        self.leader = None;
        let role = std::mem::replace(&mut self.role, Role::Follower);
        if let Role::Leader(leader) = role {
            debug!(term = self.term.0, "no longer leader");
            self.requeue(now, leader.into_requests());
            self.restart_election_timer(now);
        }
    }

    /// Adds an entry of this term to the leader's own log.
    pub(super) fn append_own(&mut self, command: Command) -> Index {
        let index = self.log.push(Entry { term: self.term, command });
        self.mark_log(index);
        index
    }

    pub(super) fn mark_log(&mut self, from: Index) {
        let first = self.unsaved.log_from.map_or(from, |earlier| earlier.min(from));
        self.unsaved.log_from = Some(first);
    }

    /// Raises the commit index, applies what it now covers, and answers the clients that wait for it.
    pub(super) fn commit_to(&mut self, index: Index) {
        let index = index.min(self.log.last_index());
        while self.commit < index {
            self.commit = self.commit.next();
            let entry = self.log.get(self.commit).expect("committed entries are in the log");
            let again = self.config.bugs.has(Bug::DuplicateApply);
            self.machine.apply(&entry.command, again);
            let place = (self.commit, entry.term);
            if let Some(request) = self.waiting.remove(&place)
                && !self.config.bugs.has(Bug::AckBeforeCommit)
            {
                self.fates.answered(&request.id);
                self.reply(request.id, Outcome::Done);
            }
        }
        self.find_overtaken();
        trace!(commit = self.commit.0, "committed");
    }

    /// Where another entry is committed a put never takes effect. Nor does it further back if it is of
    /// an older term than the last committed entry, for terms never fall along a log.
    fn find_overtaken(&mut self) {
        let committed = self.log.term_at(self.commit).unwrap_or_default();
        self.waiting.retain(|&(index, term), request| {
            let may = index > self.commit && term >= committed;
            if !may {
                self.overtaken.push(request.clone());
            }
            may
        });
    }

    /// Puts that certainly never take effect from where they stood start over.
    fn requeue_overtaken(&mut self, now: Now) {
        if !self.overtaken.is_empty() {
            let requests = std::mem::take(&mut self.overtaken);
            self.requeue(now, requests);
        }
    }

    /// Whether the leader was heard so lately that supporting another one could break a lease.
    pub(super) fn is_loyal(&self, now: Now) -> bool {
        self.heard_leader > Time(0) && now.time < self.heard_leader + self.config.loyalty
    }

    pub(super) fn position(&self) -> Position {
        Position {
            last_term: self.log.last_term(),
            last_index: self.log.last_index(),
            commit: self.commit,
        }
    }

    pub(super) fn draw_election_timeout(&self, now: Now) -> Duration {
        Self::draw_between(self.config.election_min, self.config.election_max, now)
    }

    pub(super) fn draw_between(min: Duration, max: Duration, now: Now) -> Duration {
        min + max.saturating_sub(min).mul_f64(f64::from(now.jitter) / (f64::from(u32::MAX) + 1.0))
    }

    /// This replica's id.
    pub fn id(&self) -> Id {
        self.config.id
    }

    /// The current term.
    pub fn term(&self) -> Term {
        self.term
    }

    /// The replica that got this one's vote in this term.
    pub fn vote(&self) -> Option<Id> {
        self.vote
    }

    /// The log.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Up to where the log is committed and applied.
    pub fn commit(&self) -> Index {
        self.commit
    }

    /// The dictionary.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// The leader, as this replica believes.
    pub fn leader(&self) -> Option<Id> {
        self.leader
    }

    /// Whether this replica acts as leader.
    pub fn is_leader(&self) -> bool {
        matches!(self.role, Role::Leader(_))
    }

    /// `follower`, `candidate` or `leader`.
    pub fn role_name(&self) -> &'static str {
        match self.role {
            Role::Follower => "follower",
            Role::Candidate(_) => "candidate",
            Role::Leader(_) => "leader",
        }
    }

    /// How many clients' requests wait in the queue.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }
}
