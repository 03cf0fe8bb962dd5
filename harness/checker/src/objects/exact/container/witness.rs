//! Few operations that contradict one another.
//!
//! To leave out all operations on one element, or a moment at which nothing was there, never makes
//! a good history bad. So these are the units that are left out ([`shrink`](crate::objects::exact::shrink))
//! as long as the rest still contradicts itself: what is left does so by itself, together with the
//! open takes that began before it was over. Equal elements make one unit, which may be large; then
//! single operations are struck ([`strike`](crate::objects::exact::strike)).

use std::cell::Cell;

use rustc_hash::FxHashSet;

use super::model::{self, Act, Found};
use super::parts::{Element, OPEN, Parts, Span, Taker, View};
use super::structure::{self, Clash, ClashKind, Structure};
use super::{Discipline, Op, replay};
use crate::budget::Budget;
use crate::linearizable::{Linearization, linearizable};
use crate::model::Call;
use crate::objects::exact::shrink::{self, least as least_units, shrink};
use crate::objects::exact::strike::{MOST_SMALL, Striking};
use crate::objects::exact::{Anomaly, Refutation, Scope};
use crate::witness::Size;

/// The most steps of one search on the way.
const MOST_STEPS: u64 = 20_000;

/// More steps of a model are not struck one by one.
const MOST_TO_STRIKE: usize = 200;

/// So many units, one after another in time, are looked at first; then so many times more.
const FIRST_WIDTH: usize = 8;
const WIDER: usize = 8;

/// So many units are looked at for a smaller contradiction than the first.
const MOST_WORK: usize = 40_000;

/// So many contradictions are compared operation by operation.
const MOST_FOUND: usize = 8;

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

/// What contradicts itself, made as small as it can be. Of a short history that is the least there is;
/// of a long one the least that is found in parts of it.
pub(super) fn refute(
    discipline: Discipline<'_>,
    calls: &[Call<Op>],
    parts: &Parts,
    clash: &Clash,
    budget: Budget<'_>,
) -> Refutation {
    let budget = Budget { steps: budget.steps.min(MOST_STEPS), ..budget };
    let small =
        is_small(parts).then(|| struck(discipline, calls, parts, &parts.whole(), budget)).flatten();
    if let Some(least) = small.filter(|least| least.is_minimal) {
        return least;
    }
    let size = |refutation: &Refutation| Size::of_calls(calls, &refutation.positions);
    let found = found(discipline, calls, parts, clash, budget);
    let refutations = found.into_iter().flat_map(|(view, is_minimal)| {
        let kind = match structure::decide(discipline, parts, &view, budget.stop) {
            Structure::Refuted(clash) => clash.kind,
            _ => ClashKind::Unknown,
        };
        let (positions, until) = positions(parts, &view);
        let is_short = positions.len() <= MOST_SHOWN;
        let anomaly = anomaly(kind, parts, &view);
        let scope = Scope::Alone;
        // What was given up in time may still be almost all that there is.
        let is_told = is_minimal || positions.len() <= MOST_TO_STRIKE;
        let whole = Refutation { anomaly, positions, is_minimal, scope, from: None, until };
        let stands = (kind != ClashKind::Unknown && is_told) || (is_short && is_minimal);
        let struck = struck(discipline, calls, parts, &view, budget);
        let is_shown = stands || (is_short && struck.is_none());
        struck.into_iter().chain(is_shown.then_some(whole))
    });
    refutations.min_by_key(size).unwrap_or_else(|| {
        let anomaly = anomaly(clash.kind, parts, &clash.view);
        Refutation { anomaly, ..nearby(discipline, calls, budget) }
    })
}

/// An element that came out too often, or what is less, if the history is so short that it is found.
pub(super) fn least(
    discipline: Discipline<'_>,
    calls: &[Call<Op>],
    parts: &Parts,
    miscount: Refutation,
    budget: Budget<'_>,
) -> Refutation {
    let budget = Budget { steps: budget.steps.min(MOST_STEPS), ..budget };
    let size = |refutation: &Refutation| Size::of_calls(calls, &refutation.positions);
    let is_short = miscount.positions.len() > 1 && is_small(parts);
    let other =
        is_short.then(|| struck(discipline, calls, parts, &parts.whole(), budget)).flatten();
    let is_other = |other: &Refutation| {
        use Anomaly::{Duplicated, FutureRead, GarbageRead};
        !matches!(other.anomaly, Duplicated | FutureRead | GarbageRead)
            && other.is_minimal
            && size(other) < size(&miscount)
    };
    other.filter(is_other).unwrap_or(miscount)
}

