//! One replica as a process: in a process group of its own, with its own log files, ended by its
//! guard together with everything it started.

use std::cell::Cell;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::command::Command;
use super::launch::Launcher;
use super::output::Written;
use super::program::Program;
use super::signals::Signals;
use super::stalls::{self, Seen};
use super::{environment, filter, output, sweep, wall_clock};
use crate::files::folder::Folder;
use crate::ids::NodeId;
use crate::limits;
use crate::network::transport::Transport;
use crate::os;
use crate::plan::host::HostPlan;
use crate::scenario::host::profile::Logs;

/// The name of the data directory in a replica's folder.
pub const DATA: &str = "data";

const STDOUT: &str = "stdout.log";
const STDERR: &str = "stderr.log";

/// Whether a replica's folder can take its output and its data.
pub fn is_fit(place: &Folder) -> bool {
    place.make(DATA).and_then(|()| place.append(STDOUT)).and_then(|_| place.append(STDERR)).is_ok()
}

/// A replica has ended: `waitpid` said so.
#[derive(Debug)]
pub struct Exited {
    /// The replica.
    pub id: NodeId,
    /// Which of its processes.
    pub pid: i32,
    /// How the process ended.
    pub status: ExitStatus,
}

/// Where and how a replica is started.
pub struct Launch<'a> {
    /// The program to start.
    pub program: &'a Program,
    /// How a system file says that it is started; `None`: as the course's replicas are.
    pub command: Option<&'a Command>,
    /// The UDP port that it is told first, if that is how it talks.
    pub port: Option<u16>,
    /// The other replicas' ids, in order.
    pub peers: &'a [NodeId],
    /// The working directory, which holds the sockets.
    pub directory: &'a Path,
    /// Where its logs and data go.
    pub folder: &'a Path,
    /// The same folder, whatever its path means by then.
    pub place: &'a Folder,
    /// The simulated host.
    pub host: Option<&'a HostPlan>,
    /// The file by which a process joins the replicas' control group, if they have one.
    pub door: Option<&'a Path>,
    /// The same of the groups that confine an untrusted program.
    pub doors: &'a [PathBuf],
    /// The mark of its run, for [`sweep`].
    pub mark: &'a str,
    /// The disk that it meets.
    pub disk: os::Disk,
    /// Where the signals that it sends are remembered.
    pub signals: &'a Signals,
}

/// Standard input and output of a process.
pub struct Pipes {
    /// What it reads.
    pub input: OwnedFd,
    /// What it writes.
    pub output: OwnedFd,
}

/// A running (or dead) replica. Dropping it kills its process group.
pub struct Process {
    pid: Pid,
    spawned: Instant,
    place: Folder,
    written: Arc<Written>,
    drains: Vec<JoinHandle<()>>,
    cpu_ns: Option<u64>,
    /// Its standard input and output, where it talks over them.
    pipes: Option<Pipes>,
    waiter: JoinHandle<()>,
    stalls: Option<Arc<Mutex<Seen>>>,
    /// Whether it is held stopped, and whether that changed since it was last asked for.
    is_held: Cell<bool>,
    was_signalled: Cell<bool>,
}

