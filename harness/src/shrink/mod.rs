//! From a failing run to the smallest that still fails.
//!
//! - [`reduce`]: delta debugging over lists; pure, it asks a closure.
//! - [`workload`]: a scenario as a workload file that reads back as the same scenario.
//! - [`candidates`]: what can be left out of a workload, largest first.
//! - [`search`]: in which order they are tried; pure as well.
//! - [`history`]: the fewest operations of a history that show the same anomaly.

pub mod candidates;
pub mod history;
pub mod reduce;
pub mod search;
pub mod workload;
