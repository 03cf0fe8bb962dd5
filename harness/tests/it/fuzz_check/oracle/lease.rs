//! Leases, by the clock of the history.

use super::Verdicts;
use crate::fuzz_check::history::{End, F, Op};
use crate::fuzz_check::value::Val;

fn milliseconds(value: &Val) -> Option<u64> {
    u64::try_from(value.whole()?).ok()
}

pub fn verdicts(ops: &[&Op]) -> Verdicts {
    let mut holds: Vec<(u64, u64, u64)> = Vec::new();
    let mut is_readable = true;
    for (at, op) in ops.iter().enumerate() {
        if !matches!(op.f, F::Acquire | F::Renew) || op.end != End::Ok {
            continue;
        }
        let Some(lasts) = milliseconds(&op.answer).or_else(|| milliseconds(&op.arg)) else {
            is_readable = false;
            continue;
        };
        let is_release = |other: &&&Op| other.f == F::Release && other.process == op.process;
        let released = ops[at..].iter().find(is_release).map_or(u64::MAX, |other| other.invoke_ns);
        let until = (op.invoke_ns + lasts * 1_000_000).min(released);
        holds.push((op.process, op.complete_ns, until));
    }
    let meet = |one: &(u64, u64, u64), other: &(u64, u64, u64)| {
        one.0 != other.0 && one.1.max(other.1) < one.2.min(other.2)
    };
    let verdict = Verdicts::of(!holds.iter().any(|one| holds.iter().any(|other| meet(one, other))));
    if is_readable { verdict } else { verdict.unreadable() }
}
