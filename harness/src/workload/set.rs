//! A set: each element is added once, and reads return all of them.

use checker::Datum;

use super::{Draws, Settings, Workload};
use crate::op::{F, Op};

/// Additions and reads.
pub struct Elements {
    mix: f64,
    added: i64,
}

impl Elements {
    /// The set is empty.
    pub fn new(settings: &Settings) -> Self {
        Self { mix: settings.mix, added: 0 }
    }
}

impl Workload for Elements {
    fn next(&mut self, _client: usize, draws: &mut Draws) -> Op {
        if draws.is(self.mix) {
            return Op::new(F::Get, Datum::Nil);
        }
        self.added += 1;
        Op::new(F::Add, self.added.into())
    }

    fn final_ops(&mut self, clients: usize) -> Vec<(usize, Op)> {
        reads(clients)
    }
}

/// Each client reads the only object.
pub fn reads(clients: usize) -> Vec<(usize, Op)> {
    (0..clients).map(|client| (client, Op::new(F::Get, Datum::Nil))).collect()
}
