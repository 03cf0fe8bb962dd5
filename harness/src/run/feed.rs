//! The events of a run, a line each, for people who watch: leaders, faults, deaths.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::ids::NodeId;
use crate::leadership::claims::LeadershipClaim;
use crate::nemesis::happened::FaultRecord;
use crate::time::RunTime;

/// A fault that lasts no longer has no end worth a line.
const AT_ONCE: Duration = Duration::from_millis(1);

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunEvent {
    /// The time, since the start of the run.
    pub at: RunTime,
    /// Its kind: `leader`, `fault`, `death` or `back`.
    pub what: &'static str,
    /// A few words for people.
    pub text: String,
}

/// The state of the cluster, as far as the events need it.
pub struct Snapshot<'a> {
    /// The time of the snapshot.
    pub now: RunTime,
    /// All leadership claims so far.
    pub claims: &'a [LeadershipClaim],
    /// All faults of the plan.
    pub faults: &'a [FaultRecord],
    /// The living replicas.
    pub alive: &'a BTreeSet<NodeId>,
}

/// Tells the new events of one snapshot after the other. The run itself knows nothing of it.
#[derive(Default)]
pub struct EventFeed {
    claims_told: usize,
    /// The replicas that claim leadership.
    leading: BTreeSet<NodeId>,
    dead: BTreeSet<NodeId>,
    /// Of each fault whether its beginning, its end and its failure were told.
    faults: BTreeMap<usize, [bool; 3]>,
}

impl EventFeed {
    /// The events since the last snapshot, in the order of time. Of deaths that are not planned it says so.
    pub fn update(
        &mut self,
        snapshot: &Snapshot<'_>,
        is_planned: impl Fn(NodeId) -> bool,
    ) -> Vec<RunEvent> {
        let mut new = Vec::new();
        for fault in snapshot.faults {
            new.extend(self.fault(fault, snapshot.now));
        }
        for claim in snapshot.claims.iter().skip(self.claims_told) {
            new.extend(self.claim(claim, &is_planned));
        }
        self.claims_told = snapshot.claims.len();
        let back: Vec<NodeId> = self.dead.intersection(snapshot.alive).copied().collect();
        for id in back {
            self.dead.remove(&id);
            let text = format!("{id} was started again and has connected");
            new.push(RunEvent { at: snapshot.now, what: "back", text });
        }
        // A fault stands before its effects.
        new.sort_by_key(|event| event.at);
        new
    }

    fn fault(&mut self, fault: &FaultRecord, now: RunTime) -> Vec<RunEvent> {
        let told = self.faults.entry(fault.index).or_default();
        let whom = fault.whom();
        let is_of_links = !fault.sides.is_empty() || !fault.links.is_empty();
        let on = if is_of_links { ": " } else { " on " };
        let on = if whom.is_empty() { String::new() } else { format!("{on}{whom}") };
        let title = fault.title();
        let begins = fault.applied_ns.map(|at| (at, format!("{title}{on}")));
        // What is done at once needs no end.
        let ends = fault.ended_ns.zip(fault.applied_ns);
        let ends = ends.filter(|(at, began)| at.since(*began) > AT_ONCE);
        let ends = ends.map(|(at, began)| (at, format!("{title} of {began} is over")));
        let fails = fault.not_applied.as_ref().filter(|reason| *reason != FaultRecord::TO_COME);
        let fails = fails.map(|reason| (now, format!("{title} not applied: {reason}")));
        let mut new = Vec::new();
        for (news, is_told) in [begins, ends, fails].into_iter().zip(told) {
            if let Some((at, text)) = news
                && !std::mem::replace(is_told, true)
            {
                new.push(RunEvent { at, what: "fault", text });
            }
        }
        new
    }

