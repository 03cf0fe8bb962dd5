//! The harness that a mark names: a process id alone means another process in another PID namespace, and in the same
//! one later on.

use std::fs;
use std::os::unix::fs::MetadataExt;

use nix::unistd::Pid;

/// A harness process, told from all others by its PID namespace and its start time. A mark begins with it:
/// `4711-4026531836-88123-...`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner {
    pid: u32,
    /// The inode of its PID namespace; 0 where the system does not tell.
    namespace: u64,
    /// When it was started, in clock ticks since the system began; 0 where the system does not tell.
    started: u64,
}

impl Owner {
    /// This process.
    pub fn this() -> Self {
        Self::of(std::process::id())
    }

    /// The process with this id, in our own PID namespace.
    pub fn of(pid: u32) -> Self {
        let namespace = namespace().unwrap_or(0);
        Self { pid, namespace, started: start_time(pid).unwrap_or(0) }
    }

    /// The owner that a mark names; `None` if it is no mark of this version.
    pub fn of_mark(mark: &str) -> Option<Self> {
        let mut fields = mark.splitn(4, '-');
        let (pid, namespace, started) = (fields.next()?, fields.next()?, fields.next()?);
        fields.next()?;
        Some(Self {
            pid: pid.parse().ok()?,
            namespace: namespace.parse().ok()?,
            started: started.parse().ok()?,
        })
    }

    /// What the marks of its runs begin with.
    pub fn prefix(self) -> String {
        format!("{}-{}-{}-", self.pid, self.namespace, self.started)
    }

    /// Whether it is certain that this process lives no more. Of another PID namespace nothing is certain.
    pub fn is_dead(self) -> bool {
        let is_known = self.started != 0 && is_proc_ours();
        is_known
            && namespace() == Some(self.namespace)
            && start_time(self.pid) != Some(self.started)
    }
}

/// Whether `/proc` shows the processes of our own PID namespace: in another one, ids that are read there would mean
/// other processes here.
pub fn is_proc_ours() -> bool {
    let shown = fs::read_link("/proc/self").ok();
    let shown = shown.and_then(|pid| pid.to_str()?.parse::<i32>().ok());
    shown == Some(Pid::this().as_raw())
}

/// The inode of our own PID namespace.
fn namespace() -> Option<u64> {
    fs::metadata("/proc/self/ns/pid").ok().map(|file| file.ino())
}

/// When a process was started, in clock ticks since the system began.
fn start_time(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // `pid (name) state parent ...`; a name may hold anything, also parentheses.
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_dead_only_where_that_is_certain() {
        let this = Owner::this();
        assert!(is_proc_ours() && !this.is_dead());
        assert_eq!(Owner::of_mark(&format!("{}abc-0.", this.prefix())), Some(this));
        let later = Owner { started: this.started + 1, ..this };
        assert!(later.is_dead(), "its process id was given to another process");
        let no_process = Owner { pid: u32::MAX, ..this };
        assert!(no_process.is_dead());
        let elsewhere = Owner { namespace: this.namespace + 1, ..no_process };
        assert!(!elsewhere.is_dead(), "in another namespace it may live");
        assert!(!Owner { started: 0, ..no_process }.is_dead(), "nothing is known of it");
        for other in ["4711-0badf00d-3.", "abc", "", "1-2-3", "-1-2-3-4"] {
            assert_eq!(Owner::of_mark(other), None, "{other}");
        }
    }
}
