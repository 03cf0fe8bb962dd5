//! What the text of a cell stands for.
//!
//! - What begins with `[`, `{` or `#{` is a list, map or set, typed inside.
//! - A text in quotation marks of its own (`"""7"""` in the file) is that text, whatever it looks like.
//! - `nil` and `null`, `true` and `false` are what they say.
//! - Anything else is a text; but what looks like a number may be one, which shows only at the end of the
//!   file. Until then it is kept as a symbol, which no cell can be.
//!
//! A number is written as JSON has it, but without an exponent: `0e1` and `0e2` may be two ids.

use crate::datum::{Datum, Encoder};
use crate::format::Place;
use crate::format::edn::{Form, Walker};
use crate::format::json::{self, Json};

/// What a cell should be, and what it is.
type Wrong = (String, String);

/// Whether a cell is a list, map or set.
pub(in crate::format) fn is_collection(cell: &str) -> bool {
    cell.starts_with(['[', '{']) || cell.starts_with("#{")
}

/// Writes the value of a cell.
pub(super) fn value(cell: &str, out: &mut Encoder) -> Result<(), Wrong> {
    match cell {
        "nil" | "null" => out.nil(),
        "true" => out.bool(true),
        "false" => out.bool(false),
        _ if is_collection(cell) => return collection(cell, out),
        _ => key(cell, out),
    }
    Ok(())
}

/// Writes a key: a text, or something that looks like a number.
pub(super) fn key(cell: &str, out: &mut Encoder) {
    if is_number(cell) {
        out.symbol(cell);
        return;
    }
    let quoted = cell.starts_with('"').then(|| {
        let mut json = Json::new(cell.as_bytes());
        json.string().ok().filter(|_| json.at() == cell.len())
    });
    out.text(quoted.flatten().as_deref().unwrap_or(cell));
}

/// Writes a list, map or set, which may be JSON or EDN.
fn collection(cell: &str, out: &mut Encoder) -> Result<(), Wrong> {
    let start = out.at();
    let Err(wrong) = json(cell, out) else { return Ok(()) };
    out.truncate(start);
    if edn(cell, out).is_some() {
        return Ok(());
    }
    out.truncate(start);
    if cell.starts_with('#') {
        return Err((cell.to_owned(), "a set of EDN".to_owned()));
    }
    let found = if wrong.is_end {
        "a cell that ends too early".to_owned()
    } else {
        format!("a cell with {} after {} bytes", wrong.found, wrong.at)
    };
    Err((found, wrong.expected))
}

fn json(cell: &str, out: &mut Encoder) -> Result<(), json::Wrong> {
    let mut json = Json::new(cell.as_bytes());
    json.value(out)?;
    json.next_token().map_or(Ok(()), |_| Err(json.wrong("the end of the cell")))
}

fn edn(cell: &str, out: &mut Encoder) -> Option<()> {
    let form = Form { bytes: cell.as_bytes(), begin: Place::default(), indent: 1 };
    let mut walker = Walker::new(&form);
    walker.value(out, 1).ok()?;
    walker.blanks(1).ok()?;
    walker.peek().is_none().then_some(())
}

/// Makes the numbers in the list that was written last what bare numbers are.
pub(super) fn loosen(out: &mut Encoder, start: usize) {
    let Datum::List(items) = out.slice(start, out.at()).datum() else { return };
    let loose = |item| match item {
        Datum::Integer(number) => Datum::Symbol(number.to_string().into()),
        Datum::Number(number) => Datum::Symbol(number),
        other => other,
    };
    let items = Datum::List(items.into_iter().map(loose).collect());
    out.truncate(start);
    out.datum(&items);
}

/// Whether a text is a number as JSON has it, without an exponent.
pub(in crate::format) fn is_number(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(w, f)| (w, Some(f)));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let has_zero_in_front = whole.len() > 1 && whole.starts_with('0');
    is_digits(whole) && !has_zero_in_front && fraction.is_none_or(is_digits)
}
