//! Models: what a correct object does when it is used by one caller at a time.

mod powerset;
mod register;
mod sequence;

use std::fmt::Debug;
use std::hash::Hash;

pub use powerset::{Nondeterministic, Powerset};
pub use register::{Register, RegisterOp};
pub use sequence::{Sequence, SequenceOp};

/// A sequential object: a first state, and what each operation does to a state.
///
/// An operation carries its answer, so that the model can say whether that answer is possible. An
/// operation whose answer is unknown is asked about only in order to let it take effect: one that
/// changes nothing then is never tried.
pub trait Model {
    /// One operation with its arguments and its answer.
    type Op: Clone + Eq + Hash + Debug;
    /// A state. Equal states must behave alike.
    type State: Clone + Eq + Hash + Debug;

    /// The state before everything.
    fn initial(&self) -> Self::State;

    /// The state after `op`, or `None` if `op` cannot have had its answer in `state`.
    fn step(&self, state: &Self::State, op: &Self::Op) -> Option<Self::State>;

    /// Whether `op` never changes any state in which it is possible. Saying `false` is always
    /// right; saying `true` spares the search a branch for each such operation, because an
    /// operation that only looks can be put where it is first possible.
    fn is_read_only(&self, op: &Self::Op) -> bool {
        let _ = op;
        false
    }

    /// What a state is known by, where operations need a certain state or bring one about: two
    /// different states never share a token. A model without tokens answers `None` here and to
    /// the next two.
    fn token(&self, state: &Self::State) -> Option<u32> {
        let _ = state;
        None
    }

    /// The token of the only state in which `op` is possible, if there is only one.
    fn requires(&self, op: &Self::Op) -> Option<u32> {
        let _ = op;
        None
    }

    /// The token of the state after `op`, wherever it takes effect. A model with tokens answers
    /// for each operation that is not read-only.
    fn produces(&self, op: &Self::Op) -> Option<u32> {
        let _ = op;
        None
    }

    /// The same model beginning in each of the states that these calls can tell apart, so that
    /// what none of them allows is impossible whatever was before. `None` if that is too many.
    fn starts(&self, calls: &[Call<Self::Op>]) -> Option<Vec<Self>>
    where
        Self: Sized,
    {
        let _ = calls;
        None
    }

    /// Bytes that a state owns outside of itself, as a list does: what a search counts against its
    /// budget for each state that it remembers, besides the state's own size.
    fn state_bytes(&self, state: &Self::State) -> usize {
        let _ = state;
        0
    }

    /// Strikes out open operations that cannot help any other, in whatever state the object begins, by
    /// setting their entry in `keep` to false. Doing nothing is always right. The more it strikes out,
    /// the more witnesses are few enough for the testers that confirm them.
    fn strike_out(&self, calls: &[Call<Self::Op>], keep: &mut [bool]) {
        let _ = (calls, keep);
    }
}

/// An operation in time. Times are places in the total order of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call<O> {
    /// What was done, and what was answered.
    pub op: O,
    /// The place of the invocation.
    pub invoke: u32,
    /// The place of the completion; `None` if it is open for ever.
    pub complete: Option<u32>,
}
