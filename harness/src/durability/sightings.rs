//! Which replicas showed, after a put was acknowledged, that they hold it: they sent its value to another replica,
//! or acknowledged it once more. A put that is shown after a read that lacks it is not lost.
//!
//! Values are looked for as whole strings in the JSON of messages, also in JSON within a string. A value that is short,
//! or that two puts write, could mean anything and is not looked for.

use std::collections::VecDeque;

use checker::{Shown, Sighting};
use rustc_hash::FxHashMap;

use crate::ids::NodeId;
use crate::limits;
use crate::time::RunTime;

/// A shorter value may be there by chance.
const SHORTEST: usize = 6;

/// The acknowledged puts of a run, the newest ones, and who showed them.
#[derive(Debug, Default)]
pub struct Sightings {
    by_value: FxHashMap<Box<str>, Put>,
    /// The values, the oldest first.
    order: VecDeque<Box<str>>,
    /// The lengths of values that there ever were, a bit each: most strings of a message have another.
    lengths: u128,
}

/// The bit of a length.
fn bit(length: usize) -> u128 {
    1 << length.min(127)
}

#[derive(Debug)]
struct Put {
    /// The index of the operation; `None`: another one writes the value, too.
    operation: Option<u64>,
    /// The last time of each replica.
    shown: Vec<(NodeId, Shown, RunTime)>,
}

impl Sightings {
    /// A put of this value was acknowledged for the first time.
    pub fn acknowledged(&mut self, operation: u64, value: &str) {
        if value.len() < SHORTEST {
            return;
        }
        if let Some(put) = self.by_value.get_mut(value) {
            put.operation = put.operation.filter(|&known| known == operation);
            return;
        }
        if self.order.len() >= limits::PUTS_LOOKED_FOR
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_value.remove(&oldest);
        }
        self.lengths |= bit(value.len());
        let put = Put { operation: Some(operation), shown: Vec::new() };
        self.by_value.insert(value.into(), put);
        self.order.push_back(value.into());
    }

    /// A replica acknowledged a put of this value that had been acknowledged before.
    pub fn acknowledged_again(&mut self, now: RunTime, by: NodeId, value: &str) {
        if let Some(put) = self.by_value.get_mut(value) {
            put.show(by, Shown::Acknowledgement, now);
        }
    }

    /// A replica sent this message to another replica.
    pub fn sent(&mut self, now: RunTime, by: NodeId, packet: &[u8]) {
        if self.by_value.is_empty() {
            return;
        }
        let mut begin = 0;
        for end in memchr::memchr_iter(b'"', packet) {
            let string = &packet[begin..end];
            begin = end + 1;
            let string = string.strip_suffix(b"\\").unwrap_or(string);
            if self.lengths & bit(string.len()) == 0 {
                continue;
            }
            let put = std::str::from_utf8(string).ok().and_then(|it| self.by_value.get_mut(it));
            if let Some(put) = put {
                put.show(by, Shown::Message, now);
            }
        }
    }

    /// The last time of each replica for each put, in the order of the acknowledgements.
    pub fn into_list(mut self) -> Vec<Sighting> {
        let mut all = Vec::new();
        for value in self.order {
            let put = self.by_value.remove(&value).filter(|put| put.operation.is_some());
            let mut shown = put.map(|put| put.shown).unwrap_or_default();
            shown.sort_by_key(|&(by, shown, at)| (at, by, shown));
            all.extend(shown.into_iter().map(|(by, shown, at)| Sighting {
                value: value.clone().into(),
                node: by.to_string(),
                time_ns: at.0,
                shown,
            }));
        }
        all
    }
}

impl Put {
    fn show(&mut self, by: NodeId, shown: Shown, now: RunTime) {
        match self.shown.iter_mut().find(|it| (it.0, it.1) == (by, shown)) {
            Some(known) => known.2 = now,
            None => self.shown.push((by, shown, now)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUE: &str = "0015.7";

    fn shown(tell: impl FnOnce(&mut Sightings)) -> Vec<(String, String, u64, Shown)> {
        let mut sightings = Sightings::default();
        sightings.acknowledged(3, VALUE);
        tell(&mut sightings);
        let told = |it: Sighting| (it.value, it.node, it.time_ns, it.shown);
        sightings.into_list().into_iter().map(told).collect()
    }

    #[test]
    fn a_value_is_seen_in_the_messages_that_carry_it() {
        let by = NodeId(1);
        let seen = |packet: &str| shown(|it| it.sent(RunTime(9), by, packet.as_bytes()));
        let expected = vec![(VALUE.to_owned(), "0001".to_owned(), 9, Shown::Message)];
        assert_eq!(seen(r#"{"entries":[{"value":"0015.7"}]}"#), expected);
        assert_eq!(seen(r#"{"log":"[{\"value\":\"0015.7\"}]"}"#), expected);
        assert_eq!(seen(r#"{"value":"0015.77","x":"10015.7","y":0015.7}"#), []);
        assert_eq!(seen(""), []);
    }

    #[test]
    fn of_each_replica_the_last_time_is_kept() {
        let packet = format!("{{\"v\":{VALUE:?}}}");
        let seen = shown(|it| {
            for (at, by) in [(5, 1), (6, 2), (9, 1)] {
                it.sent(RunTime(at), NodeId(by), packet.as_bytes());
            }
            it.acknowledged_again(RunTime(7), NodeId(1), VALUE);
        });
        let told: Vec<(u64, Shown)> = seen.into_iter().map(|it| (it.2, it.3)).collect();
        assert_eq!(told, [(6, Shown::Message), (7, Shown::Acknowledgement), (9, Shown::Message)]);
    }

    #[test]
    fn what_could_mean_two_puts_says_nothing() {
        let seen = shown(|it| {
            it.acknowledged(4, VALUE);
            it.acknowledged(5, "short");
            it.sent(RunTime(9), NodeId(1), br#"["0015.7","short"]"#);
        });
        assert_eq!(seen, []);
    }

    #[test]
    fn the_oldest_puts_are_given_up_first() {
        let seen = shown(|it| {
            for n in 0..limits::PUTS_LOOKED_FOR as u64 {
                it.acknowledged(10 + n, &format!("value {n}"));
            }
            it.sent(RunTime(9), NodeId(1), br#"["0015.7","value 0"]"#);
        });
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0].0, "value 0");
    }
}
