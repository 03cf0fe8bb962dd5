//! Bank accounts: transfers move money between accounts, so that the total stays.
//!
//! Every answered read is a map or a list of balances. The accounts are those of most reads, and the
//! total is that of most of these; every other read contradicts: no transfer, open or not, adds or takes away an
//! account, or changes the total, since each moves all of its amount at once. No balance is below zero
//! unless that is allowed. What single balances should be is not asked: a read that mixes two
//! moments and happens to keep the total goes unseen. O(n · accounts).

use rustc_hash::FxHashMap;

use super::{Subject, end};
use crate::budget::Meter;
use crate::datum::{Datum, Encoded, Encoder, View};
use crate::event::F;
use crate::history::Operation;
use crate::intern::Slices;
use crate::verdict::Verdict;
use crate::witness::{Anomaly, Size};

/// One answered read.
struct Read<'a> {
    op: &'a Operation,
    /// The number of its list of accounts.
    accounts: u32,
    total: i128,
}

/// Each account with its balance, or `None` where that is nil; sorted by account.
type Balances = Vec<(Datum, Option<i128>)>;

/// The balances of an answer, or `None` if it has another shape.
fn balances(answer: Encoded<'_>) -> Option<Balances> {
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

/// The sum of all balances, if it fits.
fn total(balances: &Balances) -> Option<i128> {
    balances.iter().filter_map(|(_, balance)| *balance).try_fold(0, i128::checked_add)
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
    let mut found = None;
    let mut reads: Vec<Read<'_>> = Vec::new();
    let mut lists = Slices::default();
    let mut key = Encoder::default();
    let mut meter = Meter::new(subject.budget);
    let is_read = |op: &&&Operation| op.f == F::Get && op.is_ok();
    for &op in subject.operations.iter().filter(is_read) {
        if subject.result(op).is_nil() {
            let what = "a read lacks all accounts";
            return subject.witness(Anomaly::MissingAccount, &[op], true, what);
        }
        let balances = balances(subject.result(op));
        let Some((balances, total)) = balances.and_then(|it| total(&it).map(|total| (it, total)))
        else {
            let expected = "whole numbers by account as the answer";
            verdict = verdict.join(subject.misfit(op, expected));
            continue;
        };
        key.clear();
        for (account, _) in &balances {
            key.datum(account);
        }
        let before = lists.len();
        let accounts = lists.intern(key.bytes());
        reads.push(Read { op, accounts, total });
        let more = if lists.len() > before { key.bytes().len() } else { 0 };
        let spent = meter.work(balances.len()).and(meter.take(more, || lists.memory_bytes()));
        if let Err(limit) = spent {
            verdict = verdict.join(subject.spent(limit));
            break;
        }
        if let Some(wrong) = impossible(subject, op, &balances, may_be_negative) {
            let size = Size::of_all(&[op]);
            if found.as_ref().is_none_or(|(least, _)| size < *least) {
                found = Some((size, wrong));
            }
        }
    }
    let found = found.map(|(_, wrong)| wrong);
    found.or_else(|| contradiction(subject, &reads)).unwrap_or(verdict)
}

/// What is wrong with one read by itself.
fn impossible(
    subject: Subject<'_>,
    op: &Operation,
    balances: &Balances,
    may_be_negative: bool,
) -> Option<Verdict> {
    if let Some((account, _)) = balances.iter().find(|(_, balance)| balance.is_none()) {
        let what = format!("account {account} has no balance");
        return Some(subject.witness(Anomaly::MissingAccount, &[op], true, &what));
    }
    let is_below = |(_, balance): &&(Datum, Option<i128>)| balance.is_some_and(|it| it < 0);
    let (account, _) = balances.iter().find(is_below).filter(|_| !may_be_negative)?;
    let what = format!("the balance of account {account} is below zero");
    Some(subject.witness(Anomaly::NegativeBalance, &[op], true, &what))
}

/// Two reads that differ in what all should have alike: the nearest to one another of those that differ from most.
fn contradiction(subject: Subject<'_>, reads: &[Read<'_>]) -> Option<Verdict> {
    let usual = most_frequent(reads.iter().map(|read| read.accounts))?;
    if let Some((usual, other)) = nearest(reads, |read| read.accounts == usual) {
        return Some(other_accounts(subject, usual, other));
    }
    let usual = most_frequent(reads.iter().map(|read| read.total))?;
    let (usual, other) = nearest(reads, |read| read.total == usual)?;
    let what = format!("the total is {} in one read and {} in another", usual.total, other.total);
    Some(subject.witness(Anomaly::WrongTotal, &[usual.op, other.op], true, &what))
}

/// A read as most are and one that is not, within the shortest time. O(n log n).
fn nearest<'r, 'a>(
    reads: &'r [Read<'a>],
    is_usual: impl Fn(&Read<'a>) -> bool,
) -> Option<(&'r Read<'a>, &'r Read<'a>)> {
    let mut by_start: Vec<&Read<'_>> = reads.iter().collect();
    by_start.sort_by_key(|read| read.op.invoke);
    let (mut usual, mut others) = (Recent::default(), Recent::default());
    let pairs = by_start.into_iter().filter_map(|read| {
        if is_usual(read) {
            usual.push(read);
            others.nearest(read).map(|other| (read, other))
        } else {
            others.push(read);
            usual.nearest(read).map(|usual| (usual, read))
        }
    });
    pairs.min_by_key(|(usual, other)| Size::of_all(&[usual.op, other.op]))
}

/// Reads by their beginnings, without those that a later and shorter one stands for.
#[derive(Default)]
struct Recent<'r, 'a>(Vec<&'r Read<'a>>);

impl<'r, 'a> Recent<'r, 'a> {
    fn push(&mut self, read: &'r Read<'a>) {
        while self.0.last().is_some_and(|last| length(last) >= length(read)) {
            self.0.pop();
        }
        self.0.push(read);
    }

    /// The one within the shortest time of a read that begins later.
    fn nearest(&self, read: &Read<'_>) -> Option<&'r Read<'a>> {
        // From the earliest to the latest each is longer, and nearer: one of the two where that turns is best.
        let span = |other: &Read<'_>| end(read.op).max(end(other.op)) - other.op.invoke;
        let turn = self.0.partition_point(|other| end(other.op) <= end(read.op));
        let around =
            self.0.get(turn.saturating_sub(1)..=turn).or(self.0.get(turn.saturating_sub(1)..));
        around?.iter().copied().min_by_key(|other| span(other))
    }
}

fn length(read: &Read<'_>) -> u32 {
    end(read.op) - read.op.invoke
}

fn other_accounts(subject: Subject<'_>, usual: &Read<'_>, other: &Read<'_>) -> Verdict {
    let accounts = |read: &Read<'_>| -> Vec<Datum> {
        let balances = balances(subject.result(read.op)).unwrap_or_default();
        balances.into_iter().map(|(account, _)| account).collect()
    };
    let (of_usual, of_other) = (accounts(usual), accounts(other));
    let missing = of_usual.iter().find(|account| of_other.binary_search(account).is_err());
    let (anomaly, what) = if let Some(account) = missing {
        (Anomaly::MissingAccount, format!("one read lacks account {account}, which another has"))
    } else {
        let extra = of_other.iter().find(|account| of_usual.binary_search(account).is_err());
        let account = extra.map(ToString::to_string).unwrap_or_default();
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
