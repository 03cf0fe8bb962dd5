//! Jepsen's maps and Knossos's tuples, in EDN.

use rand::RngExt as _;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand_chacha::ChaCha8Rng;

use super::{Pieces, Row, Style};
use crate::fuzz_check::generate::chance;
use crate::fuzz_check::history::Event;
use crate::fuzz_check::value::Val;

/// The parts of an event's map.
fn parts(row: &Row<'_>, style: &Style, place: u64, rng: &mut ChaCha8Rng) -> Vec<String> {
    let index = style.number(place).map(|index| format!(":index {index}"));
    let Row::Event(event) = row else {
        let process = ":process :nemesis".to_owned();
        let parts = [process, ":type :info".into(), ":f :start".into(), ":value nil".into()];
        return parts.into_iter().chain(index).collect();
    };
    let (key, value) = style.laid_out(event, rng);
    let mut parts = vec![
        format!(":process {}", event.process),
        format!(":type :{}", event.kind.name()),
        format!(":f :{}", style.name(event)),
        format!(":value {}", value.edn(rng)),
    ];
    parts.extend(index);
    if style.has_times {
        parts.push(format!(":time {}", event.time_ns));
    }
    parts.extend(key.map(|key| format!(":key {}", key.edn(rng))));
    if event.has_error {
        let errors = [":timeout", "\"timed out\"", "[:io \"a } b\"]", "{:a {:b #{1}}}"];
        parts.push(format!(":error {}", errors.choose(rng).expect("some")));
    }
    if chance(rng, 20) {
        parts.push(":link \"\\\"x\\\" \\\\ y\"".to_owned());
    }
    if chance(rng, 30) {
        parts.shuffle(rng);
    }
    parts
}

fn map(row: &Row<'_>, style: &Style, place: u64, rng: &mut ChaCha8Rng) -> String {
    let separator = if chance(rng, 60) { ", " } else { " " };
    format!("{{{}}}", parts(row, style, place, rng).join(separator))
}

fn maps(rows: &[Row<'_>], style: &Style, rng: &mut ChaCha8Rng) -> Vec<String> {
    (0..).zip(rows).map(|(place, row)| map(row, style, place, rng)).collect()
}

/// Rows on lines.
pub fn on_lines(rows: Vec<String>) -> Pieces {
    Pieces { rows, between: "\n", tail: "\n".to_owned(), ..Pieces::default() }
}

/// A map a line.
pub fn lines(rows: &[Row<'_>], style: &Style, rng: &mut ChaCha8Rng) -> Option<Pieces> {
    Some(on_lines(maps(rows, style, rng)))
}

/// All maps in one list or vector.
pub fn sequence(
    rows: &[Row<'_>],
    style: &Style,
    (open, close): (&str, &str),
    rng: &mut ChaCha8Rng,
) -> Option<Pieces> {
    let end = if chance(rng, 50) { "\n" } else { "" };
    Some(Pieces {
        head: open.to_owned(),
        rows: maps(rows, style, rng),
        between: if chance(rng, 50) { "\n " } else { " " },
        tail: format!("{close}{end}"),
    })
}

/// Maps over several lines, with comments and discarded forms in between.
pub fn spread(rows: &[Row<'_>], style: &Style, rng: &mut ChaCha8Rng) -> Option<Pieces> {
    let mut texts = Vec::new();
    for (place, row) in (0..).zip(rows) {
        let mut text = nothing(rng).to_owned();
        if chance(rng, 10) {
            text.push_str("#_");
            text.push_str(&map(row, style, place, rng));
            text.push(' ');
        }
        if chance(rng, 10) {
            text.push_str("#jepsen.history.Op");
        }
        text.push('{');
        for part in parts(row, style, place, rng) {
            text.push_str(nothing(rng));
            text.push_str(&part);
            text.push_str(if chance(rng, 50) { "\n  " } else { ", " });
        }
        text.push_str(nothing(rng));
        text.push('}');
        texts.push(text);
    }
    Some(on_lines(texts))
}

/// What says nothing.
fn nothing(rng: &mut ChaCha8Rng) -> &'static str {
    match rng.random_range(0..20) {
        0 => "; a comment } with \" and {\n",
        1 => "#_ {:type :invoke, :f [1 2]} ",
        2 => "#_#_ a \"b\" ",
        3 => ",, ",
        4 => "\n\n",
        5 => "#_ #_ x y ",
        _ => "",
    }
}

/// Events as tuples, one a line or all in one vector.
pub fn tuples(rows: &[Row<'_>], style: &Style, rng: &mut ChaCha8Rng) -> Option<Pieces> {
    let (open, close) = if chance(rng, 70) { ("[", "]") } else { ("(", ")") };
    let tuple = |row: &Row<'_>, rng: &mut ChaCha8Rng| match row {
        Row::Nemesis => format!("{open}:nemesis :info :start nil{close}"),
        Row::Event(event) => format!("{open}{}{close}", columns(event, style, " ", rng)),
    };
    let pieces = on_lines(rows.iter().map(|row| tuple(row, rng)).collect());
    Some(if chance(rng, 30) {
        Pieces { head: "[".to_owned(), tail: "]\n".to_owned(), ..pieces }
    } else {
        pieces
    })
}

/// Process, type, function, value, and an error if there is one.
pub fn columns(event: &Event, style: &Style, between: &str, rng: &mut ChaCha8Rng) -> String {
    let (_, value) = style.laid_out(event, rng);
    let mut columns = vec![
        event.process.to_string(),
        format!(":{}", event.kind.name()),
        format!(":{}", style.name(event)),
        if value == Val::Nil { "nil".to_owned() } else { value.edn(rng) },
    ];
    if event.has_error {
        columns.push(":timeout".to_owned());
    }
    columns.join(between)
}
