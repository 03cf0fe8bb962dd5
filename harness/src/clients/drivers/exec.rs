//! A client in any language: a program that reads one operation a line and writes its completion, both as JSON.
//!
//! `harness schema client` prints the shapes of both lines. A line in answer to nothing, or to an operation that is no
//! longer waited for, is left out; everything else that is no completion ends the operation with an unknown effect.

use checker::{Datum, F};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Answer, Asked, Elsewhere, shown};

/// The version of the protocol.
pub const VERSION: u32 = 1;

/// A replica as a client's program is told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Replica {
    /// Its number, from 0.
    pub id: usize,
    /// Its name in reports.
    pub name: String,
    /// The address of its first port.
    pub address: String,
    /// All its ports, by name.
    pub ports: std::collections::BTreeMap<String, u16>,
}

#[derive(Serialize)]
struct Line<'a> {
    version: u32,
    id: u64,
    f: F,
    key: &'a str,
    value: &'a Datum,
    replica: &'a Replica,
}

/// The line that asks for an operation, with its line end.
pub fn line(id: u64, asked: Asked<'_>, replica: &Replica) -> Vec<u8> {
    let Asked { f, key, value } = asked;
    let line = Line { version: VERSION, id, f, key, value, replica };
    let mut bytes = serde_json::to_vec(&line).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

#[derive(Deserialize)]
struct Completion {
    id: Option<u64>,
    r#type: String,
    #[serde(default)]
    value: Value,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    leader: Value,
}

/// What a line of the program means for the operation `id`; `None` if it is about another one.
pub fn answer(id: u64, line: &[u8]) -> Option<Answer> {
    let completion: Completion = match serde_json::from_slice(line) {
        Ok(completion) => completion,
        Err(error) => {
            let said = shown(line);
            return Some(Answer::Info(format!(
                "the client's program wrote {said}, which is no completion: {error}; allowed: one JSON object a \
                 line, such as {{\"type\": \"ok\"}}"
            )));
        }
    };
    if completion.id.is_some_and(|other| other != id) {
        return None;
    }
    let error = completion.error.unwrap_or_else(|| "no reason given".to_owned());
    let error = error.chars().take(200).collect();
    Some(match completion.r#type.as_str() {
        "ok" => Answer::Ok(Datum::from(&completion.value)),
        "fail" => Answer::Fail(error),
        "info" => Answer::Info(error),
        "redirect" => Answer::Redirect(Elsewhere::of(&completion.leader)),
        other => Answer::Info(format!(
            "the client's program wrote the type {}; allowed: \"ok\", \"fail\", \"info\", \"redirect\"",
            shown(other.as_bytes())
        )),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_one_line() {
        let ports = std::collections::BTreeMap::from([("client".to_owned(), 4711)]);
        let replica =
            Replica { id: 1, name: "0001".into(), address: "127.0.0.1:4711".into(), ports };
        let both = Datum::List(vec![Datum::Nil, Datum::text("a\nb")]);
        let line = line(7, Asked { f: F::Cas, key: "k", value: &both }, &replica);
        let expected = concat!(
            r#"{"version":1,"id":7,"f":"cas","key":"k","value":[null,"a\nb"],"#,
            r#""replica":{"id":1,"name":"0001","address":"127.0.0.1:4711","ports":{"client":4711}}}"#,
            "\n"
        );
        assert_eq!(String::from_utf8(line).unwrap(), expected);
    }

    #[test]
    fn each_type_of_completion_is_understood_and_late_ones_are_left_out() {
        let read = |line: &str| answer(7, line.as_bytes());
        assert_eq!(read(r#"{"id":7,"type":"ok"}"#), Some(Answer::Ok(Datum::Nil)));
        let value = r#"{"id":7,"type":"ok","value":[1,"x"],"more":1}"#;
        assert_eq!(read(value), Some(Answer::Ok(Datum::List(vec![1.into(), "x".into()]))));
        assert_eq!(read(r#"{"type":"fail","error":"taken"}"#), Some(Answer::Fail("taken".into())));
        assert_eq!(read(r#"{"id":7,"type":"info"}"#), Some(Answer::Info("no reason given".into())));
        let elsewhere = Answer::Redirect(Elsewhere::Number(2));
        assert_eq!(read(r#"{"id":7,"type":"redirect","leader":2}"#), Some(elsewhere));
        assert_eq!(read(r#"{"id":6,"type":"ok"}"#), None, "an answer that comes late");
    }

    #[test]
    fn whatever_a_program_writes_is_told_in_one_sentence() {
        let cases = [
            ("", "no completion"),
            ("hello", "`hello`, which is no completion"),
            ("[1]", "no completion"),
            ("{}", "missing field `type`"),
            (r#"{"type":"okay"}"#, "the type `okay`; allowed: \"ok\""),
            (r#"{"type":"ok","id":"7"}"#, "no completion"),
            ("\u{1b}[2J", "`\\u{1b}[2J`"),
        ];
        for (line, expected) in cases {
            let Some(Answer::Info(why)) = answer(7, line.as_bytes()) else { panic!("{line}") };
            assert!(why.contains(expected), "{why}");
        }
        assert!(
            matches!(answer(7, &vec![0xFF; 100_000]), Some(Answer::Info(why)) if why.len() < 600)
        );
    }
}
