//! Pairing events into operations.

use rustc_hash::FxHashMap;

use super::interpret::{Interpreter, Reading};
use super::pairs::Pairs;
use super::{
    Backwards, History, Key, NO_NODE, OPEN, Operation, Outcome, PairingError, Process, Value,
};
use crate::datum::{Datum, Encoded, Encoder};
use crate::event::{Event, EventType, F};
use crate::history::lenient::{Lenient, Repairs};
use crate::memory;

/// An event of any history, for [`Recorder::record`].
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// The place in the total order of events; strictly increasing.
    pub index: u64,
    /// Nanoseconds of the run.
    pub time_ns: u64,
    /// The logical, single-threaded caller.
    pub process: u64,
    /// The client, for people.
    pub client: &'a str,
    /// What happened.
    pub r#type: EventType,
    /// Which function.
    pub f: F,
    /// The key it works on; `None` if there is but one object, or the key is part of the value.
    pub key: Option<&'a Datum>,
    /// What is given, or answered. A compare-and-set is given a list: what it expects, what it writes.
    pub value: Option<&'a Datum>,
    /// In the `ok` of a compare-and-set, that it was answered "holds something else".
    pub refused: bool,
    /// The replica that answered, or was asked.
    pub node: Option<&'a str>,
}

/// The same with values in their bytes: what readers hand over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line<'a> {
    pub(crate) index: u64,
    /// That of the event before if missing.
    pub(crate) time_ns: Option<u64>,
    pub(crate) process: u64,
    pub(crate) client: &'a str,
    pub(crate) r#type: EventType,
    pub(crate) f: F,
    pub(crate) key: Option<Encoded<'a>>,
    pub(crate) value: Option<Encoded<'a>>,
    pub(crate) refused: bool,
    /// Whether a `fail` gives a reason, such as a time-out.
    pub(crate) has_error: bool,
    pub(crate) node: Option<&'a str>,
}

/// The position of no operation.
const NONE: u32 = u32::MAX;

/// What a compare-and-set's halves take at the most, if they are small.
const BYTES_PER_SWAP: u64 = 32;

/// Pairs events, taken in order, into a [`History`].
#[derive(Debug)]
pub struct Recorder {
    history: History,
    reading: Reading,
    lenient: Option<Lenient>,
    process_ids: FxHashMap<u64, u32>,
    /// The open operation of each process, by the id of the process, or [`NONE`].
    open: Vec<u32>,
    /// The key of the last invocation.
    last_key: Option<Key>,
    last_index: Option<u64>,
    last_ns: u64,
    has_keys: bool,
    /// While the value of each invocation so far may be a key and what is given.
    pairs: Option<Pairs>,
    /// Compare-and-sets so far.
    swaps: u64,
    /// The key and the value of an event of the journal, encoded.
    scratch: Encoder,
}

impl Default for Recorder {
    fn default() -> Self {
        Recorder::new()
    }
}

impl Recorder {
    /// A recorder that has seen nothing.
    pub fn new() -> Self {
        Recorder::reading(Reading::default())
    }

    /// A recorder that reads by these rules.
    pub fn reading(reading: Reading) -> Self {
        Recorder {
            history: History::new(),
            reading,
            lenient: reading.is_lenient.then(Lenient::default),
            process_ids: FxHashMap::default(),
            open: Vec::new(),
            last_key: None,
            last_index: None,
            last_ns: 0,
            has_keys: false,
            pairs: Some(Pairs::default()),
            swaps: 0,
            scratch: Encoder::default(),
        }
    }

    /// The rules, which a file's header may change.
    pub(crate) fn rules(&mut self) -> &mut Reading {
        &mut self.reading
    }

    /// How often each rule of repair was used.
    pub fn repairs(&self) -> Repairs {
        self.lenient.as_ref().map(Lenient::repairs).unwrap_or_default()
    }

    /// How many events were taken.
    pub fn events(&self) -> u64 {
        self.history.events
    }

    /// Whether each invocation so far has a pair that may be a key and what its function is given.
    pub(crate) fn has_pairs_only(&self) -> bool {
        self.pairs.is_some()
    }

    /// What is taken so far, in bytes, with what [`Recorder::finish`] takes besides.
    pub fn memory_bytes(&self) -> u64 {
        let processes =
            memory::growing_hash_map(&self.process_ids) + memory::growing_list(&self.open);
        self.history.memory_bytes() + processes as u64 + self.finish_bytes()
    }

    /// Pairs may have to be put together, and compare-and-sets leave their halves.
    fn finish_bytes(&self) -> u64 {
        let pairs = self.pairs.as_ref();
        let joined =
            pairs.map_or(0, |it| it.memory_bytes() + Pairs::join_bytes(&self.history.values));
        joined + BYTES_PER_SWAP * self.swaps
    }

