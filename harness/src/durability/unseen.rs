//! Whether replicas share what they know where the harness does not see it.
//!
//! A replica knows a value only if a client brought it there, or a chain of messages from one that a client brought it
//! to. One that answers a read with another value has it from somewhere else: a file, a memory, a socket of its own.
//! Then the messages do not tell who can know of what, and no put is called early.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ids::NodeId;
use crate::time::RunTime;

/// Values that are remembered: the first that are read tell enough.
const MOST_VALUES: usize = 100_000;

/// A key with what it holds.
type Value = (Arc<str>, Arc<str>);

/// A value that reached a replica on a way that was not seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unseen {
    /// The replica that returned it.
    pub by: NodeId,
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
    /// When a client was told.
    #[serde(rename = "at_ns")]
    pub at: RunTime,
}

/// Which values each replica can have, by the messages.
///
/// Of each replica it is known until when it can know all that clients had brought to another one; a message carries
/// what its sender can know when it arrives, which is no less than what it could know when it was sent.
#[derive(Debug)]
pub(super) struct Brought {
    /// The replicas that clients brought a value to, by place, and since when.
    values: HashMap<Value, Vec<(usize, RunTime)>>,
    /// By the place of a replica and of another one: until when it can know what the other was brought.
    known: Vec<Vec<Option<RunTime>>>,
    found: Option<Unseen>,
}

impl Brought {
    pub(super) fn new(replicas: usize) -> Self {
        let known = vec![vec![None; replicas]; replicas];
        Self { values: HashMap::new(), known, found: None }
    }

    /// A client sends a put to the replica at this place.
    pub(super) fn put(&mut self, now: RunTime, key: &Arc<str>, value: &Arc<str>, to: usize) {
        if self.found.is_some() {
            return;
        }
        let is_full = self.values.len() >= MOST_VALUES;
        match self.values.entry((Arc::clone(key), Arc::clone(value))) {
            Entry::Vacant(_) if is_full => {}
            entry => {
                let holders = entry.or_default();
                if holders.iter().all(|(place, _)| *place != to) {
                    holders.push((to, now));
                }
            }
        }
    }

    /// A replica answered a read.
    pub(super) fn read(
        &mut self,
        at: RunTime,
        key: &Arc<str>,
        value: &Arc<str>,
        by: (usize, NodeId),
    ) {
        if self.found.is_some() {
            return;
        }
        let (place, by) = by;
        let Some(holders) = self.values.get(&(Arc::clone(key), Arc::clone(value))) else { return };
        let can_know = |(holder, since): &(usize, RunTime)| {
            *holder == place || self.known[place][*holder].is_some_and(|until| until >= *since)
        };
        if !holders.iter().any(can_know) {
            let (key, value) = (key.to_string(), value.to_string());
            self.found = Some(Unseen { by, key, value, at });
            self.values = HashMap::new();
        }
    }

    /// A message between these two arrived.
    pub(super) fn message(&mut self, from: usize, sent: RunTime, to: usize) {
        if from == to || self.found.is_some() {
            return;
        }
        for other in 0..self.known.len() {
            let news = if other == from { Some(sent) } else { self.known[from][other] };
            self.known[to][other] = self.known[to][other].max(news);
        }
    }

    pub(super) fn into_found(self) -> Option<Unseen> {
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> RunTime {
        RunTime(ms * 1_000_000)
    }

    /// Whether the replica 2 may return a value that 0 was brought at 10 ms, after these messages: from, sent, to.
    fn is_seen(messages: &[(usize, u64, usize)]) -> bool {
        let (key, value) = (Arc::from("k"), Arc::from("v"));
        let mut brought = Brought::new(3);
        brought.put(at(10), &key, &value, 0);
        for &(from, sent, to) in messages {
            brought.message(from, at(sent), to);
        }
        brought.read(at(99), &key, &value, (2, NodeId(2)));
        // One that no client wrote is another question.
        brought.read(at(99), &key, &Arc::from("invented"), (2, NodeId(2)));
        brought.into_found().is_none()
    }

    #[test]
    fn a_value_comes_by_a_chain_of_messages_or_on_a_way_that_is_not_seen() {
        assert!(is_seen(&[(0, 10, 2)]));
        assert!(is_seen(&[(0, 12, 1), (1, 15, 2)]));
        assert!(!is_seen(&[]));
        assert!(!is_seen(&[(0, 9, 2), (1, 50, 2), (2, 50, 0)]), "none of these can carry it");
        assert!(!is_seen(&[(1, 15, 2), (0, 12, 1)]), "the chain is broken");
    }
}
