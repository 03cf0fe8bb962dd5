//! JSON by its grammar (RFC 8259), read straight into an [`Encoder`].
//!
//! Numbers are taken by value, whatever their size. What the grammar allows and no value can say is
//! refused: half of a surrogate pair, and an object that names a field twice (parsers differ in which
//! of the two they keep, so that a verdict would depend on the parser).

use std::borrow::Cow;

use super::edn::work;
use super::{ParseError, Place};
use crate::datum::{Encoded, Encoder, View};

/// How deep lists and objects may lie in one another.
pub(super) const DEEPEST: u32 = 64;

/// What is wrong with a text, and where in it.
#[derive(Debug)]
pub(super) struct Wrong {
    /// The byte, from 0.
    pub(super) at: usize,
    pub(super) found: String,
    pub(super) expected: String,
    /// Nothing is wrong but that the text ends here.
    pub(super) is_end: bool,
}

impl Wrong {
    /// The same as an error about a file, in which the text begins at this place.
    pub(super) fn in_file(self, text: &[u8], begin: Place) -> ParseError {
        begin.after(&text[..self.at.min(text.len())]).wrong(self.found, self.expected)
    }
}

/// A text of JSON, and how far it is read.
#[derive(Debug)]
pub(super) struct Json<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
}

/// The text in these bytes, up to the first that can be none.
pub(super) fn text(bytes: &[u8]) -> &str {
    work::visit(bytes.len());
    std::str::from_utf8(bytes).unwrap_or_else(|error| {
        std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default()
    })
}

