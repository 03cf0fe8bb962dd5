//! The lowest rank first.
//!
//! After Lee and Mathur (OOPSLA 2025), from the lowest rank up. To take an element is to see that
//! nothing of a lower rank is there. So each is taken in the first gap of its take in which none
//! of a lower rank is certainly in, and is itself certainly in from the end of its put until then:
//! to take it later would only exclude more, and what is of a higher rank has no say. If there is
//! no such gap, there is no order. Elements of equal ranks do not exclude one another. O(n log n).
//!
//! Open takes: an element that nothing is known to have taken stays for ever, or was taken by an
//! open take. If that helps none even when each of them was taken by the first open take, there
//! is no order. Else each known take and each moment at which nothing was there happens in the
//! first gap in which no more elements of lower ranks are left than open takes began; if that
//! together asks for too many, it is undecided.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::bag::{free, moments, never_empty, taken_by};
use super::cover::Cover;
use super::parts::{Parts, Span, Taker, View};
use super::structure::{Clash, ClashKind, Passage, Passages, Structure, Timed, Window, in_order};

pub(super) fn decide(passages: &Passages, parts: &Parts, view: &View) -> Structure {
    let Some(first) = parts.takers.first() else {
        return match order(&passages.list, &passages.windows) {
            Ok(timed) => in_order(timed),
            Err(refuted) => Structure::Refuted(refuted.clash(&passages.list, view)),
        };
    };
    let mut all_taken = passages.list.clone();
    for passage in all_taken.iter_mut().filter(|passage| passage.take.is_none()) {
        passage.take = Some(taken_by(passage, first));
    }
    if let Err(refuted) = order(&all_taken, &passages.windows) {
        return Structure::Refuted(refuted.clash(&all_taken, view));
    }
    if let Err(window) = moments(passages, &passages.left(), parts) {
        return Structure::Refuted(never_empty(view, &window));
    }
    match give_away(passages, &parts.takers) {
        Some(timed) => in_order(timed),
        None => Structure::Undecided,
    }
}

/// Why there is no order.
enum Refuted {
    /// An element of a lower rank than this one was always there.
    Element(usize),
    /// In no gap of this window nothing was there.
    Window(Window),
}

impl Refuted {
    fn clash(&self, list: &[Passage], view: &View) -> Clash {
        match *self {
            Refuted::Window(window) => never_empty(view, &window),
            Refuted::Element(at) => {
                let is_in = |other: &&Passage| {
                    other.rank < list[at].rank || other.element == list[at].element
                };
                let mut elements: Vec<u32> =
                    list.iter().filter(is_in).map(|other| other.element).collect();
                elements.sort_unstable();
                elements.dedup();
                let view = View { elements, empties: Vec::new() };
                Clash { view, kind: ClashKind::Order }
            }
        }
    }
}

fn by_rank(list: &[Passage]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..list.len()).collect();
    order.sort_by_key(|&at| list[at].rank);
    order
}

/// All steps in their gaps, if there is an order without open takes.
fn order(list: &[Passage], windows: &[Window]) -> Result<Vec<Timed>, Refuted> {
    let mut timed = Vec::with_capacity(2 * list.len() + windows.len());
    let mut cover = Cover::default();
    let by_rank = by_rank(list);
    let mut number = 0;
    for equal in by_rank.chunk_by(|&a, &b| list[a].rank == list[b].rank) {
        let mut stays = Vec::with_capacity(equal.len());
        for &at in equal {
            let gap = list[at].take.map(|take| cover.first_free(take.start));
            if let (Some(gap), Some(take)) = (gap, list[at].take)
                && gap >= take.end
            {
                return Err(Refuted::Element(at));
            }
            stays.push((list[at].put.end, gap.unwrap_or(u32::MAX)));
            done(&mut timed, &list[at], gap, number);
            number += 2;
        }
        for (from, to) in stays {
            cover.add(from, to);
        }
    }
    let moments = free(&cover, windows).map_err(Refuted::Window)?;
    for (window, moment) in windows.iter().zip(moments) {
        timed.push(([moment, 1, 0, 0], window.step()));
    }
    Ok(timed)
}

