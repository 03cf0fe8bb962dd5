//! Many runs for a command that counts: in parallel, in folders of their own, with nothing printed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::{Guard, judge, share_out, signals};
use crate::cluster::program::Program;
use crate::plan::Plan;
use crate::record::RunRecord;
use crate::run::progress::Progress;
use crate::verdict::Verdict;
use crate::world::{self, Clock, RunRequest};

/// A replica that has not connected by then waits for something else than a processor.
const KNOWN_TO_BE_LATE: Duration = Duration::from_millis(700);

/// Lets one in at a time.
#[derive(Default)]
struct Turnstile {
    is_taken: Mutex<bool>,
    is_free: Condvar,
}

/// Its holder is admitted.
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
    guard: Guard,
    begun: AtomicUsize,
    /// One run starts at a time.
    turnstile: Arc<Turnstile>,
    /// Whose time the runs have.
    clock: Clock,
    /// Starts are spread by this much, so that they do not crowd one another.
    pace: Duration,
}

impl Batch {
    /// Prepares runs of this program.
    pub fn new(program: Program, clock: Clock, pace: Duration) -> anyhow::Result<Self> {
        Ok(Self {
            program,
            guard: Guard::begin(signals::TO_JUDGE)?,
            begun: AtomicUsize::new(0),
            turnstile: Arc::default(),
            clock,
            pace,
        })
    }

    /// Whether Ctrl-C was pressed.
    pub fn is_interrupted(&self) -> bool {
        self.guard.is_interrupted()
    }

    /// Makes one run and judges it; its files last until then.
    pub fn run(&self, plan: Plan) -> anyhow::Result<(RunRecord, Verdict)> {
        let turn = Turnstile::enter(&self.turnstile);
        let number = self.begun.fetch_add(1, Ordering::SeqCst);
        let temporary = self.guard.folder(number)?;
        let folder = temporary.path();
        let (progress, watched) = watch::channel(Progress::default());
        self.leave_when_connected(turn, watched, plan.scenario.replicas);
        let executed = world::execute(RunRequest {
            plan: Arc::new(plan),
            program: self.program.clone(),
            folder: folder.to_owned(),
            mark: self.guard.watchdog.mark(number),
            watchdog: Some(Arc::clone(&self.guard.watchdog)),
            interrupt: self.guard.interrupt.clone(),
            clock: self.clock,
            progress,
            hold: None,
        })?;
        let verdict = judge(&executed.record, executed.history, folder)?.verdict;
        Ok((executed.record, verdict))
    }

    /// The runs begin one after the other, however many go on: the next may begin when the replicas of the last
    /// have all connected, or are known to be late.
    fn leave_when_connected(
        &self,
        turn: Turn,
        watched: watch::Receiver<Progress>,
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

    /// Does `work` for each item, so many at the same time. An interrupted batch leaves out what was not over.
    pub fn share_out<T: Sync, R: Send>(
        &self,
        items: &[T],
        at_once: usize,
        work: impl Fn(&T) -> anyhow::Result<R> + Sync,
    ) -> anyhow::Result<Vec<R>> {
        let goes_on = || !self.guard.is_interrupted();
        let results = share_out(items, at_once, goes_on, |item| {
            let result = work(item);
            goes_on().then_some(result)
        });
        results.into_iter().flatten().collect()
    }
}
