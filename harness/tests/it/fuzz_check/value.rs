//! Values of operations, compared by value, and their spellings in EDN and JSON.
//!
//! Each value has many spellings: `7`, `7N` and `14/2` are one number, a set may be listed in any order.
//! A spelling is drawn at random, so that every reader meets all of them.

use rand::RngExt as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;

/// A number: `digits` divided by ten to the power of `scale`, with the least scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Num {
    digits: i128,
    scale: u32,
}

impl Num {
    pub fn new(mut digits: i128, mut scale: u32) -> Num {
        while scale > 0 && digits % 10 == 0 {
            digits /= 10;
            scale -= 1;
        }
        Num { digits, scale }
    }

    /// The number, if it is whole.
    pub fn whole(self) -> Option<i128> {
        (self.scale == 0).then_some(self.digits)
    }

    /// A number that orders as this one does, among numbers of up to six places.
    pub fn rank(self) -> i128 {
        self.digits * 10_i128.pow(6 - self.scale)
    }

    /// The digits, with a point if it is not whole.
    pub fn plain(self) -> String {
        if self.scale == 0 {
            return self.digits.to_string();
        }
        let sign = if self.digits < 0 { "-" } else { "" };
        let width = self.scale as usize + 1;
        let padded = format!("{:0>width$}", self.digits.unsigned_abs());
        let (whole, fraction) = padded.split_at(padded.len() - self.scale as usize);
        format!("{sign}{whole}.{fraction}")
    }

    fn json(self, rng: &mut ChaCha8Rng) -> String {
        match rng.random_range(0..12) {
            0 if self.scale == 0 => format!("{}.0", self.digits),
            1 if self.scale > 0 => format!("{}0", self.plain()),
            2 if self.digits != 0 => format!("{}0e-{}", self.digits, self.scale + 1),
            _ => self.plain(),
        }
    }

    fn edn(self, rng: &mut ChaCha8Rng) -> String {
        match rng.random_range(0..12) {
            0 if self.scale == 0 => format!("{}N", self.digits),
            1 if self.scale == 0 && self.digits.abs() < 1_000_000 => {
                format!("{}/3", self.digits * 3)
            }
            2 => format!("{}M", self.plain()),
            3 if self.scale == 0 && self.digits >= 0 => format!("+{}", self.digits),
            _ => self.json(rng),
        }
    }
}

/// One value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Val {
    #[default]
    Nil,
    Bool(bool),
    Num(Num),
    Text(String),
    Keyword(String),
    Char(char),
    List(Vec<Val>),
    /// Sorted, without repetitions.
    Set(Vec<Val>),
    /// Sorted by key, each key once.
    Map(Vec<(Val, Val)>),
}

impl From<i128> for Val {
    fn from(number: i128) -> Val {
        Val::Num(Num::new(number, 0))
    }
}

impl From<&str> for Val {
    fn from(text: &str) -> Val {
        Val::Text(text.to_owned())
    }
}

impl Val {
    pub fn set(mut items: Vec<Val>) -> Val {
        items.sort();
        items.dedup();
        Val::Set(items)
    }

    pub fn map(mut entries: Vec<(Val, Val)>) -> Val {
        entries.sort();
        entries.dedup_by(|next, first| next.0 == first.0);
        Val::Map(entries)
    }

    pub fn pair(first: Val, second: Val) -> Val {
        Val::List(vec![first, second])
    }

    /// The two parts of a list of two.
    pub fn halves(&self) -> Option<(&Val, &Val)> {
        match self {
            Val::List(items) => match &items[..] {
                [first, second] => Some((first, second)),
                _ => None,
            },
            _ => None,
        }
    }

    /// The elements of a list or set.
    pub fn items(&self) -> Option<&[Val]> {
        match self {
            Val::List(items) | Val::Set(items) => Some(items),
            _ => None,
        }
    }

    pub fn whole(&self) -> Option<i128> {
        match self {
            Val::Num(number) => number.whole(),
            _ => None,
        }
    }

    /// The value in EDN.
    pub fn edn(&self, rng: &mut ChaCha8Rng) -> String {
        match self {
            Val::Nil => "nil".to_owned(),
            Val::Bool(value) => value.to_string(),
            Val::Num(number) => number.edn(rng),
            Val::Text(text) => quoted(text, rng, true),
            Val::Keyword(name) => format!(":{name}"),
            Val::Char(' ') => "\\space".to_owned(),
            Val::Char(letter) => format!("\\{letter}"),
            Val::List(items) => {
                let (open, close) = if rng.random_bool(0.8) { ("[", "]") } else { ("(", ")") };
                format!("{open}{}{close}", spaced(items.iter().map(|it| it.edn(rng)).collect()))
            }
            Val::Set(items) => {
                let mut items: Vec<String> = items.iter().map(|it| it.edn(rng)).collect();
                items.shuffle(rng);
                format!("#{{{}}}", spaced(items))
            }
            Val::Map(entries) => {
                let entry = |(key, value): &(Val, Val), rng: &mut ChaCha8Rng| {
                    format!("{} {}", key.edn(rng), value.edn(rng))
                };
                let mut entries: Vec<String> = entries.iter().map(|it| entry(it, rng)).collect();
                entries.shuffle(rng);
                format!("{{{}}}", entries.join(if rng.random_bool(0.5) { ", " } else { " " }))
            }
        }
    }

    /// The value in JSON, if JSON can say it.
    pub fn json(&self, rng: &mut ChaCha8Rng) -> Option<String> {
        Some(match self {
            Val::Nil => "null".to_owned(),
            Val::Bool(value) => value.to_string(),
            Val::Num(number) => number.json(rng),
            Val::Text(text) => quoted(text, rng, false),
            Val::Keyword(_) | Val::Char(_) | Val::Set(_) => return None,
            Val::List(items) => {
                let items: Option<Vec<String>> = items.iter().map(|it| it.json(rng)).collect();
                format!("[{}]", items?.join(","))
            }
            Val::Map(entries) => {
                let mut all = Vec::new();
                for (key, value) in entries {
                    let Val::Text(key) = key else { return None };
                    all.push(format!("{}:{}", quoted(key, rng, false), value.json(rng)?));
                }
                all.shuffle(rng);
                format!("{{{}}}", all.join(","))
            }
        })
    }
}

fn spaced(items: Vec<String>) -> String {
    items.join(" ")
}

/// A text in quotation marks. Some letters are escaped although they need not be.
fn quoted(text: &str, rng: &mut ChaCha8Rng, is_edn: bool) -> String {
    let mut out = "\"".to_owned();
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            letter if rng.random_range(0..40) == 0 && u32::from(letter) < 0xd800 => {
                out.push_str(&format!("\\u{:04x}", u32::from(letter)));
            }
            '/' if !is_edn && rng.random_bool(0.3) => out.push_str("\\/"),
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}
