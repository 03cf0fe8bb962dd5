//! One direction between two nodes: what becomes of each message, and the count of it.
//!
//! A link asks its rules in order; the first that does not pass decides. The n-th decision is a
//! pure function of (seed, link, n): a fault on one link changes nothing on another, and a replay
//! meets the same losses.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ids::NodeId;
use crate::limits;
use crate::run::record::{DropCause, MessageCounts};
use crate::seed::Seed;

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is delivered at once.
    Deliver,
    /// It is lost, and why.
    Drop(DropCause),
}

/// A rule that a message between replicas must pass.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// Loses this fraction of the messages.
    Loss(f64),
}

impl Rule {
    /// What this rule does with the `n`-th message of the link with this seed.
    fn decide(&self, seed: Seed, n: u64) -> Decision {
        match *self {
            Self::Loss(fraction) if seed.fraction(n) < fraction => Decision::Drop(DropCause::Loss),
            Self::Loss(_) => Decision::Deliver,
        }
    }
}

/// One direction between two nodes.
#[derive(Debug)]
pub struct Link {
    seed: Seed,
    rules: Vec<Rule>,
    is_cut: bool,
    passed: u64,
    counts: Vec<(Arc<str>, MessageCounts)>,
}

/// Which of a link's counts a message belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeIndex(usize);

impl Link {
    /// A link with these rules; clients' links have none.
    pub fn new(seed: Seed, rules: Vec<Rule>) -> Self {
        Self { seed, rules, is_cut: false, passed: 0, counts: Vec::new() }
    }

    /// Cuts the link, or mends it.
    pub fn set_cut(&mut self, is_cut: bool) {
        self.is_cut = is_cut;
    }

    /// Lets everything pass from now on.
    pub fn clear_rules(&mut self) {
        self.rules.clear();
    }

    /// Counts a message of this type as sent and says what becomes of it.
    pub fn decide(&mut self, kind: &str, bytes: usize) -> (Decision, TypeIndex) {
        let index = self.count_of(kind);
        let counts = &mut self.counts[index.0].1;
        counts.sent += 1;
        counts.bytes += bytes as u64;
        // Every message takes its number, also one that a partition stops: what a fault loses
        // must not shift what chance loses.
        let n = self.passed;
        self.passed += 1;
        let decision = if self.is_cut {
            Decision::Drop(DropCause::Partition)
        } else {
            self.rules
                .iter()
                .map(|rule| rule.decide(self.seed, n))
                .find(|decision| *decision != Decision::Deliver)
                .unwrap_or(Decision::Deliver)
        };
        if let Decision::Drop(cause) = decision {
            self.lost(index, cause);
        }
        (decision, index)
    }

    /// Counts a message that was sent before the clock started.
    pub fn too_early(&mut self, kind: &str, bytes: usize) {
        let index = self.count_of(kind);
        let counts = &mut self.counts[index.0].1;
        counts.sent += 1;
        counts.bytes += bytes as u64;
        self.lost(index, DropCause::BeforeStart);
    }

    /// The name of a message type of this link.
    pub fn kind(&self, index: TypeIndex) -> &str {
        &self.counts[index.0].0
    }

    /// Counts a message as handed over.
    pub fn delivered(&mut self, index: TypeIndex) {
        self.counts[index.0].1.delivered += 1;
    }

    /// Counts a message as lost.
    pub fn lost(&mut self, index: TypeIndex, cause: DropCause) {
        *self.counts[index.0].1.dropped.entry(cause).or_default() += 1;
    }

    fn count_of(&mut self, kind: &str) -> TypeIndex {
        let is_full = self.counts.len() >= limits::MESSAGE_TYPES;
        let known = |name: &str| self.counts.iter().position(|(known, _)| &**known == name);
        let cut = cut_at(kind, limits::MESSAGE_TYPE_BYTES);
        if let Some(at) = known(cut) {
            return TypeIndex(at);
        }
        let name = if is_full { "(other)" } else { cut };
        TypeIndex(known(name).unwrap_or_else(|| {
            self.counts.push((Arc::from(name), MessageCounts::default()));
            self.counts.len() - 1
        }))
    }
}

/// The longest prefix of at most `bytes` bytes that ends between two characters.
fn cut_at(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    &text[..end.unwrap_or(0)]
}

/// All links, by (source, destination).
pub type Links = BTreeMap<(NodeId, NodeId), Link>;

/// The counts of all links, by (source, destination, message type).
pub type Counts = BTreeMap<(NodeId, NodeId, Arc<str>), MessageCounts>;

/// The counts of all links, as they go into a record.
pub fn counts(links: Links) -> Counts {
    links
        .into_iter()
        .flat_map(|((from, to), link)| {
            link.counts.into_iter().map(move |(kind, counts)| ((from, to, kind), counts))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn losses(link: &mut Link, messages: usize) -> Vec<bool> {
        (0..messages).map(|_| link.decide("append", 10).0 != Decision::Deliver).collect()
    }

    #[test]
    fn the_nth_decision_depends_on_nothing_but_seed_link_and_n() {
        let mut plain = Link::new(Seed(5), vec![Rule::Loss(0.3)]);
        let mut cut_for_a_while = Link::new(Seed(5), vec![Rule::Loss(0.3)]);
        let expected = losses(&mut plain, 300);
        let mut seen = losses(&mut cut_for_a_while, 100);
        cut_for_a_while.set_cut(true);
        assert!(losses(&mut cut_for_a_while, 100).iter().all(|&lost| lost));
        cut_for_a_while.set_cut(false);
        seen.extend(losses(&mut cut_for_a_while, 100));
        assert_eq!(seen[..100], expected[..100]);
        assert_eq!(seen[100..], expected[200..]);
    }

    #[test]
    fn what_was_sent_was_delivered_or_lost_under_one_cause() {
        let mut link = Link::new(Seed(1), vec![Rule::Loss(0.5)]);
        for n in 0..1000 {
            let kind = format!("type-{}", n % 100);
            let (decision, index) = link.decide(&kind, 7);
            if decision == Decision::Deliver {
                link.delivered(index);
            }
        }
        let key = (NodeId(0), NodeId(1));
        let counts = counts(Links::from([(key, link)]));
        assert_eq!(counts.len(), limits::MESSAGE_TYPES + 1, "the rest is one type, `(other)`");
        let total = |f: fn(&MessageCounts) -> u64| counts.values().map(f).sum::<u64>();
        assert_eq!(total(|c| c.sent), 1000);
        assert_eq!(total(|c| c.bytes), 7000);
        assert_eq!(total(|c| c.delivered + c.dropped.values().sum::<u64>()), 1000);
    }
}
