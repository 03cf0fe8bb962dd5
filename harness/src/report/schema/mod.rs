//! JSON Schemas of what is read and written, for editors and for other tools.
//!
//! That of workloads is made from the table of keys, so that it says what the reader does; `cases`
//! adds what depends on the kind of a fault or a rule.

mod cases;

use serde_json::{Map, Value, json};

use crate::scenario::{Key, Shape, keys, pattern, system_keys};

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The shape of `verdict.json`.
pub const VERDICT: &str = include_str!("verdict.json");

/// The shape of a line of `history.jsonl`.
pub const HISTORY: &str = include_str!("history.json");

/// The lines between the harness and the program of a client.
pub const CLIENT: &str = include_str!("client.json");

/// The shape of a workload file.
pub fn workload() -> Value {
    titled(object(keys(), ""), "A workload of the harness")
}

/// The shape of a system file, as JSON: editors take it for TOML, too.
pub fn system() -> Value {
    titled(object(system_keys(), ""), "A system under test of the harness")
}

fn titled(mut schema: Value, title: &str) -> Value {
    let top = json!({"$schema": DIALECT, "title": title});
    if let (Value::Object(schema), Value::Object(top)) = (&mut schema, top) {
        schema.extend(top);
    }
    schema
}

/// The object with this path: its keys, and no others.
fn object(table: &'static [Key], path: &str) -> Value {
    let own: Vec<&Key> = table.iter().filter(|key| key.parent() == path).collect();
    let required: Vec<&str> =
        own.iter().filter(|key| key.default == "required").map(|key| key.name()).collect();
    let properties: Map<String, Value> =
        own.iter().map(|key| (key.name().to_owned(), property(table, key))).collect();
    let mut schema = json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    let cases = cases::of(path);
    if !cases.is_empty() {
        schema["allOf"] = json!(cases);
    }
    schema
}

fn property(table: &'static [Key], key: &Key) -> Value {
    let mut schema = shape(table, key);
    let default = match key.default {
        "required" => "required".to_owned(),
        default => format!("default: {default}"),
    };
    schema["description"] = json!(format!("{} ({}; {default})", key.meaning, key.allowed()));
    schema
}

fn shape(table: &'static [Key], key: &Key) -> Value {
    match key.shape {
        Shape::Number { min, max } => json!({"type": "number", "minimum": min, "maximum": max}),
        Shape::Whole { min, max } => json!({"type": "integer", "minimum": min, "maximum": max}),
        Shape::Text { max_chars } | Shape::Template { max_chars } => {
            json!({"type": "string", "maxLength": max_chars})
        }
        Shape::Flag => json!({"type": "boolean"}),
        Shape::Templates { max_items } => json!({
            "type": "array",
            "maxItems": max_items,
            "items": {"type": "string"},
        }),
        Shape::Named => json!({"type": "object", "additionalProperties": {"type": "string"}}),
        Shape::Statuses => json!({
            "type": "array",
            "items": {"anyOf": [
                {"type": "integer", "minimum": 100, "maximum": 599},
                {"type": "string", "pattern": "^[1-5]xx$"},
            ]},
        }),
        Shape::Range { min, max } => {
            let number = json!({"type": "number", "minimum": min, "maximum": max});
            json!({"anyOf": [
                number.clone(),
                {"type": "array", "items": number, "minItems": 2, "maxItems": 2},
            ]})
        }
        Shape::Choice(words) => json!({"enum": words}),
        Shape::Nodes => json!({"type": ["string", "array"], "items": {"type": "string"}}),
        Shape::Sites => json!({
            "type": "object",
            "additionalProperties": {
                "type": "array",
                "items": {"type": "string", "pattern": "^[0-9A-F]{4}$"},
            },
        }),
        Shape::Matrix => json!({
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "additionalProperties": {"type": "number", "minimum": 0, "maximum": 600_000},
            },
        }),
        Shape::Object => object(table, key.path),
        Shape::Objects { max_items } => json!({
            "type": "array",
            "maxItems": max_items,
            "items": object(table, pattern(&format!("{}[]", key.path))),
        }),
        Shape::Tiers => json!({
            "type": "array",
            "items": {"type": "number", "minimum": 0},
            "minItems": 3,
            "maxItems": 3,
        }),
    }
}

#[cfg(test)]
mod tests;