impl<'a> Json<'a> {
    /// The text in these bytes.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Json { text: text(bytes), at: 0, depth: 0 }
    }

    /// How far the text is read.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is no white space.
    pub(super) fn next_token(&mut self) -> Option<u8> {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                other => return other,
            }
        }
    }

    /// Passes over one punctuation mark, if it comes next.
    fn skip(&mut self, mark: u8) -> bool {
        let comes = self.next_token() == Some(mark);
        self.at += usize::from(comes);
        comes
    }

    /// Writes the next value.
    pub(super) fn value(&mut self, out: &mut Encoder) -> Result<(), Wrong> {
        match self.next_token() {
            Some(b'"') => out.text(&self.string()?),
            Some(b'{') => self.object(out)?,
            Some(b'[') => self.list(out)?,
            Some(b'-' | b'0'..=b'9') => self.number(out)?,
            Some(b'n') => self.word("null").map(|()| out.nil())?,
            Some(b't') => self.word("true").map(|()| out.bool(true))?,
            Some(b'f') => self.word("false").map(|()| out.bool(false))?,
            _ => return Err(self.wrong("a value")),
        }
        Ok(())
    }

    fn object(&mut self, out: &mut Encoder) -> Result<(), Wrong> {
        let (begin, from) = (self.at, out.at());
        let (mark, mut fields) = (out.begin(), 0);
        self.members(|json, name, _| {
            fields += 1;
            out.text(name);
            json.value(out)
        })?;
        out.end_map(mark);
        // A map keeps one of two entries with the same key.
        let View::Map(entries) = out.slice(from, out.at()).view() else { return Ok(()) };
        if entries.count() < 2 * fields {
            let found = "an object with two fields of one name".to_owned();
            return Err(Wrong::at(begin, found, "each name once"));
        }
        Ok(())
    }

    /// Passes over an object. The value of each field is read by a function that gets the name, and
    /// where the value begins.
    pub(super) fn members(
        &mut self,
        mut member: impl FnMut(&mut Self, &str, usize) -> Result<(), Wrong>,
    ) -> Result<(), Wrong> {
        if !self.skip(b'{') {
            return Err(self.wrong("an object"));
        }
        self.go_deeper()?;
        if self.skip(b'}') {
            self.depth -= 1;
            return Ok(());
        }
        loop {
            if self.next_token() != Some(b'"') {
                return Err(self.wrong("a name in quotation marks"));
            }
            let name = self.string()?;
            if !self.skip(b':') {
                return Err(self.wrong("a colon"));
            }
            self.next_token();
            let at = self.at;
            member(self, &name, at)?;
            if self.skip(b'}') {
                self.depth -= 1;
                return Ok(());
            }
            if !self.skip(b',') {
                return Err(self.wrong("a comma, or } at the end of the object"));
            }
        }
    }

    /// The names in the object that comes next, as far as it goes; none if none comes.
    fn names(&mut self) -> Names {
        let (mut names, mut values) = (Vec::new(), Encoder::default());
        let read = self.members(|json, name, _| {
            names.push(name.to_owned());
            values.clear();
            json.value(&mut values)
        });
        work::visit(self.at);
        match read {
            Err(wrong) if !wrong.is_end => Names(Vec::new()),
            _ => Names(names),
        }
    }

    fn list(&mut self, out: &mut Encoder) -> Result<(), Wrong> {
        self.at += 1;
        self.go_deeper()?;
        let mark = out.begin();
        if !self.skip(b']') {
            loop {
                self.value(out)?;
                if self.skip(b']') {
                    break;
                }
                if !self.skip(b',') {
                    return Err(self.wrong("a comma, or ] at the end of the list"));
                }
            }
        }
        self.depth -= 1;
        out.end_list(mark);
        Ok(())
    }

    fn go_deeper(&mut self) -> Result<(), Wrong> {
        self.depth += 1;
        if self.depth > DEEPEST {
            let found = format!("a list or object {} levels deep", self.depth);
            return Err(Wrong::at(self.at - 1, found, &format!("at most {DEEPEST} levels")));
        }
        Ok(())
    }

    fn word(&mut self, word: &str) -> Result<(), Wrong> {
        let rest = &self.text[self.at..];
        if rest.starts_with(word) {
            self.at += word.len();
            return Ok(());
        }
        let is_begun = word.starts_with(rest);
        let mut wrong = self.wrong("a value");
        if is_begun {
            self.at = self.text.len();
            wrong = self.wrong(word);
        }
        Err(wrong)
    }

    /// A number by its grammar: `-0.5e3`, but neither `01` nor `1.` nor `+1`.
    fn number(&mut self, out: &mut Encoder) -> Result<(), Wrong> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        if let Some(b'0'..=b'9' | b'.' | b'a'..=b'z' | b'A'..=b'Z' | b'+' | b'-' | b'_') =
            self.peek()
        {
            return Err(self.wrong("the end of the number"));
        }
        if out.number(&self.text[start..self.at]) {
            return Ok(());
        }
        let found = "a number beyond any bounds".to_owned();
        Err(Wrong::at(start, found, "an exponent of less than 19 digits"))
    }

    fn digits(&mut self) -> Result<(), Wrong> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start { Err(self.wrong("a digit")) } else { Ok(()) }
    }

    /// A text in quotation marks, which come next.
    pub(super) fn string(&mut self) -> Result<Cow<'a, str>, Wrong> {
        self.at += 1;
        let start = self.at;
        self.plain();
        if self.peek() == Some(b'"') {
            self.at += 1;
            return Ok(Cow::Borrowed(&self.text[start..self.at - 1]));
        }
        let mut string = self.text[start..self.at].to_owned();
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Cow::Owned(string));
                }
                Some(b'\\') => string.push(self.escape()?),
                Some(byte) => {
                    let found = format!("the control character {:?}", char::from(byte));
                    let expected = "it as an escape, or the quotation mark that closes the text";
                    return Err(Wrong::at(self.at, found, expected));
                }
                None => return Err(self.wrong("the quotation mark that closes the text")),
            }
            let start = self.at;
            self.plain();
            string.push_str(&self.text[start..self.at]);
        }
    }

    /// Passes over what stands for itself in a text.
    fn plain(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        let special = |byte: &u8| *byte == b'"' || *byte == b'\\' || *byte < b' ';
        self.at += rest.iter().position(special).unwrap_or(rest.len());
    }

    fn escape(&mut self) -> Result<char, Wrong> {
        let start = self.at;
        self.at += 1;
        let plain = match self.peek() {
            Some(b'u') => return self.unit_or_pair(start),
            Some(plain @ (b'"' | b'\\' | b'/')) => char::from(plain),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            _ => return Err(self.wrong("one of \" \\ / b f n r t u after the backslash")),
        };
        self.at += 1;
        Ok(plain)
    }

    fn unit_or_pair(&mut self, start: usize) -> Result<char, Wrong> {
        let unit = self.unit()?;
        let is_half = |unit: u32, halves: std::ops::Range<u32>| halves.contains(&unit);
        if is_half(unit, 0xd800..0xdc00) {
            for mark in [b'\\', b'u'] {
                match self.peek() {
                    Some(byte) if byte == mark => self.at += usize::from(mark == b'\\'),
                    None => return Err(self.wrong("the other half of a surrogate pair")),
                    Some(_) => return Err(Wrong::half(start)),
                }
            }
            let low = self.unit()?;
            if !is_half(low, 0xdc00..0xe000) {
                return Err(Wrong::half(start));
            }
            let pair = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
            return char::from_u32(pair).ok_or_else(|| Wrong::half(start));
        }
        char::from_u32(unit).ok_or_else(|| Wrong::half(start))
    }

    /// The four digits after the `u`, which comes next.
    fn unit(&mut self) -> Result<u32, Wrong> {
        self.at += 1;
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit else { return Err(self.wrong("four hexadecimal digits")) };
            unit = 16 * unit + digit;
            self.at += 1;
        }
        Ok(unit)
    }

    /// What stands where something else is expected.
    pub(super) fn wrong(&self, expected: &str) -> Wrong {
        let rest = &self.text[self.at..];
        let found = match rest.chars().next() {
            None => "the end of the file".to_owned(),
            Some(c) if c.is_alphanumeric() => {
                let more = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '.' | '+' | '-');
                rest.chars().take_while(more).take(20).collect()
            }
            Some(c) if c == '"' || c.is_control() => format!("{c:?}"),
            Some(c) => c.to_string(),
        };
        Wrong { at: self.at, found, expected: expected.to_owned(), is_end: rest.is_empty() }
    }
}

