//! A second process that ends everything when the harness is killed.
//!
//! The kernel kills the replicas with the harness ([`crate::os::die_with_parent`]), but neither what
//! they started nor the sockets' directory. The watchdog is the harness binary again, in a process
//! group of its own, holding one end of a pipe: when the pipe closes, however that came, it sweeps.

use std::collections::BTreeSet;
use std::io::{self, BufRead, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Mutex;

use nix::sys::prctl;
use nix::unistd::Pid;

use super::sweep;

/// The hidden subcommand under which the harness binary becomes a watchdog.
pub const SUBCOMMAND: &str = "__watchdog";

/// The harness's end of the pipe. Dropping it ends the watchdog, after a last sweep.
pub struct Watchdog {
    token: String,
    pipe: Mutex<Option<ChildStdin>>,
    child: Child,
}

impl Watchdog {
    /// Starts a watchdog from this very program.
    pub fn start() -> io::Result<Self> {
        let token = format!("{}-{:08x}", std::process::id(), rand::random::<u32>());
        let mut child = Command::new(std::env::current_exe()?)
            .arg(SUBCOMMAND)
            .arg(&token)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let pipe = Mutex::new(child.stdin.take());
        Ok(Self { token, pipe, child })
    }

    /// The watchdog's process id.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("a process id"))
    }

    /// The mark that the processes of the run `n` carry.
    pub fn mark(&self, n: usize) -> String {
        format!("{}-{n}.", self.token)
    }

    /// Tells of a directory to be removed if the harness cannot.
    pub fn watch(&self, directory: &Path) {
        self.tell('+', directory);
    }

    /// Tells that a directory is gone.
    pub fn forget(&self, directory: &Path) {
        self.tell('-', directory);
    }

    fn tell(&self, sign: char, directory: &Path) {
        let mut pipe = self.pipe.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(pipe) = pipe.as_mut() {
            // A watchdog that died is no reason to stop: the death signals still hold.
            let _ = writeln!(pipe, "{sign}{}", directory.display());
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        let mut pipe = self.pipe.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        pipe.take();
        let _ = self.child.wait();
    }
}

/// The watchdog's whole life: read until the pipe closes, then sweep.
pub fn keep_watch(token: &str, input: impl BufRead) {
    // Under a name of its own, so that `killall harness` leaves it to do its work.
    let _ = prctl::set_name(c"watchdog");
    let mut directories = BTreeSet::new();
    for line in input.lines().map_while(Result::ok) {
        match line.split_at_checked(1) {
            Some(("+", path)) => directories.insert(PathBuf::from(path)),
            Some(("-", path)) => directories.remove(Path::new(path)),
            _ => false,
        };
    }
    sweep::kill_marked(&format!("{token}-"));
    for directory in directories {
        let _ = std::fs::remove_dir_all(directory);
    }
}
