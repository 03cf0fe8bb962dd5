//! The schemas say what is really read and written.

use std::path::Path;

use super::*;
use crate::report::sample::Sample;

/// What `value` has that `schema` does not allow, as far as these schemas go.
fn problems(schema: &Value, root: &Value, value: &Value, place: &str) -> Vec<String> {
    let schema = match schema["$ref"].as_str() {
        Some(name) => &root["$defs"][name.trim_start_matches("#/$defs/")],
        None => schema,
    };
    if let Some(ways) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
        let all: Vec<_> = ways.iter().map(|way| problems(way, root, value, place)).collect();
        return if all.iter().any(Vec::is_empty) { Vec::new() } else { all.concat() };
    }
    if *schema == Value::Bool(false) {
        return vec![format!("{place} is not allowed")];
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let mut found = Vec::new();
    let fits_too = |schema: &Value| problems(schema, root, value, place).is_empty();
    for case in schema["allOf"].as_array().into_iter().flatten() {
        if fits_too(&case["if"]) {
            found.extend(problems(&case["then"], root, value, place));
        }
    }
    if !schema["not"].is_null() && fits_too(&schema["not"]) {
        found.push(format!("{place} is one of those that are not meant"));
    }
    if !schema["const"].is_null() && schema["const"] != *value {
        found.push(format!("{place} is {value}, not {}", schema["const"]));
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        types => types.as_array().into_iter().flatten().filter_map(Value::as_str).collect(),
    };
    let fits = |name: &&str| *name == kind || (*name == "number" && kind == "integer");
    if !types.is_empty() && !types.iter().any(fits) {
        found.push(format!("{place} is {kind}, not {types:?}"));
    }
    let words = schema["enum"].as_array();
    if words.is_some_and(|words| !words.contains(value)) {
        found.push(format!("{place} is {value}, not one of {}", schema["enum"]));
    }
    for item in value.as_array().into_iter().flatten() {
        found.extend(problems(&schema["items"], root, item, &format!("{place}[]")));
    }
    if let Value::Object(value) = value {
        let none = Map::new();
        let properties = schema["properties"].as_object().unwrap_or(&none);
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !value.contains_key(name) {
                found.push(format!("{place}.{name} is missing"));
            }
        }
        for (name, value) in value {
            let place = format!("{place}.{name}");
            match properties.get(name) {
                Some(schema) => found.extend(problems(schema, root, value, &place)),
                None if schema["additionalProperties"] == false => {
                    found.push(format!("{place} is unknown"));
                }
                None => {}
            }
        }
    }
    found
}

#[track_caller]
fn fits(schema: &Value, value: &Value, name: &str) {
    let found = problems(schema, schema, value, name);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_workload_that_ships_fits_the_schema_and_a_misspelt_key_does_not() {
    let schema = workload();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../workloads");
    let mut folders = vec![root];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "json") {
                let text = std::fs::read_to_string(&path).unwrap();
                let value = serde_json::from_str(&text).unwrap();
                fits(&schema, &value, &path.display().to_string());
                seen += 1;
            }
        }
    }
    assert!(seen > 30, "only {seen} workloads");
    let wrong = json!({"lifetime": 9, "replicas": 5, "clients": {"cuont": 3}});
    let found = problems(&schema, &schema, &wrong, "it");
    assert_eq!(found, ["it.clients.cuont is unknown"]);
}

