//! Words and paths in the lines that people copy into a shell.

use std::ffi::OsStr;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::is_unsafe;

/// A path as a word of a command: one that begins with a hyphen would be an option.
pub fn quoted_path(path: &Path) -> String {
    if path.as_os_str().as_bytes().starts_with(b"-") {
        return quoted(Path::new(".").join(path));
    }
    quoted(path)
}

/// The words of a command, as a shell reads them: apart by blanks, but for quotes and backslashes.
pub fn words(command: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut rest = command.chars();
    while let Some(c) = rest.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None | Some('"'), '\\') => {
                word.get_or_insert_default().push(rest.next().ok_or("it ends in a backslash")?);
            }
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err("a quote is not closed");
    }
    words.extend(word);
    if words.is_empty() { Err("it names no program") } else { Ok(words) }
}

/// A word as a shell reads it: in quotes, and in `$'...'` (bash, zsh, ksh, POSIX since 2024) where it holds what a
/// terminal does not show, or bytes that are no text.
pub fn quoted(word: impl AsRef<OsStr>) -> String {
    let word = word.as_ref();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    match word.to_str() {
        Some("") => "''".to_owned(),
        // zsh takes `=name` for the path of a command.
        Some(text) if text.chars().all(is_plain) && !text.starts_with('=') => text.to_owned(),
        Some(text) if !text.contains(is_unsafe) => format!("'{}'", text.replace('\'', r"'\''")),
        _ => written_out(word.as_bytes()),
    }
}

fn written_out(bytes: &[u8]) -> String {
    let mut word = "$'".to_owned();
    for part in bytes.utf8_chunks() {
        for c in part.valid().chars() {
            match c {
                '\'' | '\\' => word.extend(['\\', c]),
                c if is_unsafe(c) => octal(&mut word, c.encode_utf8(&mut [0; 4]).as_bytes()),
                c => word.push(c),
            }
        }
        octal(&mut word, part.invalid());
    }
    word.push('\'');
    word
}

/// Three digits, so that a digit behind them is not taken for a fourth.
fn octal(word: &mut String, bytes: &[u8]) {
    for byte in bytes {
        let _ = write!(word, "\\{byte:03o}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_every_word_back() {
        let words: [&[u8]; 9] = [
            b"plain-1.json",
            b"two words",
            b"it's",
            b"",
            b"=cat",
            b"a\nb'c\\d",
            b"\xff1",
            b"~/x",
            "\u{202e}7é".as_bytes(),
        ];
        for word in words {
            let line = format!("printf %s {}", quoted(OsStr::from_bytes(word)));
            let read = std::process::Command::new("bash").args(["-c", &line]).output().unwrap();
            assert_eq!(read.stdout, word, "{line}");
            assert!(!line.contains(is_unsafe), "{line}");
        }
        assert_eq!(quoted_path(Path::new("-x.json")), "./-x.json");
    }

    #[test]
    fn commands_are_split_as_a_shell_splits_them() {
        let split = |command: &str| words(command).unwrap();
        assert_eq!(split("  python3 node.py  -v "), ["python3", "node.py", "-v"]);
        assert_eq!(
            split(r#"a 'b c' "d \" e" f\ g '' h'i'j"#),
            ["a", "b c", "d \" e", "f g", "", "hij"]
        );
        for wrong in ["", "  ", "a 'b", "a \\"] {
            assert!(words(wrong).is_err(), "{wrong:?}");
        }
    }
}
