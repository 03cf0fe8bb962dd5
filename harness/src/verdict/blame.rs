//! Which failures are attributed to the host: those that a named disturbance accounts for, and no other.
//!
//! Slowness excuses time, never an answer. Safety is not asked here, nor are deaths that only slowness could
//! explain: a replica that crashes because it was slow has a bug.
//!
//! - An operation is excused if it would have been answered within the bound without the time that the host took
//!   from the replicas that had to answer it.
//! - A death is excused if at that time the kernel ran out of the resource that the replica's last output names, or
//!   killed for want of memory.
//! - Where a foreign process answered in a replica's place, no failure is attributed to the replicas.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Answer, AnswerKind, Question, Standing};
use crate::cluster::life::Death;
use crate::host::disturbance::{Disturbance, DisturbanceKind};
use crate::ids::NodeId;
use crate::limits;
use crate::network::course_2016::{GivenUp, GivenUpFor};
use crate::op::Outcome;
use crate::record::{ReplicaRecord, RunRecord};
use crate::scenario::host::profile::Logs;
use crate::text::listed;
use crate::time::RunTime;

/// The answer as it is, or attributed to the host, with the reason.
pub fn attribute_to_host(record: &RunRecord, answer: Answer) -> (Answer, Option<String>) {
    if answer.standing != Standing::Invalid {
        return (answer, None);
    }
    let excuse = foreign_processes(record).or_else(|| match (answer.question, answer.kind) {
        (Question::Liveness, AnswerKind::Unanswered | AnswerKind::SlowToCatchUp) => {
            late_answers(record)
        }
        (Question::Process, AnswerKind::Died) if record.violations.is_empty() => deaths(record),
        _ => None,
    });
    let Some(excuse) = excuse else { return (answer, None) };
    let blamed = Answer {
        standing: Standing::Unknown,
        kind: AnswerKind::Host,
        sentence: format!("{}, attributed to the host: {excuse}", answer.sentence),
        attributed_to_host: Some(excuse.clone()),
        ..answer
    };
    (blamed, Some(excuse))
}

/// The replicas in whose place a foreign process was connected.
pub(super) fn foreign_processes(record: &RunRecord) -> Option<String> {
    let foreign: Vec<&Disturbance> = of_kind(record, DisturbanceKind::ForeignProcess).collect();
    let first = foreign.iter().map(|it| it.from).min()?;
    let places: BTreeSet<NodeId> = foreign.iter().filter_map(|it| it.replica).collect();
    Some(format!(
        "from {first} on, processes of another run in the same working directory were connected as {}",
        listed(places)
    ))
}

/// Why each operation that waited too long is attributed to the host; `None` if one of them is not.
fn late_answers(record: &RunRecord) -> Option<String> {
    let connected =
        record.replicas.iter().filter(|it| it.connect_time.is_some() && it.death.is_none()).count();
    let missing: Vec<&Disturbance> = of_kind(record, DisturbanceKind::NeverConnected).collect();
    if connected < record.scenario.majority()
        && connected + missing.len() >= record.scenario.majority()
    {
        let said: Vec<String> = missing.iter().map(|it| it.describe()).collect();
        return Some(format!("{}, so there was no majority", said.join("; ")));
    }
    let bound = record.scenario.liveness_bound;
    let end = RunTime::from(record.duration);
    let mut waits: Vec<(RunTime, RunTime)> = record
        .recovery
        .iter()
        .filter_map(|operation| Some((operation.started?, operation.answered.unwrap_or(end))))
        .collect();
    if record.recovery.is_empty() {
        let last = record.faults.iter().filter_map(|fault| fault.applied_ns).max();
        let asked = record.operations.iter().filter(|it| Some(it.invoked) >= last);
        waits = asked
            .map(|it| match it.outcome {
                Outcome::Ok => (it.invoked, it.completed.unwrap_or(end)),
                Outcome::Fail | Outcome::Info => (it.invoked, end),
            })
            .collect();
    }
    let late = waits.into_iter().filter(|(from, until)| until.since(*from) >= bound);
    let mut longest: Option<(Duration, (RunTime, RunTime))> = None;
    for (from, until) in late {
        let taken = taken(record, from, until);
        if until.since(from).saturating_sub(taken) >= bound {
            return None;
        }
        if longest.is_none_or(|(most, _)| taken > most) {
            longest = Some((taken, (from, until)));
        }
    }
    let (taken, (from, until)) = longest?;
    let reasons: Vec<String> = record
        .host
        .disturbances
        .iter()
        .filter(|it| it.kind.takes_time() && it.overlaps(from, until))
        .map(Disturbance::describe)
        .take(3)
        .collect();
    Some(format!(
        "it took {:.1} s, without which all operations would have been answered in time: {}",
        taken.as_secs_f64(),
        reasons.join("; ")
    ))
}

