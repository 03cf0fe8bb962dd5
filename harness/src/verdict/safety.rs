//! Is the history consistent with the model asked for?

use checker::{KeyVerdict, ModelName, Outcome, Report, Verdict, Witness, WitnessOperation};

use super::{Answer, AnswerKind, Question, Standing};
use crate::text::{counted, shortened, was};

/// The checker's report as an answer.
pub fn answer(report: &Report) -> Answer {
    match &report.verdict {
        Verdict::Valid => valid(report),
        Verdict::Invalid(witness) => {
            let sentence = witness.explanation.trim_end_matches('.');
            let kind = AnswerKind::Anomaly(witness.anomaly);
            Answer::new(Question::Safety, Standing::Invalid, kind, sentence)
                .with_details(violation(witness, report))
        }
        Verdict::Unknown(reason) => {
            let sentence = reason.explanation.trim_end_matches('.');
            Answer::new(Question::Safety, Standing::Unknown, AnswerKind::Undecided, sentence)
                .with_details(undecided_keys(report))
        }
    }
}

fn valid(report: &Report) -> Answer {
    let (operations, keys) = (report.operations, counted(report.keys.len(), "key"));
    let operations_told = counted(operations, "operation");
    let are = if operations == 1 { "is" } else { "are" };
    let algorithms = report.algorithms.join(", ");
    let is_linearizable = is_linearizable(report);
    let kind = if is_linearizable {
        AnswerKind::Linearizable
    } else {
        AnswerKind::Keeps(ModelName::named(report.model).unwrap_or_default())
    };
    let sentence = if operations == 0 {
        "no operation was recorded, so there was nothing to check".to_owned()
    } else if report.answered == 0 {
        format!("none of {operations_told} was answered, so there was nothing to check")
    } else if is_linearizable {
        format!(
            "{operations_told} on {keys} {are} linearizable as {} ({algorithms}; {} of unknown outcome)",
            report.model, report.open
        )
    } else {
        format!("{operations_told} {are} consistent with the model {} ({algorithms})", report.model)
    };
    Answer::new(Question::Safety, Standing::Valid, kind, sentence).with_details(facts(report))
}

/// Whether the model asks for linearizability.
fn is_linearizable(report: &Report) -> bool {
    let model = ModelName::named(report.model).unwrap_or_default();
    model.info().is_linearizability
}

fn facts(report: &Report) -> Vec<String> {
    report.facts.iter().map(|fact| format!("{}: {}", fact.name, fact.count)).collect()
}

fn violation(witness: &Witness, report: &Report) -> Vec<String> {
    // The sentence names operations by their numbers.
    let numbered = |(n, operation)| format!("{}. {}", n + 1, describe(operation));
    let mut lines: Vec<String> = witness.operations.iter().enumerate().map(numbered).collect();
    if witness.confirmed == Some(true) {
        lines.push("an independent linearizability tester rejects these operations too".to_owned());
    } else if let Some(unconfirmed) = witness.unconfirmed
        && !witness.operations.is_empty()
    {
        lines.push(format!("not confirmed by an independent tester: {}", unconfirmed.reason()));
    }
    lines.extend(report.assumptions.iter().map(|assumption| format!("assumed: {assumption}")));
    let refuted = report.keys.iter().filter(|key| key.verdict == KeyVerdict::Invalid);
    let mut others: Vec<&str> = refuted.map(|key| key.key.as_str()).collect();
    // Keys of different types may have one name: only the witness's own is left out.
    if let Some(own) = others.iter().position(|key| *key == witness.key) {
        others.remove(own);
    }
    if !others.is_empty() {
        lines.push(format!("also refuted: {}", list(&others)));
    }
    if report.skipped_keys > 0 {
        lines.push(format!(
            "{} {} not decided, because this one is refuted (--all-keys goes on)",
            counted(report.skipped_keys, "key"),
            was(report.skipped_keys)
        ));
    }
    lines.extend(undecided_keys(report));
    lines.extend(facts(report));
    lines
}

fn undecided_keys(report: &Report) -> Vec<String> {
    let undecided = |key: &&checker::KeyReport| key.verdict == KeyVerdict::Unknown;
    let keys: Vec<&str> =
        report.keys.iter().filter(undecided).map(|key| key.key.as_str()).collect();
    if keys.len() < 2 { Vec::new() } else { vec![format!("undecided: {}", list(&keys))] }
}

/// The most keys that a line names.
const MOST_NAMED: usize = 20;

fn list(keys: &[&str]) -> String {
    let names: Vec<String> = keys.iter().take(MOST_NAMED).map(|key| format!("{key:?}")).collect();
    let more = keys.len().saturating_sub(MOST_NAMED);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let plural = if keys.len() == 1 { "key" } else { "keys" };
    format!("{plural} {}{more}", names.join(", "))
}

/// `client 0015 (process 3) put "0015.7" at 0002, 1234.567 to 1240.100 ms, ok (events 12 and 15)`;
/// a history from elsewhere may have neither clients nor times.
pub fn describe(operation: &WitnessOperation) -> String {
    let process = operation.process;
    let who = match operation.client.as_str() {
        "" => format!("process {process}"),
        client => format!("client {client} (process {process})"),
    };
    let what = match (&operation.expected, &operation.value) {
        (Some(expected), Some(value)) => {
            format!(
                " from {} to {}",
                shortened(&expected.to_string()),
                shortened(&value.to_string())
            )
        }
        (_, Some(value)) => format!(" {}", shortened(&value.to_string())),
        (_, None) => String::new(),
    };
    let answer = operation.answer.as_ref();
    let answer = answer
        .map(|answer| format!(", answered {}", shortened(&answer.to_string())))
        .unwrap_or_default();
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
    let (f, time) = (operation.name, times(operation));
    format!("{who} {f}{what}{answer}{node}{time}, {outcome} ({events})")
}

fn times(operation: &WitnessOperation) -> String {
    let ms = |ns: u64| format!("{:.3}", ns as f64 / 1e6);
    match (operation.invoke_ns, operation.complete_ns) {
        (0, Some(0) | None) => String::new(),
        (begin, Some(end)) => format!(", {} to {} ms", ms(begin), ms(end)),
        (begin, None) => format!(", from {} ms on", ms(begin)),
    }
}
