//! What a proof may cost, and why it was given up.

/// The most that one check may spend.
///
/// The crate has no clock: whoever has one passes `stop`, which is asked every few thousand steps
/// and ends the check by answering `true`.
#[derive(Clone, Copy)]
pub struct Budget<'a> {
    /// Configurations that the search may visit, per key.
    pub steps: u64,
    /// Bytes that the search may remember, per key.
    pub memory_bytes: u64,
    /// Whether to give up now, as when a deadline has passed.
    pub stop: &'a (dyn Fn() -> bool + Sync),
}

impl Default for Budget<'_> {
    /// A hundred million configurations and 1 GB, without a deadline.
    fn default() -> Self {
        Budget { steps: 100_000_000, memory_bytes: 1_024_000_000, stop: &|| false }
    }
}

impl std::fmt::Debug for Budget<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Budget")
            .field("steps", &self.steps)
            .field("memory_bytes", &self.memory_bytes)
            .finish_non_exhaustive()
    }
}

/// Why a check came to no verdict: which part of a budget was spent, or what else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// [`Budget::steps`].
    Steps,
    /// [`Budget::memory_bytes`].
    Memory,
    /// [`Budget::stop`] said so.
    Stopped,
    /// None: the algorithm asked for does not fit the operations.
    Algorithm,
    /// None: the testers that confirm a contradiction do not agree on it, which is a mistake of this
    /// crate.
    Disagreement,
}

/// Steps between two looks at the budget's expensive parts.
const STEPS_BETWEEN_LOOKS: u64 = 4096;

/// Counts what a search spends.
#[derive(Debug)]
pub(crate) struct Meter<'a> {
    budget: Budget<'a>,
    pub(crate) steps: u64,
}

impl<'a> Meter<'a> {
    pub(crate) fn new(budget: Budget<'a>) -> Self {
        Meter { budget, steps: 0 }
    }

    /// Counts one step; `memory_bytes` is asked for now and then.
    pub(crate) fn step(&mut self, memory_bytes: impl FnOnce() -> u64) -> Result<(), Limit> {
        self.steps += 1;
        if self.steps >= self.budget.steps {
            return Err(Limit::Steps);
        }
        if self.steps % STEPS_BETWEEN_LOOKS == 1 {
            if memory_bytes() > self.budget.memory_bytes {
                return Err(Limit::Memory);
            }
            if (self.budget.stop)() {
                return Err(Limit::Stopped);
            }
        }
        Ok(())
    }
}
