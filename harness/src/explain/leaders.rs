//! Who led when, by whose word.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::NodeId;
use crate::network::claims::LeadershipClaim;
use crate::time::RunTime;

/// A time in which a replica named itself as leader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leadership {
    /// The replica.
    pub leader: NodeId,
    /// When it first named itself.
    pub from_ns: u64,
    /// When it last could have meant it: it named another, or died; `None`: it never took it back.
    pub until_ns: Option<u64>,
    /// Whether its death ended it.
    pub is_ended_by_death: bool,
    /// The others that named it meanwhile.
    pub followers: BTreeSet<NodeId>,
}

impl Leadership {
    /// Whether it named itself at some time from `begin` to `end`.
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
        return vec!["No replica named itself as leader in this time.".to_owned()];
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
                "Two leaders at once: from {} until {until} both {} and {} named themselves.",
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
        (None, _) => "and never took it back".to_owned(),
        (Some(at), true) => format!("until it died at {}", RunTime(at)),
        (Some(at), false) => format!("until {}, when it named another or none", RunTime(at)),
    };
    let followers: Vec<String> = leadership.followers.iter().map(ToString::to_string).collect();
    let by = match followers.as_slice() {
        [] => "nobody else named it".to_owned(),
        ids => format!("{} named it too", ids.join(", ")),
    };
    format!(
        "{} named itself from {} {until}; {by}.",
        leadership.leader,
        RunTime(leadership.from_ns)
    )
}

/// What a replica had said last at a time: itself, another, or nothing.
pub fn claim_at(claims: &[LeadershipClaim], replica: &str, at_ns: u64) -> Option<String> {
    let id: NodeId = replica.parse().ok()?;
    let said = claims.iter().rfind(|claim| claim.replica == id && claim.time_ns.0 <= at_ns)?;
    Some(match said.leader {
        _ if said.died.is_some() => "was dead by then".to_owned(),
        Some(named) if named == id => "named itself as leader".to_owned(),
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
                "0000 named itself from 0.100 s until 0.900 s, when it named another or none; 0001 \
                 named it too.",
                "0002 named itself from 0.500 s and never took it back; 0000, 0001 named it too.",
                "Two leaders at once: from 0.500 s until 0.900 s both 0000 and 0002 named themselves.",
            ]
        );
        assert_eq!(claim_at(&claims, "0001", 505_000_000).unwrap(), "named 0000 as leader");
        assert_eq!(claim_at(&claims, "0000", 505_000_000).unwrap(), "named itself as leader");
        assert_eq!(claim_at(&claims, "0003", 505_000_000), None);
    }

    #[test]
    fn leaders_one_after_another_are_not_two_at_once() {
        let claims = [claim(100, 0, Some(0)), claim(500, 0, None), claim(501, 1, Some(1))];
        assert_eq!(sentences(&claims, (0, 1_000_000_000)).len(), 2);
        assert_eq!(sentences(&[], (0, 1)), ["No replica named itself as leader in this time."]);
    }
}
