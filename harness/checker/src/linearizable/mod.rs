//! Whether operations could have taken effect one at a time, each between its invocation and its completion
//! (Herlihy and Wing, 1990).
//!
//! | room | what it decides |
//! |---|---|
//! | [`zones`] | registers whose values differ: no search, O(n log n) |
//! | [`chains`] | the same with compare-and-set |
//! | [`appends`] | texts and lists whose appends differ: no search, O(n log n) |
//! | [`search`] | any [`Model`](crate::model::Model), within a budget |
//! | [`online`] | a register, while the run goes on |
//!
//! The other rooms make a witness of a refutation: [`contradiction`] finds few operations, [`pairs`] the
//! fewest where values differ, [`fewest`] those of a small history, [`minimize`] and [`strike`] leave out
//! what can be spared, and [`confirm`] asks a second and a third checker.

pub(crate) mod appends;
mod by_value;
pub(crate) mod calls;
pub(crate) mod chains;
pub(crate) mod confirm;
pub(crate) mod contradiction;
pub(crate) mod fewest;
pub(crate) mod minimize;
pub mod online;
#[cfg(test)]
pub(crate) mod oracle;
mod own;
pub(crate) mod pairs;
pub(crate) mod search;
pub(crate) mod strike;
pub(crate) mod zones;

pub use own::{Linearization, linearizable};
