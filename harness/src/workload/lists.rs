//! Lists under keys: each appended element is a new one.

use checker::Datum;

use super::keys::Keys;
use super::register::reads_of;
use super::{Draws, Settings, Workload};
use crate::op::{F, Op};

/// Appends and reads.
pub struct Lists {
    keys: Keys,
    mix: f64,
    appended: i64,
}

impl Lists {
    /// All lists are empty.
    pub fn new(settings: &Settings) -> Self {
        Self { keys: Keys::new(settings.keys), mix: settings.mix, appended: 0 }
    }
}

impl Workload for Lists {
    fn next(&mut self, _client: usize, draws: &mut Draws) -> Op {
        let is_read = draws.is(self.mix);
        let key = self.keys.choose(draws, !is_read);
        if is_read {
            return Op::of_key(F::Get, key, Datum::Nil);
        }
        self.appended += 1;
        Op::of_key(F::Append, key, self.appended.into())
    }

    fn final_ops(&mut self, clients: usize) -> Vec<(usize, Op)> {
        reads_of(&self.keys, clients)
    }
}
