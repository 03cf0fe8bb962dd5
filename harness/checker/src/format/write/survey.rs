//! What a form can hold: a look at all events before the first is written.

use rustc_hash::FxHashSet;

use super::{Event, Form, Heading, WriteError, csv};
use crate::datum::Datum;
use crate::event::{EventType, F};

/// What a writer must know of all events before it writes the first.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts that have nothing to do with one another")]
pub(super) struct Survey {
    /// Whether a compare-and-set was refused.
    pub(super) has_refused: bool,
    /// Whether events have keys.
    pub(super) has_keys: bool,
    /// Whether the times put the events in their order, where calls come before returns at the same time.
    pub(super) times_are_in_order: bool,
    /// Whether a reader of tables takes bare numbers for numbers.
    pub(super) has_numbers: bool,
}

impl Survey {
    pub(super) fn of(
        form: Form,
        heading: Heading,
        events: &(impl Iterator<Item = Event> + Clone),
    ) -> Result<Self, WriteError> {
        let mut survey = Survey {
            has_refused: false,
            has_keys: false,
            times_are_in_order: true,
            has_numbers: true,
        };
        let (mut has_words_of_kv, mut reads_lists) = (false, false);
        let mut last = None;
        for event in events.clone() {
            survey.has_refused |= event.refused;
            survey.has_keys |= !event.key.is_nil();
            let moment = Some((event.time_ns, event.r#type != EventType::Invoke));
            survey.times_are_in_order &= last < moment;
            last = moment;
            let is_named_alike = matches!(event.f, F::Get | F::Put) && heading.says_read;
            has_words_of_kv |= matches!(event.f, F::Get | F::Put | F::Append) && !is_named_alike;
            let is_read = event.f == F::Get && event.r#type == EventType::Ok;
            reads_lists |= is_read && matches!(event.value, Datum::List(_) | Datum::Set(_));
        }
        survey.has_numbers = reads_lists || !has_words_of_kv;
        events.clone().try_for_each(|event| survey.check_values(form, heading, &event))?;
        if form.is_of_porcupine() {
            check_ends(form, events.clone())?;
        } else if !survey.has_keys {
            check_keys(form, events.clone())?;
        }
        Ok(survey)
    }

    /// Whether the form can hold the values of an event.
    fn check_values(&self, form: Form, heading: Heading, event: &Event) -> Result<(), WriteError> {
        let what = if form == Form::Csv {
            csv::cells(heading, self, event).err()
        } else if form.is_json() {
            [&event.key, &event.value].into_iter().find(|datum| !is_json(datum)).map(shown)
        } else {
            None
        };
        what.map_or(Ok(()), |what| Err(cannot_hold(form, event, &what)))
    }
}

/// Porcupine knows no operations that failed, and a client goes on under another number after an operation
/// with an unknown outcome.
fn check_ends(form: Form, events: impl Iterator<Item = Event>) -> Result<(), WriteError> {
    let mut open = FxHashSet::default();
    for event in events {
        match event.r#type {
            EventType::Fail => return Err(cannot_hold(form, &event, "an operation that failed")),
            EventType::Invoke if !open.insert(event.process) => {
                let what = "a process that goes on after an unknown outcome";
                return Err(cannot_hold(form, &event, what));
            }
            EventType::Ok => {
                open.remove(&event.process);
            }
            EventType::Invoke | EventType::Info => {}
        }
    }
    Ok(())
}

/// Where no event has a key, a reader takes it from the values, if all of them can have one.
fn check_keys(form: Form, mut events: impl Iterator<Item = Event>) -> Result<(), WriteError> {
    let is_invoked = |event: &Event| event.r#type == EventType::Invoke;
    let Some(first) = events.find(is_invoked) else { return Ok(()) };
    let (mut are_pairs, mut are_locks) = (is_keyed(&first), is_named_lock(&first));
    for event in events.filter(is_invoked) {
        are_pairs &= is_keyed(&event);
        are_locks &= is_named_lock(&event);
    }
    if are_pairs || are_locks {
        return Err(cannot_hold(form, &first, "values that would all be taken for keys"));
    }
    Ok(())
}

fn cannot_hold(form: Form, event: &Event, what: &str) -> WriteError {
    WriteError::CannotHold { form: form.name(), index: event.index, what: what.to_owned() }
}

/// What cannot be held, for people.
pub(super) fn shown(datum: &Datum) -> String {
    format!("the value {datum}")
}

/// Whether JSON can say a value so that it comes back as it was.
pub(super) fn is_json(datum: &Datum) -> bool {
    match datum {
        Datum::Nil | Datum::Bool(_) | Datum::Integer(_) | Datum::Text(_) => true,
        Datum::Number(number) => !number.contains('/'),
        Datum::List(items) => items.iter().all(is_json),
        Datum::Map(entries) => {
            entries.iter().all(|(key, value)| matches!(key, Datum::Text(_)) && is_json(value))
        }
        Datum::Keyword(_)
        | Datum::Symbol(_)
        | Datum::Char(_)
        | Datum::Set(_)
        | Datum::Tagged(..) => false,
    }
}

/// Whether a reader would take the value of an invocation for `[key value]`.
fn is_keyed(event: &Event) -> bool {
    let Datum::List(pair) = &event.value else { return false };
    let [_, inside] = pair.as_slice() else { return false };
    match event.f {
        F::Cas => matches!(inside, Datum::List(pair) if pair.len() == 2),
        f if f.takes_nothing() => inside.is_nil(),
        _ => true,
    }
}

/// Whether a reader would take the value of an invocation for the name of a lock.
fn is_named_lock(event: &Event) -> bool {
    matches!(event.f, F::Acquire | F::Release)
        && matches!(event.value, Datum::Text(_) | Datum::Keyword(_) | Datum::Symbol(_))
}
