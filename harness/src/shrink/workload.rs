//! A scenario as a workload file, which reads back as the same scenario.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::fault::{FaultEvent, Parameters};
use crate::ids::Naming;
use crate::plan::Plan;
use crate::scenario::{Clients, Era, Nemesis, Scenario};
use crate::seed::Seed;
use crate::time::RunTime;

/// The workload file of a scenario with a seed, with the names of its system. `Err`: what a file cannot say of it.
pub fn of(scenario: &Scenario, seed: Seed, naming: Naming) -> Result<Value, String> {
    let scenario = &listed(scenario, seed);
    let value = write(scenario, seed);
    let read = Scenario::parse_as("workload.json", &value.to_string(), naming)
        .map_err(|error| format!("its scenario cannot be written as a workload file: {error}"))?;
    // The seed is fixed here, and warnings may speak of a file that was worded otherwise.
    let same = Scenario { seed: read.seed, warnings: read.warnings.clone(), ..scenario.clone() };
    // A file that names its clients is no course config any more, whatever it came from.
    let same = Scenario { is_course_config: read.is_course_config, ..same };
    // Where a fault stands in the file is for its errors only.
    let placeless = |scenario: &Scenario| {
        let mut scenario = scenario.clone();
        scenario.events.iter_mut().for_each(|event| event.place.clear());
        scenario.network.iter_mut().for_each(|rule| rule.place.clear());
        scenario
    };
    if placeless(&read) == placeless(&same) {
        Ok(value)
    } else {
        Err("its scenario cannot be written as a workload file of the same meaning".to_owned())
    }
}

/// Whether a workload file may say what a scenario with these faults, which replace its nemesis, does; the reason if
/// not.
pub fn refuse_unsound(
    scenario: &Scenario,
    faults: &[FaultEvent],
    seed: Seed,
    naming: Naming,
) -> Result<(), String> {
    let events = faults.to_vec();
    let (nemesis, events) = match &scenario.nemesis {
        // What is left of one whose faults were all left out draws nothing.
        Some(nemesis) if nemesis.faults.is_empty() => (None, events),
        nemesis => (nemesis.clone(), events),
    };
    let listed = Scenario { events, nemesis: None, ..scenario.clone() };
    let mut file = write(&listed, seed);
    if let Some(nemesis) = nemesis {
        file["nemesis"] = drawn(&nemesis);
    }
    let parsed = Scenario::parse_as("plan.json", &file.to_string(), naming);
    parsed.map(drop).map_err(|error| match error.place {
        Some(place) if !place.key.is_empty() => format!("`{}`: {}", place.key, error.problem),
        _ => error.problem,
    })
}

/// A nemesis as a file says it.
fn drawn(nemesis: &Nemesis) -> Value {
    let seconds = |range: [u64; 2]| json!(range.map(|ms| ms as f64 / 1e3));
    let faults = nemesis.faults.iter().map(|fault| {
        let mut listed = json!({"type": fault.kind.name(), "weight": fault.weight});
        say(&mut listed, &fault.parameters);
        if let Some(range) = fault.duration_ms {
            listed["duration"] = seconds(range);
        }
        listed["optional"] = json!(fault.optional);
        listed
    });
    json!({
        "faults": faults.collect::<Vec<_>>(),
        "interval": seconds(nemesis.interval_ms),
        "at_once": nemesis.at_once,
        "swarm": nemesis.swarm,
        "rounds": nemesis.rounds,
    })
}

/// Parameters of a fault, in seconds, as a file counts.
fn say(listed: &mut Value, parameters: &Parameters) {
    let parameters = serde_json::to_value(parameters).unwrap_or_default();
    for (key, value) in parameters.as_object().into_iter().flatten() {
        let seconds = value.as_u64().map(|ms| Duration::from_millis(ms).as_secs_f64());
        match (key.strip_suffix("_ms"), seconds) {
            (Some(key), Some(seconds)) => listed[key] = json!(seconds),
            _ => listed[key] = value.clone(),
        }
    }
}

/// The scenario with the faults that a nemesis drew among the listed ones.
fn listed(scenario: &Scenario, seed: Seed) -> Scenario {
    let faults = Plan::draw(scenario, seed).faults.into_iter();
    let events = faults.map(|fault| FaultEvent { place: String::new(), ..fault.event });
    Scenario { events: events.collect(), nemesis: None, ..scenario.clone() }
}

