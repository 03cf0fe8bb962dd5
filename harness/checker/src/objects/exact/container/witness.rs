//! Few operations that contradict one another.
//!
//! To leave out all operations on one element, or a moment at which nothing was there, never makes
//! a good history bad. So these are the units that are left out ([`shrink`](crate::objects::exact::shrink))
//! as long as the rest still contradicts itself: what is left does so by itself, together with the
//! open takes that began before it was over. Equal elements make one unit, which may be large; then
//! single operations are struck ([`strike`](crate::objects::exact::strike)).

use super::model::{self, Act, Found};
use super::parts::{Element, OPEN, Parts, Span, View};
use super::structure::{self, Clash, ClashKind, Structure};
use super::{Discipline, Op, replay};
use crate::budget::Budget;
use crate::linearizable::{Linearization, linearizable};
use crate::model::Call;
use crate::objects::exact::shrink::{self, shrink};
use crate::objects::exact::strike::Striking;
use crate::objects::exact::{Anomaly, Refutation, Scope};

/// The most steps of one search on the way.
const MOST_STEPS: u64 = 20_000;

/// More steps of a model are not struck one by one.
const MOST_TO_STRIKE: usize = 200;

/// The most operations that are shown of a contradiction that is not known to be minimal.
const MOST_SHOWN: usize = 12;

/// An element of which more came out than went in by then: of several such, one with the fewest
/// operations, and of those one within the shortest time.
pub(super) fn miscounted(parts: &Parts) -> Option<Refutation> {
    let refutations = parts.elements.iter().filter_map(miscount);
    let fewest = refutations.min_by_key(|(refutation, time)| (refutation.positions.len(), *time));
    fewest.map(|(refutation, _)| refutation)
}

fn miscount(element: &Element) -> Option<(Refutation, u32)> {
    let mut takes = element.takes.to_vec();
    takes.sort_by_key(|taken| taken.span.end);
    let mut puts = element.puts.to_vec();
    puts.sort_by_key(|put| put.start);
    let begun = |place: u32| puts.partition_point(|put| put.start < place);
    let (count, last) = (1..).zip(&takes).find(|(count, taken)| begun(taken.span.end) < *count)?;
    let begun = begun(last.span.end);
    let anomaly = match puts.len() {
        0 => Anomaly::GarbageRead,
        all if begun == all => Anomaly::Duplicated,
        _ => Anomaly::FutureRead,
    };
    // Of a put that began later one is shown.
    puts.truncate(begun.max(1));
    let spans: Vec<Span> =
        takes[..count].iter().map(|taken| taken.span).chain(puts.iter().copied()).collect();
    let begin = spans.iter().map(|span| span.start).min().unwrap_or_default();
    let positions = sorted(spans.iter().map(|span| span.call));
    let (scope, until) = (Scope::Alone, last.span.end);
    let refutation = Refutation { anomaly, positions, is_minimal: true, scope, from: None, until };
    Some((refutation, until - begin))
}

fn sorted(positions: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut positions: Vec<u32> = positions.collect();
    positions.sort_unstable();
    positions.dedup();
    positions
}

/// A unit of a history: an element or a moment at which nothing was there, by index in [`Parts`].
#[derive(Debug, Clone, Copy)]
enum Unit {
    Element(u32),
    Empty(u32),
}

/// What contradicts itself, made as small as it can be.
pub(super) fn refute(
    discipline: Discipline<'_>,
    calls: &[Call<Op>],
    parts: &Parts,
    clash: &Clash,
    budget: Budget<'_>,
) -> Refutation {
    let budget = Budget { steps: budget.steps.min(MOST_STEPS), ..budget };
    // What came out of a drain before an element says when that came out; without it, it may be
    // that nothing is contradicted.
    let is_clash = contradicts(discipline, calls, parts, &clash.view, budget) == Some(true);
    let whole = parts.whole();
    let units = units(parts, if is_clash { &clash.view } else { &whole });
    let all: Vec<u32> = (0..u32::try_from(units.len()).expect("fewer than 2^32")).collect();
    let view_of = |kept: &[u32]| view_of(&units, kept);
    let (kept, is_minimal) = shrink(&all, budget.stop, &mut |kept| {
        if (budget.stop)() {
            return None;
        }
        contradicts(discipline, calls, parts, &view_of(kept), budget)
    });
    if (budget.stop)() && kept.len() > MOST_TO_STRIKE {
        let anomaly = anomaly(clash.kind, parts, &clash.view);
        return Refutation { anomaly, ..nearby(discipline, calls, budget) };
    }
    let view = view_of(&kept);
    let kind = match structure::decide(discipline, parts, &view, budget.stop) {
        Structure::Refuted(clash) => clash.kind,
        _ => ClashKind::Unknown,
    };
    let (positions, until) = positions(parts, &view);
    let is_small = positions.len() <= MOST_SHOWN;
    let anomaly = anomaly(kind, parts, &view);
    // What was given up in time may still be almost all that there is.
    let is_shown = is_minimal || positions.len() <= MOST_TO_STRIKE;
    let scope = Scope::Alone;
    let whole = Refutation { anomaly, positions, is_minimal, scope, from: None, until };
    if (kind != ClashKind::Unknown && is_shown) || (is_small && is_minimal) {
        return whole;
    }
    struck(discipline, parts, &view, budget)
        .or(is_small.then_some(whole))
        .unwrap_or_else(|| Refutation { anomaly, ..nearby(discipline, calls, budget) })
}

