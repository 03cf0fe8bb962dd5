//! Writing histories: one file per family of formats.
//!
//! [`write`] takes events and writes them in a [`Form`], if the form can hold them; what it cannot hold is an
//! error, never left out. Reading what was written gives an equal history, but for what the form has no
//! place for: names of clients and nodes, times, and the numbers of events where these follow from the
//! order.
//!
//! Here a key is a key and a value is a value, also a value that is a pair: events whose values would be
//! taken for `[key value]` by a reader are refused by the forms in which they would.

mod csv;
mod edn;
mod events;
mod json;
mod survey;

use std::io;

use crate::datum::Datum;
use crate::event::{EventType, F};
use crate::history::{FailedCas, History, Reading};
use crate::models::ModelName;
pub use events::Events;
use survey::Survey;

/// One event, with everything that some format says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The place in the total order of events; strictly increasing.
    pub index: u64,
    /// Nanoseconds of the run.
    pub time_ns: u64,
    /// The logical, single-threaded caller.
    pub process: u64,
    /// The client, for people; may be empty.
    pub client: String,
    /// What happened.
    pub r#type: EventType,
    /// Which function.
    pub f: F,
    /// The key it works on; nil if it has none.
    pub key: Datum,
    /// What is given, or answered; nil if nothing. Of a compare-and-set a list: what it expects, what it
    /// writes.
    pub value: Datum,
    /// In the `ok` of a compare-and-set, that it was answered "holds something else".
    pub refused: bool,
    /// The replica that answered, or was asked.
    pub node: Option<String>,
    /// Why it failed or stayed unknown.
    pub error: Option<String>,
}

/// What a file says of all of its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Heading {
    /// The model, where the form has a place for it.
    pub model: Option<ModelName>,
    /// Whether it says `read` and `write` instead of `get` and `put`.
    pub says_read: bool,
}

impl Heading {
    fn name(self, f: F) -> &'static str {
        match f {
            F::Get if self.says_read => "read",
            F::Put if self.says_read => "write",
            f => f.name(),
        }
    }
}

/// The forms in which histories are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The project's own.
    Jsonl,
    /// Jepsen's `history.edn`: a map an event.
    JepsenEdn,
    /// Knossos's tuples: `[process type f value]`.
    KnossosEdn,
    /// Jepsen's `history.txt`: columns between tabs.
    HistoryTxt,
    /// The log of today's Jepsen.
    JepsenLog,
    /// The log of old Jepsen tests.
    OldJepsenLog,
    /// Jepsen's maps as JSON, one a line.
    JepsenJson,
    /// Porcupine's operations, one a line.
    PorcupineJson,
    /// Porcupine's events, one a line.
    PorcupineEvents,
    /// A row an event.
    Csv,
}

impl Form {
    /// All forms by their names.
    pub const NAMES: [(&'static str, Form); 10] = [
        ("jsonl", Form::Jsonl),
        ("jepsen-edn", Form::JepsenEdn),
        ("knossos-edn", Form::KnossosEdn),
        ("history-txt", Form::HistoryTxt),
        ("jepsen-log", Form::JepsenLog),
        ("old-jepsen-log", Form::OldJepsenLog),
        ("jepsen-json", Form::JepsenJson),
        ("porcupine-json", Form::PorcupineJson),
        ("porcupine-events", Form::PorcupineEvents),
        ("csv", Form::Csv),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Form::NAMES.iter().find(|(_, form)| *form == self).map_or("", |(name, _)| name)
    }

    fn is_of_porcupine(self) -> bool {
        matches!(self, Form::PorcupineJson | Form::PorcupineEvents)
    }

    /// Whether values are written as JSON.
    fn is_json(self) -> bool {
        matches!(self, Form::Jsonl | Form::JepsenJson) || self.is_of_porcupine()
    }

    /// Whether a compare-and-set that was refused is an event that failed and says nothing else.
    fn refuses_by_fail(self) -> bool {
        self != Form::Csv && !self.is_of_porcupine()
    }
}

/// Why events were not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The form has no place for something.
    #[error("event {index}: {form} cannot hold {what}")]
    CannotHold {
        /// The form's name.
        form: &'static str,
        /// The event.
        index: u64,
        /// What it cannot hold.
        what: String,
    },
    /// The output takes no more.
    #[error(transparent)]
    Output(#[from] io::Error),
}

/// Writes events, given in the order of their indices, and returns how the file is to be read to mean the
/// same. They are gone through twice.
pub fn write<E>(
    form: Form,
    heading: Heading,
    events: E,
    out: &mut dyn io::Write,
) -> Result<Reading, WriteError>
where
    E: Iterator<Item = Event> + Clone,
{
    let survey = Survey::of(form, heading, &events)?;
    match form {
        Form::Jsonl => json::journal(heading, &survey, events, out)?,
        Form::JepsenJson => json::jepsen(heading, &survey, events, out)?,
        Form::PorcupineJson => json::operations(heading, &survey, events, out)?,
        Form::PorcupineEvents => json::calls_and_returns(heading, events, out)?,
        Form::JepsenEdn => edn::maps(heading, &survey, events, out)?,
        Form::KnossosEdn => edn::tuples(heading, &survey, events, out)?,
        Form::HistoryTxt => edn::columns(heading, &survey, events, out)?,
        Form::JepsenLog => edn::log(heading, &survey, events, out)?,
        Form::OldJepsenLog => edn::old_log(heading, &survey, events, out)?,
        Form::Csv => csv::rows(heading, &survey, events, out)?,
    }
    let is_refused = survey.has_refused && form.refuses_by_fail() && form != Form::Jsonl;
    let failed_cas = is_refused.then_some(FailedCas::Refused);
    Ok(Reading { failed_cas, ..Reading::default() })
}

/// Writes a history; see [`write`].
pub fn write_history(
    form: Form,
    history: &History,
    model: Option<ModelName>,
    out: &mut dyn io::Write,
) -> Result<Reading, WriteError> {
    let events = Events::of(history).map_err(|index| WriteError::CannotHold {
        form: form.name(),
        index,
        what: "a process that goes on after an unknown outcome".to_owned(),
    })?;
    write(form, Events::heading(history, model), events, out)
}

/// Whether an event is the end of a compare-and-set that was not done, and the form needs to be told so.
fn needs_reason(survey: &Survey, event: &Event) -> bool {
    let is_failed = event.r#type == EventType::Fail && event.f == F::Cas;
    is_failed && survey.has_refused && event.error.is_none()
}

/// The type of an event in a form in which a refused compare-and-set is one that failed.
fn type_of(event: &Event) -> &'static str {
    match event.r#type {
        EventType::Ok if event.refused => "fail",
        EventType::Invoke => "invoke",
        EventType::Ok => "ok",
        EventType::Fail => "fail",
        EventType::Info => "info",
    }
}

/// What is said of a compare-and-set that was not done and gives no reason of its own.
const NOT_DONE: &str = "not done";
