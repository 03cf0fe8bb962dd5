//! A replica whose own state goes back, as from an old write that it applies again.
//!
//! A client that reads one replica's copy after another's may see an older value, and a leader that lost its log loses what
//! was in it. But a replica that alone answers all clients, without a break in which it could have been replaced or
//! started again, and has a newer value first and an older one later, was written to in between; and where
//! no client asked for that, by what it had applied before.

use rustc_hash::FxHashSet;

use super::{Teller, may_write, seen};
use crate::history::{Key, Operation, Outcome, Sighting, Value};

/// Neither an election nor a start is as short as this.
const BREAK_NS: u64 = 100_000_000;

/// A leader acknowledges a write within this time, where there are any.
const LEADING_NS: u64 = 1_000_000_000;

impl Teller<'_> {
    /// Whether the replica that answered a read showed afterwards, and not before, what another had acknowledged
    /// before the read, but after a write: in one log, that write was not lost then, and the replica had not
    /// caught up.
    pub(super) fn caught_up(&self, write: &Operation, read: &Operation) -> bool {
        let (Some(writer), Some(reader)) = (self.history.node(write), self.history.node(read))
        else {
            return false;
        };
        if writer == reader {
            return false;
        }
        let answered = |op: &&Operation| op.outcome == Outcome::Ok;
        let by = |op: &Operation| self.history.node(op);
        let later: FxHashSet<(Key, Value)> = self
            .history
            .operations()
            .iter()
            .filter(answered)
            .filter(|op| may_write(op) && by(op) == Some(writer))
            .filter(|op| op.invoke > write.complete && op.complete < read.invoke)
            .map(|op| (op.key, op.argument))
            .collect();
        let shows = |op: &&Operation| {
            by(op) == Some(reader) && seen(op).is_some_and(|value| later.contains(&(op.key, value)))
        };
        let showing = || self.history.operations().iter().filter(answered).filter(shows);
        showing().any(|op| op.invoke > read.complete)
            && !showing().any(|op| op.complete < read.invoke)
    }

    /// Whether, soon after a read, the replica that had acknowledged a write acknowledged others, and the one that
    /// answered the read none: then the one still led, and the other did not.
    pub(super) fn led_on(&self, write: &Operation, read: &Operation) -> bool {
        let (Some(writer), Some(reader)) = (self.history.node(write), self.history.node(read))
        else {
            return false;
        };
        let acknowledged = |node: &str| {
            self.history.operations().iter().any(|op| {
                may_write(op)
                    && op.outcome == Outcome::Ok
                    && op.invoke > read.complete
                    && op.complete_ns < read.complete_ns.saturating_add(LEADING_NS)
                    && self.history.node(op) == Some(node)
            })
        };
        writer != reader && acknowledged(writer) && !acknowledged(reader)
    }

    /// What shows, after a read that lacks a write, that the write is still there: at the replica that answered the
    /// read, or at another. The one that had acknowledged it may hold it alone, and lose it yet.
    pub(super) fn still_there(&self, write: &Operation, read: &Operation) -> Option<String> {
        let (writer, reader) = (self.history.node(write), self.history.node(read));
        let value = self.history.text(write.argument)?;
        let is_later = |it: &&Sighting| {
            let node = Some(it.node.as_str());
            it.value == value
                && read.complete_ns().is_some_and(|read| it.time_ns > read)
                && (node == reader || node != writer)
        };
        let sighting = self.history.sightings().iter().find(is_later)?;
        let end = match reader {
            Some(by) => format!("{by} answered before it had caught up"),
            None => "the read was answered by a replica that had not caught up".to_owned(),
        };
        let told = sighting.told(&self.written_by(write));
        Some(format!("{told}. So that write is not lost: {end}."))
    }

    /// The same of whichever write the reads of a text or list lack.
    pub(super) fn append_still_there(&self) -> Option<String> {
        let writes = self.core.iter().filter(|op| may_write(op));
        let pairs = writes.flat_map(|write| self.reads().map(move |read| (*write, read)));
        pairs
            .filter(|(write, read)| write.complete < read.invoke)
            .find_map(|(write, read)| self.still_there(write, read))
    }

    /// Whether one replica answered both reads and all that was answered from the first to the second, without
    /// a break.
    pub(super) fn one_replica_served(&self, first: &Operation, second: &Operation) -> bool {
        let Some(node) = self.history.node(first) else { return false };
        let (begin, Some(end)) = (first.complete, second.complete_index()) else { return false };
        let operations = self.history.operations().iter();
        let mut answered: Vec<&Operation> = operations
            .filter(|op| op.outcome == Outcome::Ok && op.complete >= begin)
            .filter(|op| u64::from(op.complete) <= end)
            .collect();
        answered.sort_unstable_by_key(|op| op.complete);
        let has_break = answered
            .windows(2)
            .any(|pair| pair[1].complete_ns.saturating_sub(pair[0].complete_ns) > BREAK_NS);
        !has_break && answered.iter().all(|op| self.history.node(op) == Some(node))
    }
}
