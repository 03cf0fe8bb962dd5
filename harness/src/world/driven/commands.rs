//! Clients that are a folder of commands, and the checks of that folder.

use std::cell::{Cell, RefCell};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::rc::Rc;
use std::time::{Duration, Instant};

use checker::Datum;
use tokio::io::AsyncReadExt;
use tokio::process::Child;
use tokio::time::{sleep, timeout};

use crate::clients::drivers::commands::{answer, arguments};
use crate::clients::drivers::exec::Replica;
use crate::clients::drivers::{Answer, Asked};
use crate::cluster::life::Ending;
use crate::cluster::sweep;
use crate::ids::NodeId;
use crate::limits;
use crate::os;
use crate::record::{CheckPhase, CheckRecord, FailedCheck};
use crate::system::description::Commands as Folder;
use crate::time::RunTime;

/// From one round of the invariants to the next.
const ROUND: Duration = Duration::from_millis(500);

/// From one try of what is to hold in the end to the next.
const AGAIN: Duration = Duration::from_millis(100);

/// A command that takes longer is ended.
const LONGEST: Duration = Duration::from_secs(20);

/// The commands of a system.
pub struct Commands {
    folder: Folder,
    /// Where their standard error is kept.
    logs: PathBuf,
    mark: String,
    /// The addresses of all replicas.
    addresses: String,
    are_numbers: Cell<bool>,
    checks: RefCell<Vec<CheckRecord>>,
}

/// A command that runs; it is ended with this, and what it started.
struct Running {
    child: Child,
    group: Option<i32>,
}

