//! Runs unmodified processes in virtual time.
//!
//! Each call by which a process reads a clock, waits, or draws randomness is held by a filter of the kernel and taken up
//! here. One thread of all processes runs at a time, from call to call; which one, and when, is decided by a seed.
//! Sockets, pipes and files stay the kernel's: only *time* and *waiting* are ours.
//!
//! - [`agenda`], [`futex`], [`cost`], [`turns`], [`schedule`], [`random`], [`time`], [`vdso`]: pure.
//! - [`calls`]: what is done about each family of calls.
//! - [`supervisor`]: the loop.
//! - [`sys`]: the only room with `unsafe`.
//!
//! What cannot be taken up is told as a [`Remark`]: a run without remarks is the same each time.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "arguments of system calls are words, whose low bits are numbers of other widths and signs"
)]

pub mod agenda;
pub mod calls;
pub mod cost;
pub mod futex;
pub mod random;
pub mod remark;
pub mod schedule;
pub mod supervisor;
pub mod sys;
pub mod time;
pub mod turns;
pub mod vdso;

pub use cost::Costs;
pub use remark::Remark;
pub use supervisor::{
    Bounds, CallKind, EndpointId, ProcessId, ProcessSpec, Settings, SlowSyncs, Stop, Supervisor,
    SupervisorError,
};
pub use time::VirtualTime;
pub use turns::Turns;
