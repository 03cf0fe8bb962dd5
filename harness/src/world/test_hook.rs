//! A test hook: a harness that was built for tests panics during a run when a variable says so. A test then checks
//! what that leaves behind.

use crate::time::RunTime;

/// The environment variable that says after how many milliseconds of the run.
const VARIABLE: &str = "HARNESS_PANICS_AT_MS";

/// Panics, if the time has come.
pub fn panic_if_due(now: RunTime) {
    let told = std::env::var(VARIABLE).ok().and_then(|ms| ms.parse::<u64>().ok());
    let is_due = told.is_some_and(|ms| now >= RunTime(ms.saturating_mul(1_000_000)));
    assert!(!is_due, "the test hook {VARIABLE} asks for this panic");
}
