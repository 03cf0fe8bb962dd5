//! The few fields of a message that routing needs.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// A message as far as the harness reads it; everything else is the replicas' own business.
#[derive(Debug)]
pub struct Envelope<'a> {
    /// The sender.
    pub src: Cow<'a, str>,
    /// The receiver.
    pub dst: Cow<'a, str>,
    /// The replica that the sender believes to lead; `None` if it names none (or no text).
    pub leader: Option<Cow<'a, str>>,
    /// The message's type.
    pub kind: Cow<'a, str>,
    raw: Raw<'a>,
}

#[derive(Debug, Deserialize)]
struct Raw<'a> {
    #[serde(borrow)]
    src: Option<Text<'a>>,
    #[serde(borrow)]
    dst: Option<Text<'a>>,
    #[serde(borrow)]
    leader: Option<&'a RawValue>,
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow, rename = "MID")]
    mid: Option<&'a RawValue>,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
    #[serde(borrow)]
    term: Option<&'a RawValue>,
    #[serde(borrow, rename = "currentTerm")]
    camel_term: Option<&'a RawValue>,
    #[serde(borrow)]
    current_term: Option<&'a RawValue>,
}

/// A text that borrows where it has no escapes.
#[derive(Debug, Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Why a packet is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAMessage {
    /// Not a JSON object.
    NotJson,
    /// No text under `src`, `dst` or `type`.
    MissingField,
}

/// The value in an answer to a get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnsweredValue {
    /// A text, as it should be.
    Text(String),
    /// `[]`, `null` or nothing at all: what programs answer for a key that was never written.
    OddlyEmpty,
    /// Anything else, as its JSON text.
    Odd(String),
}

/// How a replica answers a client: the three types of message that a client knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyType {
    /// Done.
    Ok,
    /// Not done now.
    Fail,
    /// Another replica is to be asked.
    Redirect,
}

impl ReplyType {
    /// The reply that a message type stands for; `None`: a client knows no such type.
    pub fn named(kind: &str) -> Option<Self> {
        match kind {
            "ok" => Some(Self::Ok),
            "fail" => Some(Self::Fail),
            "redirect" => Some(Self::Redirect),
            _ => None,
        }
    }
}

impl<'a> Envelope<'a> {
    /// Reads a packet; a line end behind the object is allowed.
    pub fn parse(packet: &'a [u8]) -> Result<Self, NotAMessage> {
        let mut raw: Raw<'a> = serde_json::from_slice(packet).map_err(|_| {
            match serde_json::from_slice::<Value>(packet) {
                Ok(Value::Object(_)) => NotAMessage::MissingField,
                _ => NotAMessage::NotJson,
            }
        })?;
        let mut take = |field: for<'r> fn(&'r mut Raw<'a>) -> &'r mut Option<Text<'a>>| {
            field(&mut raw).take().map(|text| text.0).ok_or(NotAMessage::MissingField)
        };
        let (src, dst, kind) =
            (take(|raw| &mut raw.src)?, take(|raw| &mut raw.dst)?, take(|raw| &mut raw.kind)?);
        let leader = raw.leader.and_then(|raw| serde_json::from_str::<Text<'_>>(raw.get()).ok());
        Ok(Self { src, dst, leader: leader.map(|text| text.0), kind, raw })
    }

    /// How it answers a client; `None` if it is of another type.
    pub fn reply_type(&self) -> Option<ReplyType> {
        ReplyType::named(&self.kind)
    }

    /// The request that this message answers; a `MID` that is no text is taken by its JSON text.
    pub fn mid(&self) -> Option<String> {
        let raw = self.raw.mid?.get();
        Some(serde_json::from_str(raw).unwrap_or_else(|_| raw.to_owned()))
    }

    /// The sender's term, where it writes one under a common name.
    pub fn term(&self) -> Option<u64> {
        let names = [self.raw.current_term, self.raw.camel_term, self.raw.term];
        names.into_iter().flatten().find_map(|raw| serde_json::from_str(raw.get()).ok())
    }

    /// The value that a get was answered with.
    pub fn value(&self) -> AnsweredValue {
        let Some(raw) = self.raw.value else { return AnsweredValue::OddlyEmpty };
        match serde_json::from_str(raw.get()) {
            Ok(Value::String(text)) => AnsweredValue::Text(text),
            Ok(Value::Null) => AnsweredValue::OddlyEmpty,
            Ok(Value::Array(items)) if items.is_empty() => AnsweredValue::OddlyEmpty,
            _ => AnsweredValue::Odd(raw.get().to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_an_object_with_texts() {
        let packet = br#"{"src":"0000","dst":"FFFF","type":"heart","leader":"0001","x":[1]}
"#;
        let message = Envelope::parse(packet).unwrap();
        assert_eq!((&*message.src, &*message.dst, &*message.kind), ("0000", "FFFF", "heart"));
        assert_eq!(message.leader.as_deref(), Some("0001"));
        assert_eq!(message.mid(), None);
    }

    #[test]
    fn what_is_no_message_says_why() {
        let not_json: [&[u8]; 6] = [b"", b"hello", b"[1]", b"{\"src\":", b"\xff\xfe", b"{} {}"];
        for packet in not_json {
            assert_eq!(Envelope::parse(packet).unwrap_err(), NotAMessage::NotJson, "{packet:?}");
        }
        let incomplete: [&[u8]; 3] =
            [b"{}", br#"{"src":"0000","dst":"0001"}"#, br#"{"src":0,"dst":"0001","type":"x"}"#];
        for packet in incomplete {
            assert_eq!(Envelope::parse(packet).unwrap_err(), NotAMessage::MissingField);
        }
    }

    #[test]
    fn a_term_has_one_of_three_names() {
        let term = |json: &str| {
            let packet = format!(r#"{{"src":"0","dst":"1","type":"x",{json}}}"#);
            Envelope::parse(packet.as_bytes()).unwrap().term()
        };
        for named in [r#""term":7"#, r#""currentTerm":7,"term":3"#, r#""current_term":7"#] {
            assert_eq!(term(named), Some(7), "{named}");
        }
        for none in [r#""term":"7""#, r#""term":-1"#, r#""term":1.5"#, r#""Term":7"#] {
            assert_eq!(term(none), None, "{none}");
        }
    }

    #[test]
    fn odd_values_are_told_apart() {
        let value = |json: &str| {
            let packet = format!(r#"{{"src":"0","dst":"1","type":"ok","MID":7{json}}}"#);
            let message = Envelope::parse(packet.as_bytes()).unwrap();
            assert_eq!(message.mid().as_deref(), Some("7"));
            message.value()
        };
        assert_eq!(value(r#","value":"a\"b""#), AnsweredValue::Text("a\"b".into()));
        assert_eq!(value(""), AnsweredValue::OddlyEmpty);
        assert_eq!(value(r#","value":[]"#), AnsweredValue::OddlyEmpty);
        assert_eq!(value(r#","value":null"#), AnsweredValue::OddlyEmpty);
        assert_eq!(value(r#","value":[1,2]"#), AnsweredValue::Odd("[1,2]".into()));
    }
}