/// By the time at which they begin.
fn units(parts: &Parts, view: &View) -> Vec<Unit> {
    let elements = view.elements.iter().zip(parts.elements_of(view)).map(|(&at, element)| {
        let puts = element.puts.iter().map(|put| put.start);
        let begin = puts.chain(element.takes.iter().map(|taken| taken.span.start)).min();
        (begin, Unit::Element(at))
    });
    let empties = view.empties.iter().zip(parts.empties_of(view));
    let empties = empties.map(|(&at, empty)| (Some(empty.span.start), Unit::Empty(at)));
    let mut units: Vec<(Option<u32>, Unit)> = elements.chain(empties).collect();
    units.sort_by_key(|&(begin, _)| begin);
    units.into_iter().map(|(_, unit)| unit).collect()
}

fn view_of(units: &[Unit], kept: &[u32]) -> View {
    let mut view = View { elements: Vec::new(), empties: Vec::new() };
    for &unit in kept {
        match units[unit as usize] {
            Unit::Element(at) => view.elements.push(at),
            Unit::Empty(at) => view.empties.push(at),
        }
    }
    view.elements.sort_unstable();
    view.empties.sort_unstable();
    view
}

fn contradicts(
    discipline: Discipline<'_>,
    calls: &[Call<Op>],
    parts: &Parts,
    view: &View,
    budget: Budget<'_>,
) -> Option<bool> {
    match structure::decide(discipline, parts, view, budget.stop) {
        Structure::Refuted(_) => Some(true),
        Structure::Order(steps) if replay::is_possible(discipline, calls, &steps) => Some(false),
        _ => match model::search(discipline, parts, view, budget) {
            Found::Impossible => Some(true),
            Found::Order(_) => Some(false),
            Found::Unknown(_) => None,
        },
    }
}

fn anomaly(kind: ClashKind, parts: &Parts, view: &View) -> Anomaly {
    let is_left = |element: &Element| element.takes.is_empty();
    match kind {
        ClashKind::Order => Anomaly::OutOfOrder,
        ClashKind::Empty if parts.elements_of(view).any(is_left) => Anomaly::Lost,
        ClashKind::Empty => Anomaly::FalseEmpty,
        ClashKind::Unknown => Anomaly::NotLinearizable,
    }
}

/// All calls of a part, and the open takes that began before its last completion; and that.
fn positions(parts: &Parts, view: &View) -> (Vec<u32>, u32) {
    let mut spans = Vec::new();
    for element in parts.elements_of(view) {
        spans.extend(element.puts.iter().copied());
        spans.extend(element.takes.iter().map(|taken| taken.span));
    }
    spans.extend(parts.empties_of(view).map(|empty| empty.span));
    let ends = spans.iter().map(|span| span.end).filter(|&end| end != OPEN);
    let last = ends.max().unwrap_or_default();
    let takers = parts.takers.iter().map(|taker| taker.span).filter(|span| span.start < last);
    (sorted(takers.chain(spans.iter().copied()).map(|span| span.call)), last)
}

/// Single operations, of which it is forgotten when they happened.
fn struck(
    discipline: Discipline<'_>,
    parts: &Parts,
    view: &View,
    budget: Budget<'_>,
) -> Option<Refutation> {
    let (acts, sources) = model::acts(parts, view);
    if acts.len() > MOST_TO_STRIKE {
        return None;
    }
    let model = model::Container(discipline);
    let contradicts = |any: bool, acts: &[Call<Act>]| {
        if any {
            return None;
        }
        match linearizable(&model, acts, budget) {
            Linearization::Impossible => Some(true),
            Linearization::Order(_) => Some(false),
            Linearization::Unknown(_) => None,
        }
    };
    let strike = |act: &Act| (*act != Act::Empty).then_some(*act);
    let core =
        Striking { calls: &acts, strike: &strike, contradicts: &contradicts, stop: budget.stop }
            .core()?;
    let positions = sorted(core.positions.iter().map(|&at| sources[at as usize]));
    (core.is_minimal || positions.len() <= MOST_SHOWN).then_some(Refutation {
        anomaly: Anomaly::NotLinearizable,
        positions,
        is_minimal: core.is_minimal,
        scope: Scope::WithOthers,
        from: None,
        until: core.until,
    })
}

/// The first answer that no order of all that came before allows, and what surrounds it.
fn nearby(discipline: Discipline<'_>, calls: &[Call<Op>], budget: Budget<'_>) -> Refutation {
    Refutation::nearby(shrink::nearby(calls, MOST_SHOWN, budget.stop, &mut |calls| {
        let parts = Parts::new(calls);
        miscounted(&parts).is_some()
            || contradicts(discipline, calls, &parts, &parts.whole(), budget) == Some(true)
    }))
}
