//! The host: its disturbances of a run, as measured; and the host to simulate.
//!
//! - [`knobs`]: what a profile can say, for people.
//! - [`profile`], [`profiles`]: what a host can be like, and those that have a name; [`plan`]: what the seed makes
//!   of one.
//! - [`sample`]: one sample of the host and its processes, as plain values, and as rows of `host.csv`.
//! - [`watch`]: from samples to [`disturbance`]s: what exceeded its threshold from when to when.
//!
//! - [`measured`]: a host as it was measured, to be simulated.
//! - [`diagnosis`]: the host or the replica? From runs on two hosts.
//!
//! The sampling itself is in [`crate::host::gauges`], the judging in [`crate::verdict`].

pub mod disturbance;
pub mod gauges;
pub mod measured;
pub mod sample;
pub mod watch;
