//! The log of a Jepsen test: events in columns, each behind the head of an entry, among other entries.
//!
//! - Today: `2025-06-19 11:44:50,029{GMT} INFO [jepsen worker 0] jepsen.util: 0 :invoke :write 1`, with
//!   tabs for some of the blanks. The times count from the first event.
//! - Old: `INFO  jepsen.util - 0 :invoke :write 1`. Here a `:fail` of a compare-and-set says, unless the
//!   caller wants it otherwise or a reason is given, that the register held something else.
//!
//! Other entries are passed over, with what follows them without a head of its own, such as the trace of
//! an exception. A head that breaks off is refused: it may have been that of an event. A line without
//! its end is torn.

use super::columns::{fields, form, is_number, refuse_endless, torn, words};
use super::edn::{Form, Wrong, work};
use super::jepsen::{Events, event_type};
use super::lines::Lines;
use super::passed::Passed;
use super::{ParseError, ReadHistory};
use crate::history::{FailedCas, Reading};

/// What logs events.
const EVENT_LOGGER: &[u8] = b"jepsen.util";

/// Reads a log in pieces.
#[derive(Debug)]
pub struct Reader {
    lines: Lines,
    entries: Entries,
}

#[derive(Debug)]
struct Entries {
    events: Events,
    passed: Passed,
    /// The time of the first event.
    start_ns: Option<i64>,
}

impl Reader {
    /// A reader that has seen nothing.
    pub fn new(reading: Reading) -> Self {
        let (events, passed) = (Events::new(reading), Passed::default());
        Reader { lines: Lines::default(), entries: Entries { events, passed, start_ns: None } }
    }

    /// Takes the next piece.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), ParseError> {
        let Reader { lines, entries } = self;
        lines.feed(bytes, |line, number| entries.line(&form(line, number)))?;
        refuse_endless(lines)
    }

    pub(super) fn memory_bytes(&self) -> u64 {
        self.entries.events.memory_bytes() + self.lines.waiting() as u64
    }

    /// The history of all lines.
    pub fn finish(self) -> Result<ReadHistory, ParseError> {
        let Entries { events, passed, .. } = self.entries;
        let torn = torn(self.lines);
        let skipped = passed.finish(events.count())?;
        events.finish(torn, skipped)
    }
}

impl Entries {
    fn line(&mut self, form: &Form<'_>) -> Result<(), ParseError> {
        let (line, number) = (form.bytes, form.begin.line);
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        let head = match head(line) {
            Ok(head) => head,
            Err(Stop::End { is_head }) if is_head || !self.passed.goes_on() => {
                return Err(broken(form, line.len(), "the end of the line"));
            }
            Err(Stop::Other { is_head: true }) if !self.passed.goes_on() => {
                return Err(broken(form, 0, "the head of an entry that breaks off"));
            }
            Err(_) => {
                refuse_second(form, 1)?;
                self.passed.other(number, line);
                return Ok(());
            }
        };
        if head.is_of_event(line) {
            return self.event(form, &head);
        }
        if head.logger == EVENT_LOGGER && line[head.message..].trim_ascii().is_empty() {
            // Nothing is logged there but events: this one breaks off.
            return Err(broken(form, line.len(), "the end of the line"));
        }
        refuse_second(form, head.message)?;
        self.passed.entry(number, line);
        Ok(())
    }

    fn event(&mut self, form: &Form<'_>, head: &Head<'_>) -> Result<(), ParseError> {
        let mut fields = fields(form, head.message).map_err(|wrong| wrong.at_place(form))?;
        if fields.has_error {
            refuse_second(form, head.message)?;
        }
        self.passed.event(fields.has_error);
        let is_old = head.time_ns.is_none();
        let meaning = if is_old { FailedCas::Refused } else { FailedCas::NotDone };
        self.events.failed_cas_means(meaning);
        fields.time_ns = head.time_ns.map(|time| {
            let start = *self.start_ns.get_or_insert(time);
            u64::try_from(time.saturating_sub(start)).unwrap_or(0)
        });
        self.events.take(form, &fields)
    }
}

