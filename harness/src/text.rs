//! Text for people: safe on a terminal, wrapped to its width, with counts that can be read.

pub mod shell;

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt::{Display, Write};
use std::os::unix::ffi::OsStrExt;

/// Whether a character must not reach a terminal from a replica's message or a history: control and
/// bidirectional characters move the cursor, change colours, or reorder what is shown.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `text` with every unsafe character written out: `\n`, `\t`, `\u{1b}`.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unsafe(c) {
            safe.extend(c.escape_default());
        } else {
            safe.push(c);
        }
    }
    safe
}

/// A name as text: the bytes that are no text are written out as `\xff`.
pub fn bytes_shown(name: &OsStr) -> String {
    let mut shown = String::new();
    for part in name.as_bytes().utf8_chunks() {
        shown.push_str(part.valid());
        shown.extend(part.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    shown
}

/// A text of somebody else as a cell of a CSV file: what a spreadsheet would take for a formula has a `'` before it, and
/// unsafe characters are written out.
pub fn cell(text: &str) -> String {
    let safe = escape(text);
    // A tab is written out already.
    if safe.starts_with(['=', '+', '-', '@']) || text.starts_with(is_unsafe) {
        format!("'{safe}")
    } else {
        safe
    }
}

/// A text of somebody else as a cell of a Markdown table.
pub fn markdown_cell(text: &str) -> String {
    escape(text).replace('|', "\\|").replace('`', "'")
}

/// The JSON document `json` with the unsafe characters that JSON allows in a string written out as
/// `\u009b`; it means the same.
pub fn escape_json(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        // Line ends are the document's own: inside a string they are escaped already.
        if is_unsafe(c) && c != '\n' {
            let _ = write!(safe, "\\u{:04x}", u32::from(c));
        } else {
            safe.push(c);
        }
    }
    safe
}

/// The most characters of a value in a line for people.
const LONGEST_VALUE: usize = 160;

/// A value that is not too long to be read: of a long one the beginning and the end.
pub fn shortened(value: &str) -> Cow<'_, str> {
    let count = value.chars().count();
    if count <= LONGEST_VALUE {
        return Cow::Borrowed(value);
    }
    let (first, last) = (LONGEST_VALUE * 2 / 3, LONGEST_VALUE / 3);
    let beginning: String = value.chars().take(first).collect();
    let end: String = value.chars().skip(count - last).collect();
    Cow::Owned(format!("{beginning} ... {end}"))
}

/// A count with thousands separators: `1,234,567`.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with its noun, a regular one: `1 key`, `0 keys`, `12 keys`.
pub fn counted<N: Copy + Display + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    format!("{count} {}", plural(count, noun))
}

/// A regular noun for so many: `key` or `keys`.
pub fn plural<N: Copy + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    if count == N::from(1) { noun.to_owned() } else { format!("{noun}s") }
}

/// A share of one in percent, with at most two digits behind the point: `5 %`, `0.25 %`.
pub fn percent(share: f64) -> String {
    format!("{} %", (share * 10_000.0).round() / 100.0)
}

/// A list in a sentence: `a`, `a and b`, `a, b and c`.
pub fn listed<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let mut items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    match items.pop() {
        None => String::new(),
        Some(last) if items.is_empty() => last,
        Some(last) => format!("{} and {last}", items.join(", ")),
    }
}

/// The verb for so many: `was` or `were`.
pub fn was<N: Copy + PartialEq + From<u8>>(count: N) -> &'static str {
    if count == N::from(1) { "was" } else { "were" }
}

/// `text` in lines of at most `width` characters, broken at spaces, or inside a word that is longer
/// than a line. What fits stays as it is, aligned columns and all; the lines after the first keep
/// the first one's indentation.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(8);
    let chars: Vec<char> = text.chars().collect();
    let indent = chars.iter().take_while(|c| **c == ' ').count().min(width / 2);
    let mut lines = Vec::new();
    let mut rest = &chars[..];
    loop {
        let lead = if lines.is_empty() { 0 } else { indent };
        let room = width - lead;
        let mut line = " ".repeat(lead);
        if rest.len() <= room {
            line.extend(rest);
            lines.push(line);
            return lines;
        }
        let first_word = if lines.is_empty() { indent } else { 0 };
        let space = rest[..=room].iter().rposition(|c| *c == ' ').filter(|at| *at > first_word);
        let end = space.unwrap_or(room);
        line.extend(&rest[..end]);
        lines.push(line.trim_end().to_owned());
        let skip = rest[end..].iter().take_while(|c| **c == ' ').count();
        rest = &rest[end + skip..];
        if rest.is_empty() {
            return lines;
        }
    }
}

/// Compares a text for people with the one that is kept under this name in `tests/it/snapshots`; `make snapshots`
/// writes them anew.
#[cfg(test)]
pub(crate) fn is_as_kept(name: &str, text: &str) {
    insta::with_settings!({
        omit_expression => true,
        prepend_module_to_snapshot => false,
        snapshot_path => "../tests/it/snapshots",
    }, {
        insta::assert_snapshot!(name, text);
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_cell_is_no_formula_and_has_no_control_character() {
        let cells = ["vote", "=1+1", "@x", "-2", "+x", "\t=x", "a=b", "a\u{1b}b", ""].map(cell);
        assert_eq!(cells, ["vote", "'=1+1", "'@x", "'-2", "'+x", "'\\t=x", "a=b", "a\\u{1b}b", ""]);
    }

    #[test]
    fn one_is_no_plural_and_the_last_of_a_list_has_its_and() {
        assert_eq!([0, 1, 2].map(|n| counted(n, "key")), ["0 keys", "1 key", "2 keys"]);
        assert_eq!([1, 2].map(was), ["was", "were"]);
        assert_eq!([0.05, 0.0025, 1.0].map(percent), ["5 %", "0.25 %", "100 %"]);
        assert_eq!(listed(["a"; 0]), "");
        assert_eq!(listed(["a"]), "a");
        assert_eq!(listed(["a", "b", "c"]), "a, b and c");
    }

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        assert_eq!(escape("a\u{1b}[31m\n\r\t\u{9b}"), r"a\u{1b}[31m\n\r\t\u{9b}");
        assert_eq!(escape("x\u{202e}y é 日"), r"x\u{202e}y é 日");
    }

    #[test]
    fn counts_are_grouped_by_thousands() {
        let grouped: Vec<String> = [0, 999, 1000, 1_234_567].map(grouped).to_vec();
        assert_eq!(grouped, ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn lines_break_at_spaces_and_keep_their_indentation() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("  one two three", 10), ["  one two", "  three"]);
        assert_eq!(wrap("0123456789abc", 8), ["01234567", "89abc"]);
        assert_eq!(wrap("a   b", 10), ["a   b"]);
        assert_eq!(wrap("", 10), [""]);
    }

    proptest! {
        #[test]
        fn wrapping_loses_no_word_and_keeps_the_width(
            text in "[a-z ]{0,120}",
            width in 8..50_usize,
        ) {
            let lines = wrap(&text, width);
            prop_assert!(lines.iter().all(|line| line.chars().count() <= width), "{lines:?}");
            let letters = |text: &str| text.replace(' ', "");
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }

        #[test]
        fn escaped_text_is_always_safe(text in any::<String>()) {
            prop_assert!(!escape(&text).contains(is_unsafe));
        }
    }
}
