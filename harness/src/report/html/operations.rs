//! The operations of `history.jsonl`, as columns.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

use checker::event::{Event, EventType, F};
use serde::Serialize;

use crate::files::stored;

/// The longest value that is shown.
const VALUE_CHARS: usize = 60;

/// The longest key, error or name of a client that is shown.
const TEXT_CHARS: usize = 200;

/// As much of a history is read for one value: most lines are shorter.
const LINE_BYTES: usize = 512;

/// Rates are shown in so many parts of the run.
pub(super) const RATE_PARTS: usize = 100;

/// The part of a run until `end_us` in which this time lies.
pub(super) fn rate_part(time_us: u64, end_us: u64) -> usize {
    let parts = RATE_PARTS as u64;
    usize::try_from((time_us * parts / end_us.max(1)).min(parts - 1)).unwrap_or(0)
}

/// One operation, with its texts by number: there may be millions, of which few are shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation {
    pub invoke_index: u64,
    pub invoke_ns: u64,
    process: u64,
    /// Meaningless as long as it is open.
    complete_index: u64,
    complete_ns: u64,
    /// Where the line with its value begins; [`NOWHERE`] without one.
    value_at: u64,
    client: u32,
    key: u32,
    /// [`NO_TEXT`] without one, and so is the error.
    node: u32,
    error: u32,
    f: F,
    /// `Invoke` as long as it is open.
    outcome: EventType,
}

const NOWHERE: u64 = u64::MAX;
const NO_TEXT: u32 = u32::MAX;

impl Operation {
    /// The event that completed it, and its time.
    pub fn completed(&self) -> Option<(u64, u64)> {
        let is_over = self.outcome != EventType::Invoke;
        is_over.then_some((self.complete_index, self.complete_ns))
    }
}

/// Texts by number.
#[derive(Clone, Debug, Default)]
pub(super) struct Texts {
    numbers: HashMap<String, usize>,
    pub texts: Vec<String>,
}

impl Texts {
    pub fn number(&mut self, text: &str) -> usize {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        self.numbers.insert(text.to_owned(), self.texts.len());
        self.texts.push(text.to_owned());
        self.texts.len() - 1
    }

    fn narrow(&mut self, text: &str) -> u32 {
        u32::try_from(self.number(text)).unwrap_or(NO_TEXT - 1)
    }
}

/// The texts that are used, numbered anew: those of a whole history would fill the page.
#[derive(Clone, Debug, Default)]
pub(super) struct Used {
    numbers: HashMap<usize, usize>,
    old: Vec<usize>,
}

impl Used {
    fn number(&mut self, old: usize) -> usize {
        *self.numbers.entry(old).or_insert_with(|| {
            self.old.push(old);
            self.old.len() - 1
        })
    }

    /// The new number of a text, if it is used.
    pub fn new_of(&self, old: usize) -> Option<usize> {
        self.numbers.get(&old).copied()
    }

    /// What is used of all texts, as long as it may be shown.
    pub fn texts(&self, all: &Texts) -> Vec<String> {
        self.old.iter().map(|&old| shortened(&all.texts[old], TEXT_CHARS)).collect()
    }
}

/// A history as the page needs it.
#[derive(Debug, Default)]
pub(super) struct Operations {
    pub all: Vec<Operation>,
    pub keys: Texts,
    pub clients: Texts,
    pub nodes: Texts,
    pub errors: Texts,
    /// The index of the last event, and its time.
    pub last: (u64, u64),
    /// The history, where the values are.
    file: Option<File>,
}

