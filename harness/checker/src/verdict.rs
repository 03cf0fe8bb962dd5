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
