//! One operation of a witness, as its client saw it.

use checker::event::F;
use checker::{Datum, Outcome, WitnessOperation};

use super::evidence::is_nothing;

/// One operation of a witness in a clause; `is_refused`: it was answered `fail`, which counts as no value.
pub fn told(operation: &WitnessOperation, is_refused: bool) -> String {
    let who = match operation.client.as_str() {
        "" => format!("process {}", operation.process),
        client => format!("client {client}"),
    };
    let shown = |datum: &Option<Datum>| datum.as_ref().map(Datum::to_string).unwrap_or_default();
    let value = shown(&operation.value);
    let is_nothing = is_nothing(operation.value.as_ref());
    let what = match (operation.f, operation.outcome) {
        (F::Get, Outcome::Ok) if is_refused => {
            "asked for the value and was refused to the end (`fail`), which counts as no value"
                .to_owned()
        }
        (F::Get, Outcome::Ok) if is_nothing => "found no value".to_owned(),
        (F::Get, Outcome::Ok) => format!("read {value}"),
        (F::Get, _) => "asked for the value".to_owned(),
        (F::Put, _) => format!("wrote {value}"),
        (F::Append, _) => format!("appended {value}"),
        (F::Cas, _) => {
            let expected = shown(&operation.expected);
            let refused = if operation.refused { ", and was refused" } else { "" };
            format!("swapped {expected} for {value}{refused}")
        }
        _ => called(operation),
    };
    let node = operation.node.as_deref();
    let by = match (operation.outcome, node) {
        (Outcome::Ok, Some(node)) => format!(", answered by {node}"),
        (Outcome::Ok, None) => String::new(),
        (Outcome::Fail, Some(node)) => format!(", refused by {node} (`fail`)"),
        (Outcome::Fail, None) => ", refused (`fail`)".to_owned(),
        (Outcome::Info, Some(node)) => format!(", never answered (last asked: {node})"),
        (Outcome::Info, None) => ", never answered".to_owned(),
    };
    let when = match (operation.invoke_ns, operation.complete_ns) {
        (0, Some(0) | None) => match operation.complete_index {
            Some(end) => format!(", events {} to {end}", operation.invoke_index),
            None => format!(", event {}", operation.invoke_index),
        },
        (begin, Some(end)) => format!(", from {} to {}", fine(begin), fine(end)),
        (begin, None) => format!(", begun at {}", fine(begin)),
    };
    format!("{who} {what}{by}{when}")
}

/// Seconds with microseconds: two operations may be closer than a millisecond.
fn fine(ns: u64) -> String {
    format!("{}.{:06} s", ns / 1_000_000_000, ns / 1_000 % 1_000_000)
}

/// What was asked of an object, and what it returned: `called acquire, which returned 5`.
fn called(operation: &WitnessOperation) -> String {
    let value = operation.value.as_ref().map(|value| format!(" {value}"));
    let answer = operation.answer.as_ref().map(|answer| format!(", which returned {answer}"));
    format!("called {}{}{}", operation.name, value.unwrap_or_default(), answer.unwrap_or_default())
}
