//! Moments at which an object was certainly not empty.
//!
//! A *gap* is the time between one event and the next; the gap `g` follows the event in place `g`.
//! A call from place `a` to place `b` takes effect in one of the gaps `a` to `b - 1`. In each gap
//! elements first leave, then the object may be seen as it is, then elements arrive.

use std::collections::BTreeMap;

use super::parts::Taker;

/// A set of gaps.
#[derive(Debug, Clone, Default)]
pub(super) struct Cover {
    /// Ranges that neither overlap nor touch: the first gap, and the first gap after.
    ranges: BTreeMap<u32, u32>,
}

impl Cover {
    /// Adds the gaps from `from` up to and without `to`.
    pub(super) fn add(&mut self, from: u32, to: u32) {
        if from >= to {
            return;
        }
        let (mut from, mut to) = (from, to);
        while let Some((&begin, &end)) = self.ranges.range(..=to).next_back()
            && end >= from
        {
            self.ranges.remove(&begin);
            (from, to) = (from.min(begin), to.max(end));
        }
        self.ranges.insert(from, to);
    }

    /// The first gap from `gap` on that is not in the set.
    pub(super) fn first_free(&self, gap: u32) -> u32 {
        match self.ranges.range(..=gap).next_back() {
            Some((_, &end)) if end > gap => end,
            _ => gap,
        }
    }

    /// Adds the gaps at which more elements that no operation is known to have taken, each in from one
    /// of `arrivals` (increasing) on, are in than `takers` can have taken by then.
    pub(super) fn add_left(&mut self, arrivals: &[u32], takers: &[Taker]) {
        let mut takers = takers.iter();
        let mut arrivals = arrivals.iter().copied();
        // The first taker took what was in first: at each time, one too many is in from the
        // arrival that found no taker to the next taker.
        let mut waiting = 0_usize;
        let mut since = 0;
        let (mut arrival, mut taker) = (arrivals.next(), takers.next());
        let mut free = 0_usize;
        loop {
            match (arrival, taker) {
                (Some(place), next) if next.is_none_or(|next| place < next.span.start) => {
                    if free > 0 {
                        free -= 1;
                    } else {
                        if waiting == 0 {
                            since = place;
                        }
                        waiting += 1;
                    }
                    arrival = arrivals.next();
                }
                (_, Some(next)) => {
                    if waiting > 0 && (next.is_drain || waiting == 1) {
                        self.add(since, next.span.start);
                    }
                    if next.is_drain {
                        return;
                    }
                    if waiting > 0 {
                        waiting -= 1;
                    } else {
                        free += 1;
                    }
                    taker = takers.next();
                }
                (_, None) => {
                    if waiting > 0 {
                        self.add(since, u32::MAX);
                    }
                    return;
                }
            }
        }
    }
}
