//! The operations of `history.jsonl`, as columns.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::ops::Range;
use std::path::Path;

use checker::event::{Event, EventType};
use serde::Serialize;

/// The longest value that is shown.
const VALUE_CHARS: usize = 60;

/// The longest key, error or name of a client that is shown.
const TEXT_CHARS: usize = 200;

/// Rates are shown in so many parts of the run.
pub(super) const RATE_PARTS: usize = 100;

/// The part of a run until `end_us` in which this time lies.
pub(super) fn rate_part(time_us: u64, end_us: u64) -> usize {
    let parts = RATE_PARTS as u64;
    usize::try_from((time_us * parts / end_us.max(1)).min(parts - 1)).unwrap_or(0)
}

/// One operation, with its texts by number.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub invoke_index: u64,
    pub complete_index: Option<u64>,
    pub invoke_ns: u64,
    pub complete_ns: Option<u64>,
    pub process: u64,
    pub client: usize,
    pub f: &'static str,
    pub key: usize,
    pub value: Option<usize>,
    pub node: Option<usize>,
    pub outcome: EventType,
    pub error: Option<usize>,
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
#[derive(Clone, Debug, Default)]
pub(super) struct Operations {
    pub all: Vec<Operation>,
    pub keys: Texts,
    pub values: Texts,
    pub clients: Texts,
    pub nodes: Texts,
    pub errors: Texts,
    /// The time of each event, by its index.
    pub event_times: BTreeMap<u64, u64>,
}

impl Operations {
    /// Reads a history as far as it can be read: the last line may be cut off. A folder without one
    /// has no operations.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let mut operations = Self::default();
        let mut open: HashMap<u64, usize> = HashMap::new();
        let file = match File::open(folder.join("history.jsonl")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(operations),
            file => file?,
        };
        for line in BufReader::new(file).lines().skip(1) {
            let line = line?;
            let Ok(event) = serde_json::from_str::<Event<'_>>(&line) else { break };
            operations.event(&event, &mut open);
        }
        Ok(operations)
    }

    fn event(&mut self, event: &Event<'_>, open: &mut HashMap<u64, usize>) {
        self.event_times.insert(event.index, event.time_ns);
        let value =
            event.value.as_deref().map(|value| self.values.number(&shortened(value, VALUE_CHARS)));
        let node = event.node.as_deref().map(|node| self.nodes.number(node));
        if event.r#type == EventType::Invoke {
            open.insert(event.process, self.all.len());
            self.all.push(Operation {
                invoke_index: event.index,
                complete_index: None,
                invoke_ns: event.time_ns,
                complete_ns: None,
                process: event.process,
                client: self.clients.number(&shortened(&event.client, TEXT_CHARS)),
                f: event.f.name(),
                key: self.keys.number(&event.key),
                value,
                node,
                outcome: EventType::Info,
                error: None,
            });
            return;
        }
        let Some(at) = open.remove(&event.process) else { return };
        let error = event.error.as_deref().map(|error| self.errors.number(error));
        let operation = &mut self.all[at];
        operation.complete_index = Some(event.index);
        operation.complete_ns = Some(event.time_ns);
        operation.outcome = event.r#type;
        operation.value = value.or(operation.value);
        operation.node = node.or(operation.node);
        operation.error = error;
    }

    /// The place of the operation that the event with this index invoked.
    pub fn invoked_by(&self, index: u64) -> Option<usize> {
        self.all.binary_search_by_key(&index, |operation| operation.invoke_index).ok()
    }

    /// How many of all were completed in each part of the run, by outcome.
    pub fn rates(&self, end_us: u64) -> [Vec<u64>; 3] {
        let mut rates = [(); 3].map(|()| vec![0; RATE_PARTS]);
        for operation in &self.all {
            if let Some(end) = operation.complete_ns {
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
            columns.push(at, &self.all[at]);
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
    pub values: Used,
    #[serde(skip)]
    pub errors: Used,
}

impl Columns {
    fn push(&mut self, at: usize, operation: &Operation) {
        let number = |it: Option<usize>| it.and_then(|it| i64::try_from(it).ok()).unwrap_or(-1);
        let invoke = operation.invoke_ns / 1000;
        let took = operation.complete_ns.map(|end| end / 1000 - invoke);
        self.op.push(at);
        self.invoke.push(invoke);
        self.took.push(took.and_then(|it| i64::try_from(it).ok()).unwrap_or(-1));
        self.process.push(operation.process);
        self.client.push(operation.client);
        self.f.push(operation.f);
        self.key.push(self.keys.number(operation.key));
        self.value.push(number(operation.value.map(|it| self.values.number(it))));
        self.node.push(number(operation.node));
        self.outcome.push(outcome_number(operation.outcome));
        self.error.push(number(operation.error.map(|it| self.errors.number(it))));
        self.event.push(operation.invoke_index);
        let end = operation.complete_index.and_then(|it| i64::try_from(it).ok());
        self.end_event.push(end.unwrap_or(-1));
    }
}
