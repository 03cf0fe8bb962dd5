//! How many replicas have to be able to know of a put before it is acknowledged.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What the system under test promises of a put that it acknowledges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Promise {
    /// More than half of all replicas hold it.
    #[default]
    Majority,
    /// So many replicas hold it, the one that acknowledges among them.
    Any(usize),
    /// Nothing: it is not asked.
    Off,
}

impl Promise {
    /// How many of `replicas` have to be able to know of a put; `None`: it is not asked.
    pub fn required(self, replicas: usize) -> Option<usize> {
        match self {
            Self::Majority => Some(replicas / 2 + 1),
            Self::Any(count) => Some(count),
            Self::Off => None,
        }
    }
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Majority => f.write_str("majority"),
            Self::Any(count) => write!(f, "any:{count}"),
            Self::Off => f.write_str("off"),
        }
    }
}

impl FromStr for Promise {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let count = text.strip_prefix("any:").and_then(|count| count.parse().ok());
        match (text, count) {
            ("majority", _) => Ok(Self::Majority),
            ("off", _) => Ok(Self::Off),
            (_, Some(count)) if count > 0 => Ok(Self::Any(count)),
            _ => Err("allowed: `majority`, `any:N` with N from 1 on, or `off`".to_owned()),
        }
    }
}

impl From<Promise> for String {
    fn from(promise: Promise) -> Self {
        promise.to_string()
    }
}

impl TryFrom<String> for Promise {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promise_is_read_back_as_it_is_written() {
        for promise in [Promise::Majority, Promise::Any(2), Promise::Off] {
            assert_eq!(promise.to_string().parse(), Ok(promise));
        }
        for wrong in ["", "any", "any:", "any:0", "any:-1", "Majority", "2"] {
            assert!(wrong.parse::<Promise>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_majority_is_more_than_half() {
        let majorities = [3, 4, 5, 21].map(|replicas| Promise::Majority.required(replicas));
        assert_eq!(majorities, [Some(2), Some(3), Some(3), Some(11)]);
        assert_eq!((Promise::Any(1).required(5), Promise::Off.required(5)), (Some(1), None));
    }
}