    /// Takes the next event of the project's own kind.
    pub fn push(&mut self, event: &Event<'_>) -> Result<(), PairingError> {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        scratch.text(&event.key);
        let middle = scratch.at();
        if let Some(value) = &event.value {
            scratch.text(value);
        }
        let recorded = self.line(&Line {
            index: event.index,
            time_ns: Some(event.time_ns),
            process: event.process,
            client: &event.client,
            r#type: event.r#type,
            f: event.f,
            key: Some(scratch.slice(0, middle)),
            value: event.value.is_some().then(|| scratch.slice(middle, scratch.at())),
            refused: false,
            has_error: event.error.is_some(),
            node: event.node.as_deref(),
        });
        self.scratch = scratch;
        recorded
    }

    /// Takes the next event of any kind.
    pub fn record(&mut self, entry: &Entry<'_>) -> Result<(), PairingError> {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        if let Some(key) = entry.key {
            scratch.datum(key);
        }
        let middle = scratch.at();
        if let Some(value) = entry.value {
            scratch.datum(value);
        }
        let recorded = self.line(&Line {
            index: entry.index,
            time_ns: Some(entry.time_ns),
            process: entry.process,
            client: entry.client,
            r#type: entry.r#type,
            f: entry.f,
            key: entry.key.map(|_| scratch.slice(0, middle)),
            value: entry.value.map(|_| scratch.slice(middle, scratch.at())),
            refused: entry.refused,
            has_error: false,
            node: entry.node,
        });
        self.scratch = scratch;
        recorded
    }

    /// Notes that the history says `read` and `write`.
    pub(crate) fn says_read(&mut self) {
        self.history.says_read = true;
    }

    /// Makes the symbols of all values numbers, where that is wanted and they are some; else texts.
    pub(crate) fn type_symbols(&mut self, as_numbers: bool) {
        self.history.type_symbols(as_numbers);
    }

    pub(crate) fn line(&mut self, line: &Line<'_>) -> Result<(), PairingError> {
        match &mut self.lenient {
            None => self.take(line),
            Some(lenient) => match lenient.line(line) {
                Some(line) => self.take(&line),
                None => Ok(()),
            },
        }
    }

    /// The history of all events so far. What has no completion is open.
    pub fn finish(mut self) -> Result<History, PairingError> {
        if let Some(pairs) = self.pairs.take() {
            pairs.finish()?;
            self.has_keys = true;
        }
        Interpreter::new(&mut self.history, self.reading, self.has_keys).interpret()?;
        Ok(self.history)
    }

    fn take(&mut self, line: &Line<'_>) -> Result<(), PairingError> {
        let (index, time_ns) = self.place(line)?;
        match line.r#type {
            EventType::Invoke => self.invoke(line, index, time_ns)?,
            EventType::Ok => self.complete(line, index, time_ns, Outcome::Ok)?,
            EventType::Fail => self.complete(line, index, time_ns, Outcome::Fail)?,
            EventType::Info => self.complete(line, index, time_ns, Outcome::Info)?,
        }
        self.last_index = Some(line.index);
        self.last_ns = time_ns;
        self.history.events += 1;
        Ok(())
    }

    /// The order is that of the events. Times are for people, unless they are to be strict.
    fn place(&mut self, line: &Line<'_>) -> Result<(u32, u64), PairingError> {
        let index = line.index;
        let small = u32::try_from(index).ok().filter(|&small| small != OPEN);
        let small = small.ok_or(PairingError::TooMany { index })?;
        if let Some(before) = self.last_index
            && index <= before
        {
            return Err(PairingError::IndexBackwards { index, before });
        }
        let before_ns = self.last_ns;
        let time_ns = line.time_ns.unwrap_or(before_ns);
        if time_ns < before_ns {
            if self.reading.strict_time {
                return Err(PairingError::TimeBackwards { index, time_ns, before_ns });
            }
            self.runs_backwards(index, before_ns - time_ns);
        }
        Ok((small, time_ns))
    }

    fn runs_backwards(&mut self, index: u64, step_ns: u64) {
        let known =
            self.history.backwards.get_or_insert(Backwards { count: 0, largest_ns: 0, index });
        known.count += 1;
        if step_ns > known.largest_ns {
            (known.largest_ns, known.index) = (step_ns, index);
        }
    }

    fn invoke(&mut self, line: &Line<'_>, index: u32, time_ns: u64) -> Result<(), PairingError> {
        let process = self.process(line);
        if let Some(open) = self.history.operations.get(self.open[process as usize] as usize) {
            let (index, open) = (line.index, open.invoke_index());
            return Err(PairingError::AlreadyOpen { index, process: line.process, open });
        }
        self.has_keys |= line.key.is_some();
        let (key, argument) = self.key_and_argument(line);
        self.swaps += u64::from(line.f == F::Cas);
        let operation = Operation {
            invoke_ns: time_ns,
            complete_ns: 0,
            invoke: index,
            complete: OPEN,
            key: self.key(key),
            argument: self.value(argument),
            result: Value::NIL,
            process,
            node: self.node(line),
            f: line.f,
            outcome: Outcome::Info,
            refused: false,
            failed_plainly: false,
        };
        let position = u32::try_from(self.history.operations.len());
        let position = position.expect("there are no more operations than indices");
        self.history.operations.push(operation);
        self.open[process as usize] = position;
        Ok(())
    }

    /// The key of an invocation and what is given; both may be in its value.
    fn key_and_argument<'a>(
        &mut self,
        line: &Line<'a>,
    ) -> (Option<Encoded<'a>>, Option<Encoded<'a>>) {
        if self.pairs.is_some()
            && line.key.is_none()
            && let Some((key, argument)) = line.value.and_then(|value| Pairs::split(line.f, value))
        {
            return (Some(key), Some(argument));
        }
        if let Some(pairs) = self.pairs.take() {
            pairs.join(&mut self.history);
            self.last_key = None;
        }
        (line.key, line.value)
    }

    fn complete(
        &mut self,
        line: &Line<'_>,
        index: u32,
        time_ns: u64,
        outcome: Outcome,
    ) -> Result<(), PairingError> {
        let process = line.process;
        let place = self.process_ids.get(&process).map(|&id| id as usize);
        let position = place.map_or(NONE, |place| self.open[place]);
        let (Some(place), Some(&invoked)) = (place, self.history.operations.get(position as usize))
        else {
            return Err(PairingError::NotInvoked { index: line.index, process });
        };
        let invoked_key = match self.pairs {
            Some(_) => Encoded::NIL,
            None => Encoded::new(self.history.keys.get(invoked.key.0)),
        };
        let is_same_key = line.key.is_none_or(|key| key == invoked_key);
        if invoked.f != line.f || !is_same_key {
            let name = |f| self.history.name(f);
            let key = line.key.map(Encoded::datum).unwrap_or_default();
            let found = format!("{} of {key}", name(line.f));
            let expected = format!("{} of {}", name(invoked.f), invoked_key.datum());
            return Err(PairingError::Mismatch { index: line.index, process, found, expected });
        }
        let node = self.node(line);
        let answer = match (outcome, &mut self.pairs) {
            (Outcome::Ok, Some(pairs)) => {
                pairs.answer(&self.history, position, line.index, line.value)
            }
            (Outcome::Ok, None) => line.value,
            _ => None,
        };
        // Most writes repeat what they were given.
        let repeats = answer.is_some_and(|it| self.history.encoded(invoked.argument) == it);
        let result = if repeats { invoked.argument } else { self.value(answer) };
        self.open[place] = NONE;
        let operation = &mut self.history.operations[position as usize];
        operation.outcome = outcome;
        operation.result = result;
        operation.refused = line.refused;
        operation.failed_plainly = outcome == Outcome::Fail && !line.has_error;
        operation.complete_ns = time_ns;
        if outcome != Outcome::Info {
            operation.complete = index;
        }
        if node != NO_NODE {
            operation.node = node;
        }
        Ok(())
    }

    fn key(&mut self, key: Option<Encoded<'_>>) -> Key {
        let bytes = key.unwrap_or(Encoded::NIL).bytes();
        let keys = &mut self.history.keys;
        let is_last = |last: &Key| keys.get(last.0) == bytes;
        let key = self.last_key.filter(is_last).unwrap_or_else(|| Key(keys.intern(bytes)));
        self.last_key = Some(key);
        key
    }

    fn value(&mut self, value: Option<Encoded<'_>>) -> Value {
        match value {
            Some(value) if !value.is_nil() => Value(self.history.values.intern(value.bytes())),
            _ => Value::NIL,
        }
    }

    fn process(&mut self, line: &Line<'_>) -> u32 {
        let Recorder { history, process_ids, open, .. } = self;
        *process_ids.entry(line.process).or_insert_with(|| {
            let client = history.names.intern(line.client);
            history.processes.push(Process { number: line.process, client });
            open.push(NONE);
            u32::try_from(history.processes.len() - 1).expect("no more processes than events")
        })
    }

    fn node(&mut self, line: &Line<'_>) -> u32 {
        line.node.map_or(NO_NODE, |node| self.history.names.intern(node))
    }
}
