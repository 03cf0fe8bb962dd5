//! Maelstrom's messages: one JSON object a line, `{"src": "n1", "dest": "c2", "body": {"type": ..., ...}}`.
//!
//! Here: envelopes, requests and replies. In [`words`]: what each workload's operations are called on the wire. In
//! [`errors`]: what the codes of errors mean.

mod errors;
mod topology;
mod words;

use std::borrow::Cow;
use std::fmt;

use checker::Datum;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::datum;
use crate::ids::NodeId;
use crate::op::{Completion, F, Op};
use crate::workload::WorkloadName;
pub use errors::of_error;
pub use topology::Topology;

/// A message, as far as it must be read to be carried.
#[derive(Debug)]
pub struct Message<'a> {
    /// Its bytes, without what stands around them.
    pub bytes: &'a [u8],
    /// The sender.
    pub src: Cow<'a, str>,
    /// The receiver.
    pub dest: Cow<'a, str>,
    /// The type of its body.
    pub kind: Cow<'a, str>,
    /// The request that it answers.
    pub in_reply_to: Option<u64>,
    body: &'a RawValue,
}

/// Why a line, or a part of it, is no message: a sentence that says what would have been right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotAMessage {
    /// No JSON object.
    NotJson(String),
    /// A JSON object that lacks something.
    Incomplete(String),
}

impl fmt::Display for NotAMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson(told) | Self::Incomplete(told) => f.write_str(told),
        }
    }
}

#[derive(Deserialize)]
struct Raw<'a> {
    #[serde(borrow, default)]
    src: Option<Text<'a>>,
    #[serde(borrow, default)]
    dest: Option<Text<'a>>,
    #[serde(borrow, default)]
    body: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, rename = "type", default)]
    kind: Option<Text<'a>>,
    #[serde(default)]
    in_reply_to: Option<Value>,
}

/// A text that borrows where it has no escapes.
#[derive(Debug, Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The messages of a line: one, or several one behind the other, of which the first that is none is the last.
pub fn messages(line: &[u8]) -> Vec<Result<Message<'_>, NotAMessage>> {
    let mut found = Vec::new();
    let mut documents = serde_json::Deserializer::from_slice(line).into_iter::<&RawValue>();
    loop {
        let begin = documents.byte_offset();
        match documents.next() {
            None => return found,
            Some(Ok(document)) => found.push(message(document.get())),
            Some(Err(_)) => {
                let rest = String::from_utf8_lossy(&line[begin..]);
                found.push(Err(NotAMessage::NotJson(format!(
                    "`{}` is no JSON object. Standard output is for messages, one object a line; write what is for \
                     people to standard error",
                    shown(rest.trim())
                ))));
                return found;
            }
        }
    }
}

fn message(document: &str) -> Result<Message<'_>, NotAMessage> {
    let incomplete = |what: &str| {
        NotAMessage::Incomplete(format!(
            "`{}` {what}; right would have been {{\"src\": ..., \"dest\": ..., \"body\": {{\"type\": ..., ...}}}}",
            shown(document)
        ))
    };
    let raw: Raw<'_> = serde_json::from_str(document)
        .map_err(|_| incomplete("is no object with texts `src` and `dest`"))?;
    let src = raw.src.ok_or_else(|| incomplete("has no `src`"))?.0;
    let dest = raw.dest.ok_or_else(|| incomplete("has no `dest`"))?.0;
    let body = raw.body.ok_or_else(|| incomplete("has no `body`"))?;
    let head: Head<'_> = serde_json::from_str(body.get())
        .map_err(|_| incomplete("has a `body` that is no object with a text `type`"))?;
    let kind = head.kind.ok_or_else(|| incomplete("has no `type` in its `body`"))?.0;
    let in_reply_to = head.in_reply_to.and_then(|number| whole(&number));
    Ok(Message { bytes: document.as_bytes(), src, dest, kind, in_reply_to, body })
}

/// A number of a message: some languages write whole numbers as `3.0`, some as texts.
fn whole(value: &Value) -> Option<u64> {
    match (datum::of_json(value), value) {
        (Datum::Integer(number), _) => u64::try_from(number).ok(),
        (_, Value::String(text)) => text.parse().ok(),
        _ => None,
    }
}

/// The beginning of a text.
fn shown(text: &str) -> String {
    const MOST: usize = 160;
    let mut shown: String = text.chars().take(MOST).collect();
    if shown.len() < text.len() {
        shown.push_str("...");
    }
    shown
}

impl Message<'_> {
    /// Its body.
    pub fn body(&self) -> Map<String, Value> {
        serde_json::from_str(self.body.get()).unwrap_or_default()
    }

    /// The number of the request, if it is one.
    pub fn msg_id(&self) -> Option<u64> {
        whole(self.body().get("msg_id")?)
    }
}

#[derive(Serialize)]
struct Line<'a> {
    src: NodeId,
    dest: NodeId,
    body: &'a Map<String, Value>,
}

