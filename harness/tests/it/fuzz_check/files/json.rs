//! The project's own format, and Jepsen's operations as JSON.

use rand::RngExt as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;

use super::{Pieces, Row, Style};
use crate::fuzz_check::generate::chance;
use crate::fuzz_check::history::{Event, Kind};
use crate::fuzz_check::model::Model;
use crate::fuzz_check::value::Val;

/// A header, then an event a line.
pub fn lines(
    model: Model,
    rows: &[Row<'_>],
    style: &Style,
    rng: &mut ChaCha8Rng,
) -> Option<Pieces> {
    let mut pieces = Pieces { head: header(model, rng), between: "\n", ..Pieces::default() };
    for (place, row) in (0..).zip(rows) {
        let Row::Event(event) = row else { continue };
        let line = match journal(event, style, place, rng) {
            Some(line) if chance(rng, 70) => line,
            _ => object(event, style, place, "time_ns", rng)?,
        };
        let begin = if chance(rng, 2) { "\n" } else { "" };
        let end = if chance(rng, 3) { "\r" } else { "" };
        pieces.rows.push(format!("{begin}{line}{end}"));
    }
    pieces.tail = "\n".to_owned();
    Some(pieces)
}

fn header(model: Model, rng: &mut ChaCha8Rng) -> String {
    match rng.random_range(0..3) {
        0 => "{\"schema\":1}\n".to_owned(),
        1 => "{\"schema\":1,\"kind\":\"history\",\"seed\":7}\n".to_owned(),
        _ => format!("{{\"schema\": 1, \"kind\": \"history\", \"model\": \"{}\"}}\n", model.name()),
    }
}

/// A line just as the journal of a run has it, if the event is one that a run can have.
fn journal(event: &Event, style: &Style, place: u64, rng: &mut ChaCha8Rng) -> Option<String> {
    let text = |value: &Val, rng: &mut ChaCha8Rng| match value {
        Val::Text(_) => value.json(rng),
        _ => None,
    };
    let index = style.number(place)?;
    if style.key_in_value || style.says_read {
        return None;
    }
    let key = text(event.key.as_ref()?, rng)?;
    let value = if event.value == Val::Nil { "null".to_owned() } else { text(&event.value, rng)? };
    let error = if event.has_error { "\"timeout\"" } else { "null" };
    let Event { process, time_ns, kind, .. } = event;
    let (kind, f) = (kind.name(), style.name(event));
    Some(format!(
        "{{\"index\":{index},\"time_ns\":{time_ns},\"process\":{process},\"client\":\"c{process}\",\
         \"type\":\"{kind}\",\"f\":\"{f}\",\"key\":{key},\"value\":{value},\"node\":null,\
         \"error\":{error}}}"
    ))
}

/// Any event as an object, its fields in any order.
fn object(
    event: &Event,
    style: &Style,
    place: u64,
    time: &str,
    rng: &mut ChaCha8Rng,
) -> Option<String> {
    let (key, value) = style.laid_out(event, rng);
    let mut fields = vec![
        format!("\"process\":{}", event.process),
        format!("\"type\":\"{}\"", event.kind.name()),
        format!("\"f\":\"{}\"", style.name(event)),
    ];
    fields.extend(style.number(place).map(|index| format!("\"index\": {index}")));
    if style.has_times {
        fields.push(format!("\"{time}\":{}", event.time_ns));
    }
    if let Some(key) = key {
        fields.push(format!("\"key\":{}", key.json(rng)?));
    }
    if value != Val::Nil || event.kind != Kind::Ok || chance(rng, 60) {
        fields.push(format!("\"value\": {}", value.json(rng)?));
    }
    if event.has_error {
        fields.push("\"error\":\"timeout\"".to_owned());
    } else if chance(rng, 10) {
        fields.push("\"error\":null".to_owned());
    }
    if chance(rng, 20) {
        fields.push("\"node\":\"n1\"".to_owned());
    }
    if chance(rng, 30) {
        fields.shuffle(rng);
    }
    let separator = if chance(rng, 50) { "," } else { ", " };
    Some(format!("{{{}}}", fields.join(separator)))
}

/// Objects on lines of their own, or in one list.
pub fn jepsen(
    rows: &[Row<'_>],
    style: &Style,
    is_list: bool,
    rng: &mut ChaCha8Rng,
) -> Option<Pieces> {
    let mut objects = Vec::new();
    let is_indented = chance(rng, 30);
    for (place, row) in (0..).zip(rows) {
        let object = match row {
            Row::Event(event) => object(event, style, place, "time", rng)?,
            Row::Nemesis => {
                let index = style.number(place);
                let index = index.map_or_else(String::new, |it| format!(",\"index\":{it}"));
                format!(
                    "{{\"process\":\"nemesis\",\"type\":\"info\",\"f\":\"start\",\"value\":null{index}}}"
                )
            }
        };
        objects.push(if is_indented { object.replacen('{', "{\n  ", 1) } else { object });
    }
    if !is_list {
        return Some(Pieces {
            rows: objects,
            between: "\n",
            tail: "\n".into(),
            ..Pieces::default()
        });
    }
    Some(Pieces {
        head: "[".to_owned(),
        rows: objects,
        between: if is_indented { ",\n" } else { "," },
        tail: if chance(rng, 50) { "]\n" } else { "]" }.to_owned(),
    })
}
