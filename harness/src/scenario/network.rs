//! The rules of a workload's `network`: which, on which links, from when to when.
//!
//! A fault of type `network` puts rules on links for a while: those are read by the same functions,
//! `read_rule`, and may name roles.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::Fault;
use super::events::Phases;
use super::fields::Fields;
use crate::fault::{LinkRule, RoleRule, Target};
use crate::ids::NodeId;
use crate::network::rules::{
    Buffer, Corrupt, Distribution, Duplicate, Latency, Loss, Rate, Reorder, Rule, RuleKind, Size,
};
use crate::time::RunTime;

/// A rule that a workload file lists, at its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetworkRule {
    /// What, and where.
    #[serde(flatten)]
    pub what: LinkRule,
    /// When it begins, since the start of the run (a file counts from the end of `start_wait`).
    pub start: RunTime,
    /// When it ends; `None`: with the faults of the run.
    pub end: Option<RunTime>,
    /// Where the file says so: `network[2]`.
    pub place: String,
}

/// The named groups of replicas.
pub(super) type Sites = BTreeMap<String, Vec<NodeId>>;

/// The rules in the order of the file, a matrix as one rule for each two sites.
pub(super) fn read(
    top: &Fields,
    phases: Phases,
    replicas: usize,
    sites: &Sites,
) -> Result<Vec<NetworkRule>, Fault> {
    let mut rules = Vec::new();
    for (n, fields) in top.objects("network")?.iter().enumerate() {
        let (start, end) = read_times(fields, phases)?;
        for what in read_rule(fields, replicas, sites, false)? {
            let what = LinkRule { rule: what.rule, from: ids(&what.from), to: ids(&what.to) };
            rules.push(NetworkRule { what, start, end, place: format!("network[{n}]") });
        }
    }
    Ok(rules)
}

/// The rules of a fault.
pub(super) fn read_rules(
    fault: &Fields,
    replicas: usize,
    sites: &Sites,
) -> Result<Vec<RoleRule>, Fault> {
    let listed = fault.objects("rules")?;
    if listed.is_empty() {
        return Err(
            fault.fault("rules", "`network` without a rule does nothing; name at least one")
        );
    }
    let mut rules = Vec::new();
    for fields in &listed {
        if let Some(key) = ["start", "end"].into_iter().find(|key| fields.has(key)) {
            let problem = "a rule of a fault begins and ends with it; leave it out, and give the fault \
                           a `duration`";
            return Err(fields.fault(key, problem));
        }
        rules.extend(read_rule(fields, replicas, sites, true)?);
    }
    Ok(rules)
}

/// Those that are named by their ids.
fn ids(named: &[Target]) -> Vec<NodeId> {
    let id = |target: &Target| match target {
        Target::Id(id) => Some(*id),
        _ => None,
    };
    named.iter().filter_map(id).collect()
}

fn by_ids(ids: &[NodeId]) -> Vec<Target> {
    ids.iter().copied().map(Target::Id).collect()
}

fn read_times(fields: &Fields, phases: Phases) -> Result<(RunTime, Option<RunTime>), Fault> {
    let last = phases.request_phase.as_secs_f64();
    let time = |name: &str| {
        let seconds = fields.number(name)?;
        if let Some(late) = seconds.filter(|seconds| *seconds > last) {
            let wrong = format!("{late} s is after the request phase, which the faults end with");
            let allowed = format!("allowed: a number from 0 to {last}");
            return Err(fields.fault(name, format!("{wrong}; {allowed}")));
        }
        Ok(seconds)
    };
    let (start, end) = (time("start")?, time("end")?);
    if let Some(end) = end.filter(|&end| end <= start.unwrap_or(0.0)) {
        let start = start.unwrap_or(0.0);
        let wrong = format!("the rule would end at {end} s, before it begins ({start} s)");
        return Err(fields.fault("end", format!("{wrong}; allowed: more than `start`")));
    }
    let at = |seconds: f64| RunTime::from(phases.start_wait + Duration::from_secs_f64(seconds));
    Ok((start.map_or(RunTime::ZERO, at), end.map(at)))
}

