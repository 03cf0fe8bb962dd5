//! Protocol violations and protocol warnings of replicas, counted by kind, with the first example of each.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::NodeId;
use crate::limits;
use crate::time::RunTime;

/// The protocol findings of a run.
#[derive(Clone, Debug, Default)]
pub struct ProtocolFindings {
    /// What the protocol does not allow.
    pub violations: BTreeMap<ProtocolViolation, Example>,
    /// What is allowed but suspicious.
    pub warnings: BTreeMap<ProtocolWarning, Example>,
}

impl ProtocolFindings {
    /// Notes something that the protocol does not allow.
    pub fn violation(
        &mut self,
        kind: ProtocolViolation,
        now: RunTime,
        node: NodeId,
        packet: &[u8],
    ) {
        note(self.violations.entry(kind).or_insert_with(|| example(now, node, packet)));
    }

    /// Notes something suspicious.
    pub fn warning(&mut self, kind: ProtocolWarning, now: RunTime, node: NodeId, packet: &[u8]) {
        note(self.warnings.entry(kind).or_insert_with(|| example(now, node, packet)));
    }
}

fn note(example: &mut Example) {
    example.count += 1;
}

fn example(at: RunTime, node: NodeId, packet: &[u8]) -> Example {
    let start = &packet[..packet.len().min(4 * limits::EXAMPLE_CHARS)];
    let text = String::from_utf8_lossy(start).chars().take(limits::EXAMPLE_CHARS).collect();
    Example { count: 0, node, at, text }
}

/// What no replica may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProtocolViolation {
    /// A packet that is not a JSON object.
    NotJson,
    /// An object without a text `src`, `dst` or `type`.
    MissingField,
    /// `src` is not the sender's id.
    ForeignSource,
    /// `dst` is no id of the run.
    UnknownDestination,
    /// An answer to a `MID` that no client used.
    UnknownMid,
    /// A message to a client that is neither `ok`, `fail` nor `redirect`.
    UnknownAnswer,
    /// Two replicas acknowledged puts as leaders of the same term.
    TwoLeaders,
    /// It closed its socket and lived on.
    HungUp,
    /// More messages than `max_packets`.
    PacketStorm,
    /// A line on standard output that is no JSON object (Maelstrom).
    NotALine,
    /// An object without `src`, `dest` or `body.type` (Maelstrom).
    NotAMessage,
    /// `src` is not the sender's name (Maelstrom).
    NotItsName,
    /// `dest` is no node, client or service (Maelstrom).
    NoSuchNode,
    /// A message to a client that answers no request of it (Maelstrom).
    NoReply,
    /// A reply that is not what its request asks for (Maelstrom).
    WrongReply,
}

impl ProtocolViolation {
    /// What happened, for a sentence: "0003 sent ...".
    pub fn describe(self) -> &'static str {
        match self {
            Self::NotJson => "packets that are not a JSON object",
            Self::MissingField => "messages without `src`, `dst` or `type`",
            Self::ForeignSource | Self::NotItsName => "messages under another's `src`",
            Self::UnknownDestination => "messages to an unknown `dst`",
            Self::UnknownMid => "answers to an unknown `MID`",
            Self::UnknownAnswer => "messages to a client that are not `ok`, `fail` or `redirect`",
            Self::TwoLeaders => "acknowledgements of two leaders in one term",
            Self::HungUp => "the end of their connection while still alive",
            Self::PacketStorm => "more messages than `max_packets` allows",
            Self::NotALine => "lines on standard output that are not a JSON object",
            Self::NotAMessage => "messages without `src`, `dest` or a `body` with a `type`",
            Self::NoSuchNode => "messages to an unknown `dest`",
            Self::NoReply => "messages to a client that answer none of its requests",
            Self::WrongReply => "replies that are not what their request asks for",
        }
    }
}

/// What is allowed but suspicious.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProtocolWarning {
    /// An answer to a request that was already answered.
    DuplicateResponse,
    /// The first datagram of a replica was no `hello`. The course's simulator learns a replica's address from
    /// nothing else.
    NoHello,
    /// A message without `leader`.
    MissingLeader,
    /// `src` is a client's id or `FFFF`: a replica hands a client's request on.
    HandedOn,
    /// A get answered with no `value`, or with one that is no text; taken as empty if it is `[]`,
    /// `null` or missing, else by its JSON text.
    OddValue,
    /// After the healing, a get of a key with an acknowledged write was answered `fail` again and
    /// again, to several clients that were served other keys: taken as empty.
    RefusedForGood,
    /// A packet above the 16,384 bytes that the course's simulator reads.
    LargePacket,
    /// A packet larger than the harness reads: it is lost.
    CutPacket,
}

impl ProtocolWarning {
    /// What happened, for a sentence.
    pub fn describe(self) -> &'static str {
        match self {
            Self::DuplicateResponse => "answers to requests that were already answered",
            Self::NoHello => {
                "a first datagram that is no `hello`, without which the course's simulator finds no \
                 replica"
            }
            Self::HandedOn => "messages with a client's id or `FFFF` as `src`",
            Self::MissingLeader => "messages without `leader`",
            Self::OddValue => "answers to a get whose `value` is no text",
            Self::RefusedForGood => {
                "a final `fail` to gets of an acknowledged key while other keys are served: taken as \
                 \"no such key\""
            }
            Self::LargePacket => {
                "packets above 16,384 bytes, which the course's simulator truncates without a warning"
            }
            Self::CutPacket => "packets above 262,144 bytes, which the harness does not carry",
        }
    }
}

/// A count, and the first one seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// The number of times it was seen.
    pub count: u64,
    /// The sender of the first.
    pub node: NodeId,
    /// When the first was seen.
    pub at: RunTime,
    /// The first one, cut to a readable length.
    pub text: String,
}
