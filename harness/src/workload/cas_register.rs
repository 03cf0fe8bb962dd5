//! Registers with compare-and-set, as Jepsen's clients use them: small values, so that some swaps are refused and some
//! are not.

use std::collections::BTreeMap;
use std::sync::Arc;

use checker::Datum;

use super::keys::Keys;
use super::register::reads_of;
use super::{Draws, Settings, Workload};
use crate::op::{Completion, F, Op};

/// Of the operations that are no reads, this fraction are swaps.
const SWAPS: f64 = 0.5;

/// This fraction of the swaps expects what was last seen there; the others expect what was seen before.
const INFORMED: f64 = 0.7;

/// Reads, writes and swaps; each new value is written once.
pub struct CasRegisters {
    keys: Keys,
    mix: f64,
    written: i64,
    /// What was last read or written under each key, and what before that.
    seen: BTreeMap<Arc<str>, [Datum; 2]>,
}

impl CasRegisters {
    /// Nothing is written yet.
    pub fn new(settings: &Settings) -> Self {
        Self {
            keys: Keys::new(settings.keys),
            mix: settings.mix,
            written: 0,
            seen: BTreeMap::new(),
        }
    }

    fn see(&mut self, key: &Arc<str>, value: Datum) {
        let [last, before] = self.seen.entry(Arc::clone(key)).or_default();
        if *last != value {
            *before = std::mem::replace(last, value);
        }
    }
}

impl Workload for CasRegisters {
    fn next(&mut self, _client: usize, draws: &mut Draws) -> Op {
        let is_read = draws.is(self.mix);
        let key = self.keys.choose(draws, !is_read);
        if is_read {
            return Op::of_key(F::Get, key, Datum::Nil);
        }
        self.written += 1;
        let new = Datum::from(self.written);
        let (is_swap, is_informed) = (draws.is(SWAPS), draws.is(INFORMED));
        let Some([last, before]) = self.seen.get(&key).filter(|_| is_swap) else {
            return Op::of_key(F::Put, key, new);
        };
        let expected = if is_informed || before.is_nil() { last } else { before };
        let value = Datum::List(vec![expected.clone(), new]);
        Op::of_key(F::Cas, key, value)
    }

    fn completed(&mut self, _client: usize, op: &Op, end: &Completion) {
        let (Some(key), Completion::Ok(answer)) = (&op.key, end) else { return };
        match (op.f, &op.value) {
            (F::Get, _) if !answer.is_nil() => self.see(key, answer.clone()),
            (F::Put, written) => self.see(key, written.clone()),
            (F::Cas, Datum::List(pair)) => {
                if let [_, new] = &pair[..] {
                    self.see(key, new.clone());
                }
            }
            _ => {}
        }
    }

    fn final_ops(&mut self, clients: usize) -> Vec<(usize, Op)> {
        reads_of(&self.keys, clients)
    }
}
