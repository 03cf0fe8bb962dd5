//! Locks: `acquire` and `release`, one holder at a time.
//!
//! A process holds the lock for certain from the completion of its `acquire` to the invocation of
//! its next operation on it, or to the end. If nobody but holders releases, two such times that
//! meet are a contradiction of two operations, found in O(n log n). What remains is decided by the
//! search, exactly, for a lock that is free at first and that anybody may release (Knossos'
//! `mutex`). A lock that ends by itself is a lease ([`super::lease`]).

use rustc_hash::FxHashMap;

use super::finding::{Finding, Judgement, Kind, invalid, misfit, unknown};
use super::history::ObjectOperation;
use super::no_order::{calls, no_order};
use crate::budget::Budget;
use crate::model::{Call, Model};
use crate::own::{Linearization, linearizable};

/// Free or held; an operation is whether it acquires.
struct Mutex {
    /// Whether somebody holds it before everything.
    is_held: bool,
}

impl Model for Mutex {
    type Op = bool;
    type State = bool;

    fn initial(&self) -> bool {
        self.is_held
    }

    fn step(&self, is_held: &bool, acquire: &bool) -> Option<bool> {
        (is_held != acquire).then_some(*acquire)
    }

    fn starts(&self, _calls: &[Call<bool>]) -> Option<Vec<Self>> {
        Some(vec![Mutex { is_held: false }, Mutex { is_held: true }])
    }
}

pub(super) fn judge(operations: &[&ObjectOperation], budget: Budget<'_>) -> Judgement {
    if let Some(op) = operations.iter().find(|op| op.f() != "acquire" && op.f() != "release") {
        return misfit(op, "acquire or release").into();
    }
    let calls = calls(operations, |op| op.f() == "acquire");
    let mutex = Mutex { is_held: false };
    let finding = match linearizable(&mutex, &calls, budget) {
        Linearization::Order(_) => Finding::Valid,
        Linearization::Unknown(limit) => {
            unknown(operations, limit, "the search for an order was given up")
        }
        Linearization::Impossible => {
            two_holders(operations).unwrap_or_else(|| no_order(operations, &mutex, &calls, budget))
        }
    };
    finding.into()
}

/// Two processes that held the lock at the same time, where each released what it held itself.
fn two_holders(operations: &[&ObjectOperation]) -> Option<Finding> {
    let mut next: FxHashMap<u64, u64> = FxHashMap::default();
    let mut holds: Vec<(u64, u64, &ObjectOperation)> = Vec::new();
    for &op in operations.iter().rev() {
        let until = next.insert(op.process, op.invoke).unwrap_or(u64::MAX);
        if op.f() == "acquire" && op.is_ok() {
            holds.push((op.end(), until, op));
        }
    }
    let mut held: FxHashMap<u64, bool> = FxHashMap::default();
    for op in operations {
        let before = held.insert(op.process, op.f() == "acquire" && op.is_ok()).unwrap_or(false);
        if op.f() == "release" && !before {
            return None;
        }
    }
    holds.sort_unstable_by_key(|&(from, ..)| from);
    let mut longest: Option<(u64, &ObjectOperation)> = None;
    for (from, until, op) in holds {
        if let Some((end, holder)) = longest
            && from < end
        {
            let what = "both hold the lock from the second answer on";
            return Some(invalid(Kind::TwoHolders, &[holder, op], what));
        }
        if longest.is_none_or(|(end, _)| until > end) {
            longest = Some((until, op));
        }
    }
    None
}
