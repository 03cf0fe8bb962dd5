//! The leader: replication, the commit rule, and the proof that it still leads.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use tracing::{debug, info};

use super::config::Config;
use super::log::Command;
use super::message::{Append, Appended, Body};
use super::progress::Progress;
use super::replica::{Replica, Role};
use super::size;
use super::types::{Id, Index, Now, Request, Term, Time};
use crate::bugs::Bug;

/// How long a network counts as lossy after a loss.
const LOSS_REMEMBERED: Duration = Duration::from_secs(10);

/// What only a leader knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Leader {
    pub followers: BTreeMap<Id, Progress>,
    /// The entry that this leader wrote first: once it is committed, the leader knows all that
    /// was committed before its time.
    pub first_own: Index,
    rounds: Rounds,
    /// Gets that wait.
    reads: VecDeque<Read>,
    /// The replicas that the leader still waits for before it serves requests that reach it directly: those
    /// heard during the election, whose queues come first.
    intake: BTreeSet<Id>,
    intake_until: Time,
    /// Requests that reached the leader directly before the intake was over.
    pub held: Vec<Request>,
    /// When the oldest unsent entry may leave.
    batch_at: Time,
    batched: usize,
    /// When entries leave for replicas that were not served first.
    follow_up_at: Time,
    elected: Time,
    /// After how long entries are sent again. Less until its first entry is committed: the cluster is
    /// at a standstill until then.
    resend: Duration,
    /// When a message was last known to be lost.
    lost_at: Option<Time>,
}

/// A get that waits until a majority has answered its round.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Read {
    round: u64,
    /// It stood in a queue behind puts that reach to here: it waits for them too.
    behind: Index,
    request: Request,
}

/// The leader's broadcasts: which is the latest, and when each began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Rounds {
    current: u64,
    began: VecDeque<(u64, Time)>,
    /// A get waits for a round that has not begun.
    wanted: bool,
    /// The next message must be told apart from the last ones, though the clock may stand still.
    fresh: bool,
}

impl Rounds {
    fn open(&mut self, time: Time) {
        let moved_on = self.began.back().is_none_or(|&(_, began)| began < time);
        if self.wanted || self.fresh || moved_on {
            self.current += 1;
            self.wanted = false;
            self.fresh = false;
            self.began.push_back((self.current, time));
        }
    }

    fn began(&self, round: u64) -> Option<Time> {
        self.began.iter().find(|(number, _)| *number == round).map(|&(_, time)| time)
    }

    fn forget_before(&mut self, round: u64) {
        while self.began.front().is_some_and(|&(number, _)| number < round) {
            self.began.pop_front();
        }
    }
}

impl Leader {
    /// All requests that this leader took in and has not begun to execute.
    pub fn into_requests(self) -> Vec<Request> {
        self.reads.into_iter().map(|read| read.request).chain(self.held).collect()
    }

    /// Whether requests that reach the leader directly have to wait for the queues.
    pub fn takes_in_queues(&self) -> bool {
        !self.intake.is_empty()
    }

    /// The value that a majority of replicas has reached: of the leader's and its followers'
    /// values the one that is still reached by enough of them.
    fn reached_by_majority<T: Ord + Copy>(
        &self,
        config: &Config,
        own: T,
        value: impl Fn(&Progress) -> T,
    ) -> T {
        let mut values: Vec<T> = self.followers.values().map(value).collect();
        values.push(own);
        values.sort_unstable();
        values[values.len() - config.majority()]
    }

    /// Whether this leader has begun this round, with this follower among those it sends to. Round 0 is
    /// that of an answer to an older leader.
    pub fn has_sent(&self, to: Id, round: u64) -> bool {
        round <= self.rounds.current && self.followers.contains_key(&to)
    }

    fn quorum_lost_at(&self, config: &Config, now: Time) -> Time {
        self.reached_by_majority(config, now, |follower| follower.heard) + config.quorum_timeout
    }

    pub fn deadline(&self, config: &Config, last: Index) -> Time {
        let mut deadline = self.quorum_lost_at(config, Time::NEVER);
        if self.takes_in_queues() {
            deadline = deadline.min(self.intake_until);
        }
        for follower in self.followers.values() {
            deadline = deadline.min(follower.due(config, self.resend));
            if follower.next <= last {
                deadline = deadline.min(self.batch_at).min(self.follow_up_at);
            }
        }
        deadline
    }

