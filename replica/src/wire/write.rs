//! From messages to JSON.

use serde::Serialize;
use serde::ser::{SerializeSeq, Serializer};

use crate::core::{
    Body, Command, Entry, Handover, Id, Message, Operation, Outcome, Position, Reply, Request,
};

/// The keys that every message has.
#[derive(Serialize)]
struct Envelope<'a> {
    #[serde(serialize_with = "id")]
    src: Id,
    #[serde(serialize_with = "id")]
    dst: Id,
    #[serde(serialize_with = "id")]
    leader: Id,
    #[serde(rename = "type")]
    kind: &'a str,
}

/// Writes a message to another replica, with a checksum over all the rest at its end.
pub fn write_message(message: &Message) -> Vec<u8> {
    let mut bytes = write_without_sum(message);
    let sum = crc32fast::hash(&bytes);
    bytes.pop();
    bytes.extend(sum_and_end(sum).as_bytes());
    bytes
}

/// How a message with this checksum ends.
pub(super) fn sum_and_end(sum: u32) -> String {
    format!(",\"sum\":{sum}}}")
}

/// What the checksum of a message is of.
pub(super) fn write_without_sum(message: &Message) -> Vec<u8> {
    let kind = match message.body {
        Body::Elect(_) => "elect",
        Body::Vote(_) => "vote",
        Body::Append(_) => "append",
        Body::Appended(_) => "appended",
    };
    let leader = message.leader.unwrap_or(Id::EVERYONE);
    let envelope = Envelope { src: message.from, dst: message.to, leader, kind };
    write(envelope, TermAnd { term: message.term.0, body: WireBody::from(&message.body) })
}

/// Writes an answer to a client.
pub fn write_reply(src: Id, reply: &Reply) -> Vec<u8> {
    #[derive(Serialize)]
    struct Rest<'a> {
        #[serde(rename = "MID")]
        mid: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        value: Option<&'a str>,
    }
    let (kind, value) = match &reply.outcome {
        Outcome::Value(value) => ("ok", Some(&**value)),
        Outcome::Done => ("ok", None),
        Outcome::Fail => ("fail", None),
        Outcome::Redirect => ("redirect", None),
    };
    let leader = reply.leader.unwrap_or(Id::EVERYONE);
    let envelope = Envelope { src, dst: reply.id.client, leader, kind };
    write(envelope, Rest { mid: &reply.id.mid, value })
}

/// The first message on transports where the other side learns from it where to answer.
pub fn write_hello(src: Id) -> Vec<u8> {
    let everyone = Id::EVERYONE;
    write(Envelope { src, dst: everyone, leader: everyone, kind: "hello" }, ())
}

/// The state of a replica, to compare replicas.
#[derive(Debug, Serialize)]
pub struct Status<'a> {
    /// Given back from the question.
    #[serde(rename = "MID", skip_serializing_if = "Option::is_none")]
    pub mid: Option<&'a str>,
    /// Up to where the log is committed and applied.
    pub commit: u64,
    /// The digest of the dictionary: 16 hexadecimal digits, equal for equal dictionaries.
    pub digest: String,
    /// How many keys the dictionary has.
    pub keys: usize,
    /// The current term.
    pub term: u64,
    /// `follower`, `candidate` or `leader`.
    pub role: &'a str,
    /// The last index of the log.
    pub last_index: u64,
    /// How many clients' requests wait in the queue.
    pub queued: usize,
}

/// Writes the answer to a `status` message.
pub fn write_status(src: Id, dst: Id, leader: Option<Id>, status: &Status<'_>) -> Vec<u8> {
    let leader = leader.unwrap_or(Id::EVERYONE);
    write(Envelope { src, dst, leader, kind: "status" }, status)
}

fn write(envelope: Envelope<'_>, rest: impl Serialize) -> Vec<u8> {
    #[derive(Serialize)]
    struct Whole<'a, R> {
        #[serde(flatten)]
        envelope: Envelope<'a>,
        #[serde(flatten)]
        rest: R,
    }
    serde_json::to_vec(&Whole { envelope, rest }).expect("plain structs become JSON")
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn id<S: Serializer>(id: &Id, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}

#[derive(Serialize)]
struct TermAnd<'a> {
    term: u64,
    #[serde(flatten)]
    body: WireBody<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum WireBody<'a> {
    Elect {
        pre: bool,
        at: (u64, u64, u64),
    },
    Vote {
        election: u64,
        pre: bool,
        granted: bool,
        at: (u64, u64, u64),
    },
    Append {
        round: u64,
        prev: (u64, u64),
        commit: u64,
        entries: Vec<WireEntry<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        ack: Option<(u32, u64)>,
    },
    Appended {
        round: u64,
        success: bool,
        matched: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        queue: Option<WireQueue<'a>>,
    },
}

#[derive(Serialize)]
struct WireQueue<'a> {
    boot: u32,
    first: u64,
    left: u64,
    requests: Vec<WireRequest<'a>>,
}

impl<'a> From<&'a Body> for WireBody<'a> {
    fn from(body: &'a Body) -> Self {
        match body {
            Body::Elect(elect) => Self::Elect { pre: elect.pre, at: position(&elect.position) },
            Body::Vote(vote) => Self::Vote {
                election: vote.election.0,
                pre: vote.pre,
                granted: vote.granted,
                at: position(&vote.position),
            },
            Body::Append(append) => Self::Append {
                round: append.round,
                prev: (append.prev_index.0, append.prev_term.0),
                commit: append.commit.0,
                entries: append.entries.iter().map(WireEntry).collect(),
                ack: append.queue_ack.map(|place| (place.boot, place.next)),
            },
            Body::Appended(answer) => Self::Appended {
                round: answer.round,
                success: answer.success,
                matched: answer.matched.0,
                queue: answer.queue.as_ref().map(WireQueue::from),
            },
        }
    }
}

impl<'a> From<&'a Handover> for WireQueue<'a> {
    fn from(handover: &'a Handover) -> Self {
        let requests = handover.requests.iter().map(WireRequest).collect();
        Self { boot: handover.boot, first: handover.first, left: handover.left, requests }
    }
}

fn position(at: &Position) -> (u64, u64, u64) {
    (at.last_term.0, at.last_index.0, at.commit.0)
}

struct IdText(Id);

impl Serialize for IdText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

struct WireEntry<'a>(&'a Entry);

impl Serialize for WireEntry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(None)?;
        seq.serialize_element(&self.0.term.0)?;
        if let Command::Put { id, key, value } = &self.0.command {
            seq.serialize_element(&IdText(id.client))?;
            seq.serialize_element(&*id.mid)?;
            seq.serialize_element(&**key)?;
            seq.serialize_element(&**value)?;
        }
        seq.end()
    }
}

struct WireRequest<'a>(&'a Request);

impl Serialize for WireRequest<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(None)?;
        seq.serialize_element(&IdText(self.0.id.client))?;
        seq.serialize_element(&*self.0.id.mid)?;
        match &self.0.operation {
            Operation::Get { key } => seq.serialize_element(&**key)?,
            Operation::Put { key, value } => {
                seq.serialize_element(&**key)?;
                seq.serialize_element(&**value)?;
            }
        }
        seq.end()
    }
}
