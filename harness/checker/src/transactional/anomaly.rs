//! What can go wrong between transactions, by the names of Adya, Berenson and Jepsen.

use super::level::{Level, Scope};

/// An anomaly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Anomaly {
    /// A read returned what no transaction wrote.
    GarbageRead,
    /// A read returned a list with one element twice.
    DuplicateElements,
    /// A cycle of write dependencies (dirty write).
    G0(Scope),
    /// A read of what an aborted transaction wrote.
    G1a,
    /// A read of what its own writer overwrote.
    G1b,
    /// A cycle of write and read dependencies (circular information flow).
    G1c(Scope),
    /// Reads of one list that cannot belong to one order of its appends.
    IncompatibleOrder,
    /// A committed write on top of one that was aborted.
    DirtyUpdate,
    /// A transaction read what only it wrote, later.
    FutureRead,
    /// A transaction's reads contradict its own earlier reads and writes.
    Internal,
    /// A transaction saw some of the writes of another one, and not the others.
    FracturedRead,
    /// Two transactions read one version of an object, and both wrote it.
    LostUpdate,
    /// A cycle with one anti-dependency (read skew).
    GSingle(Scope),
    /// Two transactions that only read saw two writes in different orders.
    LongFork,
    /// A cycle with several anti-dependencies, of which no two are neighbours.
    GNonadjacent(Scope),
    /// A cycle of two anti-dependencies: each of two transactions read what the other one wrote, before
    /// it did.
    WriteSkew,
    /// A cycle with anti-dependencies that are neighbours.
    G2Item(Scope),
}

impl Anomaly {
    /// All anomalies, the worst first.
    pub const ALL: [Anomaly; 27] = [
        Anomaly::GarbageRead,
        Anomaly::DuplicateElements,
        Anomaly::G0(Scope::Data),
        Anomaly::G1a,
        Anomaly::G1b,
        Anomaly::IncompatibleOrder,
        Anomaly::DirtyUpdate,
        Anomaly::FutureRead,
        Anomaly::G1c(Scope::Data),
        Anomaly::Internal,
        Anomaly::FracturedRead,
        Anomaly::LostUpdate,
        Anomaly::GSingle(Scope::Data),
        Anomaly::LongFork,
        Anomaly::GNonadjacent(Scope::Data),
        Anomaly::WriteSkew,
        Anomaly::G2Item(Scope::Data),
        Anomaly::G0(Scope::Session),
        Anomaly::G1c(Scope::Session),
        Anomaly::GSingle(Scope::Session),
        Anomaly::GNonadjacent(Scope::Session),
        Anomaly::G2Item(Scope::Session),
        Anomaly::G0(Scope::RealTime),
        Anomaly::G1c(Scope::RealTime),
        Anomaly::GSingle(Scope::RealTime),
        Anomaly::GNonadjacent(Scope::RealTime),
        Anomaly::G2Item(Scope::RealTime),
    ];

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Anomaly::GarbageRead => "garbage-read",
            Anomaly::DuplicateElements => "duplicate-elements",
            Anomaly::G0(Scope::Data) => "G0",
            Anomaly::G0(Scope::Session) => "G0-session",
            Anomaly::G0(Scope::RealTime) => "G0-realtime",
            Anomaly::G1a => "G1a",
            Anomaly::G1b => "G1b",
            Anomaly::G1c(Scope::Data) => "G1c",
            Anomaly::G1c(Scope::Session) => "G1c-session",
            Anomaly::G1c(Scope::RealTime) => "G1c-realtime",
            Anomaly::IncompatibleOrder => "incompatible-order",
            Anomaly::DirtyUpdate => "dirty-update",
            Anomaly::FutureRead => "future-read",
            Anomaly::Internal => "internal",
            Anomaly::FracturedRead => "fractured-read",
            Anomaly::LostUpdate => "lost-update",
            Anomaly::GSingle(Scope::Data) => "G-single",
            Anomaly::GSingle(Scope::Session) => "G-single-session",
            Anomaly::GSingle(Scope::RealTime) => "G-single-realtime",
            Anomaly::LongFork => "long-fork",
            Anomaly::GNonadjacent(Scope::Data) => "G-nonadjacent",
            Anomaly::GNonadjacent(Scope::Session) => "G-nonadjacent-session",
            Anomaly::GNonadjacent(Scope::RealTime) => "G-nonadjacent-realtime",
            Anomaly::WriteSkew => "write-skew",
            Anomaly::G2Item(Scope::Data) => "G2-item",
            Anomaly::G2Item(Scope::Session) => "G2-item-session",
            Anomaly::G2Item(Scope::RealTime) => "G2-item-realtime",
        }
    }

    /// The anomaly of that name.
    pub fn named(name: &str) -> Option<Anomaly> {
        Anomaly::ALL.into_iter().find(|anomaly| anomaly.name() == name)
    }

    /// The weakest levels that forbid an anomaly that is no cycle. What a cycle refutes depends on its
    /// edges.
    pub fn forbidden_by(self) -> &'static [Level] {
        match self {
            // No list and no register can answer so, at any level.
            Anomaly::GarbageRead | Anomaly::DuplicateElements => &[Level::ReadUncommitted],
            // A read version that is in no order of committed versions was never committed.
            Anomaly::G1a
            | Anomaly::G1b
            | Anomaly::IncompatibleOrder
            | Anomaly::DirtyUpdate
            | Anomaly::FutureRead => &[Level::ReadCommitted],
            Anomaly::Internal => &[Level::ReadAtomic],
            _ => &[],
        }
    }
}

impl serde::Serialize for Anomaly {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_anomaly_is_found_by_its_name() {
        for anomaly in Anomaly::ALL {
            assert_eq!(Anomaly::named(anomaly.name()), Some(anomaly));
        }
    }
}
