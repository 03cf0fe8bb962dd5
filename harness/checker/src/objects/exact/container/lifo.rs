//! Last in, first out.
//!
//! After Lee and Mathur (OOPSLA 2025), by blocks. An element that can have gone in and out at one
//! moment excludes nothing. Of the others, each was certainly in from the end of its put to the
//! beginning of its take, its *stay*. In a stack no two elements cross: of any two that are in at
//! one time, one goes in first and comes out last. So of stays that overlap one another in a chain,
//! a *block*, one element goes in before all others and comes out after them, the *bottom*. An
//! element can be the bottom if its put began before any other put of the block was over, and its
//! take was over after the last other take began. If several can, any of them may be it: the others
//! fit between. Without the bottom the block falls into smaller ones. A block in which none can be
//! the bottom has no order. In a gap that no stay covers nothing needs to be there.
//!
//! The blocks are gone through from left to right, so that candidates for the bottom only become
//! more; two segment trees find the gaps and the candidate that comes out last. O(n log n).
//!
//! Open takes: an element that nothing is known to have taken stays for ever, or was taken by an
//! open take, in an order that is hard to find. If there is an order even when each of them was
//! taken by the first open take, or none when none was taken, nothing else is asked; between the
//! two they are given away where they are in the way, and if that leads nowhere it is undecided.

use super::bag::{free, give, moments, needed, never_empty, taken_by};
use super::cover::Cover;
use super::parts::{OPEN, Parts, View};
use super::structure::{Clash, ClashKind, Passage, Passages, Structure, Timed, Window, in_order};

/// So many elements at most are given to open takes one after another, and so many are looked at
/// on the way.
const MOST_GIVEN: usize = 500;
const MOST_SEEN: usize = 5_000_000;

pub(super) fn decide(
    passages: &Passages,
    parts: &Parts,
    view: &View,
    stop: &dyn Fn() -> bool,
) -> Structure {
    let refuted = match order(&passages.list, &passages.windows, &stays(&passages.list)) {
        Ok(timed) => return in_order(timed),
        Err(refuted) => refuted,
    };
    let Some(first) = parts.takers.first() else {
        return Structure::Refuted(refuted.clash(&passages.list, view));
    };
    if stop() {
        return Structure::Undecided;
    }
    let mut all_taken = passages.list.clone();
    for passage in all_taken.iter_mut().filter(|passage| passage.take.is_none()) {
        passage.take = Some(taken_by(passage, first));
    }
    if let Err(refuted) = order(&all_taken, &passages.windows, &stays(&all_taken)) {
        return Structure::Refuted(refuted.clash(&all_taken, view));
    }
    give_away(passages, parts, view, stop)
}

/// Gives elements to open takes, first those that must be out when nothing was there, then those
/// that are in the way, the first one first.
fn give_away(
    passages: &Passages,
    parts: &Parts,
    view: &View,
    stop: &dyn Fn() -> bool,
) -> Structure {
    let left = passages.left();
    let moments = match moments(passages, &left, parts) {
        Ok(moments) => moments,
        Err(window) => return Structure::Refuted(never_empty(view, &window)),
    };
    let mut given: Vec<usize> = left[..needed(&passages.list, &left, &moments)].to_vec();
    let most = MOST_GIVEN.min(MOST_SEEN / passages.list.len().max(1));
    for _ in 0..=most {
        if stop() {
            return Structure::Undecided;
        }
        let mut list = passages.list.clone();
        if !give(&mut list, &given, &parts.takers) {
            return Structure::Undecided;
        }
        let next = match order(&list, &passages.windows, &stays(&list)) {
            Ok(timed) => return in_order(timed),
            Err(Refuted::Block(block)) => {
                let in_the_way = block.into_iter().filter(|&at| list[at].take.is_none());
                in_the_way.min_by_key(|&at| list[at].put.end)
            }
            Err(Refuted::Window(_)) => None,
        };
        match next {
            Some(next) => given.push(next),
            None => return Structure::Undecided,
        }
    }
    Structure::Undecided
}

/// Why there is no order.
enum Refuted {
    /// None of these can be the bottom of its block.
    Block(Vec<usize>),
    /// In no gap of this window nothing was there.
    Window(Window),
}

impl Refuted {
    fn clash(&self, list: &[Passage], view: &View) -> Clash {
        match self {
            Refuted::Window(window) => never_empty(view, window),
            Refuted::Block(block) => {
                let mut elements: Vec<u32> = block.iter().map(|&at| list[at].element).collect();
                elements.sort_unstable();
                elements.dedup();
                let view = View { elements, empties: Vec::new() };
                Clash { view, kind: ClashKind::Order }
            }
        }
    }
}

