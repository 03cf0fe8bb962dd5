//! Many runs for a command that counts: in parallel, in folders of their own, with nothing printed.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::sync::watch;

use crate::check::{self, Question};
use crate::cluster::program::Program;
use crate::cluster::sweep;
use crate::cluster::warden::Warden;
use crate::plan::Plan;
use crate::record::RunRecord;
use crate::run::{self, Order};
use crate::verdict::{self, Verdict, safety};

/// A replica that has not connected by then waits for something else than a processor.
const KNOWN_TO_BE_LATE: Duration = Duration::from_millis(700);

/// Lets one in at a time.
#[derive(Default)]
struct Turnstile {
    is_taken: Mutex<bool>,
    is_free: Condvar,
}

/// Whoever holds it is in.
struct Turn(Arc<Turnstile>);

impl Turnstile {
    fn enter(this: &Arc<Self>) -> Turn {
        let taken = this.is_taken.lock().unwrap_or_else(PoisonError::into_inner);
        let free = this.is_free.wait_while(taken, |taken| *taken);
        *free.unwrap_or_else(PoisonError::into_inner) = true;
        Turn(Arc::clone(this))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *self.0.is_taken.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.0.is_free.notify_one();
    }
}

/// What all these runs share; what they started ends with it.
pub struct Batch {
    program: Program,
    warden: Arc<Warden>,
    interrupt: watch::Receiver<bool>,
    begun: AtomicUsize,
    /// Who starts now.
    turnstile: Arc<Turnstile>,
    /// Starts are spread by this much, so that they do not crowd one another.
    pace: Duration,
}

impl Batch {
    /// Prepares runs of this program.
    pub fn new(program: Program, pace: Duration) -> anyhow::Result<Self> {
        let interrupt =
            super::signals::listen(super::signals::TO_JUDGE).context("listening for Ctrl-C")?;
        sweep::kill_leftovers();
        sweep::adopt_orphans().context("becoming the parent of orphaned descendants")?;
        let warden =
            Warden::start().context("starting the warden, which cleans up after a kill")?;
        Ok(Self {
            program,
            warden: Arc::new(warden),
            interrupt,
            begun: AtomicUsize::new(0),
            turnstile: Arc::default(),
            pace,
        })
    }

    /// Whether somebody pressed Ctrl-C.
    pub fn is_interrupted(&self) -> bool {
        *self.interrupt.borrow()
    }

    /// Makes one run and judges it; its files last until then.
    pub fn run(&self, plan: Plan) -> anyhow::Result<(RunRecord, Verdict)> {
        let turn = Turnstile::enter(&self.turnstile);
        let temporary = tempfile::tempdir().context("making a folder for a run")?;
        let folder = temporary.path();
        let (progress, watched) = watch::channel(run::progress::Progress::default());
        self.leave_when_connected(turn, watched, plan.scenario.replicas);
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

    /// The runs begin one after the other, however many go on: the next may begin when the replicas of the last
    /// have all connected, or are known to be late.
    fn leave_when_connected(
        &self,
        turn: Turn,
        watched: watch::Receiver<run::progress::Progress>,
        replicas: usize,
    ) {
        let (pace, begin) = (self.pace, Instant::now());
        thread::spawn(move || {
            let is_starting =
                || watched.borrow().connected < replicas && watched.has_changed().is_ok();
            while begin.elapsed() < pace || (is_starting() && begin.elapsed() < KNOWN_TO_BE_LATE) {
                thread::sleep(Duration::from_millis(3));
            }
            drop(turn);
        });
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
    let question = Question::of_run(record.scenario.checker);
    let report = check::read(folder, &question)?.judge(&question);
    Ok(verdict::judge(record, safety::answer(&report)))
}
