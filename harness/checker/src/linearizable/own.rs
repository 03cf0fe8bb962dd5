//! Checking against a model of one's own.

use crate::budget::{Budget, Limit};
use crate::linearizable::search::{self, Answer};
use crate::model::{Call, Model};

/// What is known about some calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Linearization {
    /// An order that explains every answer: positions in the given calls. Completed ones are all
    /// in it, open ones only if they took effect.
    Order(Vec<u32>),
    /// There is none.
    Impossible,
    /// The budget was spent.
    Unknown(Limit),
}

/// Looks for an order of calls that respects time and a model. Before an order is given out, it
/// is replayed through the model.
///
/// ```
/// use checker::model::{Call, Model};
/// use checker::{Budget, Linearization, linearizable};
///
/// /// Hands out numbers; the answer to each request is the number.
/// struct Counter;
///
/// impl Model for Counter {
///     type Op = u64;
///     type State = u64;
///
///     fn initial(&self) -> u64 {
///         0
///     }
///
///     fn step(&self, state: &u64, answer: &u64) -> Option<u64> {
///         (state + 1 == *answer).then_some(*answer)
///     }
/// }
///
/// let first = Call { op: 2, invoke: 0, complete: Some(3) };
/// let meanwhile = Call { op: 1, invoke: 1, complete: Some(2) };
/// let both = [first, meanwhile];
/// assert_eq!(linearizable(&Counter, &both, Budget::default()), Linearization::Order(vec![1, 0]));
///
/// let after = [Call { op: 2, invoke: 0, complete: Some(1) }, Call { op: 1, invoke: 2, complete: Some(3) }];
/// assert_eq!(linearizable(&Counter, &after, Budget::default()), Linearization::Impossible);
/// ```
///
/// # Panics
///
/// If the model contradicts itself, so that the order found does not replay.
pub fn linearizable<M: Model>(
    model: &M,
    calls: &[Call<M::Op>],
    budget: Budget<'_>,
) -> Linearization {
    match search::linearize(model, calls, budget).answer {
        Answer::Linearizable(order) => {
            let mut state = model.initial();
            for &position in &order {
                let after = model.step(&state, &calls[position as usize].op);
                state = after.expect("a model answers the same question alike every time");
            }
            Linearization::Order(order)
        }
        Answer::NotLinearizable => Linearization::Impossible,
        Answer::GivenUp(limit) => Linearization::Unknown(limit),
    }
}
