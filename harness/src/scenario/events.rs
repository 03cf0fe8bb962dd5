//! The faults that a file lists: their times, and whether they can happen at all.

use std::time::Duration;

use super::error::Fault;
use super::fields::Fields;
use super::network::Sites;
use super::parameters;
use crate::fault::{FaultEvent, FaultKind, Parameters, Target};
use crate::time::RunTime;

/// The phases that bound the events' times.
#[derive(Clone, Copy)]
pub(super) struct Phases {
    pub(super) lifetime: Duration,
    pub(super) start_wait: Duration,
    pub(super) request_phase: Duration,
    pub(super) end_wait: Duration,
}

/// An event as listed, its time since the end of `start_wait`.
struct Listed<'a> {
    fields: Fields<'a>,
    kind: FaultKind,
    time: Duration,
    parameters: Parameters,
}

impl Listed<'_> {
    fn end(&self) -> Duration {
        self.time + self.parameters.duration()
    }

    fn at(&self) -> String {
        format!("`{}` at {} s", self.kind, self.time.as_secs_f64())
    }
}

/// The events in the order of their times (those at the same time as listed), with warnings
/// about what can hardly be meant.
pub(super) fn read(
    top: &Fields,
    phases: Phases,
    replicas: usize,
    sites: &Sites,
) -> Result<(Vec<FaultEvent>, Vec<String>), Fault> {
    let mut listed = top
        .objects("events")?
        .into_iter()
        .map(|fields| read_one(fields, phases, replicas, sites))
        .collect::<Result<Vec<_>, _>>()?;
    listed.sort_by_key(|event| event.time);
    let mut warnings = Vec::new();
    check_kills(&listed, replicas, &mut warnings)?;
    check_partitions(&listed)?;
    check_overlaps(&listed)?;
    warn_of_late(&listed, phases, &mut warnings);
    let events = listed.into_iter().map(|event| FaultEvent {
        at: RunTime::from(phases.start_wait + event.time),
        kind: event.kind,
        parameters: event.parameters,
        place: event.fields.path().to_owned(),
    });
    Ok((events.collect(), warnings))
}

fn read_one<'a>(
    fields: Fields<'a>,
    phases: Phases,
    replicas: usize,
    sites: &Sites,
) -> Result<Listed<'a>, Fault> {
    let word = fields.required("type", fields.choice("type")?)?;
    let kind = kind_of(word);
    let time = fields.required("time", fields.number("time")?)?;
    let time = Duration::from_secs_f64(time);
    let mut parameters = parameters::read(&fields, kind, replicas, sites)?;
    let lifetime = phases.lifetime.as_secs_f64();
    if time > phases.lifetime {
        return Err(fields.fault(
            "time",
            format!(
                "`{kind}` at {} s is later than `lifetime`; allowed: a number from 0 to \
                 {lifetime}, counted from the end of `start_wait`",
                time.as_secs_f64()
            ),
        ));
    }
    let left = phases.request_phase + phases.end_wait;
    if time > left {
        return Err(fields.fault(
            "time",
            format!(
                "`{kind}` at {} s cannot happen: the run ends {} s after the end of `start_wait`, \
                 because in era 2016 `lifetime` ({lifetime} s) includes the waits; allowed: a \
                 number from 0 to {1}",
                time.as_secs_f64(),
                left.as_secs_f64(),
            ),
        ));
    }
    parameters.duration_ms = read_duration(&fields, kind, phases.request_phase)?;
    Ok(Listed { fields, kind, time, parameters })
}

/// The kind with this word of the table.
pub(super) fn kind_of(word: &str) -> FaultKind {
    FaultKind::named(word).expect("the table's words are these names")
}

/// No fault lasts longer than the phase that it belongs to.
fn read_duration(
    fields: &Fields,
    kind: FaultKind,
    longest: Duration,
) -> Result<Option<u64>, Fault> {
    let Some(default) = kind.default_duration() else { return Ok(None) };
    let Some(seconds) = fields.number("duration")? else {
        return Ok(u64::try_from(default.as_millis()).ok());
    };
    let longest = longest.as_secs_f64();
    if seconds > longest {
        let wrong = format!("a `{kind}` of {seconds} s is longer than the run");
        let allowed = format!("allowed: a number from 0 to {longest}");
        return Err(fields.fault("duration", format!("{wrong}; {allowed}")));
    }
    Ok(Some(parameters::in_ms(seconds)))
}

