//! First in, first out.
//!
//! Henzinger, Sezgin and Vafeiadis ("Aspect-Oriented Linearizability Proofs", CONCUR 2013): elements
//! that differ, each in before it is out, are in order if some order of the elements agrees with
//! time. In such an order no element follows another one that went in or came out after it. The order
//! need not be looked for: one that nothing excludes from being the next is the next.
//! A drain adds that its elements follow one another. If nothing can be the next, there is no order.
//!
//! An element that nothing is known to have taken is last, unless it excludes all others: then an
//! open take must have taken it, and may have, if it began before any of the others was out for
//! certain. Elements are given to open takes in the order of the ends of their puts, and to the
//! one that began first, because each lasts for ever. The moments at which nothing was there are
//! chosen as in a [`bag`]: an order of the elements only cuts where the bag is cut. O(n log n).

use std::collections::BTreeSet;

use super::bag::{self, give, moments, needed, never_empty};
use super::parts::{OPEN, Parts, Taker, View};
use super::structure::{Clash, ClashKind, Passage, Passages, Structure, in_order};

pub(super) fn decide(passages: &Passages, parts: &Parts, view: &View) -> Structure {
    let left = passages.left();
    let known: Vec<usize> =
        (0..passages.list.len()).filter(|&at| passages.list[at].take.is_some()).collect();
    let taken = match Line::new(&passages.list, &known, &left, &parts.takers).order() {
        Ok(Order { taken, .. }) => taken,
        Err(stuck) => return Structure::Refuted(passed_over(passages, view, &stuck)),
    };
    let moments = match moments(passages, &left, parts) {
        Ok(moments) => moments,
        Err(window) => return Structure::Refuted(never_empty(view, &window)),
    };
    let needed = taken.max(needed(&passages.list, &left, &moments));
    let mut list = passages.list.clone();
    if !give(&mut list, &left[..needed], &parts.takers) {
        return Structure::Undecided;
    }
    match line_up(&list, &moments) {
        Some(order) => in_order(bag::steps(&list, &order, &passages.windows, &moments, true)),
        None => Structure::Undecided,
    }
}

/// The contradiction of elements of which none can be the next.
fn passed_over(passages: &Passages, view: &View, stuck: &Stuck) -> Clash {
    let elements = if stuck.taken > 0 {
        view.elements.clone()
    } else {
        let rest = stuck.rest.iter().map(|&at| passages.list[at].element);
        rest.collect::<BTreeSet<u32>>().into_iter().collect()
    };
    Clash { view: View { elements, empties: Vec::new() }, kind: ClashKind::Order }
}

/// The elements in order: those that are out before a moment first, those that stay last.
fn line_up(list: &[Passage], moments: &[u32]) -> Option<Vec<usize>> {
    let mut cuts = moments.to_vec();
    cuts.sort_unstable();
    cuts.dedup();
    let (mut taken, mut stay): (Vec<usize>, Vec<usize>) =
        (0..list.len()).partition(|&at| list[at].take.is_some());
    let group = |at: &usize| cuts.partition_point(|&cut| cut < list[*at].stay().1);
    taken.sort_by_cached_key(group);
    let mut order = Vec::with_capacity(list.len());
    for group in taken.chunk_by(|a, b| group(a) == group(b)) {
        order.extend(Line::new(list, group, &[], &[]).order().ok()?.elements);
    }
    stay.sort_unstable_by_key(|&at| list[at].put.start);
    order.extend(stay);
    Some(order)
}

/// An order of elements, and how many of those left had to be taken.
struct Order {
    elements: Vec<usize>,
    taken: usize,
}

/// Elements of which none can be the next.
struct Stuck {
    rest: Vec<usize>,
    taken: usize,
}

/// Elements that wait to be the next.
struct Line<'a> {
    list: &'a [Passage],
    known: &'a [usize],
    /// Those that nothing is known to have taken, by the end of their put.
    left: &'a [usize],
    takers: &'a [Taker],
    /// By place in `list`: what still excludes an element from being the next.
    obstacles: Vec<u8>,
    is_done: Vec<bool>,
    /// By place in `list`: the elements that come next out of the same drain.
    followers: Vec<Option<u32>>,
}

