//! Without an order among the elements.
//!
//! Each element comes out after it began to go in; nothing else is asked of those that are taken.
//! What remains are the moments at which nothing was there. Such a moment is possible in a gap in
//! which no element is certainly in: between the end of its put and the beginning of its take. An
//! element that nothing is known to have taken must have been taken by an open take that began
//! before the gap, so that of those no more may be in than open takes began. Each moment can be
//! chosen by itself: the element that was in first is given to the take that began first, and so
//! on, whatever the moments are. O(n log n).
//!
//! With a moment fixed in each window, what can have come out before it does, all else comes in
//! after it. So a step is done in the first gap in which it can be, and after the last moment that
//! lies before it.

use super::cover::Cover;
use super::parts::{OPEN, Parts, Span, Taker, View};
use super::structure::{Clash, ClashKind, Passage, Passages, Structure, Timed, Window, in_order};

pub(super) fn decide(passages: &Passages, parts: &Parts, view: &View) -> Structure {
    let left = passages.left();
    let moments = match moments(passages, &left, parts) {
        Ok(moments) => moments,
        Err(window) => return Structure::Refuted(never_empty(view, &window)),
    };
    let mut list = passages.list.clone();
    let needed = needed(&list, &left, &moments);
    if !give(&mut list, &left[..needed], &parts.takers) {
        return Structure::Undecided;
    }
    let mut order: Vec<usize> = (0..list.len()).collect();
    order.sort_by_key(|&at| list[at].place);
    in_order(steps(&list, &order, &passages.windows, &moments, false))
}

/// That nothing was there in this window, while something was.
pub(super) fn never_empty(view: &View, window: &Window) -> Clash {
    let view = View { empties: vec![window.empty], elements: view.elements.clone() };
    Clash { view, kind: ClashKind::Empty }
}

/// For each window the first gap in which nothing can have been there; or a window without one.
pub(super) fn moments(
    passages: &Passages,
    left: &[usize],
    parts: &Parts,
) -> Result<Vec<u32>, Window> {
    let mut cover = passages.cover();
    let arrivals: Vec<u32> = left.iter().map(|&at| passages.list[at].put.end).collect();
    cover.add_left(&arrivals, &parts.takers);
    free(&cover, &passages.windows)
}

/// The first free gap of each window.
pub(super) fn free(cover: &Cover, windows: &[Window]) -> Result<Vec<u32>, Window> {
    let moment = |window: &Window| {
        let gap = cover.first_free(window.span.start);
        if gap < window.span.end { Ok(gap) } else { Err(*window) }
    };
    windows.iter().map(moment).collect()
}

/// How many of those left, by the end of their put, were in before the last moment.
pub(super) fn needed(list: &[Passage], left: &[usize], moments: &[u32]) -> usize {
    let last = moments.iter().max();
    left.partition_point(|&at| last.is_some_and(|&last| list[at].put.end <= last))
}

/// Gives elements to open takes, each to the one that began first. False if they are too few.
pub(super) fn give(list: &mut [Passage], elements: &[usize], takers: &[Taker]) -> bool {
    let mut free = takers.iter().peekable();
    elements.iter().all(|&at| {
        let taker = free.peek().copied();
        if taker.is_some_and(|taker| !taker.is_drain) {
            free.next();
        }
        list[at].take = taker.map(|taker| taken_by(&list[at], taker));
        taker.is_some()
    })
}

/// When an open take can have taken an element.
pub(super) fn taken_by(passage: &Passage, taker: &Taker) -> Span {
    let start = taker.span.start.max(passage.put.start);
    Span { call: taker.span.call, start, end: OPEN }
}

/// All steps, in the gaps in which they are done. `order` is the order of the elements; if it is
/// strict, nothing of one is done before the same was done of those before it.
pub(super) fn steps(
    list: &[Passage],
    order: &[usize],
    windows: &[Window],
    moments: &[u32],
    is_strict: bool,
) -> Vec<Timed> {
    let mut cuts = moments.to_vec();
    cuts.sort_unstable();
    cuts.dedup();
    let mut timed = Vec::with_capacity(2 * list.len() + windows.len());
    let (mut put_gap, mut take_gap) = (0, 0);
    for (number, passage) in (0u32..).zip(order.iter().map(|&at| &list[at])) {
        let (_, until) = passage.stay();
        let group = cuts.partition_point(|&cut| cut < until);
        let after = group.checked_sub(1).map_or(0, |last| cuts[last]);
        if !is_strict {
            (put_gap, take_gap) = (0, 0);
        }
        put_gap = passage.put.start.max(after).max(put_gap);
        timed.push(([put_gap, place(group), 0, number], passage.put_step()));
        if let Some(take) = &passage.take {
            take_gap = take.start.max(put_gap).max(take_gap);
            timed.push(([take_gap, place(group), 1, number], passage.take_step(take)));
        }
    }
    for (window, &moment) in windows.iter().zip(moments) {
        let group = cuts.partition_point(|&cut| cut < moment);
        timed.push(([moment, place(group), 2, 0], window.step()));
    }
    timed
}

fn place(count: usize) -> u32 {
    u32::try_from(count).expect("fewer than 2^32")
}
