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
    if let (Value::Object(value), Some(properties)) = (value, schema["properties"].as_object()) {
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
fn a_verdict_fits_its_schema() {
    let schema: Value = serde_json::from_str(VERDICT).unwrap();
    let sample = Sample::new();
    let line = crate::report::json_line(&sample.finished(Path::new("results")));
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
