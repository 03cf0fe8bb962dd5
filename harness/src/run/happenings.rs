//! What happens in a run, a line each, for somebody who watches: leaders, faults, deaths.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::ids::NodeId;
use crate::nemesis::happened::FaultRecord;
use crate::network::words::LeaderWord;
use crate::time::RunTime;

/// A fault that lasts no longer has no end worth a line.
const AT_ONCE: Duration = Duration::from_millis(1);

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happening {
    /// The time, since the start of the run.
    pub at: RunTime,
    /// To what it belongs: `leader`, `fault`, `death`, `back`.
    pub what: &'static str,
    /// A few words for people.
    pub text: String,
}

/// How the cluster stands, as far as it is looked at.
pub struct Standing<'a> {
    /// The time of the look.
    pub now: RunTime,
    /// All words about leaders so far.
    pub words: &'a [LeaderWord],
    /// All faults of the plan.
    pub faults: &'a [FaultRecord],
    /// Who lives.
    pub alive: &'a BTreeSet<NodeId>,
}

/// Tells what is new by looking again and again; the run itself knows nothing of it.
#[derive(Default)]
pub struct Happenings {
    words_told: usize,
    /// Those that named themselves last.
    leading: BTreeSet<NodeId>,
    dead: BTreeSet<NodeId>,
    /// Of each fault whether its beginning, its end and its failure were told.
    faults: BTreeMap<usize, [bool; 3]>,
}

impl Happenings {
    /// What happened since the last look, in the order of time. Deaths excused by `is_planned` are
    /// told without a reproach.
    pub fn look(
        &mut self,
        standing: &Standing<'_>,
        is_planned: impl Fn(NodeId) -> bool,
    ) -> Vec<Happening> {
        let mut new = Vec::new();
        for fault in standing.faults {
            new.extend(self.fault(fault, standing.now));
        }
        for word in standing.words.iter().skip(self.words_told) {
            new.extend(self.word(word, &is_planned));
        }
        self.words_told = standing.words.len();
        let back: Vec<NodeId> = self.dead.intersection(standing.alive).copied().collect();
        for id in back {
            self.dead.remove(&id);
            let text = format!("{id} was started again and has connected");
            new.push(Happening { at: standing.now, what: "back", text });
        }
        // What strikes stands before what it does.
        new.sort_by_key(|happening| happening.at);
        new
    }

    fn fault(&mut self, fault: &FaultRecord, now: RunTime) -> Vec<Happening> {
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
                new.push(Happening { at, what: "fault", text });
            }
        }
        new
    }

    fn word(
        &mut self,
        word: &LeaderWord,
        is_planned: &impl Fn(NodeId) -> bool,
    ) -> Option<Happening> {
        let (at, id) = (word.time_ns, word.speaker);
        let had_led = self.leading.remove(&id);
        if let Some(how) = &word.died {
            self.dead.insert(id);
            let by = if is_planned(id) { "" } else { ", by itself" };
            let led = if had_led { " (it named itself as leader)" } else { "" };
            return Some(Happening { at, what: "death", text: format!("{id} {how}{by}{led}") });
        }
        let text = match word.named {
            Some(named) if named == id => {
                self.leading.insert(id);
                let others: Vec<String> =
                    self.leading.iter().filter(|it| **it != id).map(NodeId::to_string).collect();
                let others = others.join(" ");
                let still = if others.is_empty() { others } else { format!("; so does {others}") };
                format!("{id} names itself{still}")
            }
            Some(named) if had_led => format!("{id} no longer names itself, but {named}"),
            None if had_led => format!("{id} no longer names itself, nor another"),
            // What followers say follows from what leaders do; `leaders.jsonl` has it.
            _ => return None,
        };
        Some(Happening { at, what: "leader", text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn word(at: u64, speaker: u16, named: Option<u16>, died: Option<&str>) -> LeaderWord {
        LeaderWord {
            time_ns: RunTime(at),
            speaker: NodeId(speaker),
            named: named.map(NodeId),
            died: died.map(str::to_owned),
        }
    }

    fn told(new: &[Happening]) -> Vec<String> {
        new.iter().map(|it| format!("{} {} {}", it.at.0, it.what, it.text)).collect()
    }

    #[test]
    fn leaders_deaths_and_returns_are_told_once() {
        let mut words = vec![
            word(1, 0, Some(0), None),
            word(2, 1, Some(0), None),
            word(3, 1, Some(1), None),
            word(4, 0, Some(1), None),
        ];
        let mut happenings = Happenings::default();
        let look = |happenings: &mut Happenings, now, words: &[LeaderWord], alive: &[u16]| {
            let alive = alive.iter().copied().map(NodeId).collect();
            let standing = Standing { now: RunTime(now), words, faults: &[], alive: &alive };
            told(&happenings.look(&standing, |id| id == NodeId(1)))
        };
        assert_eq!(
            look(&mut happenings, 5, &words, &[0, 1]),
            [
                "1 leader 0000 names itself",
                "3 leader 0001 names itself; so does 0000",
                "4 leader 0000 no longer names itself, but 0001"
            ]
        );
        words.push(word(6, 1, None, Some("killed by SIGKILL")));
        words.push(word(7, 0, None, Some("exit status 3")));
        assert_eq!(
            look(&mut happenings, 8, &words, &[]),
            [
                "6 death 0001 killed by SIGKILL (it named itself as leader)",
                "7 death 0000 exit status 3, by itself"
            ]
        );
        let back = ["9 back 0001 was started again and has connected"];
        assert_eq!(look(&mut happenings, 9, &words, &[1]), back);
        assert!(look(&mut happenings, 10, &words, &[1]).is_empty());
    }

    #[test]
    fn a_fault_is_told_when_it_strikes_when_it_ends_and_when_it_cannot() {
        let mut faults = sample::record().faults;
        let mut happenings = Happenings::default();
        let alive = BTreeSet::new();
        let mut look = |faults: &[FaultRecord]| {
            let standing = Standing { now: RunTime(9), words: &[], faults, alive: &alive };
            told(&happenings.look(&standing, |_| true))
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
