//! Elections: the paper's, with a pre-vote before it and a faster way on from a failed one.
//!
//! A replica whose timeout passes first asks for pre-votes, which cost no replica a term, and stands
//! once a majority would vote for it. Votes are granted by section 5.4.1 and by nothing else.
//! Every election message tells where its sender's log ends; a replica that has heard from all the
//! others, or from a majority when its own timeout passes, knows the best one, and only the best
//! stands a second time. The others wait a while for it. After that all goes as in the paper, so
//! that a lost best one costs no more than the paper's election.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use tracing::{debug, info};

use super::config::ElectionRule;
use super::message::{Body, Elect, Position, Vote};
use super::replica::{Replica, Role};
use super::types::{Id, Now, Term, Time};
use crate::bugs::Bug;

/// The longest range that a new replica's first timeout is drawn from.
const FIRST_TIMEOUT: Range<Duration> = Duration::from_millis(150)..Duration::from_millis(450);

/// What a replica knows of the election in progress. Empty while there is a leader.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Election {
    /// When to stand, or to stand again.
    pub deadline: Time,
    /// How often this replica stood since it lost its leader; more than two count as two. Once it
    /// is two, elections are the paper's.
    pub rounds: u8,
    /// Whether its last timeout was spent waiting for a better one: the next one is not.
    pub waited: bool,
    /// Whether it stood again without a timeout since its last one: once is enough.
    pub stood_again: bool,
    /// The replicas that it heard from, and where their logs end.
    pub heard: BTreeMap<Id, Position>,
}

/// A replica that stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Candidate {
    /// Still asking for pre-votes.
    pub pre: bool,
    /// The term it stands in, or would stand in.
    pub election: Term,
    /// The replicas that answered, and their answers.
    pub answers: BTreeMap<Id, bool>,
    /// When to ask again the replicas that have not answered.
    pub resend_at: Time,
    /// How long to wait after that: twice as long as at first, for they may be dead, but no longer
    /// than a heartbeat interval, for their answers may have been lost.
    pub resend_after: Duration,
}

impl Replica {
    pub(super) fn restart_election_timer(&mut self, now: Now) {
        self.election.deadline = now.time + self.draw_election_timeout(now);
    }

    /// A new cluster need not wait for a leader that no replica has heard yet as long as for one that
    /// may be slow.
    pub(super) fn shorten_first_timeout(&mut self, now: Now) {
        let min = self.config.election_min.min(FIRST_TIMEOUT.start);
        let max = self.config.election_max.min(FIRST_TIMEOUT.end);
        self.election.deadline = now.time + Self::draw_between(min, max, now);
    }

    pub(super) fn election_tick(&mut self, now: Now) {
        if now.time >= self.election.deadline {
            self.election_timeout(now);
        } else if let Role::Candidate(candidate) = &self.role
            && now.time >= candidate.resend_at
        {
            self.ask_for_votes(now);
        }
    }

    /// The election timeout has passed without a leader: stand, or wait for the best.
    pub fn election_timeout(&mut self, now: Now) {
        if self.is_leader() {
            return;
        }
        self.leader = None;
        self.election.stood_again = false;
        if self.election.rounds > 0 && self.config.bugs.has(Bug::StuckElection) {
            self.role = Role::Follower;
            self.election.deadline = Time::NEVER;
        } else if self.waits_for_a_better_one() {
            self.yield_to_the_best(now);
            self.election.waited = true;
            // A moment is enough for one that is well, for it has been timing out as long. Waiting
            // longer for one whose messages are lost made elections with loss slower than the
            // paper's.
            self.election.deadline = now.time + self.config.election_min / 10;
        } else {
            self.stand(now);
        }
    }

    /// Whether the best is to be preferred: in the first two elections without a leader. If those
    /// came to nothing then messages are lost, the best one's as likely as any, and the paper's
    /// chance is the better guide.
    fn goes_fast(&self) -> bool {
        self.config.election == ElectionRule::Fast && self.election.rounds < 2
    }

    fn waits_for_a_better_one(&self) -> bool {
        self.goes_fast()
            && !self.election.waited
            && self.election.heard.len() + 1 >= self.config.majority()
            && !self.is_best_heard()
    }

    /// Whether no replica heard from would make a better leader. The order is total.
    fn is_best_heard(&self) -> bool {
        let rank = |id, at: &Position| (at.last_term, at.last_index, at.commit, Reverse(id));
        let own = rank(self.config.id, &self.position());
        self.election.heard.iter().all(|(&id, position)| own > rank(id, position))
    }

    fn yield_to_the_best(&mut self, now: Now) {
        debug!(term = self.term.0, "waits for a better candidate");
        self.role = Role::Follower;
        self.restart_election_timer(now);
    }

    fn stand(&mut self, now: Now) {
        self.election.waited = false;
        self.election.rounds = (self.election.rounds + 1).min(2);
        self.restart_election_timer(now);
        info!(term = self.term.next().0, round = self.election.rounds, "election: asks around");
        self.become_candidate(now, true, self.term.next());
    }

    fn become_candidate(&mut self, now: Now, pre: bool, election: Term) {
        let (answers, resend_at) = (BTreeMap::new(), now.time);
        let resend_after = self.config.ask_again();
        let candidate = Candidate { pre, election, answers, resend_at, resend_after };
        self.role = Role::Candidate(candidate);
        self.ask_for_votes(now);
        self.count_votes(now);
    }

