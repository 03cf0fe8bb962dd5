//! Which processor a run has: as long as there are any left, one of its own.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use nix::sched::{CpuSet, sched_getaffinity};
use nix::unistd::Pid;

/// How many runs of this process each processor has.
static RUNS: Mutex<BTreeMap<usize, usize>> = Mutex::new(BTreeMap::new());

/// Those on which this thread may be; none where the system does not say.
pub(super) fn usable() -> Vec<usize> {
    sched_getaffinity(Pid::from_raw(0)).map_or(Vec::new(), |set| {
        (0..CpuSet::count()).filter(|&it| set.is_set(it).unwrap_or(false)).collect()
    })
}

/// A processor, as long as a run lasts.
#[derive(Debug)]
pub(super) struct Processor(pub(super) usize);

impl Processor {
    /// Of those that may be used the one with the fewest runs of this process. Where there are several, other
    /// processes begin with others.
    pub(super) fn take(usable: &[usize], process: u32) -> Option<Self> {
        let mut runs = RUNS.lock().unwrap_or_else(PoisonError::into_inner);
        let count = |processor: &usize| runs.get(processor).copied().unwrap_or_default();
        let (before, after) = usable.split_at(process as usize % usable.len().max(1));
        let chosen = after.iter().chain(before).copied().min_by_key(count)?;
        *runs.entry(chosen).or_default() += 1;
        Some(Self(chosen))
    }
}

impl Drop for Processor {
    fn drop(&mut self) {
        let mut runs = RUNS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = runs.get_mut(&self.0) {
            *count = count.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_run_has_the_processor_with_the_fewest_runs() {
        // Numbers that no test shares.
        let usable = [7_001, 7_002];
        let first = Processor::take(&usable, 5).unwrap();
        let second = Processor::take(&usable, 5).unwrap();
        assert_eq!((first.0, second.0), (7_002, 7_001));
        drop(second);
        assert_eq!(Processor::take(&usable, 5).unwrap().0, 7_001);
        assert!(Processor::take(&[], 5).is_none());
    }
}
