//! Counters, by bounds, as Jepsen's `checker/counter` has them.
//!
//! A read lies between what was certainly added before it began and what can have been added
//! before it ended: additions below zero that may or may not have taken effect count for the lower
//! bound, those above zero for the upper. Where nothing is taken away, a read is also not below
//! one that was over before it began. The counter begins at zero. Each bound is necessary for
//! linearizability; together they do not suffice, so that a wrong number between them goes
//! unseen. O(n log n).

use super::{Judgement, Subject, end};
use crate::datum::{Encoded, View};
use crate::event::F;
use crate::history::Operation;
use crate::verdict::Verdict;
use crate::witness::Anomaly;

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

pub(super) fn judge(subject: Subject<'_>) -> Judgement {
    let mut verdict = Verdict::Valid;
    let mut adds: Vec<(&Operation, i128)> = Vec::new();
    let mut reads: Vec<(&Operation, i128)> = Vec::new();
    for &op in subject.operations {
        match op.f {
            F::Add => match number(subject.argument(op)) {
                Some(amount) => adds.push((op, amount)),
                None => return subject.misfit(op, "a whole number to add").into(),
            },
            _ if !op.is_ok() => {}
            _ => match number(subject.result(op)) {
                Some(value) => reads.push((op, value)),
                None => verdict = verdict.join(subject.misfit(op, "a whole number as the answer")),
            },
        }
    }
    let contradiction =
        out_of_bounds(subject, &adds, &reads).or_else(|| backwards(subject, &adds, &reads));
    contradiction.unwrap_or(verdict).into()
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
    for &(read, value) in reads {
        let lower =
            certain_up.before(u64::from(read.invoke)) + possible_down.before(u64::from(end(read)));
        let upper =
            possible_up.before(u64::from(end(read))) + certain_down.before(u64::from(read.invoke));
        if value < lower || value > upper {
            let what = format!("{value} is not between {lower} and {upper}");
            return Some(subject.invalid(Anomaly::OutOfBounds, &[read], &what));
        }
    }
    None
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
