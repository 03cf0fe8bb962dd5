//! Who led when, by whose word.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::NodeId;
use crate::network::words::LeaderWord;
use crate::time::RunTime;

/// A time in which a replica named itself as leader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reign {
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

impl Reign {
    /// Whether it named itself at some time from `begin` to `end`.
    pub fn overlaps(&self, begin: u64, end: u64) -> bool {
        self.from_ns <= end && self.until_ns.is_none_or(|until| until >= begin)
    }
}

/// All reigns, in the order of their beginnings.
pub fn reigns(words: &[LeaderWord]) -> Vec<Reign> {
    let mut reigns: Vec<Reign> = Vec::new();
    let mut open = BTreeMap::<NodeId, usize>::new();
    for word in words {
        let at = word.time_ns.0;
        if word.named == Some(word.speaker) {
            open.insert(word.speaker, reigns.len());
            reigns.push(Reign {
                leader: word.speaker,
                from_ns: at,
                until_ns: None,
                is_ended_by_death: false,
                followers: BTreeSet::new(),
            });
            continue;
        }
        if let Some(ended) = open.remove(&word.speaker) {
            reigns[ended].until_ns = Some(at);
            reigns[ended].is_ended_by_death = word.died.is_some();
        }
        if let Some(&followed) = word.named.and_then(|named| open.get(&named)) {
            reigns[followed].followers.insert(word.speaker);
        }
    }
    reigns
}

/// Sentences about the reigns that touch `begin` to `end`, and about any two at once.
pub fn sentences(words: &[LeaderWord], (begin, end): (u64, u64)) -> Vec<String> {
    let reigns: Vec<Reign> =
        reigns(words).into_iter().filter(|reign| reign.overlaps(begin, end)).collect();
    if reigns.is_empty() {
        return vec!["No replica named itself as leader in this time.".to_owned()];
    }
    let mut lines: Vec<String> = reigns.iter().map(describe).collect();
    for (n, first) in reigns.iter().enumerate() {
        for second in &reigns[n + 1..] {
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

fn describe(reign: &Reign) -> String {
    let until = match (reign.until_ns, reign.is_ended_by_death) {
        (None, _) => "and never took it back".to_owned(),
        (Some(at), true) => format!("until it died at {}", RunTime(at)),
        (Some(at), false) => format!("until {}, when it named another or none", RunTime(at)),
    };
    let followers: Vec<String> = reign.followers.iter().map(ToString::to_string).collect();
    let by = match followers.as_slice() {
        [] => "nobody else named it".to_owned(),
        ids => format!("{} named it too", ids.join(", ")),
    };
    format!("{} named itself from {} {until}; {by}.", reign.leader, RunTime(reign.from_ns))
}

/// What a replica had said last at a time: itself, another, or nothing.
pub fn word_at(words: &[LeaderWord], speaker: &str, at_ns: u64) -> Option<String> {
    let id: NodeId = speaker.parse().ok()?;
    let said = words.iter().rfind(|word| word.speaker == id && word.time_ns.0 <= at_ns)?;
    Some(match said.named {
        _ if said.died.is_some() => "was dead by then".to_owned(),
        Some(named) if named == id => "named itself as leader".to_owned(),
        Some(named) => format!("named {named} as leader"),
        None => "knew of no leader".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(at_ms: u64, speaker: u16, named: Option<u16>) -> LeaderWord {
        let named = named.map(NodeId);
        LeaderWord {
            time_ns: RunTime(at_ms * 1_000_000),
            speaker: NodeId(speaker),
            named,
            died: None,
        }
    }

    #[test]
    fn two_leaders_at_once_are_seen() {
        let words = [
            word(100, 0, Some(0)),
            word(110, 1, Some(0)),
            word(500, 2, Some(2)),
            word(510, 1, Some(2)),
            word(900, 0, Some(2)),
        ];
        assert_eq!(
            sentences(&words, (400_000_000, 600_000_000)),
            [
                "0000 named itself from 0.100 s until 0.900 s, when it named another or none; 0001 \
                 named it too.",
                "0002 named itself from 0.500 s and never took it back; 0000, 0001 named it too.",
                "Two leaders at once: from 0.500 s until 0.900 s both 0000 and 0002 named themselves.",
            ]
        );
        assert_eq!(word_at(&words, "0001", 505_000_000).unwrap(), "named 0000 as leader");
        assert_eq!(word_at(&words, "0000", 505_000_000).unwrap(), "named itself as leader");
        assert_eq!(word_at(&words, "0003", 505_000_000), None);
    }

    #[test]
    fn leaders_one_after_another_are_not_two_at_once() {
        let words = [word(100, 0, Some(0)), word(500, 0, None), word(501, 1, Some(1))];
        assert_eq!(sentences(&words, (0, 1_000_000_000)).len(), 2);
        assert_eq!(sentences(&[], (0, 1)), ["No replica named itself as leader in this time."]);
    }
}
