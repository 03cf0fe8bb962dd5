//! Cutting a stream of EDN into its top-level forms.
//!
//! A file is a sequence of forms, or one list or vector of them; then its elements are the forms. The
//! cut is made by a state machine that knows brackets, strings, characters, comments, discards and
//! tags. What is inside a form is none of its business.

use memchr::memchr_iter;

use super::super::ParseError;
use super::{Class, DEEPEST, Place, class, closer, work};

/// The bytes of one top-level form, with its tags, and where it begins. A discarded form is one, too.
#[derive(Debug, Clone, Copy)]
pub(in crate::format) struct Form<'a> {
    pub(in crate::format) bytes: &'a [u8],
    pub(in crate::format) begin: Place,
    /// The column at which the line's first form begins: where the next line's may be expected.
    pub(in crate::format) indent: usize,
}

impl Form<'_> {
    /// The place of a byte of the form.
    pub(in crate::format) fn place(&self, at: usize) -> Place {
        self.begin.after(&self.bytes[..at.min(self.bytes.len())])
    }
}

/// What the forms of the file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Top {
    /// Not known yet.
    Start,
    /// One form after another.
    Sequence,
    /// Elements of a list or vector that ends with this byte.
    Inside(u8),
    /// The list or vector has ended.
    Over,
}

/// Where the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Outside of everything, or between a prefix and what it stands before.
    Outside,
    /// Inside brackets.
    Inside,
    /// After the first bracket of the file: it is the file's, or that of a form.
    First,
    FirstComment,
    /// In a name or number that is a form.
    Word,
    /// In a tag, which is none.
    Tag,
    /// After a `#` outside of brackets.
    Hash,
    String,
    /// After a backslash in a string.
    Escape,
    /// After a backslash anywhere else.
    Character,
    Comment,
}

/// Cuts a stream into forms.
#[derive(Debug)]
pub(in crate::format) struct Splitter {
    state: State,
    top: Top,
    /// Brackets that are open in the form.
    depth: usize,
    /// Whether a form has begun.
    is_open: bool,
    /// How many forms have to end until this one does: one more for each `#_` or `^` before it.
    needed: usize,
    begin: Place,
    indent: usize,
    /// Where in the file the form begins, and where the one before it ended.
    begin_at: u64,
    ended_at: u64,
    /// What came of the form in earlier pieces.
    begun: Vec<u8>,
    /// Where in this piece the form goes on.
    start: usize,
    /// Bytes before this piece.
    offset: u64,
    /// The line at `counted` bytes of this piece, and where in the file it begins.
    line: u64,
    line_start: u64,
    counted: usize,
}

/// What a file ends with.
#[derive(Debug)]
pub(in crate::format) struct End {
    /// Whether a form has not ended.
    pub(in crate::format) is_open: bool,
    /// The last line, if the list or vector around all forms has not ended.
    pub(in crate::format) unclosed: Option<u64>,
}

impl Default for Splitter {
    fn default() -> Self {
        Splitter {
            state: State::Outside,
            top: Top::Start,
            depth: 0,
            is_open: false,
            needed: 0,
            begin: Place::default(),
            indent: 1,
            begin_at: 0,
            ended_at: 0,
            begun: Vec::new(),
            start: 0,
            offset: 0,
            line: 1,
            line_start: 0,
            counted: 0,
        }
    }
}

type Taken = Result<(), ParseError>;

impl Splitter {
    /// Hands on each form that ends in this piece.
    pub(in crate::format) fn feed(
        &mut self,
        piece: &[u8],
        mut take: impl FnMut(Form<'_>) -> Taken,
    ) -> Taken {
        (self.start, self.counted) = (0, 0);
        let mut at = 0;
        while at < piece.len() {
            let next = self.step(piece, at, &mut take)?;
            work::visit(next - at);
            at = next;
        }
        if self.is_open {
            self.begun.extend_from_slice(&piece[self.start..]);
        }
        self.count_lines(piece, piece.len());
        self.offset += piece.len() as u64;
        Ok(())
    }

    /// How many bytes of a form are waiting for its end.
    pub(in crate::format) fn waiting(&self) -> usize {
        self.begun.len()
    }

    /// What came of the form whose end is missing so far.
    pub(in crate::format) fn begun(&self) -> Form<'_> {
        Form { bytes: &self.begun, begin: self.begin, indent: self.indent }
    }

    /// What the file ends with, if it ends here.
    pub(in crate::format) fn end(&self) -> End {
        let is_line_empty = self.offset == self.line_start;
        let last = self.line - u64::from(is_line_empty && self.line > 1);
        let unclosed = matches!(self.top, Top::Inside(_)).then_some(last);
        End { unclosed, is_open: self.is_open }
    }

