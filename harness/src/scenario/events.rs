//! The faults that a file lists: their times, and whether they can happen at all.

use std::time::Duration;

use super::error::Fault;
use super::fields::Fields;
use super::{FaultEvent, FaultKind};
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
}

/// The events in the order of their times (those at the same time as listed), with warnings
/// about what can hardly be meant.
pub(super) fn read(
    top: &Fields,
    phases: Phases,
    replicas: usize,
) -> Result<(Vec<FaultEvent>, Vec<String>), Fault> {
    let mut listed = top
        .objects("events")?
        .into_iter()
        .map(|fields| read_one(fields, phases))
        .collect::<Result<Vec<_>, _>>()?;
    listed.sort_by_key(|event| event.time);
    let mut warnings = Vec::new();
    check_kills(&listed, replicas, &mut warnings)?;
    check_partitions(&listed)?;
    warn_of_late(&listed, phases, &mut warnings);
    let events = listed.iter().map(|event| FaultEvent {
        at: RunTime::from(phases.start_wait + event.time),
        kind: event.kind,
    });
    Ok((events.collect(), warnings))
}

fn read_one(fields: Fields, phases: Phases) -> Result<Listed, Fault> {
    let word = fields.required("type", fields.choice("type")?)?;
    let kind = FaultKind::ALL
        .into_iter()
        .find(|kind| kind.name() == word)
        .expect("the table's words are these names");
    let time = fields.required("time", fields.number("time")?)?;
    let time = Duration::from_secs_f64(time);
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
    Ok(Listed { fields, kind, time })
}

/// Every kill needs somebody to kill; `kill_non_leader` spares the last one, as in the course.
fn check_kills(
    listed: &[Listed],
    replicas: usize,
    warnings: &mut Vec<String>,
) -> Result<(), Fault> {
    let mut living = replicas;
    for event in listed {
        let needed = match event.kind {
            FaultKind::KillLeader => 1,
            FaultKind::KillNonLeader => 2,
            FaultKind::PartEasy | FaultKind::PartHard | FaultKind::PartEnd => continue,
        };
        if living < needed {
            let left = if living == 0 { "none is" } else { "only one is" };
            return Err(event.fields.fault(
                "type",
                format!(
                    "`{}` at {} s cannot happen: {left} left alive of {replicas} replicas after {} \
                     kills; remove kills or raise `replicas`",
                    event.kind,
                    event.time.as_secs_f64(),
                    replicas - living
                ),
            ));
        }
        living -= 1;
        if living == replicas / 2 {
            warnings.push(format!(
                "`{}` {} s after the end of `start_wait` leaves {living} of {replicas} replicas, \
                 no majority: nothing can be answered from there on",
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
            FaultKind::KillLeader | FaultKind::KillNonLeader => {}
        }
    }
    Ok(())
}

fn warn_of_late(listed: &[Listed], phases: Phases, warnings: &mut Vec<String>) {
    let late = listed
        .iter()
        .filter(|event| event.time > phases.request_phase && event.kind != FaultKind::PartEnd);
    for event in late {
        warnings.push(format!(
            "`{}` {} s after the end of `start_wait` comes after the last request: no operation \
             meets it",
            event.kind,
            event.time.as_secs_f64()
        ));
    }
}