    fn claim(
        &mut self,
        claim: &LeadershipClaim,
        is_planned: &impl Fn(NodeId) -> bool,
    ) -> Option<RunEvent> {
        let (at, id) = (claim.time_ns, claim.replica);
        let had_led = self.leading.remove(&id);
        if let Some(how) = &claim.died {
            self.dead.insert(id);
            let by = if is_planned(id) { "" } else { ", by itself" };
            let led = if had_led { " (it claimed leadership)" } else { "" };
            return Some(RunEvent { at, what: "death", text: format!("{id} {how}{by}{led}") });
        }
        let text = match claim.leader {
            Some(named) if named == id => {
                self.leading.insert(id);
                let others: Vec<String> =
                    self.leading.iter().filter(|it| **it != id).map(NodeId::to_string).collect();
                let others = others.join(" ");
                let still = if others.is_empty() { others } else { format!("; so does {others}") };
                format!("{id} claims leadership{still}")
            }
            Some(named) if had_led => format!("{id} no longer claims leadership and names {named}"),
            None if had_led => format!("{id} no longer claims leadership"),
            // What followers claim follows from what leaders do; `leaders.jsonl` has it.
            _ => return None,
        };
        Some(RunEvent { at, what: "leader", text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn claim(at: u64, replica: u16, leader: Option<u16>, died: Option<&str>) -> LeadershipClaim {
        LeadershipClaim {
            time_ns: RunTime(at),
            replica: NodeId(replica),
            leader: leader.map(NodeId),
            died: died.map(str::to_owned),
        }
    }

    fn told(new: &[RunEvent]) -> Vec<String> {
        new.iter().map(|it| format!("{} {} {}", it.at.0, it.what, it.text)).collect()
    }

    #[test]
    fn leaders_deaths_and_returns_are_told_once() {
        let mut claims = vec![
            claim(1, 0, Some(0), None),
            claim(2, 1, Some(0), None),
            claim(3, 1, Some(1), None),
            claim(4, 0, Some(1), None),
        ];
        let mut events = EventFeed::default();
        let look = |events: &mut EventFeed, now, claims: &[LeadershipClaim], alive: &[u16]| {
            let alive = alive.iter().copied().map(NodeId).collect();
            let snapshot = Snapshot { now: RunTime(now), claims, faults: &[], alive: &alive };
            told(&events.update(&snapshot, |id| id == NodeId(1)))
        };
        assert_eq!(
            look(&mut events, 5, &claims, &[0, 1]),
            [
                "1 leader 0000 claims leadership",
                "3 leader 0001 claims leadership; so does 0000",
                "4 leader 0000 no longer claims leadership and names 0001"
            ]
        );
        claims.push(claim(6, 1, None, Some("killed by SIGKILL")));
        claims.push(claim(7, 0, None, Some("exit status 3")));
        assert_eq!(
            look(&mut events, 8, &claims, &[]),
            [
                "6 death 0001 killed by SIGKILL (it claimed leadership)",
                "7 death 0000 exit status 3, by itself"
            ]
        );
        let back = ["9 back 0001 was started again and has connected"];
        assert_eq!(look(&mut events, 9, &claims, &[1]), back);
        assert!(look(&mut events, 10, &claims, &[1]).is_empty());
    }

    #[test]
    fn a_fault_is_told_when_it_begins_when_it_ends_and_when_it_cannot() {
        let mut faults = sample::record().faults;
        let mut events = EventFeed::default();
        let alive = BTreeSet::new();
        let mut look = |faults: &[FaultRecord]| {
            let snapshot = Snapshot { now: RunTime(9), claims: &[], faults, alive: &alive };
            told(&events.update(&snapshot, |_| true))
        };
        let first = look(&faults);
        assert!(first.iter().all(|line| line.contains(" fault ")), "{first:?}");
        let applied = faults.iter().filter(|fault| fault.applied_ns.is_some()).count();
        let failed = faults.iter().filter(|fault| fault.not_applied.is_some()).count();
        assert!(applied > 0 && first.len() == applied + failed, "{first:?}");
        assert!(look(&faults).is_empty());
        let began = faults[0].applied_ns.unwrap();
        faults[0].ended_ns = Some(began + AT_ONCE);
        assert!(look(&faults).is_empty());
        faults[0].ended_ns = Some(began + 2 * AT_ONCE);
        assert_eq!(look(&faults).len(), 1);
    }
}
