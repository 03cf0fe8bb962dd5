//! A JSON reader that remembers where everything stands.
//!
//! `serde_json` knows the line of a syntax error but forgets that of a value once it is read, and
//! it takes the last of two equal keys without a word. A workload file is small and written by
//! hand: here every value keeps its place, a key given twice is an error, and the usual slips
//! (comments, a trailing comma, single quotes, `NaN`) are told by name. RFC 8259 decides what is
//! valid; the tests compare with `serde_json`.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Chars;

use super::error::{Fault, quoted};

/// A place in the text, both counted from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Position {
    pub(super) const START: Self = Self { line: 1, column: 1 };

    /// The place after `text`.
    pub(super) fn after(text: &str) -> Self {
        text.chars().fold(Self::START, Self::advanced)
    }

    fn advanced(self, over: char) -> Self {
        if over == '\n' {
            Self { line: self.line + 1, column: 1 }
        } else {
            Self { line: self.line, column: self.column + 1 }
        }
    }
}

/// A value and where it starts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) at: Position,
    pub(super) value: Value,
}

/// A JSON value. Numbers keep their text, so that a seed of 64 bits stays exact.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Node>),
    Object(Vec<Member>),
}

impl Value {
    /// What it is, for a sentence.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Null => "`null`".to_owned(),
            Self::Bool(value) => format!("`{value}`"),
            Self::Number(text) => format!("the number {}", quoted(text)),
            Self::Text(text) => format!("the text {}", quoted(&format!("\"{text}\""))),
            Self::List(_) => "a list".to_owned(),
            Self::Object(_) => "an object".to_owned(),
        }
    }
}

/// One key of an object with its value; `at` is the place of the key.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Member {
    pub(super) at: Position,
    pub(super) name: String,
    pub(super) node: Node,
}

/// `outer.name`, or `name` alone at the top.
pub(super) fn join(outer: &str, name: &str) -> String {
    if outer.is_empty() { name.to_owned() } else { format!("{outer}.{name}") }
}

/// Reads one JSON value that is the whole of `text`.
pub(super) fn read(text: &str) -> Result<Node, Fault> {
    let mut reader =
        Reader { rest: text.chars().peekable(), at: Position::START, path: Vec::new() };
    if reader.peek() == Some('\u{feff}') {
        return Err(reader.fault("the file starts with a byte order mark; save it as plain UTF-8"));
    }
    reader.skip_space();
    if reader.peek().is_none() {
        return Err(Fault {
            at: Position::START,
            key: String::new(),
            problem: "the file is empty; a workload is a JSON object, at least {\"lifetime\": 30, \
                      \"replicas\": 5, \"requests\": 500}"
                .to_owned(),
        });
    }
    let node = reader.value()?;
    reader.skip_space();
    match reader.peek() {
        None => Ok(node),
        Some(c) => Err(reader.fault(&format!(
            "not JSON: {} follows after the end of the first value; a file holds one object",
            shown(Some(c))
        ))),
    }
}

/// Deeper than any workload, far from the end of the stack.
const DEEPEST: usize = 32;

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
    at: Position,
    /// The keys and `[index]`es that lead to the value being read.
    path: Vec<String>,
}

