//! The history on disk, written as the run goes: before anything is judged.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use checker::{Datum, EventType, F, ModelName};
use serde::Serialize;

use super::ended::EndedOperations;
use super::lines::Lines;
use crate::files::counted::Seal;
use crate::files::folder::Folder;
use crate::op::{OperationError, OperationRecord, Outcome};
use crate::plan::Plan;
use crate::time::RunTime;

/// The name in a run's folder.
pub const NAME: &str = "history.jsonl";

/// The version of the shape of `history.jsonl`.
pub const SCHEMA: u32 = 1;

/// The first line of a history.
#[derive(Debug, Serialize)]
struct Header<'a> {
    schema: u32,
    kind: &'static str,
    model: &'static str,
    scenario: &'a str,
    seed: u64,
}

impl<'a> Header<'a> {
    fn of(about: About<'a>) -> Self {
        let About { scenario, seed, model } = about;
        Self { schema: SCHEMA, kind: "history", model: model.info().name, scenario, seed }
    }
}

/// What a history is of.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// The name of the scenario.
    pub scenario: &'a str,
    /// The seed of the run.
    pub seed: u64,
    /// What the system under test promises.
    pub model: ModelName,
}

impl<'a> About<'a> {
    /// The history of a run with this plan.
    pub fn of(plan: &'a Plan) -> Self {
        let scenario = &plan.scenario;
        Self { scenario: &scenario.name, seed: plan.seed.0, model: scenario.model() }
    }
}

/// A line of a history after its header. The order of the fields is that of the file.
#[derive(Debug, Serialize)]
struct Event<'a> {
    index: u64,
    time_ns: u64,
    process: u64,
    client: String,
    r#type: EventType,
    f: F,
    key: Option<&'a str>,
    value: &'a Datum,
    node: Option<String>,
    error: Option<&'a str>,
}

/// Writing the history failed.
#[derive(Debug, thiserror::Error)]
#[error(
    "the history cannot be written to {path}: {reason}; free some room there, or give another \
         place with --results DIR"
)]
pub struct JournalError {
    path: PathBuf,
    /// What the system said.
    pub reason: io::Error,
}

/// A finished run's history.
#[derive(Debug)]
pub enum Kept {
    /// The file, whatever has its name now.
    File(File),
    /// Its bytes: the file does not hold them.
    Memory(Vec<u8>),
}

/// Writes `history.jsonl`.
pub struct Journal {
    lines: Lines,
    ended: EndedOperations,
    path: PathBuf,
    events: u64,
}

impl Journal {
    /// Creates the file with its header line in the folder of a run, which is at `path`.
    pub fn create(folder: &Folder, path: &Path, about: About<'_>) -> Result<Self, JournalError> {
        let path = path.join(NAME);
        let failed = |reason| JournalError { path: path.clone(), reason };
        let lines = Lines::create(folder, NAME, &Header::of(about)).map_err(failed)?;
        Ok(Self { lines, ended: EndedOperations::create(folder), path, events: 0 })
    }

    /// Writes that an operation was invoked.
    pub fn invoked(&mut self, operation: &OperationRecord) -> Result<(), JournalError> {
        self.event(invocation(operation))
    }

    /// Writes that an operation was completed. It is kept even if that fails.
    pub fn completed(&mut self, operation: &OperationRecord) -> Result<(), JournalError> {
        self.ended.add(operation);
        self.event(completion(operation))
    }

    fn event(&mut self, event: Event<'_>) -> Result<(), JournalError> {
        let event = Event { index: self.events, ..event };
        self.events += 1;
        self.line(&event)
    }

    fn line(&mut self, value: &impl Serialize) -> Result<(), JournalError> {
        let written = self.lines.write(value);
        written.map_err(|reason| JournalError { path: self.path.clone(), reason })
    }

    /// Hands everything to the system: what was flushed survives the harness.
    pub fn flush(&mut self) -> Result<(), JournalError> {
        let flushed = self.lines.flush();
        flushed.map_err(|reason| JournalError { path: self.path.clone(), reason })
    }

    /// No more is written. The operations that ended are all that were kept.
    pub fn close(self) -> (Seal, EndedOperations) {
        (self.lines.close(), self.ended)
    }
}