#[test]
fn what_a_fault_or_a_rule_does_not_take_or_lacks_is_a_problem() {
    let schema = workload();
    let found = |events: Value, network: Value| {
        let it = json!({"lifetime": 9, "replicas": 5, "events": events, "network": network});
        problems(&schema, &schema, &it, "it")
    };
    let none = json!([]);
    for (event, problem) in [
        (
            json!({"type": "kill", "time": 1, "disk_fault": "full"}),
            Some("it.events[].disk_fault is not allowed"),
        ),
        (json!({"type": "disk", "time": 1}), Some("it.events[].disk_fault is missing")),
        (json!({"type": "disk", "time": 1, "disk_fault": "full"}), None),
    ] {
        assert_eq!(found(json!([event]), none.clone()), Vec::from_iter(problem), "{event}");
    }
    for (rule, problem) in [
        (json!({"rule": "loss"}), Some("it.network[].probability is missing")),
        (json!({"rule": "cut", "ms": 3}), Some("it.network[].ms is not allowed")),
        (json!({"rule": "latency"}), Some("it.network[].ms is missing")),
        (json!({"rule": "latency", "distribution": "normal", "mean_ms": 1, "sd_ms": 2}), None),
        (
            json!({"rule": "latency", "distribution": "exponential", "ms": 1, "mean_ms": 1}),
            Some("it.network[].ms is not allowed"),
        ),
    ] {
        assert_eq!(found(none.clone(), json!([rule])), Vec::from_iter(problem), "{rule}");
    }
}

#[test]
fn the_words_of_a_schema_are_those_of_the_program() {
    use checker::EventType::{Fail, Info, Invoke, Ok};

    use crate::verdict::Question::{Durability, Environment, Evidence, Liveness, Process, Safety};
    use crate::verdict::Standing::{Invalid, Unknown, Valid};

    let words = |schema: &str, path: &str| {
        let schema: Value = serde_json::from_str(schema).unwrap();
        schema.pointer(path).unwrap_or_else(|| panic!("{path}"))["enum"].clone()
    };
    let functions = checker::F::NAMES.map(|(name, _)| name);
    assert_eq!(words(HISTORY, "/$defs/event/properties/f"), json!(functions));
    assert_eq!(words(HISTORY, "/$defs/event/properties/type"), json!([Invoke, Ok, Fail, Info]));
    let questions = [Safety, Durability, Process, Liveness, Environment, Evidence];
    assert_eq!(words(VERDICT, "/$defs/answer/properties/question"), json!(questions));
    assert_eq!(
        words(VERDICT, "/$defs/answer/properties/standing"),
        json!([Valid, Invalid, Unknown])
    );
}

#[test]
fn a_verdict_fits_its_schema() {
    let schema: Value = serde_json::from_str(VERDICT).unwrap();
    let sample = Sample::new();
    let line = crate::report::json_line(&sample.finished(Path::new("results")));
    fits(&schema, &serde_json::from_str(&line).unwrap(), "verdict");
}

#[test]
fn a_verdict_with_a_witness_fits_its_schema() {
    let history = br#"[{"process":0,"type":"invoke","f":"read","value":null},
        {"process":0,"type":"ok","f":"read","value":7}]"#;
    let format = checker::format::Format::detect(history).unwrap();
    let read = checker::format::read(history, format, checker::Reading::default()).unwrap();
    let report = checker::check(&read.history, &checker::Options::default());
    let checker::Verdict::Invalid(witness) = report.verdict else { panic!("no client wrote 7") };
    let schema: Value = serde_json::from_str(VERDICT).unwrap();
    let sample = Sample::new();
    let mut finished = sample.finished(Path::new("results"));
    finished.witness = Some(&witness);
    let line = crate::report::json_line(&finished);
    fits(&schema, &serde_json::from_str(&line).unwrap(), "verdict");
}

#[test]
fn a_history_fits_its_schema() {
    let schema: Value = serde_json::from_str(HISTORY).unwrap();
    let header =
        json!({"schema": 1, "kind": "history", "model": "kv", "scenario": "demo", "seed": 7});
    fits(&schema, &header, "header");
    let event = json!({"index": 0, "time_ns": 5, "process": 0, "client": "0015", "type": "invoke",
        "f": "put", "key": "x", "value": "1", "node": null, "error": null});
    fits(&schema, &event, "event");
    let wrong = json!({"index": 0, "type": "invoked"});
    assert!(!problems(&schema, &schema, &wrong, "event").is_empty());
}
