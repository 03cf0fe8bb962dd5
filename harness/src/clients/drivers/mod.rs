//! Operations as requests of a protocol, and what the answers mean. Pure: [`world`](crate::world) has the sockets and
//! processes.
//!
//! - [`http`]: templates of requests, statuses, JSON pointers, redirects.
//! - [`exec`]: a program of the user's, a line of JSON each way.
//! - [`resp`]: the protocol of Redis.
//! - [`commands`]: a folder of commands, one for each function.

pub mod commands;
pub mod exec;
pub mod http;
pub mod resp;

use checker::{Datum, F};

/// An operation that a client asks for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The function.
    pub f: F,
    /// The key that it works on.
    pub key: &'a str,
    /// What is given; nil for what only asks.
    pub value: &'a Datum,
}

/// What came of an operation.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It took effect, with this value where the function asks for one.
    Ok(Datum),
    /// It certainly took no effect, and why.
    Fail(String),
    /// It is unknown whether it took effect, and why.
    Info(String),
    /// It took no effect; another replica is to be asked.
    Redirect(Elsewhere),
}

/// Which replica is to be asked instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Elsewhere {
    /// The one at this address: `127.0.0.1:4711`.
    At(String),
    /// The one with this number, from 0.
    Number(usize),
    /// The one with this name.
    Named(String),
    /// Any other one.
    Unknown,
}

impl Elsewhere {
    /// The replica that a JSON value names: a number, an address with or without `http://`, or a name.
    pub fn of(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Number(number) => {
                let number = number.as_u64().and_then(|number| usize::try_from(number).ok());
                number.map_or(Self::Unknown, Self::Number)
            }
            serde_json::Value::String(text) => Self::of_text(text),
            _ => Self::Unknown,
        }
    }

    /// The replica that a text names.
    pub fn of_text(text: &str) -> Self {
        let bare = text.split_once("://").map_or(text, |(_, rest)| rest);
        let bare = bare.split(['/', '?']).next().unwrap_or_default();
        if bare.is_empty() {
            Self::Unknown
        } else if bare.contains(':') {
            Self::At(bare.to_owned())
        } else {
            bare.parse().map_or_else(|_| Self::Named(bare.to_owned()), Self::Number)
        }
    }
}

/// An excerpt of what a server or program said, fit for a sentence.
pub(crate) fn shown(bytes: &[u8]) -> String {
    const LENGTH: usize = 80;
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * LENGTH)]);
    let cut: String = text.chars().take(LENGTH).collect();
    let dots = if cut.len() < bytes.len() { "..." } else { "" };
    format!("`{}{dots}`", crate::text::escape(&cut))
}

/// Both halves of what a compare-and-set is given: what is expected, and what is to be written.
fn halves(value: &Datum) -> Option<(&Datum, &Datum)> {
    match value {
        Datum::List(items) => match items.as_slice() {
            [old, new] => Some((old, new)),
            _ => None,
        },
        _ => None,
    }
}

/// A value as plain text: a text without quotes, all else as JSON.
fn plain(value: &Datum) -> String {
    match value {
        Datum::Text(text) => text.to_string(),
        other => serde_json::to_string(other).unwrap_or_default(),
    }
}

/// A text as the value that was written as that text. Where a store holds texts only, the numbers that clients write
/// come back as texts.
fn typed(text: &str, are_numbers: bool) -> Datum {
    match text.parse::<i64>() {
        Ok(number) if are_numbers && number.to_string() == text => Datum::Integer(number),
        _ => Datum::text(text),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_leader_is_named_by_number_address_or_name() {
        let cases = [
            (json!(2), Elsewhere::Number(2)),
            (json!("2"), Elsewhere::Number(2)),
            (json!("http://127.0.0.1:80/x?y"), Elsewhere::At("127.0.0.1:80".into())),
            (json!("127.0.0.1:80"), Elsewhere::At("127.0.0.1:80".into())),
            (json!("0002x"), Elsewhere::Named("0002x".into())),
            (json!(-1), Elsewhere::Unknown),
            (json!(null), Elsewhere::Unknown),
            (json!(""), Elsewhere::Unknown),
        ];
        for (json, expected) in cases {
            assert_eq!(Elsewhere::of(&json), expected, "{json}");
        }
    }

    #[test]
    fn what_a_server_says_cannot_harm_a_terminal() {
        assert_eq!(shown(b"\x1b[2J\xff"), "`\\u{1b}[2J\u{fffd}`");
        assert!(shown(&[b'x'; 1000]).len() < 90);
    }
}
