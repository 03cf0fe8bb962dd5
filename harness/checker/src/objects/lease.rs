//! Leases: `acquire` and `renew` for so many milliseconds, `release`; one holder at a time.
//!
//! How long is what the answer says, if it is a number, else what was asked for. Nobody knows when
//! between question and answer the time began to run, nor whether it runs on the holder's clock or
//! on another. So a process holds a lease for certain from the completion of its `acquire` or
//! `renew` until so many milliseconds after that one's *invocation*, or until it begins to
//! `release`. Two such times of two processes that meet are a contradiction, found in O(n log n).
//! That is all that is asked: an `acquire` may be refused (`fail`) for any reason.

use rustc_hash::FxHashMap;

use super::finding::{Finding, Judgement, Kind, invalid, misfit, unknown};
use super::history::ObjectOperation;
use crate::budget::Limit;

/// A time, in nanoseconds of the run, in which a process holds the lease for certain.
#[derive(Debug, Clone, Copy)]
struct Hold<'a> {
    from: u64,
    until: u64,
    by: &'a ObjectOperation,
}

pub(super) fn judge(operations: &[&ObjectOperation]) -> Judgement {
    let mut holds = match holds(operations) {
        Ok(holds) => holds,
        Err(finding) => return finding.into(),
    };
    if operations.len() > 1 && operations.iter().all(|op| op.invoke_ns == op.invoke) {
        let why = "the events have no times, and a lease is a matter of time";
        return unknown(operations, Limit::Algorithm, why).into();
    }
    holds.sort_unstable_by_key(|hold| hold.from);
    two_holders(&holds).unwrap_or(Finding::Valid).into()
}

/// All certain holds; or the operation that is none of a lease.
fn holds<'a>(operations: &[&'a ObjectOperation]) -> Result<Vec<Hold<'a>>, Finding> {
    let mut holds = Vec::new();
    let mut released: FxHashMap<u64, u64> = FxHashMap::default();
    for &op in operations.iter().rev() {
        match op.f() {
            "release" => {
                released.insert(op.process, op.invoke_ns);
            }
            "acquire" | "renew" if op.is_ok() => {
                let Some(milliseconds) =
                    op.result.value().as_u64().or_else(|| op.argument.value().as_u64())
                else {
                    return Err(misfit(op, "a number of milliseconds, asked for or answered"));
                };
                let until = op.invoke_ns.saturating_add(milliseconds.saturating_mul(1_000_000));
                let released = released.get(&op.process).copied().unwrap_or(u64::MAX);
                let hold = Hold { from: op.complete_ns, until: until.min(released), by: op };
                holds.extend((hold.from < hold.until).then_some(hold));
            }
            "acquire" | "renew" => {}
            _ => return Err(misfit(op, "acquire, renew or release")),
        }
    }
    Ok(holds)
}

/// Holds of two processes that meet, given in the order in which they begin.
fn two_holders(holds: &[Hold<'_>]) -> Option<Finding> {
    // The one that lasts longest, and the one that does among those of other processes.
    let mut longest: [Option<Hold<'_>>; 2] = [None; 2];
    for &hold in holds {
        let is_other = |other: &&Hold<'_>| other.by.process != hold.by.process;
        if let Some(other) =
            longest.iter().flatten().filter(is_other).find(|other| hold.from < other.until)
        {
            let what = "each was granted the lease before the other's had run out";
            return Some(invalid(Kind::TwoHolders, &[other.by, hold.by], what));
        }
        let [first, second] = longest;
        longest = match first {
            Some(first) if hold.until <= first.until => {
                let second = second.filter(|second| second.until >= hold.until);
                let kept = second.or(Some(hold).filter(|hold| hold.by.process != first.by.process));
                [Some(first), kept]
            }
            Some(first) if first.by.process != hold.by.process => [Some(hold), Some(first)],
            _ => [Some(hold), second],
        };
    }
    None
}
