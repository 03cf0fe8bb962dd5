//! The proofs of the core, shared by the tests and by `replica-check`.
//!
//! `simulation` drives five cores through random faults on a simulated clock; `ledger` watches
//! every step and knows what must hold; `model` gives the core to a model checker,
//! and `shared` keeps its states small.

pub mod ledger;
pub mod model;
pub mod shared;
pub mod simulation;
