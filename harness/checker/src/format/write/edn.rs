//! The forms whose values are EDN: Jepsen's maps, Knossos's tuples, columns and logs.

use std::io::{self, Write};

use super::survey::Survey;
use super::{Event, Heading, NOT_DONE, needs_reason, type_of};
use crate::datum::Datum;
use crate::event::{EventType, F};

/// A value as EDN, on one line.
pub(super) fn edn(datum: &Datum) -> String {
    let mut out = String::new();
    put(datum, &mut out);
    out
}

fn put(datum: &Datum, out: &mut String) {
    match datum {
        Datum::Text(text) => put_text(text, out),
        Datum::Char(c) => out.push_str(&character(*c)),
        Datum::List(items) => all("[", items, "]", out),
        Datum::Set(items) => all("#{", items, "}", out),
        Datum::Map(entries) => {
            out.push('{');
            for (at, (key, value)) in entries.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { ", " });
                put(key, out);
                out.push(' ');
                put(value, out);
            }
            out.push('}');
        }
        Datum::Tagged(tag, value) => {
            out.extend(["#", tag, " "]);
            put(value, out);
        }
        Datum::Nil | Datum::Bool(_) | Datum::Integer(_) | Datum::Number(_) => {
            out.push_str(&datum.to_string());
        }
        Datum::Keyword(_) | Datum::Symbol(_) => out.push_str(&datum.to_string()),
    }
}

fn all(open: &str, items: &[Datum], close: &str, out: &mut String) {
    out.push_str(open);
    for (at, item) in items.iter().enumerate() {
        out.push_str(if at == 0 { "" } else { " " });
        put(item, out);
    }
    out.push_str(close);
}

fn put_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&unit(c)),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// A character by its number, which is below 2^16.
fn unit(c: char) -> String {
    format!("\\u{:04x}", u32::from(c))
}

fn character(c: char) -> String {
    let name = match c {
        '\n' => "newline",
        '\r' => "return",
        ' ' => "space",
        '\t' => "tab",
        '\u{8}' => "backspace",
        '\u{c}' => "formfeed",
        c if c.is_control() || c.is_whitespace() => return unit(c),
        c => return format!("\\{c}"),
    };
    format!("\\{name}")
}

/// The error of an event, if it has one or needs one.
fn error(survey: &Survey, event: &Event) -> Option<String> {
    let told = event.error.as_deref();
    let told = told.or(needs_reason(survey, event).then_some(NOT_DONE))?;
    Some(edn(&Datum::text(told)))
}

/// The value of an event, with its key in front where events have keys.
fn value(survey: &Survey, event: &Event) -> String {
    if !survey.has_keys {
        return edn(&event.value);
    }
    format!("[{} {}]", edn(&event.key), edn(&event.value))
}

/// Jepsen's maps.
pub(super) fn maps(
    heading: Heading,
    survey: &Survey,
    events: impl Iterator<Item = Event>,
    out: &mut dyn Write,
) -> io::Result<()> {
    for event in events {
        let (kind, f) = (type_of(&event), heading.name(event.f));
        write!(out, "{{:index {}, :time {}", event.index, event.time_ns)?;
        write!(out, ", :process {}, :type :{kind}, :f :{f}", event.process)?;
        if !event.key.is_nil() {
            write!(out, ", :key {}", edn(&event.key))?;
        }
        write!(out, ", :value {}", edn(&event.value))?;
        let name = |name: &str| edn(&Datum::text(name));
        let client = Some(event.client.as_str()).filter(|client| !client.is_empty()).map(name);
        let node = event.node.as_deref().map(name);
        for (name, told) in [("client", client), ("node", node), ("error", error(survey, &event))] {
            if let Some(told) = told {
                write!(out, ", :{name} {told}")?;
            }
        }
        writeln!(out, "}}")?;
    }
    Ok(())
}

/// Knossos's tuples.
pub(super) fn tuples(
    heading: Heading,
    survey: &Survey,
    events: impl Iterator<Item = Event>,
    out: &mut dyn Write,
) -> io::Result<()> {
    for event in events {
        let (kind, f, value) = (type_of(&event), heading.name(event.f), value(survey, &event));
        write!(out, "[{} :{kind} :{f} {value}", event.process)?;
        if let Some(error) = error(survey, &event) {
            write!(out, " {error}")?;
        }
        writeln!(out, "]")?;
    }
    Ok(())
}

/// Process, type, function and value between tabs, and an error behind them.
fn in_columns(heading: Heading, survey: &Survey, event: &Event) -> String {
    let (kind, f, value) = (type_of(event), heading.name(event.f), value(survey, event));
    let error = error(survey, event).map(|error| format!("\t{error}")).unwrap_or_default();
    format!("{}\t:{kind}\t:{f}\t{value}{error}", event.process)
}

/// Jepsen's `history.txt`.
pub(super) fn columns(
    heading: Heading,
    survey: &Survey,
    mut events: impl Iterator<Item = Event>,
    out: &mut dyn Write,
) -> io::Result<()> {
    events.try_for_each(|event| writeln!(out, "{}", in_columns(heading, survey, &event)))
}

/// The log of today's Jepsen, as if the run had begun with the year 1970.
pub(super) fn log(
    heading: Heading,
    survey: &Survey,
    mut events: impl Iterator<Item = Event>,
    out: &mut dyn Write,
) -> io::Result<()> {
    events.try_for_each(|event| {
        let (time, worker) = (timestamp(event.time_ns / 1_000_000), event.process);
        let columns = in_columns(heading, survey, &event);
        writeln!(out, "{time}{{GMT}}\tINFO\t[jepsen worker {worker}] jepsen.util: {columns}")
    })
}

/// The log of old Jepsen tests, in which a compare-and-set that just fails was refused.
pub(super) fn old_log(
    heading: Heading,
    survey: &Survey,
    mut events: impl Iterator<Item = Event>,
    out: &mut dyn Write,
) -> io::Result<()> {
    events.try_for_each(|event| {
        let (kind, f) = (type_of(&event), heading.name(event.f));
        let is_not_done = event.r#type == EventType::Fail && event.f == F::Cas;
        let value = if is_not_done { ":timed-out".to_owned() } else { value(survey, &event) };
        writeln!(out, "INFO  jepsen.util - {}\t:{kind}\t:{f}\t{value}", event.process)
    })
}

/// Milliseconds since 1970 as Jepsen's log has them.
fn timestamp(ms: u64) -> String {
    const DAY_MS: u64 = 86_400_000;
    let (mut days, ms) = (ms / DAY_MS, ms % DAY_MS);
    let mut year = 1970;
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (day, hour, minute) = (days + 1, ms / 3_600_000, ms / 60_000 % 60);
    let (second, ms) = (ms / 1000 % 60, ms % 1000);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02},{ms:03}")
}