/// The elements that were certainly in at some time, by the end of their put.
fn stays(list: &[Passage]) -> Vec<usize> {
    let stays = |&at: &usize| list[at].stay().0 < list[at].stay().1;
    let mut stay: Vec<usize> = (0..list.len()).filter(stays).collect();
    stay.sort_unstable_by_key(|&at| list[at].put.end);
    stay
}

/// When an element is over for certain: one that may stay never is.
fn over(passage: &Passage) -> u64 {
    let known = passage.take.map(|take| take.end).filter(|&end| end != OPEN);
    known.map_or(u64::MAX, u64::from)
}

/// All steps in their gaps, if there is an order: in each gap first come takes, the inner ones
/// first; then what goes in and out at once, and nothing; then puts, the outer ones first.
fn order(list: &[Passage], windows: &[Window], stay: &[usize]) -> Result<Vec<Timed>, Refuted> {
    let mut timed = Vec::with_capacity(2 * list.len() + windows.len());
    let mut cover = Cover::default();
    for &at in stay {
        let (from, to) = list[at].stay();
        cover.add(from, to);
    }
    Blocks::new(list, stay).solve(&mut timed).map_err(Refuted::Block)?;
    let mut pairs = 0;
    for passage in list {
        let (from, to) = passage.stay();
        if let Some(take) = &passage.take
            && from >= to
        {
            timed.push(([take.start, 1, 0, pairs], passage.put_step()));
            timed.push(([take.start, 1, 0, pairs + 1], passage.take_step(take)));
            pairs += 2;
        }
    }
    let moments = free(&cover, windows).map_err(Refuted::Window)?;
    for (window, moment) in windows.iter().zip(moments) {
        timed.push(([moment, 1, 1, 0], window.step()));
    }
    Ok(timed)
}

/// The blocks of a history and what is known of their gaps and elements.
struct Blocks<'a> {
    list: &'a [Passage],
    /// By the end of the put.
    stay: &'a [usize],
    /// Ends of puts and beginnings of takes; between one and the next the same stays are covered.
    borders: Vec<u32>,
    /// Of each piece between borders, how many stays cover it.
    covered: Least,
    /// Of each element, in the order of `stay`, when it is over, if it may be a bottom.
    candidates: Latest,
}

/// A block: its first piece, the first piece after it, and in how many others it lies.
type Block = (usize, usize, u32);

impl<'a> Blocks<'a> {
    fn new(list: &'a [Passage], stay: &'a [usize]) -> Self {
        let ends = stay.iter().flat_map(|&at| [list[at].stay().0, list[at].stay().1]);
        let mut borders: Vec<u32> = ends.collect();
        borders.sort_unstable();
        borders.dedup();
        let pieces = borders.len().saturating_sub(1);
        let mut changes = vec![0; pieces + 1];
        let piece = |place: u32| borders.partition_point(|&border| border < place);
        for &at in stay {
            let (from, to) = list[at].stay();
            changes[piece(from)] += 1;
            changes[piece(to)] -= 1;
        }
        let mut covers = 0;
        let counts = changes[..pieces].iter().map(|change| {
            covers += change;
            covers
        });
        let covered = Least::new(&counts.collect::<Vec<i64>>());
        let candidates = Latest::new(stay.len());
        Blocks { list, stay, borders, covered, candidates }
    }

    fn piece(&self, place: u32) -> usize {
        self.borders.partition_point(|&border| border < place)
    }

    /// The blocks within some pieces, the last one first.
    fn split(&mut self, (from, to, depth): Block) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut begin = from;
        while begin < to {
            let end = self.covered.first_zero(begin, to).unwrap_or(to);
            if end > begin {
                blocks.push((begin, end, depth));
            }
            begin = end + 1;
        }
        blocks.reverse();
        blocks
    }

    fn solve(mut self, timed: &mut Vec<Timed>) -> Result<(), Vec<usize>> {
        let mut by_put_start: Vec<usize> = (0..self.stay.len()).collect();
        by_put_start.sort_unstable_by_key(|&number| self.list[self.stay[number]].put.start);
        let mut begun = by_put_start.into_iter().peekable();
        let pieces = self.borders.len().saturating_sub(1);
        let mut blocks = self.split((0, pieces, 0));
        let mut number = 0;
        while let Some((from, to, depth)) = blocks.pop() {
            let (first, last) = (self.borders[from], self.borders[to]);
            let start = |&number: &usize| self.list[self.stay[number]].put.start < first;
            while let Some(number) = begun.next_if(start) {
                self.candidates.set(number, over(&self.list[self.stay[number]]));
            }
            let members = self.members(first, last);
            let (bottom, until) = self.candidates.latest(members.clone());
            if until <= u64::from(last) {
                return Err(members.map(|number| self.stay[number]).collect());
            }
            self.candidates.set(bottom, 0);
            let passage = &self.list[self.stay[bottom]];
            timed.push(([first - 1, 2, depth, number], passage.put_step()));
            if let Some(take) = &passage.take {
                timed.push(([last, 0, u32::MAX - depth, number], passage.take_step(take)));
            }
            number += 1;
            let (begin, end) = passage.stay();
            let (begin, end) = (self.piece(begin), self.piece(end));
            self.covered.add(begin, end, -1);
            blocks.extend(self.split((from, to, depth + 1)));
        }
        Ok(())
    }

    /// The elements of a block are those whose put ends within it.
    fn members(&self, first: u32, last: u32) -> std::ops::Range<usize> {
        let end_of = |&at: &usize| self.list[at].put.end;
        let from = self.stay.partition_point(|at| end_of(at) < first);
        let to = self.stay.partition_point(|at| end_of(at) < last);
        from..to
    }
}

