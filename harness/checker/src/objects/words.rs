//! What contradicts on an object, in words.

use std::fmt::Write;

use crate::explain::capitalized;
use crate::history::{History, Operation, Value};
use crate::witness::Anomaly;

pub(super) fn explanation(
    history: &History,
    anomaly: Anomaly,
    core: &[&Operation],
    what: &str,
) -> String {
    let on_key = core.first().map(|op| history.on_key(op.key)).unwrap_or_default();
    let mut explanation = format!("{}{on_key}: {what}: ", capitalized(anomaly.name()));
    for (number, op) in core.iter().enumerate() {
        let separator = if number == 0 { "" } else { "; " };
        let _ = write!(explanation, "{separator}{}", told(history, op));
    }
    explanation.push('.');
    explanation
}

/// The most characters of a value that a sentence holds.
const LONGEST_VALUE: usize = 60;

pub(super) fn told(history: &History, op: &Operation) -> String {
    let short = |value: Value| {
        let text = history.value(value).to_string();
        if text.chars().count() <= LONGEST_VALUE {
            return text;
        }
        text.chars().take(LONGEST_VALUE).chain("...".chars()).collect()
    };
    let is_nil = |value| value == Value::NIL;
    let argument = if is_nil(op.argument) { String::new() } else { short(op.argument) + " " };
    let end = match op.complete_index() {
        Some(complete) if (is_nil(op.result) || op.result == op.argument) && !op.f.only_asks() => {
            format!("to {complete}")
        }
        Some(complete) => format!("to {complete}, answered {}", short(op.result)),
        None => "on, never answered".to_owned(),
    };
    let (name, process, invoke) = (history.name(op.f), history.process(op), op.invoke_index());
    format!("{name} {argument}(process {process}, events {invoke} {end})")
}
