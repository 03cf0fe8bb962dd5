//! Ids that are never handed out twice.

use std::collections::HashSet;

use super::Verdicts;
use crate::fuzz_check::history::{End, Op};
use crate::fuzz_check::value::Val;

pub fn verdicts(ops: &[&Op]) -> Verdicts {
    let answers = || ops.iter().filter(|op| op.end == End::Ok).map(|op| &op.answer);
    let mut seen = HashSet::new();
    let is_unique =
        answers().filter(|answer| **answer != Val::Nil).all(|answer| seen.insert(answer));
    let verdict = Verdicts::of(is_unique);
    if answers().any(|answer| *answer == Val::Nil) { verdict.unreadable() } else { verdict }
}
