//! What happened around the operations of a witness: faults and lost messages.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::messages::Message;
use crate::fault::{FaultKind, LinkRule};
use crate::ids::NodeId;
use crate::nemesis::happened::{FaultRecord, sides};
use crate::text::{counted, listed};
use crate::time::RunTime;

/// No more links than this are listed one by one.
const LINKS_SHOWN: usize = 12;

/// The faults that were injected in the window or in force when it began, and the last one before it. `on_links`:
/// what the workload itself does to messages, which is no planned fault.
pub fn faults(
    faults: &[FaultRecord],
    on_links: &[String],
    (begin, end): (u64, u64),
) -> Vec<String> {
    let mut applied: Vec<(u64, &FaultRecord)> =
        faults.iter().filter_map(|fault| Some((fault.applied_ns?.0, fault))).collect();
    applied.sort_by_key(|&(at, _)| at);
    let before = applied.iter().filter(|&&(at, _)| at < begin);
    let is_in_force = |fault: &FaultRecord| fault.ended_ns.is_some_and(|ended| ended.0 >= begin);
    let last = before.clone().count().saturating_sub(1);
    let mut lines: Vec<String> = before
        .enumerate()
        .filter(|&(n, &(_, fault))| n == last || is_in_force(fault))
        .map(|(_, &(at, fault))| {
            let before = RunTime(begin - at);
            format!("{} ({before} before the first of these operations).", describe(at, fault))
        })
        .collect();
    let within = applied.iter().filter(|&&(at, _)| (begin..=end).contains(&at));
    lines.extend(
        within.map(|&(at, fault)| format!("{} (between these operations).", describe(at, fault))),
    );
    if lines.is_empty() {
        lines.push(match on_links {
            [] => "No fault had been injected by then: the anomaly needs none.".to_owned(),
            rules => {
                format!(
                    "No fault had been injected by then, but the workload has {}.",
                    listed(rules)
                )
            }
        });
    }
    lines
}

fn describe(at: u64, fault: &FaultRecord) -> String {
    let time = RunTime(at);
    if fault.kind == FaultKind::PartEnd {
        return format!("At {time} the partition was healed");
    }
    let mut text = format!("At {time} {} was injected", noun(fault.kind));
    if fault.kind == FaultKind::IsolateLeaders {
        text += &isolated(fault);
    } else {
        if !fault.targets.is_empty() {
            let _ = write!(text, " on {}", listed(&fault.targets));
        }
        if !fault.sides.is_empty() {
            let _ = write!(text, ": the network was cut into {}", sides(&fault.sides));
        } else if !fault.links.is_empty() {
            let links: Vec<String> = fault.links.iter().map(LinkRule::to_string).collect();
            text += ": ";
            text += &links.join("; ");
        }
    }
    if let Some(ended) = fault.ended_ns {
        let _ = write!(text, ", until {ended}");
    }
    text
}

/// A fault with its article; with its word in workload files, where that is another one.
fn noun(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::KillLeader => "a kill of the leader",
        FaultKind::KillNonLeader => "a kill of a replica that does not lead",
        FaultKind::PartEasy => "a partition (part_easy)",
        FaultKind::PartHard => "a partition (part_hard)",
        FaultKind::PartEnd => "the end of a partition",
        FaultKind::Kill => "a kill",
        FaultKind::Crash => "a crash",
        FaultKind::Pause => "a pause",
        FaultKind::Restart => "a restart",
        FaultKind::Rolling => "a rolling restart",
        FaultKind::Slow => "a slowdown",
        FaultKind::Disk => "a disk fault",
        FaultKind::Clock => "a jump of the clock",
        FaultKind::IsolateLeaders => "an isolation of leaders",
        FaultKind::Partition => "a partition",
        FaultKind::Reset => "a connection reset",
        FaultKind::Network => "a network fault",
    }
}

/// Each leader that was cut off, with its time, and what was cut in the end.
fn isolated(fault: &FaultRecord) -> String {
    let cuts: Vec<String> =
        fault.cuts.iter().map(|cut| format!("{} at {}", cut.leader, cut.at_ns)).collect();
    let mut text = match cuts.as_slice() {
        [] => String::new(),
        cuts => format!(": it cut off {}", cuts.join(", then ")),
    };
    if !fault.sides.is_empty() {
        let begin = if cuts.is_empty() { ": the" } else { "; the" };
        let _ = write!(text, "{begin} network was cut in the end into {}", sides(&fault.sides));
    }
    text
}

/// Lost messages between these replicas, by link: how many of which type, and why. The others are counted.
pub fn losses(lost: &[Message], replicas: &BTreeSet<NodeId>) -> Vec<String> {
    if lost.is_empty() {
        return vec!["No message was lost in this time.".to_owned()];
    }
    let matters = |it: &&Message| {
        replicas.is_empty() || (replicas.contains(&it.src) && replicas.contains(&it.dst))
    };
    let (own, others): (Vec<&Message>, Vec<&Message>) = lost.iter().partition(matters);
    let mut lines = Vec::new();
    let between = "between the replicas that answered these operations";
    match own.len() {
        0 => lines.push(format!("No message {between} was lost.")),
        1 => lines.push(format!("One message {between} was lost:")),
        count => lines.push(format!("{count} messages {between} were lost:")),
    }
    lines.extend(by_link(&own));
    let picture = "`report.html` draws each of them";
    match others.len() {
        0 => {}
        1 => lines.push(format!("One other message was lost: {}; {picture}.", causes(&others))),
        count => {
            lines
                .push(format!("{count} other messages were lost: {}; {picture}.", causes(&others)));
        }
    }
    lines
}

