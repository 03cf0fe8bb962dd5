//! Writing values of EDN into an encoder.
//!
//! Numbers are equal by value, `7N` to `7`; lists and vectors are one; a map or set that names a key or
//! an element twice is refused, as EDN has it. Of a tagged value the tag is kept, but for tuples of
//! `jepsen.independent`, which are pairs.

use std::ops::RangeInclusive;

use rustc_hash::FxHashSet;

use super::walk::{Walker, Wrong};
use super::{Class, DEEPEST, class, closer};
use crate::datum::{Encoder, number};

impl Walker<'_> {
    /// Writes the value that begins here.
    pub(in crate::format) fn value(
        &mut self,
        encoder: &mut Encoder,
        depth: usize,
    ) -> Result<(), Wrong> {
        if depth > DEEPEST {
            return Err(self.wrong(format!("values nested at most {DEEPEST} deep")));
        }
        match self.peek() {
            Some(b'"') => self.string(encoder),
            Some(b'\\') => {
                let c = self.char()?;
                encoder.char(c);
                Ok(())
            }
            Some(b'(' | b'[') => {
                let mark = encoder.begin();
                self.items(encoder, depth)?;
                encoder.end_list(mark);
                Ok(())
            }
            Some(b'{') => self.map(encoder, depth),
            Some(b'#') => self.dispatch(encoder, depth),
            Some(b'^') => {
                self.advance();
                self.blanks(depth + 1)?;
                self.skip(depth + 1)?;
                self.blanks(depth + 1)?;
                self.value(encoder, depth + 1)
            }
            None | Some(b')' | b']' | b'}') => Err(self.wrong("a value")),
            Some(_) => self.named_or_number(encoder),
        }
    }

    /// Writes what is in these brackets; how many values there are.
    fn items(&mut self, encoder: &mut Encoder, depth: usize) -> Result<usize, Wrong> {
        let Some(open) = self.peek() else { return Err(self.wrong("a value")) };
        let closer = closer(open);
        self.advance();
        let mut count = 0;
        loop {
            self.blanks(depth + 1)?;
            match self.peek() {
                Some(byte) if byte == closer => {
                    self.advance();
                    return Ok(count);
                }
                Some(byte) if class(byte) == Class::Close => {
                    return Err(self.wrong((closer as char).to_string()));
                }
                _ => self.value(encoder, depth + 1)?,
            }
            count += 1;
        }
    }

    fn map(&mut self, encoder: &mut Encoder, depth: usize) -> Result<(), Wrong> {
        let start = self.at;
        let mark = encoder.begin();
        if self.items(encoder, depth)? % 2 == 1 {
            return Err(self.from(self.at - 1).wrong("a value for the last key"));
        }
        if encoder.end_map(mark) { Ok(()) } else { Err(self.repeated(start, 2)) }
    }

    fn set(&mut self, encoder: &mut Encoder, depth: usize) -> Result<(), Wrong> {
        let start = self.at;
        let mark = encoder.begin();
        self.items(encoder, depth)?;
        if encoder.end_set(mark) { Ok(()) } else { Err(self.repeated(start, 1)) }
    }

    /// Where a map or set that was read once has a key or element for the second time.
    fn repeated(&self, start: usize, together: usize) -> Wrong {
        let mut walker = self.from(start + 1);
        let mut seen = FxHashSet::default();
        for place in 0_usize.. {
            let mut encoder = Encoder::default();
            let at = match walker.blanks(1) {
                Ok(()) => walker.at,
                Err(wrong) => return wrong,
            };
            if let Err(wrong) = walker.value(&mut encoder, 1) {
                return wrong;
            }
            if place % together == 0 && !seen.insert(encoder.bytes().to_vec()) {
                let found = format!("{} for the second time", self.excerpt(at, walker.at));
                let what = if together == 2 { "key" } else { "element" };
                return Wrong::new(at, found, format!("each {what} once"));
            }
        }
        self.wrong("each part once")
    }

    /// What begins with `#`: a set, a symbolic number, a tagged value.
    fn dispatch(&mut self, encoder: &mut Encoder, depth: usize) -> Result<(), Wrong> {
        match self.bytes.get(self.at + 1) {
            Some(b'{') => {
                self.advance();
                return self.set(encoder, depth);
            }
            Some(b'#') => {
                let start = self.at;
                let word = self.word()?;
                if !matches!(word, b"##Inf" | b"##-Inf" | b"##NaN") {
                    return Err(self.from(start).wrong("##Inf, ##-Inf or ##NaN"));
                }
                return self.utf8(start, word).map(|name| encoder.symbol(name));
            }
            _ => {}
        }
        let start = self.at + 1;
        let tag = self.tag()?;
        self.blanks(depth + 1)?;
        if is_tuple(tag) && matches!(self.peek(), Some(b'[' | b'(')) {
            return self.value(encoder, depth + 1);
        }
        let mark = encoder.begin();
        encoder.text(self.utf8(start, tag)?);
        self.value(encoder, depth + 1)?;
        encoder.end_tagged(mark);
        Ok(())
    }

    /// `nil`, `true`, `false`, a keyword, a symbol or a number.
    fn named_or_number(&mut self, encoder: &mut Encoder) -> Result<(), Wrong> {
        let start = self.at;
        let word = self.word()?;
        let unsigned = word.strip_prefix(b"-").or(word.strip_prefix(b"+")).unwrap_or(word);
        if unsigned.first().is_some_and(u8::is_ascii_digit) {
            let has_zero = unsigned[0] == b'0' && unsigned.get(1).is_some_and(u8::is_ascii_digit);
            match number::small(word) {
                Some(number) if !has_zero => encoder.integer(number),
                None if !has_zero && encoder.number(self.utf8(start, word)?) => {}
                _ => return Err(self.from(start).wrong("a number")),
            }
            return Ok(());
        }
        let text = self.utf8(start, word)?;
        match text {
            "nil" => encoder.nil(),
            "true" => encoder.bool(true),
            "false" => encoder.bool(false),
            _ => {
                let (name, what) = match text.strip_prefix(':') {
                    Some(name) => (name, "a keyword"),
                    None => (text, "a value"),
                };
                if !is_name(name) {
                    return Err(self.from(start).wrong(what));
                }
                if name.len() < text.len() { encoder.keyword(name) } else { encoder.symbol(name) }
            }
        }
        Ok(())
    }

    fn char(&mut self) -> Result<char, Wrong> {
        let start = self.at;
        let word = self.character()?;
        let name = self.utf8(start, word)?.strip_prefix('\\').unwrap_or_default();
        let mut chars = name.chars();
        if let (Some(c), None) = (chars.next(), chars.next()) {
            return Ok(c);
        }
        let known = match name {
            "newline" => Some('\n'),
            "return" => Some('\r'),
            "space" => Some(' '),
            "tab" => Some('\t'),
            "backspace" => Some('\u{8}'),
            "formfeed" => Some('\u{c}'),
            _ => match (name.strip_prefix('u'), name.strip_prefix('o')) {
                (Some(digits), _) => code(digits, 4..=4, 16).and_then(char::from_u32),
                (_, Some(digits)) => code(digits, 1..=3, 8).and_then(latin),
                _ => None,
            },
        };
        known.ok_or_else(|| {
            let found = self.excerpt(start, self.at);
            Wrong::new(start, found, "a character, \\newline, \\space, \\tab, \\uXXXX")
        })
    }

    fn string(&mut self, encoder: &mut Encoder) -> Result<(), Wrong> {
        let start = self.at + 1;
        let (inside, is_escaped) = self.skip_string()?;
        if !is_escaped && inside.is_ascii() {
            encoder.ascii(inside);
            return Ok(());
        }
        let text = self.utf8(start, inside)?;
        if !is_escaped {
            encoder.text(text);
            return Ok(());
        }
        let mut plain = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('\\') {
            plain.push_str(&rest[..at]);
            let escape = &rest[at..];
            let Some((c, length)) = unescape(escape) else {
                let place = start + (text.len() - escape.len());
                let found = escape.chars().take(6).collect();
                let expected = r#"an escape: \n \t \r \b \f \\ \" \uXXXX"#;
                return Err(Wrong::new(place, found, expected));
            };
            plain.push(c);
            rest = &escape[length..];
        }
        plain.push_str(rest);
        encoder.text(&plain);
        Ok(())
    }

    /// Bytes as a text, which they are not always.
    pub(in crate::format) fn utf8<'b>(
        &self,
        start: usize,
        bytes: &'b [u8],
    ) -> Result<&'b str, Wrong> {
        std::str::from_utf8(bytes).map_err(|error| {
            let at = start + error.valid_up_to();
            Wrong::new(at, format!("the byte {:#04x}", self.bytes[at]), "UTF-8")
        })
    }
}