impl Process {
    /// Starts the replica `id`. Its end is told to `exits`. Must be called within a `LocalSet`, on
    /// the thread that lives as long as the run.
    pub fn spawn(
        id: NodeId,
        launch: &Launch<'_>,
        exits: mpsc::UnboundedSender<Exited>,
    ) -> io::Result<Self> {
        let data = launch.folder.join(DATA);
        launch.place.make(DATA)?;
        let [stdout_log, stderr_log] = [launch.place.append(STDOUT)?, launch.place.append(STDERR)?];
        let fill = |argument: &String| filled(argument, id, &data);
        // On a simulated host the launcher waits first, then becomes the program.
        let launcher = Launcher::of(launch.host, id, launch.door).zip(launch.host);
        let (mut command, stalls) = match (launch.command, launcher) {
            (Some(command), _) => (command.build(), None),
            (None, None) => (std::process::Command::new(&launch.program.path), None),
            (None, Some((launcher, host))) => behind(&launcher, host, id, launch.program)?,
        };
        if launch.program.is_confined {
            environment::clean(&mut command, &launch.program.passed_variables);
        }
        let talks_over_pipes = launch.program.transport == Transport::Stdio;
        match launch.command {
            Some(own) => {
                own.write_files()?;
                own.set_environment(&mut command);
            }
            // As its user would start it: relative paths among its arguments are those of the user.
            None if talks_over_pipes => {
                command.args(launch.program.arguments.iter().map(fill));
            }
            None => {
                command
                    .args(launch.port.map(|port| port.to_string()))
                    .arg(id.to_string())
                    .args(launch.peers.iter().map(NodeId::to_string))
                    .args(launch.program.arguments.iter().map(fill))
                    .current_dir(launch.directory);
            }
        }
        if talks_over_pipes {
            command.stdin(Stdio::piped()).stdout(Stdio::piped());
        } else {
            command.stdin(Stdio::null()).stdout(logs(launch.host)?);
        }
        command.env(sweep::MARK, launch.mark).stderr(logs(launch.host)?).process_group(0);
        if launch.host.is_some_and(|host| host.profile.clock_jump.is_some()) {
            wall_clock::give(&mut command, launch.folder.parent().unwrap_or(launch.folder));
        }
        if launch.program.is_confined {
            os::confine(&mut command, launch.doors);
        }
        os::give_disk(&mut command, launch.disk);
        // A process has one listener: on a host that holds up file access, signals are not looked at.
        let listener = match &stalls {
            None => filter::give(&mut command, launch.signals.program()).ok(),
            Some(_) => None,
        };
        os::die_with_parent(&mut command);
        let mut child = tokio::process::Command::from(command).spawn()?;
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).map(Pid::from_raw);
        let pid = pid.expect("a child that was not waited for has an id");

