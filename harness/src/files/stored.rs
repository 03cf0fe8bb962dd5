//! Files that a run left, read again. A hostile program may have put something else under their names: a pipe without a
//! writer, a device without an end, a file that is larger than any memory.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::limits;

/// A line that a kill of the harness, or of the host, may have left so.
const CUT_OFF: &str = "the line is cut off";

/// Opens a regular file for reading.
pub fn open(path: &Path) -> io::Result<File> {
    // To open a pipe would wait for a writer.
    let file = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other("it is no regular file"))
    }
}

/// The whole file, if it is no larger than such files are.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let most = limits::STORED_BYTES;
    let mut bytes = Vec::new();
    open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let said = format!("it is larger than {} MB", most >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, said));
    }
    Ok(bytes)
}

/// The same, as text; what is no text is marked.
pub fn text(path: &Path) -> io::Result<String> {
    Ok(String::from_utf8_lossy(&read(path)?).into_owned())
}

/// A file of a run that is not what the harness writes.
#[derive(Debug, thiserror::Error)]
#[error(
    "{path}, line {line}, column {column}: {reason}; it was not written by this version of the harness, or was edited \
     or damaged since"
)]
pub struct Malformed {
    /// The file.
    path: PathBuf,
    /// From 1.
    line: usize,
    /// From 1, in bytes.
    column: usize,
    reason: String,
}

impl Malformed {
    /// What the parser found in `text`, which begins with this line of the file, from 1.
    pub fn new(path: &Path, text: &[u8], first_line: usize, error: &serde_json::Error) -> Self {
        if let Some(no_text) = Self::no_text(path, text, first_line) {
            return no_text;
        }
        // The parser's own place counts from the beginning of what it was given.
        let told = error.to_string();
        let reason = told.split(" at line ").next().unwrap_or_default().to_owned();
        let line = first_line + error.line().saturating_sub(1);
        Self { path: path.to_owned(), line, column: error.column(), reason }
    }

    /// The first bytes that are no text, if there are any: a parser passes over those that it has no use for.
    fn no_text(path: &Path, text: &[u8], first_line: usize) -> Option<Self> {
        let before = &text[..std::str::from_utf8(text).err()?.valid_up_to()];
        let line = first_line + memchr::memchr_iter(b'\n', before).count();
        let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
        let reason = "found bytes that are no text, expected UTF-8".to_owned();
        Some(Self { path: path.to_owned(), line, column, reason })
    }
}

/// A JSON document that a run left in the file at `path`.
pub fn json<T: DeserializeOwned>(path: &Path, text: &[u8]) -> Result<T, Malformed> {
    match Malformed::no_text(path, text, 1) {
        Some(no_text) => Err(no_text),
        None => serde_json::from_slice(text).map_err(|error| Malformed::new(path, text, 1, &error)),
    }
}

/// What is wrong with a file of one JSON document, if there is such a file.
pub fn damage(path: &Path) -> Option<Malformed> {
    json::<IgnoredAny>(path, &read(path).ok()?).err()
}

/// The same for a file of JSON lines, of which the last may be cut off.
pub fn damage_of_lines(path: &Path) -> Option<Malformed> {
    let lines = BufReader::new(open(path).ok()?).split(b'\n').map_while(Result::ok);
    for (number, line) in lines.enumerate().filter(|(_, line)| !line.is_empty()) {
        if let Some(no_text) = Malformed::no_text(path, &line, number + 1) {
            return Some(no_text);
        }
        if let Err(error) = serde_json::from_slice::<IgnoredAny>(&line) {
            let damage = Malformed::new(path, &line, number + 1, &error);
            let is_cut_off = error.is_eof();
            let reason = if is_cut_off { CUT_OFF.to_owned() } else { damage.reason };
            return Some(Malformed { reason, ..damage });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_regular_file_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
        for path in [&pipe, &link, folder.path()] {
            assert!(open(path).is_err(), "{}", path.display());
        }
        let large = folder.path().join("large");
        File::create(&large).unwrap().set_len(256 << 30).unwrap();
        assert_eq!(read(&large).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        std::fs::write(link.with_file_name("text"), b"a\xffb").unwrap();
        assert_eq!(text(&folder.path().join("text")).unwrap(), "a\u{fffd}b");
    }

    #[test]
    fn what_is_damaged_is_told_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.json");
        let told = |text: &[u8]| {
            std::fs::write(&path, text).unwrap();
            let told = |damage: Option<Malformed>| damage.map(|it| it.to_string());
            (told(damage(&path)), told(damage_of_lines(&path)))
        };
        let place = |line, column, reason: &str| {
            let shown = path.display();
            Some(format!(
                "{shown}, line {line}, column {column}: {reason}; it was not written by this version of the harness, \
                 or was edited or damaged since"
            ))
        };
        let no_text = "found bytes that are no text, expected UTF-8";
        assert_eq!(told(b"{\n \"a\": \"\xff\"}").0, place(2, 8, no_text));
        assert_eq!(told(b"{}\n{\"a\": \"\xff\"}\n").1, place(2, 8, no_text));
        assert_eq!(told(b"{}\n{\"a\" 1}\n").1, place(2, 6, "expected `:`"));
        assert_eq!(told(b"{}\n\n{\"a\": 1}\n{\"a").1, place(4, 3, "the line is cut off"));
        assert_eq!(told(b"{}\n\n{\"a\": 1}\n").1, None);
        assert_eq!(told(b"{\"a\": [1, 2]}"), (None, None));
    }
}
