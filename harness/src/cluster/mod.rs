//! The replicas as processes.
//!
//! - [`program`]: what is started, checked before anything is.
//! - [`process`]: one replica: spawned in a process group of its own, ended by its guard.
//! - [`command`]: the command of a system file, its places filled in.
//! - [`launch`]: what stands before a replica on a simulated host.
//! - [`filter`]: a filter on system calls; [`stalls`]: what holds them up.
//! - [`signals`]: the signals that a program sends.
//! - [`group`]: control groups; [`quota`]: a share of the processors; [`confinement`]: what an untrusted program may
//!   have, and [`excess`]: what it has too much of.
//! - [`environment`]: the variables that an untrusted program gets.
//! - [`wall_clock`]: a clock that jumps.
//! - [`simulate`]: a simulated host at work.
//! - `output`: what it writes is always drained, and kept up to a limit.
//! - [`sweep`]: finds whatever a replica started, however it hid, by a mark in its environment.
//! - [`owner`]: the harness that such a mark names, dead or alive.
//! - [`marked`]: temporary directories, deleted only by their mark.
//! - [`life`]: whether each replica takes part, and why not.
//! - [`watchdog`]: a second process that ends everything when the harness is killed.
//! - [`data`]: what faults do to a data directory.

pub mod command;
pub mod confinement;
pub mod data;
pub mod environment;
pub mod excess;
pub mod filter;
pub mod group;
pub mod launch;
pub mod life;
pub mod marked;
mod output;
pub mod owner;
pub mod process;
pub mod program;
pub mod quota;
pub mod signals;
pub mod simulate;
pub mod stalls;
pub mod sweep;
pub mod wall_clock;
pub mod watchdog;
