//! Finds whatever a replica started, however it hid.
//!
//! A process group misses a program that made a session of its own. But every process inherits
//! its environment, and so a mark in it: what carries the mark of a run belongs to that run. What
//! made itself an environment from nothing besides is found as an orphan: the harness adopts the
//! orphans of its descendants, and ends them when its last run is over.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use nix::sys::prctl;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::{Pid, getpgid};

use super::owner::{self, Owner};

/// The environment variable that carries the mark of a run.
pub const MARK: &str = "HARNESS_RUN_MARK";

/// The living processes whose mark starts with `prefix`, without this one.
pub fn marked(prefix: &str) -> Vec<Pid> {
    let wanted = format!("{MARK}={prefix}");
    let this = Pid::this();
    let is_wanted = |pid: &Pid| *pid != this && has_mark(*pid, wanted.as_bytes());
    let mut found: Vec<Pid> = processes().into_iter().filter(is_wanted).collect();
    found.sort_unstable();
    found
}

/// Ends what an earlier harness left because it was killed together with its watchdog: processes
/// whose mark names a harness that certainly lives no more. Returns how many there were.
pub fn kill_leftovers() -> usize {
    let owners: BTreeSet<Owner> =
        marks().into_iter().filter_map(|mark| Owner::of_mark(&mark)).collect();
    let dead = owners.into_iter().filter(|owner| owner.is_dead());
    dead.map(|owner| kill_marked(&owner.prefix())).sum()
}

/// The living processes of each run of this harness, by the mark of the run.
pub fn runs_of(harness: Owner) -> BTreeMap<String, Vec<Pid>> {
    let prefix = harness.prefix();
    let mut runs = BTreeMap::<String, Vec<Pid>>::new();
    for (pid, mark) in pids_and_marks().into_iter().filter(|(_, mark)| mark.starts_with(&prefix)) {
        let run = mark.split_inclusive('.').next().unwrap_or(&mark).to_owned();
        runs.entry(run).or_default().push(pid);
    }
    runs
}

/// Whether a living process carries the mark of a run, but not this one.
pub fn is_of_another_run(pid: i32, mark: &str) -> bool {
    mark_of(pid).is_some_and(|its| !its.starts_with(mark))
}

/// Whether a living process carries this mark.
pub fn is_of(pid: i32, mark: &str) -> bool {
    mark_of(pid).is_some_and(|its| its.starts_with(mark))
}

/// Ends all processes of a run at once.
pub fn kill_run(mark: &str, pids: &[Pid]) {
    kill_groups(pids);
    kill_marked(mark);
}

/// Ends the groups of these processes, but not our own: no process leaves a group, or adds to it, while it is being
/// ended, so that also those end that multiply faster than they could be killed one by one.
fn kill_groups(pids: &[Pid]) {
    let groups: BTreeSet<Pid> = pids.iter().filter_map(|pid| getpgid(Some(*pid)).ok()).collect();
    let ours = getpgid(None).ok();
    for group in groups.into_iter().filter(|group| Some(*group) != ours) {
        let _ = killpg(group, Signal::SIGKILL);
    }
}

/// The marks of all living processes that have one.
fn marks() -> Vec<String> {
    pids_and_marks().into_iter().map(|(_, mark)| mark).collect()
}

fn pids_and_marks() -> Vec<(Pid, String)> {
    processes().into_iter().filter_map(|pid| Some((pid, mark_of(pid.as_raw())?))).collect()
}

/// All processes of our PID namespace and those below it; none where `/proc` shows those of another one.
fn processes() -> Vec<Pid> {
    if !owner::is_proc_ours() {
        return Vec::new();
    }
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    pids.map(Pid::from_raw).collect()
}

fn mark_of(pid: i32) -> Option<String> {
    let prefix = format!("{MARK}=");
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let mut variables = environment.split(|&byte| byte == 0);
    let mark = variables.find_map(|variable| variable.strip_prefix(prefix.as_bytes()))?;
    Some(String::from_utf8_lossy(mark).into_owned())
}

/// Lets this process adopt the orphans among its descendants, so that none gets away.
pub fn adopt_orphans() -> std::io::Result<()> {
    Ok(prctl::set_child_subreaper(true)?)
}

/// Ends all children of this process but those of `spared`, again until none is left, a bounded
/// number of times. To be called when no run goes on: then the only children are orphans.
pub fn kill_orphans(spared: &[Pid]) -> usize {
    let mut killed = 0;
    for _ in 0..50 {
        let orphans: Vec<Pid> =
            children().into_iter().filter(|child| !spared.contains(child)).collect();
        if orphans.is_empty() {
            break;
        }
        for orphan in orphans {
            killed += usize::from(kill(orphan, Signal::SIGKILL).is_ok());
            // The dead stay children until they are waited for.
            let _ = waitpid(orphan, Some(WaitPidFlag::WNOHANG));
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    killed
}

/// The children of this process.
fn children() -> Vec<Pid> {
    let this = std::process::id().to_string();
    let is_ours = |pid: &Pid| {
        // `pid (name) state parent ...`; a name may hold anything, also parentheses.
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        after_name.split_whitespace().nth(1) == Some(&this)
    };
    processes().into_iter().filter(is_ours).collect()
}

fn has_mark(pid: Pid, wanted: &[u8]) -> bool {
    // A dead process that was not waited for has an empty environment: it is not found.
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
        kill_groups(&found);
        for pid in found {
            let _ = kill(pid, Signal::SIGKILL);
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    killed
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn only_who_carries_the_mark_of_another_run_is_of_another_run() {
        let is_of_another = |mark: Option<&str>| {
            let mut command = Command::new("sleep");
            command.arg("60").env_remove(MARK).stdin(Stdio::null());
            command.envs(mark.map(|mark| (MARK, mark)));
            let mut child = command.spawn().expect("sleep starts");
            let pid = i32::try_from(child.id()).expect("a process id");
            // For a moment after it was loaded, a process has no environment yet.
            let deadline = Instant::now() + Duration::from_secs(60);
            while fs::read(format!("/proc/{pid}/environ")).is_ok_and(|it| it.is_empty()) {
                assert!(Instant::now() < deadline, "it never got an environment");
                std::thread::yield_now();
            }
            let answer = is_of_another_run(pid, "4711-9-9-1.");
            child.kill().expect("it still sleeps");
            child.wait().expect("it is ours");
            answer
        };
        assert!(!is_of_another(Some("4711-9-9-1.0002")), "its own");
        assert!(is_of_another(Some("4711-9-9-12.")), "of a run beside it");
        assert!(is_of_another(Some("4712-9-9-1.")), "of another harness");
        assert!(!is_of_another(None), "it is unknown");
    }
}
