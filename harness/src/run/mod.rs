//! One execution of a scenario with one seed: a state machine that hears events and says effects.
//!
//! - [`event`]: what it hears, and what it wants done.
//! - [`machine`]: the run, made of the clients' pool, the player of faults, the network and the comparison of states.
//! - [`router`]: where each message goes.
//! - `state_comparison`: when all is quiet, the replicas are asked whether they hold the same.
//! - `agenda`: what is due when.
//! - [`progress`]: what can be seen of a run while it goes on; [`feed`]: what is new in it.

mod agenda;
pub mod event;
pub mod feed;
pub mod machine;
pub mod progress;
pub mod router;
mod state_comparison;

#[cfg(test)]
mod simulated;
