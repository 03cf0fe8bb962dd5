//! What a proof may cost, and why it was given up.

/// The most that one check may spend.
///
/// The crate has no clock: a caller that has one passes `stop`, which is asked every few steps and ends the
/// check by answering `true`.
#[derive(Clone, Copy)]
pub struct Budget<'a> {
    /// Configurations that the search may visit, per key.
    pub steps: u64,
    /// So many steps were tried in vain before: no search begins with as few. Mostly 0.
    pub too_few: u64,
    /// Bytes of memory that the check may take besides the history. Keys that are decided at the same
    /// time share them.
    pub memory_bytes: u64,
    /// Whether to give up now, as when a deadline has passed.
    pub stop: &'a (dyn Fn() -> bool + Sync),
    /// Called when much memory was freed, since an allocator that keeps it would fill a budget twice.
    pub freed: &'a (dyn Fn() + Sync),
}

impl Default for Budget<'_> {
    /// A hundred million configurations and 1 GB, without a deadline.
    fn default() -> Self {
        Budget {
            steps: 100_000_000,
            too_few: 0,
            memory_bytes: 1_024_000_000,
            stop: &|| false,
            freed: &|| {},
        }
    }
}

impl Budget<'_> {
    /// What is left besides so many bytes.
    pub(crate) fn besides(self, bytes: usize) -> Self {
        Budget { memory_bytes: self.memory_bytes.saturating_sub(bytes as u64), ..self }
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

/// Steps between two looks at what is spent.
const STEPS_BETWEEN_LOOKS: u64 = 64;

/// A look comes sooner once so many bytes were taken since the last one.
const BYTES_BETWEEN_LOOKS: usize = 1 << 16;

/// So much work is done between two looks at the clock: each unit takes some nanoseconds.
const WORK_BETWEEN_LOOKS: usize = 1 << 14;

/// Counts what a search spends.
#[derive(Debug)]
pub(crate) struct Meter<'a> {
    budget: Budget<'a>,
    pub(crate) steps: u64,
    taken: usize,
    work: usize,
}

impl<'a> Meter<'a> {
    pub(crate) fn new(budget: Budget<'a>) -> Self {
        Meter { budget, steps: 0, taken: 0, work: 0 }
    }

    /// Counts one step, and that it took `more` bytes if it may take many. `memory_bytes` is asked for
    /// all that is taken now and soon, now and then.
    pub(crate) fn step(
        &mut self,
        more: usize,
        memory_bytes: impl FnOnce() -> u64,
    ) -> Result<(), Limit> {
        self.steps += 1;
        if self.steps >= self.budget.steps {
            return Err(Limit::Steps);
        }
        if self.steps % STEPS_BETWEEN_LOOKS == 1 {
            return self.look(memory_bytes);
        }
        self.take(more, memory_bytes)
    }

    /// Counts that so much was taken within a step.
    pub(crate) fn take(
        &mut self,
        more: usize,
        memory_bytes: impl FnOnce() -> u64,
    ) -> Result<(), Limit> {
        self.taken += more;
        if self.taken > BYTES_BETWEEN_LOOKS { self.look(memory_bytes) } else { Ok(()) }
    }

    fn look(&mut self, memory_bytes: impl FnOnce() -> u64) -> Result<(), Limit> {
        self.taken = 0;
        if memory_bytes() > self.budget.memory_bytes {
            return Err(Limit::Memory);
        }
        self.look_at_the_clock()
    }

    fn look_at_the_clock(&mut self) -> Result<(), Limit> {
        self.work = 0;
        if (self.budget.stop)() { Err(Limit::Stopped) } else { Ok(()) }
    }

    /// Counts work within a step, or outside of any, that takes time and no memory.
    pub(crate) fn work(&mut self, units: usize) -> Result<(), Limit> {
        self.work += units;
        if self.work >= WORK_BETWEEN_LOOKS { self.look_at_the_clock() } else { Ok(()) }
    }
}
