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
mod missing;
mod requests;

#[cfg(test)]
mod tests;

use faults::{Seen, UnderFault};
use majority::Majority;
use requests::Requests;

use super::{Answer, AnswerKind, Question, Standing};
use crate::op::Outcome;
use crate::record::RunRecord;
use crate::text::{counted, was};

/// The answer; `safety` tells whether the checker finished.
pub fn answer(record: &RunRecord, safety: &Answer) -> Answer {
    let requests = Requests::of(record);
    let majority = Majority::of(record, requests.end);
    let faults = faults::under_faults(record, &requests, &majority);
    let keys = keys::keys(record, &requests, &majority);

    let missing = [
        missing::operations(record, &requests, &majority),
        missing::planned_faults(record),
        missing::seen_faults(&faults),
        missing::answers_under_faults(&faults, &requests, &majority),
        missing::shared_keys(record, &keys),
    ];
    let mut missing = missing.into_iter().flatten();
    let vacuous = missing.next();
    let mut details: Vec<String> = missing.collect();
    if vacuous.is_some() {
        details.extend(missing::told_most_often(record));
    }
    details.extend(record.faults.iter().filter_map(|fault| {
        let reason = fault.not_applied.as_ref()?;
        Some(format!("{} at {} was not injected: {reason}", fault.kind, fault.planned_ns))
    }));
    details.extend(missing::notes(&faults));
    let (standing, kind, sentence) = if let Some(sentence) = vacuous {
        (Standing::Unknown, AnswerKind::Vacuous, sentence)
    } else if safety.standing == Standing::Unknown {
        let sentence = format!("the checker did not finish: {}", safety.sentence);
        (Standing::Unknown, AnswerKind::Undecided, sentence)
    } else {
        let shown = keys.values().filter(|key| key.is_shown()).count();
        let sentence = sufficient(record, &faults, (shown, keys.len()));
        (Standing::Valid, AnswerKind::Sufficient, sentence)
    };
    Answer::new(Question::Evidence, standing, kind, sentence).with_details(details)
}

/// What there was, where it is enough; of keys, how many were shown of how many.
fn sufficient(record: &RunRecord, faults: &[UnderFault<'_>], keys: (usize, usize)) -> String {
    let answered = |is_read: bool| {
        let of_kind = record.operations.iter().filter(|it| it.f.only_asks() == is_read);
        of_kind.filter(|operation| operation.outcome == Outcome::Ok).count()
    };
    let workload = record.scenario.workload;
    let (read, change) = workload.words();
    let (reads, changes) = (answered(true), answered(false));
    let has_both = workload.has_reads() && workload.has_changes();
    let mut parts = vec![if has_both {
        format!("{} and {} answered", counted(reads, read), counted(changes, change))
    } else {
        format!("{} answered", counted(reads + changes, "operation"))
    }];
    if keys.0 < keys.1 && has_both {
        parts.push(format!("{} of {} keys both written and read", keys.0, keys.1));
    }
    parts.push(match missing::planned(record) {
        0 => "no faults planned".to_owned(),
        planned => format!("{} of {planned} faults injected", missing::applied(record)),
    });
    let seen = faults.iter().filter(|it| it.seen == Seen::Yes).count();
    if seen < faults.len() {
        parts.push(format!("{seen} of {} seen by clients", faults.len()));
    }
    parts.join(", ")
}

/// The answer about a history alone: nothing is known of faults.
pub fn of_history(report: &checker::Report, safety: &Answer) -> Answer {
    let undecided = || {
        let sentence = format!("the checker did not finish: {}", safety.sentence);
        Answer::new(Question::Evidence, Standing::Unknown, AnswerKind::Undecided, sentence)
    };
    if report.is_cut {
        return undecided();
    }
    let vacuous = |sentence: String| {
        Answer::new(Question::Evidence, Standing::Unknown, AnswerKind::Vacuous, sentence)
            .with_details(unobserved(report))
    };
    let (asked, answered) = (report.operations + report.failed, report.answered);
    if asked == 0 {
        return vacuous("the history holds no operation".to_owned());
    }
    if answered == 0 {
        return vacuous(format!("none of {asked} operations was answered: nothing is shown"));
    }
    // A failed operation tells at least that the store was there to refuse it.
    if report.observations == 0 && report.failed == 0 && safety.standing != Standing::Invalid {
        return vacuous(format!(
            "{answered} of {asked} operations {} answered, and none of the answers tells what the store held: \
             no answer can be wrong",
            was(answered)
        ));
    }
    if safety.standing == Standing::Unknown {
        return undecided();
    }
    let told = match report.observations {
        0 => "none of which tells what the store held".to_owned(),
        1 => "1 of which tells what the store held".to_owned(),
        some => format!("{some} of which tell what the store held"),
    };
    let sentence = format!("{answered} of {asked} operations answered, {told}");
    Answer::new(Question::Evidence, Standing::Valid, AnswerKind::Sufficient, sentence)
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