impl Running {
    fn end(&self) {
        if let Some(group) = self.group {
            let group = nix::unistd::Pid::from_raw(group);
            let _ = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

/// How a command ended.
struct Ran {
    how: Ending,
    said: Vec<u8>,
}

impl Ran {
    /// Its exit status, if it ended by itself.
    fn status(&self) -> Option<i32> {
        match self.how {
            Ending::Exit(status) => Some(status),
            _ => None,
        }
    }
}

impl Commands {
    /// The commands of this folder, for replicas at these addresses.
    pub fn new(folder: Folder, logs: PathBuf, mark: &str, addresses: &[String]) -> Self {
        let phases = [
            (CheckPhase::Anytime, &folder.anytime),
            (CheckPhase::Eventually, &folder.eventually),
            (CheckPhase::Finally, &folder.finally),
        ];
        let checks = phases.into_iter().flat_map(|(phase, names)| {
            let of_name = move |name: &String| CheckRecord {
                command: name.clone(),
                phase,
                runs: 0,
                failed: None,
            };
            names.iter().map(of_name)
        });
        Self {
            checks: RefCell::new(checks.collect()),
            logs,
            mark: mark.to_owned(),
            addresses: addresses.join(" "),
            are_numbers: Cell::new(false),
            folder,
        }
    }

    /// Asks a replica by the command of the function.
    pub async fn ask(&self, client: NodeId, replica: &Replica, asked: Asked<'_>) -> Answer {
        if matches!(asked.value, Datum::Integer(_)) {
            self.are_numbers.set(true);
        }
        let Some(name) = self.folder.clients.get(&asked.f) else {
            return Answer::Fail(format!("there is no command `client_{}`", asked.f.name()));
        };
        let environment = [
            ("HARNESS_CLIENT", client.to_string()),
            ("HARNESS_REPLICA", replica.name.clone()),
            ("HARNESS_ADDRESS", replica.address.clone()),
        ];
        match self.run(name, &arguments(asked), &environment).await {
            Ok(ran) => {
                let how = format!("{name}: {}", ran.how);
                answer(asked, ran.status(), &how, &ran.said, self.are_numbers.get())
            }
            Err(why) => Answer::Fail(why),
        }
    }

    /// Runs what is to run before the first operation. Returns the command that failed, and how.
    pub async fn first(&self) -> Result<(), (String, String)> {
        for name in &self.folder.first {
            self.holds(name).await.map_err(|how| (name.clone(), how))?;
        }
        Ok(())
    }

    /// Runs the invariants, round by round, for ever.
    pub async fn anytime(self: Rc<Self>, begin: Instant) {
        let is_one = |check: &CheckRecord| check.phase == CheckPhase::Anytime;
        if !self.checks.borrow().iter().any(is_one) {
            return;
        }
        loop {
            self.round(CheckPhase::Anytime, begin, Duration::ZERO).await;
            sleep(ROUND).await;
        }
    }

    /// Runs what is to hold in the end, each until it holds or `bound` is over, and then what is to hold after that.
    pub async fn finish(&self, begin: Instant, bound: Duration) {
        self.round(CheckPhase::Eventually, begin, bound).await;
        self.round(CheckPhase::Finally, begin, Duration::ZERO).await;
    }

    /// What came of the checks.
    pub fn checks(&self) -> Vec<CheckRecord> {
        self.checks.borrow().clone()
    }

    async fn round(&self, phase: CheckPhase, begin: Instant, bound: Duration) {
        let count = self.checks.borrow().len();
        for n in 0..count {
            let name = match &self.checks.borrow()[n] {
                check if check.phase == phase => check.command.clone(),
                _ => continue,
            };
            let since = Instant::now();
            loop {
                let at = RunTime::from(begin.elapsed());
                let held = self.holds(&name).await;
                let is_over = held.is_ok() || since.elapsed() >= bound;
                self.ran(n, held.err().filter(|_| is_over).map(|how| FailedCheck { at, how }));
                if is_over {
                    break;
                }
                sleep(AGAIN).await;
            }
        }
    }

    fn ran(&self, n: usize, failed: Option<FailedCheck>) {
        let check = &mut self.checks.borrow_mut()[n];
        check.runs += 1;
        if check.failed.is_none() {
            check.failed = failed;
        }
    }

    /// Whether a command ends with 0, or how it ended.
    async fn holds(&self, name: &str) -> Result<(), String> {
        let log = self.logs.join(format!("{name}.log"));
        let before = std::fs::metadata(&log).map_or(0, |log| log.len());
        let ran = match timeout(LONGEST, self.run(name, &[], &[])).await {
            Ok(ran) => ran?,
            Err(_) => return Err(format!("longer than {} s", LONGEST.as_secs())),
        };
        if ran.status() == Some(0) {
            return Ok(());
        }
        let log = std::fs::read(&log).unwrap_or_default();
        let log = log.get(usize::try_from(before).unwrap_or(usize::MAX)..).unwrap_or_default();
        let last = [&ran.said[..], log].into_iter().find_map(last_line);
        let last = last.map(|last| format!("; its last output: {last}")).unwrap_or_default();
        Err(format!("{}{last}", ran.how))
    }

    async fn run(
        &self,
        name: &str,
        arguments: &[String],
        environment: &[(&str, String)],
    ) -> Result<Ran, String> {
        let unable = |error: std::io::Error| format!("{name} cannot be started: {error}");
        let mut running = self.start(name, arguments, environment).map_err(unable)?;
        let stdout = running.child.stdout.take();
        let reading = async move {
            let mut said = Vec::new();
            let most = u64::try_from(limits::ANSWER_BYTES).unwrap_or(u64::MAX);
            if let Some(stdout) = stdout {
                let _ = stdout.take(most).read_to_end(&mut said).await;
            }
            said
        };
        tokio::pin!(reading);
        let (status, said) = tokio::select! {
            status = running.child.wait() => {
                // What it leaves running has its output open, too.
                running.end();
                (status, timeout(limits::TICK, reading).await.unwrap_or_default())
            }
            said = &mut reading => (running.child.wait().await, said),
        };
        let how = status.map_or(Ending::Unknown, Ending::from);
        Ok(Ran { how, said })
    }

    fn start(
        &self,
        name: &str,
        arguments: &[String],
        environment: &[(&str, String)],
    ) -> std::io::Result<Running> {
        std::fs::create_dir_all(&self.logs)?;
        let log = self.logs.join(format!("{name}.log"));
        let log = std::fs::File::options().create(true).append(true).open(log)?;
        let mut command = std::process::Command::new(self.folder.folder.join(name));
        command
            .args(arguments)
            .current_dir(&self.folder.folder)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .env("HARNESS_ADDRESSES", &self.addresses)
            .env(sweep::MARK, OsString::from(&self.mark))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::from(log));
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        os::die_with_parent(&mut command);
        let child = tokio::process::Command::from(command).kill_on_drop(true).spawn()?;
        let group = child.id().and_then(|pid| i32::try_from(pid).ok());
        Ok(Running { child, group })
    }
}

fn last_line(said: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(said);
    let last = text.lines().rev().find(|line| !line.trim().is_empty())?;
    Some(crate::text::escape(&last.chars().take(200).collect::<String>()))
}
