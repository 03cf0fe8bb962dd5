//! Which faults the clients saw: one under which nothing is answered, nor soon after it, shows
//! nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use super::majority::Majority;
use super::requests::Requests;
use crate::fault::{Direction, FaultKind, Parameters, PartitionShape};
use crate::limits;
use crate::nemesis::happened::FaultRecord;
use crate::record::RunRecord;
use crate::time::RunTime;

/// From when until when.
pub type Span = (RunTime, RunTime);

/// An applied fault, and what the answers of the request phase show of it.
#[derive(Debug)]
pub struct UnderFault<'a> {
    /// The fault.
    pub fault: &'a FaultRecord,
    /// When it was in force; a kill takes no time.
    pub span: Span,
    /// Whether the clients saw it.
    pub seen: Seen,
}

/// Whether the clients saw a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Operations were answered under it, or right before and right after it.
    Yes,
    /// They were not, although they could have been.
    No(Silence),
    /// No answer was to be expected, and why.
    NotExpected(&'static str),
}

/// How a fault went unseen; with the operations that were due meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// None was answered until so long after it.
    UntilAfter(usize, Duration),
    /// None was answered while it lasted, and it lasted long.
    Throughout(usize),
    /// None was answered before it began, nor while it lasted.
    Before,
}

/// What was answered while those faults were in force that leave a store no reason to be silent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InForce {
    /// How long that was, all in all.
    pub time: Duration,
    /// Operations that were due then.
    pub due: usize,
    /// Operations that were answered then.
    pub answered: usize,
}

/// When a fault was in force, no longer than until `end`; `None` if it was not applied.
pub fn in_force(record: &RunRecord, fault: &FaultRecord, end: RunTime) -> Option<Span> {
    use FaultKind::{Kill, KillLeader, KillNonLeader, PartEasy, PartEnd, PartHard};
    let from = fault.applied_ns?;
    let until = match fault.kind {
        Kill | KillLeader | KillNonLeader | PartEnd => from,
        // Of the course's partitions there is one at a time, until the next or `part_end`.
        PartEasy | PartHard => {
            let is_next = |other: &&FaultRecord| {
                matches!(other.kind, PartEasy | PartHard | PartEnd)
                    && other.applied_ns.is_some_and(|at| at > from)
            };
            let next = record.faults.iter().filter(is_next).filter_map(|it| it.applied_ns).min();
            next.unwrap_or(end)
        }
        _ => fault.ended_ns.unwrap_or(end),
    };
    Some((from, until.max(from)))
}

/// All applied faults in the order of the plan, but for the ends of the course's partitions.
pub fn under_faults<'a>(
    record: &'a RunRecord,
    requests: &Requests<'_>,
    majority: &Majority,
) -> Vec<UnderFault<'a>> {
    let faults = record.faults.iter().filter(|fault| fault.kind != FaultKind::PartEnd);
    let spans: Vec<(&FaultRecord, Span)> =
        faults.filter_map(|fault| Some((fault, in_force(record, fault, requests.end)?))).collect();
    let begins = begins_of_chains(spans.iter().map(|&(_, span)| span).collect());
    let judge = |(fault, span): (&'a FaultRecord, Span)| {
        let begin = begins.get(&span.0).copied().unwrap_or(span.0);
        UnderFault { fault, span, seen: seen(fault, span, begin, requests, majority) }
    };
    spans.into_iter().map(judge).collect()
}