impl Wrong {
    fn at(at: usize, found: String, expected: &str) -> Wrong {
        Wrong { at, found, expected: expected.to_owned(), is_end: false }
    }

    fn half(at: usize) -> Wrong {
        Wrong::at(at, "half of a surrogate pair".to_owned(), "both halves, as in \\ud83d\\ude00")
    }
}

/// What is wrong with bytes that were read as far as they are text, if anything is.
pub(super) fn no_text(bytes: &[u8]) -> Option<Wrong> {
    let error = std::str::from_utf8(bytes).err()?;
    let found = "bytes that are no text".to_owned();
    let mut wrong = Wrong::at(error.valid_up_to(), found, "UTF-8");
    wrong.is_end = error.error_len().is_none();
    Some(wrong)
}

/// A whole number from 0.
pub(super) fn whole(value: Encoded<'_>) -> Option<u64> {
    match value.view() {
        View::Integer(number) => u64::try_from(number).ok(),
        View::Number(number) => number.parse().ok(),
        _ => None,
    }
}

/// The names of the fields of an object, as far as they are there.
#[derive(Debug)]
pub(super) struct Names(Vec<String>);

impl Names {
    /// Whether one of them is this, in capitals or not.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|known| known.eq_ignore_ascii_case(name))
    }

    /// Whether they are those of an event or operation.
    pub(super) fn is_event(&self) -> bool {
        let has = |names: &[&str]| names.iter().all(|name| self.has(name));
        has(&["process", "type"]) || has(&["clientId", "kind"]) || has(&["input", "call"])
    }
}

/// The names in the first object of a file, which may be one of a list; none if there is no object.
pub(super) fn first_names(beginning: &[u8]) -> Names {
    let mut json = Json::new(beginning);
    json.skip(b'[');
    json.names()
}

/// The names in the object with which a text begins; none if it begins with none.
pub(super) fn names(text: &str) -> Names {
    Json { text, at: 0, depth: 0 }.names()
}
