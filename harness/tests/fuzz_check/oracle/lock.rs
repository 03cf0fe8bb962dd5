//! Locks: with one holder, with an owner, reentrant, fenced.

use super::Verdicts;
use super::search::{Call, has_order};
use crate::history::{End, F, Op};
use crate::model::Model;
use crate::value::Val;

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
    token: Option<i128>,
}

/// Whether tokens are whole numbers, so that one that nobody saw needs room between two others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tokens {
    Whole,
    Dense,
}

pub fn verdicts(model: Model, ops: &[&Op]) -> Verdicts {
    let mut calls = Vec::new();
    let mut is_readable = true;
    for op in ops {
        let act = match op.f {
            F::Acquire if model == Model::FencedLock && op.end == End::Ok => {
                let token = token(&op.answer);
                is_readable &= token.is_some();
                Act::Acquire(op.process, token)
            }
            F::Acquire => Act::Acquire(op.process, None),
            _ => Act::Release(op.process),
        };
        calls.push(Call::new(op, vec![act]));
    }
    let with = |tokens: Tokens| {
        let next = |lock: &Lock, act: &Act| next(model, tokens, lock, act);
        Verdicts::of(has_order(&calls, Lock::default(), &next))
    };
    let verdict = with(Tokens::Dense).or(with(Tokens::Whole));
    if is_readable { verdict } else { verdict.unreadable() }
}

/// A token as a number in millionths.
fn token(answer: &Val) -> Option<i128> {
    if let Val::Num(number) = answer { Some(number.rank()) } else { None }
}

fn next(model: Model, tokens: Tokens, lock: &Lock, act: &Act) -> Vec<Lock> {
    match *act {
        Act::Acquire(process, token) => {
            let is_again = model == Model::ReentrantLock && lock.holder == Some(process);
            if lock.holder.is_some() && !is_again {
                return Vec::new();
            }
            if let (Some(token), Some(last)) = (token, lock.token)
                && token <= last
            {
                return Vec::new();
            }
            let unseen = match tokens {
                Tokens::Whole => lock.token.map(|last| last + 1_000_000),
                Tokens::Dense => lock.token,
            };
            let token = token.or(unseen);
            vec![Lock { holder: Some(process), depth: lock.depth + 1, token }]
        }
        Act::Release(process) => {
            let may = match lock.holder {
                None => false,
                Some(holder) => model == Model::Lock || holder == process,
            };
            let depth = lock.depth.saturating_sub(1);
            let holder = lock.holder.filter(|_| depth > 0);
            if may { vec![Lock { holder, depth, token: lock.token }] } else { Vec::new() }
        }
    }
}
