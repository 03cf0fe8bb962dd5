//! Locks: when a process may acquire and release, and the number that each acquisition gets.
//!
//! | lock | acquire | release |
//! |---|---|---|
//! | [`Rules::MUTEX`] | while it is free | while it is held, by any process (Knossos's `mutex`) |
//! | [`Rules::OWNER`] | while it is free | by its holder |
//! | [`Rules::REENTRANT`] | while it is free, and again by its holder | by its holder, once for each time |
//! | [`Rules::FENCED`] | as `OWNER`; fencing tokens rise strictly | by its holder |
//! | [`Rules::REENTRANT_FENCED`] | as `REENTRANT`; its holder gets the same token again | as `REENTRANT` |
//!
//! The fenced ones are those of Hazelcast's CP subsystem (`FencedLock`). An acquisition whose token
//! is not known asks nothing of tokens and says nothing of them.
//!
//! Two contradictions are looked for first, in O(n log n), where only holders may release: two
//! clients that held the lock at the same time, and a release by a client that cannot have held it.
//! A client holds the lock for certain from the end of its `acquire` until its first `release`
//! begins that is not over before the `acquire`. All else is decided by the search, exactly, within
//! the budget.

use std::cell::Cell;

use rustc_hash::FxHashMap;

use super::shrink::nearby;
use super::strike::{MOST_SMALL, Striking};
use super::{Anomaly, Answer, Refutation, Scope};
use crate::budget::Budget;
use crate::linearizable::{Linearization, linearizable};
use crate::model::{Call, Model};
use crate::witness::Size;

/// What a lock promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rules {
    /// Whether only the holder may release.
    pub is_owned: bool,
    /// How often its holder may hold it at once; 1 if it is not reentrant. Counts for owned locks.
    pub most_holds: u32,
    /// Whether acquisitions get fencing tokens.
    pub is_fenced: bool,
}

impl Rules {
    /// Any process may release.
    pub const MUTEX: Rules = Rules { is_owned: false, most_holds: 1, is_fenced: false };
    /// Only the holder may release.
    pub const OWNER: Rules = Rules { is_owned: true, ..Rules::MUTEX };
    /// Its holder may acquire it again, any number of times.
    pub const REENTRANT: Rules = Rules { most_holds: u32::MAX, ..Rules::OWNER };
    /// Each acquisition gets a higher token than all before it.
    pub const FENCED: Rules = Rules { is_fenced: true, ..Rules::OWNER };
    /// Its holder may acquire it again, and gets the same token.
    pub const REENTRANT_FENCED: Rules = Rules { most_holds: u32::MAX, ..Rules::FENCED };
}

/// An operation on a lock, and the client that it belongs to. What counts as a client is for the
/// caller to say: a process, a session, a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Op {
    /// The client.
    pub owner: u32,
    /// What it did.
    pub act: Act,
}

/// What was done with a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    /// Acquired it, and got this fencing token, if that is known.
    Acquire(Option<i128>),
    /// Released it, once.
    Release,
}

