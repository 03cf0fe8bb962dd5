//! The faults and the leaders of a run, as they are drawn over its operations.

use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use crate::fault::FaultKind;
use crate::files::stored;
use crate::journal::faults::latest;
use crate::nemesis::happened::FaultRecord;
use crate::nemesis::happened::on_links;
use crate::scenario::NetworkRule;

/// A fault on the page; times in microseconds.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Fault {
    kind: String,
    /// The kind, and what is special about it, for people.
    pub title: String,
    /// `None`: it could not be applied.
    pub begin: Option<u64>,
    /// `None`: it has no duration of its own.
    pub end: Option<u64>,
    /// The affected replicas, or the sides, for people.
    pub what: String,
    not_applied: Option<String>,
}

/// The objects of a file of JSON lines behind its header; what cannot be read is left out.
pub(super) fn lines(folder: &Path, name: &str) -> Vec<Value> {
    let text = stored::text(&folder.join(name)).unwrap_or_default();
    text.lines().skip(1).filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// The faults of the run in `folder`, which lasted until `end` microseconds, and the rules on links
/// that its workload has for a part of the time, in the order of their beginnings.
pub(crate) fn of_run(folder: &Path, end: u64) -> Vec<Fault> {
    let plan = super::page::json(&folder.join("plan.json"));
    let healed = super::page::healed(&plan);
    let mut faults = read(folder, healed, end);
    faults.extend(rules(&plan["scenario"], healed.unwrap_or(end)));
    faults.sort_by_key(|fault| fault.begin);
    faults
}

/// What holds all the time is no event, and has no band.
fn rules(scenario: &Value, until: u64) -> Vec<Fault> {
    let listed = scenario["network"].as_array().into_iter().flatten();
    let rules = listed.filter_map(|it| serde_json::from_value::<NetworkRule>(it.clone()).ok());
    let first = scenario["start_wait"]["secs"].as_u64().unwrap_or(0) * 1_000_000_000
        + scenario["start_wait"]["nanos"].as_u64().unwrap_or(0);
    let partly = rules.filter(|rule| rule.start.0 > first || rule.end.is_some());
    let fault = |rule: NetworkRule| Fault {
        kind: "network".to_owned(),
        title: "network".to_owned(),
        begin: Some(rule.start.0 / 1000),
        end: Some(rule.end.map_or(until, |end| end.0 / 1000)),
        what: on_links(&rule.what, "→"),
        not_applied: None,
    };
    partly.map(fault).collect()
}

/// The faults of a run that heals partitions at `healed` microseconds, if it does.
fn read(folder: &Path, healed: Option<u64>, end: u64) -> Vec<Fault> {
    let lines = latest(lines(folder, "faults.jsonl"), |line| line["index"].as_u64());
    let begins = |line: &Value| line["applied_ns"].as_u64().map(|ns| ns / 1000);
    let kind = |line: &Value| {
        let kind = line["kind"].as_str().or(line["kind"]["type"].as_str());
        kind.unwrap_or_default().to_owned()
    };
    let fault = |line: &Value| {
        let begin = begins(line);
        let told = ["ended_ns", "lifted_ns", "healed_ns", "end_ns"];
        let told = told.iter().find_map(|name| line[name].as_u64()).map(|ns| ns / 1000);
        let known_kind = |line: &Value| FaultKind::named(&kind(line));
        let is_partition =
            matches!(known_kind(line), Some(FaultKind::PartEasy | FaultKind::PartHard));
        // Of the course's partitions there is one at a time, until the next or its end.
        let ends = |other: &&Value| {
            use FaultKind::{PartEasy, PartEnd, PartHard};
            matches!(known_kind(other), Some(PartEasy | PartHard | PartEnd))
        };
        let next = lines.iter().filter(ends);
        let next =
            next.filter_map(begins).filter(|&at| begin.is_some_and(|begin| at > begin)).min();
        let until = next.into_iter().chain(healed).min().unwrap_or(end);
        // Of a fault that this version knows, the claims as everywhere.
        let known: Option<FaultRecord> = serde_json::from_value(line.clone()).ok();
        Fault {
            kind: kind(line),
            title: known.as_ref().map_or_else(|| kind(line), FaultRecord::title),
            begin,
            end: told.or_else(|| (is_partition && begin.is_some()).then_some(until)),
            what: known.map(|fault| fault.whom()).unwrap_or_default(),
            not_applied: line["not_applied"].as_str().map(str::to_owned),
        }
    };
    lines.iter().filter(|line| line["kind"] != Value::Null).map(fault).collect()
}

/// A leadership claim and the time from which on it holds (microseconds); no replica where only the harness's own
/// belief is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Claim {
    time: u64,
    replica: Option<String>,
    leader: Option<String>,
}

/// At most so many claims, those around the time `center` (microseconds): from `leaders.jsonl`; of a
/// run without it, from the leaders that `latency.csv` names.
pub(super) fn leaders(folder: &Path, most: usize, center: u64) -> Vec<Claim> {
    let mut claims = all_leaders(folder);
    let middle = claims.partition_point(|claim| claim.time < center);
    let shown = super::page::around(middle, most, claims.len());
    claims.truncate(shown.end);
    claims.split_off(shown.start)
}

fn all_leaders(folder: &Path) -> Vec<Claim> {
    let claim = |line: &Value| {
        let text = |name: &str| line[name].as_str().map(str::to_owned);
        let time = line["time_ns"].as_u64()? / 1000;
        Some(Claim { time, replica: text("replica"), leader: text("leader") })
    };
    let claims: Vec<Claim> = lines(folder, "leaders.jsonl").iter().filter_map(claim).collect();
    if !claims.is_empty() {
        return claims;
    }
    let table = super::messages::table(folder, "latency.csv", usize::MAX);
    let Some((columns, rows)) = table.split_first() else { return Vec::new() };
    let column = |name: &str| columns.iter().position(|column| column == name);
    let (Some(invoke), Some(leader)) = (column("invoke_ns"), column("leader")) else {
        return Vec::new();
    };
    let mut claims: Vec<Claim> = Vec::new();
    for row in rows {
        let (Some(time), Some(named)) = (row.get(invoke), row.get(leader)) else { continue };
        let named = (!named.is_empty()).then(|| named.clone());
        if claims.last().map(|last| &last.leader) != Some(&named) {
            let time = time.parse::<u64>().unwrap_or(0) / 1000;
            claims.push(Claim { time, replica: None, leader: named });
        }
    }
    claims
}
