//! What replicas wrote that is wrong or odd: counted by kind, with the first example.

use std::collections::BTreeMap;

use crate::ids::NodeId;
use crate::limits;
use crate::run::record::{Example, ProtocolOddity, ProtocolViolation};
use crate::time::RunTime;

/// The remarks of a run.
#[derive(Clone, Debug, Default)]
pub struct Remarks {
    /// What the protocol does not allow.
    pub violations: BTreeMap<ProtocolViolation, Example>,
    /// What is allowed but odd.
    pub oddities: BTreeMap<ProtocolOddity, Example>,
}

impl Remarks {
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

    /// Notes something odd.
    pub fn oddity(&mut self, kind: ProtocolOddity, now: RunTime, node: NodeId, packet: &[u8]) {
        note(self.oddities.entry(kind).or_insert_with(|| example(now, node, packet)));
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
