//! Values as bytes: equal values are equal bytes, so that they can be interned without being built.
//!
//! A value is a tag and what follows it:
//!
//! | tag | follows |
//! |---|---|
//! | nil, false, true | nothing |
//! | whole number of 64 bits: a tag for each sign and length | its bytes, highest first |
//! | other number, text, keyword, symbol, character | the length in bytes as a variable-length number, the bytes |
//! | list, set, map, tagged | the length in bytes as 32 bits, lowest first, then the parts |
//!
//! Bytes of whole numbers are in the order of their values, and those of a set are sorted.

use super::Datum;

const NIL: u8 = 0x01;
const FALSE: u8 = 0x02;
const TRUE: u8 = 0x03;
/// Negative numbers of `n` bytes have the tag `ZERO - n`, others `ZERO + n`.
const ZERO: u8 = 0x30;
const NUMBER: u8 = 0x50;
const TEXT: u8 = 0x51;
const KEYWORD: u8 = 0x52;
const SYMBOL: u8 = 0x53;
const CHAR: u8 = 0x54;
const LIST: u8 = 0x60;
const SET: u8 = 0x61;
const MAP: u8 = 0x62;
const TAGGED: u8 = 0x63;

/// Bytes of the length of a list, set, map or tagged value.
const LENGTH_BYTES: usize = 4;

/// One value in its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Encoded<'a>(&'a [u8]);

/// What a value is.
#[derive(Debug, Clone)]
pub(crate) enum View<'a> {
    Nil,
    Bool(bool),
    Integer(i64),
    Number(&'a str),
    Text(&'a str),
    Keyword(&'a str),
    Symbol(&'a str),
    Char(char),
    List(Items<'a>),
    Set(Items<'a>),
    /// Keys and values in turns.
    Map(Items<'a>),
    /// The tag as a text, then the value.
    Tagged(Items<'a>),
}

/// The parts of a list, set or map, one after another.
#[derive(Debug, Clone)]
pub(crate) struct Items<'a>(&'a [u8]);

impl<'a> Encoded<'a> {
    /// Nil.
    pub(crate) const NIL: Encoded<'static> = Encoded(&[NIL]);

    /// The bytes of exactly one value, as an [`Encoder`] wrote them.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Encoded(bytes)
    }

    pub(crate) fn bytes(self) -> &'a [u8] {
        self.0
    }

    pub(crate) fn is_nil(self) -> bool {
        self.0 == [NIL]
    }

    pub(crate) fn view(self) -> View<'a> {
        let (tag, rest) = self.0.split_first().map_or((NIL, &[][..]), |(&tag, rest)| (tag, rest));
        match tag {
            FALSE => View::Bool(false),
            TRUE => View::Bool(true),
            NUMBER => View::Number(text(rest)),
            TEXT => View::Text(text(rest)),
            KEYWORD => View::Keyword(text(rest)),
            SYMBOL => View::Symbol(text(rest)),
            CHAR => View::Char(text(rest).chars().next().unwrap_or_default()),
            LIST => View::List(items(rest)),
            SET => View::Set(items(rest)),
            MAP => View::Map(items(rest)),
            TAGGED => View::Tagged(items(rest)),
            tag if (ZERO - 8..=ZERO + 8).contains(&tag) => View::Integer(integer(tag, rest)),
            _ => View::Nil,
        }
    }

    /// The value, if it is a text.
    pub(crate) fn text(self) -> Option<&'a str> {
        if let View::Text(text) = self.view() { Some(text) } else { None }
    }

    /// The two parts of a list of two.
    pub(crate) fn pair(self) -> Option<(Encoded<'a>, Encoded<'a>)> {
        let View::List(mut items) = self.view() else { return None };
        let pair = (items.next()?, items.next()?);
        items.next().is_none().then_some(pair)
    }

    pub(crate) fn datum(self) -> Datum {
        let list = |items: Items<'a>| items.map(Encoded::datum).collect::<Vec<_>>();
        match self.view() {
            View::Nil => Datum::Nil,
            View::Bool(value) => Datum::Bool(value),
            View::Integer(number) => Datum::Integer(number),
            View::Number(number) => Datum::Number(number.into()),
            View::Text(text) => Datum::Text(text.into()),
            View::Keyword(name) => Datum::Keyword(name.into()),
            View::Symbol(name) => Datum::Symbol(name.into()),
            View::Char(c) => Datum::Char(c),
            View::List(items) => Datum::List(list(items)),
            View::Set(items) => Datum::set(list(items)),
            View::Map(mut items) => {
                let mut entries = Vec::new();
                while let (Some(key), Some(value)) = (items.next(), items.next()) {
                    entries.push((key.datum(), value.datum()));
                }
                Datum::map(entries)
            }
            View::Tagged(mut items) => {
                let tag = items.next().and_then(Encoded::text).unwrap_or_default();
                Datum::Tagged(
                    tag.into(),
                    Box::new(items.next().map(Encoded::datum).unwrap_or_default()),
                )
            }
        }
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Encoded<'a>;

    fn next(&mut self) -> Option<Encoded<'a>> {
        let (&tag, rest) = self.0.split_first()?;
        let behind = match tag {
            NUMBER..=CHAR => {
                let (length, width) = variable(rest);
                length + width
            }
            LIST..=TAGGED => LENGTH_BYTES + fixed(rest),
            tag if (ZERO - 8..=ZERO + 8).contains(&tag) => usize::from(tag.abs_diff(ZERO)),
            _ => 0,
        };
        let (item, rest) = self.0.split_at_checked(1 + behind)?;
        self.0 = rest;
        Some(Encoded(item))
    }
}

fn items(rest: &[u8]) -> Items<'_> {
    Items(rest.get(LENGTH_BYTES..).unwrap_or_default())
}

fn text(rest: &[u8]) -> &str {
    let (length, width) = variable(rest);
    rest.get(width..width + length)
        .and_then(|bytes| std::str::from_utf8(bytes).ok())
        .unwrap_or_default()
}

fn integer(tag: u8, bytes: &[u8]) -> i64 {
    let is_negative = tag < ZERO;
    let sign = if is_negative { 0xff } else { 0 };
    let mut whole = [sign; 8];
    let length = usize::from(tag.abs_diff(ZERO)).min(bytes.len());
    whole[8 - length..].copy_from_slice(&bytes[..length]);
    i64::from_be_bytes(whole)
}

/// A length, and how many bytes it takes: seven bits a byte, lowest first.
fn variable(bytes: &[u8]) -> (usize, usize) {
    let mut length = 0;
    for (at, byte) in bytes.iter().enumerate().take(9) {
        length |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return (length, at + 1);
        }
    }
    (length, bytes.len().min(9))
}

