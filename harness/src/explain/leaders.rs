//! Leadership claims: when which replica claimed to lead, and which others agreed.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::NodeId;
use crate::leadership::claims::LeadershipClaim;
use crate::text::listed;
use crate::time::RunTime;

/// No more claims of the replicas of a witness than this are told one by one.
const CLAIMS_SHOWN: usize = 8;

/// A claim that ends sooner, and that no other replica agreed to, is only counted.
const BRIEF_NS: u64 = 1_000_000;

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

    fn is_brief(&self) -> bool {
        self.followers.is_empty()
            && self.until_ns.is_some_and(|until| until - self.from_ns < BRIEF_NS)
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

/// Which claims are told.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Those that were held in this time.
    pub window: (u64, u64),
    /// Those of these replicas; all, if there are none.
    pub replicas: &'a BTreeSet<NodeId>,
    /// By replica and beginning, those that were only candidacies.
    pub candidacies: &'a BTreeSet<(NodeId, u64)>,
}

/// Sentences about the leaderships in view, about any two of them at once, and how many others there were.
pub fn sentences(claims: &[LeadershipClaim], view: View<'_>) -> Vec<String> {
    let (begin, end) = view.window;
    let all: Vec<Leadership> =
        leaderships(claims).into_iter().filter(|it| it.overlaps(begin, end)).collect();
    if all.is_empty() {
        return vec!["No replica claimed leadership in this window.".to_owned()];
    }
    let is_candidacy = |it: &Leadership| view.candidacies.contains(&(it.leader, it.from_ns));
    let (candidacies, claims): (Vec<_>, Vec<_>) = all.into_iter().partition(is_candidacy);
    let is_of_witness =
        |it: &Leadership| view.replicas.is_empty() || view.replicas.contains(&it.leader);
    let (mut shown, mut others): (Vec<_>, Vec<_>) =
        claims.into_iter().partition(|it| is_of_witness(it) && !it.is_brief());
    if shown.len() > CLAIMS_SHOWN {
        others.extend(shown.drain(CLAIMS_SHOWN..));
    }
    let mut lines: Vec<String> = shown.iter().map(describe).collect();
    lines.extend(two_at_once(&shown));
    if shown.is_empty() {
        lines.push("No replica of these operations claimed leadership in this window.".to_owned());
    }
    lines.extend(rest(&others));
    lines.extend(stood_for_election(&candidacies));
    lines
}

