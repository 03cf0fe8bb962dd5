//! What a run may lack, a sentence each.

use std::collections::BTreeMap;

use super::faults::{self, Seen, Silence, UnderFault};
use super::keys::Key;
use super::majority::Majority;
use super::requests::Requests;
use crate::limits;
use crate::op::{OperationError, Outcome};
use crate::record::{EndReason, RunRecord};
use crate::scenario::Clients;
use crate::text::{counted, was};

/// Where fewer reads than this were asked, the final reads stand for them.
const FEW_READS: usize = 10;

/// Faults and keys that are named one by one.
const NAMED: usize = 5;

/// What is missing among the operations of the request phase.
pub fn operations(
    record: &RunRecord,
    requests: &Requests<'_>,
    majority: &Majority,
) -> Option<String> {
    let workload = record.scenario.workload;
    let is_answered = |is_read: bool| {
        let answered = requests.operations.iter().filter(|it| requests.is_answered(it));
        answered.filter(|it| it.f.only_asks() == is_read).count()
    };
    let (mut gets, puts) = (is_answered(true), is_answered(false));
    let answered = gets + puts;
    let (get, put) = workload.words();
    let is_due = |it: &&&_| requests.is_answered(it) || majority.could_talk(it.invoked);
    let due = requests.operations.iter().filter(is_due).count();
    if requests.operations.iter().filter(|it| it.f.only_asks()).count() < FEW_READS {
        let is_read = |outcome| outcome == Outcome::Ok;
        gets +=
            record.operations.iter().filter(|it| it.is_final_read && is_read(it.outcome)).count();
    }
    let asked = requests.operations.len();
    if asked == 0 {
        Some("no operation was invoked in the request phase".to_owned())
    } else if gets == 0 && workload.has_reads() {
        Some(format!(
            "no {get} was answered in the request phase ({} invoked), so there was nothing to check",
            counted(asked, "operation")
        ))
    } else if puts == 0 && workload.has_changes() {
        Some(format!(
            "no {put} was answered in the request phase ({} invoked), so there was nothing to read",
            counted(asked, "operation")
        ))
    } else if answered * 10 < due {
        let were = was(answered);
        Some(format!("only {answered} of {due} operations {were} answered in the request phase"))
    } else {
        None
    }
}

/// How many faults were planned, but for those that found another in force, which missed nothing.
pub fn planned(record: &RunRecord) -> usize {
    record.faults.iter().filter(|fault| !fault.had_no_room).count()
}

/// How many faults were injected.
pub fn applied(record: &RunRecord) -> usize {
    record.faults.iter().filter(|fault| fault.applied_ns.is_some()).count()
}

/// Whether too few of the planned faults could be applied. A run that was cut short is judged by what
/// it came to.
pub fn planned_faults(record: &RunRecord) -> Option<String> {
    let reached = if record.end == EndReason::Completed {
        planned(record)
    } else {
        let with_room = record.faults.iter().filter(|fault| !fault.had_no_room);
        with_room.filter(|it| it.planned_ns.since_start() < record.duration).count()
    };
    let applied = applied(record);
    (applied * 2 < reached)
        .then(|| format!("only {applied} of {reached} planned faults could be injected"))
}

/// Whether not most of the faults that could have been seen were.
pub fn seen_faults(faults: &[UnderFault<'_>]) -> Option<String> {
    let seen = faults.iter().filter(|it| it.seen == Seen::Yes).count();
    let unseen: Vec<String> = faults.iter().filter_map(told_unseen).collect();
    let count = unseen.len();
    (count > 0 && seen <= count).then(|| {
        let all = seen + count;
        format!("clients saw nothing of {count} of {all} faults: {}", few(&unseen))
    })
}

/// Whether nothing at all was answered while faults were in force, for longer than an election takes.
pub fn answers_under_faults(
    faults: &[UnderFault<'_>],
    requests: &Requests<'_>,
    majority: &Majority,
) -> Option<String> {
    let all = faults::in_all(faults, requests, majority);
    (all.time >= limits::FAULT_AFTERMATH && all.due > 0 && all.answered == 0).then(|| {
        format!(
            "no operation was answered under faults that leave a majority (0 of {} in {:.1} s)",
            all.due,
            all.time.as_secs_f64()
        )
    })
}

/// Whether keys were asked for again and again in vain. A course client's keys are its own, most of
/// them written once and never read: no single one is expected to be.
pub fn shared_keys(record: &RunRecord, keys: &BTreeMap<&str, Key>) -> Option<String> {
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
        format!("{count} of {all} keys {} hardly served: {}", was(count), few(&missing))
    })
}

/// The faults that clients did not see, where they saw most, and those that they could not see.
pub fn notes(faults: &[UnderFault<'_>]) -> Vec<String> {
    let unseen = faults.iter().filter_map(told_unseen);
    let unseen: Vec<String> =
        if seen_faults(faults).is_none() { unseen.collect() } else { Vec::new() };
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
        Silence::UntilAfter(due, after) => {
            let after = after.as_secs_f64();
            format!("0 of {due} operations answered then and in the {after:.1} s after")
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

/// What the system under test said most often when it did not answer `ok`.
pub(super) fn told_most_often(record: &RunRecord) -> Option<String> {
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for operation in &record.operations {
        if let Some(OperationError::Told(text)) = &operation.error {
            *times.entry(text).or_default() += 1;
        }
    }
    let (text, count) = times.into_iter().max_by_key(|&(_, count)| count)?;
    Some(format!("clients were told most often ({}): {text}", counted(count, "time")))
}