fn fixed(bytes: &[u8]) -> usize {
    let length: [u8; 4] =
        bytes.get(..LENGTH_BYTES).and_then(|bytes| bytes.try_into().ok()).unwrap_or_default();
    u32::from_le_bytes(length) as usize
}

/// Where a list, set, map or tagged value begins in an [`Encoder`].
#[derive(Debug, Clone, Copy)]
#[must_use]
pub(crate) struct Mark(usize);

/// Writes values into one buffer, one after another.
#[derive(Debug, Clone, Default)]
pub(crate) struct Encoder {
    bytes: Vec<u8>,
}

impl Encoder {
    /// An encoder that holds this value.
    pub(crate) fn of(datum: &Datum) -> Self {
        let mut encoder = Encoder::default();
        encoder.datum(datum);
        encoder
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where the next value will begin.
    pub(crate) fn at(&self) -> usize {
        self.bytes.len()
    }

    /// The one value between two places.
    pub(crate) fn slice(&self, from: usize, to: usize) -> Encoded<'_> {
        Encoded(&self.bytes[from..to])
    }

    /// Forgets what was written from this place on.
    pub(crate) fn truncate(&mut self, at: usize) {
        self.bytes.truncate(at);
    }

    pub(crate) fn nil(&mut self) {
        self.bytes.push(NIL);
    }

    pub(crate) fn bool(&mut self, value: bool) {
        self.bytes.push(if value { TRUE } else { FALSE });
    }

    pub(crate) fn integer(&mut self, number: i64) {
        let bytes = number.to_be_bytes();
        let superfluous =
            if number < 0 { number.leading_ones() - 1 } else { number.leading_zeros() };
        // A negative number of one byte at least: -1 would have none.
        let skip =
            usize::try_from(superfluous / 8).unwrap_or(0).min(if number < 0 { 7 } else { 8 });
        let length = u8::try_from(8 - skip).unwrap_or(8);
        self.bytes.push(if number < 0 { ZERO - length } else { ZERO + length });
        self.bytes.extend_from_slice(&bytes[skip..]);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.string(TEXT, text);
    }

