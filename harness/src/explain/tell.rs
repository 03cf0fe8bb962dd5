//! The explanation as text: sections of sentences.

use checker::{ModelName, Outcome, Verdict, Witness};

use super::evidence::Evidence;
use super::leaders::{Claim, View};
use super::operation::told;
use super::{answers, leaders, mistake, silence, surroundings};
use crate::ids::NodeId;
use crate::text::{counted, was};
use crate::verdict::{Answer, AnswerKind, Question, Standing, history_evidence, safety};

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
    let of_host = attributed_to_host(evidence);
    let mut short = match &evidence.report.verdict {
        Verdict::Invalid(witness) => {
            sections.extend(counterexample(witness, evidence, of_host));
            match of_host {
                Some(why) => format!(
                    "Attributed to the host: {why}. The anomaly says nothing about the replicas."
                ),
                None => mistake_in_short(witness, evidence),
            }
        }
        Verdict::Unknown(reason) => {
            let lines = vec![format!("{}.", reason.explanation)];
            sections.push(Section { title: "Not decided", lines });
            reason.explanation.clone()
        }
        Verdict::Valid => String::new(),
    };
    let bad: Vec<&Answer> = evidence
        .answers
        .iter()
        .filter(|it| it.standing != Standing::Valid && it.question != Question::Safety)
        .collect();
    for answer in &bad {
        if short.is_empty() {
            short =
                format!("{}: {}.", answer.question.name(), answer.sentence.trim_end_matches('.'));
        }
        let is_first = sections.len() == 1;
        let title = if is_first { "What went wrong" } else { "What else went wrong" };
        sections.push(Section { title, lines: of_answer(answer, evidence) });
    }
    if short.is_empty() {
        short = match vacuous(evidence) {
            _ if evidence.report.answered == 0 => {
                "No operation was answered, so nothing was shown.".to_owned()
            }
            Some(why) => format!("{}: {why}.", Question::Evidence.name()),
            None => "No anomaly was found.".to_owned(),
        };
    }
    sections.push(what_was_shown(evidence));
    Explanation { short, sections }
}

fn mistake_in_short(witness: &Witness, evidence: &Evidence) -> String {
    let mistake = mistake::of(witness, evidence);
    let (name, meaning) = (mistake.name, mistake.meaning);
    if witness.key.is_empty() {
        format!("{name}: {meaning}.")
    } else {
        format!("On key {:?}: {name}: {meaning}.", witness.key)
    }
}