    /// The followers that new entries are sent to at once.
    fn first_served(&self, config: &Config, now: Time) -> BTreeSet<Id> {
        let mut order: Vec<_> = self.followers.iter().collect();
        let all = config.follow_up.is_zero();
        let wanted = if all { order.len() } else { config.majority() - 1 };
        let doubtful = |f: &Progress| (f.is_silent(config, now), f.resends > 0);
        order.sort_by_key(|(id, f)| (doubtful(f), std::cmp::Reverse(f.matched), **id));
        order.iter().take(wanted).map(|(id, _)| **id).collect()
    }
}

impl Replica {
    pub(super) fn lead(&mut self, now: Now) {
        let next = self.log.last_index().next();
        let follower = Progress::new(next, now.time);
        let followers = self.config.peers.iter().map(|&id| (id, follower.clone())).collect();
        info!(term = self.term.0, rounds = self.election.rounds, "leader");
        self.role = Role::Leader(Box::new(Leader {
            followers,
            // A leader that commits entries of older terms by counting sees no need for one of its own.
            first_own: if self.config.bugs.has(Bug::CommitOlderTerm) { Index(0) } else { next },
            rounds: Rounds::default(),
            reads: VecDeque::new(),
            intake: self.election.heard.keys().copied().collect(),
            intake_until: now.time + self.config.quorum_timeout,
            held: Vec::new(),
            batch_at: now.time,
            batched: 0,
            follow_up_at: Time::NEVER,
            elected: now.time,
            resend: self.config.resend.min(self.config.election_min / 5),
            lost_at: None,
        }));
        self.leader = Some(self.config.id);
        self.election = super::election::Election::default();
        if !self.config.bugs.has(Bug::CommitOlderTerm) {
            self.append_own(Command::Noop);
        }
        if self.config.bugs.has(Bug::CommitOnElection) {
            self.commit_to(self.log.last_index());
        }
        for request in self.queue.take_all() {
            self.execute_in_order(now, request);
        }
        self.finish_intake(now);
    }

    pub(super) fn leader_tick(&mut self, now: Now) {
        let Role::Leader(leader) = &mut self.role else { return };
        if now.time >= leader.intake_until {
            leader.intake.clear();
        }
        let lost_at = leader.quorum_lost_at(&self.config, now.time);
        if now.time >= lost_at && !self.config.bugs.has(Bug::LeaderKeepsOnlyCopy) {
            self.quorum_timeout(now);
        } else {
            self.finish_intake(now);
        }
    }

    /// A heartbeat is due for everyone, and what was not answered is sent again: what
    /// [`Replica::flush`] does by itself when the time has come, for drivers of a replica
    /// without a clock.
    pub fn heartbeat_timeout(&mut self) {
        let Role::Leader(leader) = &mut self.role else { return };
        for follower in leader.followers.values_mut() {
            follower.owed = true;
            if follower.in_flight > 0 {
                follower.probe(follower.tried_from);
            }
        }
    }

    /// The leader has not heard from a majority for too long.
    pub fn quorum_timeout(&mut self, now: Now) {
        if self.is_leader() {
            info!(term = self.term.0, "has not heard a majority: stops leading");
            self.become_follower(now, self.term);
        }
    }

    /// Serves what was held back once the queues are in.
    fn finish_intake(&mut self, now: Now) {
        let Role::Leader(leader) = &mut self.role else { return };
        if !leader.takes_in_queues() {
            for request in std::mem::take(&mut leader.held) {
                self.execute(now, request);
            }
        }
    }

    pub(super) fn send_heartbeat_soon(&mut self, to: Id) {
        if let Role::Leader(leader) = &mut self.role
            && let Some(follower) = leader.followers.get_mut(&to)
        {
            follower.owed = true;
        }
    }

    /// Makes a get wait for a broadcast that begins after now, and for the log up to an index.
    pub(super) fn await_round(&mut self, request: Request, behind: Index) {
        if let Role::Leader(leader) = &mut self.role {
            leader.rounds.wanted = true;
            let round = leader.rounds.current + 1;
            leader.reads.push_back(Read { round, behind, request });
        }
    }