/// How much time the host took between two moments from the processes that had to answer: the harness, the leader,
/// or so many replicas that no majority was left.
fn taken(record: &RunRecord, from: RunTime, until: RunTime) -> Duration {
    let mut of_all = Duration::ZERO;
    let mut of_replica: BTreeMap<NodeId, Duration> = BTreeMap::new();
    let mut led = Duration::ZERO;
    for it in &record.host.disturbances {
        if !it.kind.takes_time() || !it.overlaps(from, until) {
            continue;
        }
        let overlap = until.min(it.until).since(from.max(it.from));
        let time = overlap.min(Duration::try_from_secs_f64(it.figure).unwrap_or_default());
        match it.replica {
            None => of_all += time,
            Some(id) => {
                let leader = record.leaders.iter().rev().find(|(at, _)| *at <= it.until);
                if leader.is_none_or(|(_, leader)| *leader == id) {
                    led += time;
                }
                *of_replica.entry(id).or_default() += time;
            }
        }
    }
    let dead = record.replicas.iter().filter(|it| it.death.is_some()).count();
    // So many must be hit together that the others are no majority.
    let spare = (record.scenario.replicas - record.scenario.majority()).saturating_sub(dead);
    let mut times: Vec<Duration> = of_replica.into_values().collect();
    times.sort_unstable_by(|a, b| b.cmp(a));
    of_all + led.max(times.get(spare).copied().unwrap_or_default())
}

/// Why each death is attributed to the host; `None` if one of them is not.
fn deaths(record: &RunRecord) -> Option<String> {
    let died = record.replicas.iter().filter_map(|replica| {
        let death = replica.death.as_ref().filter(|death| !death.is_planned)?;
        Some((replica, death))
    });
    let given_up = |id| record.host.given_up.iter().find(|it: &&GivenUp| it.id == id);
    let (mut loading, mut excuses) = (Vec::new(), Vec::new());
    for (replica, death) in died {
        match given_up(replica.id) {
            Some(it) if it.why == GivenUpFor::NotConnected => loading.push(it),
            Some(it) if it.why == GivenUpFor::Deadlock => excuses.push(format!(
                "deadlock: the rules of 2016 block on a full socket, and {} was blocked on its own: \
                 neither read from {:.1} s to {}",
                it.id,
                it.at.since_start().saturating_sub(limits::DEADLOCK).as_secs_f64(),
                it.at
            )),
            Some(it) => excuses.push(unread(record, it)?),
            None => excuses.push(death_of(record, replica, death)?),
        }
    }
    if !loading.is_empty() {
        excuses.insert(0, still_loading(&loading));
    }
    (!excuses.is_empty()).then(|| excuses.join("; "))
}

/// A replica that was given up because it did not read, while a foreign process or the host held it.
fn unread(record: &RunRecord, it: &GivenUp) -> Option<String> {
    let since = RunTime::from(it.at.since_start().saturating_sub(limits::DEADLOCK));
    let held = record.host.disturbances.iter().find(|held| {
        held.replica == Some(it.id)
            && matches!(held.kind, DisturbanceKind::Stopped | DisturbanceKind::Starved)
            && held.overlaps(since, it.at)
            && held.figure > limits::DEADLOCK.as_secs_f64() / 2.0
    })?;
    Some(format!("{}, so the rules of 2016 gave it up", held.describe()))
}

/// The replicas that the rules of 2016 killed before they had connected.
fn still_loading(given_up: &[&GivenUp]) -> String {
    let who: Vec<String> =
        given_up.iter().map(|it| format!("{} at {} by {}", it.id, it.at, it.sender)).collect();
    format!(
        "a message was sent to a replica that had not connected yet ({}). It was alive and loading, \
         but the rules of 2016 kill such a replica (\"unable to send to replica\")",
        who.join(", ")
    )
}

