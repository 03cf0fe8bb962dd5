//! A queue: each element is put in once, and in the end all are taken out.

use checker::Datum;

use super::{Draws, Settings, Workload};
use crate::limits;
use crate::op::{Completion, F, Op};

/// Elements that go in and come out.
pub struct Queue {
    mix: f64,
    put_in: i64,
    /// Elements that may still be in it.
    inside: usize,
}

impl Queue {
    /// The queue is empty.
    pub fn new(settings: &Settings) -> Self {
        Self { mix: settings.mix, put_in: 0, inside: 0 }
    }
}

impl Workload for Queue {
    fn next(&mut self, _client: usize, draws: &mut Draws) -> Op {
        if draws.is(self.mix) {
            return Op::new(F::Dequeue, Datum::Nil);
        }
        self.put_in += 1;
        self.inside += 1;
        Op::new(F::Enqueue, self.put_in.into())
    }

    fn completed(&mut self, _client: usize, op: &Op, end: &Completion) {
        let took_one = matches!(end, Completion::Ok(element) if !element.is_nil());
        let put_none = matches!(end, Completion::Fail(_));
        if (op.f == F::Dequeue && took_one) || (op.f == F::Enqueue && put_none) {
            self.inside = self.inside.saturating_sub(1);
        }
    }

    fn final_ops(&mut self, clients: usize) -> Vec<(usize, Op)> {
        // As many as may be in it, and one each to find it empty.
        let count = (self.inside + clients).min(limits::FINAL_OPERATIONS);
        (0..count).map(|n| (n % clients, Op::new(F::Dequeue, Datum::Nil))).collect()
    }
}
