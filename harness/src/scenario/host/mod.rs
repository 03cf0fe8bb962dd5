//! A simulated host, as a workload's user describes it.
//!
//! - [`profile`]: what a host can be like; [`profiles`]: those that have a name.
//! - [`knobs`]: the keys of a profile, for people.

pub mod knobs;
pub mod profile;
pub mod profiles;