impl Operations {
    /// Reads a history as far as it can be read: the last line may be cut off. A folder without one
    /// has no operations.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let mut operations = Self::default();
        let mut open: HashMap<u64, usize> = HashMap::new();
        let path = folder.join("history.jsonl");
        let about = |place: &str, error: &io::Error| {
            io::Error::new(error.kind(), format!("{}{place}: {error}", path.display()))
        };
        let file = match stored::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(operations),
            file => file.map_err(|error| about("", &error))?,
        };
        let mut lines = BufReader::new(file.try_clone().map_err(|error| about("", &error))?);
        operations.file = Some(file);
        let (mut line, mut at) = (String::new(), 0);
        for number in 1_u64.. {
            line.clear();
            let read = lines.read_line(&mut line);
            let length = read.map_err(|error| about(&format!(", line {number}"), &error))?;
            if length == 0 {
                break;
            }
            // The first line is the header.
            if number > 1 {
                let Ok(event) = serde_json::from_str::<Event<'_>>(&line) else { break };
                operations.event(&event, at, &mut open);
            }
            at += length as u64;
        }
        Ok(operations)
    }

    /// An event, whose line begins at this place.
    fn event(&mut self, event: &Event<'_>, at: u64, open: &mut HashMap<u64, usize>) {
        if self.all.is_empty() || event.index >= self.last.0 {
            self.last = (event.index, event.time_ns);
        }
        let value_at = if event.value.is_some() { at } else { NOWHERE };
        let node = event.node.as_deref().map_or(NO_TEXT, |node| self.nodes.narrow(node));
        if event.r#type == EventType::Invoke {
            open.insert(event.process, self.all.len());
            self.all.push(Operation {
                invoke_index: event.index,
                complete_index: 0,
                invoke_ns: event.time_ns,
                complete_ns: 0,
                process: event.process,
                client: self.clients.narrow(&shortened(&event.client, TEXT_CHARS)),
                f: event.f,
                key: self.keys.narrow(&event.key),
                value_at,
                node,
                outcome: EventType::Invoke,
                error: NO_TEXT,
            });
            return;
        }
        let Some(place) = open.remove(&event.process) else { return };
        let error = event.error.as_deref().map_or(NO_TEXT, |error| self.errors.narrow(error));
        let operation = &mut self.all[place];
        operation.complete_index = event.index;
        operation.complete_ns = event.time_ns;
        operation.outcome = event.r#type;
        if value_at != NOWHERE {
            operation.value_at = value_at;
        }
        if node != NO_TEXT {
            operation.node = node;
        }
        operation.error = error;
    }

    /// The value in the line that begins at this place.
    fn value_at(&self, at: u64) -> Option<String> {
        let mut file = self.file.as_ref().filter(|_| at != NOWHERE)?;
        file.seek(SeekFrom::Start(at)).ok()?;
        let mut line = String::new();
        BufReader::with_capacity(LINE_BYTES, file).read_line(&mut line).ok()?;
        let event = serde_json::from_str::<Event<'_>>(&line).ok()?;
        event.value.as_deref().map(|value| shortened(value, VALUE_CHARS))
    }

    /// The place of the operation that the event with this index invoked.
    pub fn invoked_by(&self, index: u64) -> Option<usize> {
        self.all.binary_search_by_key(&index, |operation| operation.invoke_index).ok()
    }

    /// How many of all were completed in each part of the run, by outcome.
    pub fn rates(&self, end_us: u64) -> [Vec<u64>; 3] {
        let mut rates = [(); 3].map(|()| vec![0; RATE_PARTS]);
        for operation in &self.all {
            if let Some((_, end)) = operation.completed() {
                rates[usize::from(outcome_number(operation.outcome))]
                    [rate_part(end / 1000, end_us)] += 1;
            }
        }
        rates
    }

    /// These operations as columns.
    pub fn columns(&self, shown: Range<usize>, besides: &[usize]) -> Columns {
        let mut columns = Columns::default();
        let before = besides.iter().copied().filter(|&at| at < shown.start);
        let after = besides.iter().copied().filter(|&at| at >= shown.end);
        for at in before.chain(shown.clone()).chain(after) {
            let operation = self.all[at];
            let value = self.value_at(operation.value_at);
            columns.push(at, operation, value.as_deref());
        }
        columns
    }
}

fn outcome_number(outcome: EventType) -> u8 {
    match outcome {
        EventType::Ok => 0,
        EventType::Fail => 1,
        EventType::Info | EventType::Invoke => 2,
    }
}

/// At most so many characters of a text; what was longer shows it.
pub(super) fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Operations by column; times in microseconds, -1 where there is nothing.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Columns {
    op: Vec<usize>,
    invoke: Vec<u64>,
    took: Vec<i64>,
    process: Vec<u64>,
    client: Vec<usize>,
    f: Vec<&'static str>,
    key: Vec<usize>,
    value: Vec<i64>,
    node: Vec<i64>,
    outcome: Vec<u8>,
    error: Vec<i64>,
    event: Vec<u64>,
    end_event: Vec<i64>,
    #[serde(skip)]
    pub keys: Used,
    #[serde(skip)]
    pub values: Texts,
    #[serde(skip)]
    pub errors: Used,
}

impl Columns {
    fn push(&mut self, at: usize, operation: Operation, value: Option<&str>) {
        let number = |it: Option<usize>| it.and_then(|it| i64::try_from(it).ok()).unwrap_or(-1);
        let text = |it: u32| (it != NO_TEXT).then_some(it as usize);
        let invoke = operation.invoke_ns / 1000;
        // A file that was changed by hand may say that it ended before it began.
        let took = operation.completed().map(|(_, end)| (end / 1000).saturating_sub(invoke));
        self.op.push(at);
        self.invoke.push(invoke);
        self.took.push(took.and_then(|it| i64::try_from(it).ok()).unwrap_or(-1));
        self.process.push(operation.process);
        self.client.push(operation.client as usize);
        self.f.push(operation.f.name());
        self.key.push(self.keys.number(operation.key as usize));
        self.value.push(number(value.map(|value| self.values.number(value))));
        self.node.push(number(text(operation.node)));
        self.outcome.push(outcome_number(operation.outcome));
        self.error.push(number(text(operation.error).map(|it| self.errors.number(it))));
        self.event.push(operation.invoke_index);
        let end = operation.completed().and_then(|(index, _)| i64::try_from(index).ok());
        self.end_event.push(end.unwrap_or(-1));
    }
}