/// Whether all parts of a history can be tried.
fn is_small(parts: &Parts) -> bool {
    acts(parts, &parts.whole()).0.len() <= MOST_SMALL
}

/// Views that contradict themselves and lose that with any unit, each with whether that is certain.
/// One is of the clash. Others are of ever longer parts of the history, within a limit of work.
fn found(
    discipline: Discipline<'_>,
    calls: &[Call<Op>],
    parts: &Parts,
    clash: &Clash,
    budget: Budget<'_>,
) -> Vec<(View, bool)> {
    let whole = units(parts, &parts.whole());
    let all: Vec<u32> = (0..u32::try_from(whole.len()).expect("fewer than 2^32")).collect();
    let work = Cell::new(0_usize);
    let mut contradicts_itself = |kept: &[u32]| {
        work.set(work.get() + kept.len() + 1);
        if (budget.stop)() {
            return None;
        }
        contradicts(discipline, calls, parts, &view_of(&whole, kept), budget)
    };
    // What came out of a drain before an element says when that came out; without it, it may be
    // that nothing is contradicted.
    let is_in = |at: &u32| match whole[*at as usize] {
        Unit::Element(at) => clash.view.elements.binary_search(&at).is_ok(),
        Unit::Empty(at) => clash.view.empties.binary_search(&at).is_ok(),
    };
    let clashing: Vec<u32> = all.iter().copied().filter(is_in).collect();
    let is_clash = contradicts_itself(&clashing) == Some(true);
    let mut found =
        vec![shrink(if is_clash { &clashing } else { &all }, budget.stop, &mut contradicts_itself)];
    let enough = 2 * work.get() + MOST_WORK;
    let size = |kept: &[u32]| Size::of_calls(calls, &positions(parts, &view_of(&whole, kept)).0);
    let mut width = FIRST_WIDTH;
    loop {
        let starts = (0..all.len()).step_by(width.div_ceil(2));
        for window in starts.map(|start| &all[start..all.len().min(start + width)]) {
            if work.get() < enough && contradicts_itself(window) == Some(true) {
                let first = shrink(window, budget.stop, &mut contradicts_itself);
                let is_enough = || work.get() > enough;
                found.push(least_units(
                    window,
                    first,
                    budget.stop,
                    &mut contradicts_itself,
                    &size,
                    &is_enough,
                ));
            }
        }
        if width >= all.len() || work.get() >= enough {
            break;
        }
        width *= WIDER;
    }
    found.sort_by_cached_key(|(kept, _)| size(kept));
    found.dedup();
    found.truncate(MOST_FOUND);
    found.into_iter().map(|(kept, is_minimal)| (view_of(&whole, &kept), is_minimal)).collect()
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
    calls: &[Call<Op>],
    parts: &Parts,
    view: &View,
    budget: Budget<'_>,
) -> Option<Refutation> {
    let (acts, sources) = acts(parts, view);
    if acts.len() > MOST_TO_STRIKE {
        return None;
    }
    let model = model::Container(discipline);
    let contradicts = |any: bool, acts: &[Call<Act>]| {
        if any {
            return None;
        }
        match linearizable(&model, &renumbered(needed(acts)), budget) {
            Linearization::Impossible => Some(true),
            Linearization::Order(_) => Some(false),
            Linearization::Unknown(_) => None,
        }
    };
    let strike = |act: &Act| match *act {
        Act::Empty | Act::Drain { take: None, .. } => None,
        Act::Drain { take: Some(value), .. } => Some(Act::Take(value)),
        act => Some(act),
    };
    let shown = |kept: &[u32]| shown(parts, view, &acts, &sources, kept);
    let size = |kept: &[u32]| Size::of_calls(calls, &shown(kept));
    let work = Cell::default();
    let (strike, contradicts, size) = (&strike, &contradicts, &size);
    let core =
        Striking { calls: &acts, strike, contradicts, size, stop: budget.stop, work }.core()?;
    let positions = shown(&core.positions);
    (core.is_minimal || positions.len() <= MOST_SHOWN).then(|| Refutation {
        anomaly: named(discipline, parts, view, &positions),
        positions,
        is_minimal: core.is_minimal,
        scope: Scope::WithOthers,
        from: None,
        until: core.until,
    })
}

