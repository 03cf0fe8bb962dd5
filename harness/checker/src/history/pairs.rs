//! Keys inside values: pairs of a key and a value, as `jepsen.independent` has them, taken apart while they
//! are read.
//!
//! Whether pairs are keys and values, or values, shows only at the end of a file: they are the former if
//! the value of every invocation is one. So they are taken apart until the first that is none, and
//! then put together again: a register may hold `[1 2]`.
//!
//! What only asks (`read`, `dequeue`) is invoked with `[key nil]`, a compare-and-set with `[key [old new]]`.

use super::{History, Key, Operation, Outcome, PairingError, Value};
use crate::datum::{Encoded, Encoder};
use crate::event::F;
use crate::intern::Slices;
use crate::memory;

/// What is noted besides while every invocation has a pair.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    /// Operations whose answer is no pair of their key and a value.
    plain: Vec<u32>,
    /// The first answer about another key, which is wrong if pairs are keys and values.
    wrong: Option<PairingError>,
}

impl Pairs {
    /// The parts of the value of an invocation, if it can be a key and what the function is given.
    pub(super) fn split(f: F, value: Encoded<'_>) -> Option<(Encoded<'_>, Encoded<'_>)> {
        let (key, inside) = value.pair()?;
        let is_keyed = match f {
            F::Cas => inside.pair().is_some(),
            f if f.takes_nothing() => inside.is_nil(),
            _ => true,
        };
        is_keyed.then_some((key, inside))
    }

    /// The answer of an operation without its key.
    pub(super) fn answer<'a>(
        &mut self,
        history: &History,
        position: u32,
        index: u64,
        answer: Option<Encoded<'a>>,
    ) -> Option<Encoded<'a>> {
        let operation = &history.operations[position as usize];
        match answer.and_then(Encoded::pair) {
            Some((key, inside)) if key.bytes() == history.keys.get(operation.key.0) => {
                return Some(inside);
            }
            Some((key, _)) if self.wrong.is_none() => {
                self.wrong = Some(other_key(history, operation, index, key));
            }
            _ => {}
        }
        self.plain.push(position);
        answer
    }

    /// Nothing more follows: pairs are keys and values.
    pub(super) fn finish(self) -> Result<(), PairingError> {
        self.wrong.map_or(Ok(()), Err)
    }

    /// Puts all pairs together again: they are values.
    pub(super) fn join(mut self, history: &mut History) {
        self.plain.sort_unstable();
        let mut plain = self.plain.into_iter().peekable();
        let keys = std::mem::take(&mut history.keys);
        let halves = std::mem::replace(&mut history.values, History::first_values());
        let mut scratch = Encoder::default();
        for (position, operation) in (0..).zip(&mut history.operations) {
            let mut pair = |half: Value| {
                scratch.clear();
                let mark = scratch.begin();
                scratch.copy(Encoded::new(keys.get(operation.key.0)));
                scratch.copy(Encoded::new(halves.get(half.0)));
                scratch.end_list(mark);
                Value(history.values.intern(scratch.bytes()))
            };
            operation.argument = pair(operation.argument);
            let is_plain = plain.next_if_eq(&position).is_some();
            if operation.outcome == Outcome::Ok && !is_plain {
                operation.result = pair(operation.result);
            } else {
                operation.result = Value(history.values.intern(halves.get(operation.result.0)));
            }
            operation.key = Key(history.keys.intern(Encoded::NIL.bytes()));
        }
    }

    /// What is noted, in bytes of memory.
    pub(super) fn memory_bytes(&self) -> u64 {
        memory::long_list(&self.plain) as u64
    }

    /// What it takes, about, to put the pairs together.
    pub(super) fn join_bytes(halves: &Slices) -> u64 {
        const BYTES_PER_PAIR: u64 = 64;
        halves.memory_bytes() + BYTES_PER_PAIR * halves.len() as u64
    }
}

fn other_key(
    history: &History,
    operation: &Operation,
    index: u64,
    found: Encoded<'_>,
) -> PairingError {
    let name = history.name(operation.f);
    PairingError::Mismatch {
        index,
        process: history.process(operation),
        found: format!("{name} of {}", found.datum()),
        expected: format!("{name} of {}", history.key(operation.key)),
    }
}
