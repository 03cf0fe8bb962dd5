//! Convergence at the end of a run: after the last write all come to read the same.
//!
//! Of each key, only reads count that began after every write was over, and after every open one
//! began; of those, each process's last. They must agree on a value that was written, or on what
//! was there at first if no write was acknowledged. A write that is still open may arrive between
//! two of them, so that a difference it could make is `Unknown`, and so is a key that was written
//! and not read afterwards. How long convergence may take is not asked: a run that wants to know
//! stops writing, waits, and reads with every client. O(n).

use rustc_hash::FxHashMap;

use super::origins::{is_initial, writes};
use super::words::{invalid, spent, unknown};
use crate::budget::{Budget, Limit};
use crate::event::F;
use crate::history::{History, Outcome, Value};
use crate::verdict::Verdict;
use crate::witness::Anomaly;

pub(super) fn check(history: &History, budget: Budget<'_>) -> Verdict {
    let mut verdict = Verdict::Valid;
    for positions in history.by_key() {
        if (budget.stop)() {
            return verdict.join(spent(Limit::Stopped));
        }
        verdict = verdict.join(converges(history, &positions));
    }
    verdict
}

fn converges(history: &History, positions: &[u32]) -> Verdict {
    let op = |at: u32| &history.operations()[at as usize];
    let Some(&first) = positions.first() else { return Verdict::Valid };
    let key = &history.key_text(op(first).key);
    let writers: Vec<u32> = positions.iter().copied().filter(|&at| writes(op(at))).collect();
    if writers.iter().any(|&at| op(at).f == F::Append) {
        return unknown(key, Limit::Algorithm, 0, &format!("key {key:?} was appended to"));
    }
    let end = |at: &u32| op(*at).complete_index().unwrap_or(op(*at).invoke_index());
    let last_end = writers.iter().map(end).max();
    let mut last_reads: FxHashMap<u32, u32> = FxHashMap::default();
    let is_final = |at: &&u32| {
        let read = op(**at);
        read.f == F::Get && read.outcome == Outcome::Ok && Some(read.invoke_index()) > last_end
    };
    for &at in positions.iter().filter(is_final) {
        last_reads.insert(op(at).process, at);
    }
    let mut finals: Vec<u32> = last_reads.into_values().collect();
    finals.sort_unstable();
    let Some(&first) = finals.first() else {
        if writers.is_empty() {
            return Verdict::Valid;
        }
        let why = format!("key {key:?} was written, and not read after the last write");
        return unknown(key, Limit::Algorithm, 0, &why);
    };
    // What was written, and whether one of its writes may still arrive.
    let mut written: FxHashMap<Value, bool> = FxHashMap::default();
    for write in writers.iter().map(|&at| op(at)) {
        *written.entry(write.argument).or_default() |= write.outcome == Outcome::Info;
    }
    let is_open = |value: Value| written.get(&value).copied().unwrap_or_default();
    let acknowledged = writers.iter().find(|&&at| op(at).outcome == Outcome::Ok);
    for &read in &finals {
        let value = op(read).result;
        if written.contains_key(&value) {
            continue;
        }
        if !is_initial(history, value) {
            let what = "after the last write a read returned a value that no process wrote";
            return invalid(history, Anomaly::GarbageRead, &[read], true, what);
        }
        if let Some(&write) = acknowledged {
            let what = "after the last write a read still found nothing";
            return invalid(history, Anomaly::LostWrite, &[write, read], true, what);
        }
    }
    // Nil and the empty text are both what was there at first.
    let is_same = |one: u32, other: u32| {
        let (one, other) = (op(one).result, op(other).result);
        one == other || (is_initial(history, one) && is_initial(history, other))
    };
    let settled = |&&at: &&u32| !is_open(op(at).result);
    let mut certain = finals.iter().filter(settled);
    if let Some(&one) = certain.next()
        && let Some(&other) = certain.find(|&&other| !is_same(one, other))
    {
        let what = "after the last write two processes read different values for the last time";
        return invalid(history, Anomaly::DivergentReads, &[one, other], true, what);
    }
    if finals.iter().any(|&at| !is_same(at, first)) {
        let why = format!(
            "the last reads of key {key:?} differ by a write that was never answered, which may \
             have arrived between them"
        );
        return unknown(key, Limit::Algorithm, 0, &why);
    }
    Verdict::Valid
}
