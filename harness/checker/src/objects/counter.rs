//! Counters, by bounds, as Jepsen's `checker/counter` has them.
//!
//! A read lies between what was certainly added before it began and what can have been added
//! before it ended: additions below zero that may or may not have taken effect count for the lower
//! bound, those above zero for the upper. Where nothing is taken away, a read is also not below
//! one that was over before it began. The counter begins at zero. Each bound is necessary for
//! linearizability; together they do not suffice, so that a wrong number between them goes
//! unseen. O(n log n).

use super::finding::{Finding, Judgement, Kind, invalid, misfit};
use super::history::ObjectOperation;

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

pub(super) fn judge(operations: &[&ObjectOperation]) -> Judgement {
    let mut finding = Finding::Valid;
    let mut adds: Vec<(&ObjectOperation, i128)> = Vec::new();
    let mut reads: Vec<(&ObjectOperation, i128)> = Vec::new();
    for &op in operations {
        let number = |value: &serde_json::Value| value.as_i64().map(i128::from);
        match op.f() {
            "add" => match number(&op.argument.value()) {
                Some(amount) => adds.push((op, amount)),
                None => return misfit(op, "a whole number to add").into(),
            },
            "read" if !op.is_ok() => {}
            "read" => match number(&op.result.value()) {
                Some(value) => reads.push((op, value)),
                None => finding = finding.join(misfit(op, "a whole number as the answer")),
            },
            _ => return misfit(op, "add or read").into(),
        }
    }
    match out_of_bounds(&adds, &reads).or_else(|| backwards(&adds, &reads)) {
        Some(contradiction) => contradiction.into(),
        None => finding.into(),
    }
}

fn out_of_bounds(
    adds: &[(&ObjectOperation, i128)],
    reads: &[(&ObjectOperation, i128)],
) -> Option<Finding> {
    let sums = |place: &dyn Fn(&ObjectOperation) -> Option<u64>, wanted: &dyn Fn(i128) -> bool| {
        let places = adds.iter().filter(|(_, amount)| wanted(*amount));
        Sums::new(places.filter_map(|&(op, amount)| Some((place(op)?, amount))).collect())
    };
    let certain_up = sums(&|op| op.complete(), &|amount| amount > 0);
    let certain_down = sums(&|op| op.complete(), &|amount| amount < 0);
    let possible_up = sums(&|op| Some(op.invoke), &|amount| amount > 0);
    let possible_down = sums(&|op| Some(op.invoke), &|amount| amount < 0);
    for &(read, value) in reads {
        let lower = certain_up.before(read.invoke) + possible_down.before(read.end());
        let upper = possible_up.before(read.end()) + certain_down.before(read.invoke);
        if value < lower || value > upper {
            let what = format!("{value} is not between {lower} and {upper}");
            return Some(invalid(Kind::OutOfBounds, &[read], &what));
        }
    }
    None
}

/// Without additions below zero: a read below one that was over before it began.
fn backwards(
    adds: &[(&ObjectOperation, i128)],
    reads: &[(&ObjectOperation, i128)],
) -> Option<Finding> {
    if adds.iter().any(|&(_, amount)| amount < 0) {
        return None;
    }
    let mut by_end = reads.to_vec();
    by_end.sort_by_key(|(read, _)| read.end());
    let mut ended = by_end.into_iter().peekable();
    let mut highest: Option<(&ObjectOperation, i128)> = None;
    for &(read, value) in reads {
        while let Some(over) = ended.next_if(|(over, _)| over.end() < read.invoke) {
            if highest.is_none_or(|(_, most)| over.1 > most) {
                highest = Some(over);
            }
        }
        if let Some((before, most)) = highest
            && value < most
        {
            let what = "the number fell although nothing was taken away";
            return Some(invalid(Kind::StaleRead, &[before, read], what));
        }
    }
    None
}
