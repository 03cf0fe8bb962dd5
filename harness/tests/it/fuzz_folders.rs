//! The folder of a run in which files were changed, cut off, removed, or replaced by something else: each command that
//! reads it ends in time, without a panic, and with a sentence that names a file.
//!
//! `make attack` tries more of them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::support::{Bench, Ended, SHORT, each, room};

/// How many folders are tried, at least and at length.
const FOLDERS: (u64, u64) = (24, 400);

/// How long a command may take on a small folder. It is killed after that.
const DEADLINE: Duration = Duration::from_secs(60);

/// What the checks of a run's folder may find: verdicts, and mistakes of the user.
const CODES: [i32; 9] = [0, 1, 2, 10, 11, 12, 13, 14, 15];

const FILES: [&str; 15] = [
    "faults.jsonl",
    "history.jsonl",
    "host.csv",
    "junit.xml",
    "latency.csv",
    "latency_summary.csv",
    "leaders.jsonl",
    "manifest.json",
    "messages.csv",
    "messages.jsonl",
    "plan.json",
    "report.html",
    "sightings.jsonl",
    "summary.csv",
    "verdict.json",
];

const NUMBERS: [&str; 12] = [
    "-1",
    "0",
    "18446744073709551615",
    "18446744073709551616",
    "9223372036854775807",
    "1e308",
    "1e999",
    "65536",
    "0.5",
    "null",
    "\"x\"",
    "[]",
];

const TEXTS: [&str; 9] =
    ["\"\"", "\"\\ud800\"", "\"FFFF\"", "\"0000\"", "7", "null", "{}", "\"\u{202e}\\n\"", "\"k0\""];

/// The commands that read the folder `run`; `other` is one that is as it was.
fn commands(run: &str, other: &str) -> Vec<Vec<String>> {
    // No program has this name: nothing is started, but the folder is read.
    let absent = ["--replica", "/nonexistent"];
    let commands: [&[&str]; 11] = [
        &["check", run],
        &["explain", run],
        &["report", run],
        &["compare", run, other],
        &["compare", other, run],
        &["export", "--to", "jepsen-edn", run],
        &["export", "--to", "perfetto", run],
        &["export", "--to", "porcupine-json", run],
        &["replay", run, absent[0], absent[1]],
        &["shrink", run, absent[0], absent[1]],
        &["diagnose", run, absent[0], absent[1]],
    ];
    commands.iter().map(|words| words.iter().map(|it| (*it).to_owned()).collect()).collect()
}

