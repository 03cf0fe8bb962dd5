//! The parameters of a fault beside its type: targets, duration and the rest.

use std::time::Duration;

use super::error::{Fault, quoted};
use super::fields::Fields;
use super::network::{self, Sites};
use crate::fault::{
    BeforeCall, Call, Direction, DiskFault, FaultKind, Parameters, PartitionShape, Target,
};
use crate::ids::NodeId;

/// The default time from SIGTERM to SIGKILL.
const DEADLINE_MS: u64 = 1000;

/// The default period of a starved process.
const PERIOD_MS: u64 = 100;

/// The default period of a flapping network: slower than an election, faster than two.
const FLAPPING_MS: u64 = 400;

/// The default fraction for which a starved process is stopped.
const STOPPED: f64 = 0.8;

/// The default number of new leaders that are isolated.
const TIMES: u64 = 2;

/// The default jump of a clock, in seconds.
const BY: f64 = 1.0;

/// The default lag.
const LAG_MS: u64 = 20;

/// The parameters of a fault of this kind, without its duration, in a cluster of `replicas`.
pub(super) fn read(
    fields: &Fields,
    kind: FaultKind,
    replicas: usize,
    sites: &Sites,
) -> Result<Parameters, Fault> {
    check_keys(fields, kind)?;
    let takes = |key: &str| kind.keys().contains(&key);
    let ms = |key: &str, default: u64| {
        let seconds = fields.number(key)?;
        Ok(takes(key).then(|| seconds.map_or(default, in_ms)))
    };
    let target = read_target(fields, replicas)?;
    let shape = read_shape(fields, kind)?;
    let period_ms = match shape {
        // Only what is asked to flap does.
        Some(shape) => {
            let given = fields.number("period")?.map(in_ms);
            given.or((shape == PartitionShape::Flapping).then_some(FLAPPING_MS))
        }
        None => ms("period", PERIOD_MS)?,
    };
    Ok(Parameters {
        target: takes("target").then(|| target.unwrap_or(Target::One)),
        duration_ms: None,
        keep_data: takes("keep_data").then_some(fields.flag("keep_data")?.unwrap_or(true)),
        before: read_before(fields, target)?,
        deadline_ms: ms("deadline", DEADLINE_MS)?,
        period_ms,
        stopped: takes("stopped").then_some(fields.number("stopped")?.unwrap_or(STOPPED)),
        disk_fault: read_disk_fault(fields, kind)?,
        cut_off: takes("cut_off").then_some(fields.flag("cut_off")?.unwrap_or(false)),
        by: takes("by").then_some(fields.number("by")?.unwrap_or(BY)),
        shape,
        direction: read_direction(fields, shape)?,
        times: takes("times").then_some(fields.whole("times")?.unwrap_or(TIMES)),
        lag_ms: match kind {
            FaultKind::Partition => read_hub_lag(fields, shape)?,
            _ => ms("lag", LAG_MS)?,
        },
        rules: if takes("rules") {
            network::read_rules(fields, replicas, sites)?
        } else {
            Vec::new()
        },
    })
}

/// Whole milliseconds.
pub(super) fn in_ms(seconds: f64) -> u64 {
    u64::try_from(Duration::from_secs_f64(seconds).as_millis()).unwrap_or(u64::MAX)
}

fn check_keys(fields: &Fields, kind: FaultKind) -> Result<(), Fault> {
    let is_a_faults = |name: &str| FaultKind::ALL.iter().any(|kind| kind.keys().contains(&name));
    let foreign = |name: &&str| is_a_faults(name) && !kind.keys().contains(name);
    let Some(name) = fields.names().find(foreign) else { return Ok(()) };
    let allowed = match kind.keys() {
        [] => "it takes nothing beside `type` and `time`".to_owned(),
        keys => format!("allowed beside `type` and `time`: `{}`", keys.join("`, `")),
    };
    Err(fields.fault(name, format!("`{kind}` has no `{name}`; {allowed}")))
}

fn read_target(fields: &Fields, replicas: usize) -> Result<Option<Target>, Fault> {
    let Some(text) = fields.text("target")? else { return Ok(None) };
    let last = NodeId::replica(replicas - 1);
    let refused = |wrong: String| {
        let roles: Vec<&str> = Target::ROLES.iter().map(|(name, _)| *name).collect();
        let near = super::error::nearest(text, roles.iter().copied());
        let remedy = near.map(|near| format!("; did you mean \"{near}\"?")).unwrap_or_default();
        let allowed =
            format!("allowed: \"{}\", or an id from 0000 to {last}", roles.join("\", \""));
        fields.fault("target", format!("{wrong}; {allowed}{remedy}"))
    };
    match text.parse() {
        Ok(Target::Id(id)) if !id.is_one_of(replicas) => {
            Err(refused(format!("there is no replica {id} among {replicas}")))
        }
        Ok(target) => Ok(Some(target)),
        Err(_) => Err(refused(format!("{} is not a role", quoted(text)))),
    }
}

fn read_before(fields: &Fields, target: Option<Target>) -> Result<Option<BeforeCall>, Fault> {
    let Some(before) = fields.object("before")? else { return Ok(None) };
    if let Some(target) = target.filter(|target| !target.is_one()) {
        let wrong = format!("the calls of {target} cannot be counted together");
        let allowed = "allowed with `before`: the target `leader`, `follower`, `one`, or an id";
        return Err(fields.fault("before", format!("{wrong}; {allowed}")));
    }
    let word = before.required("call", before.choice("call")?)?;
    let n = before.whole("n")?.unwrap_or(1);
    Ok(Call::named(word).map(|call| BeforeCall { call, n }))
}

fn read_disk_fault(fields: &Fields, kind: FaultKind) -> Result<Option<DiskFault>, Fault> {
    if kind != FaultKind::Disk {
        return Ok(None);
    }
    let word = fields.required("disk_fault", fields.choice("disk_fault")?)?;
    Ok(DiskFault::named(word))
}

fn read_shape(fields: &Fields, kind: FaultKind) -> Result<Option<PartitionShape>, Fault> {
    if !kind.keys().contains(&"shape") {
        return Ok(None);
    }
    let word = fields.choice("shape")?.unwrap_or("leader");
    Ok(PartitionShape::named(word))
}

fn read_hub_lag(fields: &Fields, shape: Option<PartitionShape>) -> Result<Option<u64>, Fault> {
    let Some(seconds) = fields.number("lag")? else { return Ok(None) };
    match shape {
        None | Some(PartitionShape::Hub) => Ok(Some(in_ms(seconds))),
        Some(shape) => {
            let only = "only the shape \"hub\" has a replica whose messages could be delayed";
            Err(fields.fault("lag", format!("{only}, not \"{}\"", shape.name())))
        }
    }
}

fn read_direction(
    fields: &Fields,
    shape: Option<PartitionShape>,
) -> Result<Option<Direction>, Fault> {
    let (Some(shape), Some(word)) = (shape, fields.choice("direction")?) else { return Ok(None) };
    if !shape.has_sides() {
        let sided: Vec<&str> = PartitionShape::ALL
            .iter()
            .filter(|shape| shape.has_sides())
            .map(|shape| shape.name())
            .collect();
        let wrong = format!("a `{}` has no two sides, so none can be {word}", shape.name());
        let allowed = format!("allowed: the shapes \"{}\"", sided.join("\", \""));
        return Err(fields.fault("direction", format!("{wrong}; {allowed}")));
    }
    Ok(Direction::named(word))
}
