//! How often a failure comes back: runs of a plan, some at a time, each ended as soon as it has shown the failure.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::watch;

use super::{Guard, judge};
use crate::check::{self, Question};
use crate::cluster::program::Program;
use crate::files::stored;
use crate::plan::Plan;
use crate::run::progress::Progress;
use crate::scenario::Scenario;
use crate::seed::Seed;
use crate::verdict::{Answer, AnswerKind, Question as Asked, Standing, safety};
use crate::world::{self, Clock, RunRequest};

/// How many runs of a candidate are made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// As many as were asked for.
    All,
    /// No more once one has failed as it should.
    OneFails,
}

/// The failure that is to be kept: the worst question and its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The question.
    pub question: Asked,
    /// The kind of failure.
    pub kind: AnswerKind,
}

impl Target {
    /// The failure of the run in a folder: its worst answer.
    pub fn of_run(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join("verdict.json");
        let shown = path.display();
        let text = stored::read(&path).with_context(|| {
            format!("{shown} cannot be read: a run that was never judged has no failure to keep")
        })?;
        let verdict: VerdictPart = stored::json(&path, &text)?;
        worst(&verdict.answers).ok_or_else(|| {
            anyhow!("{}: the run was valid, there is no failure to keep", folder.display())
        })
    }

    /// Whether the history alone shows it.
    pub fn is_of_safety(self) -> bool {
        self.question == Asked::Safety
    }

    /// Whether this is the same failure. The class of an anomaly depends on which client happened to read what
    /// afterwards: of safety any will do.
    fn is_it(self, found: Target) -> bool {
        self.question == found.question && (self.is_of_safety() || self.kind == found.kind)
    }

    fn of(answer: &Answer) -> Self {
        Self { question: answer.question, kind: answer.kind }
    }
}

/// How often a workload failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Runs that failed as they should.
    pub failed: u32,
    /// All runs that told.
    pub of: u32,
    /// How many of the failures were of which kind.
    pub kinds: BTreeMap<&'static str, u32>,
}

impl Tally {
    /// Both together.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.failed += other.failed;
        self.of += other.of;
        for (kind, count) in other.kinds {
            *self.kinds.entry(kind).or_default() += count;
        }
        self
    }

    fn count(&mut self, kind: Option<AnswerKind>) {
        self.of += 1;
        if let Some(kind) = kind {
            self.failed += 1;
            *self.kinds.entry(kind.name()).or_default() += 1;
        }
    }

    /// The kinds in brackets, with how often each came where there are several; nothing if there is none.
    pub fn told_kinds(&self) -> String {
        let told = |(kind, count): (&&str, &u32)| {
            if self.kinds.len() == 1 { (*kind).to_owned() } else { format!("{kind} {count}") }
        };
        let kinds: Vec<String> = self.kinds.iter().map(told).collect();
        if kinds.is_empty() { String::new() } else { format!(" ({})", kinds.join(", ")) }
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
    /// What surrounds the runs.
    pub guard: Guard,
    /// In whose time.
    pub clock: Clock,
    /// Runs at the same time.
    pub jobs: usize,
    /// Runs that were begun.
    pub runs: AtomicUsize,
}

impl Trials {
    /// Runs of what a plan says beside its scenario, none made so far.
    pub fn new(
        earlier: Plan,
        program: Program,
        target: Target,
        guard: Guard,
        (clock, jobs): (Clock, u16),
    ) -> Self {
        let (jobs, runs) = (usize::from(jobs), AtomicUsize::new(0));
        Self { earlier, program, target, guard, clock, jobs, runs }
    }

    /// How often this workload fails as it should, of so many runs at most.
    pub fn fails(&self, workload: &Value, times: usize, until: Until) -> anyhow::Result<Tally> {
        let system = self.earlier.system.clone();
        let scenario = Scenario::parse_as("smallest.json", &workload.to_string(), system.naming)?;
        let seed = scenario.seed.map_or_else(Seed::from_entropy, Seed);
        let host = self.earlier.host.as_ref().map(|host| &host.profile);
        let mut plan = Plan::draw(&scenario, seed).on(host, self.earlier.router);
        if let Some(changes) = self.earlier.changes_of_priorities() {
            plan = plan.with_priorities(changes);
        }
        let Plan { fail_is, durability, processor, .. } = self.earlier;
        self.rate(&Arc::new(Plan { fail_is, durability, processor, system, ..plan }), times, until)
    }

