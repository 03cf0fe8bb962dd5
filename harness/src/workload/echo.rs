//! Texts that must come back.

use checker::Datum;

use super::{Draws, Workload};
use crate::op::{F, Op};

/// Texts, each with a number of its own.
#[derive(Default)]
pub struct Echo {
    sent: u64,
}

impl Echo {
    fn text(&mut self, draws: &mut Draws) -> Op {
        self.sent += 1;
        let text = format!("Please echo {} ({})", draws.below(128), self.sent);
        Op::new(F::Echo, Datum::text(&text))
    }
}

impl Workload for Echo {
    fn next(&mut self, _client: usize, draws: &mut Draws) -> Op {
        self.text(draws)
    }

    fn final_ops(&mut self, clients: usize) -> Vec<(usize, Op)> {
        let last = |client| (client, Op::new(F::Echo, Datum::text(&format!("last of {client}"))));
        (0..clients).map(last).collect()
    }
}
