//! What surrounds the runs of a command, however it ends.

use std::sync::Arc;

use anyhow::Context;
use tokio::sync::watch;

use super::signals;
use crate::cluster::sweep;
use crate::cluster::watchdog::Watchdog;

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
        let interrupt = signals::listen(what).context("listening for Ctrl-C")?;
        let leftovers = sweep::kill_leftovers();
        if leftovers > 0 {
            let processes = if leftovers == 1 { "process" } else { "processes" };
            eprintln!("harness: ended {leftovers} {processes} that a killed harness had left");
        }
        sweep::adopt_orphans().context("becoming the parent of orphaned descendants")?;
        let watchdog =
            Watchdog::start().context("starting the watchdog, which cleans up after a kill")?;
        Ok(Self { watchdog: Arc::new(watchdog), interrupt })
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
