//! Many runs of one workload in virtual time, as many as a budget of real time allows, until one of them fails: each
//! with another seed, or each with the same and a leader that is killed before another system call.
//!
//! A seed is *new* if its run did something that no run before it did: roughly how many messages of each kind crossed
//! each link, who claimed to lead, and how its operations ended have another hash.

use std::collections::BTreeSet;
use std::hash::{Hash as _, Hasher as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::anyhow;
use rustc_hash::FxHasher;
use tokio::sync::watch;

use super::{Guard, judge, kill_point};
use crate::cluster::program::Program;
use crate::exit::Exit;
use crate::plan::Plan;
use crate::record::RunRecord;
use crate::run::progress::Progress;
use crate::seed::Seed;
use crate::verdict::Verdict;
use crate::world::{self, Clock, RunError, RunRequest};

/// What is explored, and for how long.
pub struct Explore<'a> {
    /// The program.
    pub program: Program,
    /// What surrounds the runs.
    pub guard: Guard,
    /// The plan of a run, by its number from 0.
    pub draw: &'a (dyn Fn(u64) -> Plan + Sync),
    /// Runs at the same time.
    pub jobs: usize,
    /// In real time.
    pub budget: Duration,
    /// At most so many runs.
    pub most: u64,
    /// Whether a run that ends like this ends the exploration.
    pub is_finding: fn(Exit) -> bool,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Explored {
    /// Runs that were judged.
    pub runs: u64,
    /// Runs that did what none before them did.
    pub new: u64,
    /// How much time they had, in their own time.
    pub virtual_time: Duration,
    /// Runs that were not exact.
    pub not_exact: u64,
    /// Those that were not valid, by number.
    pub failed: Vec<Failed>,
    /// In real time.
    pub took: Duration,
}

/// A run that was not valid.
#[derive(Clone, Debug)]
pub struct Failed {
    /// Its number.
    pub number: u64,
    /// Its seed.
    pub seed: Seed,
    /// Its answers.
    pub verdict: Verdict,
}

#[derive(Default)]
struct Shared {
    explored: Explored,
    seen: BTreeSet<u64>,
}

impl Explore<'_> {
    /// Makes the runs, one after the other on each of so many threads. `each` hears of the work as it goes on.
    pub fn run(&self, each: impl Fn(&Explored) + Sync) -> anyhow::Result<Explored> {
        let begin = Instant::now();
        let next = AtomicU64::new(0);
        let most = AtomicU64::new(self.most);
        let shared = Mutex::new(Shared::default());
        let lock = || shared.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = || {
            let found = |it: &Failed| (self.is_finding)(it.verdict.exit());
            self.guard.is_interrupted()
                || begin.elapsed() >= self.budget
                || lock().explored.failed.iter().any(found)
        };
        let work = || {
            while !is_over() {
                let number = next.fetch_add(1, Ordering::SeqCst);
                if number >= most.load(Ordering::SeqCst) {
                    break;
                }
                let Some(one) = self.one(number)? else { break };
                if one.is_beyond {
                    most.fetch_min(number, Ordering::SeqCst);
                    continue;
                }
                let mut shared = lock();
                shared.add(one);
                shared.explored.took = begin.elapsed();
                each(&shared.explored);
            }
            Ok(())
        };
        let results: Vec<anyhow::Result<()>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..self.jobs.max(1)).map(|_| scope.spawn(work)).collect();
            let joined = threads
                .into_iter()
                .map(|it| it.join().unwrap_or_else(|_| Err(anyhow!("a run panicked"))));
            joined.collect()
        });
        results.into_iter().collect::<anyhow::Result<()>>()?;
        let mut explored = shared.into_inner().unwrap_or_else(PoisonError::into_inner).explored;
        explored.took = begin.elapsed();
        explored.failed.sort_by_key(|it| it.number);
        Ok(explored)
    }

    /// One run, in a folder of its own that is gone afterwards; none if it was interrupted.
    fn one(&self, number: u64) -> anyhow::Result<Option<One>> {
        let nth = usize::try_from(number).unwrap_or(usize::MAX);
        let folder = self.guard.folder(nth)?;
        let plan = Arc::new((self.draw)(number));
        let seed = plan.seed;
        let (progress, _watched) = watch::channel(Progress::default());
        let executed = world::execute(RunRequest {
            plan,
            program: self.program.clone(),
            folder: folder.path().to_owned(),
            mark: self.guard.watchdog.mark(nth),
            watchdog: Some(Arc::clone(&self.guard.watchdog)),
            interrupt: self.guard.interrupt.clone(),
            clock: Clock::Virtual,
            progress,
            hold: None,
        });
        let executed = match executed {
            Err(RunError::InterruptedEarly) => return Ok(None),
            other => other?,
        };
        if self.guard.is_interrupted() {
            return Ok(None);
        }
        let is_beyond = kill_point::is_beyond(&executed.record);
        let is_exact = executed.exactness.as_ref().is_some_and(|it| it.not_exact.is_empty());
        let verdict = judge(&executed.record, executed.history, folder.path())?.verdict;
        let (novelty, time) = (novelty(&executed.record), executed.record.duration);
        Ok(Some(One { number, seed, verdict, novelty, time, is_exact, is_beyond }))
    }
}

struct One {
    number: u64,
    seed: Seed,
    verdict: Verdict,
    novelty: u64,
    time: Duration,
    is_exact: bool,
    /// There are fewer kill points: nobody was killed.
    is_beyond: bool,
}

impl Shared {
    fn add(&mut self, one: One) {
        let explored = &mut self.explored;
        explored.runs += 1;
        explored.new += u64::from(self.seen.insert(one.novelty));
        explored.not_exact += u64::from(!one.is_exact);
        explored.virtual_time += one.time;
        if one.verdict.exit() != Exit::Valid {
            let One { number, seed, verdict, .. } = one;
            explored.failed.push(Failed { number, seed, verdict });
        }
    }
}

/// What a run did, without its times.
fn novelty(record: &RunRecord) -> u64 {
    let mut hasher = FxHasher::default();
    for ((from, to, kind), counts) in &record.messages {
        (from, to, kind).hash(&mut hasher);
        // Many messages of a kind are told from few, not each from one more.
        (u64::BITS - counts.delivered.leading_zeros()).hash(&mut hasher);
        (counts.delivered == 0).hash(&mut hasher);
    }
    for claim in &record.leadership_claims {
        (claim.replica, claim.leader).hash(&mut hasher);
    }
    for operation in &record.operations {
        (operation.outcome as u8, operation.redirects).hash(&mut hasher);
    }
    hasher.finish()
}
