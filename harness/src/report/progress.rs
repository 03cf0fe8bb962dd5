//! The line that is shown of a run while it goes on.

use std::time::Duration;

use crate::ids::NodeId;
use crate::report::text::{escape, grouped};
use crate::run::progress::Progress;

/// Which run a line is about.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// The scenario.
    pub label: &'a str,
    /// The width of the column of labels; 0 where a single run needs none.
    pub label_width: usize,
}

/// Time of total, operations by outcome, messages between replicas, the leader, the replicas that
/// live, and the partition in force, its majority first.
pub fn line(names: &Names<'_>, total: Duration, progress: &Progress) -> String {
    let mut parts = Vec::new();
    if names.label_width > 0 {
        parts.push(format!("{:<width$}", escape(names.label), width = names.label_width));
    }
    let total = format!("{:.1}", total.as_secs_f64());
    let now = format!("{:.1}", progress.now.as_secs_f64());
    parts.push(format!("{now:>width$}/{total} s", width = total.len() + 1));
    parts.push(format!("ok {}", grouped(progress.ok)));
    parts.push(format!("fail {}", grouped(progress.fail)));
    parts.push(format!("info {}", grouped(progress.info)));
    parts.push(format!("msgs {}", grouped(progress.messages)));
    let leader = progress.leader.map_or_else(|| "none".to_owned(), |id| id.to_string());
    parts.push(format!("leader {leader}"));
    parts.push(format!("alive {}", progress.alive));
    if !progress.sides.is_empty() {
        parts.push(format!("partition {}", sides(&progress.sides)));
    }
    parts.join("  ")
}

/// `0000 0001 0002 | 0003 0004`.
fn sides(sides: &[Vec<NodeId>]) -> String {
    let side =
        |side: &Vec<NodeId>| side.iter().map(NodeId::to_string).collect::<Vec<_>>().join(" ");
    sides.iter().map(side).collect::<Vec<_>>().join(" | ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::RunTime;

    #[test]
    fn it_tells_time_operations_messages_leader_and_the_fault_in_force() {
        let progress = Progress {
            now: RunTime::from_secs_f64(3.2),
            ok: 1412,
            fail: 0,
            info: 3,
            messages: 2310,
            leader: Some(NodeId(2)),
            alive: 5,
            sides: vec![vec![NodeId(2), NodeId(3), NodeId(4)], vec![NodeId(0), NodeId(1)]],
        };
        assert_eq!(
            line(&Names { label: "demo", label_width: 0 }, Duration::from_secs(12), &progress),
            "  3.2/12.0 s  ok 1,412  fail 0  info 3  msgs 2,310  leader 0002  alive 5  \
             partition 0002 0003 0004 | 0000 0001"
        );
    }

    #[test]
    fn several_runs_stand_under_one_another() {
        let line = |label| {
            let names = Names { label, label_width: 6 };
            line(&names, Duration::from_secs(12), &Progress::default())
        };
        assert_eq!(
            line("a"),
            "a         0.0/12.0 s  ok 0  fail 0  info 0  msgs 0  leader none  alive 0"
        );
        assert_eq!(line("a").len(), line("longer").len());
    }
}
