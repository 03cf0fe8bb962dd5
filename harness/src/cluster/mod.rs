//! The replicas as processes.
//!
//! - [`program`]: what is started, checked before anything is.
//! - [`process`]: one replica: spawned in a process group of its own, ended by its guard.
//! - `output`: what it writes is always drained, and kept up to a limit.
//! - [`sweep`]: finds whatever a replica started, however it hid, by a mark in its environment.
//! - [`warden`]: a second process that ends everything when the harness is killed.
//! - [`data`]: what faults do to a data directory.
//! - [`os`]: the few unsafe lines.

pub mod data;
pub mod os;
mod output;
pub mod process;
pub mod program;
pub mod sweep;
pub mod warden;
