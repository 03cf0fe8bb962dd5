//! Histories as text, in every format, written without any of the crate's own writers.
//!
//! Each format has many forms: fields in any order, with or without indices and times, keys in a field of
//! their own or inside the values, events of a nemesis in between. They are drawn at random.

mod columns;
mod csv;
mod edn;
mod json;
mod porcupine;

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use crate::fuzz_check::generate::chance;
use crate::fuzz_check::history::{Event, F, Kind};
use crate::fuzz_check::model::Model;
use crate::fuzz_check::value::Val;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    Jsonl,
    EdnLines,
    EdnList,
    EdnVector,
    EdnSpread,
    Tuples,
    HistoryTxt,
    LogOld,
    LogNew,
    JepsenJsonLines,
    JepsenJsonList,
    PorcupineOperations,
    PorcupineEvents,
    Csv,
}

impl Format {
    pub const ALL: [Format; 14] = [
        Format::Jsonl,
        Format::EdnLines,
        Format::EdnList,
        Format::EdnVector,
        Format::EdnSpread,
        Format::Tuples,
        Format::HistoryTxt,
        Format::LogOld,
        Format::LogNew,
        Format::JepsenJsonLines,
        Format::JepsenJsonList,
        Format::PorcupineOperations,
        Format::PorcupineEvents,
        Format::Csv,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Format::Jsonl => "jsonl",
            Format::EdnLines | Format::EdnList | Format::EdnVector | Format::EdnSpread => {
                "jepsen-edn"
            }
            Format::Tuples => "knossos-edn",
            Format::HistoryTxt => "history-txt",
            Format::LogOld | Format::LogNew => "jepsen-log",
            Format::JepsenJsonLines | Format::JepsenJsonList => "jepsen-json",
            Format::PorcupineOperations => "porcupine-json",
            Format::PorcupineEvents => "porcupine-events",
            Format::Csv => "csv",
        }
    }

    fn has_key_field(self) -> bool {
        !matches!(self, Format::Tuples | Format::HistoryTxt | Format::LogOld | Format::LogNew)
    }

    /// Whether a failed compare-and-set without a reason says that something else was there.
    pub fn refuses_by_default(self) -> bool {
        self == Format::LogOld
    }

    /// Whether its events have times.
    pub fn has_times(self) -> bool {
        !matches!(
            self,
            Format::Tuples
                | Format::HistoryTxt
                | Format::LogOld
                | Format::LogNew
                | Format::PorcupineOperations
                | Format::PorcupineEvents
        )
    }

    /// Whether only whole operations can be written, not single events.
    pub fn has_operations(self) -> bool {
        matches!(self, Format::PorcupineOperations | Format::PorcupineEvents)
    }
}

/// Indices from a first one on, by equal steps, or by ever larger ones.
#[derive(Debug, Clone, Copy)]
struct Indices {
    first: u64,
    step: u64,
    growth: u64,
}

/// How a history is written.
#[derive(Debug)]
struct Style {
    /// `read` and `write`, or `get` and `put`.
    says_read: bool,
    /// How indices grow, if they are written.
    index: Option<Indices>,
    has_times: bool,
    /// Whether the key is part of the value.
    key_in_value: bool,
    /// Whether completions leave out the key.
    leaves_out_keys: bool,
    has_nemesis: bool,
}

/// A line of the file.
#[derive(Debug)]
enum Row<'a> {
    Event(&'a Event),
    Nemesis,
}

/// A text made of rows: one for each event, or each operation.
#[derive(Debug, Default)]
struct Pieces {
    head: String,
    rows: Vec<String>,
    /// Between two rows.
    between: &'static str,
    tail: String,
}

/// A file, and the numbers that its events have in it, if they are known.
#[derive(Debug, Clone)]
pub struct Written {
    pub text: String,
    /// Where each row ends, without what comes between it and the next.
    pub ends: Vec<usize>,
    /// The event of each row; none for those of a nemesis.
    pub events: Vec<Option<usize>>,
    pub numbers: Option<Vec<u64>>,
    /// Whether completions may be without their key, or with another one inside their value.
    pub hides_keys: bool,
    pub has_times: bool,
}

/// The history in this format; none if the format cannot hold it.
pub fn write(
    format: Format,
    model: Model,
    events: &[Event],
    rng: &mut ChaCha8Rng,
) -> Option<Written> {
    if model == Model::Lease && !format.has_times() {
        return None;
    }
    let style = style(format, model, events, rng)?;
    let rows = rows(events, &style, rng);
    let pieces = match format {
        Format::Jsonl => json::lines(model, &rows, &style, rng),
        Format::JepsenJsonLines => json::jepsen(&rows, &style, false, rng),
        Format::JepsenJsonList => json::jepsen(&rows, &style, true, rng),
        Format::EdnLines => edn::lines(&rows, &style, rng),
        Format::EdnList => edn::sequence(&rows, &style, ("(", ")"), rng),
        Format::EdnVector => edn::sequence(&rows, &style, ("[", "]"), rng),
        Format::EdnSpread => edn::spread(&rows, &style, rng),
        Format::Tuples => edn::tuples(&rows, &style, rng),
        Format::HistoryTxt => columns::history_txt(&rows, &style, rng),
        Format::LogOld => columns::log_old(&rows, &style, rng),
        Format::LogNew => columns::log_new(&rows, &style, rng),
        Format::PorcupineOperations => porcupine::operations(events, &style, rng),
        Format::PorcupineEvents => porcupine::events(events, &style, rng),
        Format::Csv => csv::rows(&rows, &style, rng),
    }?;
    let mut text = pieces.head;
    let mut lines = Lines { format, line: 1 + newlines(&text), numbers: Vec::new() };
    let mut ends = Vec::new();
    for (at, row) in pieces.rows.iter().enumerate() {
        if at > 0 {
            text.push_str(pieces.between);
            lines.line += newlines(pieces.between);
        }
        lines.add(row);
        text.push_str(row);
        ends.push(text.len());
    }
    text.push_str(&pieces.tail);
    let mut next = 0..;
    let place = |row: &Row<'_>| matches!(row, Row::Event(_)).then(|| next.next()).flatten();
    let places: Vec<Option<usize>> = rows.iter().map(place).collect();
    let number = |row: usize| match style.index {
        Some(_) => style.number(row as u64),
        None => lines.numbers.get(row).copied(),
    };
    let of_events = (0..places.len()).filter(|&row| places[row].is_some());
    let numbers: Option<Vec<u64>> = of_events.map(number).collect();
    let numbers = numbers.filter(|_| style.index.is_some() || lines.are_known());
    let hides_keys = style.key_in_value || style.leaves_out_keys;
    let has_times = style.has_times && format.has_times();
    Some(Written { text, ends, events: places, numbers, hides_keys, has_times })
}

