//! Bank accounts: transfers move money between accounts, so that the total stays.
//!
//! Every answered read is a map or a list of balances. The accounts are those of most reads, and the
//! total is that of most of these; every other read contradicts: no transfer, open or not, adds or takes away an
//! account, or changes the total, since each moves all of its amount at once. No balance is below zero
//! unless that is allowed. What single balances should be is not asked: a read that mixes two
//! moments and happens to keep the total goes unseen. O(n · accounts).

use rustc_hash::FxHashMap;

use super::Subject;
use crate::datum::{Datum, Encoded, View};
use crate::event::F;
use crate::history::Operation;
use crate::verdict::Verdict;
use crate::witness::Anomaly;

/// One answered read.
struct Read<'a> {
    op: &'a Operation,
    /// Each account with its balance, or `None` where that is nil; sorted by account.
    balances: Vec<(Datum, Option<i128>)>,
}

/// The balances of an answer, or `None` if it has another shape.
fn balances(answer: Encoded<'_>) -> Option<Vec<(Datum, Option<i128>)>> {
    match answer.view() {
        View::Map(mut items) => {
            let mut balances = Vec::new();
            while let (Some(account), Some(balance)) = (items.next(), items.next()) {
                balances.push((account.datum(), amount(balance)?));
            }
            balances.sort();
            Some(balances)
        }
        View::List(items) => (0..)
            .zip(items)
            .map(|(account, balance)| Some((Datum::Integer(account), amount(balance)?)))
            .collect(),
        _ => None,
    }
}

#[expect(clippy::option_option, reason = "the outer one is a balance of the wrong type")]
fn amount(balance: Encoded<'_>) -> Option<Option<i128>> {
    match balance.view() {
        View::Nil => Some(None),
        View::Integer(number) => Some(Some(i128::from(number))),
        View::Number(number) => number.parse().ok().map(Some),
        _ => None,
    }
}

pub(super) fn judge(subject: Subject<'_>, may_be_negative: bool) -> Verdict {
    let mut verdict = Verdict::Valid;
    let mut reads: Vec<Read<'_>> = Vec::new();
    let is_read = |op: &&&Operation| op.f == F::Get && op.is_ok();
    for &op in subject.operations.iter().filter(is_read) {
        if subject.result(op).is_nil() {
            let what = "a read lacks all accounts";
            return subject.witness(Anomaly::MissingAccount, &[op], true, what);
        }
        if let Some(balances) = balances(subject.result(op)) {
            reads.push(Read { op, balances });
        } else {
            let expected = "whole numbers by account as the answer";
            verdict = verdict.join(subject.misfit(op, expected));
        }
    }
    contradiction(subject, &reads, may_be_negative).unwrap_or(verdict)
}

fn contradiction(
    subject: Subject<'_>,
    reads: &[Read<'_>],
    may_be_negative: bool,
) -> Option<Verdict> {
    for Read { op, balances } in reads {
        if let Some((account, _)) = balances.iter().find(|(_, balance)| balance.is_none()) {
            let what = format!("account {account} has no balance");
            return Some(subject.witness(Anomaly::MissingAccount, &[op], true, &what));
        }
        let is_below = |(_, balance): &&(Datum, Option<i128>)| balance.is_some_and(|it| it < 0);
        if !may_be_negative && let Some((account, _)) = balances.iter().find(is_below) {
            let what = format!("the balance of account {account} is below zero");
            return Some(subject.witness(Anomaly::NegativeBalance, &[op], true, &what));
        }
    }
    let accounts = |read: &Read<'_>| -> Vec<Datum> {
        read.balances.iter().map(|(account, _)| account.clone()).collect()
    };
    let usual = most_frequent(reads.iter().map(accounts))?;
    let usual = reads.iter().find(|read| accounts(read) == usual)?;
    if let Some(other) = reads.iter().find(|read| accounts(read) != accounts(usual)) {
        return Some(other_accounts(subject, usual, other));
    }
    let total = |read: &Read<'_>| -> i128 { read.balances.iter().filter_map(|it| it.1).sum() };
    let usual = most_frequent(reads.iter().map(total))?;
    let other = reads.iter().find(|read| total(read) != usual)?;
    let usual = reads.iter().find(|read| total(read) == usual)?;
    let what = format!("the total is {} in one read and {} in another", total(usual), total(other));
    Some(subject.witness(Anomaly::WrongTotal, &[usual.op, other.op], true, &what))
}

fn other_accounts(subject: Subject<'_>, usual: &Read<'_>, other: &Read<'_>) -> Verdict {
    let has = |read: &Read<'_>, account: &Datum| read.balances.iter().any(|(it, _)| it == account);
    let missing = usual.balances.iter().find(|(account, _)| !has(other, account));
    let (anomaly, what) = if let Some((account, _)) = missing {
        (Anomaly::MissingAccount, format!("one read lacks account {account}, which another has"))
    } else {
        let extra = other.balances.iter().find(|(account, _)| !has(usual, account));
        let account = extra.map(|(account, _)| account.to_string()).unwrap_or_default();
        (Anomaly::UnknownAccount, format!("one read has account {account}, which another lacks"))
    };
    subject.witness(anomaly, &[usual.op, other.op], true, &what)
}

/// The most frequent of these; of several the one that comes first.
fn most_frequent<T: std::hash::Hash + Eq + Clone>(items: impl Iterator<Item = T>) -> Option<T> {
    let mut counts: FxHashMap<T, (usize, usize)> = FxHashMap::default();
    for (place, item) in items.enumerate() {
        counts.entry(item).or_insert((0, place)).0 += 1;
    }
    let best =
        counts.into_iter().max_by_key(|&(_, (count, place))| (count, std::cmp::Reverse(place)));
    best.map(|(item, _)| item)
}
