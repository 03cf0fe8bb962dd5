//! Many runs of one command.
//!
//! - [`guard`]: what surrounds them: leftovers, orphans, the watchdog, Ctrl-C ([`signals`]).
//! - [`share_out()`]: items to threads, the only fan-out.
//! - [`judge()`]: a run's history read, checked and judged.
//! - [`job`]: one run that is to be made; [`supported`]: what its transport does not support.
//! - [`exact`]: whether a run in virtual time is the same as an earlier one; [`explore`]: many seeds, the first that fails.
//! - [`kill_point`]: a leader that is killed before its n-th system call.
//! - [`trials`]: how often a failure comes back; [`attribution`]: which fault it needs.
//! - [`batch`]: runs of a command that counts, with nothing printed.
//! - [`earlier`]: what an earlier run left, enough to make it again.
//! - [`trials`]: how often a workload fails as a run did; [`shrinking`]: the smallest that does.
//! - [`mutants`]: each named bug of a replica, caught or not.
//! - [`grade`]: many programs, each by a harness of its own.

pub mod attribution;
pub mod batch;
pub mod earlier;
pub mod exact;
pub mod explore;
pub mod grade;
pub mod guard;
pub mod job;
mod judge;
pub mod kill_point;
pub mod mutants;
mod share_out;
pub mod shrinking;
pub mod signals;
pub mod supported;
pub mod trials;

pub use guard::Guard;
pub use judge::{Judged, judge};
pub use share_out::share_out;
