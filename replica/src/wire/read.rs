//! From JSON to messages.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, SeqAccess, Visitor};

use super::write::{sum_and_end, write_without_sum};
use crate::core::{
    Append, Appended, Body, Command, Elect, Entry, Handover, Id, Index, Message, Operation,
    Position, QueuePlace, Request, RequestId, Term, Vote, is_mid,
};

/// A message that arrived.
#[derive(Debug, PartialEq, Eq)]
pub enum Incoming {
    /// From another replica.
    Message(Message),
    /// From a client.
    Request(Request),
    /// Someone asks how this replica stands.
    StatusAsked {
        /// The replica that sent it.
        from: Id,
        /// Given back in the answer.
        mid: Option<Arc<str>>,
    },
}

/// Why bytes are not a message.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Unreadable {
    /// No message of the protocol says this.
    #[error("not a message of the protocol")]
    Foreign,
    /// What another replica wrote was changed on its way.
    #[error("a message that does not match its checksum")]
    Damaged,
}

/// Reads one message.
pub fn read(bytes: &[u8]) -> Result<Incoming, Unreadable> {
    let flat: Flat = serde_json::from_slice(bytes).map_err(|_| Unreadable::Foreign)?;
    let sum = flat.sum;
    let incoming = understand(flat).ok_or(Unreadable::Foreign)?;
    match &incoming {
        Incoming::Message(message) if !sum.is_some_and(|sum| is_sum_of(sum, bytes, message)) => {
            Err(Unreadable::Damaged)
        }
        _ => Ok(incoming),
    }
}

/// Whether this is the checksum that the message was given. Simulators may write a message anew,
/// with other spaces and its keys in another order: then it is written as it was to compare it.
fn is_sum_of(sum: u32, bytes: &[u8], message: &Message) -> bool {
    let untouched = bytes.strip_suffix(sum_and_end(sum).as_bytes()).is_some_and(|rest| {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(rest);
        hasher.update(b"}");
        hasher.finalize() == sum
    });
    untouched || crc32fast::hash(&write_without_sum(message)) == sum
}

fn understand(flat: Flat) -> Option<Incoming> {
    if flat.mid.as_ref().is_some_and(|mid| !is_mid(&mid.0)) {
        return None;
    }
    let id = |mid: Option<Text>| Some(RequestId { client: flat.src.0, mid: mid?.0 });
    match flat.kind {
        Kind::Get => {
            let operation = Operation::Get { key: flat.key?.0 };
            Some(Incoming::Request(Request { id: id(flat.mid)?, operation }))
        }
        Kind::Put => {
            let operation = Operation::Put { key: flat.key?.0, value: flat.value?.0 };
            Some(Incoming::Request(Request { id: id(flat.mid)?, operation }))
        }
        Kind::Status => {
            let mid = flat.mid.map(|mid| mid.0);
            Some(Incoming::StatusAsked { from: flat.src.0, mid })
        }
        Kind::Elect | Kind::Vote | Kind::Append | Kind::Appended => {
            let (from, to, term) = (flat.src.0, flat.dst.0, Term(flat.term?));
            let leader = (flat.leader.0 != Id::EVERYONE).then_some(flat.leader.0);
            let body = flat.body()?;
            Some(Incoming::Message(Message { from, to, term, leader, body }))
        }
        Kind::Other => None,
    }
}

#[derive(serde::Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Get,
    Put,
    Status,
    Elect,
    Vote,
    Append,
    Appended,
    #[serde(other)]
    Other,
}

/// All keys of all messages. One pass over the text, however the keys are ordered.
#[derive(serde::Deserialize)]
struct Flat {
    src: WireId,
    dst: WireId,
    leader: WireId,
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(rename = "MID")]
    mid: Option<Text>,
    key: Option<Text>,
    value: Option<Text>,
    term: Option<u64>,
    election: Option<u64>,
    pre: Option<bool>,
    granted: Option<bool>,
    at: Option<(u64, u64, u64)>,
    round: Option<u64>,
    prev: Option<(u64, u64)>,
    commit: Option<u64>,
    entries: Option<Vec<WireEntry>>,
    ack: Option<(u32, u64)>,
    success: Option<bool>,
    matched: Option<u64>,
    queue: Option<WireQueue>,
    sum: Option<u32>,
}

