//! A leader that is killed before its n-th system call of a kind: one run for each n tries all of them.

use std::str::FromStr;
use std::time::Duration;

use crate::fault::{BeforeCall, Call, FaultEvent, FaultKind, Parameters, Target};
use crate::record::RunRecord;
use crate::scenario::Scenario;
use crate::time::RunTime;

/// Where a fault says that it comes from.
const PLACE: &str = "--kill-points";

/// How long a killed leader stays down that is started again: long enough for an election, or two.
const DOWN: Duration = Duration::from_secs(1);

/// The calls before which a leader is killed, and the first of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KillPoints {
    /// Which calls count.
    pub call: Call,
    /// The number of the first, from 1.
    pub first: u64,
}

impl FromStr for KillPoints {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, first) = text.split_once(':').unwrap_or((text, "1"));
        let call = Call::named(name);
        let first = first.parse::<u64>().ok().filter(|&first| first > 0);
        let both = call.zip(first).map(|(call, first)| Self { call, first });
        both.ok_or_else(|| {
            format!("give one of `{}`, or begin later, as in `send:44`", Call::NAMES.join("`, `"))
        })
    }
}

impl KillPoints {
    /// The point of this number, from 0.
    pub fn point(self, number: u64) -> BeforeCall {
        BeforeCall { call: self.call, n: self.first.saturating_add(number) }
    }
}

/// The workload with a leader that is killed before this call, counted from the first request on. It is started again
/// if it keeps its data, and stays down otherwise: a replica that has forgotten what it promised proves nothing.
pub fn add_to(scenario: &mut Scenario, before: BeforeCall, keeps_data: bool) {
    let duration = keeps_data.then_some(DOWN.as_millis());
    scenario.events.push(FaultEvent {
        at: RunTime::from(scenario.start_wait),
        kind: if keeps_data { FaultKind::Crash } else { FaultKind::Kill },
        parameters: Parameters {
            target: Some(Target::Leader),
            before: Some(before),
            keep_data: keeps_data.then_some(true),
            duration_ms: duration.and_then(|ms| u64::try_from(ms).ok()),
            ..Parameters::default()
        },
        place: PLACE.to_owned(),
    });
}

/// Whether a run had a kill point that its leader did not reach.
pub fn is_beyond(record: &RunRecord) -> bool {
    let planned = record.plan.faults.iter().zip(&record.faults);
    planned
        .filter(|(fault, _)| fault.event.place == PLACE)
        .any(|(_, happened)| happened.applied_ns.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kill_points_begin_at_the_first_or_later() {
        let read = |text: &str| text.parse::<KillPoints>().ok().map(|it| (it.call, it.first));
        assert_eq!(read("send"), Some((Call::Send, 1)));
        assert_eq!(read("fsync:44"), Some((Call::Fsync, 44)));
        for wrong in ["", "recv", "send:", "send:0", "send:-1", ":3"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        let points = "send:44".parse::<KillPoints>().unwrap();
        assert_eq!(points.point(2), BeforeCall { call: Call::Send, n: 46 });
    }
}