/// The rule that an object describes, on its links: one, or for a matrix one for each two sites.
fn read_rule(
    fields: &Fields,
    replicas: usize,
    sites: &Sites,
    takes_roles: bool,
) -> Result<Vec<RoleRule>, Fault> {
    let kind = fields.required("rule", fields.choice("rule")?.and_then(RuleKind::named))?;
    let distribution = fields.choice("distribution")?;
    check_parameters(fields, kind, distribution)?;
    if kind == RuleKind::Latency && distribution == Some(MATRIX) {
        return read_matrix(fields, sites);
    }
    let nodes = |key: &str| fields.nodes(key, replicas, sites, takes_roles);
    let (from, to) = (nodes("from")?, nodes("to")?);
    let what = RoleRule { rule: read_one(fields, kind, distribution)?, from, to };
    let is_one = what.from.len() == 1 && what.from == what.to;
    // A role of several has links among themselves.
    if is_one && !matches!(what.from[0], Target::Minority | Target::Majority | Target::All) {
        let problem = "no link lies between `from` and `to`: a replica's messages to itself have \
                       no rules; name another replica";
        return Err(fields.fault("to", problem));
    }
    Ok(vec![what])
}

/// Bytes that `corrupt` changes in a message: more of them show nothing new.
const MOST_CORRUPTED: u32 = 10_000;

/// The rules with their parameters and what they do, for people; in the order in which a link asks
/// them.
pub fn rules() -> impl Iterator<Item = (&'static str, String, &'static str)> {
    RuleKind::ALL.iter().map(|&kind| {
        let of = |distribution| parameters(kind, distribution).iter().copied();
        let mut all: Vec<&str> = Vec::new();
        for key in [None, Some(MATRIX)]
            .into_iter()
            .chain(Distribution::NAMES.iter().map(|n| Some(*n)))
            .flat_map(of)
        {
            if !all.contains(&key) {
                all.push(key);
            }
        }
        let all: Vec<String> = all.into_iter().map(|key| format!("`{key}`")).collect();
        (kind.name(), all.join(", "), kind.meaning())
    })
}

/// The distribution whose times are given by site.
pub(super) const MATRIX: &str = "matrix";

/// What a rule of this kind can be told, beside where and when.
pub(crate) fn parameters(kind: RuleKind, distribution: Option<&str>) -> &'static [&'static str] {
    match (kind, distribution) {
        (RuleKind::Cut, _) => &[],
        (RuleKind::Loss, _) => &["probability"],
        (RuleKind::Size, _) => &["max_bytes"],
        (RuleKind::Buffer, _) => &["messages", "bytes"],
        (RuleKind::Corrupt, _) => &["probability", "bytes", "spare_envelope"],
        (RuleKind::Duplicate, _) => &["probability", "copies", "within_ms"],
        (RuleKind::Rate, _) => &["bytes_per_s"],
        (RuleKind::Reorder, _) => &["probability", "within_ms"],
        (RuleKind::Latency, Some("uniform")) => &["distribution", "min_ms", "max_ms", "reorders"],
        (RuleKind::Latency, Some("normal")) => &["distribution", "mean_ms", "sd_ms", "reorders"],
        (RuleKind::Latency, Some("exponential")) => &["distribution", "mean_ms", "reorders"],
        (RuleKind::Latency, Some("pareto")) => &["distribution", "min_ms", "shape", "reorders"],
        (RuleKind::Latency, Some(MATRIX)) => &["distribution", "matrix_ms"],
        (RuleKind::Latency, _) => &["distribution", "ms", "reorders"],
    }
}

/// All of them.
const PARAMETERS: [&str; 17] = [
    "probability",
    "max_bytes",
    "messages",
    "bytes",
    "spare_envelope",
    "copies",
    "within_ms",
    "bytes_per_s",
    "distribution",
    "min_ms",
    "max_ms",
    "mean_ms",
    "sd_ms",
    "shape",
    "ms",
    "reorders",
    "matrix_ms",
];

fn check_parameters(
    fields: &Fields,
    kind: RuleKind,
    distribution: Option<&str>,
) -> Result<(), Fault> {
    let known = parameters(kind, distribution);
    let mut foreign: Vec<&str> =
        fields.names().filter(|key| PARAMETERS.contains(key) && !known.contains(key)).collect();
    if distribution == Some(MATRIX) {
        // Its links are those between its sites.
        foreign.extend(fields.names().filter(|key| ["from", "to"].contains(key)));
    }
    let Some(first) = foreign.first() else { return Ok(()) };
    let of = match kind {
        RuleKind::Latency => {
            format!("`latency` with `distribution` \"{}\"", distribution.unwrap_or("constant"))
        }
        kind => format!("`{}`", kind.name()),
    };
    let allowed = match known {
        [] => "it takes `from`, `to`, `start` and `end` only".to_owned(),
        known => format!("allowed: `{}`", known.join("`, `")),
    };
    Err(fields.fault(first, format!("{of} has no `{first}`; {allowed}")))
}