/// What lies between two places in a text: a number, or a text in quotes.
fn part(bytes: &[u8], random: &mut ChaCha8Rng, is_text: bool) -> Option<(usize, usize)> {
    let start = random.random_range(0..bytes.len());
    if is_text {
        let begin = start + bytes[start..].iter().position(|&byte| byte == b'"')?;
        let length = bytes[begin + 1..].iter().position(|&byte| byte == b'"')?;
        return Some((begin, begin + length + 2));
    }
    let begin = start + bytes[start..].iter().position(u8::is_ascii_digit)?;
    let length = bytes[begin..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    Some((begin, begin + length))
}

/// Another content for a file.
fn changed(bytes: &[u8], random: &mut ChaCha8Rng) -> Vec<u8> {
    if bytes.is_empty() {
        return b"\xff{".to_vec();
    }
    let at = random.random_range(0..bytes.len());
    let to = (at + random.random_range(0..200_usize)).min(bytes.len());
    let replaced = |span: Option<(usize, usize)>, by: &str| match span {
        Some((begin, end)) => [&bytes[..begin], by.as_bytes(), &bytes[end..]].concat(),
        None => bytes[..at].to_vec(),
    };
    match random.random_range(0..14) {
        0 => bytes[..at].to_vec(),
        1 => [&bytes[..at], &[random.random()], &bytes[(at + 1).min(bytes.len())..]].concat(),
        2 => [&bytes[..at], &bytes[to..]].concat(),
        3 => [&bytes[..to], &bytes[at..]].concat(),
        4 => {
            let mut lines: Vec<&[u8]> = bytes.split(|&byte| byte == b'\n').collect();
            lines.reverse();
            lines.join(&b'\n')
        }
        5 => Vec::new(),
        6 => "[".repeat(100_000).into_bytes(),
        7 => bytes.repeat(2),
        8..11 => {
            let span = part(bytes, random, false);
            replaced(span, NUMBERS[random.random_range(0..NUMBERS.len())])
        }
        _ => {
            let span = part(bytes, random, true);
            replaced(span, TEXTS[random.random_range(0..TEXTS.len())])
        }
    }
}

/// Changes a file of the run, or puts something else in its place; returns what was done.
fn damage(run: &Path, random: &mut ChaCha8Rng) -> String {
    let name = FILES[random.random_range(0..FILES.len())];
    let path = run.join(name);
    let is_file = path.symlink_metadata().is_ok_and(|it| it.is_file());
    if is_file && random.random_range(0..5) != 0 {
        let bytes = fs::read(&path).expect("a file");
        fs::write(&path, changed(&bytes, random)).expect("a file");
        return format!("{name} was changed");
    }
    if path.is_dir() {
        return String::new();
    }
    let _ = fs::remove_file(&path);
    let mode = nix::sys::stat::Mode::S_IRWXU;
    match random.random_range(0..5) {
        0 => format!("{name} was removed"),
        1 => {
            nix::unistd::mkfifo(&path, mode).expect("a pipe");
            format!("{name} is a pipe")
        }
        2 => {
            fs::create_dir(&path).expect("a folder");
            format!("{name} is a folder")
        }
        3 => {
            symlink("/dev/zero", &path).expect("a link");
            format!("{name} leads to a device")
        }
        _ => {
            symlink(name, &path).expect("a link");
            format!("{name} leads to itself")
        }
    }
}

/// Waits for its end; `None` if it takes too long.
fn ended(mut child: Child) -> Option<Ended> {
    let begin = Instant::now();
    let id = nix::unistd::Pid::from_raw(i32::try_from(child.id()).expect("a process id"));
    let (sender, receiver) = std::sync::mpsc::channel::<()>();
    let guard = std::thread::spawn(move || {
        let is_late = receiver
            .recv_timeout(DEADLINE)
            .is_err_and(|it| it == std::sync::mpsc::RecvTimeoutError::Timeout);
        if is_late {
            let _ = nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGKILL);
        }
    });
    let _ = child.stdin.take();
    let output = child.wait_with_output().expect("our child");
    let is_late = begin.elapsed() >= DEADLINE;
    drop(sender);
    guard.join().expect("it only waits");
    (!is_late).then(|| Ended::from(output))
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("its type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).expect("a copy");
        }
    }
}

fn try_folder(bench: &Bench, bases: &[PathBuf], seed: u64) {
    let random = &mut ChaCha8Rng::seed_from_u64(seed);
    let base = &bases[random.random_range(0..bases.len())];
    let run = bench.path(&format!("folder-{seed}"));
    copy(base, &run);
    let damages: Vec<String> =
        (0..random.random_range(1..4)).map(|_| damage(&run, random)).collect();
    for command in commands(&run.display().to_string(), &bases[0].display().to_string()) {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let child = bench.command(&words).env("RUST_BACKTRACE", "0").spawn().expect("it starts");
        let about = format!("seed {seed}, {damages:?}, {words:?}");
        let ended = ended(child).unwrap_or_else(|| panic!("{about}: it hangs"));
        let story = format!("{about}: {}\n{}\n{}", ended.code, ended.stdout, ended.stderr);
        assert!(CODES.contains(&ended.code), "{story}");
        assert!(!ended.stderr.contains("panicked"), "{story}");
        if [1, 2].contains(&ended.code) {
            let names = FILES.iter().any(|name| ended.stderr.contains(name));
            let names = names || ended.stderr.contains("folder-") || ended.says("/nonexistent");
            assert!(names && ended.stderr.starts_with("harness: "), "it names no file: {story}");
        }
    }
    fs::remove_dir_all(&run).expect("our folder");
}

#[test]
fn a_damaged_folder_of_a_run_is_read_without_a_panic_and_in_time() {
    let (valid, invalid) = (Bench::new(), Bench::new());
    let small = SHORT.replace("\"rate\": 200", "\"rate\": 40");
    valid.odd("right", &small);
    invalid.odd("forgets", &small);
    let bases: Vec<PathBuf> = [&valid, &invalid]
        .map(|bench| bench.path("results/latest").canonicalize().expect("a run"))
        .to_vec();
    let bench = Bench::new();
    let is_long = std::env::var_os("HARNESS_ATTACKS").is_some();
    let folders = if is_long { FOLDERS.1 } else { FOLDERS.0 };
    let halves: Vec<u64> = vec![0, 1];
    each(&halves, |half| {
        let _turn = room::spare_processor();
        for seed in (*half..folders).step_by(2) {
            try_folder(&bench, &bases, seed);
        }
    });
}
