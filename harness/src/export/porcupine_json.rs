//! The history as Porcupine has it: an object an operation, one a line, in the order of their ends.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use checker::event::{Event, EventType};
use serde_json::{Value, json};

use crate::files::stored;

/// Writes the history of the run in `folder`; what `harness check` reads again. What certainly was
/// not done is left out; an operation of unknown end has no `return`.
pub fn write(folder: &Path, mut out: impl Write) -> io::Result<()> {
    let mut open: BTreeMap<u64, Value> = BTreeMap::new();
    for line in BufReader::new(stored::open(&folder.join("history.jsonl"))?).lines().skip(1) {
        let line = line?;
        // A last line that was cut off is no event.
        let Ok(event) = serde_json::from_str::<Event<'_>>(&line) else { break };
        let process = event.process;
        match event.r#type {
            EventType::Invoke => {
                let mut input = json!({"op": event.f.name(), "key": event.key});
                if let Some(value) = &event.value {
                    input["value"] = json!(value);
                }
                let call = json!({"clientId": process, "input": input, "call": event.time_ns});
                open.insert(process, call);
            }
            EventType::Ok => {
                let Some(mut operation) = open.remove(&process) else { continue };
                operation["output"] = match (event.f.name(), &event.value) {
                    ("get", Some(value)) => json!({"value": value}),
                    _ => json!({}),
                };
                operation["return"] = json!(event.time_ns);
                writeln!(out, "{operation}")?;
            }
            EventType::Fail => {
                open.remove(&process);
            }
            EventType::Info => {}
        }
    }
    for operation in open.values() {
        writeln!(out, "{operation}")?;
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_a_line_and_the_unknown_have_no_end() {
        let folder = tempfile::tempdir().unwrap();
        let event = |index, process, kind, f, value: &str| {
            format!(
                r#"{{"index":{index},"time_ns":{index},"process":{process},"client":"0015","type":"{kind}","f":"{f}","key":"x","value":{value},"node":null,"error":null}}"#
            )
        };
        let history = [
            r#"{"schema":1}"#.to_owned(),
            event(0, 1, "invoke", "put", r#""a""#),
            event(1, 2, "invoke", "get", "null"),
            event(2, 2, "ok", "get", r#""a""#),
            event(3, 1, "info", "put", r#""a""#),
        ];
        std::fs::write(folder.path().join("history.jsonl"), history.join("\n")).unwrap();
        let mut out = Vec::new();
        write(folder.path(), &mut out).unwrap();
        let operations: Vec<Value> =
            out.split(|&b| b == b'\n').filter_map(|it| serde_json::from_slice(it).ok()).collect();
        assert_eq!(operations.len(), 2);
        assert_eq!(operations[0]["output"]["value"], "a");
        assert_eq!((&operations[1]["call"], &operations[1]["return"]), (&json!(0), &Value::Null));
    }
}
