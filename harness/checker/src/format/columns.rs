//! Jepsen's `history.txt`: an event a line, in columns: process, type, function, value, perhaps an error.
//!
//! Columns are apart by tabs or blanks. Values are EDN, so that blanks inside them are no matter. The
//! error is any text; as Jepsen prints it, it may go over several lines. A line without its end is torn.

use super::edn::{Form, Place, Walker, Wrong};
use super::jepsen::{Events, Fields, Span, event_type, in_order};
use super::lines::Lines;
use super::passed::Passed;
use super::{ParseError, ReadHistory};
use crate::event::{EventType, F};
use crate::history::Reading;

/// The most bytes that one line may have.
const LONGEST_LINE: usize = 32 << 20;

/// Reads a history in pieces.
#[derive(Debug)]
pub struct Reader {
    lines: Lines,
    events: Events,
    passed: Passed,
}

impl Reader {
    /// A reader that has seen nothing.
    pub fn new(reading: Reading) -> Self {
        let (lines, passed) = (Lines::default(), Passed::default());
        Reader { lines, events: Events::new(reading), passed }
    }

    /// Takes the next piece.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), ParseError> {
        let Reader { lines, events, passed } = self;
        lines.feed(bytes, |line, number| take(events, passed, line, number))?;
        refuse_endless(lines)
    }

    pub(super) fn memory_bytes(&self) -> u64 {
        self.events.memory_bytes() + self.lines.waiting() as u64
    }

    /// The history of all lines.
    pub fn finish(self) -> Result<ReadHistory, ParseError> {
        let torn = torn(self.lines);
        let skipped = self.passed.finish(self.events.count())?;
        self.events.finish(torn, skipped)
    }
}

/// Refuses a line whose end does not come.
pub(super) fn refuse_endless(lines: &Lines) -> Result<(), ParseError> {
    if lines.waiting() <= LONGEST_LINE {
        return Ok(());
    }
    let found = format!("a line of more than {} MB", LONGEST_LINE >> 20);
    let expected = "the end of the line".to_owned();
    Err(ParseError::Syntax { line: lines.number(), column: 1, found, expected })
}

/// The number of the last line, if it has no end.
pub(super) fn torn(lines: Lines) -> Option<u64> {
    let (line, number) = lines.rest()?;
    (!line.trim_ascii().is_empty()).then_some(number)
}

/// A line as a form; that of the file's first begins after U+FEFF, which says nothing.
pub(super) fn form(line: &[u8], number: u64) -> Form<'_> {
    let mark = if number == 1 && line.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    Form { bytes: &line[mark..], begin: Place { line: number, column: 1 + mark }, indent: 1 }
}

fn take(
    events: &mut Events,
    passed: &mut Passed,
    line: &[u8],
    number: u64,
) -> Result<(), ParseError> {
    let form = form(line, number);
    let kind = kind(form.bytes);
    if matches!(kind, Kind::Blank) {
        return Ok(());
    }
    let fields = match kind {
        Kind::Event => Some(fields(&form, 0).map_err(|wrong| wrong.at_place(&form))?),
        _ => None,
    };
    if fields.as_ref().is_none_or(|fields| fields.has_error)
        && let Some(at) = second_event(form.bytes)
    {
        let found = "another event".to_owned();
        return Err(Wrong::new(at, found, "the end of the line").at_place(&form));
    }
    let Some(fields) = fields else {
        passed.other(number, line);
        return Ok(());
    };
    passed.event(fields.has_error);
    events.take(&form, &fields)
}

enum Kind {
    Blank,
    Event,
    Other,
}

/// A line that begins with a number is an event, or wants to be.
fn kind(line: &[u8]) -> Kind {
    let mut words = words(line);
    let Some(first) = words.next() else { return Kind::Blank };
    let is_keyword = |word: &[u8]| word[0] == b':';
    let is_other_process = is_keyword(first) && words.next().is_some_and(is_keyword);
    if is_number(first) || is_other_process { Kind::Event } else { Kind::Other }
}

/// Where in a line, after its first three words, those of another event stand: a line that was torn, and
/// the next one. The process may have something of the torn one before it.
fn second_event(line: &[u8]) -> Option<usize> {
    let place = |word: &[u8]| word.as_ptr() as usize - line.as_ptr() as usize;
    let mut before: Option<&[u8]> = None;
    let mut later = words(line).skip(2).peekable();
    while let Some(word) = later.next() {
        let is_process = |word: &[u8]| word.last().is_some_and(u8::is_ascii_digit);
        let is_function = later.peek().is_some_and(|next| next[0] == b':');
        if event_type(word).is_some() && is_function && before.is_some_and(is_process) {
            return before.map(place);
        }
        before = Some(word);
    }
    None
}

/// What blanks are between.
pub(super) fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

/// Whether a word is a whole number.
pub(super) fn is_number(word: &[u8]) -> bool {
    let digits = word.strip_prefix(b"-").unwrap_or(word);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

/// Where the parts of an event stand whose columns begin at this byte.
pub(super) fn fields(form: &Form<'_>, at: usize) -> Result<Fields, Wrong> {
    let mut walker = Walker::of_line(form, at);
    let mut next = |walker: &mut Walker<'_>| {
        walker.white();
        Ok(walker.peek().is_some())
    };
    next(&mut walker)?;
    if walker.peek() == Some(b':') {
        // What the nemesis did is not looked at, and need not be EDN.
        let start = walker.at();
        walker.word()?;
        let process = Span::new(start, walker.at());
        walker.white();
        let r#type = walker.from(walker.at()).word()?;
        if event_type(r#type).is_none() {
            return Err(walker.wrong(":invoke, :ok, :fail or :info"));
        }
        return Ok(Fields { process, has_error: true, ..Fields::default() });
    }
    let mut fields = in_order(&mut walker, &mut next)?;
    let r#type = fields.r#type.of(form.bytes).and_then(event_type);
    if r#type.is_none() || !fields.f.is_there() {
        let types = ":invoke, :ok, :fail or :info";
        let expected = if r#type.is_none() { types } else { "a function" };
        let is_wrong = r#type.is_none() && fields.r#type.is_there();
        let place = if is_wrong { fields.r#type.start() } else { walker.at() };
        return Err(walker.from(place).wrong(expected));
    }
    let is_invoked = r#type == Some(EventType::Invoke);
    if is_invoked && !fields.value.is_there() && writes(fields.f.of(form.bytes)) {
        return Err(walker.wrong("a value"));
    }
    if next(&mut walker)? {
        if matches!(r#type, Some(EventType::Invoke | EventType::Ok)) {
            return Err(walker.wrong("the end of the line"));
        }
        fields.has_error = true;
    }
    Ok(fields)
}

/// Whether a function cannot do without a value.
fn writes(name: Option<&[u8]>) -> bool {
    let f = name.and_then(|name| F::of_bytes(name.strip_prefix(b":")?));
    f.is_some_and(|f| !f.only_asks() && !matches!(f, F::Acquire | F::Release | F::Renew))
}

/// Whether a file that begins like this is Jepsen's `history.txt`.
pub(super) fn looks_like(beginning: &[u8]) -> bool {
    let beginning = beginning.strip_prefix(b"\xef\xbb\xbf").unwrap_or(beginning);
    beginning.split(|&byte| byte == b'\n').any(|line| {
        let mut words = words(line);
        let is_process = words.next().is_some_and(|word| word[0] == b':' || is_number(word));
        is_process && words.next().is_some_and(|word| event_type(word).is_some())
    })
}

#[cfg(test)]
mod tests;
