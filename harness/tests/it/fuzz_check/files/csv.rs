//! CSV with a row for each event.

use rand::RngExt as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;

use super::edn::on_lines;
use super::{Pieces, Row, Style};
use crate::fuzz_check::generate::chance;
use crate::fuzz_check::history::{Event, F, Kind};
use crate::fuzz_check::value::Val;

pub fn rows(rows: &[Row<'_>], style: &Style, rng: &mut ChaCha8Rng) -> Option<Pieces> {
    let mut columns = vec!["process", "type", "f", "value"];
    let events: Vec<&Event> = rows
        .iter()
        .filter_map(|row| if let Row::Event(it) = row { Some(*it) } else { None })
        .collect();
    if !style.key_in_value && events.iter().any(|event| event.key.is_some()) {
        columns.push("key");
    }
    if style.has_times {
        columns.push("time_ns");
    }
    if events.iter().any(|event| event.has_error) {
        columns.push("error");
    }
    let says_pairs = style.key_in_value || chance(rng, 50);
    if !says_pairs {
        columns.push("expected");
    }
    columns.shuffle(rng);
    let separator = [",", ",", ";", "\t"][rng.random_range(0..4)];
    let quoted_names = chance(rng, 30);
    let name = |name: &&str| if quoted_names { format!("\"{name}\"") } else { (*name).to_owned() };
    let head = columns.iter().map(name).collect::<Vec<_>>().join(separator) + "\n";
    let mut texts = Vec::new();
    // A bare number is a text where get, put and append are said.
    let is_typed =
        events.iter().all(|event| !matches!(event.name(style), "get" | "put" | "append"));
    for event in events {
        let (key, value) = style.laid_out(event, rng);
        let mut cells = Vec::new();
        let is_number = |value: &Val| matches!(value, Val::Num(_));
        let holds_number =
            event.f == F::Cas && value.halves().is_some_and(|(a, b)| is_number(a) || is_number(b));
        // A bare number in a pair of both values is a text as well.
        if holds_number && !is_typed && !style.key_in_value {
            return None;
        }
        let (expected, value) = match value.halves() {
            Some((old, new)) if event.f == F::Cas && !says_pairs => {
                (cell(old, is_typed, rng)?, cell(new, is_typed, rng)?)
            }
            _ if event.f == F::Cas && value == Val::Nil => (String::new(), String::new()),
            _ if is_given(event, &value) => (String::new(), cell(&value, is_typed, rng)?),
            _ => (String::new(), String::new()),
        };
        for column in &columns {
            cells.push(match *column {
                "process" => event.process.to_string(),
                "type" => event.kind.name().to_owned(),
                "f" => style.name(event).to_owned(),
                "value" => value.clone(),
                "expected" => expected.clone(),
                "key" => match &key {
                    Some(key) => cell(key, is_typed, rng)?,
                    None => return None,
                },
                "time_ns" => event.time_ns.to_string(),
                _ if event.has_error => "timeout".to_owned(),
                _ => String::new(),
            });
        }
        texts.push(cells.join(separator));
    }
    Some(Pieces { head, ..on_lines(texts) })
}

impl Event {
    fn name(&self, style: &Style) -> &'static str {
        style.name(self)
    }
}

/// Whether something has to stand in the cell of the value.
fn is_given(event: &Event, value: &Val) -> bool {
    let writes = matches!(event.f, F::Put | F::Append) && event.kind == Kind::Invoke;
    let was_read = event.f == F::Get && event.kind == Kind::Ok;
    *value != Val::Nil || writes || was_read
}

/// A cell with this value; none if no cell says it.
fn cell(value: &Val, is_typed: bool, rng: &mut ChaCha8Rng) -> Option<String> {
    let plain = match value {
        Val::Num(_) if !is_typed => return None,
        Val::Num(number) => number.plain(),
        Val::Text(text) if is_plain(text) && chance(rng, 80) => text.clone(),
        other => other.json(rng)?,
    };
    let is_plain = plain.chars().all(|letter| letter.is_alphanumeric() || ".-".contains(letter));
    Some(if is_plain && chance(rng, 80) {
        plain
    } else {
        format!("\"{}\"", plain.replace('"', "\"\""))
    })
}

/// Whether a bare text is what it says.
fn is_plain(text: &str) -> bool {
    let is_word = text.starts_with(|letter: char| letter.is_alphabetic());
    is_word
        && text.chars().all(char::is_alphanumeric)
        && !["nil", "null", "true", "false"].contains(&text)
}
