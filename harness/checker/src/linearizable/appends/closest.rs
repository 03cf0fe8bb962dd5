//! Of calls in the wrong order, those that took the least time.

use super::{Sequence, Symbol};

/// Of each sort of calls, given by position, those that took the least time.
#[derive(Debug, Default)]
pub(super) struct Closest([Option<(i64, Vec<u32>)>; 8]);

impl Closest {
    pub(super) fn note(&mut self, sort: usize, span: i64, core: impl FnOnce() -> Vec<u32>) {
        let closest = &mut self.0[sort];
        if closest.as_ref().is_none_or(|(least, _)| span < *least) {
            *closest = Some((span, core()));
        }
    }

    pub(super) fn into_cores(self) -> impl Iterator<Item = Vec<u32>> {
        self.0.into_iter().flatten().map(|(_, core)| core)
    }
}

/// A call among others, sorted by a place in time; and of those up to there, or from there on, the
/// one that is nearest, by its other place in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Near {
    place: i64,
    nearest: i64,
    position: u32,
}

/// The calls of a chain, to find those around another call.
#[derive(Debug)]
pub(super) struct Surroundings {
    /// By completion: which of the calls so far began last.
    befores: Vec<Near>,
    /// By invocation: which of the reads, or of all calls, from here on is over first.
    reads_after: Vec<Near>,
    after: Vec<Near>,
    /// Whether the chain begins with the first value, which was there before everything.
    is_initial: bool,
}

impl Surroundings {
    pub(super) fn new<S: Symbol>(
        sequence: Sequence<'_, '_, S>,
        calls: &[u32],
        reads: &[u32],
        is_initial: bool,
    ) -> Self {
        Surroundings {
            befores: befores(sequence, calls),
            reads_after: afters(sequence, reads),
            after: afters(sequence, calls),
            is_initial,
        }
    }

    /// Takes the nearest calls around this one, if there are some. One of `sort` and the fourth after
    /// it says what they are.
    pub(super) fn note<S: Symbol>(
        &self,
        sequence: Sequence<'_, '_, S>,
        inner: u32,
        sort: usize,
        closest: &mut Closest,
    ) {
        let (invoke, complete) = (sequence.invoke(inner), sequence.complete(inner));
        let count = self.befores.partition_point(|before| before.place < invoke);
        let before = count.checked_sub(1).map(|last| self.befores[last]);
        if before.is_none() && !self.is_initial {
            return;
        }
        let begin = before.map_or(invoke, |before| before.nearest.min(invoke));
        for (afters, sort) in [(&self.reads_after, sort), (&self.after, sort + 4)] {
            let next = afters.partition_point(|after| after.place < complete);
            let Some(after) = afters.get(next) else { continue };
            closest.note(sort, after.nearest - begin, || {
                before
                    .map(|near| near.position)
                    .into_iter()
                    .chain([inner, after.position])
                    .collect()
            });
        }
    }
}

fn befores<S: Symbol>(sequence: Sequence<'_, '_, S>, calls: &[u32]) -> Vec<Near> {
    let near = |&position: &u32| {
        let (place, nearest) = (sequence.complete(position), sequence.invoke(position));
        Near { place, nearest, position }
    };
    let mut befores: Vec<Near> = calls.iter().map(near).collect();
    befores.sort_unstable();
    for at in 1..befores.len() {
        let Near { nearest, position, .. } = befores[at - 1];
        if nearest > befores[at].nearest {
            befores[at] = Near { nearest, position, ..befores[at] };
        }
    }
    befores
}

fn afters<S: Symbol>(sequence: Sequence<'_, '_, S>, calls: &[u32]) -> Vec<Near> {
    let near = |&position: &u32| {
        let (place, nearest) = (sequence.invoke(position), sequence.end(position));
        Near { place, nearest, position }
    };
    let mut afters: Vec<Near> = calls.iter().map(near).collect();
    afters.sort_unstable();
    for at in (1..afters.len()).rev() {
        let Near { nearest, position, .. } = afters[at];
        if nearest < afters[at - 1].nearest {
            afters[at - 1] = Near { nearest, position, ..afters[at - 1] };
        }
    }
    afters
}