/// How many replicas a kill for good takes, and how many must live for it.
fn kills(event: &Listed, replicas: usize) -> Option<(usize, usize)> {
    let target = event.parameters.target;
    let taken = event.kind.kills(target, replicas);
    let needed = match (event.kind, target) {
        (FaultKind::KillNonLeader, _) | (FaultKind::Kill, Some(Target::Follower)) => 2,
        (_, Some(Target::Minority | Target::Majority)) => taken,
        _ => 1,
    };
    (taken > 0).then_some((taken, needed))
}

/// Every kill needs a living replica; `kill_non_leader` spares the last one, as in the course.
fn check_kills(
    listed: &[Listed],
    replicas: usize,
    warnings: &mut Vec<String>,
) -> Result<(), Fault> {
    let mut living = replicas;
    for event in listed {
        let Some((taken, needed)) = kills(event, replicas) else { continue };
        if living < needed {
            let left = match living {
                0 => "none is".to_owned(),
                1 => "only one is".to_owned(),
                n => format!("only {n} are"),
            };
            return Err(event.fields.fault(
                "type",
                format!(
                    "{} cannot happen: {left} left alive of {replicas} replicas after {} \
                     kills; remove kills or raise `replicas`",
                    event.at(),
                    replicas - living
                ),
            ));
        }
        let before = living;
        living = living.saturating_sub(taken);
        if before > replicas / 2 && living <= replicas / 2 {
            warnings.push(format!(
                "`{}` {} s after the end of `start_wait` leaves {living} of {replicas} replicas alive, which \
                 is no majority: nothing can be answered from then on",
                event.kind,
                event.time.as_secs_f64()
            ));
        }
    }
    Ok(())
}

fn check_partitions(listed: &[Listed]) -> Result<(), Fault> {
    let mut in_force = false;
    for event in listed {
        match event.kind {
            FaultKind::PartEasy | FaultKind::PartHard => in_force = true,
            FaultKind::PartEnd if in_force => in_force = false,
            FaultKind::PartEnd => {
                return Err(event.fields.fault(
                    "type",
                    format!(
                        "`part_end` at {} s cannot happen: no partition is in force then; put a \
                         `part_easy` or `part_hard` before it, or remove it",
                        event.time.as_secs_f64()
                    ),
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

/// A named replica can be affected by one fault at a time, and by none once it is dead for good.
/// Roles resolve to another replica, or wait.
fn check_overlaps(listed: &[Listed]) -> Result<(), Fault> {
    for (n, event) in listed.iter().enumerate() {
        if !event.kind.takes_replicas() {
            continue;
        }
        let meets = |earlier: &&Listed| {
            let is_still_there = match earlier.kind {
                FaultKind::Kill => true,
                _ => earlier.end() > event.time,
            };
            is_still_there && share_a_replica(earlier, event)
        };
        let struck = listed[..n].iter().filter(|earlier| earlier.kind.takes_replicas());
        let Some(earlier) = struck.into_iter().find(meets) else { continue };
        let whom = event.parameters.target.map(|target| target.to_string()).unwrap_or_default();
        let why = match earlier.kind {
            FaultKind::Kill => format!("{} has killed it for good", earlier.at()),
            _ => format!("{} lasts until {} s", earlier.at(), earlier.end().as_secs_f64()),
        };
        let remedy = match earlier.kind {
            FaultKind::Kill => "allowed: another target, or an earlier time".to_owned(),
            _ => format!("allowed: another target, or a time from {}", earlier.end().as_secs_f64()),
        };
        let problem = format!("{} cannot affect {whom}: {why}; {remedy}", event.at());
        return Err(event.fields.fault("time", problem));
    }
    Ok(())
}

/// Whether both certainly want the same replica.
fn share_a_replica(one: &Listed, other: &Listed) -> bool {
    match (one.parameters.target, other.parameters.target) {
        (Some(Target::Id(a)), Some(Target::Id(b))) => a == b,
        (Some(Target::All), Some(_))
        | (Some(_), Some(Target::All))
        | (Some(Target::Majority), Some(Target::Majority)) => true,
        _ => false,
    }
}

fn warn_of_late(listed: &[Listed], phases: Phases, warnings: &mut Vec<String>) {
    for event in listed {
        let (kind, time) = (event.kind, event.time.as_secs_f64());
        if event.time > phases.request_phase && kind != FaultKind::PartEnd {
            warnings.push(format!(
                "`{kind}` {time} s after the end of `start_wait` comes after the last request: it affects no \
                 operation"
            ));
        } else if event.end() > phases.request_phase && event.parameters.duration_ms.is_some() {
            warnings.push(format!(
                "`{kind}` {time} s after the end of `start_wait` is cut short at {} s, when the \
                 request phase ends and everything is healed",
                phases.request_phase.as_secs_f64()
            ));
        }
    }
}
