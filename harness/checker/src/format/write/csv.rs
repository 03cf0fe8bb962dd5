//! A row for each event.

use std::io::{self, Write};

use super::survey::{self, Survey};
use super::{Event, Heading, edn, json};
use crate::datum::Datum;
use crate::event::{EventType, F};
use crate::format::csv::cell::{is_collection, is_number};

const HEADER: &str = "process,type,f,key,value,expected,index,time_ns,client,node,error";

/// Writes all rows.
pub(super) fn rows(
    heading: Heading,
    survey: &Survey,
    events: impl Iterator<Item = Event>,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "{HEADER}")?;
    for event in events {
        let (key, value, expected) = cells(heading, survey, &event).unwrap_or_default();
        let (process, kind, f) = (event.process, kind(&event), heading.name(event.f));
        write!(
            out,
            "{process},{kind},{f},{},{},{}",
            quoted(&key),
            quoted(&value),
            quoted(&expected)
        )?;
        let (node, error) = (event.node.unwrap_or_default(), event.error.unwrap_or_default());
        let names = [&event.client, &node, &error].map(|name| quoted(name));
        writeln!(out, ",{},{},{}", event.index, event.time_ns, names.join(","))?;
    }
    Ok(())
}

fn kind(event: &Event) -> &'static str {
    match event.r#type {
        EventType::Ok if event.refused => "refused",
        _ => super::type_of(event),
    }
}

/// The cells of key, value and expected value, or what they cannot hold.
pub(super) fn cells(
    heading: Heading,
    survey: &Survey,
    event: &Event,
) -> Result<(String, String, String), String> {
    let key = match &event.key {
        Datum::Nil => String::new(),
        key @ (Datum::Text(_) | Datum::Integer(_) | Datum::Number(_)) => cell(key, survey, false)?,
        key => return Err(format!("the key {key}")),
    };
    // What a `fail` or an `info` says besides is not looked at.
    if !matches!(event.r#type, EventType::Invoke | EventType::Ok) {
        return Ok((key, String::new(), String::new()));
    }
    if let (F::Cas, Datum::List(pair)) = (event.f, &event.value)
        && let [old, new] = pair.as_slice()
    {
        return Ok((key, cell(new, survey, true)?, cell(old, survey, true)?));
    }
    let word = heading.name(event.f);
    let is_empty_text = match event.r#type {
        EventType::Invoke => matches!(word, "put" | "append"),
        _ => word == "get",
    };
    if event.value == Datum::text("") && is_empty_text {
        return Ok((key, String::new(), String::new()));
    }
    Ok((key, cell(&event.value, survey, is_empty_text)?, String::new()))
}

/// A cell that stands for a value. An empty one stands for nil, unless nil must be told.
fn cell(datum: &Datum, survey: &Survey, tells_nil: bool) -> Result<String, String> {
    match datum {
        Datum::Nil => Ok(if tells_nil { "nil".to_owned() } else { String::new() }),
        Datum::Bool(value) => Ok(value.to_string()),
        Datum::Integer(number) if survey.has_numbers => Ok(number.to_string()),
        Datum::Number(number) if survey.has_numbers && is_number(number) => Ok(number.to_string()),
        Datum::Text(text) if is_plain(text, survey) => Ok(text.to_string()),
        Datum::Text(_) => Ok(json::json(datum)),
        Datum::List(_) | Datum::Map(_) if survey::is_json(datum) => Ok(json::json(datum)),
        Datum::List(_) | Datum::Map(_) | Datum::Set(_) if !has_symbol(datum) => Ok(edn::edn(datum)),
        _ => Err(survey::shown(datum)),
    }
}

/// Whether a word without quotation marks is part of a value, which would be read as a text.
fn has_symbol(datum: &Datum) -> bool {
    match datum {
        Datum::Symbol(_) => true,
        Datum::List(items) | Datum::Set(items) => items.iter().any(has_symbol),
        Datum::Map(entries) => {
            entries.iter().any(|(key, value)| has_symbol(key) || has_symbol(value))
        }
        Datum::Tagged(_, value) => has_symbol(value),
        _ => false,
    }
}

/// Whether a text stands for itself.
fn is_plain(text: &str, survey: &Survey) -> bool {
    let is_word = matches!(text, "" | "nil" | "null" | "true" | "false");
    let is_other = is_word || is_collection(text) || text.starts_with('"');
    let is_read_as_number = survey.has_numbers && is_number(text);
    !is_other && !is_read_as_number && !text.contains(char::is_control)
}

/// A cell by RFC 4180.
fn quoted(cell: &str) -> String {
    let has_blanks = cell.trim_matches([' ', '\t']).len() < cell.len();
    if has_blanks || cell.contains([',', ';', '\t', '"', '\r', '\n']) {
        return format!("\"{}\"", cell.replace('"', "\"\""));
    }
    cell.to_owned()
}
