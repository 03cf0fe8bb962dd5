//! The experiment behind `harness flake`: why a test script fails on the server and works on the laptop.
//!
//! - [`experiment`]: what is tried, as plain values: hosts by routers by tests, and what became of each start.
//! - [`interval`]: how far a rate that was measured may be off.
//! - [`student`]: the program that is started.
//! - [`report`]: the tables, for people and as CSV, and the verdict in words.

pub mod experiment;
pub mod interval;
pub mod report;
pub mod student;
