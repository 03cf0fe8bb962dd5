//! A store that is not live: since when, what its leader did meanwhile, and which replica refused how much.

use std::collections::{BTreeMap, BTreeSet};

use super::evidence::Evidence;
use super::leaders::{self, Leadership};
use super::messages::Traffic;
use crate::ids::NodeId;
use crate::text::{listed, was};
use crate::time::RunTime;

/// No more leaders than this are told one by one.
const LEADERS_SHOWN: usize = 4;

/// Sentences about the time after the last answer; none if the run was live.
pub fn sentences(evidence: &Evidence) -> Vec<String> {
    let Some(since) = evidence.silent_since() else { return Vec::new() };
    let operations = evidence.history.operations();
    let asked = operations.iter().filter(|op| op.invoke_ns > since).count();
    let asked = match asked {
        0 => "no operation was invoked".to_owned(),
        1 => "one operation was invoked".to_owned(),
        n => format!("{n} operations were invoked"),
    };
    let mut lines = vec![match since {
        0 => format!("No operation was answered at all; {asked}."),
        _ => format!("The last answer came at {}; {asked} after that.", RunTime(since)),
    }];
    if let Some(claims) = &evidence.leaders {
        let candidacies = evidence.candidacies();
        let after: Vec<Leadership> = leaders::leaderships(claims)
            .into_iter()
            .filter(|it| it.overlaps(since, u64::MAX))
            .filter(|it| !candidacies.contains(&(it.leader, it.from_ns)))
            .collect();
        let traffic = evidence.messages.as_ref().map(|messages| &messages.traffic);
        lines.extend(led(&after, traffic));
    }
    lines
}

/// Who led meanwhile, and what it sent and received.
fn led(after: &[Leadership], traffic: Option<&BTreeMap<NodeId, Traffic>>) -> Vec<String> {
    if after.is_empty() {
        return vec!["After that no replica claimed leadership.".to_owned()];
    }
    if after.len() > LEADERS_SHOWN {
        let ids: BTreeSet<NodeId> = after.iter().map(|it| it.leader).collect();
        return vec![format!(
            "After that leadership was claimed {} times, by {}: no leader lasted.",
            after.len(),
            listed(ids)
        )];
    }
    let mut lines = Vec::new();
    for it in after {
        let until = match it.until_ns {
            None => "to the end".to_owned(),
            Some(until) if it.is_ended_by_death => format!("until it died at {}", RunTime(until)),
            Some(until) => format!("until {}", RunTime(until)),
        };
        let agreed = match it.followers.len() {
            0 => ", and no other replica agreed".to_owned(),
            1 => ", and one other replica agreed".to_owned(),
            n => format!(", and {n} other replicas agreed"),
        };
        lines.push(format!(
            "{} claimed leadership from {} {until}{agreed}.",
            it.leader,
            RunTime(it.from_ns)
        ));
        lines.extend(traffic.map(|traffic| did(it.leader, traffic.get(&it.leader))));
    }
    lines
}

fn did(leader: NodeId, traffic: Option<&Traffic>) -> String {
    let Some(traffic) = traffic else {
        return format!("  After the last answer {leader} sent no message to other replicas.");
    };
    let sent: Vec<String> =
        traffic.sent.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    let sent = if sent.is_empty() { "nothing".to_owned() } else { sent.join(", ") };
    format!(
        "  After the last answer {leader} sent {sent} to other replicas ({} of these {} lost), and \
         received {} of their messages.",
        traffic.lost,
        was(traffic.lost),
        traffic.received
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leadership(leader: u16, from_s: u64) -> Leadership {
        Leadership {
            leader: NodeId(leader),
            from_ns: from_s * 1_000_000_000,
            until_ns: None,
            is_ended_by_death: false,
            followers: BTreeSet::from([NodeId(7)]),
        }
    }

    #[test]
    fn what_the_leader_did_after_the_last_answer_is_told() {
        let sent = BTreeMap::from([("append".to_owned(), 240), ("vote".to_owned(), 3)]);
        let traffic = BTreeMap::from([(NodeId(3), Traffic { sent, lost: 12, received: 0 })]);
        assert_eq!(
            led(&[leadership(3, 2)], Some(&traffic)),
            [
                "0003 claimed leadership from 2.000 s to the end, and one other replica agreed.",
                "  After the last answer 0003 sent 240 append, 3 vote to other replicas (12 of these were \
                 lost), and received 0 of their messages.",
            ]
        );
        let silent = led(&[leadership(1, 2)], Some(&traffic));
        assert!(silent[1].contains("0001 sent no message"), "{silent:?}");
        assert_eq!(led(&[], None), ["After that no replica claimed leadership."]);
    }

    #[test]
    fn leaders_that_come_and_go_are_counted() {
        let many: Vec<Leadership> = (0..9).map(|n| leadership(n % 2, n.into())).collect();
        assert_eq!(
            led(&many, None),
            ["After that leadership was claimed 9 times, by 0000 and 0001: no leader lasted."]
        );
    }
}
