//! The explanation as text: sections of sentences.

use checker::event::F;
use checker::{Datum, ModelName, Outcome, Verdict, Witness, WitnessOperation};

use super::evidence::Evidence;
use super::{answers, leaders, mistake, surroundings};
use crate::time::RunTime;
use crate::verdict::{Question, Standing};

/// What a run's verdict means.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Explanation {
    /// The anomaly and what it means, in a sentence or two.
    pub short: String,
    /// The whole.
    pub sections: Vec<Section>,
}

/// A heading with its sentences, one a line; a line that begins with two spaces belongs to the one
/// before it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Section {
    /// The heading.
    pub title: &'static str,
    /// The sentences.
    pub lines: Vec<String>,
}

/// What the model promises.
fn promise(model: ModelName) -> String {
    let object = match model {
        ModelName::Kv => "Each key behaves like a single variable that is empty at first.",
        ModelName::Register => "Each register behaves like a single variable that is nil at first.",
        ModelName::CasRegister => {
            "Each register behaves like a single variable that is nil at first. A compare-and-set \
             changes it only if it holds the expected value."
        }
        ModelName::ListRegister => "Each key behaves like a single list that is empty at first.",
        other => {
            let info = other.info();
            return format!(
                "The model `{}`: {}. A valid verdict proves {}. It misses {}.",
                info.name, info.promise, info.proves, info.misses
            );
        }
    };
    format!(
        "{object} Every operation takes effect at one moment between its invocation and its answer, \
         so a read returns the value of the last write before it (linearizability). An operation \
         without an answer may take effect at any later time, or never."
    )
}

/// Explains what the evidence shows.
pub fn tell(evidence: &Evidence) -> Explanation {
    let mut sections =
        vec![Section { title: "What was promised", lines: vec![promise(evidence.model)] }];
    let mut short = match &evidence.report.verdict {
        Verdict::Invalid(witness) => {
            sections.extend(counterexample(witness, evidence));
            let mistake = mistake::of(witness);
            let on_key = on_key(witness);
            if on_key.is_empty() {
                format!("{}: {}.", mistake.name, mistake.meaning)
            } else {
                format!(
                    "{}: {}: {}.",
                    on_key.trim_start().replacen('o', "O", 1),
                    mistake.name,
                    mistake.meaning
                )
            }
        }
        Verdict::Unknown(reason) => {
            let lines = vec![format!("{}.", reason.explanation)];
            sections.push(Section { title: "Not decided", lines });
            reason.explanation.clone()
        }
        Verdict::Valid => String::new(),
    };
    if let Some(why) = attributed_to_host(evidence) {
        short = format!("Attributed to the host: {why}. {short}");
        sections.insert(
            1,
            Section {
                title: "Attributed to the host",
                lines: vec![format!("The host caused this, not a replica: {why}.")],
            },
        );
    }
    let bad: Vec<_> = evidence
        .answers
        .iter()
        .filter(|answer| answer.standing != Standing::Valid && answer.question != Question::Safety)
        .collect();
    for answer in &bad {
        let mut lines = vec![
            format!(
                "{} ({}): {}.",
                answer.question.name(),
                answer.kind,
                answer.sentence.trim_end_matches('.')
            ),
            answers::meaning(answer).to_owned(),
        ];
        lines.extend(answer.details.iter().map(|detail| format!("  {detail}")));
        if answer.question == Question::Process {
            lines.extend(last_words(evidence));
        }
        if answer.question == Question::Evidence {
            lines.extend(not_applied(evidence));
        }
        if answer.question == Question::Liveness {
            lines.extend(leaders_at_the_end(evidence));
        }
        if short.is_empty() {
            short =
                format!("{}: {}.", answer.question.name(), answer.sentence.trim_end_matches('.'));
        }
        let is_first = sections.len() == 1;
        let title = if is_first { "What went wrong" } else { "What else went wrong" };
        sections.push(Section { title, lines });
    }
    if short.is_empty() {
        "The run kept its promise.".clone_into(&mut short);
    }
    sections.push(what_was_shown(evidence));
    Explanation { short, sections }
}

/// Why an anomaly is attributed to the host.
fn attributed_to_host(evidence: &Evidence) -> Option<&str> {
    let safety = evidence.answers.iter().find(|answer| answer.question == Question::Safety)?;
    safety.attributed_to_host.as_deref()
}

