//! What the operations of a history tell about its transactions: their dependencies, the anomalies that
//! need none, and what stays in doubt.

use super::anomaly::Anomaly;
use super::graph::Edges;
use super::level::Level;
use super::transactions::{NEVER, NOBODY, Status, Transactions};

/// All that is inferred.
#[derive(Debug)]
pub struct Inference {
    /// Of each transaction, whether it took effect, as far as anyone saw.
    pub is_committed: Vec<bool>,
    /// The dependencies between those.
    pub edges: Edges,
    /// Anomalies that are no cycles: the first of each.
    pub findings: Vec<Finding>,
    /// What keeps the verdict from being certain, where it does not refute a level.
    pub doubts: Vec<Doubt>,
    /// The orders of versions.
    pub versions: Versions,
}

/// The order of the versions of each key.
#[derive(Debug, Default)]
pub struct Versions {
    /// How many versions of each key have a known order; [`NEVER`] if nothing is known of the key.
    pub lengths: Vec<u32>,
    /// The place of each version in that order; [`NEVER`] if it is not in it.
    pub places: Vec<u32>,
    /// The orders that are not the beginning of the longest list of the key.
    pub orders: Vec<Option<Box<[u32]>>>,
    /// Writes of committed transactions that come after that order, themselves in an unknown one: key and
    /// transaction, sorted.
    pub tails: Vec<(u32, u32)>,
}

impl Versions {
    /// The known order of a key.
    pub fn order<'a>(&'a self, transactions: &'a Transactions, key: u32) -> &'a [u32] {
        let length = match self.lengths[key as usize] {
            NEVER => 0,
            length => length as usize,
        };
        match &self.orders[key as usize] {
            Some(order) => &order[..length],
            None => &transactions.longest(key)[..length],
        }
    }

    /// Whether anything is known of the order of a key.
    pub fn is_known(&self, key: u32) -> bool {
        self.lengths[key as usize] != NEVER
    }

    /// The writes that come after the known order of a key.
    pub fn tail(&self, key: u32) -> &[(u32, u32)] {
        let begin = self.tails.partition_point(|it| it.0 < key);
        let end = begin + self.tails[begin..].partition_point(|it| it.0 == key);
        &self.tails[begin..end]
    }

    /// Whether some key has several writes of which the order is unknown.
    pub fn has_open_tails(&self) -> bool {
        self.tails.windows(2).any(|pair| pair[0].0 == pair[1].0)
    }
}

/// An anomaly that is no cycle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its name.
    pub anomaly: Anomaly,
    /// The key.
    pub key: u32,
    /// The transaction whose read shows it.
    pub reader: u32,
    /// The other transaction: the writer, or another reader.
    pub other: Option<u32>,
    /// The version that should not be there.
    pub version: Option<u32>,
    /// How many elements of the list count.
    pub length: Option<u32>,
    /// The lists that exclude one another.
    pub lists: Option<[Box<[u32]>; 2]>,
    /// The places of micro-operations that contradict one another: an earlier read, if it is one, and the
    /// later one.
    pub places: Option<(Option<u32>, u32)>,
    /// How many times it was found.
    pub count: u64,
}

impl Finding {
    /// An anomaly that a read of a key shows.
    pub fn new(anomaly: Anomaly, key: u32, reader: u32) -> Self {
        Finding {
            anomaly,
            key,
            reader,
            other: None,
            version: None,
            length: None,
            lists: None,
            places: None,
            count: 1,
        }
    }
}

/// Why a level that no anomaly refutes is not kept for certain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// One value was written to a key twice, so that a read does not tell which write it saw.
    Rewritten {
        /// The key.
        key: u32,
        /// The version.
        version: u32,
        /// A transaction that writes it.
        first: u32,
        /// Another one, or the same.
        again: u32,
    },
    /// The reads of a key have no common order.
    NoOrder {
        /// The key.
        key: u32,
    },
    /// Too many appends were never read, for too many reads that were before them.
    TooManyUnread,
}

impl Doubt {
    /// Whether it leaves this level open, as long as no anomaly refutes it.
    pub fn leaves_open(&self, level: Level) -> bool {
        match self {
            Doubt::Rewritten { .. } | Doubt::NoOrder { .. } => true,
            // What lacks are anti-dependencies only.
            Doubt::TooManyUnread => {
                level != Level::ReadUncommitted && level != Level::ReadCommitted
            }
        }
    }
}

impl Inference {
    /// Notes an anomaly: the first of each is kept, and all are counted.
    pub fn find(&mut self, finding: Finding) {
        match self.findings.iter_mut().find(|it| it.anomaly == finding.anomaly) {
            Some(known) => known.count += 1,
            None => self.findings.push(finding),
        }
    }

    /// Notes that a read shows this version.
    pub fn has_taken_effect(&mut self, transactions: &Transactions, version: u32) {
        let writer = transactions.writer(version);
        if writer != NOBODY && transactions.frame(writer).status == Status::Info {
            self.is_committed[writer as usize] = true;
        }
    }
}