    /// A text of ASCII alone, which need not be tried for UTF-8.
    pub(crate) fn ascii(&mut self, text: &[u8]) {
        debug_assert!(text.is_ascii(), "{text:?}");
        self.string_of_bytes(TEXT, text);
    }

    pub(crate) fn keyword(&mut self, name: &str) {
        self.string(KEYWORD, name);
    }

    pub(crate) fn symbol(&mut self, name: &str) {
        self.string(SYMBOL, name);
    }

    pub(crate) fn char(&mut self, c: char) {
        self.string(CHAR, c.encode_utf8(&mut [0; 4]));
    }

    /// The number that a token stands for; nothing is written if it is none.
    pub(crate) fn number(&mut self, token: &str) -> bool {
        let number = super::number::parse(token);
        if let Some(number) = &number {
            self.datum(number);
        }
        number.is_some()
    }

    /// Begins a list, set, map or tagged value. Its parts follow, then one of the ends.
    pub(crate) fn begin(&mut self) -> Mark {
        let mark = Mark(self.bytes.len());
        self.bytes.extend_from_slice(&[0; 1 + LENGTH_BYTES]);
        mark
    }

    pub(crate) fn end_list(&mut self, mark: Mark) {
        self.end(LIST, mark);
    }

    /// Ends a set: its elements are sorted, and each is kept once. Returns whether each was there
    /// once.
    pub(crate) fn end_set(&mut self, mark: Mark) -> bool {
        let each_once = self.sort(mark, 1);
        self.end(SET, mark);
        each_once
    }

    /// Ends a map of keys and values in turns: sorted by key; of two with one key the first is kept.
    /// Returns whether each key was there once.
    pub(crate) fn end_map(&mut self, mark: Mark) -> bool {
        let each_once = self.sort(mark, 2);
        self.end(MAP, mark);
        each_once
    }

    /// Ends a tagged value, of which the tag was written as a text.
    pub(crate) fn end_tagged(&mut self, mark: Mark) {
        self.end(TAGGED, mark);
    }

    /// A value that is in its bytes already.
    pub(crate) fn copy(&mut self, value: Encoded<'_>) {
        self.bytes.extend_from_slice(value.0);
    }

    pub(crate) fn datum(&mut self, datum: &Datum) {
        match datum {
            Datum::Nil => self.nil(),
            Datum::Bool(value) => self.bool(*value),
            Datum::Integer(number) => self.integer(*number),
            Datum::Number(number) => self.string(NUMBER, number),
            Datum::Text(text) => self.text(text),
            Datum::Keyword(name) => self.keyword(name),
            Datum::Symbol(name) => self.symbol(name),
            Datum::Char(c) => self.char(*c),
            Datum::List(items) => {
                let mark = self.begin();
                for item in items {
                    self.datum(item);
                }
                self.end_list(mark);
            }
            Datum::Set(items) => {
                let mark = self.begin();
                for item in items {
                    self.datum(item);
                }
                self.end_set(mark);
            }
            Datum::Map(entries) => {
                let mark = self.begin();
                for (key, value) in entries {
                    self.datum(key);
                    self.datum(value);
                }
                self.end_map(mark);
            }
            Datum::Tagged(tag, value) => {
                let mark = self.begin();
                self.text(tag);
                self.datum(value);
                self.end_tagged(mark);
            }
        }
    }

    fn string(&mut self, tag: u8, text: &str) {
        self.string_of_bytes(tag, text.as_bytes());
    }

    fn string_of_bytes(&mut self, tag: u8, text: &[u8]) {
        self.bytes.push(tag);
        let mut length = text.len();
        while length >= 0x80 {
            self.bytes.push(0x80 | u8::try_from(length & 0x7f).unwrap_or_default());
            length >>= 7;
        }
        self.bytes.push(u8::try_from(length).unwrap_or_default());
        self.bytes.extend_from_slice(text);
    }

    fn end(&mut self, tag: u8, Mark(start): Mark) {
        let length = self.bytes.len() - start - 1 - LENGTH_BYTES;
        let length = u32::try_from(length).expect("one value has less than 4 GB");
        self.bytes[start] = tag;
        self.bytes[start + 1..start + 1 + LENGTH_BYTES].copy_from_slice(&length.to_le_bytes());
    }