fn newlines(text: &str) -> u64 {
    text.bytes().map(|byte| u64::from(byte == b'\n')).sum()
}

/// The numbers of events that have none of their own: the line, or one more than the one before.
struct Lines {
    format: Format,
    /// On which the next row begins.
    line: u64,
    numbers: Vec<u64>,
}

impl Lines {
    fn add(&mut self, row: &str) {
        let begin = self.line;
        self.line += newlines(row);
        // Other lines may stand before these.
        let is_at_end = matches!(self.format, Format::Jsonl | Format::LogOld | Format::LogNew);
        let line = if is_at_end { self.line } else { begin };
        let least = self.numbers.last().map_or(0, |last| last + 1);
        self.numbers.push(line.max(least));
    }

    /// Whether it is known here on which line each event begins.
    fn are_known(&self) -> bool {
        self.format != Format::EdnSpread && !self.format.has_operations()
    }
}

fn style(format: Format, model: Model, events: &[Event], rng: &mut ChaCha8Rng) -> Option<Style> {
    let is_keyed = events.iter().any(|event| event.key.is_some());
    let is_all_keyed = events.iter().all(|event| event.key.is_some());
    let has_field = format.has_key_field();
    if (is_keyed && !is_all_keyed) || (!is_keyed && looks_keyed(events)) {
        return None;
    }
    let may_have_index = matches!(
        format,
        Format::Jsonl
            | Format::EdnLines
            | Format::EdnList
            | Format::EdnVector
            | Format::EdnSpread
            | Format::JepsenJsonLines
            | Format::JepsenJsonList
    );
    let indices = |first, step, growth| Indices { first, step, growth };
    let indices = [indices(0, 1, 0), indices(0, 1, 0), indices(5, 1, 0), indices(3, 4, 2)];
    let may_have_nemesis =
        !matches!(format, Format::Jsonl | Format::Csv) && !format.has_operations();
    Some(Style {
        says_read: !model.is_register() || chance(rng, 60),
        index: (may_have_index && chance(rng, 50)).then(|| indices[rng.random_range(0..4)]),
        has_times: model == Model::Lease || chance(rng, 60),
        key_in_value: is_keyed && (!has_field || (chance(rng, 30) && !format.has_operations())),
        leaves_out_keys: chance(rng, 30),
        has_nemesis: may_have_nemesis && chance(rng, 20),
    })
}

/// Whether every invocation is given a pair that may be a key with a value, or a name of a lock.
fn looks_keyed(events: &[Event]) -> bool {
    let invocations = || events.iter().filter(|event| event.kind == Kind::Invoke);
    let is_pair = |event: &Event| match (event.f, event.value.halves()) {
        (_, None) => false,
        (F::Cas, Some((_, inside))) => inside.halves().is_some(),
        (f, Some((_, inside))) => !f.only_asks() || *inside == Val::Nil,
    };
    let is_name = |event: &Event| {
        matches!(event.f, F::Acquire | F::Release)
            && matches!(event.value, Val::Text(_) | Val::Keyword(_))
    };
    invocations().all(is_pair) || invocations().all(is_name)
}

fn rows<'a>(events: &'a [Event], style: &Style, rng: &mut ChaCha8Rng) -> Vec<Row<'a>> {
    let mut rows = Vec::new();
    for event in events {
        if style.has_nemesis && chance(rng, 20) {
            rows.push(Row::Nemesis);
        }
        rows.push(Row::Event(event));
    }
    rows
}

impl Style {
    fn number(&self, place: u64) -> Option<u64> {
        let Indices { first, step, growth } = self.index?;
        Some(first + step * place + growth * place * place)
    }

    /// The key and the value of an event as they are written.
    fn laid_out(&self, event: &Event, rng: &mut ChaCha8Rng) -> (Option<Val>, Val) {
        match &event.key {
            Some(key) if self.key_in_value => {
                let is_end = !matches!(event.kind, Kind::Invoke);
                if is_end && event.value == Val::Nil && !event.f.only_asks() && chance(rng, 30) {
                    return (None, Val::Nil);
                }
                (None, Val::pair(key.clone(), event.value.clone()))
            }
            Some(_) if self.leaves_out_keys && event.kind != Kind::Invoke => {
                (None, event.value.clone())
            }
            key => (key.clone(), event.value.clone()),
        }
    }

    fn name(&self, event: &Event) -> &'static str {
        event.f.name(self.says_read)
    }
}
