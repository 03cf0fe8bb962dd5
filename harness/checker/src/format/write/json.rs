//! The forms that are made of JSON: one object a line.

use std::io::{self, Write};

use rustc_hash::FxHashMap;

use super::survey::Survey;
use super::{Event, Heading, NOT_DONE, needs_reason, type_of};
use crate::datum::Datum;
use crate::event::{EventType, F};
use crate::format::jsonl::SCHEMA;

/// A value as JSON, which is known to be able to say it.
pub(super) fn json(datum: &Datum) -> String {
    serde_json::to_string(datum).unwrap_or_default()
}

fn text(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

fn or_null(told: Option<&str>) -> String {
    told.map_or("null".to_owned(), text)
}

/// The project's own form.
pub(super) fn journal(
    heading: Heading,
    survey: &Survey,
    events: impl Iterator<Item = Event>,
    out: &mut dyn Write,
) -> io::Result<()> {
    write!(out, "{{\"schema\":{SCHEMA},\"kind\":\"history\"")?;
    if let Some(model) = heading.model {
        write!(out, ",\"model\":{}", text(model.name()))?;
    }
    if survey.has_refused {
        write!(out, ",\"failed_cas\":\"refused\"")?;
    }
    writeln!(out, "}}")?;
    for event in events {
        let Event { index, time_ns, process, .. } = event;
        write!(out, "{{\"index\":{index},\"time_ns\":{time_ns},\"process\":{process}")?;
        let (client, kind, f) = (text(&event.client), type_of(&event), heading.name(event.f));
        write!(out, ",\"client\":{client},\"type\":\"{kind}\",\"f\":\"{f}\"")?;
        write!(out, ",\"key\":{},\"value\":{}", json(&event.key), json(&event.value))?;
        let error = event.error.as_deref();
        let error = error.or(needs_reason(survey, &event).then_some(NOT_DONE));
        let node = or_null(event.node.as_deref());
        writeln!(out, ",\"node\":{node},\"error\":{}}}", or_null(error))?;
    }
    Ok(())
}

/// Jepsen's maps.
pub(super) fn jepsen(
    heading: Heading,
    survey: &Survey,
    events: impl Iterator<Item = Event>,
    out: &mut dyn Write,
) -> io::Result<()> {
    for event in events {
        let (kind, f) = (type_of(&event), heading.name(event.f));
        write!(out, "{{\"index\":{},\"time\":{}", event.index, event.time_ns)?;
        write!(out, ",\"process\":{},\"type\":\"{kind}\",\"f\":\"{f}\"", event.process)?;
        if !event.key.is_nil() {
            write!(out, ",\"key\":{}", json(&event.key))?;
        }
        write!(out, ",\"value\":{}", json(&event.value))?;
        let error = event.error.as_deref();
        let error = error.or(needs_reason(survey, &event).then_some(NOT_DONE));
        let client = Some(event.client.as_str()).filter(|client| !client.is_empty());
        for (name, told) in [("client", client), ("node", event.node.as_deref()), ("error", error)]
        {
            if let Some(told) = told {
                write!(out, ",\"{name}\":{}", text(told))?;
            }
        }
        writeln!(out, "}}")?;
    }
    Ok(())
}

/// The input of a call, as Porcupine has it.
fn input(heading: Heading, event: &Event) -> String {
    let mut input = format!("{{\"op\":\"{}\"", heading.name(event.f));
    let mut add = |name: &str, datum: &Datum| {
        input.extend([",\"", name, "\":", &json(datum)]);
    };
    if !event.key.is_nil() {
        add("key", &event.key);
    }
    match (&event.value, event.f) {
        (Datum::List(pair), F::Cas) if pair.len() == 2 => {
            add("expected", &pair[0]);
            add("value", &pair[1]);
        }
        (_, f) if f.takes_nothing() => {}
        (value, _) => add("value", value),
    }
    input.push('}');
    input
}

/// The output of a call.
fn output(event: &Event) -> String {
    match event.f {
        F::Cas => format!("{{\"ok\":{}}}", !event.refused),
        F::Put | F::Append => "{}".to_owned(),
        _ if event.value.is_nil() => "{}".to_owned(),
        _ => format!("{{\"value\":{}}}", json(&event.value)),
    }
}

/// Porcupine's operations. Where the times do not put the events in their order, their indices do.
pub(super) fn operations(
    heading: Heading,
    survey: &Survey,
    events: impl Iterator<Item = Event>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let time = |event: &Event| if survey.times_are_in_order { event.time_ns } else { event.index };
    let mut open: FxHashMap<u64, (u64, String)> = FxHashMap::default();
    for event in events {
        if event.r#type == EventType::Invoke {
            let (input, call) = (input(heading, &event), time(&event));
            let begun =
                format!("{{\"clientId\":{},\"input\":{input},\"call\":{call}", event.process);
            open.insert(event.process, (event.index, begun));
        } else if let Some((index, begun)) = open.remove(&event.process) {
            if event.r#type == EventType::Info {
                open.insert(event.process, (index, begun));
                continue;
            }
            writeln!(out, "{begun},\"output\":{},\"return\":{}}}", output(&event), time(&event))?;
        }
    }
    let mut unknown: Vec<(u64, String)> = open.into_values().collect();
    unknown.sort_unstable();
    for (_, begun) in unknown {
        writeln!(out, "{begun},\"output\":null,\"return\":null}}")?;
    }
    Ok(())
}

/// Porcupine's events. The id of an operation is the index of its call.
pub(super) fn calls_and_returns(
    heading: Heading,
    events: impl Iterator<Item = Event>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut open: FxHashMap<u64, u64> = FxHashMap::default();
    for event in events {
        let process = event.process;
        let (kind, value, id) = match event.r#type {
            EventType::Invoke => {
                open.insert(process, event.index);
                ("call", input(heading, &event), event.index)
            }
            EventType::Info => continue,
            _ => ("return", output(&event), open.remove(&process).unwrap_or_default()),
        };
        writeln!(
            out,
            "{{\"clientId\":{process},\"kind\":\"{kind}\",\"value\":{value},\"id\":{id}}}"
        )?;
    }
    Ok(())
}
