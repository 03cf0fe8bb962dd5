//! The operations of a container, sorted by what they do to which element.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::Op;
use crate::model::Call;

/// The end of what has none.
pub(super) const OPEN: u32 = u32::MAX;

/// One call, from the place where it begins to the place where it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// Its position in the given calls.
    pub(super) call: u32,
    pub(super) start: u32,
    /// [`OPEN`] if it has no completion.
    pub(super) end: u32,
}

/// A take of a known element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) span: Span,
    /// The drain that it is part of, and its place in that.
    pub(super) drain: Option<(u32, u32)>,
}

/// All that was done with one element.
#[derive(Debug, Clone, Default)]
pub(super) struct Element {
    pub(super) value: u32,
    pub(super) puts: SmallVec<[Span; 1]>,
    pub(super) takes: SmallVec<[Taken; 1]>,
}

/// Nothing was there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Empty {
    pub(super) span: Span,
    /// The drain that ended so.
    pub(super) drain: Option<u32>,
}

/// Something may have been taken, from this place on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taker {
    pub(super) span: Span,
    /// Any number, instead of one.
    pub(super) is_drain: bool,
}

/// The operations of a history, or of a part of it.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// In order of first appearance.
    pub(super) elements: Vec<Element>,
    pub(super) empties: Vec<Empty>,
    /// By start.
    pub(super) takers: Vec<Taker>,
}

/// Some of the elements and of the moments at which nothing was there, by index in [`Parts`] and
/// in increasing order. An operation that may have taken something always counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    pub(super) elements: Vec<u32>,
    pub(super) empties: Vec<u32>,
}

impl Parts {
    pub(super) fn new(calls: &[Call<Op>]) -> Self {
        let mut parts = Parts::default();
        let mut numbers: FxHashMap<u32, usize> = FxHashMap::default();
        let mut drains = 0;
        for (call, Call { op, invoke, complete }) in (0u32..).zip(calls) {
            let span = Span { call, start: *invoke, end: complete.unwrap_or(OPEN) };
            match op {
                Op::Put(value) => parts.element(&mut numbers, *value).puts.push(span),
                Op::TakeUnknown => parts.takers.push(Taker { span, is_drain: false }),
                Op::DrainUnknown => parts.takers.push(Taker { span, is_drain: true }),
                Op::Take(_) if complete.is_none() => {
                    parts.takers.push(Taker { span, is_drain: false });
                }
                Op::Drain(_) if complete.is_none() => {
                    parts.takers.push(Taker { span, is_drain: true });
                }
                Op::Take(Some(value)) => {
                    let taken = Taken { span, drain: None };
                    parts.element(&mut numbers, *value).takes.push(taken);
                }
                Op::Take(None) => parts.empties.push(Empty { span, drain: None }),
                Op::Drain(values) => {
                    for (place, value) in (0..).zip(values) {
                        let taken = Taken { span, drain: Some((drains, place)) };
                        parts.element(&mut numbers, *value).takes.push(taken);
                    }
                    parts.empties.push(Empty { span, drain: Some(drains) });
                    drains += 1;
                }
            }
        }
        parts.takers.sort_by_key(|taker| taker.span.start);
        parts
    }

    fn element(&mut self, numbers: &mut FxHashMap<u32, usize>, value: u32) -> &mut Element {
        let next = self.elements.len();
        let number = *numbers.entry(value).or_insert(next);
        if number == next {
            self.elements.push(Element { value, ..Element::default() });
        }
        &mut self.elements[number]
    }

    /// All of it.
    pub(super) fn whole(&self) -> View {
        let all = |count: usize| (0..u32::try_from(count).expect("fewer than 2^32")).collect();
        View { elements: all(self.elements.len()), empties: all(self.empties.len()) }
    }

    pub(super) fn elements_of(&self, view: &View) -> impl Iterator<Item = &Element> {
        view.elements.iter().map(|&at| &self.elements[at as usize])
    }

    pub(super) fn empties_of(&self, view: &View) -> impl Iterator<Item = &Empty> {
        view.empties.iter().map(|&at| &self.empties[at as usize])
    }
}
