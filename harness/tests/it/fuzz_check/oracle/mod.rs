//! What each model says of a small history, by trying all orders.
//!
//! Written from the words of the manual alone; it shares no code with the checker and is in no way fast.

mod bank;
mod container;
mod counter;
mod ids;
mod lease;
mod lock;
pub mod order;
mod register;
mod search;
mod session;
mod set;

use crate::fuzz_check::history::{End, F, Op, by_key};
use crate::fuzz_check::model::Model;
use crate::fuzz_check::value::Val;

/// The verdicts that are right; mostly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdicts {
    pub valid: bool,
    pub invalid: bool,
    pub unknown: bool,
}

impl Verdicts {
    pub const VALID: Verdicts = Verdicts { valid: true, invalid: false, unknown: false };
    pub const INVALID: Verdicts = Verdicts { valid: false, invalid: true, unknown: false };
    pub const UNKNOWN: Verdicts = Verdicts { valid: false, invalid: false, unknown: true };

    pub fn of(is_valid: bool) -> Verdicts {
        if is_valid { Self::VALID } else { Self::INVALID }
    }

    /// Either is right.
    pub fn or(self, other: Verdicts) -> Verdicts {
        Verdicts {
            valid: self.valid || other.valid,
            invalid: self.invalid || other.invalid,
            unknown: self.unknown || other.unknown,
        }
    }

    /// The verdict about two things: a contradiction in one is one of both.
    pub fn and(self, other: Verdicts) -> Verdicts {
        let no_invalid = |it: Verdicts| it.valid || it.unknown;
        Verdicts {
            valid: self.valid && other.valid,
            invalid: self.invalid || other.invalid,
            unknown: (self.unknown && no_invalid(other)) || (other.unknown && no_invalid(self)),
        }
    }

    /// The same where some answers were of no use: what was valid is not known.
    pub fn unreadable(self) -> Verdicts {
        if self.valid { Verdicts { valid: false, unknown: true, ..self } } else { self }
    }
}

/// What is right of a key, or of all of them together.
#[derive(Debug, Clone)]
pub struct Judged {
    pub key: Option<Val>,
    pub verdicts: Verdicts,
    /// Whether no answer tells what it held.
    is_blind: bool,
}

/// The verdicts about each key, or about all together if the model is about processes.
pub fn judge(model: Model, ops: &[Op], initial: Option<&Val>) -> Vec<Judged> {
    let observes = |op: &&Op| {
        op.end == End::Ok && (op.f.only_asks() || matches!(op.f, F::Cas | F::Acquire | F::Renew))
    };
    let is_blind = |ops: &Vec<&Op>| !ops.iter().any(observes);
    let keys = by_key(ops);
    if model.is_session() {
        let is_blind = keys.iter().any(is_blind) || keys.is_empty();
        let verdicts = session::verdicts(model, ops, initial);
        return vec![Judged { key: None, verdicts, is_blind }];
    }
    let judged = |ops: &Vec<&Op>| Judged {
        key: ops[0].key.clone(),
        verdicts: of_key(model, ops, ops, initial),
        is_blind: is_blind(ops),
    };
    keys.iter().map(judged).collect()
}

/// The verdicts about some operations of a key; all of them tell what the key holds, texts or lists.
pub fn of_key(model: Model, ops: &[&Op], all: &[&Op], initial: Option<&Val>) -> Verdicts {
    match model {
        Model::Set => set::linearizable(ops),
        Model::SetEventual => set::eventual(ops),
        Model::SetConverged => set::converged(ops),
        Model::Counter => counter::exact(ops, initial),
        Model::CounterBounds => counter::bounds(ops),
        Model::CounterEventual => counter::eventual(ops),
        Model::Queue | Model::UnorderedQueue | Model::Stack | Model::PriorityQueue => {
            container::verdicts(model, ops)
        }
        Model::Lease => lease::verdicts(ops),
        Model::UniqueIds => ids::verdicts(ops),
        Model::Bank | Model::BankNegative => bank::verdicts(ops, model == Model::BankNegative),
        _ if model.is_lock() => lock::verdicts(model, ops),
        _ => register::verdicts(model, ops, register::content(all, initial), initial),
    }
}

/// The exit codes that are right for a history.
pub fn codes(keys: &[Judged]) -> Vec<i32> {
    let verdicts = keys.iter().map(|key| key.verdicts).fold(Verdicts::VALID, Verdicts::and);
    let mut codes = Vec::new();
    if verdicts.invalid {
        codes.push(10);
    }
    if verdicts.valid {
        codes.push(0);
    }
    if verdicts.unknown {
        codes.push(13);
    }
    let is_blind = keys.iter().any(|key| key.is_blind) || keys.is_empty();
    if (verdicts.valid || verdicts.unknown) && is_blind {
        codes.push(14);
    }
    codes
}
