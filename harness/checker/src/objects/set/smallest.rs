//! The smallest contradiction of a set that is known to have one.
//!
//! With fewest operations first: an element that was added before a read began that lacks it; with an
//! addition, a read that holds the element and a later one that lacks it, or a read that holds it and
//! lacks what was there before it was added; with two additions, two reads of which neither holds what
//! the other one does. Of each kind those are compared that are near in time, within a limit of work.

use super::{Contents, Read, classify};
use crate::history::Operation;
use crate::objects::end;
use crate::verdict::Verdict;
use crate::witness::{Anomaly, Size};

/// So many reads before each one are compared with it.
const MOST_READS: usize = 32;

/// So many of the last elements of a read are looked at.
const MOST_ELEMENTS: usize = 8;

/// So many times it is asked whether a read holds an element.
const MOST_WORK: usize = 4_000_000;

/// The smallest contradiction so far.
struct Best<'a> {
    size: Size,
    anomaly: Anomaly,
    operations: Vec<&'a Operation>,
    is_minimal: bool,
    what: &'static str,
}

struct Smallest<'c, 'a> {
    contents: &'c Contents<'a>,
    /// By invocation.
    reads: Vec<&'c Read<'a>>,
    best: Option<Best<'a>>,
    work: usize,
}

/// The smallest contradiction that is found.
pub(super) fn smallest(contents: &Contents<'_>) -> Option<Verdict> {
    let mut reads: Vec<&Read<'_>> = contents.reads.iter().collect();
    reads.sort_by_key(|read| read.op.invoke);
    let mut smallest = Smallest { contents, reads, best: None, work: 0 };
    smallest.lost();
    if smallest.best.is_none() {
        smallest.replaced();
    }
    if smallest.best.is_none() {
        smallest.divergent();
    }
    let Best { anomaly, operations, is_minimal, what, .. } = smallest.best?;
    Some(contents.subject.witness(anomaly, &operations, is_minimal, what))
}

impl<'a> Smallest<'_, 'a> {
    fn consider(
        &mut self,
        anomaly: Anomaly,
        operations: &[&'a Operation],
        is_minimal: bool,
        what: &'static str,
    ) {
        let size = Size::of_all(operations);
        if self.best.as_ref().is_none_or(|best| size < best.size) {
            let operations = operations.to_vec();
            self.best = Some(Best { size, anomaly, operations, is_minimal, what });
        }
    }

    fn is_exhausted(&self) -> bool {
        self.work > MOST_WORK
    }

    fn lacks(&mut self, read: &Read<'a>, element: u32) -> bool {
        self.work += 1;
        !self.contents.has(read, element)
    }

    /// The addition that began last of those that were over before some place and that a read lacks.
    fn last_lacked(&mut self, read: &Read<'a>, before: u32) -> Option<(&'a Operation, u32)> {
        let adds = &self.contents.adds;
        let begun = adds.partition_point(|(add, _)| add.invoke < before);
        let mut earlier = adds[..begun].iter().rev();
        earlier.find(|&&(add, element)| end(add) < before && self.lacks(read, element)).copied()
    }

    /// The last additions of what one read holds and another one lacks, begun before the first was over.
    fn last_held(&mut self, holds: &Read<'a>, lacks: &Read<'a>) -> Vec<(&'a Operation, u32)> {
        let adds = &self.contents.adds;
        let begun = adds.partition_point(|(add, _)| add.invoke < end(holds.op));
        let earlier = adds[..begun].iter().rev();
        earlier
            .filter(|&&(_, element)| self.lacks(lacks, element) && !self.lacks(holds, element))
            .take(MOST_ELEMENTS)
            .copied()
            .collect()
    }

    fn lost(&mut self) {
        let what = "the read lacks what was added before it began";
        for read in self.reads.clone() {
            if self.is_exhausted() {
                return;
            }
            if let Some((add, element)) = self.last_lacked(read, read.op.invoke) {
                let anomaly = classify(&self.contents.elements[element as usize], read.op);
                self.consider(anomaly, &[add, read.op], true, what);
            }
        }
    }

    fn replaced(&mut self) {
        let mut by_end = self.reads.clone();
        by_end.sort_by_key(|read| end(read.op));
        for read in self.reads.clone() {
            let over = by_end.partition_point(|before| end(before.op) < read.op.invoke);
            for before in by_end[..over].iter().rev().take(MOST_READS) {
                if self.is_exhausted() {
                    return;
                }
                for (add, element) in self.last_held(before, read) {
                    let anomaly = classify(&self.contents.elements[element as usize], read.op);
                    let what = "the later read lacks what the one before it holds";
                    let is_minimal = end(add) >= read.op.invoke;
                    self.consider(anomaly, &[add, before.op, read.op], is_minimal, what);
                }
            }
            let first = |&element: &u32| self.contents.elements[element as usize].first;
            let mut held: Vec<&Operation> = self.contents.held(read).iter().map(first).collect();
            held.sort_unstable_by_key(|add| std::cmp::Reverse(add.invoke));
            for late in held.into_iter().take(MOST_ELEMENTS) {
                if let Some((early, _)) = self.last_lacked(read, late.invoke) {
                    let what = "a read holds what was added later, and lacks what was there before";
                    let is_minimal = end(early) >= read.op.invoke;
                    let operations = [early, late, read.op];
                    self.consider(Anomaly::StaleRead, &operations, is_minimal, what);
                }
            }
        }
    }

    fn divergent(&mut self) {
        let what = "each of two reads lacks what the other one holds";
        let reads = self.reads.clone();
        for (at, &read) in reads.iter().enumerate() {
            for &other in reads[..at].iter().rev().take(MOST_READS) {
                if self.is_exhausted() {
                    return;
                }
                let (ones, twos) = (self.last_held(read, other), self.last_held(other, read));
                for (one, two) in
                    ones.iter().flat_map(|one| twos.iter().map(move |two| (one.0, two.0)))
                {
                    let operations = [one, two, read.op, other.op];
                    let is_minimal = end(one) >= other.op.invoke
                        && end(two) >= read.op.invoke
                        && end(read.op) >= other.op.invoke
                        && end(other.op) >= read.op.invoke;
                    self.consider(Anomaly::DivergentReads, &operations, is_minimal, what);
                }
            }
        }
    }
}