    /// How often this plan fails as it should, of so many runs at most.
    /// In virtual time one tells all: the others would be the same.
    pub fn rate(&self, plan: &Arc<Plan>, times: usize, until: Until) -> anyhow::Result<Tally> {
        let times = if self.clock == Clock::Virtual { times.min(1) } else { times };
        let (next, tally) = (AtomicUsize::new(0), Mutex::new(Tally::default()));
        let counted = || tally.lock().unwrap_or_else(PoisonError::into_inner);
        let is_enough =
            || self.guard.is_interrupted() || until == Until::OneFails && counted().failed > 0;
        let results: Vec<anyhow::Result<()>> = thread::scope(|scope| {
            let work = || {
                while next.fetch_add(1, Ordering::SeqCst) < times && !is_enough() {
                    match self.one(plan, &is_enough)? {
                        Ending::Enough => break,
                        Ending::Passed => counted().count(None),
                        Ending::Failed(kind) => counted().count(Some(kind)),
                    }
                }
                Ok(())
            };
            let threads: Vec<_> = (0..self.jobs.min(times)).map(|_| scope.spawn(work)).collect();
            let joined = threads
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|_| Err(anyhow!("a run panicked"))));
            joined.collect()
        });
        results.into_iter().collect::<anyhow::Result<()>>()?;
        Ok(tally.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// One run, in a folder of its own that is gone afterwards.
    fn one(
        &self,
        plan: &Arc<Plan>,
        is_enough: &(impl Fn() -> bool + Sync),
    ) -> anyhow::Result<Ending> {
        let number = self.runs.fetch_add(1, Ordering::SeqCst);
        let folder = self.guard.folder(number)?;
        let (progress, _watched) = watch::channel(Progress::default());
        let (end, interrupt) = watch::channel(false);
        let request = RunRequest {
            plan: Arc::clone(plan),
            program: self.program.clone(),
            folder: folder.path().to_owned(),
            mark: self.guard.watchdog.mark(number),
            watchdog: Some(Arc::clone(&self.guard.watchdog)),
            interrupt,
            clock: self.clock,
            progress,
            hold: None,
        };
        let (executed, seen) = thread::scope(|scope| {
            let (under_way, is_over) = mpsc::channel();
            let question = Question::of_scenario(&plan.scenario);
            let path = folder.path();
            let watcher =
                scope.spawn(move || self.watch(path, &question, &is_over, &end, is_enough));
            let executed = world::execute(request);
            drop(under_way);
            (executed, watcher.join().unwrap_or_default())
        });
        if let Some(ending) = seen {
            return Ok(ending);
        }
        let executed = executed?;
        let verdict = judge(&executed.record, executed.history, folder.path())?.verdict;
        let same = worst(&verdict.answers).filter(|found| self.target.is_it(*found));
        Ok(same.map_or(Ending::Passed, |found| Ending::Failed(found.kind)))
    }

    /// Ends a run as soon as its history holds the failure, or there is enough: what was recorded so far
    /// contradicts itself whatever comes after it. Looking costs a tenth of a processor at most: it is the
    /// run's own.
    fn watch(
        &self,
        folder: &Path,
        question: &Question,
        is_over: &mpsc::Receiver<()>,
        end: &watch::Sender<bool>,
        is_enough: &impl Fn() -> bool,
    ) -> Option<Ending> {
        const LOOK_EVERY: Duration = Duration::from_millis(400);
        let mut pause = LOOK_EVERY;
        while is_over.recv_timeout(pause) == Err(mpsc::RecvTimeoutError::Timeout) {
            let begin = Instant::now();
            let seen = if is_enough() {
                Some(Ending::Enough)
            } else {
                self.shown(folder, question).map(Ending::Failed)
            };
            if seen.is_some() {
                let _ = end.send(true);
                return seen;
            }
            pause = LOOK_EVERY.max(9 * begin.elapsed());
        }
        None
    }

    /// The anomaly that the history so far holds, if that is what is searched for.
    fn shown(&self, folder: &Path, question: &Question) -> Option<AnswerKind> {
        if !self.target.is_of_safety() {
            return None;
        }
        // A history that is not there yet says nothing.
        let answer = safety::answer(&check::read(folder, question).ok()?.judge(question));
        (answer.standing == Standing::Invalid).then_some(answer.kind)
    }
}

/// How a run ended.
enum Ending {
    /// Before it told: it is no longer needed.
    Enough,
    /// It did not fail as it should.
    Passed,
    /// It did, in a failure of this kind.
    Failed(AnswerKind),
}

#[derive(Deserialize)]
struct VerdictPart {
    answers: Vec<Answer>,
}

fn worst(answers: &[Answer]) -> Option<Target> {
    let with = |standing| answers.iter().find(|it| it.standing == standing);
    let worst = with(Standing::Invalid).or_else(|| with(Standing::Unknown))?;
    Some(Target::of(worst))
}

#[cfg(test)]
mod tests {
    use checker::Anomaly;

    use super::*;

    const STALE: AnswerKind = AnswerKind::Anomaly(Anomaly::StaleRead);
    const LOST: AnswerKind = AnswerKind::Anomaly(Anomaly::LostWrite);

    #[test]
    fn any_anomaly_is_the_failure_but_only_the_same_kind_of_silence() {
        use AnswerKind::{Died, Diverged, Unanswered};
        let target = |question, kind| Target { question, kind };
        let stale = target(Asked::Safety, STALE);
        assert!(stale.is_it(target(Asked::Safety, LOST)));
        assert!(!stale.is_it(target(Asked::Process, Died)));
        let unanswered = target(Asked::Liveness, Unanswered);
        assert!(unanswered.is_it(unanswered));
        assert!(!unanswered.is_it(target(Asked::Liveness, Diverged)));
    }

    #[test]
    fn a_tally_tells_how_often_each_kind_came() {
        let mut tally = Tally::default();
        assert_eq!(tally.told_kinds(), "");
        tally.count(Some(STALE));
        tally.count(None);
        assert_eq!((tally.failed, tally.of, tally.told_kinds().as_str()), (1, 2, " (stale read)"));
        let mut more = Tally::default();
        more.count(Some(LOST));
        assert_eq!(tally.and(more).told_kinds(), " (lost write 1, stale read 1)");
    }
}
