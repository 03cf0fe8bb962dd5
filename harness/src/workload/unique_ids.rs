//! Ids, of which no two may be equal.

use checker::Datum;

use super::{Draws, Workload};
use crate::op::{F, Op};

/// Clients that ask for ids.
pub struct UniqueIds;

impl Workload for UniqueIds {
    fn next(&mut self, _client: usize, _draws: &mut Draws) -> Op {
        Op::new(F::Generate, Datum::Nil)
    }

    fn final_ops(&mut self, clients: usize) -> Vec<(usize, Op)> {
        (0..clients).map(|client| (client, Op::new(F::Generate, Datum::Nil))).collect()
    }
}
