//! What Jepsen's forms of an event have in common: a process, a type, a function, a value.
//!
//! A reader finds where these stand ([`Fields`]); [`Events`] says what they mean and hands them to the
//! [`Recorder`]:
//!
//! - The process is a number from 0. Events of others, `:nemesis` for one, are passed over.
//! - The number of an event is its `:index`; without one, that of the line on which it begins, or one
//!   more than the last if that is not above it.
//! - A `:fail` gives a reason if it has an `:error`, or if a compare-and-set has something else in the
//!   place of `[old new]`, such as `:timed-out`.

use super::edn::{Form, Kind, Walker, Wrong};
use super::{ParseError, ReadHistory, Skipped};
use crate::datum::{Datum, Encoded, Encoder, View, number};
use crate::event::{EventType, F};
use crate::history::lenient::Repairs;
use crate::history::{FailedCas, Line, Reading, Recorder};

/// The bytes of a form at which a part of it stands; none if it is not there. Small, as each event has many.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span {
    from: u32,
    to: u32,
}

impl Span {
    pub(super) fn new(from: usize, to: usize) -> Self {
        // No form is so long.
        let small = |at| u32::try_from(at).unwrap_or(u32::MAX);
        Span { from: small(from), to: small(to) }
    }

    /// Where it begins.
    pub(super) fn start(self) -> usize {
        self.from as usize
    }

    pub(super) fn is_there(self) -> bool {
        self.from < self.to
    }

    /// Its bytes, if it is there.
    pub(super) fn of(self, bytes: &[u8]) -> Option<&[u8]> {
        self.is_there().then(|| &bytes[self.from as usize..self.to as usize])
    }
}

/// Where the parts of an event stand in its form.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields {
    pub(super) process: Span,
    pub(super) r#type: Span,
    pub(super) f: Span,
    pub(super) value: Span,
    pub(super) key: Span,
    pub(super) index: Span,
    pub(super) time: Span,
    pub(super) node: Span,
    pub(super) client: Span,
    pub(super) has_error: bool,
    /// The time if it does not stand in the form as a number of nanoseconds.
    pub(super) time_ns: Option<u64>,
}

/// What an event is about; the rest are values.
#[derive(Debug, Clone, Copy)]
struct Head {
    process: u64,
    r#type: EventType,
    f: F,
    says_read: bool,
}

/// Hands events to the recorder.
#[derive(Debug)]
pub(super) struct Events {
    recorder: Recorder,
    /// Key and value of an event.
    scratch: Encoder,
    /// Events so far, those of the nemesis, too.
    count: u64,
    /// The number of the event before, the nemesis's too.
    last: Option<u64>,
}

