//! What is told of a run's path: whether it is the same each time, and the hashes by which that is seen.

use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;
use supervisor::Supervisor;

use crate::files::folder::Folder;

/// The path of a run in virtual time.
#[derive(Clone, Debug, Serialize)]
pub struct Exactness {
    /// How long the run really took.
    #[serde(skip)]
    pub took: Duration,
    /// What keeps it from being exact, a few words each.
    pub not_exact: Vec<String>,
    /// The system calls that were taken up.
    pub calls: u64,
    /// The hash of all that was decided.
    pub hash: String,
    /// Every 10,000 calls: how many, when, and the hash until then.
    pub checkpoints: Vec<(u64, u64, String)>,
}

impl Exactness {
    /// Of a run that is over.
    pub(super) fn of(supervisor: &Supervisor, took: Duration) -> Self {
        let hex = |hash: u64| format!("{hash:016x}");
        let checkpoints = supervisor.checkpoints().iter();
        Self {
            took,
            not_exact: supervisor.remarks().map(ToString::to_string).collect(),
            calls: supervisor.calls(),
            hash: hex(supervisor.schedule_hash()),
            checkpoints: checkpoints.map(|it| (it.calls, it.at.0, hex(it.hash))).collect(),
        }
    }

    /// Writes `schedule.json` into the run's folder.
    pub(super) fn write(&self, place: &Folder) -> io::Result<()> {
        place.replace("schedule.json", |file| {
            serde_json::to_writer_pretty(&mut *file, self)?;
            file.write_all(b"\n")
        })
    }
}
