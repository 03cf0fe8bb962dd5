//! How clients talk to a system over HTTP, as data.

use std::collections::BTreeMap;

use checker::F;
use serde::{Deserialize, Serialize};

use super::template::Template;

/// What a client asks, and what it is to make of the answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpClient {
    /// The request of each function.
    pub operations: BTreeMap<F, HttpOperation>,
    /// The statuses that mean that it took effect.
    pub ok: Statuses,
    /// Those that mean that it certainly did not.
    pub fail: Statuses,
    /// Those that mean that another replica is to be asked.
    pub redirects: Statuses,
    /// Where the answer of a redirect names the leader, if not in the header `Location`: a JSON pointer.
    pub leader_pointer: Option<String>,
    /// Headers of each request.
    pub headers: BTreeMap<String, Template>,
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpOperation {
    /// `GET`, `PUT`, ...
    pub method: String,
    /// The path with its query.
    pub path: Template,
    /// The body; `None`: no body.
    pub body: Option<Template>,
    /// Where the answer has the value: a JSON pointer; empty: the whole answer, as JSON. `None`: the whole answer is
    /// the value, a text.
    pub value: Option<String>,
    /// Where the answer says whether it took effect: a JSON pointer to `true` or `false`. `None`: the status says it.
    pub applied: Option<String>,
    /// The statuses that mean that there is no value.
    pub absent: Statuses,
    /// The statuses that mean for this function that it took effect; `None`: as for all.
    pub ok: Option<Statuses>,
    /// The statuses that mean for this function that it did not; `None`: as for all.
    pub fail: Option<Statuses>,
}

/// A set of statuses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Statuses(pub Vec<StatusRange>);

/// From this status to that one, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusRange(pub u16, pub u16);

impl Statuses {
    /// Whether a status is one of them.
    pub fn contains(&self, status: u16) -> bool {
        self.0.iter().any(|range| (range.0..=range.1).contains(&status))
    }
}

impl HttpClient {
    /// What an answer with this status means for an operation, but for redirects and missing values.
    pub fn meaning(&self, operation: &HttpOperation, status: u16) -> Meaning {
        if operation.ok.as_ref().unwrap_or(&self.ok).contains(status) {
            Meaning::Ok
        } else if operation.fail.as_ref().unwrap_or(&self.fail).contains(status) {
            Meaning::Fail
        } else {
            Meaning::Unknown
        }
    }
}

/// What a status means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The operation took effect.
    Ok,
    /// It certainly did not.
    Fail,
    /// It is unknown.
    Unknown,
}