/// Two leaders at the same time.
fn two_at_once(shown: &[Leadership]) -> Vec<String> {
    let mut lines = Vec::new();
    for (n, first) in shown.iter().enumerate() {
        for second in &shown[n + 1..] {
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

/// How many claims are not told.
fn rest(others: &[Leadership]) -> Option<String> {
    let replicas: BTreeSet<NodeId> = others.iter().map(|it| it.leader).collect();
    let brief = others.iter().filter(|it| it.is_brief()).count();
    let brief = match brief {
        0 => String::new(),
        1 if others.len() == 1 => {
            "; it lasted less than 1 ms, and no other replica agreed".to_owned()
        }
        n => format!("; {n} of them lasted less than 1 ms, and no other replica agreed"),
    };
    match others.len() {
        0 => None,
        1 => Some(format!("There was one more claim, by {}{brief}.", listed(&replicas))),
        n => Some(format!("There were {n} more claims, by {}{brief}.", listed(&replicas))),
    }
}

/// Claims that are none: the candidate writes its own id into its requests for votes.
fn stood_for_election(candidacies: &[Leadership]) -> Option<String> {
    let replicas: BTreeSet<NodeId> = candidacies.iter().map(|it| it.leader).collect();
    match candidacies.len() {
        0 => None,
        1 => Some(format!("{} asked for votes once, and did not win.", listed(&replicas))),
        n => Some(format!("{} asked for votes {n} times, and did not win.", listed(&replicas))),
    }
}

fn describe(leadership: &Leadership) -> String {
    let until = match (leadership.until_ns, leadership.is_ended_by_death) {
        (None, _) => "on".to_owned(),
        (Some(at), true) => format!("until it died at {}", RunTime(at)),
        (Some(at), false) => format!("until {}", RunTime(at)),
    };
    let by = if leadership.followers.is_empty() {
        "no other replica agreed".to_owned()
    } else {
        format!("{} agreed", listed(&leadership.followers))
    };
    format!(
        "{} claimed leadership from {} {until}; {by}.",
        leadership.leader,
        RunTime(leadership.from_ns)
    )
}

/// What a replica had claimed last at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It was dead.
    Dead,
    /// To lead, since then.
    Leads(u64),
    /// Nothing: it asked for votes.
    Candidate,
    /// That another replica leads.
    Follows(NodeId),
    /// To know of no leader.
    NoLeader,
}

impl Claim {
    /// The claim of `replica` at that time; `None` if it had said nothing yet.
    pub fn at(
        claims: &[LeadershipClaim],
        candidacies: &BTreeSet<(NodeId, u64)>,
        replica: NodeId,
        at_ns: u64,
    ) -> Option<Self> {
        let is_before = |it: &&LeadershipClaim| it.replica == replica && it.time_ns.0 <= at_ns;
        let said = claims.iter().rfind(is_before)?;
        Some(match said.leader {
            _ if said.died.is_some() => Self::Dead,
            Some(named) if named != replica => Self::Follows(named),
            Some(_) if candidacies.contains(&(replica, said.time_ns.0)) => Self::Candidate,
            Some(_) => Self::Leads(said.time_ns.0),
            None => Self::NoLeader,
        })
    }

    /// In words, without the replica.
    pub fn words(self) -> String {
        match self {
            Self::Dead => "was dead by then".to_owned(),
            Self::Leads(_) => "claimed leadership".to_owned(),
            Self::Candidate => "was a candidate".to_owned(),
            Self::Follows(named) => format!("named {named} as leader"),
            Self::NoLeader => "knew of no leader".to_owned(),
        }
    }
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

    fn told(claims: &[LeadershipClaim], window_ms: (u64, u64), replicas: &[u16]) -> Vec<String> {
        let (begin, end) = window_ms;
        let view = View {
            window: (begin * 1_000_000, end * 1_000_000),
            replicas: &replicas.iter().copied().map(NodeId).collect(),
            candidacies: &BTreeSet::new(),
        };
        sentences(claims, view)
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
            told(&claims, (400, 600), &[0, 2]),
            [
                "0000 claimed leadership from 0.100 s until 0.900 s; 0001 agreed.",
                "0002 claimed leadership from 0.500 s on; 0000 and 0001 agreed.",
                "Two leaders at once: from 0.500 s until 0.900 s both 0000 and 0002 claimed leadership.",
            ]
        );
        let at = |replica, ms: u64| {
            Claim::at(&claims, &BTreeSet::new(), NodeId(replica), ms * 1_000_000)
        };
        assert_eq!(at(1, 505), Some(Claim::Follows(NodeId(0))));
        assert_eq!(at(0, 505), Some(Claim::Leads(100_000_000)));
        assert_eq!(at(3, 505), None);
    }

    #[test]
    fn leaders_one_after_another_are_not_two_at_once() {
        let claims = [claim(100, 0, Some(0)), claim(500, 0, None), claim(501, 1, Some(1))];
        assert_eq!(told(&claims, (0, 1_000), &[]).len(), 2);
        assert_eq!(told(&[], (0, 1), &[]), ["No replica claimed leadership in this window."]);
    }

    #[test]
    fn claims_of_other_replicas_and_brief_ones_are_counted() {
        let mut claims = vec![claim(1, 0, Some(0))];
        for n in 0..30 {
            claims.extend([claim(10 + 2 * n, 3, Some(3)), claim(10 + 2 * n, 3, None)]);
            claims.extend([claim(10 + 2 * n, 4, Some(4)), claim(11 + 2 * n, 4, None)]);
        }
        assert_eq!(
            told(&claims, (0, 100), &[0, 1]),
            [
                "0000 claimed leadership from 0.001 s on; no other replica agreed.",
                "There were 60 more claims, by 0003 and 0004; 30 of them lasted less than 1 ms, and no other \
                 replica agreed.",
            ]
        );
        // No more than some, also of the replicas of the witness.
        assert_eq!(told(&claims, (0, 100), &[4]).len(), CLAIMS_SHOWN + 1);
    }

    #[test]
    fn a_candidate_is_not_called_a_leader() {
        let claims = [claim(1, 0, Some(0)), claim(5, 1, Some(1)), claim(9, 1, None)];
        let candidacies = BTreeSet::from([(NodeId(1), 5_000_000)]);
        let view = View {
            window: (0, 10_000_000),
            replicas: &BTreeSet::from([NodeId(0), NodeId(1)]),
            candidacies: &candidacies,
        };
        assert_eq!(
            sentences(&claims, view),
            [
                "0000 claimed leadership from 0.001 s on; no other replica agreed.",
                "0001 asked for votes once, and did not win.",
            ]
        );
        let claim = Claim::at(&claims, &candidacies, NodeId(1), 6_000_000).unwrap();
        assert_eq!(claim.words(), "was a candidate");
    }
}
