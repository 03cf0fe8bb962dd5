//! What a form can hold: a look at all events before the first is written.

use rustc_hash::FxHashSet;

use super::{Event, Form, Heading, WriteError, csv};
use crate::datum::Datum;
use crate::event::{EventType, F};

/// What a writer must know of all events before it writes the first.
#[derive(Debug)]
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
        events: impl Iterator<Item = Event> + Clone,
    ) -> Result<Self, WriteError> {
        let mut survey = Survey {
            has_refused: false,
            has_keys: false,
            times_are_in_order: true,
            has_numbers: true,
        };
        let (mut has_words_of_kv, mut reads_lists) = (false, false);
        let (mut are_pairs, mut are_locks) = (true, true);
        let mut last = None;
        let (mut open, mut first) = (FxHashSet::default(), None);
        for event in events.clone() {
            survey.has_refused |= event.refused;
            survey.has_keys |= !event.key.is_nil();
            let is_return = event.r#type != EventType::Invoke;
            let moment = Some((event.time_ns, is_return));
            survey.times_are_in_order &= last < moment;
            last = moment;
            let is_kv = matches!(event.f, F::Get | F::Put) && !heading.says_read;
            has_words_of_kv |= is_kv || event.f == F::Append;
            let is_read = event.f == F::Get && event.r#type == EventType::Ok;
            reads_lists |= is_read && matches!(event.value, Datum::List(_) | Datum::Set(_));
            if !is_return {
                first.get_or_insert(event.index);
                are_pairs &= is_keyed(&event);
                are_locks &= is_named_lock(&event);
            }
            let cannot = |what: &str| cannot_hold(form, &event, what);
            match event.r#type {
                EventType::Invoke if !open.insert(event.process) => {
                    return Err(cannot("two operations of one process at a time"));
                }
                EventType::Fail if form.is_of_porcupine() => {
                    return Err(cannot("an operation that failed"));
                }
                // Porcupine's clients go on under another number.
                EventType::Info if form.is_of_porcupine() => {}
                EventType::Invoke => {}
                _ => {
                    open.remove(&event.process);
                }
            }
        }
        survey.has_numbers = reads_lists || !has_words_of_kv;
        let is_misread = !form.is_of_porcupine() && !survey.has_keys;
        if let Some(index) = first.filter(|_| is_misread && (are_pairs || are_locks)) {
            let what = "values that would all be taken for keys".to_owned();
            return Err(WriteError::CannotHold { form: form.name(), index, what });
        }
        events.clone().try_for_each(|event| survey.check(form, heading, &event))?;
        Ok(survey)
    }

    /// Whether the form can hold the values of an event.
    fn check(&self, form: Form, heading: Heading, event: &Event) -> Result<(), WriteError> {
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
        Datum::Keyword(_) | Datum::Symbol(_) | Datum::Char(_) => false,
        Datum::Set(_) | Datum::Tagged(..) => false,
    }
}

/// Whether a reader would take the value of an invocation for `[key value]`.
fn is_keyed(event: &Event) -> bool {
    let Datum::List(pair) = &event.value else { return false };
    let [_, inside] = pair.as_slice() else { return false };
    match event.f {
        F::Cas => matches!(inside, Datum::List(pair) if pair.len() == 2),
        f if f.only_asks() => inside.is_nil(),
        _ => true,
    }
}

/// Whether a reader would take the value of an invocation for the name of a lock.
fn is_named_lock(event: &Event) -> bool {
    matches!(event.f, F::Acquire | F::Release)
        && matches!(event.value, Datum::Text(_) | Datum::Keyword(_) | Datum::Symbol(_))
}