impl Explanation {
    /// As plain text for people.
    pub fn text(&self, width: usize) -> String {
        let mut text = String::new();
        for section in &self.sections {
            text += section.title;
            text.push('\n');
            for line in &section.lines {
                for part in crate::text::wrap(&format!("  {}", crate::text::escape(line)), width) {
                    text += &part;
                    text.push('\n');
                }
            }
            text.push('\n');
        }
        text
    }
}

/// ` on key "x"`, or nothing in a history without keys.
fn on_key(witness: &Witness) -> String {
    if witness.key.is_empty() { String::new() } else { format!(" on key {:?}", witness.key) }
}

fn counterexample(witness: &Witness, evidence: &Evidence) -> Vec<Section> {
    let claims = evidence.leaders.as_deref().unwrap_or_default();
    let mut lines = vec![format!("These operations{} cannot all be true:", on_key(witness))];
    for (n, operation) in witness.operations.iter().enumerate() {
        lines.push(format!("  {}. {}", n + 1, told(operation)));
        let node = operation.node.as_deref().filter(|_| operation.outcome == Outcome::Ok);
        let at = operation.complete_ns.unwrap_or(operation.invoke_ns);
        if let Some(node) = node
            && let Some(claim) = leaders::claim_at(claims, node, at)
        {
            lines.push(format!("     {node} {claim} when it answered."));
        }
    }
    let sentence = numbered(&witness.explanation, &witness.operations);
    lines.push(format!("{}.", sentence.trim_end_matches('.')));
    if evidence.report.invalid_keys > 1 {
        lines.push(format!(
            "{} keys have an anomaly; this is the first.",
            evidence.report.invalid_keys
        ));
    }
    let mistake = mistake::of(witness);
    let kind = vec![
        format!("{}: {}.", mistake.name, mistake.meaning),
        format!("Check first: {}.", mistake.check),
    ];
    let mut sections = vec![
        Section { title: "What went wrong", lines },
        Section { title: "Likely cause", lines: kind },
    ];
    let Some(window) = evidence.window() else { return sections };
    if let Some(claims) = &evidence.leaders {
        let lines = leaders::sentences(claims, window);
        sections.push(Section { title: "Leadership claims", lines });
        let lines = surroundings::faults(&evidence.faults, window);
        sections.push(Section { title: "Faults in this window", lines });
    }
    if let Some(lost) = &evidence.lost {
        let lines = surroundings::losses(lost);
        sections.push(Section { title: "Messages lost in this window", lines });
    }
    sections
}

/// The checker's sentence stands alone: after each operation it gives the client and the time, in brackets. Here
/// the operations that are listed above go by their numbers.
fn numbered(sentence: &str, operations: &[WitnessOperation]) -> String {
    let mut text = String::new();
    let mut rest = sentence;
    while let Some(begin) = ["(client ", "(process "].iter().filter_map(|it| rest.find(it)).min()
        && let Some(length) = rest[begin..].find(')')
    {
        let (before, from_here) = rest.split_at(begin);
        let (bracket, after) = from_here.split_at(length + 1);
        let is_it = |operation: &WitnessOperation| {
            let process = format!("process {}", operation.process);
            let ns = operation.invoke_ns;
            let begun = format!("{}.{:03} ", ns / 1_000_000, ns / 1_000 % 1_000);
            let mut words = bracket.trim_matches(['(', ')']).split(", ");
            words.any(|word| word == process) && bracket.contains(&format!(" {begun}"))
        };
        text += before;
        match operations.iter().position(is_it) {
            Some(n) => text.extend(["(operation ", &(n + 1).to_string(), ")"]),
            None => text += bracket,
        }
        rest = after;
    }
    text + rest
}

