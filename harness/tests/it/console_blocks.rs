//! Every console block of the front door and the manual: its commands run as they stand there, and print
//! what the page shows, but for numbers.
//!
//! A line `...` stands for any lines. A block that cannot run here is marked `console,no-run`, and has
//! its reason in [`NOT_RUN`].

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::support::{Bench, Ended, SHORT, each, has, pages, top};

/// Blocks that are not run, by the word with which they begin, and why.
const NOT_RUN: [(&str, &str); 1] = [("gnuplot", "it opens a window")];

/// Ends that say that a command was not understood: of the harness and of the shell.
const NOT_UNDERSTOOD: [i32; 4] = [1, 2, 126, 127];

/// How often a command may be run until it prints what its page shows: a busy host adds an election.
const TRIES: usize = 3;

/// The widest line, as the pages have it.
const COLUMNS: &str = "100";

/// A command and the lines that the page shows behind it.
struct Call {
    page: PathBuf,
    command: String,
    shown: Vec<String>,
    is_run: bool,
}

/// The calls of a page's console blocks, in order.
fn calls(page: &Path) -> Vec<Call> {
    let text = fs::read_to_string(page).expect("a page");
    let mut calls: Vec<Call> = Vec::new();
    let mut lines = text.lines();
    while let Some(fence) = lines.next() {
        let indent = fence.len() - fence.trim_start().len();
        let Some(info) = fence.trim_start().strip_prefix("```console") else { continue };
        assert!(["", ",no-run"].contains(&info), "{}: {fence}", page.display());
        let is_run = info.is_empty();
        let first = calls.len();
        for line in lines.by_ref().take_while(|line| line.trim_start() != "```") {
            let line = line.get(indent..).unwrap_or_default();
            if let Some(command) = line.strip_prefix("$ ") {
                let (page, command) = (page.to_owned(), command.to_owned());
                calls.push(Call { page, command, shown: Vec::new(), is_run });
            } else {
                let call = calls[first..].last_mut();
                call.expect("a block begins with a command").shown.push(line.to_owned());
            }
        }
    }
    calls
}

/// The words of some lines, where all numbers, and all lists of numbers, are the same. How much credit
/// the course gives depends on the host's speed as well.
fn words(lines: &[String]) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in lines.iter().flat_map(|line| line.split_whitespace()) {
        let mut same = String::new();
        for c in word.chars() {
            // `1,774`, `18.1` and `9` are numbers.
            let is_in_number = same.ends_with('#') || same.ends_with("#.") || same.ends_with("#,");
            if c.is_ascii_digit() && is_in_number {
                same.truncate(same.rfind('#').expect("a number") + 1);
            } else {
                same.push(if c.is_ascii_digit() { '#' } else { c });
            }
        }
        let is_number = |word: &str| word.chars().all(|c| "#,|".contains(c));
        if is_number(&same) && words.last().is_some_and(|last| is_number(last)) {
            continue;
        }
        if let ("credit)", Some(last)) = (word, words.last_mut()) {
            "(#".clone_into(last);
        }
        words.push(if is_number(&same) { "#".to_owned() } else { same });
    }
    words
}

/// Lines without the paragraphs of this name: a host that is busy adds some.
fn without(paragraph: &str, lines: &[String]) -> Vec<String> {
    let mut is_inside = false;
    let kept = lines.iter().filter(|line| {
        is_inside = line.starts_with(paragraph) || (is_inside && line.starts_with("      "));
        !is_inside
    });
    kept.cloned().collect()
}

/// Where what is shown departs from what was printed, if it does.
fn difference(shown: &[String], printed: &[String]) -> Option<String> {
    let parts: Vec<Vec<String>> = shown.split(|line| line.trim() == "...").map(words).collect();
    let printed = words(printed);
    let (mut at, last) = (0, parts.len() - 1);
    for (n, part) in parts.iter().enumerate() {
        let rest = &printed[at..];
        let is_place = |start: &usize| {
            (n != 0 || *start == 0)
                && (n != last || part.is_empty() || start + part.len() == rest.len())
                && rest[*start..].starts_with(part)
        };
        match (0..=rest.len().saturating_sub(part.len())).find(is_place) {
            Some(start) => at += start + part.len(),
            None => return Some(departure(part, rest)),
        }
    }
    None
}