    /// Goes on from a byte of the piece to another, at most to the end of what the state says.
    fn step(
        &mut self,
        piece: &[u8],
        at: usize,
        take: &mut impl FnMut(Form<'_>) -> Taken,
    ) -> Result<usize, ParseError> {
        match self.state {
            State::Outside => self.outside(piece, at),
            State::Inside => self.inside(piece, at, take),
            State::First => Ok(self.first(piece, at)),
            State::Hash => Ok(self.hash(piece, at)),
            State::Word | State::Tag => {
                let end = find(piece, at, |byte| class(byte) != Class::Word);
                if end == piece.len() {
                    return Ok(end);
                }
                if self.state == State::Word {
                    self.end_form(piece, end, take)?;
                }
                self.state = State::Outside;
                Ok(end)
            }
            State::String => {
                let end = find(piece, at, |byte| byte == b'"' || byte == b'\\');
                match piece.get(end) {
                    None => return Ok(end),
                    Some(b'"') if self.depth == 0 => self.end_form(piece, end + 1, take)?,
                    Some(b'"') => self.state = State::Inside,
                    Some(_) => self.state = State::Escape,
                }
                Ok(end + 1)
            }
            State::Escape => {
                self.state = State::String;
                Ok(at + 1)
            }
            State::Character => {
                self.state = if self.depth == 0 { State::Word } else { State::Inside };
                Ok(at + 1)
            }
            State::Comment | State::FirstComment => {
                let end = find(piece, at, |byte| byte == b'\n');
                if end < piece.len() {
                    self.state = match (self.state, self.depth) {
                        (State::FirstComment, _) => State::First,
                        (_, 0) => State::Outside,
                        _ => State::Inside,
                    };
                }
                Ok(end)
            }
        }
    }

    fn outside(&mut self, piece: &[u8], at: usize) -> Result<usize, ParseError> {
        let at = find(piece, at, |byte| class(byte) != Class::Blank);
        let Some(&byte) = piece.get(at) else { return Ok(at) };
        if class(byte) == Class::Semicolon {
            self.state = State::Comment;
            return Ok(at + 1);
        }
        if self.is_byte_order_mark(byte, at) {
            return Ok(at + 1);
        }
        if !self.is_open && self.top == Top::Inside(byte) {
            self.top = Top::Over;
            return Ok(at + 1);
        }
        if class(byte) == Class::Close || (self.top == Top::Over && !self.is_open) {
            let Place { line, column } = self.place(piece, at);
            let (found, expected) = (shown(&piece[at..]), self.expected());
            return Err(ParseError::Syntax { line, column, found, expected });
        }
        let begins = !self.is_open;
        if begins {
            self.begin_form(piece, at);
        }
        self.state = match byte {
            b'#' => State::Hash,
            b'^' => {
                self.needed += 1;
                State::Outside
            }
            b'\\' => State::Character,
            b'"' => State::String,
            b'(' | b'[' if begins && self.top == Top::Start => {
                self.depth = 1;
                State::First
            }
            b'(' | b'[' | b'{' => {
                self.depth = 1;
                State::Inside
            }
            _ => State::Word,
        };
        if begins && self.top == Top::Start && !matches!(self.state, State::Hash | State::First) {
            self.top = Top::Sequence;
        }
        Ok(at + 1)
    }

    /// A file may begin with U+FEFF, which says nothing.
    fn is_byte_order_mark(&self, byte: u8, at: usize) -> bool {
        let place = self.offset + at as u64;
        place < 3 && usize::try_from(place).is_ok_and(|place| [0xef, 0xbb, 0xbf][place] == byte)
    }

    fn expected(&self) -> String {
        match self.top {
            Top::Over => "the end of the file".to_owned(),
            Top::Inside(closer) if !self.is_open => format!("an event or {}", closer as char),
            _ => "an event".to_owned(),
        }
    }

    fn begin_form(&mut self, piece: &[u8], at: usize) {
        self.begin = self.place(piece, at);
        let is_first = self.ended_at <= self.line_start;
        self.indent = match (is_first, self.begin_at < self.line_start) {
            (true, _) => self.begin.column,
            // The form before this one ends here, and began on another line.
            (false, true) => 1,
            (false, false) => self.indent,
        };
        self.begin_at = self.offset + at as u64;
        (self.is_open, self.start, self.needed) = (true, at, 1);
        self.begun.clear();
    }

    fn hash(&mut self, piece: &[u8], at: usize) -> usize {
        // A discard that begins a form is the form; others stand inside it.
        let is_first = self.begun.len() + at - self.start == 1;
        let byte = piece[at];
        if byte == b'_' {
            self.needed += usize::from(!is_first);
            self.state = State::Outside;
            return at + 1;
        }
        if self.top == Top::Start {
            self.top = Top::Sequence;
        }
        self.state = match class(byte) {
            Class::Word if byte == b'#' => State::Word,
            Class::Word => State::Tag,
            _ => State::Outside,
        };
        at
    }

    /// Decides whose the first bracket of the file is: if another bracket follows, the file's.
    fn first(&mut self, piece: &[u8], at: usize) -> usize {
        let at = find(piece, at, |byte| class(byte) != Class::Blank);
        let Some(&byte) = piece.get(at) else { return at };
        if byte == b';' {
            self.state = State::FirstComment;
            return at + 1;
        }
        let open = self.begun.first().copied().unwrap_or_else(|| piece[self.start]);
        let is_empty = byte == closer(open);
        if !is_empty && !matches!(byte, b'(' | b'[' | b'{' | b'#' | b'^') {
            (self.top, self.state) = (Top::Sequence, State::Inside);
            return at;
        }
        self.top = if is_empty { Top::Over } else { Top::Inside(closer(open)) };
        (self.is_open, self.depth, self.state) = (false, 0, State::Outside);
        self.begun.clear();
        at + usize::from(is_empty)
    }

    fn inside(
        &mut self,
        piece: &[u8],
        at: usize,
        take: &mut impl FnMut(Form<'_>) -> Taken,
    ) -> Result<usize, ParseError> {
        let mut at = at;
        while self.state == State::Inside {
            at = find(piece, at, |byte| !matches!(class(byte), Class::Word | Class::Blank));
            let Some(&byte) = piece.get(at) else { return Ok(at) };
            match class(byte) {
                Class::Quote => match plain_string(&piece[at + 1..]) {
                    Some(length) => at += length,
                    None => self.state = State::String,
                },
                Class::Semicolon => self.state = State::Comment,
                Class::Backslash => self.state = State::Character,
                Class::Open if self.depth == DEEPEST => {
                    let Place { line, column } = self.place(piece, at);
                    let found = format!("{} inside {DEEPEST} others", byte as char);
                    let expected = format!("values nested at most {DEEPEST} deep");
                    return Err(ParseError::Syntax { line, column, found, expected });
                }
                Class::Open => self.depth += 1,
                _ => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        self.end_form(piece, at + 1, take)?;
                    }
                }
            }
            at += 1;
        }
        Ok(at)
    }

