//! Transactions: which isolation levels a history keeps.
//!
//! - [`Builder`] takes transactions, whose keys, values and processes become numbers: [`Transactions`].
//! - [`Level`] names the levels and says which implies which, [`Anomaly`] what can go wrong.
//! - [`list_append`] infers the dependencies of a history of lists: an [`Inference`].
//! - [`graph`] holds them, [`knot`] finds cycles in them, and [`decide`](decide()) says what these mean
//!   for each level: an [`Outcome`].

pub mod anomaly;
mod confirm;
mod decide;
pub mod explain;
pub mod graph;
pub mod inference;
mod knot;
pub mod level;
pub mod list_append;
pub mod oracle;
#[cfg(test)]
mod tests;
pub mod transactions;

use crate::models::ModelName;

pub use anomaly::Anomaly;
pub use decide::{Evidence, Found, Outcome, Standing, Why, decide};
pub use explain::{Explanation, explain};
pub use graph::Kind;
pub use inference::{Doubt, Finding, Inference};
pub use knot::Step;
pub use level::{Level, Scope};
pub use transactions::{
    Builder, Frame, ListRead, Micro, NEVER, NOBODY, Name, Status, TooMany, Transactions,
};

/// Decides all levels of a history of this model. Of `rw-register` nothing is known yet.
pub fn check(transactions: &Transactions, model: ModelName) -> Outcome {
    match model {
        ModelName::ListAppend => decide(transactions, list_append::infer(transactions)),
        _ => Outcome::unsupported(transactions),
    }
}
