//! Locks: with one holder, with an owner, reentrant, fenced.

use super::Verdicts;
use super::search::{Call, has_order};
use crate::fuzz_check::history::{End, F, Op};
use crate::fuzz_check::model::Model;
use crate::fuzz_check::value::Val;

#[derive(Debug)]
enum Act {
    /// By a process, with the token that was answered.
    Acquire(u64, Option<i128>),
    Release(u64),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
struct Lock {
    holder: Option<u64>,
    depth: u32,
    /// Of the holder, if it is known.
    token: Option<i128>,
    /// The highest token that is known.
    highest: Option<i128>,
}

pub fn verdicts(model: Model, ops: &[&Op]) -> Verdicts {
    let mut calls = Vec::new();
    let mut is_readable = true;
    for op in ops {
        let act = match op.f {
            F::Acquire if model.is_fenced() && op.end == End::Ok => {
                // A token may be left unsaid.
                is_readable &= op.answer == Val::Nil || op.answer.whole().is_some();
                Act::Acquire(op.process, op.answer.whole())
            }
            F::Acquire => Act::Acquire(op.process, None),
            _ => Act::Release(op.process),
        };
        calls.push(Call::new(op, vec![act]));
    }
    let next = |lock: &Lock, act: &Act| next(model, lock, act).into_iter().collect();
    let verdict = Verdicts::of(has_order(&calls, Lock::default(), &next));
    if is_readable { verdict } else { verdict.unreadable() }
}

fn next(model: Model, lock: &Lock, act: &Act) -> Option<Lock> {
    match *act {
        Act::Acquire(process, token) => {
            let is_again = model.is_reentrant() && lock.holder == Some(process);
            if lock.holder.is_some() && !is_again {
                return None;
            }
            let depth = lock.depth + 1;
            let same = lock.token.filter(|_| is_again);
            if same.is_some() && token.is_some() && same != token {
                return None;
            }
            let is_new = same.is_none() && token.is_some();
            if is_new && token <= lock.highest {
                return None;
            }
            let highest = if is_new { token } else { lock.highest };
            Some(Lock { holder: Some(process), depth, token: same.or(token), highest })
        }
        Act::Release(process) => {
            let may = match lock.holder {
                None => false,
                Some(holder) => model == Model::Lock || holder == process,
            };
            let depth = lock.depth.saturating_sub(1);
            let holder = lock.holder.filter(|_| depth > 0);
            let token = lock.token.filter(|_| depth > 0);
            may.then_some(Lock { holder, depth, token, ..*lock })
        }
    }
}
