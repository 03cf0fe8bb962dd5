//! Tests that cannot run here: each says so with its reason, and `make test` counts them.

use std::fs::OpenOptions;
use std::io::Write;

/// The variable that names the file to which skipped tests are written.
const LIST: &str = "SKIPPED_TESTS";

/// Writes down that this test cannot run here.
pub fn skip(reason: &str) {
    let thread = std::thread::current();
    let line = format!("{}: {reason}\n", thread.name().unwrap_or("a test"));
    eprint!("skipped: {line}");
    if let Some(path) = std::env::var_os(LIST) {
        let list = OpenOptions::new().create(true).append(true).open(path);
        let written = list.and_then(|mut list| list.write_all(line.as_bytes()));
        written.expect("the list of skipped tests is writable");
    }
}

/// Whether this program starts here; a test that needs it is skipped otherwise.
pub fn has(program: &str) -> bool {
    let found = std::process::Command::new(program)
        .arg("--version")
        .stdin(std::process::Stdio::null())
        .output()
        .is_ok_and(|output| output.status.success());
    if !found {
        skip(&format!("no {program}"));
    }
    found
}
