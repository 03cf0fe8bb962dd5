//! Isolation levels, and which of them imply which.
//!
//! A level is what it forbids: anomalies of single reads, and cycles of dependencies. The definitions are
//! those of Adya (1999) for the levels with versions, of Bailis et al. (2014) for monotonic atomic view,
//! and of Cerone, Bernardi and Gotsman (2015, 2017) for read atomic, causal, prefix and snapshot
//! isolation. Names are those of Jepsen.

/// An isolation level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// Writes of different transactions do not interleave (Adya's PL-1).
    ReadUncommitted,
    /// Nothing is read that was not committed, nor what was overwritten by its own writer (PL-2).
    ReadCommitted,
    /// Having seen one write of a transaction, a transaction sees all of its others from then on.
    MonotonicAtomicView,
    /// No update is lost between a read of an object and the same transaction's write of it (PL-CS).
    CursorStability,
    /// A transaction sees all writes of another one, or none.
    ReadAtomic,
    /// A transaction sees all that was before what it sees; sessions count (transactional causal
    /// consistency).
    Causal,
    /// A transaction is placed after all that it depends on (PL-2+).
    ConsistentView,
    /// All see a beginning of one order of commits.
    Prefix,
    /// The same, and of two concurrent transactions that write one object only one commits.
    SnapshotIsolation,
    /// What transactions wrote has an order, and each that only read fits one.
    UpdateSerializable,
    /// Serializable, but for predicates (PL-2.99).
    RepeatableRead,
    /// All transactions have an order (PL-3).
    Serializable,
    /// Prefix, and each session sees its own transactions.
    StrongSessionPrefix,
    /// Snapshot isolation, and each session sees its own transactions.
    StrongSessionSnapshotIsolation,
    /// Update serializable, in an order that is each session's own.
    StrongSessionUpdateSerializable,
    /// Serializable, in an order that is each session's own.
    StrongSessionSerializable,
    /// Prefix, and what completed before is seen by what begins later.
    StrongPrefix,
    /// Snapshot isolation, and what completed before is seen by what begins later.
    StrongSnapshotIsolation,
    /// Update serializable, in an order that is that of real time.
    StrongUpdateSerializable,
    /// Serializable in an order that is that of real time: strict serializable.
    StrongSerializable,
}

/// Which orders, besides that of the data, a level promises to respect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// None.
    Data,
    /// The order of each session.
    Session,
    /// The order of real time, which is that of each session, too.
    RealTime,
}

