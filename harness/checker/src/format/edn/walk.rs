//! Going over the bytes of one form.

use super::super::ParseError;
use super::{Class, DEEPEST, Form, Place, class, closer, work};

/// What is wrong in a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::format) struct Wrong {
    /// At which byte of it.
    pub(in crate::format) at: usize,
    pub(in crate::format) found: String,
    pub(in crate::format) expected: String,
    pub(in crate::format) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::format) enum Kind {
    /// It is not what the grammar or the format wants.
    Syntax,
    /// It ends too early.
    End,
    /// It is no event.
    NoEvent,
    /// It goes over the event that begins at this byte.
    Swallows(usize),
}

impl Wrong {
    pub(in crate::format) fn new(at: usize, found: String, expected: impl Into<String>) -> Self {
        Wrong { at, found, expected: expected.into(), kind: Kind::Syntax }
    }

    pub(in crate::format) fn no_event(at: usize, found: String) -> Self {
        let expected = "an event: a map with :process, :type, :f and :value".to_owned();
        Wrong { at, found, expected, kind: Kind::NoEvent }
    }

    /// The same with its place in the file.
    pub(in crate::format) fn at_place(self, form: &Form<'_>) -> ParseError {
        let Place { line, column } = form.place(self.at);
        let Wrong { found, expected, .. } = self;
        match self.kind {
            Kind::NoEvent => ParseError::NoEvent { line, column, found, expected },
            Kind::Swallows(next) => {
                let Place { line: at_line, column: at_column } = form.place(next);
                let found = format!(
                    "{found} that does not end before the next event (line {at_line}, column \
                     {at_column})"
                );
                ParseError::Syntax { line, column, found, expected }
            }
            Kind::Syntax | Kind::End => ParseError::Syntax { line, column, found, expected },
        }
    }
}

/// The words with which maps that are events begin.
const EVENT_KEYS: [&[u8]; 8] =
    [b"process", b"type", b"f", b"value", b"key", b"index", b"time", b"error"];

/// Whether a byte of this class stands between values, or begins what does.
fn is_blank(class: Class) -> bool {
    matches!(class, Class::Blank | Class::Semicolon)
}

/// A place in the bytes of a form, and what can be read from there.
#[derive(Debug, Clone)]
pub(in crate::format) struct Walker<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    /// How far to the right the next event of the file may begin.
    indent: usize,
    /// What comes after the bytes.
    after: &'static str,
}

impl<'a> Walker<'a> {
    /// At the beginning of a form of a file.
    pub(in crate::format) fn new(form: &Form<'a>) -> Self {
        Walker { bytes: form.bytes, at: 0, indent: form.indent, after: "the end of the file" }
    }

    /// At some byte of a form that is one line of a file.
    pub(in crate::format) fn of_line(form: &Form<'a>, at: usize) -> Self {
        Walker { at, after: "the end of the line", ..Walker::new(form) }
    }

    /// The same form, from another byte.
    pub(in crate::format) fn from(&self, at: usize) -> Self {
        Walker { at, ..*self }
    }

    pub(in crate::format) fn at(&self) -> usize {
        self.at
    }

    pub(in crate::format) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Whether the byte after the next is one of these.
    pub(in crate::format) fn has_next(&self, bytes: &[u8]) -> bool {
        self.bytes.get(self.at + 1).is_some_and(|byte| bytes.contains(byte))
    }

    /// Whether the next byte is the last.
    pub(in crate::format) fn is_at_last(&self) -> bool {
        self.at + 1 == self.bytes.len()
    }

    /// Goes on behind one byte.
    pub(in crate::format) fn advance(&mut self) {
        self.at += 1;
        work::visit(1);
    }

    /// Passes over blanks, commas, comments and discarded forms.
    #[expect(clippy::inline_always, reason = "a few instructions between any two values")]
    #[inline(always)]
    pub(in crate::format) fn blanks(&mut self, depth: usize) -> Result<(), Wrong> {
        if self.peek() == Some(b' ') {
            self.advance();
        }
        // Nearly always something comes next.
        match self.peek() {
            Some(byte) if byte != b'#' && !is_blank(class(byte)) => Ok(()),
            _ => self.more_blanks(depth),
        }
    }

