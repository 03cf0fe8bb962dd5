//! A register that is read, written, and compared and set.

use rustc_hash::FxHashSet;

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

    /// An open write whose value nobody read or expected helps only to be something else than a
    /// refused compare-and-set expected: where nothing was refused, it falls away.
    fn strike_out(&self, calls: &[Call<RegisterOp>], keep: &mut [bool]) {
        if calls.iter().any(|call| matches!(call.op, RegisterOp::Refused(_))) {
            return;
        }
        loop {
            let mut wanted = FxHashSet::default();
            for (call, _) in calls.iter().zip(&*keep).filter(|(_, keep)| **keep) {
                if let RegisterOp::Read(value) | RegisterOp::Cas(value, _) = call.op {
                    wanted.insert(value);
                }
            }
            let mut changed = false;
            for (call, keep) in calls.iter().zip(keep.iter_mut()) {
                if let RegisterOp::Write(value) | RegisterOp::Cas(_, value) = call.op
                    && *keep
                    && call.complete.is_none()
                    && !wanted.contains(&value)
                {
                    *keep = false;
                    changed = true;
                }
            }
            if !changed {
                return;
            }
        }
    }
}
