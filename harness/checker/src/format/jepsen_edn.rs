//! Jepsen's `history.edn`, and the histories of Knossos: events in EDN, one after another, or in one
//! list or vector.
//!
//! An event is a map with `:process`, `:type`, `:f` and `:value`, perhaps with `:key`, `:time`, `:index`,
//! `:error`, `:node` and `:client`; or a tuple, `[process :type :f value error]`. Anything else is refused.
//!
//! A form that has not ended when the file does is torn and left out, if nothing in it is an event of
//! its own. If something is, it is torn in the middle of the file, which is refused.

use super::edn::{Form, Splitter, Walker, Wrong};
use super::jepsen::{Events, Fields, Span, in_order, is_torn};
use super::{ParseError, ReadHistory, Skipped};
use crate::history::Reading;

/// The most bytes that one form may have.
const LONGEST_FORM: usize = 32 << 20;

/// Reads a history in pieces.
#[derive(Debug)]
pub struct Reader {
    splitter: Splitter,
    events: Events,
}

impl Reader {
    /// A reader that has seen nothing.
    pub fn new(reading: Reading) -> Self {
        Reader { splitter: Splitter::default(), events: Events::new(reading) }
    }

    /// Takes the next piece.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), ParseError> {
        let Reader { splitter, events } = self;
        splitter.feed(bytes, |form| take(events, &form))?;
        if splitter.waiting() > LONGEST_FORM {
            return Err(too_long(&splitter.begun()));
        }
        Ok(())
    }

    pub(super) fn memory_bytes(&self) -> u64 {
        self.events.memory_bytes() + self.splitter.waiting() as u64
    }

    /// The history of all events.
    pub fn finish(self) -> Result<ReadHistory, ParseError> {
        let end = self.splitter.end();
        let mut torn = end.unclosed;
        if end.is_open {
            let form = self.splitter.begun();
            refuse_unless_last(&form).map_err(|wrong| wrong.at_place(&form))?;
            torn = Some(form.begin.line);
        }
        if self.events.count() == 0 {
            return Err(ParseError::NoEvents);
        }
        self.events.finish(torn, Skipped::default())
    }
}

fn take(events: &mut Events, form: &Form<'_>) -> Result<(), ParseError> {
    if form.bytes.len() > LONGEST_FORM {
        return Err(too_long(form));
    }
    let walker = Walker::new(form);
    let found = fields(&mut walker.clone());
    let Some(fields) = found.map_err(|wrong| wrong.at_place(form))? else { return Ok(()) };
    let value = fields.value;
    if value.is_there() && is_event(&walker, value.start()) {
        return Err(walker.swallows(value.start()).at_place(form));
    }
    events.take(form, &fields)
}