    #[cold]
    fn more_blanks(&mut self, depth: usize) -> Result<(), Wrong> {
        let mut discards = 0_usize;
        loop {
            self.white();
            if self.bytes[self.at..].starts_with(b"#_") {
                self.at += 2;
                discards += 1;
            } else if discards == 0 {
                return Ok(());
            } else {
                self.skip(depth + 1)?;
                discards -= 1;
            }
        }
    }

    /// Passes over blanks, commas and comments.
    pub(in crate::format) fn white(&mut self) {
        if self.peek().is_some_and(|byte| !is_blank(class(byte))) {
            return;
        }
        loop {
            self.at = self.find(|byte| class(byte) != Class::Blank);
            if self.peek() != Some(b';') {
                return;
            }
            self.at = self.find(|byte| byte == b'\n');
        }
    }

    /// Passes over one form, which begins here. Of its parts only brackets, strings and characters are
    /// looked at.
    #[inline]
    pub(in crate::format) fn skip(&mut self, depth: usize) -> Result<(), Wrong> {
        // Most are names and numbers.
        let is_plain = |byte: u8| class(byte) == Class::Word && byte != b'#' && byte != b'^';
        if depth <= DEEPEST && self.peek().is_some_and(is_plain) {
            self.word_or_nothing();
            return Ok(());
        }
        self.skip_other(depth)
    }

    fn skip_other(&mut self, depth: usize) -> Result<(), Wrong> {
        if depth > DEEPEST {
            return Err(self.wrong(format!("values nested at most {DEEPEST} deep")));
        }
        match self.peek() {
            Some(b'"') => self.skip_string().map(drop),
            Some(b'\\') => self.character().map(drop),
            Some(b'(' | b'[' | b'{') => self.skip_brackets(depth),
            Some(b'^') => {
                self.advance();
                self.next(depth)?;
                self.next(depth)
            }
            Some(b'#') => match self.bytes.get(self.at + 1) {
                Some(b'{') => {
                    self.advance();
                    self.skip_brackets(depth)
                }
                Some(b'#') => self.word().map(drop),
                _ => {
                    self.refuse_to_swallow()?;
                    self.tag()?;
                    self.next(depth)
                }
            },
            None | Some(b')' | b']' | b'}') => Err(self.wrong("a value")),
            Some(_) => self.word().map(drop),
        }
    }

    /// Passes over the next form.
    fn next(&mut self, depth: usize) -> Result<(), Wrong> {
        self.blanks(depth + 1)?;
        self.skip(depth + 1)
    }

