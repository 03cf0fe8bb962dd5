//! What reading and judging a history may cost, and what is said when that is spent.

use std::time::{Duration, Instant};

use checker::{Budget, Limit, Reason};

use crate::allocator;
use crate::scenario::CheckerBudget;

/// A budget of which the clock runs.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    budget: CheckerBudget,
    begin: Instant,
    /// How long reading took.
    reading: Duration,
}

impl Allowance {
    /// The clock begins now.
    pub fn begin(budget: CheckerBudget) -> Self {
        Self { budget, begin: Instant::now(), reading: Duration::ZERO }
    }

    /// Notes that the history is read.
    pub fn is_read(&mut self) {
        self.reading = self.begin.elapsed();
    }

    /// What is left of the time.
    pub fn time_left(&self) -> Duration {
        self.budget.time.saturating_sub(self.begin.elapsed())
    }

    /// Bytes of memory, those of the history included.
    pub fn memory_bytes(&self) -> u64 {
        self.budget.memory_mb.saturating_mul(1_000_000)
    }

    /// What of it is spent with so many bytes of memory taken, if anything is.
    pub fn spent(&self, memory_bytes: u64) -> Option<Limit> {
        if memory_bytes > self.memory_bytes() {
            return Some(Limit::Memory);
        }
        self.time_left().is_zero().then_some(Limit::Stopped)
    }

    /// The budget of a check besides a history of so many bytes.
    pub fn besides<'a>(&self, history: u64, stop: &'a (dyn Fn() -> bool + Sync)) -> Budget<'a> {
        let memory_bytes = self.memory_bytes().saturating_sub(history);
        Budget {
            steps: u64::MAX,
            memory_bytes,
            stop,
            freed: &allocator::give_back,
            ..Budget::default()
        }
    }

    /// What is said when reading had to stop after so many bytes, with so much memory taken.
    pub fn told_of_reading(&self, limit: Limit, read: u64, of: Option<u64>, memory: u64) -> String {
        let of = of.map(|of| format!(" of {}", megabytes(of))).unwrap_or_default();
        let took = match limit {
            Limit::Memory => format!(", which take {}", megabytes(memory)),
            _ => String::new(),
        };
        format!(
            "undecided: {} while the history was read, after {}{of}{took}; all its keys are left \
             undecided",
            self.named(limit),
            megabytes(read)
        )
    }

    /// Adds to the reason of a check which budget was spent, and on what.
    pub fn tell(&self, reason: &mut Reason, history: u64) {
        let on = match reason.limit {
            Limit::Stopped => format!("{} of it on reading", seconds(self.reading)),
            Limit::Memory => format!("{} of it on the history", megabytes(history)),
            _ => return,
        };
        let named = self.named(reason.limit);
        let explanation = reason.explanation.trim_end_matches('.');
        reason.explanation = format!("{explanation}; {named}, {on}");
    }

    fn named(&self, limit: Limit) -> String {
        match limit {
            Limit::Memory => format!("the memory budget of {} MB is spent", self.budget.memory_mb),
            _ => format!("the time budget of {} is spent", seconds(self.budget.time)),
        }
    }
}

fn seconds(time: Duration) -> String {
    let whole = time.subsec_millis() == 0;
    if whole { format!("{} s", time.as_secs()) } else { format!("{:.1} s", time.as_secs_f64()) }
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowance(seconds: u64, memory_mb: u64) -> Allowance {
        Allowance::begin(CheckerBudget { time: Duration::from_secs(seconds), memory_mb })
    }

    #[test]
    fn memory_is_spent_by_what_is_read_and_time_by_the_clock() {
        assert_eq!(allowance(3_600, 10).spent(10_000_000), None);
        assert_eq!(allowance(3_600, 10).spent(10_000_001), Some(Limit::Memory));
        assert_eq!(allowance(0, 10).spent(0), Some(Limit::Stopped));
    }

    #[test]
    fn the_sentence_names_the_budget_and_what_it_was_spent_on() {
        let told = allowance(60, 10).told_of_reading(
            Limit::Memory,
            4_500_000,
            Some(35_200_000),
            10_100_000,
        );
        assert_eq!(
            told,
            "undecided: the memory budget of 10 MB is spent while the history was read, after 4.5 MB of \
             35.2 MB, which take 10.1 MB; all its keys are left undecided"
        );
        let told = allowance(2, 10).told_of_reading(Limit::Stopped, 4_500_000, None, 0);
        assert_eq!(
            told,
            "undecided: the time budget of 2 s is spent while the history was read, after 4.5 MB; all its \
             keys are left undecided"
        );
    }

    #[test]
    fn what_the_history_takes_is_not_left_for_the_check() {
        let never = || false;
        assert_eq!(allowance(1, 10).besides(4_000_000, &never).memory_bytes, 6_000_000);
        assert_eq!(allowance(1, 10).besides(11_000_000, &never).memory_bytes, 0);
    }
}
