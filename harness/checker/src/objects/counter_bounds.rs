//! Counters, by bounds, as Jepsen's `checker/counter` has them.
//!
//! A read lies between what was certainly added before it began and what can have been added
//! before it ended: additions below zero that may or may not have taken effect count for the lower
//! bound, those above zero for the upper. Where nothing is taken away, a read is also not below
//! one that was over before it began. The counter begins at zero. Each bound is necessary for
//! linearizability; together they do not suffice, so that a wrong number between them goes
//! unseen. O(n log n).

use super::{Fact, Judgement, Subject, end};
use crate::datum::{Encoded, View};
use crate::event::F;
use crate::history::Operation;
use crate::verdict::Verdict;
use crate::witness::{Anomaly, Size};

/// Sums of additions up to a place.
#[derive(Default)]
struct Sums {
    places: Vec<(u64, i128)>,
}

impl Sums {
    fn new(mut places: Vec<(u64, i128)>) -> Self {
        places.sort_unstable();
        let mut sum = 0;
        for (_, amount) in &mut places {
            sum += *amount;
            *amount = sum;
        }
        Sums { places }
    }

    fn before(&self, place: u64) -> i128 {
        let count = self.places.partition_point(|&(at, _)| at < place);
        if count == 0 { 0 } else { self.places[count - 1].1 }
    }
}

/// What was added and read.
struct Numbers<'a> {
    adds: Vec<(&'a Operation, i128)>,
    reads: Vec<(&'a Operation, i128)>,
    /// Valid, or that an answer could not be read.
    doubt: Verdict,
}

impl<'a> Numbers<'a> {
    fn of(subject: Subject<'a>) -> Result<Self, Verdict> {
        let mut numbers = Self { adds: Vec::new(), reads: Vec::new(), doubt: Verdict::Valid };
        for &op in subject.operations {
            match op.f {
                F::Add => match number(subject.argument(op)) {
                    Some(amount) => numbers.adds.push((op, amount)),
                    None => return Err(subject.misfit(op, "a whole number to add")),
                },
                _ if !op.is_ok() => {}
                _ => {
                    if let Some(value) = number(subject.result(op)) {
                        numbers.reads.push((op, value));
                    } else {
                        let misfit = subject.misfit(op, "a whole number as the answer");
                        numbers.doubt = numbers.doubt.join(misfit);
                    }
                }
            }
        }
        Ok(numbers)
    }
}

pub(super) fn judge(subject: Subject<'_>) -> Judgement {
    let Numbers { adds, reads, doubt } = match Numbers::of(subject) {
        Ok(numbers) => numbers,
        Err(verdict) => return verdict.into(),
    };
    let contradiction =
        out_of_bounds(subject, &adds, &reads).or_else(|| backwards(subject, &adds, &reads));
    contradiction.unwrap_or(doubt).into()
}

/// Where reads may be late: what a process reads last, after all additions are over, lies between what was certainly
/// and what was possibly added; and no read shows more than was ever asked for by then.
pub(super) fn eventual(subject: Subject<'_>) -> Judgement {
    let Numbers { adds, reads, doubt } = match Numbers::of(subject) {
        Ok(numbers) => numbers,
        Err(verdict) => return verdict.into(),
    };
    let over = adds.iter().filter_map(|(op, _)| op.complete_index()).max().unwrap_or_default();
    let mut last = std::collections::BTreeMap::new();
    for &(read, value) in reads.iter().filter(|(read, _)| u64::from(read.invoke) > over) {
        last.insert(read.process, (read, value));
    }
    let late = Fact { name: "processes that read after all additions", count: last.len() as u64 };
    let last: Vec<_> = last.into_values().collect();
    let verdict = out_of_bounds(subject, &adds, &last)
        .or_else(|| out_of_reach(subject, &adds, &reads))
        .unwrap_or(doubt);
    Judgement { verdict, facts: vec![late], claim: None }
}

/// A read beyond everything that was asked for before it ended.
fn out_of_reach(
    subject: Subject<'_>,
    adds: &[(&Operation, i128)],
    reads: &[(&Operation, i128)],
) -> Option<Verdict> {
    let possible = |is_wanted: fn(i128) -> bool| {
        let wanted = adds.iter().filter(|(_, amount)| is_wanted(*amount));
        Sums::new(wanted.map(|&(op, amount)| (op.invoke_index(), amount)).collect())
    };
    let (up, down) = (possible(|amount| amount > 0), possible(|amount| amount < 0));
    let wrong = reads.iter().find_map(|&(read, value)| {
        let until = u64::from(end(read));
        let (least, most) = (down.before(until), up.before(until));
        let what = format!(
            "{value} is out of reach: all additions that were asked for by then give {least} to {most}"
        );
        (value < least || value > most).then_some((read, what))
    });
    wrong.map(|(read, what)| subject.invalid(Anomaly::OutOfBounds, &[read], &what))
}

fn number(value: Encoded<'_>) -> Option<i128> {
    match value.view() {
        View::Integer(number) => Some(i128::from(number)),
        View::Number(number) => number.parse().ok(),
        _ => None,
    }
}

fn out_of_bounds(
    subject: Subject<'_>,
    adds: &[(&Operation, i128)],
    reads: &[(&Operation, i128)],
) -> Option<Verdict> {
    let sums = |place: &dyn Fn(&Operation) -> Option<u64>, wanted: &dyn Fn(i128) -> bool| {
        let places = adds.iter().filter(|(_, amount)| wanted(*amount));
        Sums::new(places.filter_map(|&(op, amount)| Some((place(op)?, amount))).collect())
    };
    let certain_up = sums(&|op| op.complete_index(), &|amount| amount > 0);
    let certain_down = sums(&|op| op.complete_index(), &|amount| amount < 0);
    let possible_up = sums(&|op| Some(op.invoke_index()), &|amount| amount > 0);
    let possible_down = sums(&|op| Some(op.invoke_index()), &|amount| amount < 0);
    let mut least: Option<(Size, &Operation, String)> = None;
    for &(read, value) in reads {
        let lower =
            certain_up.before(u64::from(read.invoke)) + possible_down.before(u64::from(end(read)));
        let upper =
            possible_up.before(u64::from(end(read))) + certain_down.before(u64::from(read.invoke));
        if value < lower || value > upper {
            let size = Size::of_all(&[read]);
            if least.as_ref().is_none_or(|(least, ..)| size < *least) {
                least = Some((size, read, format!("{value} is not between {lower} and {upper}")));
            }
        }
    }
    least.map(|(_, read, what)| subject.invalid(Anomaly::OutOfBounds, &[read], &what))
}

/// Without additions below zero: a read below one that was over before it began.
fn backwards(
    subject: Subject<'_>,
    adds: &[(&Operation, i128)],
    reads: &[(&Operation, i128)],
) -> Option<Verdict> {
    if adds.iter().any(|&(_, amount)| amount < 0) {
        return None;
    }
    let mut by_end = reads.to_vec();
    by_end.sort_by_key(|(read, _)| u64::from(end(read)));
    let mut ended = by_end.into_iter().peekable();
    let mut highest: Option<(&Operation, i128)> = None;
    for &(read, value) in reads {
        while let Some(over) = ended.next_if(|(over, _)| end(over) < read.invoke) {
            if highest.is_none_or(|(_, most)| over.1 > most) {
                highest = Some(over);
            }
        }
        if let Some((before, most)) = highest
            && value < most
        {
            let what = "the number fell although nothing was taken away";
            return Some(subject.invalid(Anomaly::StaleRead, &[before, read], what));
        }
    }
    None
}