    fn skip_brackets(&mut self, depth: usize) -> Result<(), Wrong> {
        self.refuse_to_swallow()?;
        if let Some(end) = self.end_of_flat() {
            work::visit(end - self.at);
            self.at = end;
            return Ok(());
        }
        let mut closers = [0; DEEPEST];
        let mut open = 0;
        loop {
            self.at = self.find(|byte| !matches!(class(byte), Class::Word | Class::Blank));
            let Some(byte) = self.peek() else {
                return Err(self.wrong((closers[open - 1] as char).to_string()));
            };
            match class(byte) {
                Class::Quote => {
                    self.skip_string()?;
                }
                Class::Backslash => {
                    self.character()?;
                }
                Class::Semicolon => self.white(),
                Class::Open => {
                    if depth + open > DEEPEST || open == DEEPEST {
                        return Err(self.wrong(format!("values nested at most {DEEPEST} deep")));
                    }
                    self.refuse_to_swallow()?;
                    closers[open] = closer(byte);
                    open += 1;
                    self.advance();
                }
                _ if byte != closers[open - 1] => {
                    return Err(self.wrong((closers[open - 1] as char).to_string()));
                }
                _ => {
                    open -= 1;
                    self.advance();
                    if open == 0 {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Where the brackets that open here end, if nothing in them needs a closer look: names, numbers, and
    /// strings of one line without escapes, as most values are made of.
    fn end_of_flat(&self) -> Option<usize> {
        let closer = closer(self.peek()?);
        let mut at = self.at + 1;
        loop {
            let is_plain = |byte: &u8| matches!(class(*byte), Class::Word | Class::Blank);
            at += self.bytes[at..].iter().position(|byte| !is_plain(byte))?;
            match self.bytes[at] {
                b'"' => {
                    let inside = &self.bytes[at + 1..];
                    let is_end = |byte: &u8| matches!(byte, b'"' | b'\\' | b'\n');
                    let end = inside.iter().position(is_end)?;
                    if inside[end] != b'"' {
                        return None;
                    }
                    at += end + 2;
                }
                byte => return (byte == closer).then_some(at + 1),
            }
        }
    }

    /// A name, number or keyword: what goes on until a blank, bracket, quotation mark, comment or
    /// backslash.
    pub(in crate::format) fn word(&mut self) -> Result<&'a [u8], Wrong> {
        let word = self.word_or_nothing();
        if word.is_empty() { Err(self.wrong("a value")) } else { Ok(word) }
    }

    /// The tag after a `#`.
    pub(in crate::format) fn tag(&mut self) -> Result<&'a [u8], Wrong> {
        self.advance();
        match self.peek() {
            Some(byte) if class(byte) == Class::Word => self.word(),
            _ => Err(self.wrong("a tag")),
        }
    }

    /// A character, with its backslash.
    pub(super) fn character(&mut self) -> Result<&'a [u8], Wrong> {
        let start = self.at;
        self.advance();
        match self.peek() {
            None => return Err(self.wrong("a character")),
            Some(byte) if class(byte) == Class::Blank && byte != b',' => {
                return Err(self.wrong("a character"));
            }
            Some(_) => self.advance(),
        }
        self.at = self.find(|byte| class(byte) != Class::Word);
        Ok(&self.bytes[start..self.at])
    }

    /// A string: what is between its quotation marks, and whether anything of it is escaped.
    #[inline]
    pub(super) fn skip_string(&mut self) -> Result<(&'a [u8], bool), Wrong> {
        let start = self.at;
        self.advance();
        let end = self.find(|byte| matches!(byte, b'"' | b'\\' | b'\n'));
        // Most are of one line, without escapes.
        if self.bytes.get(end) == Some(&b'"') {
            self.at = end + 1;
            return Ok((&self.bytes[start + 1..end], false));
        }
        self.at = end;
        self.skip_long_string(start)
    }

    /// The same from its first line end or escape on.
    fn skip_long_string(&mut self, start: usize) -> Result<(&'a [u8], bool), Wrong> {
        let mut is_escaped = false;
        loop {
            self.at = self.find(|byte| matches!(byte, b'"' | b'\\' | b'\n'));
            match self.peek() {
                None => return Err(self.wrong("the end of a string")),
                Some(b'"') => {
                    self.advance();
                    return Ok((&self.bytes[start + 1..self.at - 1], is_escaped));
                }
                Some(b'\\') => {
                    is_escaped = true;
                    self.advance();
                    if self.peek().is_some() {
                        self.advance();
                    }
                }
                Some(_) => {
                    self.advance();
                    let line = self.at;
                    let first = self.find(|byte| byte == b'\n' || class(byte) != Class::Blank);
                    if first - line < self.indent && self.begins_event(first) {
                        let found = "a string".to_owned();
                        let expected = "its closing quotation mark".to_owned();
                        let kind = Kind::Swallows(first);
                        return Err(Wrong { at: start, found, expected, kind });
                    }
                    self.at = first;
                }
            }
        }
    }

    /// Refuses a bracket that begins an event at the beginning of a line, no further to the right than
    /// those of this one's line: it is the next event of the file, and this form is torn.
    fn refuse_to_swallow(&self) -> Result<(), Wrong> {
        if self.begins_line(self.at) && self.begins_event(self.at) {
            Err(self.swallows(self.at))
        } else {
            Ok(())
        }
    }

    /// That the form goes over an event.
    pub(in crate::format) fn swallows(&self, next: usize) -> Wrong {
        let what = match self.bytes.first() {
            Some(b'{') => "a map",
            Some(b'[') => "a vector",
            Some(b'(') => "a list",
            _ => "a form",
        };
        let expected = match self.bytes.first() {
            Some(&open @ (b'(' | b'[' | b'{')) => (closer(open) as char).to_string(),
            _ => "its end".to_owned(),
        };
        Wrong { at: 0, found: what.to_owned(), expected, kind: Kind::Swallows(next) }
    }

    /// Whether these bytes begin as only an event does: a map with one of its keywords, or a tuple with
    /// a process and a type.
    pub(in crate::format) fn begins_event(&self, at: usize) -> bool {
        let mut walker = self.from(at);
        if walker.peek() == Some(b'#') {
            walker.at += 1;
            if walker.word_or_nothing().is_empty() {
                return false;
            }
        }
        let Some(open @ (b'{' | b'(' | b'[')) = walker.peek() else { return false };
        walker.at += 1;
        walker.at = walker.find(|byte| class(byte) != Class::Blank);
        let first = walker.word_or_nothing();
        if open == b'{' {
            return first.strip_prefix(b":").is_some_and(|key| EVENT_KEYS.contains(&key));
        }
        let is_process = match first.first() {
            Some(b':') => true,
            Some(_) => first.iter().all(u8::is_ascii_digit) && first.len() < 20,
            None => false,
        };
        if !is_process {
            return false;
        }
        walker.at = walker.find(|byte| class(byte) != Class::Blank);
        matches!(walker.word_or_nothing(), b":invoke" | b":ok" | b":fail" | b":info")
    }

    /// The same as [`Walker::word`], but nothing where no word begins.
    fn word_or_nothing(&mut self) -> &'a [u8] {
        let start = self.at;
        self.at = self.find(|byte| class(byte) != Class::Word);
        &self.bytes[start..self.at]
    }

    /// Whether a bracket, with its tag, is the first on its line and not right of where the form begins.
    pub(in crate::format) fn begins_line(&self, at: usize) -> bool {
        let before = &self.bytes[..at];
        let untagged = before.iter().rposition(|&byte| class(byte) != Class::Word);
        let start = match untagged.map(|end| end + 1) {
            Some(tag) if tag < at && self.bytes[tag] != b'#' => return false,
            Some(start) => start,
            None => return false,
        };
        let is_blank = |byte: u8| byte != b'\n' && class(byte) == Class::Blank;
        match self.bytes[..start].iter().rposition(|&byte| !is_blank(byte)) {
            Some(end) => self.bytes[end] == b'\n' && start - end <= self.indent,
            None => false,
        }
    }

    /// What is here instead of what was expected.
    #[cold]
    pub(in crate::format) fn wrong(&self, expected: impl Into<String>) -> Wrong {
        let wrong = Wrong::new(self.at, self.found(), expected);
        let is_end = self.at >= self.bytes.len();
        if is_end { Wrong { kind: Kind::End, ..wrong } } else { wrong }
    }

    fn found(&self) -> String {
        let Some(byte) = self.peek() else { return self.after.to_owned() };
        let end = match class(byte) {
            Class::Word => self.find(|byte| class(byte) != Class::Word),
            _ => self.at + 1,
        };
        match byte {
            b'\n' => "the end of the line".to_owned(),
            b' ' => "a blank".to_owned(),
            _ => self.excerpt(self.at, end),
        }
    }

    /// Some bytes as a text for people.
    pub(in crate::format) fn excerpt(&self, from: usize, to: usize) -> String {
        const LONGEST: usize = 40;
        let text = String::from_utf8_lossy(&self.bytes[from..to.min(from + 4 * LONGEST)]);
        match text.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("{}...", &text[..end]),
            None => text.into_owned(),
        }
    }

    /// The next byte that is wanted, from here on, or the end.
    pub(super) fn find(&self, is_wanted: impl Fn(u8) -> bool) -> usize {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|&byte| is_wanted(byte)).unwrap_or(rest.len());
        work::visit(length);
        self.at + length
    }
}
