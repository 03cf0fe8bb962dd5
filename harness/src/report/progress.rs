//! The lines that are shown of runs while they go on.

use std::time::Duration;

use crate::nemesis::happened::sides;
use crate::run::feed::RunEvent;
use crate::run::progress::Progress;
use crate::text::{escape, grouped};
use crate::time::RunTime;

/// Which run a line is about, and how long the line may be.
#[derive(Clone, Copy, Debug)]
pub struct Shape<'a> {
    /// The run's name among others.
    pub label: &'a str,
    /// The width of the column of labels; 0 where a single run needs none.
    pub label_width: usize,
    /// Characters that there is room for: what matters least is left out first.
    pub width: usize,
}

impl Shape<'_> {
    fn label(&self) -> Option<String> {
        let width = self.label_width;
        (width > 0).then(|| format!("{:<width$}", escape(self.label)))
    }
}

/// Before the clock starts, how many replicas have connected; then time of total, operations by outcome, messages between replicas, the leader, the replicas that
/// live, and the partition in force, its majority first.
pub fn line(shape: &Shape<'_>, total: Duration, progress: &Progress) -> String {
    if progress.now == RunTime::ZERO {
        let label = shape.label().map(|label| label + "  ").unwrap_or_default();
        let text = format!("{label}starting: {} replicas have connected", progress.connected);
        return text.chars().take(shape.width).collect();
    }
    let total = format!("{:.1}", total.as_secs_f64());
    let now = format!("{:.1}", progress.now.as_secs_f64());
    let leader = progress.leader.map_or_else(|| "none".to_owned(), |id| id.to_string());
    let fail = format!("fail {}", grouped(progress.fail));
    let info = format!("info {}", grouped(progress.info));
    // With its rank: the higher, the sooner it is left out.
    let mut parts: Vec<(u8, String)> = shape.label().map(|label| (0, label)).into_iter().collect();
    parts.extend([
        (0, format!("{now:>width$}/{total} s", width = total.len() + 1)),
        (0, format!("ok {}", grouped(progress.ok))),
        (if progress.fail == 0 { 4 } else { 1 }, fail),
        (if progress.info == 0 { 3 } else { 1 }, info),
        (5, format!("msgs {}", grouped(progress.messages))),
        (0, format!("leader {leader}")),
        (2, format!("alive {}", progress.alive)),
    ]);
    if !progress.sides.is_empty() {
        parts.push((6, format!("partition {}", sides(&progress.sides))));
    }
    fitted(parts, shape.width)
}

fn fitted(mut parts: Vec<(u8, String)>, width: usize) -> String {
    loop {
        let text = parts.iter().map(|(_, part)| part.as_str()).collect::<Vec<_>>().join("  ");
        let worst = parts.iter().enumerate().max_by_key(|(_, (rank, _))| *rank);
        let Some((place, &(rank, _))) = worst.filter(|_| text.chars().count() > width) else {
            return text;
        };
        match rank {
            0 => return text.chars().take(width).collect(),
            // The count matters more than the sides.
            6 => parts[place] = (2, "partition".to_owned()),
            _ => drop(parts.remove(place)),
        }
    }
}

/// An event: the run if there are several, the time, the kind, the text.
pub fn event_line(shape: &Shape<'_>, event: &RunEvent) -> String {
    let label = shape.label().map(|label| label + "  ").unwrap_or_default();
    let (at, text) = (event.at.as_secs_f64(), escape(&event.text));
    format!("{label}{at:>8.3} s  {:<6}  {text}", event.what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::NodeId;

    const ALONE: Shape<'_> = Shape { label: "demo", label_width: 0, width: 200 };

    fn progress() -> Progress {
        Progress {
            connected: 5,
            now: RunTime::from_secs_f64(3.2),
            ok: 1412,
            fail: 0,
            info: 3,
            messages: 2310,
            leader: Some(NodeId(2)),
            alive: 5,
            sides: vec![vec![NodeId(2), NodeId(3), NodeId(4)], vec![NodeId(0), NodeId(1)]],
            happened: Vec::new(),
        }
    }

    #[test]
    fn it_tells_time_operations_messages_leader_and_the_fault_in_force() {
        assert_eq!(
            line(&ALONE, Duration::from_secs(12), &progress()),
            "  3.2/12.0 s  ok 1,412  fail 0  info 3  msgs 2,310  leader 0002  alive 5  \
             partition 0002 0003 0004 | 0000 0001"
        );
    }

    #[test]
    fn a_narrow_terminal_loses_first_what_matters_least() {
        let line = |width| line(&Shape { width, ..ALONE }, Duration::from_secs(12), &progress());
        let of_86 =
            "  3.2/12.0 s  ok 1,412  fail 0  info 3  msgs 2,310  leader 0002  alive 5  partition";
        assert_eq!(line(86), of_86);
        assert_eq!(
            line(78),
            "  3.2/12.0 s  ok 1,412  fail 0  info 3  leader 0002  alive 5  partition"
        );
        assert_eq!(line(66), "  3.2/12.0 s  ok 1,412  info 3  leader 0002  alive 5  partition");
        assert_eq!(line(8), "  3.2/12");
    }

    #[test]
    fn several_runs_stand_under_one_another() {
        let line = |label| {
            let shape = Shape { label, label_width: 6, width: 200 };
            let now = RunTime::from_secs_f64(0.1);
            line(&shape, Duration::from_secs(12), &Progress { now, ..Progress::default() })
        };
        assert_eq!(
            line("a"),
            "a         0.1/12.0 s  ok 0  fail 0  info 0  msgs 0  leader none  alive 0"
        );
        assert_eq!(line("a").len(), line("longer").len());
    }

    #[test]
    fn until_the_clock_starts_it_tells_who_has_connected() {
        let starting = Progress { connected: 4, ..Progress::default() };
        let told = line(&ALONE, Duration::from_secs(12), &starting);
        assert_eq!(told, "starting: 4 replicas have connected");
    }

    #[test]
    fn what_happened_stands_behind_its_time() {
        let event = RunEvent {
            at: RunTime::from_secs_f64(1.2),
            what: "death",
            text: "0003 killed by SIGKILL\u{1b}".to_owned(),
        };
        assert_eq!(event_line(&ALONE, &event), "   1.200 s  death   0003 killed by SIGKILL\\u{1b}");
    }
}
