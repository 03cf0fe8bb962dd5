//! `manifest.json`: where, when and with what a run was made; written first, completed at the end.

use std::fs;
use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

use crate::cluster::program::Program;
use crate::files::counted::{Counted, Seal};
use crate::files::folder::Folder;
use crate::seed::Seed;
use crate::world::Clock;

/// What is in `manifest.json`.
#[derive(Clone, Debug, Serialize)]
pub struct Manifest {
    /// The version of this shape.
    pub schema: u32,
    /// The harness.
    pub version: &'static str,
    /// The command line, word by word.
    pub command: Vec<String>,
    /// The workload file.
    pub workload: String,
    /// The scenario's name.
    pub scenario: String,
    /// The seed.
    pub seed: Seed,
    /// What was started as a replica.
    pub replica: Program,
    /// The machine.
    pub host: Host,
    /// Whose time all other files tell.
    pub clock: Clock,
    /// When the run was begun (UTC).
    pub start: Timestamp,
    /// When it ended (UTC); `null` while it goes on, and for ever if the harness was killed.
    pub end: Option<Timestamp>,
    /// Of a run in virtual time: how many seconds of real time it took, with its start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub took_s: Option<f64>,
    /// Of a run in virtual time: what keeps it from being the same each time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_exact: Option<Vec<String>>,
    /// The exit code of this run alone; `null` until it is judged.
    pub exit_code: Option<u8>,
}

/// Facts about the machine.
#[derive(Clone, Debug, Serialize)]
pub struct Host {
    /// Kernel name and release.
    pub kernel: String,
    /// The processor's architecture.
    pub architecture: &'static str,
    /// Processors that the harness may use.
    pub processors: usize,
    /// Memory in kB, where the system tells.
    pub memory_kb: Option<u64>,
    /// Load averages over 1, 5 and 15 minutes at the start, as the system words them.
    pub load: Option<String>,
}

impl Host {
    /// Reads the facts of this machine.
    pub fn detect(clock: Clock) -> Self {
        let kernel = nix::sys::utsname::uname().map(|names| {
            let words = [names.sysname(), names.release()];
            words.map(|word| word.to_string_lossy().into_owned()).join(" ")
        });
        let memory = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
            let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
            line.trim().trim_end_matches("kB").trim().parse().ok()
        });
        // In virtual time nothing depends on it.
        let load =
            (clock == Clock::Real).then(|| fs::read_to_string("/proc/loadavg").ok()).flatten();
        Self {
            kernel: kernel.unwrap_or_default(),
            architecture: std::env::consts::ARCH,
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            memory_kb: memory,
            load: load.map(|text| text.split(' ').take(3).collect::<Vec<_>>().join(" ")),
        }
    }
}

impl Manifest {
    /// Writes the file into the run's folder, in one step.
    pub fn write(&self, place: &Folder) -> io::Result<()> {
        write_json(place, "manifest.json", self).map(|_| ())
    }
}

/// Writes a value as indented JSON, in one step: a reader sees all of it or nothing. Returns what the file must hold.
pub fn write_json(place: &Folder, name: &str, value: &impl Serialize) -> io::Result<Seal> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    let beside = format!("{name}.part");
    let (mut file, seal) = Counted::create(place, &beside)?;
    file.write_all(&text)?;
    place.rename(&beside, name)?;
    Ok(seal.named(name))
}
