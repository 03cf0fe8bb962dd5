//! A fault as it happened.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::fault::{FaultKind, LinkRule, Parameters};
use crate::ids::NodeId;
use crate::plan::PlannedFault;
use crate::time::RunTime;

/// A fault as planned and as it happened: a line of `faults.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultRecord {
    /// The place in the plan, from 0.
    pub index: usize,
    /// The kind of fault.
    pub kind: FaultKind,
    /// Targets, duration and other parameters, as planned.
    #[serde(default, flatten)]
    pub parameters: Parameters,
    /// When it was planned.
    pub planned_ns: RunTime,
    /// When it struck; `None` if it could not.
    pub applied_ns: Option<RunTime>,
    /// When it ended; `None` if it had no end of its own, or did not strike.
    #[serde(default)]
    pub ended_ns: Option<RunTime>,
    /// The replica believed to lead when it was injected.
    pub leader: Option<NodeId>,
    /// The replicas that were struck, in the order of ids.
    pub targets: Vec<NodeId>,
    /// The sides of a partition, the majority first; empty for other faults.
    pub sides: Vec<Vec<NodeId>>,
    /// The rules that it put on links, and on which.
    #[serde(default)]
    pub links: Vec<LinkRule>,
    /// Of `isolate_leaders`: each leader that it cut off, in the order of times.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cuts: Vec<LeaderCut>,
    /// Why it was not applied.
    pub not_applied: Option<String>,
    /// Whether that was because another fault lasted: nothing was missed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub had_no_room: bool,
}

/// A leader was cut off from the other replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaderCut {
    /// The time of the cut, in nanoseconds of the run.
    pub at_ns: RunTime,
    /// The replica that was cut off.
    pub leader: NodeId,
}

impl FaultRecord {
    /// Why a fault whose time has not come was not applied.
    pub const TO_COME: &str = "the run ended before";

    /// Why a fault that waits for a system call was not applied.
    pub const NO_CALL: &str = "the replica made fewer such calls until the fault phase ended";

    /// No more rules on links than this are told one by one.
    const RULES_TOLD: usize = 3;

    /// A fault whose time has not come, at its place in the plan.
    pub fn planned((index, fault): (usize, &PlannedFault)) -> Self {
        Self {
            index,
            kind: fault.event.kind,
            parameters: fault.event.parameters.clone(),
            planned_ns: fault.event.at,
            applied_ns: None,
            ended_ns: None,
            leader: None,
            targets: Vec::new(),
            sides: Vec::new(),
            links: Vec::new(),
            cuts: Vec::new(),
            not_applied: Some(Self::TO_COME.to_owned()),
            had_no_room: false,
        }
    }

    /// What it is, for people: `pause`, `partition bridge`.
    pub fn title(&self) -> String {
        let shape = self.parameters.shape.map(|shape| format!(" {}", shape.name()));
        let before = self.parameters.before;
        let before = before.map(|it| format!(" before {} {}", it.call.name(), it.n));
        format!("{}{}{}", self.kind, shape.unwrap_or_default(), before.unwrap_or_default())
    }

    /// The affected replicas, for people: the sides of a partition (`0000 0001 | 0002`), or what happens on
    /// which links (`cut 0000 → 0001 0002`), or the ids.
    pub fn whom(&self) -> String {
        if !self.sides.is_empty() && !self.is_one_way() {
            return sides(&self.sides);
        }
        if self.links.is_empty() {
            return listed(&self.targets);
        }
        let rules = self.rules();
        let told = rules.iter().take(Self::RULES_TOLD).cloned();
        let more = rules.len().saturating_sub(Self::RULES_TOLD);
        let more = (more > 0).then(|| format!("{more} rules more"));
        told.chain(more).collect::<Vec<_>>().join("; ")
    }

    /// Each rule on links for people; what holds there and back is one.
    fn rules(&self) -> Vec<String> {
        let mirrors = |one: &LinkRule, other: &LinkRule| {
            one.rule == other.rule && one.from == other.to && one.to == other.from
        };
        let mut told = Vec::new();
        for (n, rule) in self.links.iter().enumerate() {
            if self.links[..n].iter().any(|earlier| mirrors(rule, earlier)) {
                continue;
            }
            let is_both_ways = self.links[n..].iter().any(|later| mirrors(rule, later));
            told.push(on_links(rule, if is_both_ways { "↔" } else { "→" }));
        }
        told
    }

    /// Whether something happens on links, and on none of them in both directions.
    fn is_one_way(&self) -> bool {
        let pairs: BTreeSet<_> = self.links.iter().flat_map(LinkRule::pairs).collect();
        !pairs.is_empty() && pairs.iter().all(|&(from, to)| !pairs.contains(&(to, from)))
    }
}

/// A rule on links, for people: `cut 0000 → 0001`; `loss among 0000 0001 0002`.
pub fn on_links(rule: &LinkRule, arrow: &str) -> String {
    let (name, from) = (rule.rule.name(), listed(&rule.from));
    if rule.from == rule.to {
        return format!("{name} among {from}");
    }
    // No replica sends to itself.
    let to = rule.to.iter().filter(|id| rule.from != [**id]);
    format!("{name} {from} {arrow} {}", listed(&to.copied().collect::<Vec<_>>()))
}

fn listed(ids: &[NodeId]) -> String {
    ids.iter().map(NodeId::to_string).collect::<Vec<_>>().join(" ")
}

/// The sides of a partition, for people: `0000 0001 | 0002`.
pub fn sides(sides: &[Vec<NodeId>]) -> String {
    sides.iter().map(|side| listed(side)).collect::<Vec<_>>().join(" | ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::rules::Rule;

    #[test]
    fn a_fault_says_whom_it_strikes_or_which_links() {
        let mut fault = crate::record::sample::record().faults.swap_remove(0);
        fault.targets = vec![NodeId(3)];
        assert_eq!(fault.whom(), "0003");
        let cut = |from: &[u16], to: &[u16]| {
            let [from, to] = [from, to].map(|ids| ids.iter().copied().map(NodeId).collect());
            LinkRule { rule: Rule::Cut, from, to }
        };
        fault.links = vec![cut(&[0], &[1, 2])];
        fault.sides = vec![vec![NodeId(1), NodeId(2)], vec![NodeId(0)]];
        assert_eq!(fault.whom(), "cut 0000 → 0001 0002", "one way only");
        fault.links.push(cut(&[1, 2], &[0]));
        assert_eq!(fault.whom(), "0001 0002 | 0000");
        fault.sides.clear();
        assert_eq!(fault.whom(), "cut 0000 ↔ 0001 0002");
        fault.links = vec![cut(&[0], &[1]); 5];
        assert_eq!(fault.whom(), "cut 0000 → 0001; cut 0000 → 0001; cut 0000 → 0001; 2 rules more");
    }
}
