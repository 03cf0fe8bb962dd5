//! Files that are not the kernel's: what is random, and what tells of the host. And locks of files.

use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::libc;

use super::{Amendment, Outcome};
use crate::supervisor::{Supervisor, TaskId, Waits};
use crate::sys::descriptors;
use crate::sys::files::{self, FileId, Status, Time};
use crate::sys::seccomp::{self, Trap};
use crate::time::{MONOTONIC_START, MS, SECOND, VirtualTime, WALL_START};

/// Who reads more than this of `/dev/urandom` meets its end.
const URANDOM: usize = 1 << 16;
/// The longest path that matters here.
const PATH: u64 = 64;
/// Files of `/proc` that tell of the host.
const HOST: [&str; 9] = [
    "schedstat",
    "interrupts",
    "softirqs",
    "vmstat",
    "diskstats",
    "zoneinfo",
    "buddyinfo",
    "slabinfo",
    "timer_list",
];
/// Files of `/proc/self`, and of other processes, that tell of processor time and memory.
const PROCESS: [&str; 8] =
    ["stat", "statm", "status", "sched", "schedstat", "io", "smaps", "smaps_rollup"];

/// Whether a file tells of real time, or of what the host does.
fn is_real(path: &str) -> bool {
    let Some(rest) = path.strip_prefix("/proc/") else { return false };
    match rest.rsplit_once('/') {
        None => HOST.contains(&rest),
        Some((of, name)) => {
            let is_process = of.starts_with(|first: char| first.is_ascii_digit() || first == 's');
            of == "pressure" || is_process && !of.starts_with("sys") && PROCESS.contains(&name)
        }
    }
}

impl Supervisor {
    /// Files are the kernel's, but for these.
    pub(super) fn open(&mut self, task: TaskId, call: Trap) -> Outcome {
        let at = usize::from(!matches!(call.number, libc::SYS_open | libc::SYS_creat));
        let path = self.path(task, call.args[at]);
        let Some(bytes) = self.replaced(task, &path) else {
            if is_real(&path) {
                self.used_call(task, path);
            }
            return Outcome::Continue;
        };
        let Ok(file) = descriptors::memory_file(&bytes) else { return Outcome::Continue };
        let listener = self.group_of(task).listener.as_raw_fd();
        let flags = if call.number == libc::SYS_open { call.args[1] } else { call.args[2] };
        let closes = flags as i32 & libc::O_CLOEXEC != 0;
        match seccomp::add_descriptor(listener, call.id, file.as_raw_fd(), None, closes) {
            Ok(number) => Outcome::Value(number.into()),
            Err(error) => Outcome::Error(error as i32),
        }
    }

    /// What is in a file instead of what is there on the host.
    fn replaced(&mut self, task: TaskId, path: &str) -> Option<Vec<u8>> {
        let up = self.now.0 + MONOTONIC_START;
        let text = match path {
            "/dev/urandom" | "/dev/random" => {
                let mut bytes = vec![0; URANDOM];
                self.group_mut(task).random.fill(&mut bytes);
                return Some(bytes);
            }
            "/proc/sys/kernel/random/uuid" => {
                let mut bytes = [0; 16];
                self.group_mut(task).random.fill(&mut bytes);
                (bytes[6], bytes[8]) = (bytes[6] & 0x0f | 0x40, bytes[8] & 0x3f | 0x80);
                let hex = format!("{:032x}", u128::from_be_bytes(bytes));
                let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
                parts.join("-") + "\n"
            }
            "/proc/uptime" => {
                let time = format!("{}.{:02}", up / SECOND, up % SECOND / (10 * MS));
                format!("{time} {time}\n")
            }
            "/proc/loadavg" => "0.00 0.00 0.00 1/1 1\n".to_owned(),
            "/proc/stat" => {
                let used: u64 = self.groups.iter().map(|group| group.used).sum();
                let (used, idle) = (used / (10 * MS), up.saturating_sub(used) / (10 * MS));
                let processor = format!("{used} 0 0 {idle} 0 0 0 0 0 0");
                let booted = (WALL_START - MONOTONIC_START) / SECOND;
                format!(
                    "cpu  {processor}\ncpu0 {processor}\nintr 0\nctxt 0\nbtime {booted}\nprocesses 1\n\
                     procs_running 1\nprocs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n"
                )
            }
            "/proc/meminfo" => {
                "MemTotal: 8388608 kB\nMemFree: 4194304 kB\nMemAvailable: 4194304 kB\n\
                 Buffers: 0 kB\nCached: 0 kB\nSwapCached: 0 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n"
                    .to_owned()
            }
            _ => return None,
        };
        Some(text.into_bytes())
    }

