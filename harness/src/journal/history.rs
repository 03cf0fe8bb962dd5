//! The history on disk, written as the run goes: before anything is judged.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use checker::event::{Event, EventType, F};
use serde::Serialize;

use super::lines::Lines;
use crate::op::{OpKind, OperationError, OperationRecord, Outcome};
use crate::time::RunTime;

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

/// Writes `history.jsonl`.
pub struct Journal {
    lines: Lines,
    path: PathBuf,
    events: u64,
}

impl Journal {
    /// Creates the file with its header line.
    pub fn create(path: &Path, scenario: &str, seed: u64) -> Result<Self, JournalError> {
        let failed = |reason| JournalError { path: path.to_owned(), reason };
        let header = Header { schema: SCHEMA, kind: "history", model: "kv", scenario, seed };
        let lines = Lines::create(path, &header).map_err(failed)?;
        Ok(Self { lines, path: path.to_owned(), events: 0 })
    }

    /// Writes that an operation was invoked.
    pub fn invoked(&mut self, operation: &OperationRecord) -> Result<(), JournalError> {
        let value = operation.value.as_deref();
        self.event(operation, EventType::Invoke, operation.invoked, value, None)
    }

    /// Writes that an operation was completed.
    pub fn completed(&mut self, operation: &OperationRecord) -> Result<(), JournalError> {
        let kind = match operation.outcome {
            Outcome::Ok => EventType::Ok,
            Outcome::Fail => EventType::Fail,
            Outcome::Info => EventType::Info,
        };
        let at = operation.completed.unwrap_or(operation.invoked);
        let error = operation.error.map(OperationError::name);
        self.event(operation, kind, at, operation.value.as_deref(), error)
    }

    fn event(
        &mut self,
        operation: &OperationRecord,
        kind: EventType,
        at: RunTime,
        value: Option<&str>,
        error: Option<&str>,
    ) -> Result<(), JournalError> {
        let event = Event {
            index: self.events,
            time_ns: at.0,
            process: operation.process,
            client: Cow::Owned(operation.client.to_string()),
            r#type: kind,
            f: match operation.kind {
                OpKind::Get => F::Get,
                OpKind::Put => F::Put,
            },
            key: Cow::Borrowed(&operation.key),
            value: value.map(Cow::Borrowed),
            node: operation.node.map(|node| Cow::Owned(node.to_string())),
            error: error.map(Cow::Borrowed),
        };
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
}