/// In each gap first come takes, by rank, each after its put if that is in the same gap; then
/// nothing is there; then come the other puts.
fn done(timed: &mut Vec<Timed>, passage: &Passage, gap: Option<u32>, number: u32) {
    match gap {
        Some(gap) if gap < passage.put.end => {
            timed.push(([gap, 0, number, 0], passage.put_step()));
        }
        _ => timed.push(([passage.put.end - 1, 2, number, 0], passage.put_step())),
    }
    if let (Some(gap), Some(take)) = (gap, &passage.take) {
        timed.push(([gap, 0, number + 1, 0], passage.take_step(take)));
    }
}

/// All steps in their gaps, with elements given to open takes. None if that fails.
fn give_away(passages: &Passages, takers: &[Taker]) -> Option<Vec<Timed>> {
    let mut list = passages.list.clone();
    let by_rank = by_rank(&list);
    let mut seen = Seen::new(takers);
    let mut gaps: Vec<Option<u32>> = vec![None; list.len()];
    for equal in by_rank.chunk_by(|&a, &b| list[a].rank == list[b].rank) {
        for &at in equal {
            if let Some(take) = &list[at].take {
                gaps[at] = Some(seen.nothing_in(take)?);
            }
        }
        for &at in equal {
            match gaps[at] {
                Some(gap) => seen.known.add(list[at].put.end, gap),
                None => seen.leave(list[at].put.end, at),
            }
        }
    }
    let mut moment = |window: &Window| seen.nothing_in(&window.span);
    let moments: Vec<u32> = passages.windows.iter().map(&mut moment).collect::<Option<_>>()?;
    let mut due: Vec<(u32, usize)> = seen.due.into_iter().map(|(at, gap)| (gap, at)).collect();
    due.sort_unstable();
    let mut free = takers.iter().peekable();
    for (gap, at) in due {
        let taker = free.peek().copied().filter(|taker| taker.span.start <= gap)?;
        if !taker.is_drain {
            free.next();
        }
        list[at].take = Some(taken_by(&list[at], taker));
        gaps[at] = Some(gap);
    }
    let mut timed = Vec::with_capacity(2 * list.len() + moments.len());
    for (number, at) in (0u32..).zip(by_rank) {
        done(&mut timed, &list[at], gaps[at], 2 * number);
    }
    for (window, moment) in passages.windows.iter().zip(moments) {
        timed.push(([moment, 1, 0, 0], window.step()));
    }
    Some(timed)
}

/// What is known of the elements of lower ranks.
struct Seen<'a> {
    takers: &'a [Taker],
    /// When those that are known to be taken were certainly in.
    known: Cover,
    /// Those that are not, by the end of their put.
    left: BTreeMap<u32, usize>,
    /// When of those more were in than open takes began.
    too_many: Cover,
    /// From this arrival on more are left than there are open takes.
    enough: u32,
    /// The gap by which one of those left must be out.
    due: FxHashMap<usize, u32>,
}

impl<'a> Seen<'a> {
    fn new(takers: &'a [Taker]) -> Self {
        Seen {
            takers,
            known: Cover::default(),
            left: BTreeMap::new(),
            too_many: Cover::default(),
            enough: u32::MAX,
            due: FxHashMap::default(),
        }
    }

    /// The first gap of a span in which nothing needs to be in; what was left by then is out.
    fn nothing_in(&mut self, span: &Span) -> Option<u32> {
        let mut gap = span.start;
        loop {
            let free = self.too_many.first_free(self.known.first_free(gap));
            if free == gap {
                break;
            }
            gap = free;
        }
        if gap >= span.end {
            return None;
        }
        for (_, &at) in self.left.range(..=gap) {
            let due = self.due.entry(at).or_insert(gap);
            *due = gap.min(*due);
        }
        Some(gap)
    }

    fn leave(&mut self, end: u32, at: usize) {
        self.left.insert(end, at);
        if end < self.enough {
            let most = self.takers.len() + 1;
            let first: Vec<u32> = self.left.keys().copied().take(most).collect();
            self.enough = if first.len() == most { first[most - 1] } else { u32::MAX };
            self.too_many = Cover::default();
            self.too_many.add_left(&first, self.takers);
        }
    }
}
