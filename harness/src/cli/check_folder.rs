//! The folder of a run tells more than its history: whether the run itself showed enough.

use std::path::Path;

use crate::explain::evidence::read_answers;
use crate::verdict::{Answer, AnswerKind, Question, Standing};

/// The answer about the evidence in `path`: `of_history`, unless `path` is the folder of a run that
/// was vacuous by its own verdict. A history alone does not tell which faults no client saw.
pub fn evidence(path: &Path, of_history: Answer) -> Answer {
    if !path.is_dir() || of_history.kind == AnswerKind::Vacuous {
        return of_history;
    }
    let answers = read_answers(path).unwrap_or_else(|error| {
        // The history can be judged all the same.
        eprintln!("harness: {error}; it is unknown whether the run itself was vacuous");
        Vec::new()
    });
    let stored = answers
        .into_iter()
        .find(|it| it.question == Question::Evidence && it.kind == AnswerKind::Vacuous);
    match stored {
        None => of_history,
        Some(stored) => Answer {
            question: Question::Evidence,
            standing: Standing::Unknown,
            kind: AnswerKind::Vacuous,
            sentence: format!("the run itself was vacuous: {}", stored.sentence),
            details: stored.details,
            attributed_to_host: None,
        },
    }
}