    /// A put is in the log: it leaves at once, or when the batch delay is over.
    pub(super) fn start_batch(&mut self, now: Now) {
        let Role::Leader(leader) = &mut self.role else { return };
        let lossy = leader.lost_at.is_some_and(|at| now.time < at + LOSS_REMEMBERED);
        let waits = lossy || !self.config.batch_after_loss;
        if leader.batch_at == Time::NEVER {
            let delay = if waits { self.config.batch_delay } else { Duration::ZERO };
            leader.batch_at = now.time + delay;
        }
        leader.batched += 1;
        if leader.batched >= self.config.batch_limit {
            leader.batch_at = now.time;
        }
    }

    /// Sends what a leader has to send: called once for all inputs that arrived together.
    pub fn flush(&mut self, now: Now) {
        let last = self.log.last_index();
        let Role::Leader(leader) = &mut self.role else { return };
        let batch_ready = now.time >= leader.batch_at;
        let first_served = leader.first_served(&self.config, now.time);
        let follows_up = now.time >= leader.follow_up_at;
        let reads_wait = leader.rounds.wanted;
        let mut receivers = Vec::new();
        for (&id, follower) in &mut leader.followers {
            let silent = follower.is_silent(&self.config, now.time);
            let due = now.time >= follower.due(&self.config, leader.resend);
            if now.time >= follower.resend_due(&self.config, leader.resend) {
                follower.probe_again();
                if follower.resends > 1 && !silent {
                    // Entries may be too much for the way there: it hears its leader all the same.
                    receivers.push((id, false));
                }
            }
            let served = follows_up || (batch_ready && first_served.contains(&id));
            let new = served && follower.next <= last;
            let wants = due || follower.owed || reads_wait;
            let with_entries = !silent && follower.has_room(&self.config);
            if wants || (new && with_entries) {
                receivers.push((id, with_entries));
            }
        }
        if follows_up {
            leader.follow_up_at = Time::NEVER;
        } else if batch_ready
            && leader.follow_up_at == Time::NEVER
            && !self.config.follow_up.is_zero()
        {
            leader.follow_up_at = now.time + self.config.follow_up;
        }
        if batch_ready {
            leader.batch_at = Time::NEVER;
            leader.batched = 0;
        }
        if !receivers.is_empty() {
            leader.rounds.open(now.time);
        }
        for (id, with_entries) in receivers {
            self.append_to(now, id, with_entries);
        }
        if self.config.peers.is_empty() {
            self.lead_alone(now);
        }
    }

    /// A cluster of one is its own majority, and has no other replica whose answers would drive it.
    fn lead_alone(&mut self, now: Now) {
        if let Role::Leader(leader) = &mut self.role {
            leader.rounds.open(now.time);
        }
        self.advance_commit(now);
        self.serve_reads(now);
    }

    /// Sends a follower what it lacks, in as many messages as it needs; at least one.
    fn append_to(&mut self, now: Now, id: Id, with_entries: bool) {
        loop {
            let Role::Leader(leader) = &mut self.role else { return };
            let Some(follower) = leader.followers.get_mut(&id) else { return };
            let missing = if with_entries { self.log.from(follower.next) } else { &[] };
            let count = size::batch_length(missing, follower.batch_bytes);
            let entries = missing[..count].to_vec();
            let more = count < missing.len();
            let prev_index = follower.next.previous();
            let prev_term = self.log.term_at(prev_index).expect("a follower's next is in the log");
            if count > 0 {
                follower.sent_entries(now.time, count);
            }
            follower.sent = now.time;
            follower.owed = false;
            let queue_ack = std::mem::take(&mut follower.queue_ack_owed).then_some(follower.queue);
            // What is probed is sent from the same entry until it is accepted.
            let goes_on = more && !follower.probing && follower.has_room(&self.config);
            let round = leader.rounds.current;
            let commit = self.commit;
            let append = Append { round, prev_index, prev_term, entries, commit, queue_ack };
            self.send(id, self.term, Body::Append(append));
            if !goes_on {
                return;
            }
        }
    }