/// The same history from memory, for a file that was lost: each completion as late as its time allows, so that no
/// order of operations is claimed that the file did not claim.
pub fn from_memory(
    operations: &[OperationRecord],
    about: About<'_>,
    out: &mut impl Write,
) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &Header::of(about))?;
    for (index, event) in (0..).zip(in_order(operations)) {
        out.write_all(b"\n")?;
        serde_json::to_writer(&mut *out, &Event { index, ..event })?;
    }
    out.write_all(b"\n")
}

/// All events: an operation completes before the next one of its process is invoked, and before any that is invoked
/// later.
fn in_order(operations: &[OperationRecord]) -> Vec<Event<'_>> {
    let mut next_of_process = BTreeMap::new();
    let mut completions = Vec::new();
    for (place, operation) in operations.iter().enumerate().rev() {
        let next = next_of_process.insert(operation.process, place).unwrap_or(operations.len());
        if let Some(at) = operation.completed {
            let later = operations.partition_point(|it| it.invoked <= at);
            completions.push((next.min(later), at, place));
        }
    }
    completions.sort_unstable();
    let mut completions = completions.into_iter().peekable();
    let mut events = Vec::with_capacity(2 * operations.len());
    for place in 0..=operations.len() {
        while let Some((_, _, of)) = completions.next_if(|(before, ..)| *before <= place) {
            events.push(completion(&operations[of]));
        }
        events.extend(operations.get(place).map(invocation));
    }
    events
}

fn invocation(operation: &OperationRecord) -> Event<'_> {
    event(operation, EventType::Invoke, operation.invoked)
}

fn completion(operation: &OperationRecord) -> Event<'_> {
    let kind = match operation.outcome {
        Outcome::Ok => EventType::Ok,
        Outcome::Fail => EventType::Fail,
        Outcome::Info => EventType::Info,
    };
    let at = operation.completed.unwrap_or(operation.invoked);
    Event {
        value: operation.told(),
        error: operation.error.as_ref().map(OperationError::name),
        ..event(operation, kind, at)
    }
}

fn event(operation: &OperationRecord, kind: EventType, at: RunTime) -> Event<'_> {
    Event {
        index: 0,
        time_ns: at.0,
        process: operation.process,
        client: operation.client.to_string(),
        r#type: kind,
        f: operation.f,
        key: operation.key.as_deref(),
        value: &operation.value,
        node: operation.node.map(|node| node.to_string()),
        error: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::NodeId;
    use crate::record::sample;

    #[test]
    fn a_history_from_memory_is_the_one_that_was_written() {
        let operation =
            |index: u64, process: u16, invoked, completed: Option<u64>| OperationRecord {
                index,
                process: process.into(),
                client: NodeId(process),
                invoked: RunTime(invoked),
                completed: completed.map(RunTime),
                outcome: if completed.is_some() { Outcome::Ok } else { Outcome::Info },
                ..sample::record().operations[0].clone()
            };
        // The second process asks again at once, in the moment of its answer; the last is never answered.
        let operations = [
            operation(0, 20, 5, Some(9)),
            operation(1, 21, 6, Some(7)),
            operation(2, 21, 7, Some(7)),
            operation(3, 21, 7, Some(12)),
            operation(4, 20, 9, None),
        ];
        let about = About { scenario: "demo", seed: 3, model: ModelName::Kv };
        let folder = tempfile::tempdir().unwrap();
        let open = Folder::open(folder.path()).unwrap();
        let mut journal = Journal::create(&open, folder.path(), about).unwrap();
        for (is_completion, n) in [
            (false, 0),
            (false, 1),
            (true, 1),
            (false, 2),
            (true, 2),
            (false, 3),
            (true, 0),
            (false, 4),
            (true, 3),
        ] {
            let operation = &operations[n];
            if is_completion {
                journal.completed(operation).unwrap();
            } else {
                journal.invoked(operation).unwrap();
            }
        }
        journal.flush().unwrap();
        let mut from_memory = Vec::new();
        super::from_memory(&operations, about, &mut from_memory).unwrap();
        let written = std::fs::read_to_string(folder.path().join(NAME)).unwrap();
        assert_eq!(String::from_utf8(from_memory).unwrap(), written);
    }
}
