//! A register that is read, written, and compared and set.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{Call, Model};
use crate::history::Value;

/// One register. Also one key of a key-value store with puts and gets.
#[derive(Debug, Clone, Copy)]
pub struct Register {
    /// What it holds before the first write.
    pub initial: Value,
}

/// Stands for every value that no operation at hand names.
const ANY_OTHER: Value = Value(u32::MAX - 2);

/// More first values than this are not tried one by one.
const MOST_STARTS: usize = 64;

/// An operation on a register, with its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RegisterOp {
    /// A read that returned this value.
    Read(Value),
    /// A write of this value.
    Write(Value),
    /// A compare-and-set from the first to the second value that was done.
    Cas(Value, Value),
    /// A compare-and-set that was refused, because the register did not hold this value.
    Refused(Value),
}

impl Model for Register {
    type Op = RegisterOp;
    type State = Value;

    fn initial(&self) -> Value {
        self.initial
    }

    fn step(&self, state: &Value, op: &RegisterOp) -> Option<Value> {
        match *op {
            RegisterOp::Read(value) => (*state == value).then_some(value),
            RegisterOp::Write(value) => Some(value),
            RegisterOp::Cas(old, new) => (*state == old).then_some(new),
            RegisterOp::Refused(old) => (*state != old).then_some(*state),
        }
    }

    fn is_read_only(&self, op: &RegisterOp) -> bool {
        matches!(op, RegisterOp::Read(_) | RegisterOp::Refused(_))
    }

    fn token(&self, state: &Value) -> Option<u32> {
        Some(state.0)
    }

    fn requires(&self, op: &RegisterOp) -> Option<u32> {
        match *op {
            RegisterOp::Read(value) | RegisterOp::Cas(value, _) => Some(value.0),
            RegisterOp::Write(_) | RegisterOp::Refused(_) => None,
        }
    }

    fn produces(&self, op: &RegisterOp) -> Option<u32> {
        match *op {
            RegisterOp::Write(value) | RegisterOp::Cas(_, value) => Some(value.0),
            RegisterOp::Read(_) | RegisterOp::Refused(_) => None,
        }
    }

    fn starts(&self, calls: &[Call<RegisterOp>]) -> Option<Vec<Self>> {
        let mut values: Vec<Value> = calls
            .iter()
            .filter_map(|call| match call.op {
                RegisterOp::Read(value) | RegisterOp::Cas(value, _) => Some(value),
                RegisterOp::Write(_) | RegisterOp::Refused(_) => None,
            })
            .chain([ANY_OTHER])
            .collect();
        values.sort_unstable();
        values.dedup();
        let few = values.len() <= MOST_STARTS;
        few.then(|| values.into_iter().map(|initial| Register { initial }).collect())
    }

    /// An open write helps only where something wants its value, or was refused and wants any other.
    /// Each that is of use is of use to another one, so that of equal writes no more are needed than
    /// that, and the earliest do as well as any. Those of values that no call wants or was refused are as
    /// good as equal.
    fn strike_out(&self, calls: &[Call<RegisterOp>], keep: &mut [bool]) {
        let is_refused = |call: &&Call<_>| matches!(call.op, RegisterOp::Refused(_));
        let refused = calls.iter().filter(is_refused).count();
        let open = calls.iter().filter(|call| call.complete.is_none()).count();
        if open <= refused {
            return;
        }
        let mut needs = Needs::default();
        for (at, call) in calls.iter().enumerate() {
            if keep[at] {
                needs.add(at, call);
            }
        }
        let mut idle = needs.unwanted();
        if needs.refusals > 0 {
            idle.retain(|&at| match calls[at].op {
                RegisterOp::Write(value) => !needs.refused.contains(&value),
                _ => false,
            });
            idle.sort_unstable_by_key(|&at| (calls[at].invoke, at));
            idle.drain(..idle.len().min(needs.refusals));
        }
        while let Some(at) = idle.pop() {
            keep[at] = false;
            // What it expected may be wanted by no other call.
            if let RegisterOp::Cas(value, _) = calls[at].op {
                idle.extend(needs.forget(value));
            }
        }
        needs.strike_repeated(calls, keep);
    }
}

/// The values that calls want, and the calls that could bring them about at any time.
#[derive(Default)]
struct Needs {
    /// How many want each value.
    wanted: FxHashMap<Value, u32>,
    /// The open writes of each.
    writers: FxHashMap<Value, Vec<usize>>,
    refused: FxHashSet<Value>,
    refusals: usize,
}

impl Needs {
    fn add(&mut self, at: usize, call: &Call<RegisterOp>) {
        match call.op {
            RegisterOp::Read(value) | RegisterOp::Cas(value, _) => {
                *self.wanted.entry(value).or_default() += 1;
            }
            RegisterOp::Refused(value) => {
                self.refused.insert(value);
                self.refusals += 1;
            }
            RegisterOp::Write(_) => {}
        }
        if let (RegisterOp::Write(value) | RegisterOp::Cas(_, value), None) =
            (call.op, call.complete)
        {
            self.writers.entry(value).or_default().push(at);
        }
    }

    fn unwanted(&self) -> Vec<usize> {
        let unwanted = self.writers.iter().filter(|(value, _)| !self.wanted.contains_key(value));
        unwanted.flat_map(|(_, writers)| writers.iter().copied()).collect()
    }

    /// One fewer wants a value. If that was the last, its open writes.
    fn forget(&mut self, value: Value) -> Vec<usize> {
        let Some(count) = self.wanted.get_mut(&value) else { return Vec::new() };
        *count -= 1;
        if *count > 0 {
            return Vec::new();
        }
        self.writers.get(&value).cloned().unwrap_or_default()
    }

    /// Of equal open writes, those that are more than want their value.
    fn strike_repeated(&self, calls: &[Call<RegisterOp>], keep: &mut [bool]) {
        for (value, writers) in &self.writers {
            let wanted = self.wanted.get(value).copied().unwrap_or_default() as usize;
            let most = wanted + self.refusals;
            if writers.len() <= most {
                continue;
            }
            let mut left: Vec<usize> = writers.iter().copied().filter(|&at| keep[at]).collect();
            left.sort_unstable_by_key(|&at| (calls[at].invoke, at));
            let mut equal: FxHashMap<RegisterOp, usize> = FxHashMap::default();
            for at in left {
                let count = equal.entry(calls[at].op).or_default();
                *count += 1;
                keep[at] = *count <= most;
            }
        }
    }
}
