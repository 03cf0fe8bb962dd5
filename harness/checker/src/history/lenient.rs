//! Repairs by rule, for histories that are almost right: what `--lenient` does.
//!
//! Strict reading is the default everywhere; here a history is made to fit instead of refused:
//!
//! - A completion without its invocation (none is open, or of another function or key) is dropped.
//! - Of an operation invoked twice by one process, the first stays open for ever, as if it had
//!   ended in `info`; the process goes on under a new number, counted down from the largest.
//! - Indices that run backwards are raised to what came before: the order is the file's.
//!
//! Each rule forgets something and claims nothing, except that the file is in the order in which
//! things happened. O(1) for each event.

use rustc_hash::FxHashMap;

use crate::event::{EventType, F};
use crate::history::Line;

/// How often each rule was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Repairs {
    /// Completions that were dropped.
    pub dropped: u64,
    /// Operations left open because their process invoked another.
    pub left_open: u64,
    /// Events whose index was raised.
    pub reordered: u64,
}

#[derive(Debug)]
struct Open {
    f: F,
    key: Option<Box<[u8]>>,
}

/// Takes events in the order of a file and hands on what fits together.
#[derive(Debug, Default)]
pub(crate) struct Lenient {
    open: FxHashMap<u64, Open>,
    /// Under which number a process goes on.
    numbers: FxHashMap<u64, u64>,
    new_numbers: u64,
    last: Option<u64>,
    repairs: Repairs,
}

impl Lenient {
    /// How often each rule was used so far.
    pub(crate) fn repairs(&self) -> Repairs {
        self.repairs
    }

    /// The event with a place and a process that fit; none if it is dropped.
    pub(crate) fn line<'a>(&mut self, line: &Line<'a>) -> Option<Line<'a>> {
        let asked = line.process;
        let key = line.key.map(|key| Box::from(key.bytes()));
        match line.r#type {
            EventType::Invoke => {
                if self.open.insert(asked, Open { f: line.f, key }).is_some() {
                    self.numbers.insert(asked, u64::MAX - self.new_numbers);
                    self.new_numbers += 1;
                    self.repairs.left_open += 1;
                }
            }
            _ => match self.open.get(&asked) {
                Some(open) if open.f == line.f && (key.is_none() || open.key == key) => {
                    self.open.remove(&asked);
                }
                _ => {
                    self.repairs.dropped += 1;
                    return None;
                }
            },
        }
        let least = self.last.map_or(0, |index| index + 1);
        let index = line.index.max(least);
        self.repairs.reordered += u64::from(index != line.index);
        self.last = Some(index);
        let process = self.numbers.get(&asked).copied().unwrap_or(asked);
        Some(Line { index, process, ..*line })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Outcome, Reading, Recorder};

    fn event(index: u64, process: u64, r#type: EventType) -> Line<'static> {
        Line {
            index,
            time_ns: None,
            process,
            client: "",
            r#type,
            f: F::Put,
            key: None,
            value: None,
            refused: false,
            has_error: false,
            node: None,
        }
    }

    #[test]
    fn a_history_that_fits_is_left_alone() {
        let mut lenient = Lenient::default();
        for line in [event(0, 1, EventType::Invoke), event(1, 1, EventType::Ok)] {
            assert_eq!(lenient.line(&line).unwrap().index, line.index);
        }
        assert_eq!(lenient.repairs(), Repairs::default());
    }

    #[test]
    fn a_completion_without_its_invocation_is_dropped() {
        let mut lenient = Lenient::default();
        assert!(lenient.line(&event(0, 1, EventType::Ok)).is_none());
        lenient.line(&event(1, 1, EventType::Invoke));
        assert!(lenient.line(&Line { f: F::Get, ..event(2, 1, EventType::Ok) }).is_none());
        assert_eq!(lenient.repairs().dropped, 2);
        assert!(lenient.line(&event(3, 1, EventType::Ok)).is_some());
    }

    #[test]
    fn of_two_invocations_the_first_stays_open() {
        let types = [EventType::Invoke, EventType::Invoke, EventType::Ok, EventType::Invoke];
        let mut recorder = Recorder::reading(Reading { is_lenient: true, ..Reading::default() });
        for (index, r#type) in (0..).zip(types) {
            recorder.line(&event(index, 7, r#type)).unwrap();
        }
        assert_eq!(recorder.repairs().left_open, 1);
        let history = recorder.finish().unwrap();
        let outcomes: Vec<Outcome> = history.operations().iter().map(|op| op.outcome).collect();
        assert_eq!(outcomes, [Outcome::Info, Outcome::Ok, Outcome::Info]);
    }

    #[test]
    fn indices_never_run_backwards() {
        let mut lenient = Lenient::default();
        lenient.line(&event(4, 1, EventType::Invoke));
        assert_eq!(lenient.line(&event(4, 1, EventType::Ok)).unwrap().index, 5);
        assert_eq!(lenient.repairs().reordered, 1);
    }
}