    /// Sorts the parts after a mark, so many at a time, and drops those whose first is there already.
    /// Returns whether none was dropped.
    fn sort(&mut self, Mark(start): Mark, together: usize) -> bool {
        let begin = start + 1 + LENGTH_BYTES;
        let mut rest = Items(&self.bytes[begin..]);
        let mut parts: Vec<Part<'_>> = Vec::new();
        let mut is_sorted = true;
        loop {
            let from = rest.0;
            let Some(first) = rest.next() else { break };
            for _ in 1..together {
                rest.next();
            }
            let first = first.0;
            is_sorted &= parts.last().is_none_or(|last| last.first() < first);
            parts.push(Part {
                beginning: beginning(first),
                bytes: &from[..from.len() - rest.0.len()],
                first: first.len(),
            });
        }
        if is_sorted {
            return true;
        }
        let all = parts.len();
        // Most are told apart by their beginnings. Of equal ones the first stays first.
        parts.sort_by(|one, other| {
            one.beginning.cmp(&other.beginning).then_with(|| one.first().cmp(other.first()))
        });
        parts.dedup_by(|next, first| next.first() == first.first());
        let each_once = parts.len() == all;
        let mut sorted = Vec::with_capacity(self.bytes.len() - begin);
        for part in parts {
            sorted.extend_from_slice(part.bytes);
        }
        self.bytes.truncate(begin);
        self.bytes.extend_from_slice(&sorted);
        each_once
    }
}

/// An element of a set, or a key of a map with its value.
struct Part<'a> {
    beginning: u64,
    bytes: &'a [u8],
    /// The length of the element or key.
    first: usize,
}

impl<'a> Part<'a> {
    fn first(&self) -> &'a [u8] {
        &self.bytes[..self.first]
    }
}

/// The first eight bytes as a number: where these differ, they are in the order of the bytes.
fn beginning(bytes: &[u8]) -> u64 {
    let mut first = [0; 8];
    let length = bytes.len().min(8);
    first[..length].copy_from_slice(&bytes[..length]);
    u64::from_be_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_come_back_and_keep_their_order() {
        let mut numbers: Vec<i64> = vec![0, 1, -1, i64::MAX, i64::MIN];
        for shift in 0..63 {
            for near in [-1, 0, 1] {
                numbers.extend([(1_i64 << shift) + near, -(1_i64 << shift) + near]);
            }
        }
        numbers.sort_unstable();
        numbers.dedup();
        let encoded: Vec<Encoder> =
            numbers.iter().map(|&number| Encoder::of(&Datum::Integer(number))).collect();
        for (number, encoder) in numbers.iter().zip(&encoded) {
            assert_eq!(Encoded(encoder.bytes()).datum(), Datum::Integer(*number));
        }
    }

    #[test]
    fn parts_are_found_whatever_they_are() {
        let long = "x".repeat(300);
        let items = vec![
            Datum::Nil,
            Datum::Integer(-70_000),
            Datum::text(&long),
            Datum::List(vec![Datum::text("a"), Datum::List(vec![])]),
            Datum::map(vec![(Datum::text("k"), Datum::Bool(true))]),
            Datum::Char('ß'),
        ];
        let list = Datum::List(items);
        assert_eq!(Encoded(Encoder::of(&list).bytes()).datum(), list);
    }

    #[test]
    fn parts_of_sets_and_maps_are_sorted_and_there_once() {
        let texts = ["longer than eight", "longer than eighty", "b", "longer than eight", "a"];
        let mut encoder = Encoder::default();
        let mark = encoder.begin();
        for text in texts {
            encoder.text(text);
        }
        assert!(!encoder.end_set(mark));
        let expected = Datum::set(texts.iter().map(|text| Datum::text(text)).collect());
        assert_eq!(Encoded(encoder.bytes()).datum(), expected);
        let View::Set(items) = Encoded(encoder.bytes()).view() else { panic!() };
        let bytes: Vec<&[u8]> = items.map(Encoded::bytes).collect();
        assert!(bytes.is_sorted() && bytes.len() == 4);

        encoder.clear();
        let mark = encoder.begin();
        for (value, key) in (0..).zip(["b", "a", "b"]) {
            encoder.text(key);
            encoder.integer(value);
        }
        assert!(!encoder.end_map(mark));
        let expected = Datum::map(vec![("b".into(), 0.into()), ("a".into(), 1.into())]);
        assert_eq!(Encoded(encoder.bytes()).datum(), expected);
    }
}
