//! Repairs by rule, for histories that are almost right: what `--lenient` does.
//!
//! Strict reading is the default everywhere; here a history is made to fit instead of refused:
//!
//! - A completion without its invocation (none is open, or of another function or key) is dropped.
//! - Of an operation invoked twice by one process, the first stays open for ever, as if it had
//!   ended in `info`; the process goes on under a new number, counted down from the largest.
//! - Time or indices that run backwards are raised to what came before: the order is the file's.
//!
//! Each rule forgets something and claims nothing, except that the file is in the order in which
//! things happened. O(1) for each event.

use rustc_hash::FxHashMap;

use crate::event::EventType;
use crate::history::Entry;

/// How often each rule was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Repairs {
    /// Completions that were dropped.
    pub dropped: u64,
    /// Operations left open because their process invoked another.
    pub left_open: u64,
    /// Events whose time or index was raised.
    pub reordered: u64,
}

/// What an event of any kind says about its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// The place in the total order of events.
    pub index: u64,
    /// Nanoseconds of the run.
    pub time_ns: u64,
    /// The logical, single-threaded caller.
    pub process: u64,
    /// What happened.
    pub r#type: EventType,
    /// The function's name.
    pub f: &'a str,
    /// The key it works on.
    pub key: &'a str,
}

#[derive(Debug)]
struct Open {
    f: String,
    key: String,
}

/// Takes events in the order of a file and hands on what fits together.
#[derive(Debug, Default)]
pub struct Lenient {
    open: FxHashMap<u64, Open>,
    /// Under which number a process goes on.
    numbers: FxHashMap<u64, u64>,
    new_numbers: u64,
    last: Option<(u64, u64)>,
    repairs: Repairs,
}

impl Lenient {
    /// A filter that has seen nothing.
    pub fn new() -> Self {
        Lenient::default()
    }

    /// How often each rule was used so far.
    pub fn repairs(&self) -> Repairs {
        self.repairs
    }

    /// The event with a place, a time and a process that fit; none if it is dropped.
    pub fn entry<'a>(&mut self, entry: &Entry<'a>) -> Option<Entry<'a>> {
        let place = self.place(Place {
            index: entry.index,
            time_ns: entry.time_ns,
            process: entry.process,
            r#type: entry.r#type,
            f: entry.f.name(),
            key: entry.key,
        })?;
        let Place { index, time_ns, process, .. } = place;
        Some(Entry { index, time_ns, process, ..*entry })
    }

    /// The same for the place of an event of any kind.
    pub fn place<'a>(&mut self, place: Place<'a>) -> Option<Place<'a>> {
        let asked = place.process;
        match place.r#type {
            EventType::Invoke => {
                let open = Open { f: place.f.to_owned(), key: place.key.to_owned() };
                if self.open.insert(asked, open).is_some() {
                    self.numbers.insert(asked, u64::MAX - self.new_numbers);
                    self.new_numbers += 1;
                    self.repairs.left_open += 1;
                }
            }
            _ => match self.open.get(&asked) {
                Some(open) if open.f == place.f && open.key == place.key => {
                    self.open.remove(&asked);
                }
                _ => {
                    self.repairs.dropped += 1;
                    return None;
                }
            },
        }
        let (least_index, least_ns) = self.last.map_or((0, 0), |(index, ns)| (index + 1, ns));
        let index = place.index.max(least_index);
        let time_ns = place.time_ns.max(least_ns);
        if (index, time_ns) != (place.index, place.time_ns) {
            self.repairs.reordered += 1;
        }
        self.last = Some((index, time_ns));
        let process = self.numbers.get(&asked).copied().unwrap_or(asked);
        Some(Place { index, time_ns, process, ..place })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Outcome, Recorder};

    fn event(index: u64, time_ns: u64, process: u64, r#type: EventType) -> Place<'static> {
        Place { index, time_ns, process, r#type, f: "put", key: "x" }
    }

    #[test]
    fn a_history_that_fits_is_left_alone() {
        let mut lenient = Lenient::new();
        for event in [event(0, 0, 1, EventType::Invoke), event(1, 5, 1, EventType::Ok)] {
            assert_eq!(lenient.place(event), Some(event));
        }
        assert_eq!(lenient.repairs(), Repairs::default());
    }

    #[test]
    fn a_completion_without_its_invocation_is_dropped() {
        let mut lenient = Lenient::new();
        assert_eq!(lenient.place(event(0, 0, 1, EventType::Ok)), None);
        lenient.place(event(1, 0, 1, EventType::Invoke));
        let other = Place { key: "y", ..event(2, 0, 1, EventType::Ok) };
        assert_eq!(lenient.place(other), None);
        assert_eq!(lenient.repairs().dropped, 2);
        assert!(lenient.place(event(3, 0, 1, EventType::Ok)).is_some());
    }

    #[test]
    fn of_two_invocations_the_first_stays_open() {
        let types = [EventType::Invoke, EventType::Invoke, EventType::Ok, EventType::Invoke];
        let mut lenient = Lenient::new();
        let mut recorder = Recorder::new();
        for (index, r#type) in (0..).zip(types) {
            let place = lenient.place(event(index, index, 7, r#type)).unwrap();
            let entry = Entry {
                index: place.index,
                time_ns: place.time_ns,
                process: place.process,
                client: "",
                r#type,
                f: crate::event::F::Put,
                key: place.key,
                value: Some("1"),
                expected: None,
                refused: false,
                node: None,
            };
            recorder.record(&entry).unwrap();
        }
        let history = recorder.finish();
        let outcomes: Vec<Outcome> = history.operations().iter().map(|op| op.outcome).collect();
        assert_eq!(outcomes, [Outcome::Info, Outcome::Ok, Outcome::Info]);
        assert_eq!(lenient.repairs().left_open, 1);
    }

    #[test]
    fn time_and_indices_never_run_backwards() {
        let mut lenient = Lenient::new();
        lenient.place(event(4, 9, 1, EventType::Invoke));
        let raised = lenient.place(event(4, 3, 1, EventType::Ok)).unwrap();
        assert_eq!((raised.index, raised.time_ns), (5, 9));
        assert_eq!(lenient.repairs().reordered, 1);
    }
}