fn told(operation: &WitnessOperation) -> String {
    let who = match operation.client.as_str() {
        "" => format!("process {}", operation.process),
        client => format!("client {client}"),
    };
    let shown = |datum: &Option<Datum>| datum.as_ref().map(Datum::to_string).unwrap_or_default();
    let value = shown(&operation.value);
    let is_nothing = matches!(&operation.value, Some(Datum::Text(text)) if text.is_empty());
    let what = match (operation.f, operation.outcome) {
        (F::Get, Outcome::Ok) if is_nothing => "found no value".to_owned(),
        (F::Get, Outcome::Ok) => format!("read {value}"),
        (F::Get, _) => "asked for the value".to_owned(),
        (F::Put, _) => format!("wrote {value}"),
        (F::Append, _) => format!("appended {value}"),
        (F::Cas, _) => {
            let expected = shown(&operation.expected);
            let refused = if operation.refused { ", and was refused" } else { "" };
            format!("swapped {expected} for {value}{refused}")
        }
        _ => {
            let answer = operation.answer.as_ref().map(|answer| format!(", answered {answer}"));
            format!("{} {value}{}", operation.name, answer.unwrap_or_default())
        }
    };
    let node = operation.node.as_deref();
    let by = match (operation.outcome, node) {
        (Outcome::Ok, Some(node)) => format!(", answered by {node}"),
        (Outcome::Ok, None) => String::new(),
        (_, Some(node)) => format!(", never answered (last asked: {node})"),
        (_, None) => ", never answered".to_owned(),
    };
    let when = match (operation.invoke_ns, operation.complete_ns) {
        (0, Some(0) | None) => match operation.complete_index {
            Some(end) => format!(", events {} to {end}", operation.invoke_index),
            None => format!(", event {}", operation.invoke_index),
        },
        (begin, Some(end)) => format!(", from {} to {}", fine(begin), fine(end)),
        (begin, None) => format!(", begun at {}", fine(begin)),
    };
    format!("{who} {what}{by}{when}")
}

/// Seconds with microseconds: two operations may be closer than a millisecond.
fn fine(ns: u64) -> String {
    format!("{}.{:06} s", ns / 1_000_000_000, ns / 1_000 % 1_000_000)
}

fn last_words(evidence: &Evidence) -> Vec<String> {
    let mut lines = Vec::new();
    for words in &evidence.last_words {
        lines.push(if words.lines.is_empty() {
            format!("{} wrote nothing on standard error.", words.id)
        } else {
            format!("The last lines that {} wrote on standard error:", words.id)
        });
        lines.extend(words.lines.iter().map(|line| format!("    {line}")));
    }
    lines
}

fn not_applied(evidence: &Evidence) -> Vec<String> {
    let planned = evidence.faults.len();
    let missed = evidence.faults.iter().filter(|fault| fault.applied_ns.is_none()).count();
    let count =
        (missed > 0).then(|| format!("{missed} of {planned} planned faults were never injected."));
    count.into_iter().collect()
}

fn leaders_at_the_end(evidence: &Evidence) -> Vec<String> {
    let Some(claims) = &evidence.leaders else { return Vec::new() };
    let leaderships = leaders::leaderships(claims);
    let open: Vec<String> = leaderships
        .iter()
        .filter(|leadership| leadership.until_ns.is_none())
        .map(|leadership| format!("{} (since {})", leadership.leader, RunTime(leadership.from_ns)))
        .collect();
    vec![match open.as_slice() {
        [] => "At the end no living replica claimed leadership.".to_owned(),
        [one] => format!("At the end {one} claimed leadership."),
        many => format!("At the end several replicas claimed leadership: {}.", many.join(", ")),
    }]
}

fn what_was_shown(evidence: &Evidence) -> Section {
    let mut lines: Vec<String> = evidence.answers.iter().filter_map(answers::shown).collect();
    if evidence.answers.is_empty() {
        let keys = evidence.report.keys.len();
        if matches!(evidence.report.verdict, Verdict::Valid) {
            lines.push(format!(
                "safety: {} operations on {keys} {} linearizable.",
                evidence.report.operations,
                if keys == 1 { "key are" } else { "keys are" }
            ));
        }
        lines.push(if evidence.leaders.is_none() {
            "This is only a history: nothing is known of processes, faults and messages.".to_owned()
        } else {
            "The run has no verdict.json: its harness was killed before it could write one."
                .to_owned()
        });
    }
    if matches!(evidence.report.verdict, Verdict::Valid) {
        let injected = evidence.faults.iter().filter(|fault| fault.applied_ns.is_some()).count();
        lines.push(format!(
            "This does not show that the program is correct. It kept its promise in one run of {} \
             operations and {injected} injected faults. Another seed, or another timing, may show more.",
            evidence.report.operations
        ));
    }
    Section { title: "What this run shows, and what it does not", lines }
}

#[cfg(test)]
mod tests;