    /// A form ends before this byte of the piece; with it all, unless it was only a prefix of one.
    fn end_form(
        &mut self,
        piece: &[u8],
        end: usize,
        take: &mut impl FnMut(Form<'_>) -> Taken,
    ) -> Taken {
        self.state = State::Outside;
        self.needed -= 1;
        if self.needed > 0 {
            return Ok(());
        }
        self.is_open = false;
        self.ended_at = self.offset + end as u64;
        let rest = &piece[self.start..end];
        let bytes = if self.begun.is_empty() {
            rest
        } else {
            self.begun.extend_from_slice(rest);
            &self.begun
        };
        take(Form { bytes, begin: self.begin, indent: self.indent })?;
        if self.begun.capacity() > KEPT {
            self.begun = Vec::new();
        }
        self.begun.clear();
        Ok(())
    }

    fn place(&mut self, piece: &[u8], at: usize) -> Place {
        self.count_lines(piece, at);
        let column = self.offset + at as u64 - self.line_start + 1;
        Place { line: self.line, column: usize::try_from(column).unwrap_or(usize::MAX) }
    }

    fn count_lines(&mut self, piece: &[u8], to: usize) {
        let mut last = None;
        for end in memchr_iter(b'\n', &piece[self.counted..to]) {
            self.line += 1;
            last = Some(end);
        }
        if let Some(last) = last {
            self.line_start = self.offset + (self.counted + last + 1) as u64;
        }
        self.counted = to;
    }
}

/// The length of a string that is short and without escapes, with the quotation mark at its end.
fn plain_string(rest: &[u8]) -> Option<usize> {
    const SHORT: usize = 64;
    let rest = &rest[..rest.len().min(SHORT)];
    let end = rest.iter().position(|&byte| byte == b'"' || byte == b'\\')?;
    (rest[end] == b'"').then_some(end + 1)
}

/// A buffer of a form that is larger than this is given back.
const KEPT: usize = 1 << 20;

/// The first byte from here on that is wanted, or the end.
fn find(piece: &[u8], from: usize, is_wanted: impl Fn(u8) -> bool) -> usize {
    let rest = &piece[from..];
    from + rest.iter().position(|&byte| is_wanted(byte)).unwrap_or(rest.len())
}

/// The beginning of something that has no business here.
fn shown(bytes: &[u8]) -> String {
    let length = match class(bytes[0]) {
        Class::Word => find(bytes, 0, |byte| class(byte) != Class::Word),
        _ => 1,
    };
    String::from_utf8_lossy(&bytes[..length]).chars().take(40).collect()
}
