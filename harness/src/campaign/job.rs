//! What a session shares out.

use std::path::PathBuf;
use std::sync::Arc;

use crate::plan::Plan;

/// One run that is to be made.
#[derive(Clone)]
pub struct Job {
    /// Its place among the runs of this command.
    pub number: usize,
    /// Where it comes from: the workload file, or the folder of an earlier run.
    pub source: PathBuf,
    /// What is to be done.
    pub plan: Arc<Plan>,
    /// The command that makes this run again.
    pub reproduce: String,
    /// Whether it takes the place of one that failed on a disturbed host.
    pub is_again: bool,
}