/// The place at which `part` departs from its longest beginning that was printed.
fn departure(part: &[String], printed: &[String]) -> String {
    let same = |start: usize| {
        part.iter().zip(&printed[start..]).take_while(|(one, other)| one == other).count()
    };
    let start = (0..printed.len()).rev().max_by_key(|&start| same(start)).unwrap_or_default();
    let same = same(start);
    let some = |words: &[String]| words[..words.len().min(6)].join(" ");
    format!(
        "after `{}` the page shows `{}`, and `{}` was printed",
        part[same.saturating_sub(6)..same].join(" "),
        some(&part[same..]),
        some(&printed[start + same..])
    )
}

/// A run that failed, for pages that begin with one.
fn failed_run() -> &'static Bench {
    static FAILED: OnceLock<Bench> = OnceLock::new();
    FAILED.get_or_init(|| {
        let bench = Bench::new();
        bench.odd("forgets", SHORT).expect(10);
        bench
    })
}

fn script(path: &Path, text: &str) {
    fs::write(path, text).expect("a file in a temporary folder");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a file of our own");
}

/// The project's folder as a reader has it after `make run`, with files of their own.
fn checkout() -> Bench {
    let bench = Bench::new();
    for name in ["Makefile", "harness", "workloads"] {
        symlink(top().join(name), bench.path(name)).expect("a link");
    }
    fs::create_dir_all(bench.path("target/release")).expect("a folder");
    let built = Path::new(env!("CARGO_BIN_EXE_harness"));
    for name in ["harness", "replica"] {
        let program = bench.path("target/release").join(name);
        symlink(built.with_file_name(name), program).expect("a link");
    }
    fs::create_dir(bench.path("bin")).expect("a folder");
    symlink(built, bench.path("bin/harness")).expect("a link");
    // All is built.
    let cargo = "#!/bin/sh\n[ \"$1\" = run ] || exit 0\n\
                 while [ \"$1\" != -- ]; do shift; done; shift\nexec target/release/harness \"$@\"\n";
    script(&bench.path("bin/cargo"), cargo);
    let programs = top().join("harness/tests/programs");
    symlink(programs.join("quorum.py"), bench.path("mystore")).expect("a link");
    let stale = format!("#!/bin/sh\nexec {}/raft.py --way=stale \"$@\"\n", programs.display());
    script(&bench.path("my-program"), &stale);
    let three = r#"{
  "workload": "lin-kv",
  "replicas": 3,
  "lifetime": 20,
  "clients": {"count": 6, "keys": 4, "rate": 100},
  "network": [{"rule": "latency", "ms": 5, "from": "n0", "to": ["n1", "n2"]}],
  "events": [
    {"type": "crash", "time": 5, "target": "one", "duration": 1},
    {"type": "pause", "time": 10, "target": "n1", "duration": 2}
  ]
}
"#;
    bench.file("three.json", three);
    bench.file(
        "history.edn",
        "{:process 0, :type :invoke, :f :write, :value 1}\n\
         {:process 0, :type :ok, :f :write, :value 1}\n",
    );
    bench.file(
        "history.json",
        r#"[{"process": 0, "type": "invoke", "f": "cas", "value": [0, 1]},
            {"process": 0, "type": "ok", "f": "cas", "value": [0, 1]}]"#,
    );
    bench
}

/// The clusters that a command starts at the same time.
fn clusters(command: &str) -> usize {
    let words: Vec<&str> = command.split_whitespace().collect();
    let starts = ["run", "course", "diagnose", "explore", "shrink", "maelstrom"]
        .iter()
        .any(|it| words.contains(it));
    match () {
        () if words.contains(&"--stress") => 3,
        () if starts => 2,
        () => 0,
    }
}

/// Runs a command once; what is wrong.
fn try_it(call: &Call, bench: &Bench) -> Option<String> {
    let path = std::env::var("PATH").unwrap_or_default();
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &format!("exec 2>&1\n{}", call.command)])
        .current_dir(bench.path(""))
        .env("PATH", format!("{}:{path}", bench.path("bin").display()))
        .envs([("NO_COLOR", "1"), ("COLUMNS", COLUMNS), ("CARGO", "cargo")])
        .stdin(Stdio::null());
    for name in ["MAKEFLAGS", "MFLAGS", "MAKELEVEL"] {
        shell.env_remove(name);
    }
    let Ended { code, stdout, .. } = bench.finish(&mut shell, clusters(&call.command));
    let place = format!("{}: {}", call.page.display(), call.command);
    if NOT_UNDERSTOOD.contains(&code) {
        return Some(format!("{place}\nended with {code}:\n{stdout}"));
    }
    if call.shown.is_empty() {
        return None;
    }
    // What a busy host adds on standard error.
    let is_warning = |line: &&str| line.starts_with("harness: ") && line.contains(": warning: ");
    let printed = stdout.lines().filter(|line| !is_warning(line));
    let printed: Vec<String> = printed.map(str::to_owned).collect();
    let (shown, printed) = (without("warning", &call.shown), without("warning", &printed));
    difference(&shown, &printed).map(|why| format!("{place}\n{why}:\n{stdout}"))
}

