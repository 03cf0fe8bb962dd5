//! Objects that may do more than one thing.

use std::fmt::Debug;
use std::hash::Hash;

use super::Model;
use crate::memory;

/// A sequential object that chooses: from one state an operation may lead to several, or, if its
/// answer is impossible there, to none.
pub trait Nondeterministic {
    /// One operation with its arguments and its answer.
    type Op: Clone + Eq + Hash + Debug;
    /// A state. Equal states must behave alike.
    type State: Clone + Ord + Hash + Debug;

    /// The states that it may begin in.
    fn initial(&self) -> Vec<Self::State>;

    /// The states after `op`, in any order, also repeated.
    fn steps(&self, state: &Self::State, op: &Self::Op) -> Vec<Self::State>;

    /// Bytes that a state owns outside of itself, as in [`Model::state_bytes`].
    fn state_bytes(&self, state: &Self::State) -> usize {
        let _ = state;
        0
    }

    /// Whether `op` never changes any state in which it is possible, nor tells states apart.
    /// `false` is always right.
    fn is_read_only(&self, op: &Self::Op) -> bool {
        let _ = op;
        false
    }
}

/// A nondeterministic object as a [`Model`]: its state is the set of all states that it may be in,
/// by the well-known construction. An order of operations works if at least one way through the
/// choices does. What is not said about an answer, a *partial* model, is a choice as well.
///
/// ```
/// use checker::model::{Call, Nondeterministic, Powerset};
/// use checker::{Budget, Linearization, linearizable};
///
/// /// A register that may forget a write, but not in the middle.
/// struct Forgetful;
///
/// #[derive(Debug, Clone, PartialEq, Eq, Hash)]
/// enum Op {
///     Write(u32),
///     Read(u32),
/// }
///
/// impl Nondeterministic for Forgetful {
///     type Op = Op;
///     type State = u32;
///
///     fn initial(&self) -> Vec<u32> {
///         vec![0]
///     }
///
///     fn steps(&self, state: &u32, op: &Op) -> Vec<u32> {
///         match *op {
///             Op::Write(new) => vec![*state, new],
///             Op::Read(value) if value == *state => vec![value],
///             Op::Read(_) => vec![],
///         }
///     }
/// }
///
/// let call = |op, invoke| Call { op, invoke, complete: Some(invoke + 1) };
/// let model = Powerset(Forgetful);
/// let forgot = [call(Op::Write(1), 0), call(Op::Write(2), 2), call(Op::Read(1), 4)];
/// let order = Linearization::Order(vec![0, 1, 2]);
/// assert_eq!(linearizable(&model, &forgot, Budget::default()), order);
///
/// let back = [call(Op::Write(1), 0), call(Op::Read(0), 2), call(Op::Read(1), 4)];
/// assert_eq!(linearizable(&model, &back, Budget::default()), Linearization::Impossible);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Powerset<N>(pub N);

impl<N: Nondeterministic> Model for Powerset<N> {
    type Op = N::Op;
    /// Sorted, without repetition, and not empty.
    type State = Box<[N::State]>;

    fn initial(&self) -> Self::State {
        let mut initial = self.0.initial();
        sort(&mut initial);
        initial.into()
    }

    fn step(&self, states: &Self::State, op: &N::Op) -> Option<Self::State> {
        let mut after = Vec::new();
        let mut different = 0;
        for state in states {
            after.extend(self.0.steps(state, op));
            // So that what is there several times never takes much more than what is there.
            if after.len() > 2 * different + MOST_UNSORTED {
                sort(&mut after);
                different = after.len();
            }
        }
        sort(&mut after);
        (!after.is_empty()).then(|| after.into())
    }

    fn is_read_only(&self, op: &N::Op) -> bool {
        self.0.is_read_only(op)
    }

    fn state_bytes(&self, states: &Self::State) -> usize {
        let owned: usize = states.iter().map(|state| self.0.state_bytes(state)).sum();
        owned + memory::block(size_of_val(&**states))
    }
}

/// So many states are collected before they are sorted for the first time.
const MOST_UNSORTED: usize = 64;

/// In order, each once.
fn sort<S: Ord>(states: &mut Vec<S>) {
    states.sort_unstable();
    states.dedup();
}

#[cfg(test)]
mod tests {
    use rand::{RngExt as _, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::budget::Budget;
    use crate::linearizable::oracle::{cases, intervals};
    use crate::linearizable::{Linearization, linearizable};
    use crate::model::Call;

    /// Elements go in; any of them comes out.
    struct Bag;

    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    enum Op {
        Put(u32),
        /// Took this one, or, with none, an unknown one.
        Take(Option<u32>),
        /// So many were there.
        Count(usize),
    }

    impl Nondeterministic for Bag {
        type Op = Op;
        type State = Vec<u32>;

        fn initial(&self) -> Vec<Vec<u32>> {
            vec![vec![]]
        }

        fn steps(&self, state: &Vec<u32>, op: &Op) -> Vec<Vec<u32>> {
            let without = |at: usize| {
                let mut left = state.clone();
                left.remove(at);
                left
            };
            match *op {
                Op::Put(element) => {
                    let mut more = [&state[..], &[element]].concat();
                    more.sort_unstable();
                    vec![more]
                }
                Op::Take(Some(element)) => state
                    .iter()
                    .position(|&known| known == element)
                    .map(without)
                    .into_iter()
                    .collect(),
                Op::Take(None) => (0..state.len()).map(without).collect(),
                Op::Count(count) if count == state.len() => vec![state.clone()],
                Op::Count(_) => vec![],
            }
        }
    }

    /// All orders, and in each all choices one by one.
    fn brute_force(calls: &[Call<Op>], left: &mut Vec<usize>, state: &Vec<u32>) -> bool {
        let deadline = left.iter().filter_map(|&at| calls[at].complete).min();
        let Some(deadline) = deadline else { return true };
        (0..left.len()).any(|position| {
            let call = &calls[left[position]];
            if call.invoke >= deadline {
                return false;
            }
            let at = left.remove(position);
            let after = Bag.steps(state, &call.op);
            let found = after.iter().any(|state| brute_force(calls, left, state));
            left.insert(position, at);
            found
        })
    }

    #[test]
    fn sets_of_states_agree_with_all_orders_and_choices() {
        let (mut valid, mut invalid) = (0, 0);
        for seed in 0..cases(30_000) {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let count = rng.random_range(1..=7);
            let op = |rng: &mut ChaCha8Rng| match rng.random_range(0..6) {
                0..2 => Op::Put(rng.random_range(0..3)),
                2..4 => Op::Take(None),
                4 => Op::Take(Some(rng.random_range(0..3))),
                _ => Op::Count(rng.random_range(0..3)),
            };
            let calls: Vec<Call<Op>> = intervals(&mut rng, count)
                .into_iter()
                .map(|(invoke, complete)| Call { op: op(&mut rng), invoke, complete })
                .collect();
            let expected = brute_force(&calls, &mut (0..calls.len()).collect(), &vec![]);
            match linearizable(&Powerset(Bag), &calls, Budget::default()) {
                Linearization::Order(_) => assert!(expected, "seed {seed}: {calls:?}"),
                Linearization::Impossible => assert!(!expected, "seed {seed}: {calls:?}"),
                Linearization::Unknown(limit) => panic!("seed {seed}: {limit:?}"),
            }
            if expected { valid += 1 } else { invalid += 1 }
        }
        assert!(valid > 3_000 && invalid > 3_000, "{valid} valid, {invalid} invalid");
    }
}