/// An answer that is not good, besides safety.
fn of_answer(answer: &Answer, evidence: &Evidence) -> Vec<String> {
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
    match answer.question {
        Question::Process => lines.extend(last_words(evidence)),
        Question::Evidence => lines.extend(not_applied(evidence)),
        Question::Liveness if answer.kind == AnswerKind::Unanswered => {
            lines.extend(silence::sentences(evidence));
        }
        Question::Liveness | Question::Safety | Question::Durability | Question::Environment => {}
    }
    lines
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

fn counterexample(witness: &Witness, evidence: &Evidence, of_host: Option<&str>) -> Vec<Section> {
    let claims = evidence.leaders.as_deref().unwrap_or_default();
    let mut lines = vec![match witness.operations.len() {
        1 => format!("This operation{} cannot be true:", on_key(witness)),
        _ => format!("These operations{} cannot all be true:", on_key(witness)),
    }];
    for (n, operation) in witness.operations.iter().enumerate() {
        let is_refused =
            operation.complete_index.is_some_and(|index| evidence.refused.contains(&index));
        lines.push(format!("  {}. {}", n + 1, told(operation, is_refused)));
        let node = operation.node.as_deref().filter(|_| operation.outcome == Outcome::Ok);
        let at = operation.complete_ns.unwrap_or(operation.invoke_ns);
        if let Some(node) = node.and_then(|node| node.parse::<NodeId>().ok())
            && let Some(claim) = Claim::at(claims, evidence.candidacies(), node, at)
        {
            lines.push(format!("     {node} {} when it answered.", claim.words()));
        }
    }
    lines.push(format!("{}.", witness.explanation.trim_end_matches('.')));
    lines.extend(heard(witness, evidence));
    if evidence.report.invalid_keys > 1 {
        lines.push(format!(
            "{} keys have an anomaly. This is the first of them.",
            evidence.report.invalid_keys
        ));
    }
    let mut sections = vec![Section { title: "What went wrong", lines }];
    if let Some(why) = of_host {
        let lines = vec![
            format!("The host caused this: {why}."),
            "So the anomaly says nothing about the replicas.".to_owned(),
        ];
        sections.push(Section { title: "Attributed to the host", lines });
    } else {
        let mistake = mistake::of(witness, evidence);
        let lines = vec![
            format!("{}: {}.", mistake.name, mistake.meaning),
            format!("Check first: {}.", mistake.check),
        ];
        sections.push(Section { title: "Likely cause", lines });
    }
    let Some(window) = evidence.window() else { return sections };
    let replicas = evidence.replicas_of_witness();
    if let Some(claims) = &evidence.leaders {
        let view = View { window, replicas: &replicas, candidacies: evidence.candidacies() };
        let lines = leaders::sentences(claims, view);
        sections.push(Section { title: "Leadership claims", lines });
        let lines = surroundings::faults(&evidence.faults, &evidence.on_links, window);
        sections.push(Section { title: "Faults in this window", lines });
    }
    if let Some(messages) = &evidence.messages {
        let lines = surroundings::losses(&messages.lost, &replicas);
        sections.push(Section { title: "Messages lost in this window", lines });
    }
    sections
}

/// Whether the replica that answered a late read asked the others.
fn heard(witness: &Witness, evidence: &Evidence) -> Vec<String> {
    let heard = evidence.messages.as_ref().and_then(|messages| messages.heard.as_ref());
    match (witness.late, heard) {
        (Some(late), Some(heard)) => heard.sentences(late.read + 1, late.newer + 1),
        _ => Vec::new(),
    }
}

fn last_words(evidence: &Evidence) -> Vec<String> {
    let mut lines = Vec::new();
    for words in &evidence.last_words {
        let (id, path) = (words.id, words.path.display());
        let Some(cause) = &words.cause else {
            lines.push(format!("{id} wrote nothing on standard error."));
            continue;
        };
        lines.push(format!("{id} ended with: {cause}"));
        lines.push(format!("The last lines of its log, {path}:"));
        lines.extend(words.lines.iter().map(|line| format!("    {line}")));
    }
    lines
}

fn not_applied(evidence: &Evidence) -> Vec<String> {
    let planned = evidence.faults.len();
    let missed = evidence.faults.iter().filter(|fault| fault.applied_ns.is_none()).count();
    let line = || format!("{missed} of {planned} planned faults {} never injected.", was(missed));
    (missed > 0).then(line).into_iter().collect()
}

/// Why a run or history shows too little to say anything; `None` if it shows enough.
fn vacuous(evidence: &Evidence) -> Option<String> {
    let of_history = || history_evidence(&evidence.report, &safety::answer(&evidence.report));
    let of_run = evidence.answers.iter().find(|it| it.question == Question::Evidence);
    let answer = of_run.cloned().unwrap_or_else(of_history);
    (answer.kind == AnswerKind::Vacuous).then(|| answer.sentence.trim_end_matches('.').to_owned())
}

fn what_was_shown(evidence: &Evidence) -> Section {
    let mut lines: Vec<String> = evidence.answers.iter().filter_map(answers::shown).collect();
    let is_valid = matches!(evidence.report.verdict, Verdict::Valid);
    if evidence.answers.is_empty() {
        if is_valid {
            let answer = safety::answer(&evidence.report);
            lines.push(format!("safety: {}.", answer.sentence));
        }
        lines.push(if evidence.leaders.is_none() {
            "This is only a history: nothing is known of processes, faults and messages.".to_owned()
        } else {
            "The run has no verdict.json: its harness was killed before it could write one."
                .to_owned()
        });
    }
    if evidence.report.answered == 0 {
        lines.push("No operation was answered, so this says nothing about the program.".to_owned());
    } else if let Some(why) = vacuous(evidence) {
        lines.push(format!("This says nothing about the program: {why}."));
    } else if is_valid {
        let operations = counted(evidence.report.operations, "operation");
        let injected = evidence.faults.iter().filter(|fault| fault.applied_ns.is_some()).count();
        let of = match (evidence.answers.is_empty(), injected) {
            (true, 0) => format!("a history of {operations}"),
            (false, 0) => format!("one run of {operations} without faults"),
            (_, injected) => {
                format!("one run of {operations} and {}", counted(injected, "injected fault"))
            }
        };
        lines.push(format!(
            "This does not show that the program is correct. It shows no anomaly in {of}. Another seed, or \
             another timing, may show more."
        ));
    }
    Section { title: "What this run shows, and what it does not", lines }
}

#[cfg(test)]
mod tests;
