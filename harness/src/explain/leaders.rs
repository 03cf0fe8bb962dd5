//! Leadership claims: when which replica claimed to lead, and which others agreed.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::NodeId;
use crate::leadership::claims::LeadershipClaim;
use crate::time::RunTime;

/// A time in which a replica claimed leadership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leadership {
    /// The replica.
    pub leader: NodeId,
    /// When the claim began.
    pub from_ns: u64,
    /// When the claim ended, because the replica named another leader or none, or died; `None`: it never did.
    pub until_ns: Option<u64>,
    /// Whether the claim ended with the replica's death.
    pub is_ended_by_death: bool,
    /// The other replicas that named it as leader meanwhile.
    pub followers: BTreeSet<NodeId>,
}

impl Leadership {
    /// Whether the claim was held at some time from `begin` to `end`.
    pub fn overlaps(&self, begin: u64, end: u64) -> bool {
        self.from_ns <= end && self.until_ns.is_none_or(|until| until >= begin)
    }
}

/// All leaderships, in the order of their beginnings.
pub fn leaderships(claims: &[LeadershipClaim]) -> Vec<Leadership> {
    let mut leaderships: Vec<Leadership> = Vec::new();
    let mut open = BTreeMap::<NodeId, usize>::new();
    for claim in claims {
        let at = claim.time_ns.0;
        if claim.leader == Some(claim.replica) {
            open.insert(claim.replica, leaderships.len());
            leaderships.push(Leadership {
                leader: claim.replica,
                from_ns: at,
                until_ns: None,
                is_ended_by_death: false,
                followers: BTreeSet::new(),
            });
            continue;
        }
        if let Some(ended) = open.remove(&claim.replica) {
            leaderships[ended].until_ns = Some(at);
            leaderships[ended].is_ended_by_death = claim.died.is_some();
        }
        if let Some(&followed) = claim.leader.and_then(|named| open.get(&named)) {
            leaderships[followed].followers.insert(claim.replica);
        }
    }
    leaderships
}

/// Sentences about the leaderships that touch `begin` to `end`, and about any two at once.
pub fn sentences(claims: &[LeadershipClaim], (begin, end): (u64, u64)) -> Vec<String> {
    let leaderships: Vec<Leadership> = leaderships(claims)
        .into_iter()
        .filter(|leadership| leadership.overlaps(begin, end))
        .collect();
    if leaderships.is_empty() {
        return vec!["No replica claimed leadership in this window.".to_owned()];
    }
    let mut lines: Vec<String> = leaderships.iter().map(describe).collect();
    for (n, first) in leaderships.iter().enumerate() {
        for second in &leaderships[n + 1..] {
            let from = first.from_ns.max(second.from_ns);
            let until = [first.until_ns, second.until_ns].into_iter().flatten().min();
            if first.leader == second.leader || until.is_some_and(|until| until <= from) {
                continue;
            }
            let until =
                until.map_or_else(|| "the end".to_owned(), |until| RunTime(until).to_string());
            lines.push(format!(
                "Two leaders at once: from {} until {until} both {} and {} claimed leadership.",
                RunTime(from),
                first.leader,
                second.leader
            ));
        }
    }
    lines
}

fn describe(leadership: &Leadership) -> String {
    let until = match (leadership.until_ns, leadership.is_ended_by_death) {
        (None, _) => "on".to_owned(),
        (Some(at), true) => format!("until it died at {}", RunTime(at)),
        (Some(at), false) => format!("until {}", RunTime(at)),
    };
    let followers: Vec<String> = leadership.followers.iter().map(ToString::to_string).collect();
    let by = match followers.as_slice() {
        [] => "no other replica agreed".to_owned(),
        ids => format!("{} agreed", ids.join(", ")),
    };
    format!(
        "{} claimed leadership from {} {until}; {by}.",
        leadership.leader,
        RunTime(leadership.from_ns)
    )
}

/// What a replica had claimed last at a time: to lead, that another does, or nothing.
pub fn claim_at(claims: &[LeadershipClaim], replica: &str, at_ns: u64) -> Option<String> {
    let id: NodeId = replica.parse().ok()?;
    let said = claims.iter().rfind(|claim| claim.replica == id && claim.time_ns.0 <= at_ns)?;
    Some(match said.leader {
        _ if said.died.is_some() => "was dead by then".to_owned(),
        Some(named) if named == id => "claimed leadership".to_owned(),
        Some(named) => format!("named {named} as leader"),
        None => "knew of no leader".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(at_ms: u64, replica: u16, named: Option<u16>) -> LeadershipClaim {
        let leader = named.map(NodeId);
        LeadershipClaim {
            time_ns: RunTime(at_ms * 1_000_000),
            replica: NodeId(replica),
            leader,
            died: None,
        }
    }

    #[test]
    fn two_leaders_at_once_are_seen() {
        let claims = [
            claim(100, 0, Some(0)),
            claim(110, 1, Some(0)),
            claim(500, 2, Some(2)),
            claim(510, 1, Some(2)),
            claim(900, 0, Some(2)),
        ];
        assert_eq!(
            sentences(&claims, (400_000_000, 600_000_000)),
            [
                "0000 claimed leadership from 0.100 s until 0.900 s; 0001 agreed.",
                "0002 claimed leadership from 0.500 s on; 0000, 0001 agreed.",
                "Two leaders at once: from 0.500 s until 0.900 s both 0000 and 0002 claimed leadership.",
            ]
        );
        assert_eq!(claim_at(&claims, "0001", 505_000_000).unwrap(), "named 0000 as leader");
        assert_eq!(claim_at(&claims, "0000", 505_000_000).unwrap(), "claimed leadership");
        assert_eq!(claim_at(&claims, "0003", 505_000_000), None);
    }

    #[test]
    fn leaders_one_after_another_are_not_two_at_once() {
        let claims = [claim(100, 0, Some(0)), claim(500, 0, None), claim(501, 1, Some(1))];
        assert_eq!(sentences(&claims, (0, 1_000_000_000)).len(), 2);
        assert_eq!(sentences(&[], (0, 1)), ["No replica claimed leadership in this window."]);
    }
}
