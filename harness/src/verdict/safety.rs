//! Is the history consistent with the model asked for?

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

fn contradiction(witness: &Witness, report: &Report) -> Vec<String> {
    let mut lines: Vec<String> = witness.operations.iter().map(describe).collect();
    if report.invalid_keys > 1 {
        lines.push(format!("{} other keys are not linearizable either", report.invalid_keys - 1));
    }
    lines
}

/// `0015 put "0015.7" at 0002, 1234.567 to 1240.100 ms, ok (events 12 and 15)`.
fn describe(operation: &WitnessOperation) -> String {
    let ms = |ns: u64| format!("{:.3}", ns as f64 / 1e6);
    let value = match &operation.value {
        Some(value) => format!(" {value:?}"),
        None => String::new(),
    };
    let expected = match &operation.expected {
        Some(expected) => format!(" for {expected:?}"),
        None => String::new(),
    };
    let node = operation.node.as_ref().map(|node| format!(" at {node}")).unwrap_or_default();
    let (end, events) = match (operation.complete_ns, operation.complete_index) {
        (Some(end), Some(index)) => {
            (ms(end), format!("events {} and {index}", operation.invoke_index))
        }
        _ => ("?".to_owned(), format!("event {}", operation.invoke_index)),
    };
    let outcome = match (operation.outcome, operation.refused) {
        (_, true) => "refused",
        (Outcome::Ok, _) => "ok",
        (Outcome::Fail, _) => "fail",
        (Outcome::Info, _) => "unknown",
    };
    format!(
        "client {} (process {}) {}{value}{expected}{node}, {} to {end} ms, {outcome} ({events})",
        operation.client,
        operation.process,
        operation.f.name(),
        ms(operation.invoke_ns),
    )
}