fn write(scenario: &Scenario, seed: Seed) -> Value {
    let lifetime = match scenario.era {
        Era::Y2021 => scenario.request_phase,
        Era::Y2016 => scenario.duration(),
    };
    let mut file = Map::new();
    let mut set = |key: &str, value: Value| file.insert(key.to_owned(), value);
    set("name", json!(scenario.name));
    if !scenario.description.is_empty() {
        set("description", json!(scenario.description));
    }
    if !scenario.workload.is_the_courses() {
        set("workload", json!(scenario.workload));
    }
    set("era", json!(scenario.era.to_string()));
    set("seed", json!(seed));
    set("lifetime", json!(lifetime.as_secs_f64()));
    set("replicas", json!(scenario.replicas));
    set("start_wait", json!(scenario.start_wait.as_secs_f64()));
    set("end_wait", json!(scenario.end_wait.as_secs_f64()));
    set("mix", json!(scenario.mix));
    set("drops", json!(scenario.drops));
    set("max_packets", json!(scenario.max_packets));
    match &scenario.clients {
        Clients::Course { requests } => {
            set("requests", json!(requests));
            set("clients", json!({"kind": "course"}));
        }
        Clients::Shared {
            count,
            keys,
            rate,
            requests,
            timeout,
            burst,
            steady_rate,
            old_news,
            partition_affinity,
            probe_reads,
            one_shot_keys,
        } => {
            let timeout_ms = whole_ms(*timeout);
            let mut clients = json!({
                "count": count, "keys": keys, "timeout_ms": timeout_ms, "burst": burst,
                "steady_rate": steady_rate, "old_news": old_news,
                "partition_affinity": partition_affinity, "probe_reads_ms": whole_ms(*probe_reads), "one_shot_keys": one_shot_keys,
            });
            if let Some(rate) = rate {
                clients["rate"] = json!(rate);
            }
            if let Some(requests) = requests {
                set("requests", json!(requests));
            }
            set("clients", clients);
        }
    }
    let events = scenario.events.iter().map(|event| {
        let time = event.at.since_start().saturating_sub(scenario.start_wait);
        let mut listed = json!({"type": event.kind.name(), "time": time.as_secs_f64()});
        say(&mut listed, &event.parameters);
        listed
    });
    set("events", events.collect());
    if !scenario.network.is_empty() {
        let since_wait = |at: RunTime| at.since_start().saturating_sub(scenario.start_wait);
        let rules = scenario.network.iter().map(|rule| {
            let mut listed = serde_json::to_value(&rule.what).unwrap_or_default();
            // All of them, however few are left.
            for (key, nodes) in [("from", &rule.what.from), ("to", &rule.what.to)] {
                if nodes.len() == scenario.replicas {
                    listed[key] = json!("*");
                }
            }
            if rule.start > RunTime::ZERO {
                listed["start"] = json!(since_wait(rule.start).as_secs_f64());
            }
            if let Some(end) = rule.end {
                listed["end"] = json!(since_wait(end).as_secs_f64());
            }
            listed
        });
        set("network", rules.collect());
    }
    if let Some(tests) = &scenario.tests {
        let mut tests = serde_json::to_value(tests).unwrap_or_default();
        strip_nulls(&mut tests);
        set("tests", tests);
    }
    set("liveness", json!({"bound_ms": whole_ms(scenario.liveness_bound)}));
    let checker = scenario.checker;
    let budget =
        json!({"time_budget_ms": whole_ms(checker.time), "memory_budget_mb": checker.memory_mb});
    set("checker", budget);
    Value::Object(file)
}

fn whole_ms(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn strip_nulls(value: &mut Value) {
    if let Value::Object(members) = value {
        members.retain(|_, member| !member.is_null());
        members.values_mut().for_each(strip_nulls);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_keep_what_is_said_about_them() {
        let text = r#"{"lifetime": 20, "replicas": 5, "clients": {"count": 3, "rate": 50},
            "requests": 700, "drops": 0.05, "events": [
                {"type": "pause", "time": 1, "target": "leader", "duration": 0.35},
                {"type": "crash", "time": 3, "target": "0002", "keep_data": true},
                {"type": "slow", "time": 5, "target": "follower", "stopped": 0.5},
                {"type": "partition", "time": 8, "shape": "leader_minority", "duration": 2},
                {"type": "isolate_leaders", "time": 11, "shape": "one", "times": 3, "lag": 0.05},
                {"type": "kill", "time": 12, "target": "one"},
                {"type": "partition", "time": 13, "shape": "flapping", "period": 0.25, "direction": "deaf"},
                {"type": "partition", "time": 14, "shape": "hub", "lag": 0.15},
                {"type": "network", "time": 15, "duration": 1.5, "rules": [
                    {"rule": "loss", "probability": 0.25, "from": "leader", "to": ["eu", "follower"]},
                    {"rule": "corrupt", "probability": 0.5}]}],
            "sites": {"eu": ["0001", "0002"], "us": ["0003"]},
            "network": [
                {"rule": "latency", "distribution": "pareto", "min_ms": 2, "shape": 1.5, "start": 2, "end": 4},
                {"rule": "latency", "distribution": "matrix", "matrix_ms": {"eu": {"us": 30}}}]}"#;
        let scenario = Scenario::parse("faults.json", text).unwrap();
        let file = of(&scenario, Seed(7), Naming::Course).unwrap();
        assert_eq!(file["events"][0]["duration"], 0.35);
        assert_eq!(file["events"][3]["shape"], "leader_minority");
        assert_eq!(file["events"][6]["period"], 0.25);
        assert_eq!(file["events"][7]["lag"], 0.15);
        assert_eq!(file["events"][8]["rules"][0]["to"], json!(["0001", "0002", "follower"]));
        assert_eq!(file["network"].as_array().map(Vec::len), Some(3));
        assert_eq!(file["network"][0]["from"], "*");
    }

    #[test]
    fn every_workload_reads_back_as_the_same_scenario() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../workloads");
        let mut stack = vec![std::path::PathBuf::from(folder)];
        let mut seen = 0;
        while let Some(path) = stack.pop() {
            if path.is_dir() {
                stack.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            } else if path.extension().is_some_and(|extension| extension == "json") {
                // Beside a system file stands what is for that.
                let is_of_system = path.components().any(|it| it.as_os_str() == "systems");
                let naming = if is_of_system { Naming::Short } else { Naming::Course };
                let scenario = Scenario::load_as(&path, naming).unwrap();
                of(&scenario, Seed(7), naming)
                    .unwrap_or_else(|why| panic!("{}: {why}", path.display()));
                seen += 1;
            }
        }
        assert!(seen > 20, "only {seen} workloads");
    }
}
