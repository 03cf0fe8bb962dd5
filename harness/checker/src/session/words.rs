//! Contradictions and doubts about weaker promises, in words.

use std::fmt::Write;

use crate::budget::Limit;
use crate::datum::Datum;
use crate::event::F;
use crate::explain::capitalized;
use crate::history::{History, Operation, Outcome};
use crate::verdict::{Reason, Verdict};
use crate::witness::{Anomaly, Witness};

/// A contradiction between the operations at these positions.
pub(super) fn invalid(
    history: &History,
    anomaly: Anomaly,
    core: &[u32],
    minimal: bool,
    what: &str,
) -> Verdict {
    let mut core = core.to_vec();
    core.sort_unstable();
    core.dedup();
    let core: Vec<&Operation> = core.iter().map(|&at| &history.operations()[at as usize]).collect();
    let mut explanation = format!("{}: {what}: ", capitalized(anomaly.name()));
    for (number, op) in core.iter().enumerate() {
        let separator = if number == 0 { "" } else { "; " };
        let _ = write!(explanation, "{separator}{}", told(history, op));
    }
    explanation.push('.');
    let mut witness = Witness::new(history, anomaly, &core, minimal, explanation);
    witness.key = core.last().map(|op| history.key_text(op.key)).unwrap_or_default();
    Verdict::Invalid(Box::new(witness))
}

/// A doubt about a key, or with an empty one about all.
pub(super) fn unknown(key: &str, limit: Limit, placed: usize, why: &str) -> Verdict {
    let explanation = format!("undecided: {why}");
    Verdict::Unknown(Reason { key: key.to_owned(), limit, placed, completed: 0, explanation })
}

/// That a limit was reached.
pub(super) fn spent(limit: Limit) -> Verdict {
    Verdict::Unknown(Reason::spent(String::new(), limit, 0, 0))
}

fn told(history: &History, op: &Operation) -> String {
    let (key, argument) = (history.key(op.key), history.value(op.argument));
    let has_keys = key != Datum::Nil;
    let of_key = if has_keys { format!(" of {key}") } else { String::new() };
    let name = history.name(op.f);
    let what = match op.f {
        F::Get if op.outcome == Outcome::Ok => {
            format!("{name}{of_key} returned {}", history.value(op.result))
        }
        F::Get => format!("{name}{of_key}"),
        F::Cas => {
            let refused = if op.refused { ", refused" } else { "" };
            let expected = history.value(op.result);
            format!("cas{of_key} from {expected} to {argument}{refused}")
        }
        _ if has_keys => format!("{name} of {argument} to {key}"),
        _ => format!("{name} of {argument}"),
    };
    let end = match op.complete_index() {
        Some(index) => format!("to {index}"),
        None => "on, never answered".to_owned(),
    };
    format!("{what} (process {}, events {} {end})", history.process(op), op.invoke_index())
}
