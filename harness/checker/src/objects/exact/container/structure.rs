//! What is decided without search: how each element went in and out, and what contradicts that.

use std::collections::BTreeSet;

use super::cover::Cover;
use super::parts::{Element, OPEN, Parts, Span, Taken, View};
use super::replay::{Effect, Step};
use super::{Discipline, bag, fifo, lifo, priority};

/// One element's way through the container.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passage {
    /// By index in [`Parts`].
    pub(super) element: u32,
    pub(super) value: u32,
    pub(super) rank: u32,
    /// When it can have gone in: not after it began to come out.
    pub(super) put: Span,
    /// When it can have come out: not before it began to go in, or what came out of the same drain
    /// before it.
    pub(super) take: Option<Span>,
    /// The passage that came out of the same drain just before, and how many did.
    pub(super) follows: Option<u32>,
    pub(super) place: u32,
}

impl Passage {
    /// The gaps in which it was certainly in, if it is taken as early as possible.
    pub(super) fn stay(&self) -> (u32, u32) {
        (self.put.end, self.take.map_or(OPEN, |take| take.start))
    }
}

/// When nothing can have been there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    /// By index in [`Parts`].
    pub(super) empty: u32,
    pub(super) span: Span,
}

/// A history as the algorithms see it.
#[derive(Debug)]
pub(super) struct Passages {
    pub(super) list: Vec<Passage>,
    pub(super) windows: Vec<Window>,
    /// Whether equal elements were told apart by a guess.
    pub(super) are_guessed: bool,
}

/// What contradicts what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clash {
    pub(super) view: View,
    pub(super) kind: ClashKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClashKind {
    /// Elements come out in an order that is excluded.
    Order,
    /// Nothing was there although something was.
    Empty,
    /// There is no order, and it is not known why.
    Unknown,
}

impl Clash {
    pub(super) fn unknown(view: View) -> Self {
        Clash { view, kind: ClashKind::Unknown }
    }
}

/// What is known without search.
#[derive(Debug)]
pub(super) enum Structure {
    Order(Vec<Step>),
    Refuted(Clash),
    Undecided,
}

/// Decides what can be decided without search; nothing once `stop` says so.
pub(super) fn decide(
    discipline: Discipline<'_>,
    parts: &Parts,
    view: &View,
    stop: &dyn Fn() -> bool,
) -> Structure {
    if stop() {
        return Structure::Undecided;
    }
    let passages = Passages::new(discipline, parts, view);
    if stop() {
        return Structure::Undecided;
    }
    let structure = match discipline {
        Discipline::Fifo => fifo::decide(&passages, parts, view),
        Discipline::Lifo => lifo::decide(&passages, parts, view, stop),
        Discipline::Priority(_) => priority::decide(&passages, parts, view),
        Discipline::Unordered => bag::decide(&passages, parts, view),
    };
    match structure {
        Structure::Refuted(_) if passages.are_guessed => Structure::Undecided,
        structure => structure,
    }
}

impl Passages {
    fn new(discipline: Discipline<'_>, parts: &Parts, view: &View) -> Self {
        let mut list = Vec::with_capacity(view.elements.len());
        let mut in_drains: Vec<((u32, u32), usize)> = Vec::new();
        let mut are_guessed = false;
        for (&at, element) in view.elements.iter().zip(parts.elements_of(view)) {
            are_guessed |= element.puts.len() > 1;
            for (put, taken) in pairs(discipline, element) {
                in_drains.extend(taken.and_then(|taken| taken.drain).map(|at| (at, list.len())));
                list.push(Passage {
                    element: at,
                    value: element.value,
                    rank: discipline.rank(element.value),
                    put,
                    take: taken.map(|taken| taken.span),
                    follows: None,
                    place: taken.and_then(|taken| taken.drain).map_or(0, |(_, place)| place),
                });
            }
        }
        for Passage { put, take, .. } in &mut list {
            if let Some(take) = take {
                put.end = put.end.min(take.end);
                take.start = take.start.max(put.start);
            }
        }
        in_drains.sort_unstable();
        for pair in in_drains.windows(2) {
            let [((drain, _), before), ((same, _), after)] = *pair else { continue };
            if drain == same {
                let earliest = list[before].take.map_or(0, |take| take.start);
                list[after].follows = u32::try_from(before).ok();
                if let Some(take) = &mut list[after].take {
                    take.start = take.start.max(earliest);
                }
            }
        }
        let windows = windows(parts, view, &list, &in_drains);
        Passages { list, windows, are_guessed }
    }