fn death_of(record: &RunRecord, replica: &ReplicaRecord, death: &Death) -> Option<String> {
    const NEAR: Duration = Duration::from_secs(1);
    let near =
        |kind| of_kind(record, kind).find(|it| it.overlaps(death.at - NEAR, death.at + NEAR));
    let words = replica.stderr_tail.to_lowercase();
    let cause = if death.how.is_killed() {
        near(DisturbanceKind::OutOfMemory)
    } else if words.contains("no space left on device") || is_silenced(record, replica) {
        near(DisturbanceKind::DiskFull)
    } else {
        None
    }?;
    Some(format!("{} ended ({}) while {}", replica.id, death.how, cause.describe()))
}

/// Whether its last words were for a disk that was full.
fn is_silenced(record: &RunRecord, replica: &ReplicaRecord) -> bool {
    let logs = record.plan.host.as_ref().and_then(|host| host.profile.logs);
    logs == Some(Logs::Full) && replica.stderr_tail.is_empty()
}

fn of_kind(record: &RunRecord, kind: DisturbanceKind) -> impl Iterator<Item = &Disturbance> {
    record.host.disturbances.iter().filter(move |it| it.kind == kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::F;
    use crate::op::RecoveryOperation;
    use crate::report::sample;

    /// A run in which the last answer took from 2 s to `answered` (the bound is 5 s).
    fn slow(answered_s: f64, disturbances: Vec<Disturbance>) -> RunRecord {
        let mut record = sample::record();
        record.recovery = vec![RecoveryOperation {
            client: NodeId(21),
            f: F::Get,
            key: "k0".into(),
            started: Some(RunTime::from_secs_f64(2.0)),
            answered: Some(RunTime::from_secs_f64(answered_s)),
        }];
        record.host.disturbances = disturbances;
        record.replicas.iter_mut().for_each(|replica| replica.death = None);
        record
    }

    fn stopped(replica: u16, from: f64, until: f64) -> Disturbance {
        Disturbance {
            kind: DisturbanceKind::Stopped,
            replica: Some(NodeId(replica)),
            from: RunTime::from_secs_f64(from),
            until: RunTime::from_secs_f64(until),
            figure: until - from,
        }
    }

    const STALE: AnswerKind = AnswerKind::Anomaly(checker::Anomaly::StaleRead);

    fn late() -> Answer {
        Answer::new(Question::Liveness, Standing::Invalid, AnswerKind::Unanswered, "1 of 1 waited")
    }

    #[test]
    fn the_host_is_blamed_for_the_time_that_it_took_from_the_leader_and_no_more() {
        // 0003 leads from 1.35 s on.
        let (answer, why) = attribute_to_host(&slow(9.0, vec![stopped(3, 2.5, 6.0)]), late());
        assert_eq!((answer.standing, answer.kind), (Standing::Unknown, AnswerKind::Host));
        assert!(why.unwrap().contains("0003 was stopped"));
        for (disturbance, why) in [
            (stopped(3, 2.5, 3.0), "half a second accounts for no seven"),
            (stopped(1, 2.5, 6.0), "one follower is no majority"),
            (stopped(3, 20.0, 26.0), "it came later"),
        ] {
            let (answer, _) = attribute_to_host(&slow(9.0, vec![disturbance]), late());
            assert_eq!(answer.standing, Standing::Invalid, "{why}");
        }
    }

    #[test]
    fn what_processes_of_another_run_said_is_not_laid_to_the_replicas() {
        let foreign = Disturbance { kind: DisturbanceKind::ForeignProcess, ..stopped(1, 0.0, 9.0) };
        let record = slow(9.0, vec![foreign]);
        for (question, kind) in [(Question::Safety, STALE), (Question::Process, AnswerKind::Died)] {
            let answer = Answer::new(question, Standing::Invalid, kind, "it is wrong");
            let (answer, why) = attribute_to_host(&record, answer);
            assert_eq!((answer.standing, answer.kind), (Standing::Unknown, AnswerKind::Host));
            assert!(why.unwrap().contains("connected as 0001"));
        }
    }

    #[test]
    fn neither_an_anomaly_nor_a_crash_is_excused_by_slowness() {
        let record = slow(9.0, vec![stopped(3, 2.5, 6.0)]);
        for (question, kind) in [(Question::Safety, STALE), (Question::Process, AnswerKind::Died)] {
            let answer = Answer::new(question, Standing::Invalid, kind, "it is wrong");
            assert_eq!(attribute_to_host(&record, answer.clone()), (answer, None));
        }
    }
}