fn read_one(fields: &Fields, kind: RuleKind, distribution: Option<&str>) -> Result<Rule, Fault> {
    let number = |key: &str| fields.required(key, fields.number(key)?);
    let count = |key: &str, default: u64| {
        let count = fields.whole(key)?.unwrap_or(default);
        Ok::<u32, Fault>(u32::try_from(count).unwrap_or(u32::MAX))
    };
    let within_ms = |default: f64| Ok::<f64, Fault>(fields.number("within_ms")?.unwrap_or(default));
    Ok(match kind {
        RuleKind::Cut => Rule::Cut,
        RuleKind::Loss => Rule::Loss(Loss { probability: number("probability")? }),
        RuleKind::Size => {
            let max_bytes = fields.required("max_bytes", fields.whole("max_bytes")?)?;
            Rule::Size(Size { max_bytes })
        }
        RuleKind::Buffer => {
            let (messages, bytes) = (fields.whole("messages")?, fields.whole("bytes")?);
            if messages.is_none() && bytes.is_none() {
                let problem = "a buffer needs a size; give `messages`, `bytes`, or both";
                return Err(fields.fault("messages", problem));
            }
            Rule::Buffer(Buffer { messages, bytes })
        }
        RuleKind::Corrupt => Rule::Corrupt(Corrupt {
            probability: number("probability")?,
            bytes: read_corrupted(fields)?,
            spare_envelope: fields.flag("spare_envelope")?.unwrap_or(true),
        }),
        RuleKind::Duplicate => Rule::Duplicate(Duplicate {
            probability: number("probability")?,
            copies: count("copies", 1)?,
            within_ms: within_ms(0.0)?,
        }),
        RuleKind::Rate => Rule::Rate(Rate { bytes_per_s: number("bytes_per_s")? }),
        RuleKind::Reorder => Rule::Reorder(Reorder {
            probability: number("probability")?,
            within_ms: within_ms(10.0)?,
        }),
        RuleKind::Latency => Rule::Latency(Latency {
            distribution: read_distribution(fields, distribution)?,
            reorders: fields.flag("reorders")?.unwrap_or(false),
        }),
    })
}

fn read_corrupted(fields: &Fields) -> Result<u32, Fault> {
    let bytes = fields.whole("bytes")?.unwrap_or(1);
    let few = u32::try_from(bytes).ok().filter(|bytes| *bytes <= MOST_CORRUPTED);
    few.ok_or_else(|| {
        let allowed = format!("allowed for `corrupt`: a whole number from 1 to {MOST_CORRUPTED}");
        fields.fault("bytes", format!("{bytes} is too large; {allowed}"))
    })
}

fn read_distribution(fields: &Fields, name: Option<&str>) -> Result<Distribution, Fault> {
    let number = |key: &str| fields.required(key, fields.number(key)?);
    Ok(match name.unwrap_or("constant") {
        "uniform" => {
            let (min_ms, max_ms) = (number("min_ms")?, number("max_ms")?);
            if max_ms < min_ms {
                let wrong = format!("{max_ms} is below `min_ms`, {min_ms}");
                return Err(fields.fault("max_ms", format!("{wrong}; allowed: at least `min_ms`")));
            }
            Distribution::Uniform { min_ms, max_ms }
        }
        "normal" => Distribution::Normal { mean_ms: number("mean_ms")?, sd_ms: number("sd_ms")? },
        "exponential" => Distribution::Exponential { mean_ms: number("mean_ms")? },
        "pareto" => Distribution::Pareto { min_ms: number("min_ms")?, shape: number("shape")? },
        _ => Distribution::Constant { ms: number("ms")? },
    })
}

/// `{"eu": {"us": 40}}`: what one direction is silent about, the other says.
fn read_matrix(fields: &Fields, sites: &Sites) -> Result<Vec<RoleRule>, Fault> {
    let times = fields.required("matrix_ms", fields.matrix("matrix_ms", sites)?)?;
    let mut rules = Vec::new();
    for (from, from_ids) in sites {
        for (to, to_ids) in sites {
            let time = |a: &String, b: &String| times.get(&(a.clone(), b.clone())).copied();
            let Some(ms) = time(from, to).or_else(|| time(to, from)) else { continue };
            let distribution = Distribution::Constant { ms };
            let rule = Rule::Latency(Latency { distribution, reorders: false });
            let has_links = from_ids.len() > 1 || from_ids != to_ids;
            if has_links && !from_ids.is_empty() && !to_ids.is_empty() {
                rules.push(RoleRule { rule, from: by_ids(from_ids), to: by_ids(to_ids) });
            }
        }
    }
    Ok(rules)
}
