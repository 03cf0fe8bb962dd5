//! What the system tells of itself and of processes. Whatever cannot be read is absent: a sample of
//! the host never fails and never waits.

use std::fs;
use std::path::Path;

use nix::sys::resource::{Resource, getrlimit};
use nix::sys::statvfs::statvfs;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::{Pid, SysconfVar, sysconf};

use crate::host::sample::{HostSample, ProcessSample};
use crate::limits;

/// A sample of one process; `None` if it is gone.
pub fn process(pid: i32) -> Option<ProcessSample> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // `pid (name) state ...`; a name may hold anything, also parentheses.
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let (cpu_ns, run_delay_ns) = scheduled(pid).unwrap_or_default();
    let pages: u64 = fields.get(21)?.parse().unwrap_or(0);
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).ok();
    let descriptors = descriptors.map(|entries| entries.take(limits::COUNTED_DESCRIPTORS).count());
    Some(ProcessSample {
        pid,
        state: fields.first()?.chars().next()?,
        cpu_ns,
        run_delay_ns,
        rss_kb: pages * page_kb(),
        threads: fields.get(17)?.parse().unwrap_or(1),
        descriptors: descriptors.and_then(|count| u32::try_from(count).ok()),
    })
}

/// CPU time and time spent waiting for a processor, in nanoseconds, over all threads.
fn scheduled(pid: i32) -> Option<(u64, u64)> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let mut sum = (0, 0);
    for thread in threads.take(limits::COUNTED_THREADS).filter_map(Result::ok) {
        let Ok(text) = fs::read_to_string(thread.path().join("schedstat")) else { continue };
        let mut figures = text.split_whitespace().filter_map(|word| word.parse::<u64>().ok());
        sum.0 += figures.next().unwrap_or(0);
        sum.1 += figures.next().unwrap_or(0);
    }
    Some(sum)
}

fn page_kb() -> u64 {
    let bytes = sysconf(SysconfVar::PAGE_SIZE).ok().flatten().unwrap_or(4096);
    u64::try_from(bytes).unwrap_or(4096) / 1024
}

/// The most descriptors that a process may have.
pub fn descriptor_limit(pid: i32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/limits")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The most descriptors that this process may have.
pub fn own_descriptor_limit() -> Option<u64> {
    getrlimit(Resource::RLIMIT_NOFILE).ok().map(|(soft, _)| soft)
}

/// Whether a child of ours was stopped, or went on, since this was last asked. Its death is left
/// to the process that waits for it.
pub fn was_stopped(pid: i32) -> bool {
    let flags = WaitPidFlag::WSTOPPED | WaitPidFlag::WCONTINUED | WaitPidFlag::WNOHANG;
    let mut was_stopped = false;
    // A stop and its end are told one after the other.
    for _ in 0..4 {
        match waitid(Id::Pid(Pid::from_raw(pid)), flags) {
            Ok(WaitStatus::Stopped(..) | WaitStatus::Continued(_)) => was_stopped = true,
            _ => break,
        }
    }
    was_stopped
}

/// A sample of the host; `folder` is where the results go.
pub fn host(folder: &Path) -> HostSample {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let ticks: Vec<u64> = stat
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        .filter_map(|word| word.parse().ok())
        .collect();
    HostSample {
        cpu_pressure_us: pressure("cpu"),
        io_pressure_us: pressure("io"),
        memory_pressure_us: pressure("memory"),
        steal_ticks: ticks.get(7).copied(),
        // The two kinds of guests' time after it are counted among the others.
        total_ticks: (ticks.len() >= 8).then(|| ticks[..8].iter().sum()),
        oom_kills: oom_kills(),
        disk_free_kb: statvfs(folder).ok().map(|disk| {
            let (free, block) = (disk.blocks_available(), disk.fragment_size());
            free.saturating_mul(block) / 1024
        }),
        descriptor_limit: own_descriptor_limit(),
        asleep_ns: asleep_ns(),
    }
}

/// Microseconds in which some process waited for this resource, since the system began.
fn pressure(resource: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/pressure/{resource}")).ok()?;
    let some = text.lines().find(|line| line.starts_with("some "))?;
    some.split_whitespace().find_map(|word| word.strip_prefix("total=")?.parse().ok())
}

fn oom_kills() -> Option<u64> {
    let text = fs::read_to_string("/proc/vmstat").ok()?;
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

/// How much the boot clock, which runs on while the system sleeps, is ahead of the monotonic one.
fn asleep_ns() -> i64 {
    let read = |clock| {
        clock_gettime(clock).map_or(0, |time| time.tv_sec() * 1_000_000_000 + time.tv_nsec())
    };
    read(ClockId::CLOCK_BOOTTIME) - read(ClockId::CLOCK_MONOTONIC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_very_process_and_its_host_can_be_looked_at() {
        let this = process(i32::try_from(std::process::id()).unwrap()).unwrap();
        assert!(this.rss_kb > 100 && this.cpu_ns > 0 && this.threads >= 1, "{this:?}");
        assert!(this.descriptors.unwrap() >= 3);
        let host = host(Path::new("/tmp"));
        assert!(host.total_ticks.unwrap() > 0 && host.disk_free_kb.unwrap() > 0, "{host:?}");
        assert!(process(-1).is_none());
        let limit = descriptor_limit(i32::try_from(std::process::id()).unwrap());
        assert_eq!(limit, host.descriptor_limit);
    }

    #[test]
    fn a_stop_between_two_looks_is_seen() {
        let mut child = std::process::Command::new("sleep").arg("100").spawn().unwrap();
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
        assert!(!was_stopped(pid.as_raw()));
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGSTOP).unwrap();
        let is_stopped = || process(pid.as_raw()).is_some_and(|sample| sample.state == 'T');
        let begin = std::time::Instant::now();
        while !is_stopped() {
            assert!(begin.elapsed().as_secs() < 60, "a stopped process is in state T");
        }
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGCONT).unwrap();
        assert!(was_stopped(pid.as_raw()));
        assert!(!was_stopped(pid.as_raw()));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
