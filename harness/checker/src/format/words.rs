//! The words of events, with or without the colon of a keyword.

use crate::event::{EventType, F};

/// The types of events, for errors.
pub(super) const TYPES: &str = "invoke, ok, fail or info";

/// A word without the colon in front of it.
pub(super) fn without_colon(word: &str) -> &str {
    word.strip_prefix(':').unwrap_or(word)
}

/// The type of that name.
pub(super) fn event_type(word: &str) -> Option<EventType> {
    Some(match without_colon(word) {
        "invoke" => EventType::Invoke,
        "ok" => EventType::Ok,
        "fail" => EventType::Fail,
        "info" => EventType::Info,
        _ => return None,
    })
}

/// The functions, for errors.
pub(super) fn functions() -> String {
    format!("one of {}", F::all_names())
}
