//! Lines between events that are none.
//!
//! They are counted and shown, never dropped silently. What belongs to nothing, neither to the entry of
//! a log before it nor to the error of an event, makes up at most one line in a hundred of a history.

use super::{ParseError, Skipped};

/// What was passed over so far.
#[derive(Debug, Default)]
pub(super) struct Passed {
    lines: u64,
    skipped: Skipped,
    /// Those that belong to nothing.
    strange: Skipped,
    /// Whether the next line may belong to this one.
    goes_on: bool,
}

impl Passed {
    /// Notes an event; its error may go over several lines.
    pub(super) fn event(&mut self, has_error: bool) {
        self.lines += 1;
        self.goes_on = has_error;
    }

    /// Notes an entry of a log that is no event. It may go over several lines.
    pub(super) fn entry(&mut self, line: u64, text: &[u8]) {
        self.lines += 1;
        self.goes_on = true;
        self.skipped.add(line, text);
    }

    /// Notes any other line.
    pub(super) fn other(&mut self, line: u64, text: &[u8]) {
        self.lines += 1;
        self.skipped.add(line, text);
        if !self.goes_on {
            self.strange.add(line, text);
        }
    }

    /// Whether the next line may belong to the last one.
    pub(super) fn goes_on(&self) -> bool {
        self.goes_on
    }

    /// All that was passed over, if it is not too much beside so many events.
    pub(super) fn finish(self, events: u64) -> Result<Skipped, ParseError> {
        let Passed { lines, skipped, strange, .. } = self;
        let refused = if events == 0 { skipped.clone() } else { strange };
        match refused.first {
            Some((line, example)) if events == 0 || refused.count > lines / 100 => {
                Err(ParseError::NotAHistory { skipped: refused.count, lines, line, example })
            }
            _ if events == 0 => Err(ParseError::NoEvents),
            _ => Ok(skipped),
        }
    }
}