fn causes(lost: &[&Message]) -> String {
    let mut causes = BTreeMap::<&str, u64>::new();
    for message in lost {
        *causes.entry(message.lost.as_deref().unwrap_or_default()).or_default() += 1;
    }
    let told: Vec<String> = causes
        .iter()
        .map(|(cause, count)| format!("{count} by {}", cause.replace('_', " ")))
        .collect();
    told.join(", ")
}

fn by_link(lost: &[&Message]) -> Vec<String> {
    let mut by_link = BTreeMap::<(NodeId, NodeId), BTreeMap<(&str, &str), u64>>::new();
    for message in lost {
        let link = by_link.entry((message.src, message.dst)).or_default();
        let cause = message.lost.as_deref().unwrap_or_default();
        *link.entry((&message.kind, cause)).or_default() += 1;
    }
    let mut by_count: Vec<_> = by_link.iter().collect();
    by_count.sort_by_key(|(link, kinds)| (std::cmp::Reverse(kinds.values().sum::<u64>()), **link));
    let mut lines = Vec::new();
    for ((src, dst), kinds) in by_count.iter().take(LINKS_SHOWN) {
        let kinds: Vec<String> = kinds
            .iter()
            .map(|((kind, cause), count)| format!("{count} {kind} ({})", cause.replace('_', " ")))
            .collect();
        lines.push(format!("  {src} to {dst}: {}", kinds.join(", ")));
    }
    if by_count.len() > LINKS_SHOWN {
        lines.push(format!("  and on {} more", counted(by_count.len() - LINKS_SHOWN, "link")));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nemesis::happened::LeaderCut;

    fn fault(kind: FaultKind, at_s: u64) -> FaultRecord {
        let mut fault = crate::record::sample::record().faults.swap_remove(0);
        (fault.kind, fault.targets) = (kind, Vec::new());
        fault.applied_ns = Some(RunTime(at_s * 1_000_000_000));
        fault
    }

    #[test]
    fn faults_are_told_by_where_they_lie() {
        let partition = FaultRecord {
            sides: vec![vec![NodeId(1), NodeId(2)], vec![NodeId(0)]],
            ..fault(FaultKind::PartHard, 2)
        };
        let kill = fault(FaultKind::KillLeader, 1);
        let all = [kill, partition, fault(FaultKind::PartEnd, 5), fault(FaultKind::Pause, 9)];
        assert_eq!(
            faults(&all, &[], (3_000_000_000, 6_000_000_000)),
            [
                "At 2.000 s a partition (part_hard) was injected: the network was cut into 0001 0002 | 0000 (1.000 s \
                 before the first of these operations).",
                "At 5.000 s the partition was healed (between these operations).",
            ]
        );
        assert_eq!(faults(&[], &[], (0, 1)).len(), 1);
        let on_links = ["a loss of 10 % (`drops`)".to_owned(), "1 rule of `network`".to_owned()];
        assert_eq!(
            faults(&[], &on_links, (0, 1)),
            [
                "No fault had been injected by then, but the workload has a loss of 10 % (`drops`) and 1 rule of \
             `network`."
            ]
        );
    }

    #[test]
    fn each_leader_that_was_isolated_is_told_with_its_time() {
        let cut = |leader, at_ms: u64| LeaderCut {
            at_ns: RunTime(at_ms * 1_000_000),
            leader: NodeId(leader),
        };
        let isolated = FaultRecord {
            cuts: vec![cut(1, 2_000), cut(4, 2_300)],
            sides: vec![vec![NodeId(0), NodeId(2), NodeId(3)], vec![NodeId(4)], vec![NodeId(1)]],
            ..fault(FaultKind::IsolateLeaders, 2)
        };
        assert_eq!(
            faults(&[isolated], &[], (2_000_000_000, 6_000_000_000)),
            [
                "At 2.000 s an isolation of leaders was injected: it cut off 0001 at 2.000 s, then 0004 at 2.300 s; the \
              network was cut in the end into 0000 0002 0003 | 0004 | 0001 (between these operations)."
            ]
        );
    }

    #[test]
    fn only_losses_between_the_replicas_of_the_witness_are_told_one_by_one() {
        let lost = |src, kind: &str, cause: &str| Message {
            sent_ns: 1,
            src: NodeId(src),
            dst: NodeId(2),
            kind: kind.into(),
            lost: Some(cause.into()),
            ended_ns: 1,
        };
        let all = [
            lost(0, "append", "loss"),
            lost(1, "vote", "full_queue"),
            lost(1, "vote", "full_queue"),
            lost(3, "vote", "full_queue"),
        ];
        assert_eq!(
            losses(&all, &BTreeSet::from([NodeId(0), NodeId(2)])),
            [
                "One message between the replicas that answered these operations was lost:",
                "  0000 to 0002: 1 append (loss)",
                "3 other messages were lost: 3 by full queue; `report.html` draws each of them.",
            ]
        );
        assert_eq!(
            losses(&all, &BTreeSet::from([NodeId(2)]))[0],
            "No message between the replicas that answered these operations was lost."
        );
        assert_eq!(losses(&[], &BTreeSet::new()), ["No message was lost in this time."]);
    }
}
