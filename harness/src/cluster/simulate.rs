//! A simulated host at work: replicas that have no processor now and then, neighbours that compute, a share of the
//! processors, a wall clock that is set.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, Uid};
use tokio::task::JoinHandle;

use super::quota::Quota;
use super::{launch, sweep, wall_clock};
use crate::os;
use crate::plan::host::{HostPlan, turn};
use crate::scenario::host::profile::{Delay, Profile, Starvation};

/// What is simulated while the replicas run; it ends with this.
#[derive(Default)]
pub struct SimulatedHost {
    tasks: Vec<JoinHandle<()>>,
    neighbours: Vec<Child>,
}

/// What is there before the first replica is started; it must outlive the last.
#[derive(Default)]
pub struct Prepared {
    quota: Option<Quota>,
    /// Stops, where no control group may be had.
    instead: Option<Starvation>,
    /// What this system cannot do, a sentence each.
    pub notes: Vec<String>,
}

impl Prepared {
    /// Prepares it; `folder` is the run's.
    pub fn prepare(host: &HostPlan, folder: &Path, mark: &str) -> io::Result<Self> {
        let mut prepared = Self::default();
        let profile = &host.profile;
        if let Some(processors) = profile.cpu_quota {
            match Quota::set(processors, mark) {
                Ok(quota) => prepared.quota = Some(quota),
                Err(error) => {
                    prepared.instead = Some(stops(processors / host.replicas.len().max(1) as f64));
                    prepared.notes.push(format!(
                        "host {}: `cpu_quota`: no control group can be made here ({error}); the replicas are \
                         stopped for their share of each tenth of a second instead",
                        profile.name
                    ));
                }
            }
        }
        if profile.clock_jump.is_some() {
            let replicas = folder.join("replicas");
            std::fs::create_dir_all(&replicas)?;
            wall_clock::prepare(&replicas)?;
        }
        Ok(prepared)
    }

    /// Where a replica joins the control group.
    pub fn door(&self) -> Option<PathBuf> {
        self.quota.as_ref().map(Quota::door)
    }
}

/// Stops that leave this share of one processor.
fn stops(share: f64) -> Starvation {
    let runs = (share * 100.0).clamp(1.0, 99.0);
    Starvation { runs: Delay::Fixed { ms: runs }, waits: Delay::Fixed { ms: 100.0 - runs } }
}

/// What this system cannot simulate at all: an error, with the remedy; or what will have no effect, a sentence each.
pub fn check(profile: &Profile) -> Result<Vec<String>, Impossible> {
    let mut notes = Vec::new();
    if profile.clock_jump.is_some() && wall_clock::compiler().is_none() {
        return Err(Impossible { host: profile.name.clone() });
    }
    if profile.processes.is_some() && Uid::effective().is_root() {
        notes.push(format!(
            "host {}: `processes` has no effect: the system sets root no limit; run the harness as \
             another user",
            profile.name
        ));
    }
    Ok(notes)
}

/// A clock that jumps needs a library that cannot be made.
#[derive(Debug, thiserror::Error)]
#[error(
    "host {host}: `clock_jump`: the kernel moves the wall clock for no single process, and the library that \
     does it is made by a C compiler, which is not there; install one (`apt-get install gcc`), or leave \
     `clock_jump` out"
)]
pub struct Impossible {
    host: String,
}

impl SimulatedHost {
    /// Begins, for the replicas with these process ids, in the order of their ids; `folder` is the run's. Must be
    /// called within a `LocalSet`.
    pub fn begin(
        host: &HostPlan,
        prepared: &Prepared,
        pids: &[i32],
        folder: &Path,
        mark: &str,
    ) -> io::Result<Self> {
        let mut simulated = Self::default();
        for _ in 0..host.profile.busy_neighbours {
            let mut command = Command::new(std::env::current_exe()?);
            command.arg(launch::NEIGHBOUR).env(sweep::MARK, mark).stdin(Stdio::null());
            os::die_with_parent(&mut command);
            simulated.neighbours.push(command.spawn()?);
        }
        if let Some(jump) = host.profile.clock_jump {
            let replicas = folder.join("replicas");
            simulated.tasks.push(tokio::task::spawn_local(async move {
                let after = Duration::try_from_secs_f64(jump.after_ms / 1e3).unwrap_or_default();
                tokio::time::sleep(after).await;
                let _ = wall_clock::set(&replicas, jump.by_ms);
            }));
        }
        for starvation in host.profile.starvation.into_iter().chain(prepared.instead) {
            simulated.starve(host, starvation, pids);
        }
        Ok(simulated)
    }

    fn starve(&mut self, host: &HostPlan, starvation: Starvation, pids: &[i32]) {
        for (replica, &pid) in host.replicas.iter().zip(pids) {
            let seed = replica.starvation;
            self.tasks.push(tokio::task::spawn_local(async move {
                for n in 0.. {
                    let (runs, waits) = turn(&starvation, seed, n);
                    tokio::time::sleep(runs).await;
                    // A group that is gone gets no signal: its death is told elsewhere.
                    let signalled = |signal| killpg(Pid::from_raw(pid), signal).is_ok();
                    if !signalled(Signal::SIGSTOP) {
                        return;
                    }
                    tokio::time::sleep(waits).await;
                    signalled(Signal::SIGCONT);
                }
            }));
        }
    }
}

impl Drop for SimulatedHost {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        for neighbour in &mut self.neighbours {
            let _ = neighbour.kill();
            let _ = neighbour.wait();
        }
    }
}