/// The line of a message.
pub fn line(src: NodeId, dest: NodeId, body: &Map<String, Value>) -> Vec<u8> {
    serde_json::to_vec(&Line { src, dest, body }).expect("texts and numbers become JSON")
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

/// The first message that a node is sent: its own name, and those of all.
pub fn init(node: NodeId, from: NodeId, all: &[NodeId]) -> Vec<u8> {
    let body = json!({"type": "init", "msg_id": INIT_ID, "node_id": node, "node_ids": all});
    line(from, node, &object(body))
}

/// The number of the `init` request.
const INIT_ID: u64 = 1;

/// Whether a line says that the node is ready.
pub fn is_init_ok(line: &[u8]) -> bool {
    messages(line).iter().flatten().any(|message| message.kind == "init_ok")
}

/// Which nodes are neighbours, for broadcast.
pub fn topology(shape: Topology, all: &[NodeId], msg_id: u64) -> Map<String, Value> {
    let neighbours: Map<String, Value> = all
        .iter()
        .enumerate()
        .map(|(n, node)| {
            let of_it = shape.neighbours(n, all.len()).into_iter().filter_map(|n| all.get(n));
            (node.to_string(), of_it.map(NodeId::to_string).collect())
        })
        .collect();
    object(json!({"type": "topology", "msg_id": msg_id, "topology": neighbours}))
}

/// The request for an operation.
pub fn request(workload: WorkloadName, op: &Op, msg_id: u64) -> Map<String, Value> {
    let words = words::of(workload, op.f);
    let mut body = object(json!({"type": words.request, "msg_id": msg_id}));
    if let Some(key) = &op.key {
        body.insert("key".to_owned(), key_of(key));
    }
    match (&op.value, op.f) {
        (Datum::List(pair), F::Cas) if pair.len() == 2 => {
            body.insert("from".to_owned(), datum::to_json(&pair[0]));
            body.insert("to".to_owned(), datum::to_json(&pair[1]));
        }
        (Datum::Map(entries), _) => {
            for (name, value) in entries {
                if let Datum::Text(name) = name {
                    body.insert(name.to_string(), datum::to_json(value));
                }
            }
        }
        (Datum::Nil, _) => {}
        (value, _) => {
            body.insert(words.argument.to_owned(), datum::to_json(value));
        }
    }
    body
}

/// Keys are numbers on the wire, where they are numbers.
fn key_of(key: &str) -> Value {
    key.parse::<u64>().map_or_else(|_| key.into(), Value::from)
}

/// What a reply to a client says of its operation, or which rule it breaks and what would have been right.
pub fn reply(workload: WorkloadName, op: &Op, message: &Message<'_>) -> Result<Completion, String> {
    let words = words::of(workload, op.f);
    let body = message.body();
    if message.kind == "error" {
        return Ok(of_error(op, &body));
    }
    let expected = format!("{}_ok", words.request);
    let wrong = |what: String| {
        let answer = words.answer.map(|name| format!(", \"{name}\": ...")).unwrap_or_default();
        let to = message.in_reply_to.unwrap_or_default();
        Err(format!(
            "`{}` {what}; right would have been {{\"type\": \"{expected}\", \"in_reply_to\": {to}{answer}}}",
            shown(message.body.get())
        ))
    };
    if message.kind != *expected {
        return wrong(format!("answers `{}`", words.request));
    }
    let Some(name) = words.answer else { return Ok(Completion::Ok(Datum::Nil)) };
    let Some(value) = body.get(name) else { return wrong(format!("has no `{name}`")) };
    let value = datum::of_json(value);
    match words.shape.problem(&value) {
        None => Ok(Completion::Ok(value)),
        Some(problem) => wrong(format!("has a `{name}` that is {problem}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Naming;
    use crate::op::{Definite, Indefinite};

    fn one(line: &str) -> Result<Message<'_>, NotAMessage> {
        let mut found = messages(line.as_bytes());
        assert_eq!(found.len(), 1, "{line}");
        found.remove(0)
    }

    #[test]
    fn a_line_may_hold_two_messages_and_blanks() {
        let two = r#" {"src":"n0","dest":"n1","body":{"type":"a"}}  {"src":"n0","dest":"c1","body":{"type":"b","in_reply_to":3.0}} "#;
        let found = messages(two.as_bytes());
        let kinds: Vec<&str> = found.iter().flatten().map(|message| &*message.kind).collect();
        assert_eq!(kinds, ["a", "b"]);
        assert_eq!(found[1].as_ref().unwrap().in_reply_to, Some(3));
        let first = found[0].as_ref().unwrap();
        assert_eq!(first.bytes, br#"{"src":"n0","dest":"n1","body":{"type":"a"}}"#);
        assert!(messages(b"  ").is_empty());
    }

    #[test]
    fn what_is_no_message_says_what_would_have_been_right() {
        let wrong = |line: &str| one(line).unwrap_err();
        assert!(matches!(wrong("hello world"), NotAMessage::NotJson(_)));
        assert!(wrong("hello world").to_string().contains("standard error"));
        for incomplete in [
            r#"{"dest":"n1","body":{"type":"a"}}"#,
            r#"{"src":"n0","body":{"type":"a"}}"#,
            r#"{"src":"n0","dest":"n1"}"#,
            r#"{"src":"n0","dest":"n1","body":{}}"#,
            r#"{"src":"n0","dest":"n1","body":7}"#,
            "[1]",
        ] {
            let told = wrong(incomplete);
            assert!(matches!(told, NotAMessage::Incomplete(_)), "{incomplete}");
            assert!(told.to_string().contains("right would have been"), "{told}");
        }
        let two = messages(br#"{"src":"n0","dest":"n1","body":{"type":"a"}} oops"#);
        assert!(two[0].is_ok() && two[1].is_err());
    }

    #[test]
    fn requests_have_maelstroms_fields() {
        let request = |workload, op: &Op| Value::from(super::request(workload, op, 7));
        let cas = Op::of_key(F::Cas, "3", Datum::List(vec![1.into(), 2.into()]));
        assert_eq!(
            request(WorkloadName::LinKv, &cas),
            serde_json::json!({"type":"cas","msg_id":7,"key":3,"from":1,"to":2})
        );
        let tell = Op::new(F::Add, 5.into());
        assert_eq!(
            request(WorkloadName::Broadcast, &tell),
            serde_json::json!({"type":"broadcast","msg_id":7,"message":5})
        );
        assert_eq!(
            request(WorkloadName::GSet, &tell),
            serde_json::json!({"type":"add","msg_id":7,"element":5})
        );
        assert_eq!(
            request(WorkloadName::PnCounter, &tell),
            serde_json::json!({"type":"add","msg_id":7,"delta":5})
        );
        let read = Op::new(F::Get, Datum::Nil);
        assert_eq!(
            request(WorkloadName::Broadcast, &read),
            serde_json::json!({"type":"read","msg_id":7})
        );
    }

    #[test]
    fn replies_end_operations_or_say_which_rule_they_break() {
        let reply = |body: &str, workload, op: &Op| {
            let line = format!(r#"{{"src":"n0","dest":"c1","body":{body}}}"#);
            super::reply(workload, op, &one(&line).unwrap())
        };
        let read = Op::new(F::Get, Datum::Nil);
        let heard = reply(
            r#"{"type":"read_ok","in_reply_to":1,"messages":[2,1]}"#,
            WorkloadName::Broadcast,
            &read,
        );
        assert_eq!(heard, Ok(Completion::Ok(Datum::List(vec![2.into(), 1.into()]))));
        let broken = [
            (r#"{"type":"read_ok","in_reply_to":1}"#, "has no `messages`"),
            (r#"{"type":"read_ok","in_reply_to":1,"messages":7}"#, "no list"),
            (r#"{"type":"add_ok","in_reply_to":1}"#, "answers `read`"),
        ];
        for (body, rule) in broken {
            let told = reply(body, WorkloadName::Broadcast, &read).unwrap_err();
            assert!(told.contains(rule) && told.contains("right would have been"), "{told}");
        }
        let cas = Op::of_key(F::Cas, "3", Datum::List(vec![1.into(), 2.into()]));
        let error = |code: &str, op: &Op| {
            let body = format!(r#"{{"type":"error","in_reply_to":1{code},"text":"no"}}"#);
            reply(&body, WorkloadName::LinKv, op).unwrap()
        };
        let refused = |told: &str| Completion::Fail(Definite::Refused(told.into()));
        let unclear = |told: &str| Completion::Info(Indefinite::Unclear(told.into()));
        assert_eq!(error(r#","code":22"#, &cas), refused("precondition failed: no"));
        assert_eq!(error(r#","code":13"#, &cas), unclear("crash: no"));
        assert_eq!(error("", &cas), unclear("an error without a code: no"));
        assert_eq!(error(r#","code":1234"#, &cas), unclear("error 1234: no"));
        let get = Op::of_key(F::Get, "3", Datum::Nil);
        assert_eq!(error(r#","code":20"#, &get), Completion::Ok(Datum::Nil));
    }

    #[test]
    fn a_node_is_told_its_name_and_those_of_all() {
        let all: Vec<NodeId> = Naming::Short.nodes(3).collect();
        let line = init(all[1], Naming::Short.client(3, 0), &all);
        let told = String::from_utf8(line).unwrap();
        assert!(told.contains(r#""node_id":"n1","node_ids":["n0","n1","n2"]"#), "{told}");
        assert!(is_init_ok(
            br#"{"src":"n1","dest":"c0","body":{"type":"init_ok","in_reply_to":1}}"#
        ));
    }
}