impl Reader<'_> {
    fn peek(&mut self) -> Option<char> {
        self.rest.peek().copied()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.rest.next()?;
        self.at = self.at.advanced(next);
        Some(next)
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\n' | '\r')) {
            self.next();
        }
    }

    fn fault(&self, problem: &str) -> Fault {
        self.fault_at(self.at, problem)
    }

    fn fault_at(&self, at: Position, problem: &str) -> Fault {
        let key = self.path.iter().fold(String::new(), |path, step| {
            if step.starts_with('[') { path + step } else { join(&path, step) }
        });
        Fault { at, key, problem: problem.to_owned() }
    }

    fn value(&mut self) -> Result<Node, Fault> {
        let at = self.at;
        let value = match self.peek() {
            Some('{') => Value::Object(self.object()?),
            Some('[') => Value::List(self.list()?),
            Some('"') => Value::Text(self.text()?),
            Some(c) if is_word(c) => self.word()?,
            other => return Err(self.fault(&no_value(other))),
        };
        Ok(Node { at, value })
    }

    fn object(&mut self) -> Result<Vec<Member>, Fault> {
        let opened = self.at;
        self.next();
        self.check_depth(opened)?;
        let mut members = Vec::new();
        let mut seen = BTreeMap::new();
        self.skip_space();
        if self.peek() == Some('}') {
            self.next();
            return Ok(members);
        }
        loop {
            self.skip_space();
            let at = self.at;
            if self.peek() != Some('"') {
                return Err(self.no_key(opened));
            }
            let name = self.text()?;
            self.path.push(name.clone());
            if let Some(first) = seen.insert(name.clone(), at.line) {
                let problem = format!("this key is given twice, first in line {first}; keep one");
                return Err(self.fault_at(at, &problem));
            }
            self.skip_space();
            if self.peek() != Some(':') {
                let found = shown(self.peek());
                return Err(self.fault(&format!("not JSON: `:` must follow a key, not {found}")));
            }
            self.next();
            self.skip_space();
            let node = self.value()?;
            self.path.pop();
            members.push(Member { at, name, node });
            if self.ends('}', opened)? {
                return Ok(members);
            }
        }
    }

    fn list(&mut self) -> Result<Vec<Node>, Fault> {
        let opened = self.at;
        self.next();
        self.check_depth(opened)?;
        let mut items = Vec::new();
        self.skip_space();
        if self.peek() == Some(']') {
            self.next();
            return Ok(items);
        }
        loop {
            self.skip_space();
            if self.peek() == Some(']') {
                return Err(self.fault("not JSON: no comma may stand before the closing `]`"));
            }
            self.path.push(format!("[{}]", items.len()));
            items.push(self.value()?);
            self.path.pop();
            if self.ends(']', opened)? {
                return Ok(items);
            }
        }
    }

    fn check_depth(&self, opened: Position) -> Result<(), Fault> {
        if self.path.len() < DEEPEST {
            return Ok(());
        }
        let problem = format!("nested more than {DEEPEST} deep; no workload needs that");
        Err(self.fault_at(opened, &problem))
    }

    /// After an item: whether the object or list closes here; it goes on after a comma.
    fn ends(&mut self, close: char, opened: Position) -> Result<bool, Fault> {
        self.skip_space();
        match self.peek() {
            Some(c) if c == close => {
                self.next();
                Ok(true)
            }
            Some(',') => {
                self.next();
                Ok(false)
            }
            Some('/') => Err(self.fault(&no_value(Some('/')))),
            None => Err(self.unclosed(close, opened)),
            other => Err(self.fault(&format!(
                "not JSON: `,` or `{close}` must follow here, not {}",
                shown(other)
            ))),
        }
    }

    fn unclosed(&self, close: char, opened: Position) -> Fault {
        self.fault(&format!(
            "not JSON: the file ends before the `{close}` that closes what line {} opens",
            opened.line
        ))
    }

    fn no_key(&mut self, opened: Position) -> Fault {
        match self.peek() {
            None => self.unclosed('}', opened),
            Some('}') => self.fault("not JSON: no comma may stand before the closing `}`"),
            Some('/') => self.fault(&no_value(Some('/'))),
            other => self.fault(&format!(
                "not JSON: a key in double quotes must stand here, not {}",
                shown(other)
            )),
        }
    }

    /// A number, or one of the three words.
    fn word(&mut self) -> Result<Value, Fault> {
        let at = self.at;
        let mut word = String::new();
        while let Some(c) = self.peek().filter(|&c| is_word(c)) {
            word.push(c);
            self.next();
        }
        match word.as_str() {
            "null" => Ok(Value::Null),
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            number if is_number(number) => match number.parse::<f64>() {
                Ok(value) if value.is_finite() => Ok(Value::Number(word)),
                _ => Err(self
                    .fault_at(at, &format!("{} is too large for any number here", quoted(&word)))),
            },
            other => Err(self.fault_at(
                at,
                &format!(
                    "not JSON: {} is no value; allowed: a number such as 5 or 0.25, a text in \
                     double quotes, true, false, null, a list or an object",
                    quoted(other)
                ),
            )),
        }
    }

    fn text(&mut self) -> Result<String, Fault> {
        let opened = self.at;
        self.next();
        let mut text = String::new();
        loop {
            let at = self.at;
            match self.next() {
                Some('"') => return Ok(text),
                Some('\\') => text.push(self.escape(at)?),
                Some(c) if c < ' ' => {
                    return Err(self.fault_at(
                        at,
                        "not JSON: a text ends on its line; is the closing `\"` missing?",
                    ));
                }
                Some(c) => text.push(c),
                None => {
                    return Err(self.fault_at(opened, "not JSON: this text has no closing `\"`"));
                }
            }
        }
    }

    /// The character that an escape stands for; the backslash at `at` is read.
    fn escape(&mut self, at: Position) -> Result<char, Fault> {
        let escaped = match self.next() {
            Some(c @ ('"' | '\\' | '/')) => Some(c),
            Some('b') => Some('\u{8}'),
            Some('f') => Some('\u{c}'),
            Some('n') => Some('\n'),
            Some('r') => Some('\r'),
            Some('t') => Some('\t'),
            Some('u') => self.unicode(),
            _ => None,
        };
        escaped.ok_or_else(|| {
            self.fault_at(
                at,
                "not JSON: no such escape; allowed: \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX",
            )
        })
    }

    fn unicode(&mut self) -> Option<char> {
        let first = self.hex4()?;
        if !(0xD800..0xDC00).contains(&first) {
            return char::from_u32(first);
        }
        if self.next()? != '\\' || self.next()? != 'u' {
            return None;
        }
        let second = self.hex4().filter(|second| (0xDC00..0xE000).contains(second))?;
        char::from_u32(0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00))
    }

    fn hex4(&mut self) -> Option<u32> {
        (0..4).try_fold(0, |value, _| Some(value << 4 | self.next()?.to_digit(16)?))
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '+' | '-' | '.' | '_')
}

/// The grammar of RFC 8259, section 6.
fn is_number(word: &str) -> bool {
    let (mantissa, exponent) = match word.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (word, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    let whole = whole.strip_prefix('-').unwrap_or(whole);
    is_digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(is_digits)
        && exponent.is_none_or(|text| is_digits(text.strip_prefix(['+', '-']).unwrap_or(text)))
}

fn no_value(found: Option<char>) -> String {
    match found {
        Some('\'') => "not JSON: texts stand in double quotes, not in single ones".to_owned(),
        Some('/' | '#') => "not JSON: there are no comments in JSON; remove it, or use the key \
                            `description`"
            .to_owned(),
        other => format!("not JSON: a value must stand here, not {}", shown(other)),
    }
}

fn shown(c: Option<char>) -> String {
    c.map_or_else(|| "the end of the file".to_owned(), |c| quoted(&c.to_string()))
}

#[cfg(test)]
mod tests;
