//! One line of `history.jsonl`: what a client did or learned, as the journal writes it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// What an event says about its operation, in Jepsen's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventType {
    /// The client sent the operation.
    Invoke,
    /// It was answered: it took effect between its invocation and here.
    Ok,
    /// It certainly did not, and never will, take effect.
    Fail,
    /// Nobody knows: it may take effect at any later time, or never.
    Info,
}

/// The function of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum F {
    /// Reads a value. Jepsen's `read` is the same.
    #[serde(alias = "read")]
    Get,
    /// Writes a value. Jepsen's `write` is the same.
    #[serde(alias = "write")]
    Put,
    /// Compare-and-set: writes a value if the register holds the expected one.
    Cas,
    /// Appends text to a string.
    Append,
}

impl F {
    /// The name in a history file.
    pub fn name(self) -> &'static str {
        match self {
            F::Get => "get",
            F::Put => "put",
            F::Cas => "cas",
            F::Append => "append",
        }
    }
}

/// One line of `history.jsonl` after its header. The order of the fields is that of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event<'a> {
    /// The place in the total order of events; strictly increasing.
    pub index: u64,
    /// Nanoseconds since the start of the run; never decreasing.
    pub time_ns: u64,
    /// The logical, single-threaded caller. A client whose operation ended in `info` goes on
    /// under a new number.
    pub process: u64,
    /// Who called, for people: the client's id.
    #[serde(borrow)]
    pub client: Cow<'a, str>,
    /// What happened.
    pub r#type: EventType,
    /// Which function.
    pub f: F,
    /// The key it works on.
    #[serde(borrow)]
    pub key: Cow<'a, str>,
    /// What is written; or, in the `ok` of a get, what was read.
    pub value: Option<Cow<'a, str>>,
    /// The replica that answered, or was asked.
    pub node: Option<Cow<'a, str>>,
    /// Why it failed or stayed unknown.
    pub error: Option<Cow<'a, str>>,
}

impl Event<'_> {
    /// The same event with strings of its own.
    pub fn into_owned(self) -> Event<'static> {
        Event {
            index: self.index,
            time_ns: self.time_ns,
            process: self.process,
            client: Cow::Owned(self.client.into_owned()),
            r#type: self.r#type,
            f: self.f,
            key: Cow::Owned(self.key.into_owned()),
            value: self.value.map(|text| Cow::Owned(text.into_owned())),
            node: self.node.map(|text| Cow::Owned(text.into_owned())),
            error: self.error.map(|text| Cow::Owned(text.into_owned())),
        }
    }
}
