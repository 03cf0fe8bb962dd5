//! A number that is added to, and read.

use checker::Datum;

use super::set::reads;
use super::{Draws, Settings, Workload};
use crate::op::{F, Op};

/// The largest amount.
const LARGEST: usize = 5;

/// Additions and reads.
pub struct Counter {
    mix: f64,
    may_fall: bool,
}

impl Counter {
    /// The number is zero.
    pub fn new(settings: &Settings) -> Self {
        Self { mix: settings.mix, may_fall: settings.may_fall }
    }
}

impl Workload for Counter {
    fn next(&mut self, _client: usize, draws: &mut Draws) -> Op {
        if draws.is(self.mix) {
            return Op::new(F::Get, Datum::Nil);
        }
        let amount = i64::try_from(1 + draws.below(LARGEST)).unwrap_or(1);
        let falls = self.may_fall && draws.is(0.5);
        Op::new(F::Add, Datum::from(if falls { -amount } else { amount }))
    }

    fn final_ops(&mut self, clients: usize) -> Vec<(usize, Op)> {
        reads(clients)
    }
}