impl Level {
    /// All levels: a level stands after all that it implies.
    pub const ALL: [Level; 20] = [
        Level::ReadUncommitted,
        Level::ReadCommitted,
        Level::MonotonicAtomicView,
        Level::CursorStability,
        Level::ReadAtomic,
        Level::Causal,
        Level::ConsistentView,
        Level::Prefix,
        Level::SnapshotIsolation,
        Level::UpdateSerializable,
        Level::RepeatableRead,
        Level::Serializable,
        Level::StrongSessionPrefix,
        Level::StrongSessionSnapshotIsolation,
        Level::StrongSessionUpdateSerializable,
        Level::StrongSessionSerializable,
        Level::StrongPrefix,
        Level::StrongSnapshotIsolation,
        Level::StrongUpdateSerializable,
        Level::StrongSerializable,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Level::ReadUncommitted => "read-uncommitted",
            Level::ReadCommitted => "read-committed",
            Level::MonotonicAtomicView => "monotonic-atomic-view",
            Level::CursorStability => "cursor-stability",
            Level::ReadAtomic => "read-atomic",
            Level::Causal => "causal",
            Level::ConsistentView => "consistent-view",
            Level::Prefix => "prefix",
            Level::SnapshotIsolation => "snapshot-isolation",
            Level::UpdateSerializable => "update-serializable",
            Level::RepeatableRead => "repeatable-read",
            Level::Serializable => "serializable",
            Level::StrongSessionPrefix => "strong-session-prefix",
            Level::StrongSessionSnapshotIsolation => "strong-session-snapshot-isolation",
            Level::StrongSessionUpdateSerializable => "strong-session-update-serializable",
            Level::StrongSessionSerializable => "strong-session-serializable",
            Level::StrongPrefix => "strong-prefix",
            Level::StrongSnapshotIsolation => "strong-snapshot-isolation",
            Level::StrongUpdateSerializable => "strong-update-serializable",
            Level::StrongSerializable => "strong-serializable",
        }
    }

    /// The level of that name; `strict-serializable` is the strong one, and `session-` is short for
    /// `strong-session-`.
    pub fn named(name: &str) -> Option<Level> {
        if name == "strict-serializable" {
            return Some(Level::StrongSerializable);
        }
        let is_named = |level: &Level| {
            level.name() == name
                || level
                    .name()
                    .strip_prefix("strong-")
                    .is_some_and(|rest| rest == name && rest.starts_with("session-"))
        };
        Level::ALL.into_iter().find(is_named)
    }

    /// The levels that this one implies directly: each history that keeps it keeps them.
    pub fn weaker(self) -> &'static [Level] {
        match self {
            Level::ReadUncommitted => &[],
            Level::ReadCommitted => &[Level::ReadUncommitted],
            Level::MonotonicAtomicView | Level::CursorStability => &[Level::ReadCommitted],
            Level::ReadAtomic => &[Level::MonotonicAtomicView],
            Level::Causal | Level::Prefix => &[Level::ReadAtomic],
            Level::ConsistentView => &[Level::ReadAtomic, Level::CursorStability],
            Level::SnapshotIsolation => &[Level::Prefix, Level::ConsistentView],
            Level::UpdateSerializable | Level::RepeatableRead => &[Level::ConsistentView],
            Level::Serializable => {
                &[Level::SnapshotIsolation, Level::UpdateSerializable, Level::RepeatableRead]
            }
            Level::StrongSessionPrefix => &[Level::Prefix, Level::Causal],
            Level::StrongSessionSnapshotIsolation => {
                &[Level::SnapshotIsolation, Level::StrongSessionPrefix]
            }
            Level::StrongSessionUpdateSerializable => &[Level::UpdateSerializable],
            Level::StrongSessionSerializable => &[
                Level::Serializable,
                Level::StrongSessionSnapshotIsolation,
                Level::StrongSessionUpdateSerializable,
            ],
            Level::StrongPrefix => &[Level::StrongSessionPrefix],
            Level::StrongSnapshotIsolation => {
                &[Level::StrongSessionSnapshotIsolation, Level::StrongPrefix]
            }
            Level::StrongUpdateSerializable => &[Level::StrongSessionUpdateSerializable],
            Level::StrongSerializable => &[
                Level::StrongSessionSerializable,
                Level::StrongSnapshotIsolation,
                Level::StrongUpdateSerializable,
            ],
        }
    }

    /// Whether each history that keeps this level keeps the other; each level implies itself.
    pub fn implies(self, other: Level) -> bool {
        self == other || self.weaker().iter().any(|weaker| weaker.implies(other))
    }

    /// Which orders besides the data's it respects.
    pub fn scope(self) -> Scope {
        match self {
            Level::Causal
            | Level::StrongSessionPrefix
            | Level::StrongSessionSnapshotIsolation
            | Level::StrongSessionUpdateSerializable
            | Level::StrongSessionSerializable => Scope::Session,
            Level::StrongPrefix
            | Level::StrongSnapshotIsolation
            | Level::StrongUpdateSerializable
            | Level::StrongSerializable => Scope::RealTime,
            _ => Scope::Data,
        }
    }

    /// What the level promises, in a few words, for `--help` and explanations.
    pub fn promise(self) -> &'static str {
        match self {
            Level::ReadUncommitted => "writes of different transactions do not interleave",
            Level::ReadCommitted => "transactions read only what was committed",
            Level::MonotonicAtomicView => {
                "having seen one write of a transaction, a transaction sees its other writes from then on"
            }
            Level::CursorStability => {
                "nothing changes between a transaction's read of an object and its write of it"
            }
            Level::ReadAtomic => "a transaction sees all writes of another one, or none",
            Level::Causal => "a transaction sees all that happened before what it sees",
            Level::ConsistentView => {
                "a transaction sees no state that lacks something it depends on"
            }
            Level::Prefix => {
                "each transaction reads a state that one order of commits passes through"
            }
            Level::SnapshotIsolation => {
                "each transaction reads one snapshot, and commits only if nothing that it writes was written since"
            }
            Level::UpdateSerializable => {
                "transactions that write have one order, and each that only reads fits it alone"
            }
            Level::RepeatableRead => {
                "serializable but for predicates: what was read stays as it was"
            }
            Level::Serializable => {
                "the result is that of some order, one transaction after another"
            }
            Level::StrongSessionPrefix => "prefix, and each session sees its own transactions",
            Level::StrongSessionSnapshotIsolation => {
                "snapshot isolation, and each session sees its own transactions"
            }
            Level::StrongSessionUpdateSerializable => {
                "update serializable, in an order that is each session's own"
            }
            Level::StrongSessionSerializable => {
                "serializable, in an order that is each session's own"
            }
            Level::StrongPrefix => "prefix, and what was over before is seen",
            Level::StrongSnapshotIsolation => {
                "snapshot isolation, and what was over before is seen"
            }
            Level::StrongUpdateSerializable => "update serializable, in the order of real time",
            Level::StrongSerializable => {
                "serializable, in the order of real time (strict serializable)"
            }
        }
    }
}

impl serde::Serialize for Level {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_stand_after_what_they_imply_and_are_found_by_name() {
        for (place, level) in Level::ALL.into_iter().enumerate() {
            assert_eq!(Level::named(level.name()), Some(level));
            assert_eq!(level as usize, place);
            for weaker in level.weaker() {
                assert!((*weaker as usize) < place, "{level:?} implies {weaker:?}");
                assert!(weaker.scope() <= level.scope());
            }
            assert!(Level::StrongSerializable.implies(level));
            assert!(level.implies(Level::ReadUncommitted));
        }
        assert_eq!(Level::named("strict-serializable"), Some(Level::StrongSerializable));
        let session = Level::named("session-snapshot-isolation");
        assert_eq!(session, Some(Level::StrongSessionSnapshotIsolation));
        assert_eq!(Level::named("serial"), None);
        assert!(!Level::Prefix.implies(Level::CursorStability));
        assert!(!Level::SnapshotIsolation.implies(Level::Causal));
    }
}