    pub(super) fn receive_appended(&mut self, now: Now, from: Id, term: Term, answer: Appended) {
        if term > self.term {
            self.become_follower(now, term);
        }
        let last = self.log.last_index();
        let overcredit = self.config.bugs.has(Bug::AckOvercredit);
        let Role::Leader(leader) = &mut self.role else { return };
        if term < self.term {
            return;
        }
        let Some(follower) = leader.followers.get_mut(&from) else { return };
        let silent = follower.is_silent(&self.config, now.time);
        let held_back =
            silent || follower.resends > 0 || follower.probing || !follower.has_room(&self.config);
        follower.heard = now.time;
        if answer.round == 0 {
            return; // to an append of an older term
        }
        if std::mem::take(&mut follower.resends) > 0 {
            leader.lost_at = Some(now.time); // alive, so what it did not answer was lost
        }
        follower.round = follower.round.max(answer.round);
        if answer.success {
            assert!(answer.matched <= last, "a follower cannot match more than there is");
            let sent = follower.next.previous();
            follower.accepted(if overcredit { sent.max(answer.matched) } else { answer.matched });
            // What it lacks does not wait for the next heartbeat.
            follower.owed |= held_back && follower.has_room(&self.config) && follower.next <= last;
        } else if answer.round >= follower.refusals_from {
            // A second refusal of the same waits for the next heartbeat.
            follower.owed |= follower.refused(answer.matched);
            leader.rounds.fresh = true;
            follower.refusals_from = leader.rounds.current + 1;
        }
        let taken = answer.queue.map(|queue| (queue.left == 0, follower.receive(queue)));
        let (complete, requests) = taken.unwrap_or((true, Vec::new()));
        if complete {
            leader.intake.remove(&from);
        }
        self.execute_queued(now, requests);
        self.advance_commit(now);
        self.serve_reads(now);
        self.finish_intake(now);
    }

    /// Section 5.4.2: only entries of the leader's own term are committed by counting copies.
    fn advance_commit(&mut self, now: Now) {
        let Role::Leader(leader) = &self.role else { return };
        let bugs = self.config.bugs;
        let mut reached =
            leader.reached_by_majority(&self.config, self.log.last_index(), |f| f.matched);
        if bugs.has(Bug::MinorityCommit) {
            reached = leader.followers.values().map(|f| f.matched).max().unwrap_or(reached);
        }
        if bugs.has(Bug::LeaderKeepsOnlyCopy) {
            let config = &self.config;
            let heard = leader.followers.values().filter(|f| !f.is_silent(config, now.time));
            let lowest = heard.map(|f| f.matched).min();
            reached = reached.max(lowest.unwrap_or(self.log.last_index()));
        }
        let own = self.log.term_at(reached) == Some(self.term);
        if reached > self.commit && (own || bugs.has(Bug::CommitOlderTerm)) {
            self.commit_to(reached);
        }
        if self.knows_all_committed()
            && let Role::Leader(leader) = &mut self.role
        {
            leader.resend = self.config.resend;
        }
    }

    /// Whether a get may be answered from the dictionary now, without asking anyone.
    pub(super) fn holds_lease(&self, now: Now) -> bool {
        let Role::Leader(leader) = &self.role else { return false };
        if self.config.bugs.has(Bug::StaleRead) {
            return true;
        }
        let stale_clock = self.config.bugs.has(Bug::DeafAfterPause);
        let time = if stale_clock { self.clock } else { now.time };
        if self.config.bugs.has(Bug::EagerLeader) && time < leader.elected + self.config.lease {
            return true;
        }
        let round = leader.reached_by_majority(&self.config, leader.rounds.current, |f| f.round);
        self.config.lease > Duration::ZERO
            && leader.rounds.began(round).is_some_and(|began| time < began + self.config.lease)
    }

    /// Whether the leader knows everything that was committed before its time.
    pub(super) fn knows_all_committed(&self) -> bool {
        let Role::Leader(leader) = &self.role else { return false };
        self.commit >= leader.first_own || self.config.bugs.has(Bug::EagerLeader)
    }

    /// Answers the gets whose round a majority has answered, or all of them under a lease.
    fn serve_reads(&mut self, now: Now) {
        if !self.knows_all_committed() {
            return;
        }
        let lease = self.holds_lease(now);
        let Role::Leader(leader) = &mut self.role else { return };
        let own = leader.rounds.current;
        let round = leader.reached_by_majority(&self.config, own, |f| f.round);
        leader.rounds.forget_before(round);
        let commit = self.commit;
        let is_ready = |read: &&Read| (lease || read.round <= round) && read.behind <= commit;
        let ready = leader.reads.iter().take_while(is_ready).count();
        let served: Vec<_> = leader.reads.drain(..ready).collect();
        if !served.is_empty() {
            debug!(count = served.len(), round, lease, "serves gets");
        }
        for read in served {
            self.answer_get(read.request);
        }
    }
}