#[derive(serde::Deserialize)]
struct WireQueue {
    boot: u32,
    first: u64,
    left: u64,
    requests: Vec<WireRequest>,
}

impl Flat {
    fn body(self) -> Option<Body> {
        Some(match self.kind {
            Kind::Elect => Body::Elect(Elect { pre: self.pre?, position: position(self.at?) }),
            Kind::Vote => Body::Vote(Vote {
                election: Term(self.election?),
                pre: self.pre?,
                granted: self.granted?,
                position: position(self.at?),
            }),
            Kind::Append => {
                let (index, term) = self.prev?;
                Body::Append(Append {
                    round: self.round?,
                    prev_index: Index(index),
                    prev_term: Term(term),
                    entries: self.entries?.into_iter().map(|entry| entry.0).collect(),
                    commit: Index(self.commit?),
                    queue_ack: self.ack.map(|(boot, next)| QueuePlace { boot, next }),
                })
            }
            Kind::Appended => Body::Appended(Appended {
                round: self.round?,
                success: self.success?,
                matched: Index(self.matched?),
                queue: self.queue.map(WireQueue::handover),
            }),
            Kind::Get | Kind::Put | Kind::Status | Kind::Other => return None,
        })
    }
}

impl WireQueue {
    fn handover(self) -> Handover {
        let requests = self.requests.into_iter().map(|request| request.0).collect();
        Handover { boot: self.boot, first: self.first, requests, left: self.left }
    }
}

fn position((term, index, commit): (u64, u64, u64)) -> Position {
    Position { last_term: Term(term), last_index: Index(index), commit: Index(commit) }
}

struct WireId(Id);

impl<'de> Deserialize<'de> for WireId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Digits;
        impl Visitor<'_> for Digits {
            type Value = WireId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("four hexadecimal digits")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<WireId, E> {
                Id::parse(text).map(WireId).ok_or_else(|| E::custom("not an id"))
            }
        }
        deserializer.deserialize_str(Digits)
    }
}

struct Text(Arc<str>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Copied;
        impl Visitor<'_> for Copied {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(Arc::from(text)))
            }
        }
        deserializer.deserialize_str(Copied)
    }
}

/// The next item of an array that must have one.
fn next<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(seq: &mut A) -> Result<T, A::Error> {
    seq.next_element()?.ok_or_else(|| A::Error::custom("an array is too short"))
}

fn end<'de, A: SeqAccess<'de>>(seq: &mut A) -> Result<(), A::Error> {
    match seq.next_element::<IgnoredAny>()? {
        None => Ok(()),
        Some(_) => Err(A::Error::custom("an array is too long")),
    }
}

struct WireEntry(Entry);

impl<'de> Deserialize<'de> for WireEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts;
        impl<'de> Visitor<'de> for Parts {
            type Value = WireEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an entry: [term] or [term, client, MID, key, value]")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<WireEntry, A::Error> {
                let term = Term(next(&mut seq)?);
                let Some(WireId(client)) = seq.next_element()? else {
                    return Ok(WireEntry(Entry { term, command: Command::Noop }));
                };
                let id = RequestId { client, mid: next::<Text, A>(&mut seq)?.0 };
                let key = next::<Text, A>(&mut seq)?.0;
                let value = next::<Text, A>(&mut seq)?.0;
                end(&mut seq)?;
                Ok(WireEntry(Entry { term, command: Command::Put { id, key, value } }))
            }
        }
        deserializer.deserialize_seq(Parts)
    }
}

struct WireRequest(Request);

impl<'de> Deserialize<'de> for WireRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts;
        impl<'de> Visitor<'de> for Parts {
            type Value = WireRequest;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a request: [client, MID, key] or [client, MID, key, value]")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<WireRequest, A::Error> {
                let client = next::<WireId, A>(&mut seq)?.0;
                let id = RequestId { client, mid: next::<Text, A>(&mut seq)?.0 };
                let key = next::<Text, A>(&mut seq)?.0;
                let operation = match seq.next_element::<Text>()? {
                    None => Operation::Get { key },
                    Some(Text(value)) => Operation::Put { key, value },
                };
                end(&mut seq)?;
                Ok(WireRequest(Request { id, operation }))
            }
        }
        deserializer.deserialize_seq(Parts)
    }
}