impl Events {
    pub(super) fn new(reading: Reading) -> Self {
        let recorder = Recorder::reading(reading);
        Events { recorder, scratch: Encoder::default(), count: 0, last: None }
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn memory_bytes(&self) -> u64 {
        self.recorder.memory_bytes()
    }

    /// What a failed compare-and-set means in this file, if the caller did not say it.
    pub(super) fn failed_cas_means(&mut self, meaning: FailedCas) {
        self.recorder.rules().failed_cas.get_or_insert(meaning);
    }

    /// The history of all events.
    pub(super) fn finish(
        self,
        torn: Option<u64>,
        skipped: Skipped,
    ) -> Result<ReadHistory, ParseError> {
        let repairs: Repairs = self.recorder.repairs();
        let history = self.recorder.finish()?;
        Ok(ReadHistory { history, torn, skipped, repairs, model: None })
    }

    /// Takes the event whose parts stand there.
    pub(super) fn take(&mut self, form: &Form<'_>, fields: &Fields) -> Result<(), ParseError> {
        let head = head(form, fields).map_err(|wrong| wrong.at_place(form))?;
        self.count += 1;
        let index = self.index(form, fields);
        self.last = Some(index);
        let Some(head) = head else { return Ok(()) };
        if head.says_read {
            self.recorder.says_read();
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        let taken = self.record(form, fields, head, index, &mut scratch);
        self.scratch = scratch;
        taken
    }

    fn record(
        &mut self,
        form: &Form<'_>,
        fields: &Fields,
        head: Head,
        index: u64,
        scratch: &mut Encoder,
    ) -> Result<(), ParseError> {
        // What a `fail` or an `info` says besides is not looked at, and need not be readable.
        let has_value = matches!(head.r#type, EventType::Invoke | EventType::Ok);
        let value = if has_value { fields.value } else { Span::default() };
        let mut written = |part: Span| -> Result<(usize, usize), ParseError> {
            let start = scratch.at();
            if part.is_there() {
                let mut walker = Walker::new(form).from(part.start());
                let written = walker.value(scratch, 1);
                written.map_err(|wrong| wrong.at_place(form))?;
            }
            Ok((start, scratch.at()))
        };
        let (key, value) = (written(fields.key)?, written(value)?);
        let (client, node) = (written(fields.client)?, written(fields.node)?);
        let part = |(from, to): (usize, usize)| (from < to).then(|| scratch.slice(from, to));
        let line = form.begin.line;
        let is_refusal_told = fields
            .value
            .of(form.bytes)
            .is_none_or(|value| matches!(value[0], b'[' | b'(' | b'#') || value == b"nil");
        let recorded = self.recorder.line(&Line {
            index,
            time_ns: fields.time_ns.or_else(|| time_ns(form, fields.time)),
            process: head.process,
            client: part(client).and_then(name).unwrap_or_default(),
            r#type: head.r#type,
            f: head.f,
            key: part(key).filter(|key| !key.is_nil()),
            value: part(value),
            refused: false,
            has_error: fields.has_error || (head.f == F::Cas && !is_refusal_told),
            node: part(node).and_then(name),
        });
        recorded.map_err(|source| ParseError::Pairing { line, source })
    }

    /// An index below 0 is that of an event which was given none.
    fn index(&self, form: &Form<'_>, fields: &Fields) -> u64 {
        let told = fields.index.of(form.bytes).and_then(integer);
        told.and_then(|index| u64::try_from(index).ok()).unwrap_or_else(|| {
            let least = self.last.map_or(0, |last| last.saturating_add(1));
            form.begin.line.max(least)
        })
    }
}

/// Process, type and function; none if the process is no client.
fn head(form: &Form<'_>, fields: &Fields) -> Result<Option<Head>, Wrong> {
    let walker = Walker::new(form);
    let Some(told) = fields.process.of(form.bytes) else {
        return Err(Wrong::no_event(0, "something without a process".to_owned()));
    };
    if told[0] == b':' {
        return Ok(None);
    }
    let wrong = |span: Span, found: &str, expected: &str| {
        let part = walker.excerpt(span.start(), span.to as usize);
        Wrong::new(span.start(), format!("{found}{part}"), expected)
    };
    let missing =
        |name: &str, expected: &str| Wrong::new(0, format!("an event without {name}"), expected);
    let is_number = told[0] != b'0' || told.len() == 1;
    let number = integer(told).filter(|_| is_number).and_then(|number| u64::try_from(number).ok());
    let number = number
        .ok_or_else(|| wrong(fields.process, "", "a process: a number from 0, or :nemesis"))?;
    let types = ":invoke, :ok, :fail or :info";
    let told = fields.r#type.of(form.bytes).ok_or_else(|| missing(":type", types))?;
    let r#type = event_type(told).ok_or_else(|| wrong(fields.r#type, "", types))?;
    let expected = || format!("one of {}", F::all_names());
    let told = fields.f.of(form.bytes).ok_or_else(|| missing(":f", &expected()))?;
    let name = function_name(told);
    let f = name.and_then(F::of_bytes);
    let f = f.ok_or_else(|| wrong(fields.f, "the function ", &expected()))?;
    let says_read = matches!(name, Some(b"read" | b"write"));
    Ok(Some(Head { process: number, r#type, f, says_read }))
}

/// The type of an event as EDN has it.
pub(super) fn event_type(told: &[u8]) -> Option<EventType> {
    match told {
        b":invoke" => Some(EventType::Invoke),
        b":ok" => Some(EventType::Ok),
        b":fail" => Some(EventType::Fail),
        b":info" => Some(EventType::Info),
        _ => None,
    }
}

/// A keyword, or a string without escapes.
fn function_name(told: &[u8]) -> Option<&[u8]> {
    let ([b':', name @ ..] | [b'"', name @ .., b'"']) = told else { return None };
    Some(name)
}

/// A name for people.
fn name(value: Encoded<'_>) -> Option<&str> {
    match value.view() {
        View::Text(name) | View::Keyword(name) => Some(name),
        _ => None,
    }
}

fn integer(told: &[u8]) -> Option<i64> {
    if let Some(number) = number::small(told) {
        return Some(number);
    }
    match number::parse(std::str::from_utf8(told).ok()?)? {
        Datum::Integer(number) => Some(number),
        _ => None,
    }
}

/// Nanoseconds; what is no whole number is none. Before the start is at the start.
fn time_ns(form: &Form<'_>, span: Span) -> Option<u64> {
    let time = integer(span.of(form.bytes)?)?;
    Some(u64::try_from(time).unwrap_or(0))
}

/// Where the parts stand in an event that has them in their order: process, type, function, value, and
/// behind them perhaps an error. `next` goes to the beginning of the next part, if there is one.
pub(super) fn in_order(
    walker: &mut Walker<'_>,
    mut next: impl FnMut(&mut Walker<'_>) -> Result<bool, Wrong>,
) -> Result<Fields, Wrong> {
    let mut spans = [Span::default(); 4];
    for span in &mut spans {
        if !next(walker)? {
            break;
        }
        let start = walker.at();
        walker.skip(1)?;
        *span = Span::new(start, walker.at());
    }
    let [process, r#type, f, value] = spans;
    Ok(Fields { process, r#type, f, value, ..Fields::default() })
}

/// Whether something is wrong only because the form ends too early.
pub(super) fn is_torn(wrong: &Wrong) -> bool {
    wrong.kind == Kind::End
}

#[cfg(test)]
pub(super) mod tests;
