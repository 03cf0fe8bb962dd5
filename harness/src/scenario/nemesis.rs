//! The `nemesis` of a file: faults by chance, within what the file says.

use serde::{Deserialize, Serialize};

use super::error::Fault;
use super::events::{Phases, kind_of};
use super::fields::Fields;
use super::network::Sites;
use super::parameters;
use crate::fault::{FaultKind, Parameters};

/// What the plan draws faults from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Nemesis {
    /// Among which faults.
    pub faults: Vec<DrawnFault>,
    /// Milliseconds from the end of a fault to the next one, between these two.
    pub interval_ms: [u64; 2],
    /// How many at a time, at most.
    pub at_once: u64,
    /// Whether each run leaves some of the faults out altogether.
    pub swarm: bool,
    /// Whether all faults come once, in an order by chance, before one comes again; a weight of two is
    /// two of a kind.
    #[serde(default)]
    pub rounds: bool,
}

/// A fault that may be drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DrawnFault {
    /// The kind of fault.
    pub kind: FaultKind,
    /// How often, compared with the others.
    pub weight: f64,
    /// How long, in milliseconds, between these two; `None` where it has no end.
    pub duration_ms: Option<[u64; 2]>,
    /// What else there is to say.
    pub parameters: Parameters,
    /// Whether it is left out for a program that cannot bear it.
    #[serde(default)]
    pub optional: bool,
    /// Where the file says so: `nemesis.faults[0]`.
    pub place: String,
}

impl DrawnFault {
    /// Whether it needs replicas that have data on disk.
    fn needs_data(&self) -> bool {
        self.kind == FaultKind::Disk || self.parameters.keep_data == Some(true)
    }
}

impl Nemesis {
    /// Leaves out what is `optional` and needs data on disk.
    pub fn spare_those_without_data(&mut self) {
        self.spare(DrawnFault::needs_data);
    }

    /// Leaves out what is `optional` and cannot be borne.
    pub fn spare(&mut self, is_unsupported: impl Fn(&DrawnFault) -> bool) {
        self.faults.retain(|fault| !(fault.optional && is_unsupported(fault)));
    }
}

/// Reads the key, if it is given.
pub(super) fn read(
    top: &Fields,
    phases: Phases,
    replicas: usize,
    sites: &Sites,
) -> Result<Option<Nemesis>, Fault> {
    let Some(fields) = top.object("nemesis")? else { return Ok(None) };
    let listed = fields.objects("faults")?;
    if listed.is_empty() {
        return Err(fields.not_allowed("faults", "there is no fault to draw from"));
    }
    let read_fault = |fields: Fields| read_one(&fields, phases, replicas, sites);
    let faults = listed.into_iter().map(read_fault).collect::<Result<Vec<_>, _>>()?;
    if faults.iter().all(|fault| fault.weight <= 0.0) {
        return Err(fields.fault(
            "faults",
            "all weights are 0: nothing can be drawn; allowed: at \
            least one weight above 0",
        ));
    }
    let interval_ms = in_ms(fields.range("interval")?.unwrap_or([0.2, 1.0]));
    let at_once = fields.whole("at_once")?.unwrap_or(1);
    let swarm = fields.flag("swarm")?.unwrap_or(false);
    let rounds = fields.flag("rounds")?.unwrap_or(false);
    Ok(Some(Nemesis { faults, interval_ms, at_once, swarm, rounds }))
}

fn read_one(
    fields: &Fields,
    phases: Phases,
    replicas: usize,
    sites: &Sites,
) -> Result<DrawnFault, Fault> {
    let kind = kind_of(fields.required("type", fields.choice("type")?)?);
    let parameters = parameters::read(fields, kind, replicas, sites)?;
    let longest = phases.request_phase.as_secs_f64();
    let given = fields.range("duration")?;
    if let Some([_, long]) = given.filter(|range| range[1] > longest) {
        let wrong = format!("a `{kind}` of {long} s is longer than the run");
        let allowed = format!("allowed: numbers from 0 to {longest}");
        return Err(fields.fault("duration", format!("{wrong}; {allowed}")));
    }
    let duration_ms = kind.default_duration().map(|default| {
        let default = default.as_secs_f64();
        in_ms(given.unwrap_or([default, default]))
    });
    let weight = fields.number("weight")?.unwrap_or(1.0);
    let place = fields.path().to_owned();
    let optional = fields.flag("optional")?.unwrap_or(false);
    Ok(DrawnFault { kind, weight, duration_ms, parameters, optional, place })
}

fn in_ms([from, to]: [f64; 2]) -> [u64; 2] {
    [parameters::in_ms(from), parameters::in_ms(to)]
}