/// Whether a tag says that its vector is a key and a value.
fn is_tuple(tag: &[u8]) -> bool {
    let name = tag.rsplit(|byte| matches!(byte, b'/' | b'.')).next().unwrap_or_default();
    name.eq_ignore_ascii_case(b"tuple")
}

/// Whether a symbol, or a keyword without its colon, is one.
fn is_name(name: &str) -> bool {
    let is_part =
        |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || ".*+!-_?$%&=<>/#:'|".contains(c);
    let begins = |c: char| c != ':' && c != '#' && c != '\'' && !c.is_control();
    let digit_after_dot = name.as_bytes().first() == Some(&b'.')
        && name.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
    name.starts_with(begins) && !digit_after_dot && name.chars().all(is_part)
}

/// The character that an escape stands for, and its length.
fn unescape(escape: &str) -> Option<(char, usize)> {
    let bytes = escape.as_bytes();
    let simple = match bytes.get(1)? {
        b'n' => '\n',
        b't' => '\t',
        b'r' => '\r',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'\\' => '\\',
        b'"' => '"',
        b'u' => return unicode(escape),
        b'o' => return octal(escape, 2),
        b'0'..=b'7' => return octal(escape, 1),
        _ => return None,
    };
    Some((simple, 2))
}

/// `\uXXXX`, or two of them that are one character.
fn unicode(escape: &str) -> Option<(char, usize)> {
    let unit = |at: usize| code(escape.get(at..at + 6)?.strip_prefix("\\u")?, 4..=4, 16);
    let high = unit(0)?;
    if let Some(c) = char::from_u32(high) {
        return Some((c, 6));
    }
    let low = unit(6).filter(|low| (0xdc00..0xe000).contains(low) && high < 0xdc00)?;
    char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)).map(|c| (c, 12))
}

/// One to three octal digits from here on, up to 377.
fn octal(escape: &str, from: usize) -> Option<(char, usize)> {
    let digits = &escape.as_bytes()[from..];
    let length = digits.iter().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
    let c = latin(code(&escape[from..from + length], 1..=3, 8)?)?;
    Some((c, from + length))
}

/// The number of so many digits.
fn code(digits: &str, length: RangeInclusive<usize>, radix: u32) -> Option<u32> {
    let are_digits = digits.chars().all(|c| c.is_digit(radix));
    let is_code = are_digits && length.contains(&digits.len());
    is_code.then(|| u32::from_str_radix(digits, radix).ok()).flatten()
}

/// A character that octal notation can name.
fn latin(code: u32) -> Option<char> {
    u8::try_from(code).ok().map(char::from)
}
