//! A pretended host at work: replicas that have no processor now and then, neighbours that compute.

use std::io;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::task::JoinHandle;

use super::{launch, os, sweep};
use crate::host::plan::{HostPlan, turn};

/// What is pretended; it ends with this.
#[derive(Default)]
pub struct Pretence {
    tasks: Vec<JoinHandle<()>>,
    neighbours: Vec<Child>,
}

impl Pretence {
    /// Begins, for the replicas with these process ids, in the order of their ids. Must be called
    /// within a `LocalSet`.
    pub fn begin(host: &HostPlan, pids: &[i32], mark: &str) -> io::Result<Self> {
        let mut pretence = Self::default();
        for _ in 0..host.profile.busy_neighbours {
            let mut command = Command::new(std::env::current_exe()?);
            command.arg(launch::NEIGHBOUR).env(sweep::MARK, mark).stdin(Stdio::null());
            os::die_with_parent(&mut command);
            pretence.neighbours.push(command.spawn()?);
        }
        let Some(starvation) = host.profile.starvation else { return Ok(pretence) };
        for (replica, &pid) in host.replicas.iter().zip(pids) {
            let seed = replica.starvation;
            pretence.tasks.push(tokio::task::spawn_local(async move {
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
        Ok(pretence)
    }
}

impl Drop for Pretence {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        for neighbour in &mut self.neighbours {
            let _ = neighbour.kill();
            let _ = neighbour.wait();
        }
    }
}
