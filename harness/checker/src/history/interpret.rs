//! What the values of a history mean, once all of them are known and keys are taken out of them
//! ([`Pairs`](super::pairs::Pairs)).
//!
//! - *Names of locks*: where every `acquire` and `release` is given a text or keyword and nothing has a
//!   key, that is the lock.
//! - *Compare-and-set*: its value is `[old new]`.
//! - *A failed compare-and-set* was not done. That the register held something else is assumed only
//!   where that is asked for ([`FailedCas::Refused`]), and of those that give no other reason.

use super::{History, Key, Operation, Outcome, PairingError, Value};
use crate::datum::{Encoded, View};
use crate::event::F;

/// What a compare-and-set says that ended in `fail` and gave no reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FailedCas {
    /// That nothing was done, and nothing else.
    #[default]
    NotDone,
    /// That the register held something else than was expected.
    Refused,
}

/// How a file is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reading {
    /// What a failed compare-and-set says; `None`: what its format means by it.
    pub failed_cas: Option<FailedCas>,
    /// Whether times that run backwards are refused.
    pub strict_time: bool,
    /// Whether what does not fit is repaired by the rules of [`lenient`](crate::history::lenient).
    pub is_lenient: bool,
}

pub(super) struct Interpreter<'a> {
    history: &'a mut History,
    reading: Reading,
    has_keys: bool,
}

impl<'a> Interpreter<'a> {
    pub(super) fn new(history: &'a mut History, reading: Reading, has_keys: bool) -> Self {
        Interpreter { history, reading, has_keys }
    }

    pub(super) fn interpret(mut self) -> Result<(), PairingError> {
        if !self.has_keys && self.locks_are_named() {
            self.name_locks();
        }
        for position in 0..self.history.operations.len() {
            let operation = self.history.operations[position];
            let meant = self.operation(operation)?;
            self.history.operations[position] = meant;
        }
        Ok(())
    }

    fn locks_are_named(&self) -> bool {
        let operations = &self.history.operations;
        !operations.is_empty()
            && operations.iter().all(|op| {
                matches!(op.f, F::Acquire | F::Release)
                    && matches!(
                        self.history.encoded(op.argument).view(),
                        View::Text(_) | View::Keyword(_) | View::Symbol(_)
                    )
            })
    }

    fn name_locks(&mut self) {
        self.history.keys = crate::intern::Slices::default();
        for op in &mut self.history.operations {
            let name = Encoded::new(self.history.values.get(op.argument.0));
            op.key = Key(self.history.keys.intern(name.bytes()));
            if op.result == op.argument {
                op.result = Value::NIL;
            }
            op.argument = Value::NIL;
        }
    }

    /// One operation with its parts in their places.
    fn operation(&mut self, op: Operation) -> Result<Operation, PairingError> {
        let op = match op.f {
            F::Cas => self.swap(op)?,
            F::Put | F::Append if op.outcome == Outcome::Ok => self.repeats(op)?,
            _ => op,
        };
        // What is asked for is not what was there.
        Ok(if op.f == F::Get { Operation { argument: Value::NIL, ..op } } else { op })
    }

    fn swap(&mut self, op: Operation) -> Result<Operation, PairingError> {
        let Some((expected, new)) = self.halves(op.argument) else {
            return Err(PairingError::NoValue {
                index: op.invoke_index(),
                f: self.history.name(op.f),
                what: "[old new]",
                found: self.history.value(op.argument).to_string(),
            });
        };
        let is_repeated = op.result == op.argument || op.result == Value::NIL;
        // What is answered besides, `true` or what is there now, is not looked at.
        if op.outcome == Outcome::Ok
            && !op.refused
            && !is_repeated
            && let Some((old, other)) = self.halves(op.result)
        {
            let told = |old, new| {
                let (old, new) = (self.history.value(old), self.history.value(new));
                format!("cas of {} from {old} to {new}", self.history.key(op.key))
            };
            return Err(self.mismatch(&op, told(old, other), told(expected, new)));
        }
        let counts_as_refused = self.reading.failed_cas == Some(FailedCas::Refused)
            && op.outcome == Outcome::Fail
            && op.failed_plainly;
        let op = Operation { argument: new, result: expected, ..op };
        if counts_as_refused {
            return Ok(Operation { outcome: Outcome::Ok, refused: true, ..op });
        }
        Ok(op)
    }

    fn halves(&mut self, pair: Value) -> Option<(Value, Value)> {
        let (old, new) = self.history.encoded(pair).pair()?;
        let (old, new) = (old.bytes().to_vec(), new.bytes().to_vec());
        Some((Value(self.history.values.intern(&old)), Value(self.history.values.intern(&new))))
    }

    /// The `ok` of a write may repeat what was asked for, but not say something else.
    fn repeats(&self, op: Operation) -> Result<Operation, PairingError> {
        if op.result == Value::NIL || op.result == op.argument {
            return Ok(Operation { result: Value::NIL, ..op });
        }
        let told = |value| {
            let (name, value) = (self.history.name(op.f), self.history.value(value));
            format!("{name} of {} with {value}", self.history.key(op.key))
        };
        Err(self.mismatch(&op, told(op.result), told(op.argument)))
    }

    fn mismatch(&self, op: &Operation, found: String, expected: String) -> PairingError {
        let index = op.complete_index().unwrap_or_default();
        PairingError::Mismatch { index, process: self.history.process(op), found, expected }
    }
}
