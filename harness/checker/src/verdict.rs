//! The three answers, never a boolean.

use crate::budget::Limit;
use crate::witness::Witness;

/// What a proof came to.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Consistent with the model: an order that explains every answer was found.
    Valid,
    /// Not consistent, and here is why.
    Invalid(Box<Witness>),
    /// Not decided, and here is why.
    Unknown(Reason),
}

impl Verdict {
    /// Both together: `Invalid` beats `Unknown` beats `Valid`, and the first of two equals stays.
    #[must_use]
    pub fn join(self, other: Verdict) -> Verdict {
        if other.badness() > self.badness() { other } else { self }
    }

    /// `valid`, `invalid` or `unknown`.
    pub fn name(&self) -> &'static str {
        match self {
            Verdict::Valid => "valid",
            Verdict::Invalid(_) => "invalid",
            Verdict::Unknown(_) => "unknown",
        }
    }

    fn badness(&self) -> u8 {
        match self {
            Verdict::Valid => 0,
            Verdict::Unknown(_) => 1,
            Verdict::Invalid(_) => 2,
        }
    }
}

/// Why something is not decided.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Reason {
    /// The key whose check was given up.
    pub key: String,
    /// What ran out.
    pub limit: Limit,
    /// The most completed operations of the key that some order explained.
    pub placed: usize,
    /// The completed operations of the key.
    pub completed: usize,
    /// All of that in a sentence.
    pub explanation: String,
}

impl Reason {
    /// That a limit was reached, in the same words for all models.
    pub(crate) fn spent(key: String, limit: Limit, placed: usize, completed: usize) -> Self {
        let what = match limit {
            Limit::Steps => "the search took as many steps as it may",
            Limit::Memory => "the check needs more memory than it may take",
            Limit::Stopped => "the check was stopped, as at its deadline",
            Limit::Algorithm => "the algorithm asked for does not fit",
            Limit::Disagreement => "its testers do not agree",
        };
        let of = if key.is_empty() { String::new() } else { format!("key {key:?} is ") };
        let reached = if completed == 0 {
            String::new()
        } else {
            format!(
                "; the first {placed} of {completed} completed operations have an order that explains \
                 them"
            )
        };
        let explanation = format!("{of}undecided: {what}{reached}");
        Reason { key, limit, placed, completed, explanation }
    }

    /// The same for another limit, or with more operations placed.
    pub(crate) fn instead(self, limit: Limit, placed: usize) -> Self {
        Reason::spent(self.key, limit, placed, self.completed)
    }
}