    /// A write through to the disk, which may be slow.
    pub(super) fn sync(&mut self, task: TaskId) -> Outcome {
        if let Some(deadline) = self.task(task).deadline {
            return if deadline > self.now { Outcome::Wait } else { Outcome::Continue };
        }
        let (now, group) = (self.now, self.group_mut(task));
        let Some(slow) = &group.slow_syncs else { return Outcome::Continue };
        group.syncs += 1;
        let longer = slow(group.syncs);
        if longer == 0 {
            return Outcome::Continue;
        }
        self.task_mut(task).deadline = Some(now.plus(longer));
        self.wait_for(task, Waits::Time)
    }

    /// The kernel tells of a file.
    pub(super) fn status(call: Trap) -> Outcome {
        let (at, is_long) = match call.number {
            libc::SYS_newfstatat => (call.args[2], false),
            libc::SYS_statx => (call.args[4], true),
            _ => (call.args[1], false),
        };
        Outcome::Amend(Amendment::Times(at, is_long))
    }

    /// A file that was changed since the run began was changed at a virtual time: when it was last written to by a call,
    /// or seen for the first time. When it was read nobody knows.
    pub(crate) fn amend_times(&mut self, task: TaskId, at: u64, is_long: bool) {
        let mut bytes = vec![0; Status::length(is_long)];
        if !self.read(task, at, &mut bytes) {
            return;
        }
        let mut status = Status::new(bytes, is_long);
        let is_new = |time: Time| status.get(time) >= self.begun;
        if [Time::Written, Time::Changed, Time::Made].into_iter().any(is_new) {
            let now = self.now;
            let changed = *self.changed.entry(status.file()).or_insert(now);
            let shown = changed.0 + self.ahead(task, true);
            for time in [Time::Written, Time::Changed, Time::Made] {
                if status.get(time) >= self.begun {
                    status.set(time, shown);
                }
            }
        }
        let written = status.get(Time::Written);
        status.set(Time::Read, written);
        self.write(task, at, status.bytes());
    }

    /// A file is written to.
    pub(super) fn writes_to(&mut self, file: FileId) {
        self.changed.insert(file, self.now);
    }

    /// The entries of a directory, by name: their order is otherwise that of the file system.
    pub(super) fn list(&mut self, task: TaskId, call: Trap) -> Outcome {
        /// No entry is longer.
        const ENTRY: usize = 280;
        let Some(fd) = self.descriptor(task, call.args[0] as i32) else { return Outcome::Continue };
        let mut bytes = vec![0; (call.args[2] as u32 as usize).min(1 << 20)];
        let length = match files::entries(fd, &mut bytes) {
            Ok(length) => length,
            Err(error) => return Outcome::Error(error as i32),
        };
        if bytes.len() - length < ENTRY {
            self.used_call(task, "a directory of many entries".into());
        }
        files::sort_entries(&mut bytes[..length]);
        match self.give(task, call.args[1], &bytes[..length]) {
            Outcome::Value(_) => Outcome::Value(length as i64),
            outcome => outcome,
        }
    }

    /// The begin of a path.
    fn path(&self, task: TaskId, at: u64) -> String {
        // Not beyond the page: the next one may not be there.
        let mut bytes = vec![0; (4096 - (at & 4095)).min(PATH) as usize];
        if !self.read(task, at, &mut bytes) {
            return String::new();
        }
        let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
        bytes.truncate(end);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// A lock belongs to the open file, of which we have a duplicate.
    pub(super) fn flock(&mut self, task: TaskId, call: Trap) -> Outcome {
        let operation = call.args[1] as i32;
        self.spread(task);
        self.shares_with_all();
        if operation & (libc::LOCK_NB | libc::LOCK_UN) != 0 {
            return Outcome::Continue;
        }
        let Some(fd) = self.descriptor(task, call.args[0] as i32) else { return Outcome::Continue };
        match descriptors::lock(fd, operation) {
            Ok(()) => Outcome::Value(0),
            Err(Errno::EWOULDBLOCK) => {
                self.task_mut(task).deadline = Some(VirtualTime::NEVER);
                self.wait_for(task, Waits::Others)
            }
            Err(error) => Outcome::Error(error as i32),
        }
    }

    /// A lock that belongs to the process, which only the process can take.
    pub(super) fn lock(&mut self, task: TaskId, _call: Trap) -> Outcome {
        self.used_call(task, "fcntl(F_SETLKW)".into());
        Outcome::Continue
    }
}
