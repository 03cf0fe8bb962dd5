//! Leases: `acquire` and `renew` for so many milliseconds, `release`; one holder at a time.
//!
//! How long is what the answer says, if it is a number, else what was asked for. It is unknown when
//! between question and answer the time began to run, nor whether it runs on the holder's clock or
//! on another. So a process holds a lease for certain from the completion of its `acquire` or
//! `renew` until so many milliseconds after that one's *invocation*, or until it begins to
//! `release`. Two such times of two processes that meet are a contradiction, found in O(n log n).
//! That is all that is asked: an `acquire` may be refused (`fail`) for any reason.

use rustc_hash::FxHashMap;

use super::Subject;
use crate::budget::Limit;
use crate::datum::{Encoded, View};
use crate::event::F;
use crate::history::Operation;
use crate::verdict::Verdict;
use crate::witness::{Anomaly, Size};

/// A time, in nanoseconds of the run, in which a process holds the lease for certain.
#[derive(Debug, Clone, Copy)]
struct Hold<'a> {
    from: u64,
    until: u64,
    by: &'a Operation,
}

pub(super) fn judge(subject: Subject<'_>) -> Verdict {
    let mut holds = match holds(subject) {
        Ok(holds) => holds,
        Err(verdict) => return verdict,
    };
    let has_time = |op: &&Operation| op.invoke_ns > 0 || op.complete_ns().is_some_and(|ns| ns > 0);
    if subject.operations.len() > 1 && !subject.operations.iter().any(has_time) {
        let why = "the events have no times, and a lease is a matter of time";
        return subject.unknown(Limit::Algorithm, why);
    }
    if subject.history.backwards().is_some() {
        let why = "the times of the events run backwards, and a lease is a matter of time";
        return subject.unknown(Limit::Algorithm, why);
    }
    holds.sort_unstable_by_key(|hold| hold.from);
    two_holders(subject, &holds).unwrap_or(Verdict::Valid)
}

/// All certain holds; or the operation that is none of a lease.
fn holds(subject: Subject<'_>) -> Result<Vec<Hold<'_>>, Verdict> {
    let mut holds = Vec::new();
    let mut released: FxHashMap<u32, u64> = FxHashMap::default();
    for &op in subject.operations.iter().rev() {
        match op.f {
            F::Acquire | F::Renew if op.is_ok() => {
                let milliseconds =
                    number(subject.result(op)).or_else(|| number(subject.argument(op)));
                let Some(milliseconds) = milliseconds else {
                    return Err(
                        subject.misfit(op, "a number of milliseconds, asked for or answered")
                    );
                };
                let until = op.invoke_ns.saturating_add(milliseconds.saturating_mul(1_000_000));
                let released = released.get(&op.process).copied().unwrap_or(u64::MAX);
                let hold = Hold { from: op.complete_ns, until: until.min(released), by: op };
                holds.extend((hold.from < hold.until).then_some(hold));
            }
            F::Release => {
                released.insert(op.process, op.invoke_ns);
            }
            _ => {}
        }
    }
    Ok(holds)
}

fn number(value: Encoded<'_>) -> Option<u64> {
    if let View::Integer(number) = value.view() { u64::try_from(number).ok() } else { None }
}

/// So many holds are looked at, the latest first, for one that is nearer than the longest.
const NEAR: usize = 16;

/// Holds of two processes that meet, given in the order in which they begin: of those found, within the shortest time.
fn two_holders(subject: Subject<'_>, holds: &[Hold<'_>]) -> Option<Verdict> {
    // The one that lasts longest, and the one that does among those of other processes.
    let mut longest: [Option<Hold<'_>>; 2] = [None; 2];
    let mut least: Option<(Size, [&Operation; 2])> = None;
    for (at, &hold) in holds.iter().enumerate() {
        let meets =
            |other: &&Hold<'_>| other.by.process != hold.by.process && hold.from < other.until;
        let near = holds[..at].iter().rev().take(NEAR);
        for other in longest.iter().flatten().chain(near).filter(meets) {
            let pair = [other.by, hold.by];
            let size = Size::of_all(&pair);
            if least.is_none_or(|(least, _)| size < least) {
                least = Some((size, pair));
            }
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
    let what = "each was granted the lease before the other's had run out";
    least.map(|(_, pair)| subject.witness(Anomaly::TwoHolders, &pair, true, what))
}
