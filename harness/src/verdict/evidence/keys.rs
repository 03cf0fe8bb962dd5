//! Which keys the answers show something of: those that were written and read.

use std::collections::BTreeMap;

use super::majority::Majority;
use super::requests::Requests;
use crate::op::Outcome;
use crate::record::RunRecord;

/// A key of which no read or no write was answered could only be missed by chance if it was asked
/// for less often than this.
const OFTEN: usize = 10;

/// What was asked of one key in the request phase, and answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Key {
    /// Reads that were asked while a majority could talk.
    pub gets_due: usize,
    /// Reads that were answered, final reads too: they show what became of the writes.
    pub gets: usize,
    /// Writes that were asked while a majority could talk.
    pub puts_due: usize,
    /// Writes that were answered.
    pub puts: usize,
}

impl Key {
    /// Whether it was written and read, so that there was something to check.
    pub fn is_shown(&self) -> bool {
        self.gets > 0 && self.puts > 0
    }

    /// Whether it was asked for often and in vain.
    pub fn is_missing(&self) -> bool {
        (self.gets == 0 && self.gets_due >= OFTEN) || (self.puts == 0 && self.puts_due >= OFTEN)
    }
}

/// The keys that were asked for in the request phase, by name.
pub fn keys<'a>(
    record: &'a RunRecord,
    requests: &Requests<'a>,
    majority: &Majority,
) -> BTreeMap<&'a str, Key> {
    let mut keys: BTreeMap<&str, Key> = BTreeMap::new();
    for operation in &requests.operations {
        let is_answered = requests.is_answered(operation);
        let is_due = is_answered || majority.could_talk(operation.invoked);
        let key = keys.entry(operation.key_name()).or_default();
        let (due, answered) = if operation.f.only_asks() {
            (&mut key.gets_due, &mut key.gets)
        } else {
            (&mut key.puts_due, &mut key.puts)
        };
        *due += usize::from(is_due);
        *answered += usize::from(is_answered);
    }
    let is_read = |outcome| outcome == Outcome::Ok;
    for read in record.operations.iter().filter(|it| it.is_final_read && is_read(it.outcome)) {
        if let Some(key) = keys.get_mut(read.key_name()) {
            key.gets += 1;
        }
    }
    keys
}