/// Refuses a line inside which an entry begins: the line before it is torn.
fn refuse_second(form: &Form<'_>, from: usize) -> Result<(), ParseError> {
    let line = form.bytes;
    work::visit(line.len());
    let second = (from..line.len()).find(|&at| {
        let may_be = line[at].is_ascii_digit() || line[at].is_ascii_uppercase();
        may_be && head(&line[at..]).is_ok_and(|head| is_logger(head.logger))
    });
    match second {
        Some(at) => Err(broken(form, at, "the head of another entry")),
        None => Ok(()),
    }
}

/// Whether a word is the name of a class or name space, as loggers have it.
fn is_logger(word: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-$".contains(byte);
    word.contains(&b'.') && word.iter().all(is_part)
}

fn broken(form: &Form<'_>, at: usize, found: &str) -> ParseError {
    let expected = "an entry of a log a line: time, level, thread, logger and message";
    Wrong::new(at, found.to_owned(), expected).at_place(form)
}

/// What stands before the message of an entry.
#[derive(Debug)]
struct Head<'a> {
    logger: &'a [u8],
    /// Where the message begins.
    message: usize,
    /// Nanoseconds since 1970; none in old logs.
    time_ns: Option<i64>,
}

impl Head<'_> {
    /// Whether the message is an event, or wants to be one: Jepsen logs those with `jepsen.util`.
    fn is_of_event(&self, line: &[u8]) -> bool {
        let message = &line[self.message.min(line.len())..];
        let mut words = words(message);
        let (Some(process), r#type) = (words.next(), words.next()) else { return false };
        if r#type.is_some_and(|word| event_type(word).is_some()) {
            return is_number(process) || process[0] == b':';
        }
        let is_tabbed = message.get(process.len()) == Some(&b'\t');
        let is_like = is_tabbed || r#type.is_none_or(|word| word[0] == b':');
        self.logger == EVENT_LOGGER && is_number(process) && is_like
    }
}

/// Why a line has no head.
#[derive(Debug)]
enum Stop {
    /// It ends too early; in what is certainly one, if `is_head`.
    End { is_head: bool },
    /// It is something else, or goes on as something else.
    Other { is_head: bool },
}

fn head(line: &[u8]) -> Result<Head<'_>, Stop> {
    let mut rest = Rest { line, at: 0, is_head: false };
    if line[0].is_ascii_digit() { today(&mut rest) } else { old(&mut rest) }
}

fn today<'a>(rest: &mut Rest<'a>) -> Result<Head<'a>, Stop> {
    let time_ns = rest.time()?;
    rest.is_head = true;
    // `{GMT}`
    rest.until(|byte| byte == b' ' || byte == b'\t')?;
    rest.blanks()?;
    rest.level()?;
    rest.blanks()?;
    rest.byte(|byte| byte == b'[')?;
    // A second bracket is that of another entry.
    rest.until(|byte| byte == b']' || byte == b'[')?;
    rest.byte(|byte| byte == b']')?;
    rest.blanks()?;
    let logger = rest.until(|byte| byte == b':' || byte == b' ')?;
    rest.byte(|byte| byte == b':')?;
    Ok(Head { logger, message: rest.message()?, time_ns: Some(time_ns) })
}

fn old<'a>(rest: &mut Rest<'a>) -> Result<Head<'a>, Stop> {
    rest.level()?;
    rest.blanks()?;
    rest.is_head = true;
    let logger = rest.until(|byte| byte == b' ')?;
    rest.blanks()?;
    rest.byte(|byte| byte == b'-')?;
    Ok(Head { logger, message: rest.message()?, time_ns: None })
}

/// What is not read yet of a line.
struct Rest<'a> {
    line: &'a [u8],
    at: usize,
    /// Whether what is read can only be the head of an entry.
    is_head: bool,
}

impl<'a> Rest<'a> {
    fn end(&self) -> Stop {
        Stop::End { is_head: self.is_head }
    }

    fn other(&self) -> Stop {
        Stop::Other { is_head: self.is_head }
    }

