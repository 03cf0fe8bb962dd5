//! The state machine: the dictionary that the log builds, and the requests already in it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::log::Command;
use super::types::RequestId;

/// How many applied requests are remembered, so that one delivered again takes no second effect.
/// A constant and not a flag, because every replica must forget at the same entry.
const REMEMBERED_REQUESTS: usize = 16_384;

/// The dictionary and its memory of requests. A pure function of the applied log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Machine {
    data: BTreeMap<Arc<str>, Arc<str>>,
    applied: BTreeSet<RequestId>,
    oldest_first: VecDeque<RequestId>,
}

impl Machine {
    /// The value of a key; empty for a key never put.
    pub fn get(&self, key: &str) -> Arc<str> {
        self.data.get(key).cloned().unwrap_or_default()
    }

    /// Whether this request has taken effect and is still remembered.
    pub fn has_applied(&self, id: &RequestId) -> bool {
        self.applied.contains(id)
    }

    /// Applies one committed command; `again` lets a remembered request take effect once more.
    pub(super) fn apply(&mut self, command: &Command, again: bool) {
        let Command::Put { id, key, value } = command else { return };
        if self.applied.insert(id.clone()) {
            self.oldest_first.push_back(id.clone());
        } else if !again {
            return;
        }
        self.data.insert(Arc::clone(key), Arc::clone(value));
        if self.oldest_first.len() > REMEMBERED_REQUESTS
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.applied.remove(&oldest);
        }
    }

    /// A digest of the dictionary alone: FNV-1a over its keys and values, in key order.
    pub fn digest(&self) -> u64 {
        let mut digest = 0xcbf2_9ce4_8422_2325_u64;
        let mut eat = |byte: u8| digest = (digest ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        for (key, value) in &self.data {
            for text in [key, value] {
                text.bytes().for_each(&mut eat);
                eat(0xff); // no byte of UTF-8: keeps ("a", "bc") apart from ("ab", "c")
            }
        }
        digest
    }

    /// How many keys the dictionary holds.
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// Whether nothing was ever put.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }
}
