//! A wall clock that jumps, for replicas only.
//!
//! The kernel has no such thing: its time namespaces move the monotonic and the boot clock, never the wall clock, and
//! programs read it without a system call that could be held up. So it needs a preloaded library: `libfaketime`,
//! where it is installed. A program that is linked statically does not load it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where distributions put it.
const FOLDERS: [&str; 5] = [
    "/usr/lib/x86_64-linux-gnu/faketime",
    "/usr/lib/aarch64-linux-gnu/faketime",
    "/usr/lib64/faketime",
    "/usr/lib/faketime",
    "/usr/local/lib/faketime",
];

/// The library, if it is there.
pub fn library() -> Option<PathBuf> {
    let paths = FOLDERS.iter().map(|folder| Path::new(folder).join("libfaketime.so.1"));
    paths.into_iter().find(|path| path.is_file())
}

/// Where the clock of a run's replicas is told.
pub fn file(folder: &Path) -> PathBuf {
    folder.join("wall-clock")
}

/// Sets the clock: by so many milliseconds ahead of the true one.
pub fn set(folder: &Path, by_ms: f64) -> io::Result<()> {
    // Replaced at once: a reader never finds half of it.
    let (path, new) = (file(folder), folder.join("wall-clock.new"));
    fs::write(&new, format!("{:+.3}\n", by_ms / 1e3))?;
    fs::rename(new, path)
}

/// Lets the child read that clock.
pub fn give(command: &mut Command, folder: &Path) {
    let Some(library) = library() else { return };
    command
        .env("LD_PRELOAD", library)
        .env("FAKETIME_TIMESTAMP_FILE", file(folder))
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_RESET", "1")
        .env("DONT_FAKE_MONOTONIC", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
}
