//! Registers under keys: each written value is a new one.

use checker::Datum;

use super::keys::Keys;
use super::{Draws, Settings, Workload};
use crate::limits;
use crate::op::{F, Op};

/// Reads and writes.
pub struct Registers {
    keys: Keys,
    mix: f64,
    written: i64,
    /// Whether texts are written, which say in which order, rather than numbers.
    are_texts: bool,
}

impl Registers {
    /// Nothing is written yet.
    pub fn new(settings: &Settings) -> Self {
        Self { keys: Keys::new(settings.keys), mix: settings.mix, written: 0, are_texts: false }
    }

    /// The same with texts, as the course's clients write them.
    pub fn of_texts(settings: &Settings) -> Self {
        Self { are_texts: true, ..Self::new(settings) }
    }
}

impl Workload for Registers {
    fn next(&mut self, _client: usize, draws: &mut Draws) -> Op {
        let is_read = draws.is(self.mix);
        let key = self.keys.choose(draws, !is_read);
        if is_read {
            return Op::of_key(F::Get, key, Datum::Nil);
        }
        self.written += 1;
        let value = if self.are_texts {
            Datum::text(&format!("v{}", self.written))
        } else {
            self.written.into()
        };
        Op::of_key(F::Put, key, value)
    }

    fn final_ops(&mut self, clients: usize) -> Vec<(usize, Op)> {
        reads_of(&self.keys, clients)
    }
}

/// Each key is read by several clients.
pub fn reads_of(keys: &Keys, clients: usize) -> Vec<(usize, Op)> {
    let readers = limits::FINAL_READERS.min(clients);
    let reads = (0..readers).flat_map(|reader| {
        let by_key = keys.all().enumerate();
        by_key.map(move |(n, key)| {
            ((n + reader) % clients, Op::of_key(F::Get, key.clone(), Datum::Nil))
        })
    });
    reads.take(limits::FINAL_OPERATIONS).collect()
}