impl<'a> Line<'a> {
    fn new(
        list: &'a [Passage],
        known: &'a [usize],
        left: &'a [usize],
        takers: &'a [Taker],
    ) -> Self {
        let mut is_known = vec![false; list.len()];
        for &at in known {
            is_known[at] = true;
        }
        let mut obstacles = vec![2; list.len()];
        let mut followers = vec![None; list.len()];
        for &at in known {
            if let Some(before) = list[at].follows
                && is_known[before as usize]
            {
                obstacles[at] = 3;
                followers[before as usize] = u32::try_from(at).ok();
            }
        }
        let is_done = vec![false; list.len()];
        Line { list, known, left, takers, obstacles, is_done, followers }
    }

    fn sorted(&self, of: &[&[usize]], key: impl Fn(&Passage) -> u32) -> Vec<usize> {
        let mut sorted = of.concat();
        sorted.sort_unstable_by_key(|&at| key(&self.list[at]));
        sorted
    }

    fn order(mut self) -> Result<Order, Stuck> {
        let take = |passage: &Passage| passage.take.map_or((OPEN, OPEN), |t| (t.start, t.end));
        let by_put_start = self.sorted(&[self.known], |passage| passage.put.start);
        let by_put_end = self.sorted(&[self.known, self.left], |passage| passage.put.end);
        let by_take_start = self.sorted(&[self.known], |passage| take(passage).0);
        let by_take_end = self.sorted(&[self.known], |passage| take(passage).1);
        let (mut put_starts, mut take_starts) =
            (by_put_start.iter().peekable(), by_take_start.iter().peekable());
        let (mut put_ends, mut take_ends) =
            (by_put_end.iter().peekable(), by_take_end.iter().peekable());
        let mut takers = self.takers.iter().peekable();
        let mut ready: Vec<usize> = Vec::new();
        let (mut elements, mut taken) = (Vec::with_capacity(self.known.len()), 0);
        while elements.len() < self.known.len() {
            while put_ends.next_if(|&&at| self.is_done[at]).is_some() {}
            while take_ends.next_if(|&&at| self.is_done[at]).is_some() {}
            let first_in = put_ends.peek().map_or(OPEN, |&&at| self.list[at].put.end);
            let first_out = take_ends.peek().map_or(OPEN, |&&at| take(&self.list[at]).1);
            while let Some(&at) = put_starts.next_if(|&&at| self.list[at].put.start < first_in) {
                self.clear(at, &mut ready);
            }
            while let Some(&at) = take_starts.next_if(|&&at| take(&self.list[at]).0 < first_out) {
                self.clear(at, &mut ready);
            }
            if let Some(at) = ready.pop() {
                elements.push(at);
                self.is_done[at] = true;
                if let Some(next) = self.followers[at] {
                    self.clear(next as usize, &mut ready);
                }
                continue;
            }
            // Nothing can be the next, unless something went in before all and was taken.
            let first = put_ends.peek().map(|&&at| at);
            let taker = takers.peek().copied().filter(|taker| taker.span.start < first_out);
            match (first, taker) {
                (Some(at), Some(taker)) if self.list[at].take.is_none() => {
                    self.is_done[at] = true;
                    taken += 1;
                    if !taker.is_drain {
                        takers.next();
                    }
                }
                _ => return Err(self.stuck(taken)),
            }
        }
        Ok(Order { elements, taken })
    }

    fn clear(&mut self, at: usize, ready: &mut Vec<usize>) {
        self.obstacles[at] -= 1;
        if self.obstacles[at] == 0 {
            ready.push(at);
        }
    }

    fn stuck(&self, taken: usize) -> Stuck {
        let all = self.known.iter().chain(self.left);
        Stuck { rest: all.copied().filter(|&at| !self.is_done[at]).collect(), taken }
    }
}
