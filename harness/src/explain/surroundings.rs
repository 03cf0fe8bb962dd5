//! What happened around the operations of a witness: faults and lost messages.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::evidence::{FaultPart, LostMessage};
use crate::fault::LinkRule;
use crate::time::RunTime;

/// No more links than this are listed one by one.
const LINKS_SHOWN: usize = 12;

/// The faults that were injected in the window or in force when it began, and the last one before it.
pub fn faults(faults: &[FaultPart], (begin, end): (u64, u64)) -> Vec<String> {
    let mut applied: Vec<(u64, &FaultPart)> =
        faults.iter().filter_map(|fault| Some((fault.applied_ns?, fault))).collect();
    applied.sort_by_key(|&(at, _)| at);
    let before = applied.iter().filter(|&&(at, _)| at < begin);
    let is_in_force = |fault: &FaultPart| fault.ended_ns.is_some_and(|ended| ended >= begin);
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
        lines.push("No fault had been injected by then: the anomaly needs none.".to_owned());
    }
    lines
}

fn describe(at: u64, fault: &FaultPart) -> String {
    let (time, name) = (RunTime(at), name(&fault.kind));
    if name == "part_end" {
        return format!("At {time} part_end healed the partition");
    }
    let mut text = format!("At {time} {name} was injected");
    if !fault.targets.is_empty() {
        // The leaders that it isolated, one after the other; else all at once.
        let separator = if name == "isolate_leaders" { ", then " } else { ", " };
        text += " on ";
        text += &fault.targets.join(separator);
    }
    if !fault.sides.is_empty() {
        let sides: Vec<String> = fault.sides.iter().map(|side| side.join(" ")).collect();
        let last = if name == "isolate_leaders" { " in the end" } else { "" };
        let _ = write!(text, ": the network was cut{last} into {}", sides.join(" | "));
    } else if !fault.links.is_empty() {
        let links: Vec<String> = fault.links.iter().map(LinkRule::to_string).collect();
        text += ": ";
        text += &links.join("; ");
    }
    if let Some(ended) = fault.ended_ns {
        let _ = write!(text, ", until {}", RunTime(ended));
    }
    text
}

/// A fault's kind as it stands in the file: a word, or an object with one in it.
fn name(kind: &serde_json::Value) -> String {
    match kind {
        serde_json::Value::String(word) => word.clone(),
        serde_json::Value::Object(members) => match members.get("type").or(members.get("kind")) {
            Some(serde_json::Value::String(word)) => word.clone(),
            _ => kind.to_string(),
        },
        other => other.to_string(),
    }
}

/// Lost messages between replicas, by link: how many of which type, and why.
pub fn losses(lost: &[LostMessage]) -> Vec<String> {
    let mut by_link = BTreeMap::<(&str, &str), BTreeMap<(&str, &str), u64>>::new();
    let mut causes = BTreeMap::<&str, u64>::new();
    for message in lost {
        let link = by_link.entry((&message.src, &message.dst)).or_default();
        *link.entry((&message.kind, &message.cause)).or_default() += 1;
        *causes.entry(&message.cause).or_default() += 1;
    }
    if lost.is_empty() {
        return vec!["No message was lost in this time.".to_owned()];
    }
    let total: Vec<String> = causes
        .iter()
        .map(|(cause, count)| format!("{count} by {}", cause.replace('_', " ")))
        .collect();
    let mut lines = vec![match lost.len() {
        1 => format!("One message was lost: {}.", total.join(", ")),
        count => format!("{count} messages were lost: {}.", total.join(", ")),
    }];
    let mut by_count: Vec<_> = by_link.iter().collect();
    by_count.sort_by_key(|(link, kinds)| (std::cmp::Reverse(kinds.values().sum::<u64>()), **link));
    for ((src, dst), kinds) in by_count.iter().take(LINKS_SHOWN) {
        let kinds: Vec<String> = kinds
            .iter()
            .map(|((kind, cause), count)| format!("{count} {kind} ({})", cause.replace('_', " ")))
            .collect();
        lines.push(format!("  {src} to {dst}: {}", kinds.join(", ")));
    }
    if by_count.len() > LINKS_SHOWN {
        let senders: BTreeSet<_> =
            by_count[LINKS_SHOWN..].iter().map(|((src, _), _)| src).collect();
        let more = by_count.len() - LINKS_SHOWN;
        lines.push(format!("  and on {more} more links, from {} senders", senders.len()));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_told_by_where_they_lie() {
        let fault = |kind: &str, at: u64| FaultPart {
            kind: kind.into(),
            applied_ns: Some(at * 1_000_000_000),
            ..FaultPart::default()
        };
        let partition = FaultPart {
            sides: vec![vec!["0001".into(), "0002".into()], vec!["0000".into()]],
            ..fault("part_hard", 2)
        };
        let all = [fault("kill_leader", 1), partition, fault("part_end", 5), fault("later", 9)];
        assert_eq!(
            faults(&all, (3_000_000_000, 6_000_000_000)),
            [
                "At 2.000 s part_hard was injected: the network was cut into 0001 0002 | 0000 (1.000 s \
                 before the first of these operations).",
                "At 5.000 s part_end healed the partition (between these operations).",
            ]
        );
        assert_eq!(faults(&[], (0, 1)).len(), 1);
    }

    #[test]
    fn losses_are_counted_by_link_type_and_cause() {
        let lost = |src: &str, kind: &str, cause: &str| LostMessage {
            sent_ns: 1,
            src: src.into(),
            dst: "0002".into(),
            kind: kind.into(),
            cause: cause.into(),
        };
        let all = [
            lost("0000", "append", "loss"),
            lost("0001", "vote", "partition"),
            lost("0001", "vote", "partition"),
        ];
        assert_eq!(
            losses(&all),
            [
                "3 messages were lost: 1 by loss, 2 by partition.",
                "  0001 to 0002: 2 vote (partition)",
                "  0000 to 0002: 1 append (loss)",
            ]
        );
    }
}
