//! One line of `history.jsonl`: what a client did or learned, as the journal writes it.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

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
    /// Unknown: it may take effect at any later time, or never.
    Info,
}

/// The function of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum F {
    /// Reads a value. Jepsen's `read` is the same.
    #[serde(alias = "read")]
    Get,
    /// Writes a value. Jepsen's `write` is the same.
    #[serde(alias = "write")]
    Put,
    /// Compare-and-set: writes a value if the register holds the expected one.
    Cas,
    /// Appends an element to a list, or text to a string.
    Append,
    /// Adds an element to a set, or an amount to a counter.
    Add,
    /// Puts an element into a queue.
    Enqueue,
    /// Takes an element out of a queue.
    Dequeue,
    /// Takes elements out of a queue until it is empty.
    Drain,
    /// Puts an element on a stack.
    Push,
    /// Takes the topmost element off a stack.
    Pop,
    /// Puts an element into a priority queue.
    Insert,
    /// Takes the least element out of a priority queue.
    DeleteMin,
    /// Takes a lock or lease.
    Acquire,
    /// Gives a lock or lease back.
    Release,
    /// Extends a lease.
    Renew,
    /// Asks for a new id.
    Generate,
    /// Moves money from one account to another.
    Transfer,
    /// Sends something that must come back.
    Echo,
    /// Appends a message to a log.
    Send,
    /// Reads messages of logs, from where the reader stood.
    Poll,
    /// Says up to where messages of logs were worked off.
    Commit,
    /// Asks up to where they were.
    Committed,
}

impl F {
    /// All functions by their names in histories. Where there are two, the first is the one that is
    /// shown.
    pub const NAMES: [(&'static str, F); 24] = [
        ("get", F::Get),
        ("read", F::Get),
        ("put", F::Put),
        ("write", F::Put),
        ("cas", F::Cas),
        ("append", F::Append),
        ("add", F::Add),
        ("enqueue", F::Enqueue),
        ("dequeue", F::Dequeue),
        ("drain", F::Drain),
        ("push", F::Push),
        ("pop", F::Pop),
        ("insert", F::Insert),
        ("delete-min", F::DeleteMin),
        ("acquire", F::Acquire),
        ("release", F::Release),
        ("renew", F::Renew),
        ("generate", F::Generate),
        ("transfer", F::Transfer),
        ("echo", F::Echo),
        ("send", F::Send),
        ("poll", F::Poll),
        ("commit", F::Commit),
        ("committed", F::Committed),
    ];

    /// The name in a history file.
    pub fn name(self) -> &'static str {
        F::NAMES.iter().find(|(_, f)| *f == self).map_or("", |(name, _)| name)
    }

    /// The function of that name.
    pub fn named(name: &str) -> Option<F> {
        F::of_bytes(name.as_bytes())
    }

    /// The same of a name that need not be a text.
    pub(crate) fn of_bytes(name: &[u8]) -> Option<F> {
        F::NAMES.iter().find(|(known, _)| known.as_bytes() == name).map(|&(_, f)| f)
    }

    /// Whether it is called for its answer.
    pub fn only_asks(self) -> bool {
        matches!(
            self,
            F::Get
                | F::Dequeue
                | F::Drain
                | F::Pop
                | F::DeleteMin
                | F::Generate
                | F::Poll
                | F::Committed
        )
    }

    /// Whether it is given nothing.
    pub(crate) fn takes_nothing(self) -> bool {
        self.only_asks() && !matches!(self, F::Poll | F::Committed)
    }

    /// The names that a history may use, as a list for people.
    pub(crate) fn all_names() -> String {
        F::NAMES.map(|(name, _)| name).join(", ")
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
    /// The client's id, for people.
    #[serde(borrow)]
    pub client: Cow<'a, str>,
    /// What happened.
    pub r#type: EventType,
    /// Which function.
    pub f: F,
    /// The key it works on; empty where there is only one object.
    #[serde(borrow, deserialize_with = "text_or_nothing")]
    pub key: Cow<'a, str>,
    /// What is written; or, in the `ok` of a get, what was read. What is no text is read as its JSON.
    #[serde(borrow, deserialize_with = "any_value")]
    pub value: Option<Cow<'a, str>>,
    /// The replica that answered, or was asked.
    pub node: Option<Cow<'a, str>>,
    /// Why it failed or stayed unknown.
    pub error: Option<Cow<'a, str>>,
}

/// A text that borrows where it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn text_or_nothing<'de, D: Deserializer<'de>>(from: D) -> Result<Cow<'de, str>, D::Error> {
    Ok(Option::<Text<'de>>::deserialize(from)?.map_or(Cow::Borrowed(""), |text| text.0))
}

fn any_value<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Cow<'de, str>>, D::Error> {
    let Some(raw) = Option::<&RawValue>::deserialize(from)? else { return Ok(None) };
    if raw.get().starts_with('"') {
        let text: Text<'de> = serde_json::from_str(raw.get()).map_err(serde::de::Error::custom)?;
        return Ok(Some(text.0));
    }
    Ok(Some(Cow::Borrowed(raw.get())))
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