    fn ask_for_votes(&mut self, now: Now) {
        let position = self.position();
        let Role::Candidate(candidate) = &mut self.role else { return };
        candidate.resend_at = now.time + candidate.resend_after;
        candidate.resend_after = (2 * self.config.ask_again()).min(self.config.heartbeat);
        let (pre, election) = (candidate.pre, candidate.election);
        let answered: BTreeSet<Id> = candidate.answers.keys().copied().collect();
        for peer in self.config.peers.clone() {
            if !answered.contains(&peer) {
                self.send(peer, election, Body::Elect(Elect { pre, position }));
            }
        }
    }

    pub(super) fn receive_elect(&mut self, now: Now, from: Id, election: Term, elect: Elect) {
        if self.is_leader() && elect.pre {
            // It has lost our appends: one more brings it back without an election.
            self.send_heartbeat_soon(from);
            return;
        }
        if self.is_loyal(now) {
            return;
        }
        self.election.heard.insert(from, elect.position);
        let granted = if elect.pre {
            self.grants_pre_vote(now, from, election, &elect.position)
        } else {
            self.grants_vote(now, from, election, &elect.position)
        };
        if elect.pre {
            self.stand_instead_of(now, &elect.position);
        }
        let (pre, position) = (elect.pre, self.position());
        self.send(from, self.term, Body::Vote(Vote { election, pre, granted, position }));
        self.after_hearing(now);
    }

    fn grants_pre_vote(&mut self, now: Now, from: Id, election: Term, at: &Position) -> bool {
        if election <= self.term || !self.is_up_to_date(at) {
            return false;
        }
        if matches!(self.role, Role::Candidate(_)) && self.goes_fast() {
            if self.is_best_heard() {
                return false;
            }
            self.yield_to_the_best(now);
        } else {
            self.restart_election_timer(now);
        }
        debug!(election = election.0, candidate = %from, "would vote");
        true
    }

    /// A follower whose log forbids it to support the one that asks, and that has heard of no better one,
    /// would refuse everyone it knows: it stands itself, without waiting for its timeout.
    fn stand_instead_of(&mut self, now: Now, candidate: &Position) {
        let fast = self.goes_fast();
        let follows = matches!(self.role, Role::Follower) && self.election.deadline != Time::NEVER;
        let better = !candidate.is_up_to_date(&self.position()) && self.is_best_heard();
        if fast && follows && better {
            self.leader = None;
            self.stand(now);
        }
    }

    fn grants_vote(&mut self, now: Now, from: Id, election: Term, at: &Position) -> bool {
        if election < self.term {
            return false;
        }
        if election > self.term {
            self.become_follower(now, election);
        }
        let free = self.vote.is_none_or(|voted| voted == from);
        let forgets = self.config.bugs.has(Bug::DoubleVote) && !self.is_leader();
        if !(free || forgets) || !self.is_up_to_date(at) {
            return false;
        }
        self.vote = Some(from);
        self.unsaved.ballot = true;
        self.restart_election_timer(now);
        info!(term = election.0, candidate = %from, "votes");
        true
    }

    /// Section 5.4.1, or what a bug makes of it.
    fn is_up_to_date(&self, candidate: &Position) -> bool {
        let own = self.position();
        if self.config.bugs.has(Bug::VoteWithoutLogCheck) {
            true
        } else if self.config.bugs.has(Bug::ElectByCommit) {
            candidate.commit >= own.commit
        } else {
            candidate.is_up_to_date(&own)
        }
    }

    pub(super) fn receive_vote(&mut self, now: Now, from: Id, term: Term, vote: Vote) {
        if term > self.term {
            self.become_follower(now, term);
        }
        if self.is_leader() || self.is_loyal(now) {
            return;
        }
        self.election.heard.insert(from, vote.position);
        if let Role::Candidate(candidate) = &mut self.role
            && (candidate.pre, candidate.election) == (vote.pre, vote.election)
        {
            candidate.answers.insert(from, vote.granted);
            self.count_votes(now);
        }
        self.after_hearing(now);
    }

    fn count_votes(&mut self, now: Now) {
        let Role::Candidate(candidate) = &self.role else { return };
        let counts = |granted: bool| granted || self.config.bugs.has(Bug::RefusalCounts);
        let votes = 1 + candidate.answers.values().filter(|&&granted| counts(granted)).count();
        let needed = self.config.majority() - usize::from(self.config.bugs.has(Bug::MinorityVote));
        if votes < needed {
            return;
        }
        let election = candidate.election;
        if candidate.pre {
            self.term = election;
            self.vote = Some(self.config.id);
            self.unsaved.ballot = true;
            info!(term = election.0, "election: stands");
            self.become_candidate(now, false, election);
        } else {
            self.lead(now);
        }
    }

    /// A replica that has heard from all knows the best one and need not wait for a timeout. A candidate
    /// that can no longer win stands again if it is the best, once, and makes room if it is not.
    /// So does the best of all that a worse one's candidacy has thrown out of its own.
    fn after_hearing(&mut self, now: Now) {
        let heard_all = self.election.heard.len() == self.config.peers.len();
        if !self.goes_fast() || !heard_all || !self.may_stand_again() {
            return;
        }
        let best = self.is_best_heard();
        if self.config.bugs.has(Bug::StuckElection) {
            self.role = Role::Follower;
            self.election.deadline = Time::NEVER;
        } else if best && !self.election.stood_again {
            self.leader = None;
            self.election.stood_again = true;
            self.stand(now);
        } else if !best && matches!(self.role, Role::Candidate(_)) {
            self.yield_to_the_best(now);
        }
    }

    /// Whether this replica takes part in no election that can still succeed.
    fn may_stand_again(&self) -> bool {
        match &self.role {
            Role::Leader(_) => false,
            Role::Follower => self.vote.is_none(),
            Role::Candidate(candidate) => {
                let refusals = candidate.answers.values().filter(|&&granted| !granted).count();
                self.config.peers.len() + 1 - refusals < self.config.majority()
            }
        }
    }
}
