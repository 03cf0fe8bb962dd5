//! Accounts: money moves between them, and the total stays.

use checker::Datum;

use super::set::reads;
use super::{Draws, Settings, Workload};
use crate::op::{F, Op};

/// The largest amount that moves.
const LARGEST: usize = 5;

/// Transfers and reads of all balances.
pub struct Bank {
    mix: f64,
    accounts: usize,
}

impl Bank {
    /// As many accounts as there are keys, at least two.
    pub fn new(settings: &Settings) -> Self {
        Self { mix: settings.mix, accounts: settings.keys.max(2) }
    }
}

impl Workload for Bank {
    fn next(&mut self, _client: usize, draws: &mut Draws) -> Op {
        if draws.is(self.mix) {
            return Op::new(F::Get, Datum::Nil);
        }
        let from = draws.below(self.accounts);
        let to = (from + 1 + draws.below(self.accounts - 1)) % self.accounts;
        let number = |n: usize| Datum::from(i64::try_from(n).unwrap_or_default());
        let entry = |name: &str, value| (Datum::text(name), value);
        Op::new(
            F::Transfer,
            Datum::map(vec![
                entry("amount", number(1 + draws.below(LARGEST))),
                entry("from", number(from)),
                entry("to", number(to)),
            ]),
        )
    }

    fn final_ops(&mut self, clients: usize) -> Vec<(usize, Op)> {
        reads(clients)
    }
}
