//! A wall clock that jumps, for replicas only.
//!
//! The kernel has no such thing: its time namespaces move the monotonic and the boot clock, never the wall clock, and
//! programs read it without a system call that could be held up. So it needs a preloaded library, which a C compiler
//! makes when it is wanted first. (`libfaketime` was tried: with a true monotonic clock its sleeps fail.) A program
//! that is linked statically does not load it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const SOURCE: &str = include_str!("wall_clock.c");

/// The compilers that are tried.
const COMPILERS: [&str; 3] = ["cc", "gcc", "clang"];

/// What the library is told where its clock is.
const VARIABLE: &str = "HARNESS_WALL_CLOCK";

/// The compiler, if there is one.
pub fn compiler() -> Option<&'static str> {
    let answers = |name: &&str| {
        let asked = Command::new(name)
            .arg("--version")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        asked.is_ok_and(|status| status.success())
    };
    COMPILERS.into_iter().find(answers)
}

/// Makes the library and a clock that is right, in this folder.
pub fn prepare(folder: &Path) -> io::Result<()> {
    let compiler = compiler().ok_or_else(|| io::Error::other("there is no C compiler"))?;
    let source = folder.join("wall_clock.c");
    fs::write(&source, SOURCE)?;
    let made = Command::new(compiler)
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([&library(folder), &source])
        .stdin(Stdio::null())
        .output()?;
    if !made.status.success() {
        let said = String::from_utf8_lossy(&made.stderr).into_owned();
        return Err(io::Error::other(format!("{compiler}: {}", said.trim())));
    }
    fs::remove_file(source)?;
    set(folder, 0.0)
}

/// Sets the clock: by so many milliseconds ahead of the true one.
pub fn set(folder: &Path, by_ms: f64) -> io::Result<()> {
    // In place: it is mapped into the replicas.
    #[expect(clippy::cast_possible_truncation, reason = "a profile's jump is within a few years")]
    let ahead = (by_ms * 1e6) as i64;
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(false).open(clock(folder))?;
    io::Write::write_all(&mut file, &ahead.to_ne_bytes())
}

/// Lets the child read the clock in this folder.
pub fn give(command: &mut Command, folder: &Path) {
    command.env("LD_PRELOAD", library(folder)).env(VARIABLE, clock(folder));
}

fn library(folder: &Path) -> PathBuf {
    folder.join("wall_clock.so")
}

fn clock(folder: &Path) -> PathBuf {
    folder.join("wall_clock")
}
