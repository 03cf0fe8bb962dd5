//! Is the history consistent with the model asked for?

use checker::objects::{self, Finding, Shown};
use checker::weaker;
use checker::{Outcome, Report, Verdict, Witness, WitnessOperation};

use super::{Answer, Question, Standing};

/// The checker's report as an answer.
pub fn answer(report: &Report) -> Answer {
    let (operations, keys) = (report.operations, report.keys.len());
    let plural = if keys == 1 { "key" } else { "keys" };
    let algorithms = report.algorithms.join(", ");
    match &report.verdict {
        Verdict::Valid => {
            let sentence = if operations == 0 {
                "no operation was recorded that could contradict another".to_owned()
            } else {
                format!(
                    "{operations} operations on {keys} {plural} are linearizable ({algorithms}; \
                     {} of unknown outcome)",
                    report.open
                )
            };
            Answer::new(Question::Safety, Standing::Valid, "linearizable", sentence)
        }
        Verdict::Invalid(witness) => {
            let sentence = witness.explanation.trim_end_matches('.');
            Answer::new(Question::Safety, Standing::Invalid, witness.kind.name(), sentence)
                .with_details(contradiction(witness, report))
        }
        Verdict::Unknown(reason) => Answer::new(
            Question::Safety,
            Standing::Unknown,
            "undecided",
            reason.explanation.trim_end_matches('.'),
        ),
    }
}

/// The report about a weaker promise as an answer.
pub fn weaker(report: &weaker::Report) -> Answer {
    let (operations, promise, algorithm) = (report.operations, report.model, report.algorithm);
    match &report.verdict {
        Verdict::Valid => {
            let sentence =
                format!("{operations} operations keep the promise {promise} ({algorithm})");
            Answer::new(Question::Safety, Standing::Valid, promise, sentence)
        }
        Verdict::Invalid(witness) => {
            let sentence = witness.explanation.trim_end_matches('.');
            Answer::new(Question::Safety, Standing::Invalid, witness.kind.name(), sentence)
                .with_details(witness.operations.iter().map(describe).collect())
        }
        Verdict::Unknown(reason) => {
            let sentence = reason.explanation.trim_end_matches('.');
            Answer::new(Question::Safety, Standing::Unknown, "undecided", sentence)
        }
    }
}

/// The report about an object as an answer.
pub fn object(report: &objects::Report) -> Answer {
    let (operations, object, algorithm) = (report.operations, report.model, report.algorithm);
    let facts: Vec<String> =
        report.facts.iter().map(|fact| format!("{}: {}", fact.name, fact.count)).collect();
    match &report.verdict {
        Finding::Valid => {
            let sentence =
                format!("{operations} operations keep the promise {object} ({algorithm})");
            Answer::new(Question::Safety, Standing::Valid, object, sentence).with_details(facts)
        }
        Finding::Invalid(found) => {
            let sentence = found.explanation.trim_end_matches('.');
            let operations = found.operations.iter().map(show);
            Answer::new(Question::Safety, Standing::Invalid, found.kind.name(), sentence)
                .with_details(operations.chain(facts).collect())
        }
        Finding::Unknown(doubt) => {
            let sentence = doubt.explanation.trim_end_matches('.');
            Answer::new(Question::Safety, Standing::Unknown, "undecided", sentence)
        }
    }
}

/// `process 3 enqueue 7, ok (events 12 and 15)`.
fn show(operation: &Shown) -> String {
    let Shown { process, f, argument, result, .. } = operation;
    let argument = if argument.is_null() { String::new() } else { format!(" {argument}") };
    let result = if result.is_null() { String::new() } else { format!(", answered {result}") };
    let outcome = match operation.outcome {
        Outcome::Ok => "ok",
        Outcome::Fail => "fail",
        Outcome::Info => "unknown",
    };
    let events = match operation.complete_index {
        Some(index) => format!("events {} and {index}", operation.invoke_index),
        None => format!("event {}", operation.invoke_index),
    };
    format!("process {process} {f}{argument}{result}, {outcome} ({events})")
}

fn contradiction(witness: &Witness, report: &Report) -> Vec<String> {
    let mut lines: Vec<String> = witness.operations.iter().map(describe).collect();
    match report.invalid_keys.saturating_sub(1) {
        0 => {}
        1 => lines.push("one other key is not linearizable either".to_owned()),
        others => lines.push(format!("{others} other keys are not linearizable either")),
    }
    lines
}

/// `client 0015 (process 3) put "0015.7" at 0002, 1234.567 to 1240.100 ms, ok (events 12 and 15)`;
/// a history from elsewhere may have neither clients nor times.
fn describe(operation: &WitnessOperation) -> String {
    let process = operation.process;
    let who = match operation.client.as_str() {
        "" => format!("process {process}"),
        client => format!("client {client} (process {process})"),
    };
    let what = match (&operation.expected, &operation.value) {
        (Some(expected), Some(value)) => format!(" from {expected:?} to {value:?}"),
        (_, Some(value)) => format!(" {value:?}"),
        (_, None) => String::new(),
    };
    let node = operation.node.as_ref().map(|node| format!(" at {node}")).unwrap_or_default();
    let outcome = match (operation.outcome, operation.refused) {
        (_, true) => "refused",
        (Outcome::Ok, _) => "ok",
        (Outcome::Fail, _) => "fail",
        (Outcome::Info, _) => "unknown",
    };
    let events = match operation.complete_index {
        Some(index) => format!("events {} and {index}", operation.invoke_index),
        None => format!("event {}", operation.invoke_index),
    };
    let (f, time) = (operation.f.name(), times(operation));
    format!("{who} {f}{what}{node}{time}, {outcome} ({events})")
}

fn times(operation: &WitnessOperation) -> String {
    let ms = |ns: u64| format!("{:.3}", ns as f64 / 1e6);
    match (operation.invoke_ns, operation.complete_ns) {
        (0, Some(0) | None) => String::new(),
        (begin, Some(end)) => format!(", {} to {} ms", ms(begin), ms(end)),
        (begin, None) => format!(", from {} ms on", ms(begin)),
    }
}