    /// Those that nothing is known to have taken, by the end of their put.
    pub(super) fn left(&self) -> Vec<usize> {
        let mut left: Vec<usize> =
            (0..self.list.len()).filter(|&at| self.list[at].take.is_none()).collect();
        left.sort_unstable_by_key(|&at| self.list[at].put.end);
        left
    }

    /// When elements that something is known to have taken were certainly in.
    pub(super) fn cover(&self) -> Cover {
        let mut cover = Cover::default();
        for passage in self.list.iter().filter(|passage| passage.take.is_some()) {
            let (from, to) = passage.stay();
            cover.add(from, to);
        }
        cover
    }
}

/// When nothing can have been there: of a drain, after its last element can have come out.
fn windows(
    parts: &Parts,
    view: &View,
    list: &[Passage],
    in_drains: &[((u32, u32), usize)],
) -> Vec<Window> {
    let window = |(&empty, drained): (&u32, Option<u32>)| {
        let mut span = parts.empties[empty as usize].span;
        if let Some(drain) = drained {
            let after = in_drains.partition_point(|&((other, _), _)| other <= drain);
            if let Some(((other, _), last)) = after.checked_sub(1).map(|at| in_drains[at])
                && other == drain
                && let Some(take) = list[last].take
            {
                span.start = span.start.max(take.start);
            }
        }
        Window { empty, span }
    };
    let drains = parts.empties_of(view).map(|empty| empty.drain);
    view.empties.iter().zip(drains).map(window).collect()
}

/// Each put of an element with its take. One that was taken certainly, or put certainly, is in; of
/// equal ones it is guessed which is which.
fn pairs(discipline: Discipline<'_>, element: &Element) -> Vec<(Span, Option<Taken>)> {
    let Element { puts, takes, .. } = element;
    if let ([put], [] | [_]) = (&puts[..], &takes[..]) {
        let taken = takes.first().copied();
        return if taken.is_some() || put.end != OPEN { vec![(*put, taken)] } else { vec![] };
    }
    let mut puts: Vec<Span> = puts.to_vec();
    let mut takes: Vec<Taken> = takes.to_vec();
    takes.sort_by_key(|taken| taken.span.end);
    puts.sort_by_key(|put| put.start);
    let (mut open, mut certain): (BTreeSet<usize>, BTreeSet<usize>) =
        (0..puts.len()).partition(|&at| puts[at].end == OPEN);
    let mut pairs = Vec::with_capacity(puts.len());
    for taken in takes {
        let before = ..puts.partition_point(|put| put.start < taken.span.end);
        let of = |left: &mut BTreeSet<usize>| {
            let mut begun = left.range(before).copied();
            let at = if discipline == Discipline::Lifo { begun.next_back() } else { begun.next() }?;
            left.remove(&at);
            Some(at)
        };
        if let Some(at) = of(&mut certain).or_else(|| of(&mut open)) {
            pairs.push((puts[at], Some(taken)));
        }
    }
    pairs.extend(certain.into_iter().map(|at| (puts[at], None)));
    pairs
}

/// A step, and where in time it belongs: its gap first.
pub(super) type Timed = ([u32; 4], Step);

/// The steps in order of time.
pub(super) fn in_order(mut timed: Vec<Timed>) -> Structure {
    timed.sort_unstable_by_key(|&(key, _)| key);
    Structure::Order(timed.into_iter().map(|(_, step)| step).collect())
}

impl Passage {
    pub(super) fn put_step(&self) -> Step {
        Step { call: self.put.call, effect: Effect::Put(self.value) }
    }

    pub(super) fn take_step(&self, take: &Span) -> Step {
        Step { call: take.call, effect: Effect::Take(self.value) }
    }
}

impl Window {
    pub(super) fn step(&self) -> Step {
        Step { call: self.span.call, effect: Effect::Empty }
    }
}
