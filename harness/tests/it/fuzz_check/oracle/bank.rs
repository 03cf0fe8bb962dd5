//! Accounts whose total stays.

use super::Verdicts;
use crate::fuzz_check::history::{End, F, Op};
use crate::fuzz_check::value::Val;

/// Balances by account; none where there is no balance.
type Balances = Vec<(Val, Option<i128>)>;

fn balances(answer: &Val) -> Option<Balances> {
    let amount = |balance: &Val| match balance {
        Val::Nil => Some(None),
        other => other.whole().map(Some),
    };
    match answer {
        Val::Map(entries) => entries
            .iter()
            .map(|(account, balance)| Some((account.clone(), amount(balance)?)))
            .collect(),
        Val::List(items) => (0..)
            .zip(items)
            .map(|(at, balance)| Some((Val::from(i128::from(at)), amount(balance)?)))
            .collect(),
        _ => None,
    }
}

pub fn verdicts(ops: &[&Op], may_be_negative: bool) -> Verdicts {
    let mut is_readable = true;
    let mut reads: Vec<Balances> = Vec::new();
    for op in ops.iter().filter(|op| op.f == F::Get && op.end == End::Ok) {
        if op.answer == Val::Nil {
            return Verdicts::INVALID;
        }
        match balances(&op.answer) {
            Some(balances) => reads.push(balances),
            None => is_readable = false,
        }
    }
    let accounts = |read: &Balances| read.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    let total = |read: &Balances| read.iter().filter_map(|(_, balance)| *balance).sum::<i128>();
    let fits = |read: &Balances| {
        read.iter().all(|(_, balance)| balance.is_some_and(|it| may_be_negative || it >= 0))
            && accounts(read) == accounts(&reads[0])
            && total(read) == total(&reads[0])
    };
    let verdict = Verdicts::of(reads.iter().all(fits));
    if is_readable { verdict } else { verdict.unreadable() }
}
