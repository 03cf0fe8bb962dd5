//! What surrounds the runs of a command, however it ends.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use tokio::sync::watch;

use super::signals;
use crate::cluster::marked::{self, MarkedDirectory};
use crate::cluster::watchdog::Watchdog;
use crate::cluster::{owner, sweep};

/// While it lives, Ctrl-C is heard and a watchdog stands by. What the runs left behind ends with it.
pub struct Guard {
    /// The watchdog, which cleans up if the harness is killed.
    pub watchdog: Arc<Watchdog>,
    /// Becomes true at Ctrl-C.
    pub interrupt: watch::Receiver<bool>,
}

impl Guard {
    /// Ends what a killed harness has left behind, and begins to watch. At Ctrl-C `what` is said to happen.
    pub fn begin(what: &'static str) -> anyhow::Result<Self> {
        if Path::new("/proc/self").exists() && !owner::is_proc_ours() {
            anyhow::bail!(
                "/proc shows the processes of another PID namespace, so that a replica cannot be told from a foreign \
                 process. Mount it for this one, as `unshare --pid --fork --mount-proc` does"
            );
        }
        let interrupt = signals::listen(what).context("listening for Ctrl-C")?;
        let leftovers = sweep::kill_leftovers();
        if leftovers > 0 {
            let processes = if leftovers == 1 { "process" } else { "processes" };
            eprintln!("harness: ended {leftovers} {processes} that a killed harness had left");
        }
        for root in BTreeSet::from([std::env::temp_dir(), PathBuf::from("/tmp")]) {
            marked::remove_leftovers(&root);
        }
        sweep::adopt_orphans().context("becoming the parent of orphaned descendants")?;
        let watchdog =
            Watchdog::start().context("starting the watchdog, which cleans up after a kill")?;
        Ok(Self { watchdog: Arc::new(watchdog), interrupt })
    }

    /// A folder for the files of the run `n`, gone with its guard.
    pub fn folder(&self, n: usize) -> anyhow::Result<MarkedDirectory> {
        let (root, mark) = (std::env::temp_dir(), self.watchdog.mark(n));
        MarkedDirectory::create(&root, &mark, Some(&self.watchdog))
            .with_context(|| format!("making a folder for a run in {}", root.display()))
    }

    /// Whether Ctrl-C was pressed.
    pub fn is_interrupted(&self) -> bool {
        *self.interrupt.borrow()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        sweep::kill_orphans(&[self.watchdog.pid()]);
    }
}