/// Whether a fault was seen. `begin` is when it began, or the first of those that it soon followed.
fn seen(
    fault: &FaultRecord,
    (from, until): Span,
    begin: RunTime,
    requests: &Requests<'_>,
    majority: &Majority,
) -> Seen {
    let patience = requests.patience();
    let after = until + patience;
    let end = after.min(requests.end);
    let is_answered_after = requests.answered(until, after) > 0;
    let may_be_silent = !lets_elections_last(fault) || majority.longest(from, until) < patience;
    let is_seen_under = from < until && requests.answered(from, until) > 0;
    let is_seen_around = is_answered_after
        && may_be_silent
        && found_a_store_at_work(from, begin, requests, majority);
    if is_seen_under || is_seen_around {
        Seen::Yes
    } else if requests.due(from, end) == 0 {
        Seen::NotExpected("no operation was due")
    } else if end.since(from) < patience {
        Seen::NotExpected("the request phase ended soon after it began")
    } else if majority.longest(from, end) < patience {
        Seen::NotExpected("no majority of the replicas could talk for long enough")
    } else if !is_answered_after {
        Seen::No(Silence::UntilAfter(requests.due(from, end), patience))
    } else if !may_be_silent {
        Seen::No(Silence::Throughout(requests.due(from, until)))
    } else {
        Seen::No(Silence::Before)
    }
}

/// Whether a leader can be elected while the fault lasts, and stay, given that a majority can talk:
/// some replicas are gone, or on the smaller side of a clean cut. Where the leader goes again and
/// again, is starved, sees a part of the others or is heard and does not hear, a right store may be
/// silent throughout.
fn lets_elections_last(fault: &FaultRecord) -> bool {
    use FaultKind::{Crash, PartEasy, PartHard, Partition, Pause, Reset, Restart, Rolling};
    let Parameters { shape, direction, period_ms, .. } = &fault.parameters;
    match fault.kind {
        Crash | Pause | Reset | Restart | Rolling | PartEasy | PartHard => true,
        Partition => {
            shape.is_none_or(PartitionShape::has_sides)
                && matches!(direction, None | Some(Direction::Both))
                && period_ms.is_none()
        }
        _ => false,
    }
}

/// Whether the store was at work when the fault began: it answered a client shortly before, or
/// before the faults that the fault soon followed. A fault that strikes early in the request phase,
/// or while no majority could talk, finds no silence of the store's own.
fn found_a_store_at_work(
    from: RunTime,
    begin: RunTime,
    requests: &Requests<'_>,
    majority: &Majority,
) -> bool {
    let before = begin - limits::FAULT_FOREGROUND;
    before < requests.begin
        || requests.answered(before, from) > 0
        || majority.longest(before, begin) < limits::FAULT_FOREGROUND
        || !requests.is_silent(before, begin)
}

/// For the begin of each fault, when the first of those faults began from which it follows, each
/// soon after the one before: what one of them silenced, the next may find silent.
fn begins_of_chains(mut spans: Vec<Span>) -> BTreeMap<RunTime, RunTime> {
    spans.sort_unstable();
    let mut begins = BTreeMap::new();
    let mut chain: Option<Span> = None;
    for (from, until) in spans {
        let (begin, end) = match chain {
            Some((begin, end)) if from <= end + limits::FAULT_AFTERMATH => (begin, end.max(until)),
            _ => (from, until),
        };
        chain = Some((begin, end));
        begins.insert(from, begin);
    }
    begins
}

/// What was answered under those faults that leave a majority, and last long enough for a usual
/// election.
pub fn in_all(faults: &[UnderFault<'_>], requests: &Requests<'_>, majority: &Majority) -> InForce {
    let is_long = |it: &&UnderFault<'_>| {
        lets_elections_last(it.fault)
            && majority.longest(it.span.0, it.span.1) >= limits::LONG_FAULT
    };
    let mut spans: Vec<Span> = faults.iter().filter(is_long).map(|it| it.span).collect();
    spans.sort_unstable();
    let mut apart: Vec<Span> = Vec::new();
    for (from, until) in spans {
        match apart.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(until),
            _ => apart.push((from, until)),
        }
    }
    let mut all = InForce::default();
    for (from, until) in apart.into_iter().flat_map(|span| majority.spans(span.0, span.1)) {
        all.time += until.since(from);
        all.due += requests.due(from, until);
        all.answered += requests.answered(from, until);
    }
    all
}
