//! Calls of the real program, with many files at a time.

use std::collections::HashMap;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// What the program said of one file.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The exit code; below zero if it was ended by a signal.
    pub code: i32,
    /// The line for machines, if it was judged.
    pub line: Option<Value>,
    /// What it wrote about the file to standard error.
    pub said: String,
}

/// A folder in memory, if there is one.
pub fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
    folder.expect("a temporary folder")
}

/// The program under test; `FUZZ_HARNESS` names another one.
fn program() -> Command {
    let other = std::env::var_os("FUZZ_HARNESS");
    let path = other.unwrap_or_else(|| env!("CARGO_BIN_EXE_harness").into());
    let mut command = Command::new(path);
    command.env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

/// What the program says of these files, in their order.
pub fn check(files: &[PathBuf], arguments: &[String]) -> Vec<Answer> {
    let output = program()
        .arg("check")
        .args(arguments)
        .args(["--output", "json", "--"])
        .args(files)
        .output()
        .expect("the harness starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let code = output.status.code().unwrap_or_else(|| -output.status.signal().unwrap_or(1));
    let mut lines: HashMap<String, Value> = HashMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let line: Value = serde_json::from_str(line).expect("a line of JSON for each file");
        lines.insert(line["history"].as_str().unwrap_or_default().to_owned(), line);
    }
    let mut about: HashMap<&str, String> = HashMap::new();
    for line in said.lines() {
        let words = line.split([' ', ',']).map(|word| word.trim_end_matches(':'));
        for path in words.filter(|word| word.starts_with('/')) {
            let lines = about.entry(path).or_default();
            lines.push_str(line);
            lines.push('\n');
        }
    }
    let mut answers = Vec::new();
    for file in files {
        let path = file.display().to_string();
        let about = about.remove(path.as_str()).unwrap_or_default();
        answers.push(match lines.remove(&path) {
            Some(line) => {
                let code = line["exit_code"].as_i64().and_then(|code| i32::try_from(code).ok());
                Answer { code: code.unwrap_or(-1), line: Some(line), said: about }
            }
            None if files.len() == 1 => Answer { code, line: None, said: said.clone() },
            None if !about.is_empty() && (0..20).contains(&code) => {
                Answer { code: 2, line: None, said: about }
            }
            // The program ended before, or says nothing of the file: alone, it shows why.
            None => check(std::slice::from_ref(file), arguments).remove(0),
        });
    }
    answers
}

/// The models that the program knows, by name.
pub fn models() -> Vec<String> {
    let output = program().args(["list", "models"]).output().expect("the harness starts");
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    listed.lines().filter_map(|line| Some(line.split_whitespace().next()?.to_owned())).collect()
}

/// The formats that the program knows, by name.
pub fn formats() -> Vec<String> {
    let output = program().args(["check", "--help"]).output().expect("the harness starts");
    let help = String::from_utf8_lossy(&output.stdout).into_owned();
    let all = crate::fuzz_check::files::Format::ALL.map(|format| format.name().to_owned());
    let says = |name: &String| {
        help.split(|letter: char| !(letter.is_alphanumeric() || letter == '-'))
            .any(|word| word == name)
    };
    all.into_iter().filter(says).collect()
}
