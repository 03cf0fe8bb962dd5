//! `report.html`: one self-contained page of pictures, made from the folder of a run alone.
//!
//! - [`page`]: what the page shows, as a plain value read from the folder;
//! - `operations`, `messages`, `faults`: how the files of a run become columns of numbers;
//! - `points`: when each operation took effect, for the keys that have an order.
//!
//! The drawing is done by the scripts beside this file, which are embedded with the style: nothing
//! is fetched. All that comes from a run is embedded as data, never as markup.

pub(crate) mod faults;
mod messages;
mod operations;
pub mod page;
mod points;

use std::io::{self, Write};
use std::path::Path;

use crate::limits;
use page::{Page, Room, Source};

/// The file's name in the folder of a run.
pub const NAME: &str = "report.html";

const HEAD: &str = include_str!("head.html");
const STYLE: &str = include_str!("style.css");
pub(super) const ELEMENTS: &str = include_str!("elements.js");
const SCRIPTS: [&str; 8] = [
    ELEMENTS,
    include_str!("base.js"),
    include_str!("timeline.js"),
    include_str!("charts.js"),
    include_str!("messages.js"),
    include_str!("spacetime.js"),
    include_str!("replicas.js"),
    include_str!("main.js"),
];

/// Writes the page about the run in `folder`. A run that does not fit keeps a window around its
/// violation, and says so.
pub fn write(folder: &Path, out: impl Write) -> io::Result<()> {
    let mut room = Room::default();
    let source = Source::read(folder)?;
    let mut data = embedded(&Page::of(folder, &source, room))?;
    while data.len() > limits::REPORT_BYTES && room.operations > 1000 {
        room = room.less(data.len());
        data = embedded(&Page::of(folder, &source, room))?;
    }
    fill(include_str!("page.html"), &data, &SCRIPTS, out)
}

/// Writes a page: its template, with what stands for each mark in it.
pub(super) fn fill(
    template: &str,
    data: &str,
    scripts: &[&str],
    mut out: impl Write,
) -> io::Result<()> {
    let mut rest = template;
    while let Some((before, mark)) = rest.split_once("{{") {
        let (mark, after) = mark.split_once("}}").unwrap_or((mark, ""));
        out.write_all(before.as_bytes())?;
        match mark {
            "head" => out.write_all(HEAD.as_bytes())?,
            "style" => out.write_all(STYLE.as_bytes())?,
            "data" => out.write_all(data.as_bytes())?,
            _ => scripts.iter().try_for_each(|script| out.write_all(script.as_bytes()))?,
        }
        rest = after;
    }
    out.write_all(rest.as_bytes())?;
    out.flush()
}

/// JSON that can stand inside a `script` element whatever is in it: `<` never appears.
pub(crate) fn embedded(value: &impl serde::Serialize) -> io::Result<String> {
    let json = serde_json::to_string(value)?;
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' => safe.push_str("\\u003c"),
            '>' => safe.push_str("\\u003e"),
            '&' => safe.push_str("\\u0026"),
            '\u{2028}' => safe.push_str("\\u2028"),
            '\u{2029}' => safe.push_str("\\u2029"),
            c => safe.push(c),
        }
    }
    Ok(safe)
}

#[cfg(test)]
mod tests;