/// Decides whether `calls` are linearizable on a lock that is free at first.
pub fn check(rules: Rules, calls: &[Call<Op>], budget: Budget<'_>) -> Answer {
    let lock = Lock { rules, initial: State::FREE };
    let calls: Vec<Call<Op>> = calls.iter().map(|call| lock.what_counts(call)).collect();
    if rules.is_owned {
        let size = |clash: &Refutation| Size::of_calls(&calls, &clash.positions);
        let clashes = two_holders(rules, &calls).into_iter().chain(never_held(rules, &calls));
        let mut clashes: Vec<Refutation> = clashes.collect();
        if !clashes.is_empty() && calls.len() <= MOST_SMALL {
            let other = refute(&lock, &calls, budget);
            clashes.extend(Some(other).filter(|other| other.scope != Scope::Nearby));
        }
        if let Some(least) = clashes.into_iter().min_by_key(size) {
            return Answer::Invalid(least);
        }
    }
    match linearizable(&lock, &calls, budget) {
        Linearization::Order(order) => Answer::Valid(order),
        Linearization::Unknown(limit) => Answer::Unknown(limit),
        Linearization::Impossible => Answer::Invalid(refute(&lock, &calls, budget)),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct State {
    /// The holder; always the same for a lock that any process may release.
    holder: Option<u32>,
    holds: u32,
    /// The token of the holder, if it is known.
    token: Option<i128>,
    /// The highest token that is known.
    highest: Option<i128>,
}

impl State {
    const FREE: State = State { holder: None, holds: 0, token: None, highest: None };
}

struct Lock {
    rules: Rules,
    initial: State,
}

impl Lock {
    fn begun(&self, initial: State) -> Lock {
        Lock { initial, ..*self }
    }

    /// A call without what the rules do not look at.
    fn what_counts(&self, call: &Call<Op>) -> Call<Op> {
        let Op { mut owner, mut act } = call.op;
        if !self.rules.is_owned {
            owner = 0;
        }
        if let Act::Acquire(token) = &mut act
            && (!self.rules.is_fenced || call.complete.is_none())
        {
            *token = None;
        }
        Call { op: Op { owner, act }, ..*call }
    }

    /// The state after its holder got this token.
    fn with_token(&self, state: State, token: Option<i128>) -> Option<State> {
        match (state.token, token) {
            _ if !self.rules.is_fenced => Some(state),
            (Some(known), Some(token)) => (known == token).then_some(state),
            (None, Some(_)) if state.highest >= token => None,
            (None, Some(_)) => Some(State { token, highest: token, ..state }),
            (_, None) => Some(state),
        }
    }
}

impl Model for Lock {
    type Op = Op;
    type State = State;

    fn initial(&self) -> State {
        self.initial
    }

    fn step(&self, state: &State, op: &Op) -> Option<State> {
        let owner = Some(op.owner);
        let Rules { is_owned, most_holds, .. } = self.rules;
        match op.act {
            Act::Acquire(token) if state.holder.is_none() => {
                self.with_token(State { holder: owner, holds: 1, token: None, ..*state }, token)
            }
            Act::Acquire(token) if is_owned && state.holder == owner => {
                let holds = state.holds.checked_add(1).filter(|&holds| holds <= most_holds)?;
                self.with_token(State { holds, ..*state }, token)
            }
            Act::Release if state.holder == owner && state.holds > 1 => {
                Some(State { holds: state.holds - 1, ..*state })
            }
            Act::Release if state.holder == owner => {
                Some(State { highest: state.highest, ..State::FREE })
            }
            Act::Acquire(_) | Act::Release => None,
        }
    }

    /// Free, or held by one of those that release it, as often as they do.
    fn starts(&self, calls: &[Call<Op>]) -> Option<Vec<Self>> {
        let mut releases: FxHashMap<u32, u32> = FxHashMap::default();
        for call in calls.iter().filter(|call| call.op.act == Act::Release) {
            *releases.entry(call.op.owner).or_default() += 1;
        }
        let mut owners: Vec<u32> = calls.iter().map(|call| call.op.owner).collect();
        owners.sort_unstable();
        owners.dedup();
        let mut states = vec![State::FREE];
        for owner in owners {
            let most = releases.get(&owner).map_or(1, |&count| count + 1);
            for holds in 1..=most.min(self.rules.most_holds) {
                states.push(State { holder: Some(owner), holds, ..State::FREE });
            }
            if states.len() > MOST_STARTS {
                return None;
            }
        }
        Some(states.into_iter().map(|initial| self.begun(initial)).collect())
    }

    /// A process that never releases needs no acquisition that may not have been: it would only be in
    /// the way.
    fn strike_out(&self, calls: &[Call<Op>], keep: &mut [bool]) {
        let mut releasers: Vec<u32> = calls
            .iter()
            .filter(|call| call.op.act == Act::Release)
            .map(|call| call.op.owner)
            .collect();
        releasers.sort_unstable();
        for (call, keep) in calls.iter().zip(keep) {
            let is_open = call.complete.is_none() && call.op.act != Act::Release;
            *keep &= !(is_open && releasers.binary_search(&call.op.owner).is_err());
        }
    }
}

/// The most states in which a lock is begun.
const MOST_STARTS: usize = 64;

/// The end of what has none.
const OPEN: u32 = u32::MAX;

fn end(call: &Call<Op>) -> u32 {
    call.complete.unwrap_or(OPEN)
}

/// The calls of each client, in order of their beginnings, by position.
fn by_owner(calls: &[Call<Op>]) -> Vec<Vec<u32>> {
    let mut order: Vec<u32> = (0u32..).zip(calls).map(|(at, _)| at).collect();
    order.sort_by_key(|&at| (calls[at as usize].op.owner, calls[at as usize].invoke));
    let owner = |at: &u32| calls[*at as usize].op.owner;
    order.chunk_by(|a, b| owner(a) == owner(b)).map(<[u32]>::to_vec).collect()
}

/// A time in which a client certainly held the lock.
#[derive(Debug, Clone, Copy)]
struct Hold {
    call: u32,
    owner: u32,
    from: u32,
    until: u32,
}

fn holds(calls: &[Call<Op>]) -> Vec<Hold> {
    let mut holds = Vec::new();
    for own in by_owner(calls) {
        // From each call on: the releases, by end, with the first beginning of those that end later.
        let is_release = |at: &&u32| calls[**at as usize].op.act == Act::Release;
        let mut releases: Vec<(u32, u32)> = own
            .iter()
            .filter(is_release)
            .map(|&at| (end(&calls[at as usize]), calls[at as usize].invoke))
            .collect();
        releases.sort_unstable();
        let mut first = OPEN;
        for (_, begin) in releases.iter_mut().rev() {
            first = first.min(*begin);
            *begin = first;
        }
        for &call in own.iter().filter(|at| !is_release(at)) {
            let Call { op, invoke, complete: Some(from) } = calls[call as usize] else { continue };
            let later = releases.partition_point(|&(end, _)| end <= invoke);
            let until = releases.get(later).map_or(OPEN, |&(_, begin)| begin);
            if from < until {
                holds.push(Hold { call, owner: op.owner, from, until });
            }
        }
    }
    holds.sort_unstable_by_key(|hold| hold.from);
    holds
}

/// Of so many that hold at a time, which only a broken lock lets happen, the last are remembered.
const MOST_ACTIVE: usize = 32;

/// Two acquisitions that held at the same time; of several, those within the shortest time.
fn two_holders(rules: Rules, calls: &[Call<Op>]) -> Option<Refutation> {
    // Those that hold on, the ones that began first in front.
    let mut active: Vec<Hold> = Vec::new();
    let begin = |hold: &Hold| calls[hold.call as usize].invoke;
    let mut best: Option<(u32, u32, [u32; 2])> = None;
    for hold in holds(calls) {
        active.retain(|before| hold.from < before.until);
        let is_clash = |before: &&Hold| rules.most_holds == 1 || before.owner != hold.owner;
        if let Some(before) = active.iter().rfind(is_clash) {
            let first = begin(&hold).min(begin(before));
            let time = hold.from - first;
            if best.is_none_or(|(shortest, since, _)| (time, first) < (shortest, since)) {
                best = Some((time, first, [before.call, hold.call]));
            }
        }
        let at = active.partition_point(|before| begin(before) < begin(&hold));
        active.insert(at, hold);
        if active.len() > MOST_ACTIVE {
            active.remove(0);
        }
    }
    best.map(|(.., clash)| alone(Anomaly::TwoHolders, clash.to_vec(), calls))
}

/// A release by a client that acquired nothing since its last release, or ever.
fn never_held(rules: Rules, calls: &[Call<Op>]) -> Option<Refutation> {
    let mut best: Option<(u32, Vec<u32>)> = None;
    for own in by_owner(calls) {
        let of = |release: bool| {
            own.iter()
                .copied()
                .filter(move |&at| (calls[at as usize].op.act == Act::Release) == release)
        };
        let mut acquires: Vec<(u32, u32)> =
            of(false).map(|at| (calls[at as usize].invoke, end(&calls[at as usize]))).collect();
        acquires.sort_unstable();
        // Up to each acquire, by beginning: the last end.
        let mut last = 0;
        for (_, end) in &mut acquires {
            last = last.max(*end);
            *end = last;
        }
        let last_end = |before: u32| {
            let begun = acquires.partition_point(|&(invoke, _)| invoke < before);
            begun.checked_sub(1).map(|at| acquires[at].1)
        };
        let mut over: Option<u32> = None;
        for at in of(true).filter(|&at| calls[at as usize].complete.is_some()) {
            let Call { invoke, complete: Some(complete), .. } = calls[at as usize] else {
                continue;
            };
            let clash = match (last_end(complete), over) {
                (None, _) => Some(vec![at]),
                (Some(acquired), Some(before))
                    if rules.most_holds == 1
                        && end(&calls[before as usize]) <= invoke
                        && acquired <= calls[before as usize].invoke =>
                {
                    Some(vec![before, at])
                }
                _ => None,
            };
            if let Some(clash) = clash {
                let time = complete - calls[clash[0] as usize].invoke;
                let is_better = |(shortest, known): &(u32, Vec<u32>)| {
                    (clash.len(), time) < (known.len(), *shortest)
                };
                if best.as_ref().is_none_or(is_better) {
                    best = Some((time, clash));
                }
            }
            over = Some(at);
        }
    }
    best.map(|(_, clash)| alone(Anomaly::NotHeld, clash, calls))
}

fn alone(anomaly: Anomaly, mut positions: Vec<u32>, calls: &[Call<Op>]) -> Refutation {
    positions.sort_unstable();
    let ends = positions.iter().filter_map(|&at| calls[at as usize].complete);
    let until = ends.max().unwrap_or_default();
    // Two say all there is to say; one says that nothing before it made it right.
    let begin = positions.iter().map(|&at| calls[at as usize].invoke).min();
    let from = begin.filter(|_| positions.len() > 1).and_then(|begin| begin.checked_sub(1));
    Refutation { anomaly, positions, is_minimal: true, scope: Scope::Alone, from, until }
}

/// The most steps of one trial, besides some for each operation.
const MOST_STEPS: u64 = 20_000;

/// The most operations that are shown of a contradiction that is not known to be minimal.
const MOST_SHOWN: usize = 12;

fn refute(lock: &Lock, calls: &[Call<Op>], budget: Budget<'_>) -> Refutation {
    let whole = calls.len() as u64;
    let contradicts = |any: bool, calls: &[Call<Op>]| {
        let steps = budget.steps.min(MOST_STEPS + 4 * whole);
        let budget = Budget { steps, ..budget };
        let starts = if any { lock.starts(calls)? } else { vec![lock.begun(lock.initial)] };
        let mut is_impossible = Some(true);
        for start in starts {
            match linearizable(&start, calls, budget) {
                Linearization::Impossible => {}
                Linearization::Order(_) => return Some(false),
                Linearization::Unknown(_) => is_impossible = None,
            }
        }
        is_impossible
    };
    let strike = |op: &Op| {
        let act = if op.act == Act::Release { Act::Release } else { Act::Acquire(None) };
        Some(Op { act, ..*op })
    };
    let size = |kept: &[u32]| Size::of_calls(calls, kept);
    let (strike, contradicts, size) = (&strike, &contradicts, &size);
    let stop = budget.stop;
    let work = Cell::default();
    let striking = Striking { calls, strike, contradicts, size, stop, work };
    let Some(core) =
        striking.core().filter(|core| core.is_minimal || core.positions.len() <= MOST_SHOWN)
    else {
        return Refutation::nearby(nearby(calls, MOST_SHOWN, stop, &mut |calls| {
            linearizable(lock, calls, budget) == Linearization::Impossible
        }));
    };
    Refutation {
        anomaly: anomaly(lock.rules, calls, &core.positions, budget),
        positions: core.positions,
        is_minimal: core.is_minimal,
        scope: if core.start.is_some() { Scope::InAnyState } else { Scope::WithOthers },
        from: core.start,
        until: core.until,
    }
}

/// What a lock would have to allow for these operations to be right.
fn anomaly(rules: Rules, all: &[Call<Op>], positions: &[u32], budget: Budget<'_>) -> Anomaly {
    let calls: Vec<Call<Op>> = positions.iter().map(|&at| all[at as usize].clone()).collect();
    let are_right = |calls: &[Call<Op>], rules: Rules, initial: State| {
        let lock = Lock { rules, initial };
        let calls: Vec<Call<Op>> = calls.iter().map(|call| lock.what_counts(call)).collect();
        matches!(linearizable(&lock, &calls, budget), Linearization::Order(_))
    };
    let is_right = |rules: Rules, initial: State| are_right(&calls, rules, initial);
    let held = State { holder: Some(0), holds: 1, ..State::FREE };
    let acquires = calls.iter().filter(|call| call.op.act != Act::Release).count();
    // The releases between two tokens need not be among the few: all operations tell.
    let unfenced = Rules { is_fenced: false, ..rules };
    let is_only_fencing =
        || is_right(unfenced, State::FREE) || are_right(all, unfenced, State::FREE);
    if rules.is_fenced && is_only_fencing() {
        Anomaly::FencingToken
    } else if acquires == 0 || (rules.is_owned && is_right(Rules::MUTEX, State::FREE)) {
        Anomaly::NotHeld
    } else if acquires == calls.len() || (rules.is_owned && is_right(Rules::MUTEX, held)) {
        Anomaly::TwoHolders
    } else {
        Anomaly::NotLinearizable
    }
}

#[cfg(test)]
mod tests;
