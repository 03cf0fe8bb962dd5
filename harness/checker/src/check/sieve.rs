//! Of the operations of one register, those that can make a difference to a few of them.
//!
//! Before a witness is confirmed, all other operations are [struck](crate::linearizable::strike): each
//! may take effect at any time, or never. Such an operation helps only if a shown one wants the
//! value that it puts there, directly or by other compare-and-sets. In a history of a million
//! operations these are few, so the rest need not be translated, sorted and struck first.

use rustc_hash::FxHashSet;

use crate::event::F;
use crate::history::{Operation, Value};

/// So often the operations are walked before all are taken: chains of compare-and-sets that go
/// against the time are rare.
const MOST_WALKS: usize = 8;

/// What is near a few operations.
pub(super) struct Near<'a> {
    pub(super) operations: Vec<&'a Operation>,
    /// The places of the few in `operations`, in increasing order.
    pub(super) shown: Vec<u32>,
}

/// The shown operations, by position in increasing order, with those that can help one of them.
/// `None` if that cannot be told by values: where there are appends, or one of the shown was refused.
pub(super) fn sieve<'a>(operations: &[&'a Operation], shown: &[u32]) -> Option<Near<'a>> {
    let mut few = shown.iter().map(|&at| operations[at as usize]);
    if few.clone().any(|op| op.refused) {
        return None;
    }
    let mut wanted: FxHashSet<Value> = few.clone().filter_map(expected).collect();
    for walk in 0.. {
        let before = wanted.len();
        for op in operations.iter().rev() {
            match op.f {
                F::Append => return None,
                F::Cas if !op.refused && wanted.contains(&op.argument) => {
                    wanted.insert(op.result);
                }
                _ => {}
            }
        }
        if wanted.len() == before {
            break;
        }
        if walk == MOST_WALKS {
            return None;
        }
    }
    let mut near = Near { operations: Vec::new(), shown: Vec::new() };
    let mut next = few.next();
    for &op in operations {
        let is_shown = next.is_some_and(|shown| std::ptr::eq(shown, op));
        if is_shown {
            near.shown.push(u32::try_from(near.operations.len()).ok()?);
            next = few.next();
        }
        let helps = matches!(op.f, F::Put | F::Cas) && !op.refused && wanted.contains(&op.argument);
        if is_shown || helps {
            near.operations.push(op);
        }
    }
    Some(near)
}

/// The value that an operation can only have found.
fn expected(op: &Operation) -> Option<Value> {
    matches!(op.f, F::Get | F::Cas).then_some(op.result)
}

#[cfg(test)]
mod tests {
    use rand::{RngExt as _, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::sieve;
    use crate::history::{Operation, Value};
    use crate::linearizable::calls::{register_op, translate};
    use crate::linearizable::confirm::confirm_core;
    use crate::linearizable::oracle::{cases, record, register_calls};
    use crate::model::Register;

    /// What contradicts with all others struck contradicts with those that are near, and the other way
    /// round; and where few are enough to be asked about, the testers say the same of both.
    #[test]
    fn what_is_left_out_makes_no_difference() {
        let model = Register { initial: Value::EMPTY };
        let (mut fewer, mut rejected) = (0, 0);
        for seed in 0..cases(20_000) {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let count = rng.random_range(2..=10);
            let history = record(&register_calls(&mut rng, count, seed % 2 == 0, true));
            let all: Vec<&Operation> = history.operations().iter().collect();
            let shown: Vec<u32> = (0..u32::try_from(all.len()).unwrap())
                .filter(|_| rng.random_bool(0.4))
                .filter(|&at| register_op(all[at as usize]).is_some())
                .collect();
            let Some(near) = sieve(&all, &shown) else { continue };
            fewer += usize::from(near.operations.len() < all.len());
            let asked = |operations: &[&Operation], shown: &[u32]| {
                let (calls, sources) = translate(operations, register_op);
                let core: Vec<u32> = (0..)
                    .zip(&sources)
                    .filter(|(_, source)| shown.contains(source))
                    .map(|(at, _)| at)
                    .collect();
                confirm_core(&model, &calls, &core)
            };
            let (of_all, of_near) = (asked(&all, &shown), asked(&near.operations, &near.shown));
            // Near are at most as many, so that they can be asked where all are too many.
            assert!(of_all.is_none() || of_all == of_near, "seed {seed}: {of_all:?} {of_near:?}");
            rejected += usize::from(of_all == Some(true));
        }
        assert!(fewer > 1_000 && rejected > 100, "{fewer} {rejected}");
    }
}