/// Counts, of which ranges are added to, and the first zero is asked for. A segment tree: the
/// entry 1 is for all of them, those of the halves of entry i are at 2i and 2i + 1; each holds the
/// least of its counts but for what was added to entries above.
struct Least {
    size: usize,
    counts: Vec<i64>,
    added: Vec<i64>,
}

impl Least {
    fn new(counts: &[i64]) -> Self {
        let size = counts.len().next_power_of_two();
        let mut least = vec![i64::MAX / 2; 2 * size];
        least[size..size + counts.len()].copy_from_slice(counts);
        for at in (1..size).rev() {
            least[at] = least[2 * at].min(least[2 * at + 1]);
        }
        Least { size, counts: least, added: vec![0; 2 * size] }
    }

    fn add(&mut self, from: usize, to: usize, amount: i64) {
        self.add_at(1, 0, self.size, (from, to, amount));
    }

    fn add_at(&mut self, at: usize, begin: usize, end: usize, what: (usize, usize, i64)) {
        let (from, to, amount) = what;
        if to <= begin || end <= from {
            return;
        }
        if from <= begin && end <= to {
            self.counts[at] += amount;
            self.added[at] += amount;
            return;
        }
        let middle = usize::midpoint(begin, end);
        self.add_at(2 * at, begin, middle, what);
        self.add_at(2 * at + 1, middle, end, what);
        self.counts[at] = self.counts[2 * at].min(self.counts[2 * at + 1]) + self.added[at];
    }

    /// The first zero from `from` up to and without `to`. No count is below zero.
    fn first_zero(&self, from: usize, to: usize) -> Option<usize> {
        self.zero_at(1, 0, self.size, (from, to, 0))
    }

    fn zero_at(
        &self,
        at: usize,
        begin: usize,
        end: usize,
        what: (usize, usize, i64),
    ) -> Option<usize> {
        let (from, to, above) = what;
        if to <= begin || end <= from || self.counts[at] + above > 0 {
            return None;
        }
        if end - begin == 1 {
            return Some(begin);
        }
        let middle = usize::midpoint(begin, end);
        let below = (from, to, above + self.added[at]);
        self.zero_at(2 * at, begin, middle, below)
            .or_else(|| self.zero_at(2 * at + 1, middle, end, below))
    }
}

/// Numbers, of which the largest in a range is asked for; 0 for none.
struct Latest {
    size: usize,
    latest: Vec<u64>,
}

impl Latest {
    fn new(count: usize) -> Self {
        let size = count.next_power_of_two();
        Latest { size, latest: vec![0; 2 * size] }
    }

    fn set(&mut self, number: usize, value: u64) {
        let mut at = self.size + number;
        self.latest[at] = value;
        while at > 1 {
            at /= 2;
            self.latest[at] = self.latest[2 * at].max(self.latest[2 * at + 1]);
        }
    }

    /// Which number is the largest in a range, and how large.
    fn latest(&self, range: std::ops::Range<usize>) -> (usize, u64) {
        let (mut from, mut to) = (self.size + range.start, self.size + range.end);
        let (mut best, mut most) = (from, 0);
        while from < to {
            if from % 2 == 1 {
                if self.latest[from] > most {
                    (best, most) = (from, self.latest[from]);
                }
                from += 1;
            }
            if to % 2 == 1 {
                to -= 1;
                if self.latest[to] > most {
                    (best, most) = (to, self.latest[to]);
                }
            }
            from /= 2;
            to /= 2;
        }
        while most > 0 && best < self.size {
            best = if self.latest[2 * best] == most { 2 * best } else { 2 * best + 1 };
        }
        (best.saturating_sub(self.size), most)
    }
}
