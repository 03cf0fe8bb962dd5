//! When a majority of the replicas could talk: at other times nothing can be answered, and nothing
//! must be.
//!
//! A majority can talk while one living replica and enough others to make a majority with it
//! exchange messages in both directions: that one can be elected, or gather a quorum. A replica that
//! a fault stops, starves or restarts counts as down for the whole of the fault. Loss and delay
//! hinder no replica, but a loss of everything is a cut.

use std::collections::BTreeMap;
use std::time::Duration;

use super::faults::in_force;
use crate::fault::{FaultKind, LinkRule};
use crate::ids::NodeId;
use crate::nemesis::happened::FaultRecord;
use crate::network::rules::Rule;
use crate::record::RunRecord;
use crate::time::RunTime;

/// The times in which no majority could talk.
pub struct Majority {
    /// In order, apart from one another.
    missing: Vec<(RunTime, RunTime)>,
}

/// What keeps replicas from talking.
enum Hindrance {
    Down(NodeId),
    Cut(Vec<(NodeId, NodeId)>),
}

/// What hinders at one moment, and how often.
#[derive(Default)]
struct Hindered {
    down: BTreeMap<NodeId, u32>,
    cut: BTreeMap<(NodeId, NodeId), u32>,
}

impl Majority {
    /// That of `record`, until `end`.
    pub fn of(record: &RunRecord, end: RunTime) -> Self {
        let hindrances = hindrances(record, end);
        let mut changes = Vec::new();
        for (from, until, hindrance) in &hindrances {
            changes.push((*from, true, hindrance));
            changes.push((*until, false, hindrance));
        }
        changes.sort_by_key(|&(at, begins, _)| (at, begins));
        let mut missing: Vec<(RunTime, RunTime)> = Vec::new();
        let mut hindered = Hindered::default();
        let mut since = (!hindered.leaves_a_majority(record)).then_some(RunTime::ZERO);
        for (n, &(at, begins, hindrance)) in changes.iter().enumerate() {
            hindered.change(hindrance, begins);
            if changes.get(n + 1).is_some_and(|next| next.0 == at) {
                continue;
            }
            match (since, hindered.leaves_a_majority(record)) {
                (None, false) => since = Some(at),
                (Some(from), true) => {
                    missing.push((from, at));
                    since = None;
                }
                _ => {}
            }
        }
        missing.extend(since.map(|from| (from, RunTime(u64::MAX))));
        Self { missing }
    }

    /// Whether it could at this moment.
    pub fn could_talk(&self, at: RunTime) -> bool {
        let next = self.missing.partition_point(|&(_, until)| until <= at);
        self.missing.get(next).is_none_or(|&(from, _)| at < from)
    }

    /// How long it could without a break between two moments.
    pub fn longest(&self, from: RunTime, until: RunTime) -> Duration {
        self.spans(from, until).map(|(from, until)| until.since(from)).max().unwrap_or_default()
    }

    /// The times between two moments in which it could.
    pub fn spans(&self, from: RunTime, until: RunTime) -> impl Iterator<Item = (RunTime, RunTime)> {
        let begins = std::iter::once(RunTime::ZERO).chain(self.missing.iter().map(|it| it.1));
        let ends = self.missing.iter().map(|it| it.0).chain([RunTime(u64::MAX)]);
        let spans = begins.zip(ends).map(move |(begin, end)| (begin.max(from), end.min(until)));
        spans.filter(|(begin, end)| begin < end)
    }
}

impl Hindered {
    fn change(&mut self, hindrance: &Hindrance, begins: bool) {
        let count = |count: &mut u32| {
            *count = if begins { *count + 1 } else { count.saturating_sub(1) };
        };
        match hindrance {
            Hindrance::Down(id) => count(self.down.entry(*id).or_default()),
            Hindrance::Cut(links) => {
                for &link in links {
                    count(self.cut.entry(link).or_default());
                }
            }
        }
    }

    fn leaves_a_majority(&self, record: &RunRecord) -> bool {
        if record.scenario.drops >= 1.0 {
            return false;
        }
        let is_free = |count: Option<&u32>| count.is_none_or(|&count| count == 0);
        let ids = record.plan.nodes();
        let living: Vec<NodeId> = ids.filter(|id| is_free(self.down.get(id))).collect();
        let talk = |a: NodeId, b: NodeId| {
            a == b || (is_free(self.cut.get(&(a, b))) && is_free(self.cut.get(&(b, a))))
        };
        living.iter().any(|&one| {
            living.iter().filter(|&&other| talk(one, other)).count() >= record.scenario.majority()
        })
    }
}

/// All that kept replicas from talking, from when until when.
fn hindrances(record: &RunRecord, end: RunTime) -> Vec<(RunTime, RunTime, Hindrance)> {
    let mut all = Vec::new();
    for replica in &record.replicas {
        if replica.connect_time.is_none() {
            all.push((RunTime::ZERO, end, Hindrance::Down(replica.id)));
        } else if let Some(death) = &replica.death {
            all.push((death.at, end, Hindrance::Down(replica.id)));
        }
    }
    for rule in &record.scenario.network {
        if let Some(cut) = cut(&rule.what) {
            all.push((rule.start, rule.end.unwrap_or(end).min(end), cut));
        }
    }
    for fault in &record.faults {
        let Some((from, until)) = in_force(record, fault, end) else { continue };
        all.extend(fault.links.iter().filter_map(cut).map(|cut| (from, until, cut)));
        if takes_its_targets(fault) {
            all.extend(fault.targets.iter().map(|&id| (from, until, Hindrance::Down(id))));
        }
    }
    all.retain(|(from, until, _)| from < until);
    all
}

/// Whether the fault holds all of its targets at once. Those killed for good have their own death.
fn takes_its_targets(fault: &FaultRecord) -> bool {
    !matches!(fault.kind, FaultKind::Rolling | FaultKind::Reset | FaultKind::Clock)
        && fault.kind.takes_replicas()
}

fn cut(what: &LinkRule) -> Option<Hindrance> {
    let is_cut = match &what.rule {
        Rule::Cut => true,
        Rule::Loss(loss) => loss.probability >= 1.0,
        _ => false,
    };
    is_cut.then(|| Hindrance::Cut(what.pairs()))
}
