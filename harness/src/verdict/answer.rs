//! An answer as it stands in a `verdict.json` that is read back.

use serde::Deserialize;

use super::Answer;

/// One answer of a verdict.
#[derive(Clone, Debug, Deserialize)]
pub struct AnswerPart {
    /// `safety`, `process`, ...
    pub question: String,
    /// `valid`, `invalid` or `unknown`.
    pub standing: String,
    /// In a word or two.
    pub kind: String,
    /// In a sentence.
    pub sentence: String,
    /// More of it.
    #[serde(default)]
    pub details: Vec<String>,
}

impl From<&Answer> for AnswerPart {
    fn from(answer: &Answer) -> Self {
        Self {
            question: answer.question.name().to_owned(),
            standing: answer.standing.name().to_owned(),
            kind: answer.kind.clone(),
            sentence: answer.sentence.clone(),
            details: answer.details.clone(),
        }
    }
}