/// Runs a page's commands, one after the other; what is wrong.
fn wrong(calls: &[&Call]) -> Vec<String> {
    let bench = checkout();
    if calls.iter().any(|call| call.command.contains("results/latest")) {
        let results = failed_run().path("results");
        let copied = Command::new("cp").arg("-a").arg(results).arg(bench.path("")).status();
        assert!(copied.expect("cp starts").success());
    }
    let fails = |call: &&Call| {
        let mut tries = (0..TRIES).map(|_| try_it(call, &bench));
        let first = tries.next().flatten()?;
        tries.all(|again| again.is_some()).then_some(first)
    };
    calls.iter().filter_map(fails).collect()
}

#[test]
fn every_command_of_the_pages_runs_and_prints_what_they_show() {
    if !has("python3") {
        return;
    }
    // Help is compared to the letter elsewhere.
    let is_help = |call: &Call| call.command.ends_with(" -h") || call.command.ends_with(" --help");
    let all: Vec<Call> = pages().iter().flat_map(|page| calls(page)).collect();
    let run: Vec<&Call> = all.iter().filter(|call| call.is_run && !is_help(call)).collect();
    let mut by_page: Vec<Vec<&Call>> = Vec::new();
    for (n, &call) in run.iter().enumerate() {
        // What shows nothing, and stands on another page too, is run once.
        let is_known = run[..n].iter().any(|other| other.command == call.command);
        if is_known && call.shown.is_empty() {
            continue;
        }
        match by_page.last_mut() {
            Some(page) if page[0].page == call.page => page.push(call),
            _ => by_page.push(vec![call]),
        }
    }
    assert!(by_page.len() > 5, "blocks are found");
    let wrong_ones = std::sync::Mutex::new(Vec::new());
    each(&by_page, |calls| {
        let wrong = wrong(calls);
        wrong_ones.lock().expect("no page panics while it tells").extend(wrong);
    });
    let wrong = wrong_ones.into_inner().expect("no page panics while it tells");
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn few_blocks_are_not_run_and_each_has_its_reason() {
    let all: Vec<Call> = pages().iter().flat_map(|page| calls(page)).collect();
    let not_run = all.iter().filter(|call| !call.is_run);
    let mut seen: Vec<&str> = Vec::new();
    for call in not_run {
        let reason = NOT_RUN.iter().find(|(begin, _)| call.command.starts_with(begin));
        let (begin, _) = reason.unwrap_or_else(|| panic!("no reason for `{}`", call.command));
        seen.push(begin);
    }
    assert!(NOT_RUN.iter().all(|(begin, _)| seen.contains(begin)), "of these some run: {seen:?}");
}

#[test]
fn what_is_shown_is_compared_but_for_numbers_and_elided_lines() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<String>>();
    let fits = |shown: &str, printed: &str| difference(&lines(shown), &lines(printed)).is_none();
    let printed = "a  1,774 operations\n   in 0.3 s\nleaders 0001\nwhere x-20261130T0038Z\n";
    assert!(fits("a 9 operations in\n  12 s\nleaders 0000, 0002\nwhere x-1T2Z", printed));
    assert!(fits("...\nleaders 0\n...", printed));
    assert!(fits("a 1 operations\n...\nwhere x-1T1Z", printed));
    assert!(!fits("a 1 operations\n...\nleaders 0", printed));
    assert!(!fits("leaders 0\n...", printed));
    assert!(!fits("a 1 operation\n...", printed));
    let why = difference(&lines("a 2 operations over 1 s\n..."), &lines(printed)).unwrap();
    assert!(why.starts_with("after `a # operations` the page shows `over # s`"), "{why}");
    let printed = lines("a\nwarning  b\n         c\nd");
    assert_eq!(without("warning", &printed), lines("a\nd"));
}
