//! Were there enough operations, were the faults really applied, did clients see them, did the
//! checker finish?
//!
//! A run is *vacuous*, and its other answers mean little, unless
//!
//! - a tenth of the operations of the request phase were answered, among them reads and writes;
//! - half of the planned faults could be applied;
//! - most of the applied faults were seen by clients (see [`faults`]), and anything at all was
//!   answered while faults were in force;
//! - each key that clients share was written and read (see [`keys`]).
//!
//! While no majority of the replicas could talk (see [`majority`]), no answer is expected. The
//! reads and writes of the recovery phase are left out of all this (see [`requests`]).

mod faults;
mod keys;
mod majority;
mod requests;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::{Answer, Question, Standing};
use crate::limits;
use crate::run::record::{EndReason, OpKind, Outcome, RunRecord};
use crate::scenario::Clients;
use faults::{Seen, Silence, UnderFault};
use keys::Key;
use majority::Majority;
use requests::Requests;

/// The kind of an answer that says: too little happened.
pub const VACUOUS: &str = "vacuous";

/// Where so few reads were due, the final reads stand for them.
const FEW_READS: usize = 10;

/// Faults and keys that are named one by one.
const NAMED: usize = 5;

/// The answer; `safety` tells whether the checker finished.
pub fn answer(record: &RunRecord, safety: &Answer) -> Answer {
    let requests = Requests::of(record);
    let majority = Majority::of(record, requests.end);
    let faults = faults::under_faults(record, &requests, &majority);
    let keys = keys::keys(record, &requests, &majority);

    let missing = [
        operations(record, &requests, &majority),
        planned_faults(record),
        mostly_unseen(&faults),
        silence(&faults, &requests, &majority),
        missing_keys(record, &keys),
    ];
    let mut missing = missing.into_iter().flatten();
    let vacuous = missing.next();
    let mut details: Vec<String> = missing.collect();
    details.extend(record.faults.iter().filter_map(|fault| {
        let reason = fault.not_applied.as_ref()?;
        Some(format!("{} at {} was not applied: {reason}", fault.kind, fault.planned_ns))
    }));
    details.extend(remarks(&faults));
    let (standing, kind, sentence) = if let Some(sentence) = vacuous {
        (Standing::Unknown, VACUOUS, sentence)
    } else if safety.standing == Standing::Unknown {
        let sentence = format!("the checker did not finish: {}", safety.sentence);
        (Standing::Unknown, "undecided", sentence)
    } else {
        let shown = keys.values().filter(|key| key.is_shown()).count();
        let sentence = sufficient(record, &faults, (shown, keys.len()));
        (Standing::Valid, "sufficient", sentence)
    };
    Answer::new(Question::Evidence, standing, kind, sentence).with_details(details)
}

