//! Runs of a candidate, some at a time, each ended as soon as it has shown the failure.

use std::path::Path;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use anyhow::{Context, anyhow};
use serde_json::Value;
use tokio::sync::watch;

use crate::check::{self, Question};
use crate::cli::{Failure, one_run};
use crate::cluster::program::Program;
use crate::cluster::warden::Warden;
use crate::plan::Plan;
use crate::run::{self, Order};
use crate::scenario::Scenario;
use crate::seed::Seed;
use crate::verdict::{self, Answer, Standing, Verdict, safety};

/// How many runs of a candidate are made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// As many as were asked for.
    All,
    /// No more once one has failed as it should.
    OneFails,
}

/// The failure that is to be kept: the worst question and its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// `safety`, `liveness`, ...
    pub question: String,
    /// The kind of failure, in a word or two.
    pub kind: String,
}

impl Target {
    fn of(answer: &Answer) -> Self {
        Self { question: answer.question.name().to_owned(), kind: answer.kind.clone() }
    }
}

/// What all runs share.
pub struct Trials {
    /// The plan of the run that failed: what it says beside the scenario holds for all.
    pub earlier: Plan,
    /// The replicas' program.
    pub program: Program,
    /// The failure.
    pub target: Target,
    /// Who cleans up if the harness is killed.
    pub warden: Arc<Warden>,
    /// Becomes true at Ctrl-C.
    pub interrupt: watch::Receiver<bool>,
    /// Runs at the same time.
    pub jobs: usize,
    /// Runs that were begun.
    pub runs: AtomicUsize,
}

impl Trials {
    /// How often this workload fails as it should, of so many runs at most.
    pub fn fails(
        &self,
        workload: &Value,
        times: usize,
        until: Until,
    ) -> Result<(u32, u32), Failure> {
        let scenario = Scenario::parse("smallest.json", &workload.to_string())?;
        let seed = scenario.seed.map_or_else(Seed::from_entropy, Seed);
        let host = self.earlier.host.as_ref().map(|host| &host.profile);
        let plan = Plan::draw(&scenario, seed).on(host, self.earlier.router);
        let plan = Arc::new(Plan { fail_is: self.earlier.fail_is, ..plan });
        let (next, failed, made) = (AtomicUsize::new(0), AtomicU32::new(0), AtomicU32::new(0));
        let is_enough = || {
            *self.interrupt.borrow()
                || until == Until::OneFails && failed.load(Ordering::SeqCst) > 0
        };
        let results: Vec<Result<(), Failure>> = thread::scope(|scope| {
            let work = || {
                while next.fetch_add(1, Ordering::SeqCst) < times && !is_enough() {
                    let Some(is_same) = self.one(&plan, &is_enough)? else { break };
                    made.fetch_add(1, Ordering::SeqCst);
                    failed.fetch_add(u32::from(is_same), Ordering::SeqCst);
                }
                Ok(())
            };
            let threads: Vec<_> = (0..self.jobs.min(times)).map(|_| scope.spawn(work)).collect();
            let joined = threads.into_iter().map(|thread| {
                thread.join().unwrap_or_else(|_| Err(anyhow!("a run panicked").into()))
            });
            joined.collect()
        });
        results.into_iter().collect::<Result<(), Failure>>()?;
        Ok((failed.into_inner(), made.into_inner()))
    }

    /// One run, in a folder of its own that is gone afterwards: whether it failed as it should. `None` if
    /// there was enough before it told.
    fn one(
        &self,
        plan: &Arc<Plan>,
        is_enough: &(impl Fn() -> bool + Sync),
    ) -> Result<Option<bool>, Failure> {
        let number = self.runs.fetch_add(1, Ordering::SeqCst);
        let folder = tempfile::tempdir().context("making a folder for a run")?;
        let (progress, _watched) = watch::channel(run::progress::Progress::default());
        let (end, interrupt) = watch::channel(false);
        let order = Order {
            plan: Arc::clone(plan),
            program: self.program.clone(),
            folder: folder.path().to_owned(),
            mark: self.warden.mark(number),
            warden: Some(Arc::clone(&self.warden)),
            interrupt,
            progress,
        };
        let (executed, seen) = thread::scope(|scope| {
            let (under_way, is_over) = mpsc::channel();
            let question = Question::of_run(plan.scenario.checker);
            let path = folder.path();
            let watcher =
                scope.spawn(move || self.watch(path, &question, &is_over, &end, is_enough));
            let executed = run::execute(order);
            drop(under_way);
            (executed, watcher.join().unwrap_or(Seen::Nothing))
        });
        match (seen, executed) {
            (Seen::Failure, _) => Ok(Some(true)),
            (Seen::Enough, _) => Ok(None),
            (Seen::Nothing, executed) => {
                let (verdict, ..) = one_run::judge(&executed?, folder.path())?;
                Ok(Some(worst(&verdict).is_some_and(|found| found == self.target)))
            }
        }
    }

    /// Ends a run as soon as its history holds the failure, or there is enough: what was recorded so far
    /// contradicts itself whatever comes after it.
    fn watch(
        &self,
        folder: &Path,
        question: &Question,
        is_over: &mpsc::Receiver<()>,
        end: &watch::Sender<bool>,
        is_enough: &impl Fn() -> bool,
    ) -> Seen {
        const LOOK_EVERY: Duration = Duration::from_millis(400);
        while is_over.recv_timeout(LOOK_EVERY) == Err(mpsc::RecvTimeoutError::Timeout) {
            let seen = match (is_enough(), self.is_shown(folder, question)) {
                (true, _) => Seen::Enough,
                (false, true) => Seen::Failure,
                (false, false) => continue,
            };
            let _ = end.send(true);
            return seen;
        }
        Seen::Nothing
    }

    /// Whether the history so far fails as it should.
    fn is_shown(&self, folder: &Path, question: &Question) -> bool {
        if self.target.question != verdict::Question::Safety.name() {
            return false;
        }
        // One that is not there yet says nothing.
        let Ok((history, _)) = check::read(folder, question.format) else { return false };
        let answer = safety::answer(&check::judge(&history, question));
        answer.standing == Standing::Invalid && Target::of(&answer) == self.target
    }
}

/// What was seen of a run while it went on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Nothing,
    Failure,
    Enough,
}

fn worst(verdict: &Verdict) -> Option<Target> {
    let with = |standing| verdict.answers.iter().find(|it| it.standing == standing);
    let worst = with(Standing::Invalid).or_else(|| with(Standing::Unknown))?;
    Some(Target::of(worst))
}
