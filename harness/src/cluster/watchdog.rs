//! A second process that ends everything when the harness is killed.
//!
//! The kernel kills the replicas with the harness ([`crate::os::die_with_parent`]), but neither what
//! they started nor the sockets' directory. The watchdog is the harness binary again, in a process
//! group of its own, holding one end of a pipe: when the pipe closes, however that came, it sweeps.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::owner::Owner;
use super::{marked, sweep};

/// The hidden subcommand under which the harness binary becomes a watchdog.
pub const SUBCOMMAND: &str = "__watchdog";

/// A directory is to be removed if the harness cannot.
const WATCH: u8 = b'+';

/// A directory is gone.
const FORGET: u8 = b'-';

/// How often the watchdog looks whether the harness stands still, and how long that may last.
const LOOK: Duration = Duration::from_millis(200);
const STANDS_STILL: Duration = Duration::from_secs(2);

/// The most bytes of a path on this system.
const PATH_BYTES: usize = 4096;

/// The harness's end of the pipe. Dropping it ends the watchdog, after a last sweep.
pub struct Watchdog {
    token: String,
    pipe: Mutex<Option<ChildStdin>>,
    child: Child,
}

impl Watchdog {
    /// Starts a watchdog from this very program.
    pub fn start() -> io::Result<Self> {
        let token = format!("{}{:08x}", Owner::this().prefix(), rand::random::<u32>());
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
        self.tell(WATCH, directory);
    }

    /// Tells that a directory is gone.
    pub fn forget(&self, directory: &Path) {
        self.tell(FORGET, directory);
    }

    fn tell(&self, sign: u8, directory: &Path) {
        let mut pipe = self.pipe.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(pipe) = pipe.as_mut() {
            // A watchdog that died is no reason to stop: the death signals still hold.
            let _ = pipe.write_all(&told(sign, directory));
        }
    }
}

/// A directory as it is told: a sign, the length of its path in four bytes, and the path, which may hold any byte.
fn told(sign: u8, directory: &Path) -> Vec<u8> {
    let path = directory.as_os_str().as_bytes();
    let length = u32::try_from(path.len()).unwrap_or(u32::MAX);
    [&[sign][..], &length.to_le_bytes(), path].concat()
}

/// The next that is told; `None` at the end, also where it is cut off.
fn hear(input: &mut impl Read) -> Option<(u8, PathBuf)> {
    let mut head = [0; 5];
    input.read_exact(&mut head).ok()?;
    let [sign, length @ ..] = head;
    let length = usize::try_from(u32::from_le_bytes(length)).ok()?;
    let mut path = vec![0; length.min(PATH_BYTES)];
    input.read_exact(&mut path).ok()?;
    Some((sign, PathBuf::from(OsString::from_vec(path))))
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        let mut pipe = self.pipe.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        pipe.take();
        let _ = self.child.wait();
    }
}

/// Lets the harness go on when it stands still: a replica that stops its parent must not hold up the run for good.
/// Where a shell with job control has stopped it, the user can see that, and has the say.
fn keep_going(harness: Pid) {
    let mut since = None;
    while nix::unistd::getppid() == harness {
        thread::sleep(LOOK);
        if !is_stopped(harness) {
            since = None;
        } else if since.get_or_insert_with(Instant::now).elapsed() >= STANDS_STILL {
            let _ = kill(harness, Signal::SIGCONT);
        }
    }
}

/// Whether a process was stopped, and not by the shell of its terminal.
fn is_stopped(pid: Pid) -> bool {
    // `pid (name) state parent group session terminal foreground ...`; a name may hold anything.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> =
        stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
    let [state, _, group, _, terminal, foreground, ..] = fields[..] else { return false };
    state == "T" && (terminal == "0" || group == foreground)
}

/// The watchdog's whole life: read until the pipe closes, then sweep.
pub fn keep_watch(token: &str, mut input: impl Read) {
    // Under a name of its own, so that `killall harness` leaves it to do its work.
    let _ = prctl::set_name(c"watchdog");
    let harness = nix::unistd::getppid();
    thread::spawn(move || keep_going(harness));
    let mut directories = BTreeSet::new();
    while let Some((sign, path)) = hear(&mut input) {
        match sign {
            WATCH => directories.insert(path),
            _ => directories.remove(&path),
        };
    }
    let prefix = format!("{token}-");
    sweep::kill_marked(&prefix);
    for directory in directories {
        marked::remove(&directory, |mark| mark.starts_with(&prefix));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_heard_as_it_was_told_whatever_bytes_it_holds() {
        let paths = [&b"/tmp/a\n+/home"[..], b"/tmp/\xff\xfe", b""];
        let paths = paths.map(|path| PathBuf::from(OsString::from_vec(path.to_vec())));
        let all: Vec<u8> = paths.iter().flat_map(|path| told(WATCH, path)).collect();
        let mut input = &all[..];
        for path in paths {
            assert_eq!(hear(&mut input), Some((WATCH, path)));
        }
        assert_eq!(hear(&mut input), None);
        assert_eq!(hear(&mut &all[..all.len() - 6]).map(|it| it.0), Some(WATCH));
        assert_eq!(hear(&mut &told(FORGET, Path::new("/tmp/cut"))[..9]), None);
    }
}