    fn byte(&mut self, is_wanted: impl Fn(u8) -> bool) -> Result<u8, Stop> {
        work::visit(1);
        let byte = *self.line.get(self.at).ok_or_else(|| self.end())?;
        self.at += 1;
        if is_wanted(byte) { Ok(byte) } else { Err(self.other()) }
    }

    /// What comes before a byte, which is not far.
    fn until(&mut self, is_end: impl Fn(u8) -> bool) -> Result<&'a [u8], Stop> {
        const FARTHEST: usize = 256;
        let rest = &self.line[self.at..];
        let near = &rest[..rest.len().min(FARTHEST)];
        work::visit(near.len());
        let Some(length) = near.iter().position(|&byte| is_end(byte)) else {
            return Err(if near.len() < rest.len() { self.other() } else { self.end() });
        };
        self.at += length;
        Ok(&rest[..length])
    }

    fn blanks(&mut self) -> Result<(), Stop> {
        let is_blank = |byte| byte == b' ' || byte == b'\t';
        self.byte(is_blank)?;
        self.until(|byte| !is_blank(byte)).map(drop)
    }

    /// A level, then a blank.
    fn level(&mut self) -> Result<(), Stop> {
        const LEVELS: [&[u8]; 6] = [b"INFO", b"WARN", b"ERROR", b"DEBUG", b"TRACE", b"FATAL"];
        let rest = &self.line[self.at..];
        let length = rest.iter().take(6).take_while(|byte| byte.is_ascii_uppercase()).count();
        let word = &rest[..length];
        let is_level = LEVELS.contains(&word);
        if length == rest.len() && (is_level || LEVELS.iter().any(|level| level.starts_with(word)))
        {
            return Err(self.end());
        }
        self.at += length;
        if is_level { Ok(()) } else { Err(self.other()) }
    }

    /// A blank before the message, which may be empty.
    fn message(&mut self) -> Result<usize, Stop> {
        if self.at < self.line.len() {
            self.byte(|byte| byte == b' ')?;
        }
        Ok(self.at)
    }

    fn digits(&mut self, count: usize) -> Result<i64, Stop> {
        (0..count).try_fold(0, |number, _| {
            self.byte(|byte| byte.is_ascii_digit()).map(|byte| number * 10 + i64::from(byte - b'0'))
        })
    }

    /// `2025-06-19 11:44:50,029` in nanoseconds since 1970.
    fn time(&mut self) -> Result<i64, Stop> {
        let year = self.digits(4)?;
        self.byte(|byte| byte == b'-')?;
        let month = self.digits(2)?;
        self.byte(|byte| byte == b'-')?;
        let day = self.digits(2)?;
        self.byte(|byte| byte == b' ' || byte == b'T')?;
        let mut seconds = 0;
        for place in 0..3 {
            seconds = seconds * 60 + self.digits(2)?;
            if place < 2 {
                self.byte(|byte| byte == b':')?;
            }
        }
        let mut fraction_ns = 0;
        if matches!(self.line.get(self.at), Some(b',' | b'.')) {
            self.at += 1;
            let mut unit = 100_000_000;
            while let Some(digit @ b'0'..=b'9') = self.line.get(self.at) {
                fraction_ns += unit * i64::from(digit - b'0');
                unit /= 10;
                self.at += 1;
            }
        }
        let seconds = days(year, month, day) * 86_400 + seconds;
        Ok(seconds.saturating_mul(1_000_000_000).saturating_add(fraction_ns))
    }
}

/// Days from 1970-01-01 to a day of the Gregorian calendar: years count from March, so that the day of
/// a leap year is the last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + of_year - 719_468
}

/// Whether a file that begins like this is a log of Jepsen's, or at least a log of its form.
pub(super) fn looks_like(beginning: &[u8]) -> bool {
    let beginning = beginning.strip_prefix(b"\xef\xbb\xbf").unwrap_or(beginning);
    let lines = beginning.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    lines.enumerate().any(|(place, line)| match head(line) {
        Ok(head) => place == 0 || head.is_of_event(line),
        Err(Stop::End { .. }) => place == 0 && line.windows(6).any(|word| word == b"jepsen"),
        Err(Stop::Other { .. }) => false,
    })
}

#[cfg(test)]
mod tests;
