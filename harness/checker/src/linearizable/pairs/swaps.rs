//! Values that a compare-and-set replaced: all that saw such a value came before it, and all that saw
//! what it wrote came after.

use super::{Best, Entry, Values};
use crate::event::F;
use crate::history::Outcome;

/// So many swaps of one value are compared.
const MOST_SWAPS: usize = 32;

impl Values<'_> {
    pub(super) fn swapped(&self, best: &mut Best<'_>) {
        for entry in self.entries().filter(|entry| !entry.swaps.is_empty()) {
            for &swap in entry.swaps {
                self.late(entry, swap, best);
            }
            self.twice(entry, best);
        }
    }

    /// What saw the value, or was its write, although the swap was over, or what it wrote was seen.
    fn late(&self, entry: Entry<'_>, swap: u32, best: &mut Best<'_>) {
        let with = |others: &[u32]| {
            let write = entry.write.into_iter().chain([swap]);
            write.chain(others.iter().copied()).collect::<Vec<u32>>()
        };
        if let Some(read) = self.soonest_after(entry.reads, self.span(swap).complete) {
            best.consider(&with(&[read]));
        }
        let results = self.entry_of(swap).reads;
        let begin = entry.write.map_or(0, |write| self.span(write).invoke);
        if let Some(result) = self.latest_before(results, begin) {
            best.consider(&with(&[result]));
        }
        for &result in results.by_invoke {
            if let Some(read) = self.soonest_after(entry.reads, self.span(result).complete) {
                best.consider(&with(&[result, read]));
            }
        }
    }

    /// Two swaps of one value, each with what shows that it was done.
    fn twice(&self, entry: Entry<'_>, best: &mut Best<'_>) {
        let proven = entry.swaps.iter().filter_map(|&swap| {
            let is_over = self.op(swap).outcome == Outcome::Ok;
            let seen = || self.entry_of(swap).reads.soonest.first().copied();
            Some((swap, if is_over { swap } else { seen()? }))
        });
        let proven: Vec<(u32, u32)> = proven.take(MOST_SWAPS).collect();
        for (at, &(one, proof)) in proven.iter().enumerate() {
            for &(other, other_proof) in &proven[..at] {
                let swaps = [one, proof, other, other_proof];
                best.consider(&swaps.into_iter().chain(entry.write).collect::<Vec<u32>>());
            }
        }
    }

    /// Of the value of a swap, one that was done and wrote what this one expects, so that neither can
    /// have been the first.
    pub(super) fn swapped_back(&self, swap: u32) -> Option<u32> {
        let op = self.op(swap);
        let is_back = |&&other: &&u32| {
            self.op(other).argument == op.result && self.op(other).outcome == Outcome::Ok
        };
        (op.f == F::Cas).then(|| self.entry_of(swap).swaps.iter().find(is_back)).flatten().copied()
    }
}