/// Whether a whole event begins at this byte of a form.
fn is_event(walker: &Walker<'_>, at: usize) -> bool {
    walker.begins_event(at)
        && fields(&mut walker.from(at))
            .is_ok_and(|found| found.is_some_and(|it| it.r#type.is_there() && it.f.is_there()))
}

fn too_long(form: &Form<'_>) -> ParseError {
    let found = format!("a form of more than {} MB", LONGEST_FORM >> 20);
    let wrong = refuse_unless_last(form).err();
    wrong.unwrap_or_else(|| Wrong::new(0, found, "its end")).at_place(form)
}

/// Where the parts of the event stand that begins here; none if it is discarded.
fn fields(walker: &mut Walker<'_>) -> Result<Option<Fields>, Wrong> {
    walker.blanks(0)?;
    while walker.peek() == Some(b'^') {
        walker.advance();
        walker.blanks(0)?;
        walker.skip(1)?;
        walker.blanks(0)?;
    }
    match walker.peek() {
        None => Ok(None),
        Some(b'{') => map(walker).map(Some),
        Some(b'[' | b'(') => tuple(walker).map(Some),
        Some(b'#') if !walker.has_next(b"{#") => {
            // A record, as Jepsen writes its operations: `#jepsen.history.Op{...}`.
            let mut inside = walker.clone();
            let is_tag = !inside.tag()?.contains(&b'#');
            inside.blanks(0)?;
            match inside.peek() {
                None => Err(inside.wrong("an event")),
                Some(b'{') if is_tag => map(&mut inside).map(Some),
                _ => Err(no_event(walker)),
            }
        }
        Some(_) => Err(no_event(walker)),
    }
}

fn no_event(walker: &mut Walker<'_>) -> Wrong {
    let start = walker.at();
    match walker.skip(1) {
        Err(wrong) if !is_torn(&wrong) => wrong,
        _ => Wrong::no_event(start, walker.excerpt(start, walker.at())),
    }
}

fn map(walker: &mut Walker<'_>) -> Result<Fields, Wrong> {
    let begin = walker.at();
    let mut fields = Fields::default();
    walker.advance();
    loop {
        walker.blanks(1)?;
        match walker.peek() {
            Some(b'}') => break,
            Some(b':') => {}
            Some(_) if walker.begins_event(walker.at()) => return Err(walker.swallows(walker.at())),
            Some(b'#') if walker.is_at_last() => {
                return Err(walker.from(walker.at() + 1).wrong("}"));
            }
            _ => return Err(walker.wrong("a keyword or }")),
        }
        let place = walker.at();
        let key = walker.word()?;
        walker.blanks(1)?;
        if walker.peek() == Some(b'}') {
            let name = walker.excerpt(place, place + key.len());
            return Err(walker.wrong(format!("a value for {name}")));
        }
        let start = walker.at();
        walker.skip(1)?;
        let span = Span::new(start, walker.at());
        let part = match key {
            b":process" => &mut fields.process,
            b":type" => &mut fields.r#type,
            b":f" => &mut fields.f,
            b":value" => &mut fields.value,
            b":key" => &mut fields.key,
            b":index" => &mut fields.index,
            b":time" => &mut fields.time,
            b":node" => &mut fields.node,
            b":client" => &mut fields.client,
            b":error" | b":exception" => {
                fields.has_error = true;
                continue;
            }
            _ => continue,
        };
        if part.is_there() {
            let found = format!("{} for the second time", String::from_utf8_lossy(key));
            return Err(Wrong::new(place, found, "each key once"));
        }
        *part = span;
    }
    walker.advance();
    if !fields.process.is_there() {
        return Err(Wrong::no_event(begin, "a map without :process".to_owned()));
    }
    Ok(fields)
}

fn tuple(walker: &mut Walker<'_>) -> Result<Fields, Wrong> {
    let begin = walker.at();
    let closer = if walker.peek() == Some(b'[') { b']' } else { b')' };
    let mut place = 0;
    walker.advance();
    let mut next = |walker: &mut Walker<'_>| {
        walker.blanks(1)?;
        let is_process = |byte: u8| byte == b':' || byte == b'-' || byte.is_ascii_digit();
        match walker.peek() {
            Some(byte) if byte == closer => return Ok(false),
            Some(byte) if place == 0 && !is_process(byte) => {
                return Err(Wrong::no_event(
                    begin,
                    "a list that begins with no process".to_owned(),
                ));
            }
            _ => place += 1,
        }
        Ok(true)
    };
    let mut fields = in_order(walker, &mut next)?;
    if !fields.f.is_there() {
        let found = "a list without process, type and function".to_owned();
        return Err(Wrong::no_event(begin, found));
    }
    if next(walker)? {
        fields.has_error = true;
        walker.skip(1)?;
        walker.blanks(1)?;
        if walker.peek() != Some(closer) {
            let is_next = walker.begins_event(walker.at());
            let expected = (closer as char).to_string();
            return Err(if is_next {
                walker.swallows(walker.at())
            } else {
                walker.wrong(expected)
            });
        }
    }
    walker.advance();
    Ok(fields)
}

/// A form that has not ended at the end of the file is the file's last, or it is refused: because of what
/// is wrong with it so far, or because another event begins in it.
fn refuse_unless_last(form: &Form<'_>) -> Result<(), Wrong> {
    let walker = Walker::new(form);
    match fields(&mut walker.clone()) {
        Err(wrong) if !is_torn(&wrong) => return Err(wrong),
        _ => {}
    }
    for (at, byte) in form.bytes.iter().enumerate().skip(1) {
        if !matches!(byte, b'(' | b'[' | b'{') || !walker.begins_event(at) {
            continue;
        }
        if walker.begins_line(at) || is_event(&walker, at) {
            return Err(walker.swallows(at));
        }
    }
    Ok(())
}

/// Whether a file that begins like this is a history in EDN, or at least EDN rather than JSON.
pub(super) fn looks_like(beginning: &[u8]) -> bool {
    let beginning = beginning.strip_prefix(b"\xef\xbb\xbf").unwrap_or(beginning);
    let form = Form { bytes: beginning, begin: super::Place::default(), indent: 1 };
    let mut walker = Walker::new(&form);
    let is_commented = beginning.trim_ascii_start().first() == Some(&b';');
    if walker.blanks(0).is_err() {
        // A discarded form that goes on for longer.
        return true;
    }
    if matches!(walker.peek(), Some(b'[' | b'(')) && !walker.begins_event(walker.at()) {
        walker.advance();
        if walker.blanks(0).is_err() {
            return true;
        }
    }
    match walker.peek() {
        None => is_commented,
        Some(b'^') => true,
        Some(b'#') => walker.tag().is_ok() && walker.peek() == Some(b'{'),
        Some(b'(' | b'[') => walker.begins_event(walker.at()),
        Some(b'{') => {
            walker.advance();
            walker.blanks(1).is_err() || walker.peek() == Some(b':')
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
