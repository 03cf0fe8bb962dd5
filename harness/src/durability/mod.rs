//! Was every acknowledged put known to enough replicas before it was acknowledged?
//!
//! All messages between replicas cross the network of the run, so it is known, of each put, which replicas *can*
//! have heard of it, and from which of these the replica that acknowledges it can have heard since. One that
//! acknowledges before it can have heard so from enough others has left the put with too few: if these are lost,
//! it is lost, whatever clients saw so far.
//!
//! It is Lamport's happened-before ("Time, Clocks, and the Ordering of Events in a Distributed System", 1978), read
//! in favour of the replicas: each message may carry all that its sender can know. So a replica that waits for the
//! others is never accused.
//!
//! In [`knowledge`]: who can know of what. In [`promise`]: how many have to. In [`sightings`]: who showed what it
//! knows. In [`unseen`]: whether the messages tell it at all.

pub mod knowledge;
pub mod promise;
pub mod sightings;
pub mod unseen;

use serde::{Deserialize, Serialize};

use crate::ids::NodeId;
use crate::time::RunTime;
use unseen::Unseen;

/// What was seen of one run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DurabilityRecord {
    /// How many replicas have to be able to know of a put, the one that acknowledges it among them; `None`: it was
    /// not asked.
    pub required: Option<usize>,
    /// How many puts were acknowledged.
    pub acknowledged: u64,
    /// How many of these too early.
    pub early: u64,
    /// The first of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<EarlyAcknowledgement>,
    /// A value that reached a replica on a way that was not seen: then no put is called early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unseen: Option<Unseen>,
}

/// A put that was acknowledged before enough replicas can have known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EarlyAcknowledgement {
    /// The index of the operation.
    pub operation: u64,
    /// The replica that acknowledged it.
    pub by: NodeId,
    /// When the acknowledgement was seen.
    #[serde(rename = "at_ns")]
    pub at: RunTime,
    /// Each replica, in the order of ids.
    pub replicas: Vec<Knower>,
    /// The requests and messages that can have carried it, in the order of their arrivals.
    pub messages: Vec<Carrier>,
}

/// What a replica can have known of the put when it was acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Knower {
    /// The replica.
    pub id: NodeId,
    /// Since when it can know of the put.
    #[serde(rename = "since_ns", default, skip_serializing_if = "Option::is_none")]
    pub since: Option<RunTime>,
    /// Whether the replica that acknowledged can have heard from it since then.
    pub is_heard: bool,
}

/// A message that can have brought news of the put.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carrier {
    /// The client or replica that sent it.
    pub from: NodeId,
    /// The replica that got it.
    pub to: NodeId,
    /// Its type.
    pub kind: String,
    /// When it was sent.
    #[serde(rename = "sent_ns")]
    pub sent: RunTime,
    /// When it arrived.
    #[serde(rename = "arrived_ns")]
    pub arrived: RunTime,
}