        if let Some(listener) = listener.as_ref().and_then(filter::taken) {
            launch.signals.supervise(id, listener);
        }
        let written = Arc::new(Written::default());
        let mut drains = Vec::new();
        let slow = |stream: &str| output::Slow::of(launch.host, id, stream);
        let mut pipes = None;
        if talks_over_pipes
            && let Some((input, output)) = child.stdin.take().zip(child.stdout.take())
        {
            pipes = Some(Pipes { input: input.into_owned_fd()?, output: output.into_owned_fd()? });
        }
        if let Some(stdout) = child.stdout.take() {
            drains.push(output::drain(stdout, stdout_log, Arc::clone(&written), slow("stdout")));
        }
        if let Some(stderr) = child.stderr.take() {
            drains.push(output::drain(stderr, stderr_log, Arc::clone(&written), slow("stderr")));
        }
        let waiter = tokio::task::spawn_local(async move {
            if let Ok(status) = child.wait().await {
                let _ = exits.send(Exited { id, pid: pid.as_raw(), status });
            }
        });
        Ok(Self {
            pid,
            spawned: Instant::now(),
            place: launch.place.clone(),
            written,
            drains,
            cpu_ns: None,
            pipes,
            waiter,
            stalls,
            is_held: Cell::new(false),
            was_signalled: Cell::new(false),
        })
    }

    /// The process id.
    pub fn pid(&self) -> i32 {
        self.pid.as_raw()
    }

    /// Its standard input and output, once, where it talks over them.
    pub fn take_pipes(&mut self) -> Option<Pipes> {
        self.pipes.take()
    }

    /// When it was spawned.
    pub fn spawned(&self) -> Instant {
        self.spawned
    }

    /// SIGKILL to the whole group. Its death is told by `waitpid` only.
    pub fn kill(&mut self) {
        self.sample_cpu();
        // ESRCH: the group is gone already.
        let _ = killpg(self.pid, Signal::SIGKILL);
    }

    /// SIGTERM to the whole group.
    pub fn terminate(&mut self) {
        self.sample_cpu();
        let _ = killpg(self.pid, Signal::SIGTERM);
    }

    /// Whether the harness itself holds it stopped, or did since this was last asked.
    pub fn was_stopped_by_us(&self) -> bool {
        self.was_signalled.replace(false) || self.is_held.get()
    }

    /// SIGSTOP to the whole group. SIGKILL still reaches it, so that its guard ends it all the same.
    pub fn stop(&self) {
        self.is_held.set(true);
        self.was_signalled.set(true);
        let _ = killpg(self.pid, Signal::SIGSTOP);
    }

    /// SIGCONT to the whole group.
    pub fn go_on(&self) {
        self.is_held.set(false);
        self.was_signalled.set(true);
        let _ = killpg(self.pid, Signal::SIGCONT);
    }

    /// What of its file access was held up, on a host where it is.
    pub fn stalls(&self) -> Option<Seen> {
        let seen = self.stalls.as_ref()?;
        Some(seen.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// The folder with its logs and its data directory.
    pub fn place(&self) -> &Folder {
        &self.place
    }

    /// Reads how much CPU time the process has used, while the system still knows.
    pub fn sample_cpu(&mut self) {
        let path = format!("/proc/{}/schedstat", self.pid);
        let read = fs::read_to_string(path).ok();
        let cpu = read.and_then(|text| text.split_whitespace().next()?.parse().ok());
        self.cpu_ns = cpu.filter(|&ns| ns > 0).or(self.cpu_ns);
    }

    /// CPU time used, in nanoseconds, as last sampled.
    pub fn cpu_ns(&self) -> Option<u64> {
        self.cpu_ns
    }

    /// Bytes that it wrote on both streams.
    pub fn output_bytes(&self) -> u64 {
        self.written.bytes.load(Ordering::Relaxed)
    }

    /// Bytes of it that no disk took.
    pub fn lost_output_bytes(&self) -> u64 {
        self.written.lost.load(Ordering::Relaxed)
    }

    /// Waits until what it wrote before its death is in the log, for a bounded time: a
    /// grandchild may hold the pipe open.
    pub async fn drained(&mut self) {
        for drain in &mut self.drains {
            let _ = tokio::time::timeout(limits::TICK, drain).await;
        }
    }

    /// The last lines of its standard error.
    pub fn stderr_tail(&self) -> String {
        let mut bytes = Vec::new();
        if let Ok(mut log) = self.place.read(STDERR) {
            let length = log.metadata().map_or(0, |it| it.len());
            let start = length.saturating_sub(limits::STDERR_TAIL_BYTES as u64);
            // What cannot be read is left out.
            let _ = log.seek(SeekFrom::Start(start));
            let _ = log.take(limits::STDERR_TAIL_BYTES as u64).read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).trim_end().to_owned()
    }
}

/// Where a replica's output goes.
fn logs(host: Option<&HostPlan>) -> io::Result<Stdio> {
    match host.and_then(|host| host.profile.logs) {
        Some(Logs::Full) => {
            // The system's own full disk: each write fails with ENOSPC.
            Ok(Stdio::from(fs::OpenOptions::new().write(true).open("/dev/full")?))
        }
        Some(Logs::Slow { .. }) | None => Ok(Stdio::piped()),
    }
}

/// The command that becomes the program behind its launcher, and what holds up its calls.
fn behind(
    launcher: &Launcher,
    host: &HostPlan,
    id: NodeId,
    program: &Program,
) -> io::Result<(std::process::Command, Option<Arc<Mutex<Seen>>>)> {
    let mut command = std::process::Command::new(std::env::current_exe()?);
    let drawn = host.replicas.get(id.index()).filter(|_| launcher.holds_calls());
    let Some(drawn) = drawn else {
        command.args(launcher.words(None)).arg(&program.path);
        return Ok((command, None));
    };
    let (ours, its) = stalls::channel()?;
    command.args(launcher.words(Some(its.as_raw_fd()))).arg(&program.path);
    os::inherit(&mut command, its);
    let seen = stalls::supervise(ours, drawn.clone(), host.profile.sync_delay);
    Ok((command, Some(seen)))
}

/// An argument with the replica's id and its data directory, whose path may be no text.
fn filled(argument: &str, id: NodeId, data: &Path) -> OsString {
    let with_id = argument.replace("{id}", &id.to_string());
    let mut parts = with_id.split("{data}");
    let mut filled = OsString::from(parts.next().unwrap_or_default());
    for part in parts {
        filled.push(data);
        filled.push(part);
    }
    filled
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = killpg(self.pid, Signal::SIGKILL);
        self.waiter.abort();
        for drain in &self.drains {
            drain.abort();
        }
    }
}
