//! Finds whatever a replica started, however it hid.
//!
//! A process group misses a program that made a session of its own. But every process inherits
//! its environment, and so a mark in it: what carries the mark of a run belongs to that run. (A
//! program that starts others with an environment made from nothing escapes this, as it escapes
//! everything short of a container.)

use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The environment variable that carries the mark of a run.
pub const MARK: &str = "HARNESS_RUN_MARK";

/// The living processes whose mark starts with `prefix`, without this one.
pub fn marked(prefix: &str) -> Vec<Pid> {
    let wanted = format!("{MARK}={prefix}");
    let this = std::process::id();
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let mut found: Vec<Pid> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter(|&pid| pid != this && has_mark(pid, wanted.as_bytes()))
        .filter_map(|pid| i32::try_from(pid).ok().map(Pid::from_raw))
        .collect();
    found.sort_unstable();
    found
}

fn has_mark(pid: u32, wanted: &[u8]) -> bool {
    // A dead process that nobody waited for has an empty environment: it is not found.
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment.split(|&byte| byte == 0).any(|variable| variable.starts_with(wanted))
}

/// Kills all processes whose mark starts with `prefix`, again until none is left (one may start
/// another meanwhile), a bounded number of times; returns how many it found.
pub fn kill_marked(prefix: &str) -> usize {
    let mut killed = 0;
    for _ in 0..50 {
        let found = marked(prefix);
        if found.is_empty() {
            break;
        }
        killed += found.len();
        for pid in found {
            let _ = kill(pid, Signal::SIGKILL);
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    killed
}
