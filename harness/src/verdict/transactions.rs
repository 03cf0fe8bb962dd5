//! Does a history of transactions keep the isolation level asked for? And did they meet at all?

use checker::transactional::{
    Evidence, Explanation, Found, Level, Outcome, Standing as LevelStanding, Transactions, explain,
};

use super::{Answer, AnswerKind, Question, Standing};
use crate::text::counted;

/// The answer about safety, with the explanation of what refutes the level, if anything does.
pub fn safety(
    transactions: &Transactions,
    outcome: &Outcome,
    level: Level,
) -> (Answer, Option<Explanation>) {
    let name = level.name();
    let count = counted(outcome.evidence.committed, "committed transaction");
    match outcome.standing(level) {
        LevelStanding::Kept => {
            let others = match outcome.found.first() {
                None => String::new(),
                Some(found) => format!("; {}", kept_until(outcome, found)),
            };
            let keep = if outcome.evidence.committed == 1 { "keeps" } else { "keep" };
            let sentence = format!("{count} {keep} {name}{others}");
            let kind = AnswerKind::KeepsLevel(level);
            (Answer::new(Question::Safety, Standing::Valid, kind, sentence), None)
        }
        LevelStanding::Refuted(place) => {
            let found = &outcome.found[*place];
            let explanation = explain(transactions, outcome, found, level);
            let kind = AnswerKind::Isolation(found.anomaly);
            let do_not = if outcome.evidence.committed == 1 { "does not" } else { "do not" };
            let sentence = format!("{count} {do_not} keep {name}: {}", found.anomaly.name());
            let details = details(outcome, &explanation);
            let answer = Answer::new(Question::Safety, Standing::Invalid, kind, sentence);
            (answer.with_details(details), Some(explanation))
        }
        LevelStanding::Undecided(why) => {
            let why = explain::undecided(transactions, why);
            let sentence = format!("{name} is undecided: {why}");
            let answer =
                Answer::new(Question::Safety, Standing::Unknown, AnswerKind::Undecided, sentence);
            (answer.with_details(levels(outcome)), None)
        }
    }
}

/// That the budget was spent on reading.
pub fn cut(sentence: &str) -> Answer {
    Answer::new(Question::Safety, Standing::Unknown, AnswerKind::Undecided, sentence)
}

/// Whether the history shows anything: whether transactions saw or overwrote one another.
pub fn evidence(outcome: &Outcome, safety: &Answer) -> Answer {
    let Evidence { committed, unknown_seen, unknown_unseen, failed, ww, wr, rw } = outcome.evidence;
    if outcome.is_vacuous() {
        let sentence = match committed {
            0 => "no transaction committed, so there was nothing to check".to_owned(),
            1 => "only one transaction committed, so any level is kept".to_owned(),
            _ => format!(
                "no two of {committed} committed transactions met: none read or wrote over what another one \
                 wrote, so any level is kept"
            ),
        };
        return Answer::new(Question::Evidence, Standing::Unknown, AnswerKind::Vacuous, sentence);
    }
    if safety.standing == Standing::Unknown {
        return unfinished(safety);
    }
    let sentence = format!(
        "{ww} ww, {wr} wr and {rw} rw dependencies between {}; {} failed; of unknown outcome {} seen \
         and {} not",
        counted(committed, "committed transaction"),
        failed,
        unknown_seen,
        unknown_unseen
    );
    Answer::new(Question::Evidence, Standing::Valid, AnswerKind::Sufficient, sentence)
}

/// That the answer about safety is open.
pub fn unfinished(safety: &Answer) -> Answer {
    let sentence = format!("the checker did not finish: {}", safety.sentence);
    Answer::new(Question::Evidence, Standing::Unknown, AnswerKind::Undecided, sentence)
}

fn kept_until(outcome: &Outcome, found: &Found) -> String {
    let strongest = names(&outcome.strongest());
    let not = names(&outcome.not());
    format!("the strongest kept is {strongest}; not kept is {not} ({})", found.anomaly.name())
}

fn names(levels: &[Level]) -> String {
    if levels.is_empty() {
        return "none".to_owned();
    }
    levels.iter().map(|level| level.name()).collect::<Vec<_>>().join(", ")
}

fn details(outcome: &Outcome, explanation: &Explanation) -> Vec<String> {
    let mut lines: Vec<String> = explanation
        .transactions
        .iter()
        .map(|it| {
            let events = match it.complete_index {
                Some(end) => format!("events {} and {end}", it.invoke_index),
                None => format!("event {}", it.invoke_index),
            };
            format!(
                "{}: process {}, {}, {} ({events})",
                it.name, it.process, it.operations, it.outcome
            )
        })
        .collect();
    let edge = |it: &checker::transactional::explain::Edge| {
        format!("{} before {} ({}): {}", it.from, it.to, it.kind, it.sentence)
    };
    lines.extend(explanation.edges.iter().map(edge));
    lines.push(explanation.why.clone());
    if explanation.confirmed == Some(true) {
        lines
            .push("an independent check of all orders of these transactions finds none".to_owned());
    } else if !explanation.edges.is_empty() {
        lines.push("not confirmed by trying all orders: too many transactions".to_owned());
    }
    lines.extend(levels(outcome));
    lines
}

/// How the other levels stand.
fn levels(outcome: &Outcome) -> Vec<String> {
    let undecided = checker::transactional::explain::Levels::of(outcome).undecided;
    let lines = [
        ("not", outcome.not()),
        ("also not", outcome.also_not()),
        ("undecided", undecided),
        ("strongest kept", outcome.strongest()),
    ];
    let lines = lines.into_iter().filter(|it| !it.1.is_empty());
    lines.map(|(what, levels)| format!("{what}: {}", names(&levels))).collect()
}
