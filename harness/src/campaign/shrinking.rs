//! The search for the smallest workload that fails as a run did, by making runs.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::trials::{Tally, Trials, Until};
use crate::scenario::Scenario;
use crate::shrink::{reduce, search};

/// What the search came to.
pub struct Found {
    /// How often the whole failed, of how many runs.
    pub base: Tally,
    /// The workload.
    pub smallest: Value,
    /// How often the smallest failed, of how many runs.
    pub again: Tally,
    /// All runs that were made.
    pub runs: u32,
    /// Whether the budget ended before the search.
    pub is_out_of_time: bool,
}

/// Searches by making runs.
pub struct Shrinking<'a> {
    /// The runs.
    pub trials: &'a Trials,
    /// When it began.
    pub begin: Instant,
    /// How long it may search.
    pub budget: Duration,
    /// Hears which workload is tried now, and what for.
    pub each: &'a dyn Fn(&Value, &str),
}

impl Shrinking<'_> {
    /// The search, which tries `cut` first; `None` if it was interrupted.
    pub fn shrink(&self, whole: &Value, cut: Option<&Value>) -> anyhow::Result<Option<Found>> {
        const LEAST_RUNS: usize = 4;
        const AGAIN: usize = 2;
        let at_once = self.trials.jobs.max(LEAST_RUNS);
        (self.each)(whole, "measuring how often it fails");
        let mut base = self.trials.fails(whole, at_once, Until::All)?;
        // A failure that comes now and then may have stayed away.
        for _ in 0..AGAIN {
            if base.failed == 0 && !self.is_interrupted() && self.begin.elapsed() < self.budget / 2
            {
                base = base.and(self.trials.fails(whole, at_once, Until::All)?);
            }
        }
        let mut smallest = whole.clone();
        let mut again = base.clone();
        let mut is_out_of_time = false;
        if base.failed > 0 {
            let (taken, is_late) = self.search(whole, cut, &base)?;
            is_out_of_time = is_late;
            if !self.is_interrupted() && taken.len() > 1 {
                (smallest, again) = self.reliable(taken, &base, at_once)?;
            }
        }
        if self.is_interrupted() && smallest == *whole {
            return Ok(None);
        }
        let runs = u32::try_from(self.trials.runs.load(Ordering::SeqCst)).unwrap_or(u32::MAX);
        Ok(Some(Found { base, smallest, again, runs, is_out_of_time }))
    }

    /// The workloads that failed, each smaller than the one before, the whole one first; and whether the time
    /// was over before the search was.
    fn search(
        &self,
        whole: &Value,
        cut: Option<&Value>,
        base: &Tally,
    ) -> anyhow::Result<(Vec<Value>, bool)> {
        let mut taken = vec![whole.clone()];
        let (mut problem, mut is_out_of_time) = (None, false);
        let tries =
            usize::try_from(reduce::tries(base.failed, base.of)).unwrap_or(1).max(self.trials.jobs);
        search::search(whole, cut, &mut |candidate| {
            if problem.is_some() || self.is_interrupted() {
                return None;
            }
            if self.begin.elapsed() > self.budget {
                is_out_of_time = true;
                return None;
            }
            // What is no workload (a heal without a partition) is no smaller failure.
            let naming = self.trials.earlier.system.naming;
            if Scenario::parse_as("smallest.json", &candidate.to_string(), naming).is_err() {
                return Some(false);
            }
            (self.each)(candidate, "trying");
            match self.trials.fails(candidate, tries, Until::OneFails) {
                Ok(tally) if tally.failed == 0 => Some(false),
                Ok(_) => {
                    taken.push(candidate.clone());
                    Some(true)
                }
                Err(failure) => {
                    problem = Some(failure);
                    None
                }
            }
        });
        problem.map_or(Ok((taken, is_out_of_time)), Err)
    }

    /// The smallest of these that fails again: one that was taken after a single failure may have failed by
    /// rare luck, and one that fails now and then may have passed by chance. How often, of how many runs.
    fn reliable(
        &self,
        mut taken: Vec<Value>,
        base: &Tally,
        runs: usize,
    ) -> anyhow::Result<(Value, Tally)> {
        let mut at = taken.len() - 1;
        while at > 0 {
            (self.each)(&taken[at], "measuring how often the smallest fails");
            let mut again = self.trials.fails(&taken[at], runs, Until::All)?;
            if again.failed == 0 && !self.is_interrupted() {
                again = again.and(self.trials.fails(&taken[at], runs, Until::All)?);
            }
            if again.failed > 0 || self.is_interrupted() {
                return Ok((taken.swap_remove(at), again));
            }
            at /= 2;
        }
        Ok((taken.swap_remove(0), base.clone()))
    }

    fn is_interrupted(&self) -> bool {
        self.trials.guard.is_interrupted()
    }
}
