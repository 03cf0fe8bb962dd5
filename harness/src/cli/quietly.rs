//! Many runs for a command that counts: in parallel, in folders of their own, with nothing printed.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::sync::watch;

use crate::check::{self, Question};
use crate::cluster::program::Program;
use crate::cluster::sweep;
use crate::cluster::warden::Warden;
use crate::plan::Plan;
use crate::run::record::RunRecord;
use crate::run::{self, Order};
use crate::verdict::{self, Verdict, safety};

/// What all these runs share; what they started ends with it.
pub struct Batch {
    program: Program,
    warden: Arc<Warden>,
    interrupt: watch::Receiver<bool>,
    begun: AtomicUsize,
    /// When the next run may begin.
    next: Mutex<Instant>,
    /// Starts are spread by this much, so that they do not crowd one another.
    pace: Duration,
}

impl Batch {
    /// Prepares runs of this program.
    pub fn new(program: Program, pace: Duration) -> anyhow::Result<Self> {
        let interrupt = super::signals::listen().context("listening for Ctrl-C")?;
        sweep::kill_leftovers();
        sweep::adopt_orphans().context("becoming the parent of orphaned descendants")?;
        let warden =
            Warden::start().context("starting the warden, which cleans up after a kill")?;
        Ok(Self {
            program,
            warden: Arc::new(warden),
            interrupt,
            begun: AtomicUsize::new(0),
            next: Mutex::new(Instant::now()),
            pace,
        })
    }

    /// Whether somebody pressed Ctrl-C.
    pub fn is_interrupted(&self) -> bool {
        *self.interrupt.borrow()
    }

    /// Makes one run and judges it; its files last until then.
    pub fn run(&self, plan: Plan) -> anyhow::Result<(RunRecord, Verdict)> {
        self.wait_for_turn();
        let temporary = tempfile::tempdir().context("making a folder for a run")?;
        let folder = temporary.path();
        let (progress, _) = watch::channel(run::progress::Progress::default());
        let number = self.begun.fetch_add(1, Ordering::SeqCst);
        let record = run::execute(Order {
            plan: Arc::new(plan),
            program: self.program.clone(),
            folder: folder.to_owned(),
            mark: self.warden.mark(number),
            warden: Some(Arc::clone(&self.warden)),
            interrupt: self.interrupt.clone(),
            progress,
        })?;
        let verdict = judge(&record, folder)?;
        Ok((record, verdict))
    }

    /// The runs begin one after the other, however many go on.
    fn wait_for_turn(&self) {
        let at = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let at = (*next).max(Instant::now());
            *next = at + self.pace;
            at
        };
        thread::sleep(at.saturating_duration_since(Instant::now()));
    }

    /// Does `work` for each item, so many at the same time; what came of it is in the order of the items. An
    /// interrupted batch leaves out what was not over.
    pub fn share_out<T: Sync, R: Send>(
        &self,
        items: &[T],
        at_once: usize,
        work: impl Fn(&T) -> anyhow::Result<R> + Sync,
    ) -> anyhow::Result<Vec<R>> {
        let next = AtomicUsize::new(0);
        let results = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for _ in 0..at_once.min(items.len()) {
                scope.spawn(|| {
                    while !self.is_interrupted() {
                        let n = next.fetch_add(1, Ordering::SeqCst);
                        let Some(item) = items.get(n) else { return };
                        let result = work(item);
                        if self.is_interrupted() {
                            return;
                        }
                        results.lock().unwrap_or_else(PoisonError::into_inner).push((n, result));
                    }
                });
            }
        });
        let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        results.sort_by_key(|(n, _)| *n);
        results.into_iter().map(|(_, result)| result).collect()
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        sweep::kill_orphans(&[self.warden.pid()]);
    }
}

fn judge(record: &RunRecord, folder: &Path) -> anyhow::Result<Verdict> {
    let checked = check::check(folder, &Question::of_run(record.scenario.checker))?;
    Ok(verdict::judge(record, safety::answer(&checked.report)))
}
