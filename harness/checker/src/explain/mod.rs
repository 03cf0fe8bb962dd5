//! From a set of operations that contradict one another to its kind and its sentences.
//!
//! The kind is decided by the whole history of the key, not by those few operations alone: whether
//! a read was stale or an acknowledged write is lost shows in what other reads saw afterwards. The
//! files, in the order in which they are asked:
//!
//! 1. `origin`: values that were never written, or not yet.
//! 2. `text`: strings that were appended to, and lack a part, or hold one twice.
//! 3. `replaced`: values that were seen although another had taken their place; with `again`, where one replica's
//!    state went back.
//! 4. `swaps`: one value that was swapped away twice.
//!
//! What none of them knows has no order, and no better name.

use std::fmt::Write;

use rustc_hash::FxHashMap;

use crate::event::F;
use crate::history::{History, Operation, Outcome, Value};
use crate::witness::{Anomaly, Witness};
use facts::{Facts, facts};
pub(crate) use words::capitalized;

mod again;
mod facts;
mod origin;
mod replaced;
mod swaps;
mod text;
mod words;

/// Of more operations than these only their number is told: the list is of no use, and what is
/// looked up for each of them in the whole history would take longer than the proof.
const MOST_TOLD: usize = 1_000;

/// The contradiction in words. `all` are the operations of the key, `core` those that contradict
/// one another, both in order of invocation.
pub(crate) fn explain(
    history: &History,
    all: &[&Operation],
    core: &[&Operation],
    initial: Value,
    minimal: bool,
) -> Witness {
    if core.len() > MOST_TOLD {
        return untold(history, core);
    }
    let teller = Teller::new(history, all, core, initial);
    let (anomaly, what) = teller
        .garbage_read()
        .or_else(|| teller.future_read())
        .or_else(|| teller.text())
        .or_else(|| teller.replaced())
        .or_else(|| teller.swapped_twice())
        .unwrap_or_else(|| teller.no_order());
    let on_key = history.on_key(core[0].key);
    let explanation = format!("{}{on_key}: {what}", capitalized(anomaly.name()));
    let is_of_late = matches!(
        anomaly,
        Anomaly::StaleRead
            | Anomaly::LostWrite
            | Anomaly::DivergentReads
            | Anomaly::ResurrectedValue
            | Anomaly::DuplicatedWrite
    );
    let late = is_of_late.then(|| teller.late_operation()).flatten();
    Witness { late, ..Witness::new(history, anomaly, core, minimal, explanation) }
}

/// The same of a text or list, whose reads show what it is called.
pub(crate) fn of_reads(
    history: &History,
    all: &[&Operation],
    core: &[&Operation],
    initial: Value,
    anomaly: Anomaly,
) -> Witness {
    if core.len() > MOST_TOLD {
        return untold(history, core);
    }
    let teller = Teller::new(history, all, core, initial);
    let there = (anomaly == Anomaly::LostWrite).then(|| teller.append_still_there()).flatten();
    let (anomaly, what) = match (there, teller.text()) {
        (Some(there), _) => {
            (Anomaly::StaleRead, format!("{} {there}", teller.shown(Anomaly::LostWrite)))
        }
        (None, Some((found, what))) if found == anomaly => (anomaly, what),
        (None, _) => (anomaly, teller.shown(anomaly)),
    };
    let on_key = history.on_key(core[0].key);
    let explanation = format!("{}{on_key}: {what}", capitalized(anomaly.name()));
    Witness::new(history, anomaly, core, true, explanation)
}

/// Says that the operations of a witness have an order if nothing else was done.
pub(crate) fn call_excerpt(witness: &mut Witness) {
    if witness.operations.is_empty() {
        return;
    }
    witness.minimal = false;
    witness.explanation.push_str(
        " These operations are an excerpt: by themselves they have an order. A counterexample needs \
         more operations on this key, and the search for a small one spent its budget.",
    );
}

/// A violation without its reason.
pub(crate) fn unexplained(history: &History, of: &Operation) -> Witness {
    let explanation =
        format!("Not linearizable{}; no witness was requested.", history.on_key(of.key));
    let mut witness = Witness::new(history, Anomaly::NotLinearizable, &[], false, explanation);
    witness.key = history.key_text(of.key);
    witness
}

