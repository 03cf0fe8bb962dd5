//! Were there enough operations, were the faults really applied, did the checker finish?

use super::{Answer, Question, Standing};
use crate::run::record::{EndReason, OpKind, OperationRecord, Outcome, RunRecord};

/// The kind of an answer that says: too little happened.
pub const VACUOUS: &str = "vacuous";

/// The answer; `safety` tells whether the checker finished.
pub fn answer(record: &RunRecord, safety: &Answer) -> Answer {
    let ok = |kind: OpKind| {
        let done = record.operations.iter().filter(|operation| operation.kind == kind);
        done.filter(|operation| operation.outcome == Outcome::Ok).count()
    };
    // Reads that chase a fault ask everybody: who redirects them was not asked for anything that it has.
    let is_asked = |operation: &&OperationRecord| operation.error != Some("redirected");
    let asked = record.operations.iter().filter(is_asked).count();
    let (gets, puts) = (ok(OpKind::Get), ok(OpKind::Put));
    // Whoever found another fault in force, and no end of it, leaves no calm.
    let crowded = record.faults.iter().filter(|fault| fault.had_no_room).count();
    let planned = record.faults.len() - crowded;
    // A run that was cut short is judged by what it came to.
    let reached = match record.end {
        EndReason::Completed => planned,
        _ => record
            .faults
            .iter()
            .filter(|fault| !fault.had_no_room)
            .filter(|fault| fault.planned_ns.since_start() < record.duration)
            .count(),
    };
    let applied = record.faults.iter().filter(|fault| fault.applied_ns.is_some()).count();

    let vacuous = if asked == 0 {
        Some("no operation was asked".to_owned())
    } else if gets == 0 {
        Some(format!("no get was answered ({asked} operations asked): nothing could contradict"))
    } else if puts == 0 {
        Some(format!("no put was answered ({asked} operations asked): there was nothing to read"))
    } else if (gets + puts) * 10 < asked {
        Some(format!("only {} of {asked} operations were answered", gets + puts))
    } else if applied * 2 < reached {
        Some(format!("only {applied} of {reached} planned faults could be applied"))
    } else {
        None
    };
    let not_applied = record.faults.iter().filter_map(|fault| {
        let reason = fault.not_applied.as_ref()?;
        Some(format!("{} at {} was not applied: {reason}", fault.kind, fault.planned_ns))
    });
    let details = not_applied.collect();
    if let Some(sentence) = vacuous {
        return Answer::new(Question::Evidence, Standing::Unknown, VACUOUS, sentence)
            .with_details(details);
    }
    if safety.standing == Standing::Unknown {
        let sentence = format!("the checker did not finish: {}", safety.sentence);
        return Answer::new(Question::Evidence, Standing::Unknown, "undecided", sentence)
            .with_details(details);
    }
    let faults = match planned {
        0 => "no faults planned".to_owned(),
        n => format!("{applied} of {n} faults applied"),
    };
    let sentence = format!("{gets} gets and {puts} puts answered, {faults}");
    Answer::new(Question::Evidence, Standing::Valid, "sufficient", sentence).with_details(details)
}

/// The answer about a history alone: nothing is known of faults.
pub fn of_history(report: &checker::Report, safety: &Answer) -> Answer {
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
        let sentence = format!("the checker did not finish: {}", safety.sentence);
        return Answer::new(Question::Evidence, Standing::Unknown, "undecided", sentence);
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