/// The acts of a view, any of which may be struck: then an open take may have taken what another
/// operation is known to have taken.
fn acts(parts: &Parts, view: &View) -> (Vec<Call<Act>>, Vec<u32>) {
    let (acts, sources) = model::acts(parts, view);
    let known = acts.into_iter().zip(sources).filter(|(act, _)| act.op != Act::TakeAny);
    let (mut acts, mut sources): (Vec<_>, Vec<_>) = known.unzip();
    let puts = acts.iter().filter(|act| matches!(act.op, Act::Put(_))).count();
    for Taker { span, is_drain } in &parts.takers {
        let most = if *is_drain { puts } else { puts.min(1) };
        let act = Call { op: Act::TakeAny, invoke: span.start, complete: None };
        acts.extend(std::iter::repeat_n(act, most));
        sources.extend(std::iter::repeat_n(span.call, most));
    }
    (acts, sources)
}

/// Without the puts that may never take effect, of elements that nothing takes out: whatever order there is with one
/// of them, there is one without it. So what is struck costs the search nothing.
fn needed(acts: &[Call<Act>]) -> Vec<Call<Act>> {
    let taken: FxHashSet<u32> = acts
        .iter()
        .filter_map(|act| match act.op {
            Act::Take(value) | Act::Drain { take: Some(value), .. } => Some(value),
            _ => None,
        })
        .collect();
    let is_needed = |act: &&Call<Act>| match act.op {
        Act::Put(value) => act.complete.is_some() || taken.contains(&value),
        _ => true,
    };
    acts.iter().filter(is_needed).cloned().collect()
}

/// The same with the places of what is left of each drain.
fn renumbered(mut acts: Vec<Call<Act>>) -> Vec<Call<Act>> {
    let drain = |act: &Call<Act>| match act.op {
        Act::Drain { drain, .. } => Some(drain),
        _ => None,
    };
    for acts in acts.chunk_by_mut(|one, other| drain(one) == drain(other)) {
        let count = acts.len();
        for (at, act) in (0u32..).zip(acts) {
            if let Act::Drain { place, is_last, .. } = &mut act.op {
                (*place, *is_last) = (at, at as usize + 1 == count);
            }
        }
    }
    acts
}

/// The calls of some acts. With what took an element out comes what put it in; of equal ones the first.
fn shown(
    parts: &Parts,
    view: &View,
    acts: &[Call<Act>],
    sources: &[u32],
    kept: &[u32],
) -> Vec<u32> {
    let first_put = |value: u32| {
        let element = parts.elements_of(view).find(|element| element.value == value)?;
        element.puts.iter().min_by_key(|put| put.start).map(|put| put.call)
    };
    let put = |&at: &u32| match acts[at as usize].op {
        Act::Take(value) | Act::Drain { take: Some(value), .. } => first_put(value),
        _ => None,
    };
    let calls = kept.iter().map(|&at| sources[at as usize]);
    sorted(calls.chain(kept.iter().filter_map(put)))
}

/// The class of a contradiction between some operations of a view. It is that of an element that came
/// out too often, or what the structure says of their elements.
fn named(discipline: Discipline<'_>, parts: &Parts, view: &View, positions: &[u32]) -> Anomaly {
    let is_shown = |span: &Span| positions.binary_search(&span.call).is_ok();
    let elements = view.elements.iter().copied().filter(|&at| {
        let element = &parts.elements[at as usize];
        element.puts.iter().any(is_shown) || element.takes.iter().any(|take| is_shown(&take.span))
    });
    let empties = view.empties.iter().copied();
    let empties = empties.filter(|&at| is_shown(&parts.empties[at as usize].span));
    let view = View { elements: elements.collect(), empties: empties.collect() };
    if let Some((miscount, _)) = parts.elements_of(&view).find_map(miscount) {
        return miscount.anomaly;
    }
    match structure::decide(discipline, parts, &view, &|| false) {
        Structure::Refuted(clash) => anomaly(clash.kind, parts, &view),
        _ => Anomaly::NotLinearizable,
    }
}

/// The first answer that no order of all that came before allows, and what surrounds it.
fn nearby(discipline: Discipline<'_>, calls: &[Call<Op>], budget: Budget<'_>) -> Refutation {
    Refutation::nearby(shrink::nearby(calls, MOST_SHOWN, budget.stop, &mut |calls| {
        let parts = Parts::new(calls);
        miscounted(&parts).is_some()
            || contradicts(discipline, calls, &parts, &parts.whole(), budget) == Some(true)
    }))
}