/// A refutation by too many operations.
fn untold(history: &History, core: &[&Operation]) -> Witness {
    let explanation = format!(
        "Not linearizable{}: no order in real time explains the answers of {} operations. The time \
         was too short to reduce them to a minimal counterexample.",
        history.on_key(core[0].key),
        core.len()
    );
    let mut witness = Witness::new(history, Anomaly::NotLinearizable, &[], false, explanation);
    witness.key = history.key_text(core[0].key);
    witness
}

struct Teller<'a> {
    history: &'a History,
    all: &'a [&'a Operation],
    core: &'a [&'a Operation],
    initial: Value,
    has_appends: bool,
    /// What is known of the values of the core.
    facts: FxHashMap<Value, Facts>,
}

impl<'a> Teller<'a> {
    fn new(
        history: &'a History,
        all: &'a [&'a Operation],
        core: &'a [&'a Operation],
        initial: Value,
    ) -> Self {
        let has_appends = all.iter().any(|op| op.f == F::Append);
        // Where there are appends, values are not what counts.
        let facts = if has_appends { FxHashMap::default() } else { facts(all, core, initial) };
        Teller { history, all, core, initial, has_appends, facts }
    }

    /// Whether the key is only read and written, so that a value says all about the state.
    fn is_plain(&self) -> bool {
        self.all.iter().all(|op| matches!(op.f, F::Get | F::Put))
    }

    fn reads(&self) -> impl Iterator<Item = &'a Operation> {
        self.core.iter().copied().filter(|op| is_read(op))
    }

    fn swaps(&self) -> impl Iterator<Item = &'a Operation> {
        self.core.iter().copied().filter(|op| is_swap(op))
    }

    fn writers(&self, value: Value) -> impl Iterator<Item = &'a Operation> {
        self.all.iter().copied().filter(move |op| may_write(op) && op.argument == value)
    }

    /// What the reads of these operations show, in a sentence for each anomaly.
    fn shown(&self, anomaly: Anomaly) -> String {
        let what = match anomaly {
            Anomaly::GarbageRead => "a read returned what no writes can have led to",
            Anomaly::FutureRead => "a read returned something before its write began",
            Anomaly::DuplicatedWrite => "the reads show one append more often than it was made",
            Anomaly::DivergentReads => "of two reads neither continues the other",
            Anomaly::StaleRead => {
                "a read lacks what was there before it began, and a later read has it"
            }
            Anomaly::LostWrite => {
                "a read lacks what was there before it began, and so do all later ones"
            }
            Anomaly::ResurrectedValue => "a value that was overwritten is there again",
            Anomaly::ReorderedWrites => {
                "a read shows a write before another write that was over when it began"
            }
            _ => "no order in real time explains these answers",
        };
        let told: Vec<String> = self.core.iter().map(|op| self.did(op)).collect();
        format!("{what}: {}.", told.join("; "))
    }

    fn no_order(&self) -> (Anomaly, String) {
        let mut values: Vec<Value> = self.reads().map(|read| read.result).collect();
        values.sort_unstable();
        values.dedup();
        let kind = if self.is_plain() && values.len() > 1 {
            Anomaly::DivergentReads
        } else {
            Anomaly::NotLinearizable
        };
        let mut what = String::from("no order in real time explains these answers: ");
        for (number, op) in self.core.iter().enumerate() {
            let separator = match number {
                0 => "",
                _ if number + 1 == self.core.len() => "; and ",
                _ => "; ",
            };
            let _ = write!(what, "{separator}{}", self.did(op));
        }
        let begin = self.core.first().map(|op| self.begin(op)).unwrap_or_default();
        let _ = write!(
            what,
            ". This holds whatever took effect before {begin}, and whenever other operations took effect."
        );
        (kind, what)
    }
}

fn is_read(op: &Operation) -> bool {
    op.f == F::Get && op.outcome == Outcome::Ok
}

/// A compare-and-set that was answered: it found what it expected.
fn is_swap(op: &Operation) -> bool {
    op.f == F::Cas && op.outcome == Outcome::Ok && !op.refused
}

/// A write, append or swap that took effect, or may have.
fn may_write(op: &Operation) -> bool {
    op.f != F::Get && !op.refused
}

/// What an operation says was there.
fn seen(op: &Operation) -> Option<Value> {
    (is_read(op) || is_swap(op)).then_some(op.result)
}

#[cfg(test)]
mod tests;