/// What there was, where it is enough; of keys, how many were shown of how many.
fn sufficient(record: &RunRecord, faults: &[UnderFault<'_>], keys: (usize, usize)) -> String {
    let answered = |kind: OpKind| {
        let of_kind = record.operations.iter().filter(|operation| operation.kind == kind);
        of_kind.filter(|operation| operation.outcome == Outcome::Ok).count()
    };
    let (gets, puts) = (answered(OpKind::Get), answered(OpKind::Put));
    let mut sentence = format!("{gets} gets and {puts} puts answered");
    if keys.0 < keys.1 {
        sentence += &format!(", {} of {} keys both written and read", keys.0, keys.1);
    }
    let (planned, applied) = (room(record), applied(record));
    sentence += &match planned {
        0 => ", no faults planned".to_owned(),
        n => format!(", {applied} of {n} faults applied"),
    };
    let seen = faults.iter().filter(|it| it.seen == Seen::Yes).count();
    if seen < faults.len() {
        sentence += &format!(", {seen} of {} seen by clients", faults.len());
    }
    sentence
}

/// What is missing among the operations of the request phase.
fn operations(record: &RunRecord, requests: &Requests<'_>, majority: &Majority) -> Option<String> {
    let is_answered = |kind| {
        let answered = requests.operations.iter().filter(|it| requests.is_answered(it));
        answered.filter(|it| it.kind == kind).count()
    };
    let (mut gets, puts) = (is_answered(OpKind::Get), is_answered(OpKind::Put));
    let answered = gets + puts;
    let is_due = |it: &&&_| requests.is_answered(it) || majority.could_talk(it.invoked);
    let due = requests.operations.iter().filter(is_due).count();
    if requests.operations.iter().filter(|it| it.kind == OpKind::Get).count() < FEW_READS {
        let is_read = |outcome| outcome == Outcome::Ok;
        gets +=
            record.operations.iter().filter(|it| it.is_final_read && is_read(it.outcome)).count();
    }
    let asked = requests.operations.len();
    if asked == 0 {
        Some("no operation was asked in the request phase".to_owned())
    } else if gets == 0 {
        Some(format!(
            "no get was answered in the request phase ({asked} operations asked): nothing could \
             contradict"
        ))
    } else if puts == 0 {
        Some(format!(
            "no put was answered in the request phase ({asked} operations asked): there was \
             nothing to read"
        ))
    } else if answered * 10 < due {
        Some(format!("only {answered} of {due} operations were answered in the request phase"))
    } else {
        None
    }
}

/// How many faults were planned, but for those that found another in force, which missed nothing.
fn room(record: &RunRecord) -> usize {
    record.faults.iter().filter(|fault| !fault.had_no_room).count()
}

fn applied(record: &RunRecord) -> usize {
    record.faults.iter().filter(|fault| fault.applied_ns.is_some()).count()
}

/// Whether too few of the planned faults could be applied. A run that was cut short is judged by what
/// it came to.
fn planned_faults(record: &RunRecord) -> Option<String> {
    let reached = match record.end {
        EndReason::Completed => room(record),
        _ => {
            let with_room = record.faults.iter().filter(|fault| !fault.had_no_room);
            with_room.filter(|it| it.planned_ns.since_start() < record.duration).count()
        }
    };
    let applied = applied(record);
    (applied * 2 < reached)
        .then(|| format!("only {applied} of {reached} planned faults could be applied"))
}

/// Whether not most of the faults that could have been seen were.
fn mostly_unseen(faults: &[UnderFault<'_>]) -> Option<String> {
    let seen = faults.iter().filter(|it| it.seen == Seen::Yes).count();
    let unseen: Vec<String> = faults.iter().filter_map(told_unseen).collect();
    let count = unseen.len();
    (count > 0 && seen <= count).then(|| {
        let all = seen + count;
        format!("clients saw nothing of {count} of {all} faults: {}", few(&unseen))
    })
}

/// Whether nothing at all was answered while faults were in force, for longer than an election takes.
fn silence(
    faults: &[UnderFault<'_>],
    requests: &Requests<'_>,
    majority: &Majority,
) -> Option<String> {
    let all = faults::in_all(faults, requests, majority);
    (all.time >= limits::FAULT_AFTERMATH && all.due > 0 && all.answered == 0).then(|| {
        format!(
            "no operation was answered while faults that leave a majority were in force (0 of {} in \
             {:.1} s)",
            all.due,
            all.time.as_secs_f64()
        )
    })
}

/// Whether keys were asked for again and again in vain. A course client's keys are its own, most of
/// them written once and never read: no single one is expected to be.
fn missing_keys(record: &RunRecord, keys: &BTreeMap<&str, Key>) -> Option<String> {
    let missing: Vec<String> = keys
        .iter()
        .filter(|(_, key)| key.is_missing())
        .map(|(name, Key { gets_due, gets, puts_due, puts })| {
            format!("{name} ({gets} of {gets_due} gets and {puts} of {puts_due} puts answered)")
        })
        .collect();
    let is_shared = matches!(record.scenario.clients, Clients::Shared { .. });
    (is_shared && !missing.is_empty()).then(|| {
        let (count, all) = (missing.len(), keys.len());
        format!("nothing is shown of {count} of {all} keys: {}", few(&missing))
    })
}

/// The faults that clients did not see, where they saw most, and those that they could not see.
fn remarks(faults: &[UnderFault<'_>]) -> Vec<String> {
    let unseen = faults.iter().filter_map(told_unseen);
    let unseen: Vec<String> =
        if mostly_unseen(faults).is_none() { unseen.collect() } else { Vec::new() };
    let not_expected = faults.iter().filter_map(|it| match it.seen {
        Seen::NotExpected(why) => Some(format!("{} ({why})", named(it))),
        _ => None,
    });
    let told = |what: &str, those: &[String]| {
        (!those.is_empty()).then(|| format!("{what}: {}", few(those)))
    };
    let told = [
        told("faults of which clients saw nothing", &unseen),
        told("no answers were expected around", &not_expected.collect::<Vec<_>>()),
    ];
    told.into_iter().flatten().collect()
}

fn told_unseen(it: &UnderFault<'_>) -> Option<String> {
    let Seen::No(silence) = it.seen else { return None };
    let why = match silence {
        Silence::UntilAfter(due) => {
            let after = limits::FAULT_AFTERMATH.as_secs();
            format!("0 of {due} operations answered then and in the {after} s after")
        }
        Silence::Throughout(due) => format!("0 of {due} operations answered while it lasted"),
        Silence::Before => "nothing answered before it, nor while it lasted".to_owned(),
    };
    Some(format!("{} ({why})", named(it)))
}

/// A fault and its times.
fn named(UnderFault { fault, span: (from, until), .. }: &UnderFault<'_>) -> String {
    if from == until {
        format!("{} at {from}", fault.title())
    } else {
        format!("{} from {from} to {until}", fault.title())
    }
}

/// The first of these.
fn few(those: &[String]) -> String {
    let named = those.iter().take(NAMED).cloned();
    let more = those.len().saturating_sub(NAMED);
    let more = (more > 0).then(|| format!("{more} more"));
    named.chain(more).collect::<Vec<_>>().join(", ")
}

/// The answer about a history alone: nothing is known of faults.
pub fn of_history(report: &checker::Report, safety: &Answer) -> Answer {
    let undecided = || {
        let sentence = format!("the checker did not finish: {}", safety.sentence);
        Answer::new(Question::Evidence, Standing::Unknown, "undecided", sentence)
    };
    if report.is_cut {
        return undecided();
    }
    let vacuous = |sentence: String| {
        Answer::new(Question::Evidence, Standing::Unknown, VACUOUS, sentence)
            .with_details(unobserved(report))
    };
    let (asked, answered) = (report.operations + report.failed, report.answered);
    if asked == 0 {
        return vacuous("the history holds no operation".to_owned());
    }
    if answered == 0 {
        return vacuous(format!("none of {asked} operations was answered: nothing is shown"));
    }
    if report.observations == 0 {
        return vacuous(format!(
            "{answered} of {asked} operations were answered, but none of them tells what the store held: \
             nothing could contradict"
        ));
    }
    if safety.standing == Standing::Unknown {
        return undecided();
    }
    let sentence = format!(
        "{answered} of {asked} operations answered, {} of them tell what the store held",
        report.observations
    );
    Answer::new(Question::Evidence, Standing::Valid, "sufficient", sentence)
        .with_details(unobserved(report))
}

/// The keys that the verdict says nothing about.
fn unobserved(report: &checker::Report) -> Vec<String> {
    const MOST_NAMED: usize = 10;
    let blind = |key: &&checker::KeyReport| key.observations == 0;
    let keys: Vec<String> =
        report.keys.iter().filter(blind).map(|key| format!("{:?}", key.key)).collect();
    if keys.is_empty() || report.keys.len() == 1 {
        return Vec::new();
    }
    let named = keys[..keys.len().min(MOST_NAMED)].join(", ");
    let dots = if keys.len() > MOST_NAMED { ", ..." } else { "" };
    vec![format!(
        "nothing was read from {} of {} keys: {named}{dots}",
        keys.len(),
        report.keys.len()
    )]
}
