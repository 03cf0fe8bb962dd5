//! `harness check` keeps to its budgets of time and memory, reading included: what cannot be decided within
//! them ends in exit code 13, with a sentence that names the budget and the keys.

#[path = "../../checker/tests/generate/hard.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod hard;
#[path = "../../checker/tests/generate/objects.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod objects;

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use checker::{Datum, Entry, EventType, F};
use hard::{Hard, Shape};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use objects::Object;
use serde_json::{Value, json};

use crate::support::{Bench, Ended, has, room};

/// Runs a program and tells its peak of memory, in kilobytes, as the last line of standard error.
const WITH_PEAK: &str = "import os, sys
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
print(usage.ru_maxrss, file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status))";

/// A check, and its peak of memory in megabytes.
fn check(path: &Path, options: &[&str]) -> (Ended, f64) {
    let output = Command::new("python3")
        .args(["-c", WITH_PEAK, env!("CARGO_BIN_EXE_harness"), "check"])
        .arg(path)
        .args(options)
        .env("NO_COLOR", "1")
        .output()
        .expect("python3 starts");
    let ended = Ended::from(output);
    let peak = ended.stderr.lines().last().and_then(|line| line.parse::<f64>().ok());
    let peak = peak.unwrap_or_else(|| panic!("{}", ended.stderr));
    (ended, peak * 1_024.0 / 1e6)
}

/// Events as the project's own lines; a refused compare-and-set is a `fail`.
#[derive(Default)]
struct Lines {
    text: String,
    next: u64,
}

impl Lines {
    fn new() -> Self {
        Self { text: "{\"schema\":1,\"failed_cas\":\"refused\"}\n".to_owned(), next: 0 }
    }

    fn push(&mut self, entry: &Entry<'_>) {
        let r#type = if entry.refused { EventType::Fail } else { entry.r#type };
        let value = if entry.refused { None } else { entry.value };
        let event = json!({
            "index": self.next,
            "time_ns": 1_000 * self.next,
            "process": entry.process,
            "client": "c",
            "type": r#type,
            "f": entry.f,
            "key": entry.key.map(json_of),
            "value": value.map(json_of),
        });
        self.next += 1;
        writeln!(self.text, "{event}").expect("a text takes everything");
    }

    /// A whole operation on a key, by a process of its own.
    fn operation(&mut self, key: &str, f: F, value: &str) {
        let (key, value, process) = (Datum::text(key), Datum::text(value), 1_000_000 + self.next);
        for r#type in [EventType::Invoke, EventType::Ok] {
            let is_asked = f == F::Get && r#type == EventType::Invoke;
            self.push(&Entry {
                index: 0,
                time_ns: 0,
                process,
                client: "c",
                r#type,
                f,
                key: Some(&key),
                value: (!is_asked).then_some(&value),
                refused: false,
                node: None,
            });
        }
    }
}

fn json_of(datum: &Datum) -> Value {
    match datum {
        Datum::Text(text) => json!(text),
        Datum::Integer(number) => json!(number),
        Datum::List(items) => items.iter().map(json_of).collect(),
        other => panic!("{other:?}"),
    }
}

/// Too hard for any budget here.
fn hard(keys: u64) -> Lines {
    let shape =
        Shape { hard: Hard::Swaps, operations: 400, clients: 60, keys, unknown: 0.05, seed: 3 };
    let mut lines = Lines::new();
    hard::each_entry(shape, &mut |entry| lines.push(entry));
    lines
}

/// Easy, but large.
fn large(operations: u64) -> Lines {
    let mut lines = Lines::new();
    for number in 0..operations {
        lines.operation("x", F::Put, &format!("value {number}"));
    }
    lines.operation("x", F::Get, &format!("value {}", operations - 1));
    lines
}

const MODEL: [&str; 2] = ["--model", "kv"];

fn with<'a>(options: &[&'a str]) -> Vec<&'a str> {
    [&MODEL, options].concat()
}

/// What the program takes for itself.
fn base(bench: &Bench) -> f64 {
    let mut lines = Lines::new();
    for key in ["x", "y"] {
        lines.operation(key, F::Put, "1");
        lines.operation(key, F::Get, "1");
    }
    let (ended, base) = check(&bench.file("small.jsonl", lines.text), &with(&[]));
    ended.expect(0);
    base
}

fn assert_within(peak: f64, budget_mb: u32, base: f64) {
    let most = base + 1.2 * f64::from(budget_mb);
    assert!(peak < most, "{peak} MB, where {budget_mb} may be taken besides {base}");
}

#[test]
fn a_search_takes_no_more_memory_than_it_may() {
    if !has("python3") {
        return;
    }
    let _turn = room::spare_processor();
    let bench = Bench::new();
    let base = base(&bench);
    for keys in [1, 8] {
        let path = bench.file("hard.jsonl", hard(keys).text);
        for budget_mb in [10, 40] {
            let megabytes = budget_mb.to_string();
            let (ended, peak) =
                check(&path, &with(&["--memory-budget", &megabytes, "--time-budget", "10"]));
            ended.expect(13);
            assert_within(peak, budget_mb, base);
        }
    }
}

#[test]
fn what_runs_out_is_named_with_the_keys_that_are_left() {
    if !has("python3") {
        return;
    }
    let _turn = room::spare_processor();
    let bench = Bench::new();
    let path = bench.file("hard.jsonl", hard(3).text);
    let (ended, _) = check(&path, &with(&["--memory-budget", "5"]));
    ended.expect(13);
    assert!(ended.says("the memory budget of 5 MB is spent"), "{}", ended.stdout);
    assert!(ended.says("undecided: keys \"0\", \"1\", \"2\""), "{}", ended.stdout);
    let (ended, _) = check(&path, &with(&["--time-budget", "2"]));
    ended.expect(13);
    assert!(ended.says("the time budget of 2 s is spent"), "{}", ended.stdout);
    assert!(ended.says("is undecided"), "{}", ended.stdout);
}

#[test]
fn reading_takes_no_more_memory_than_it_may() {
    if !has("python3") {
        return;
    }
    let _turn = room::spare_processor();
    let bench = Bench::new();
    let base = base(&bench);
    let path = bench.file("large.jsonl", large(150_000).text);
    for budget_mb in [5, 10] {
        let megabytes = budget_mb.to_string();
        let (ended, peak) = check(&path, &with(&["--memory-budget", &megabytes]));
        ended.expect(13);
        let said =
            format!("the memory budget of {budget_mb} MB is spent while the history was read");
        assert!(ended.says(&said), "{}", ended.stdout);
        assert_within(peak, budget_mb, base);
    }
    // What is read and then too large to be judged is undecided likewise.
    let (ended, peak) = check(&path, &with(&["--memory-budget", "30"]));
    ended.expect(13);
    assert!(ended.says("the memory budget of 30 MB is spent"), "{}", ended.stdout);
    assert_within(peak, 30, base);
    let (ended, peak) = check(&path, &with(&["--memory-budget", "80"]));
    ended.expect(0);
    assert_within(peak, 80, base);
}

#[test]
fn a_history_that_does_not_end_is_read_until_the_time_is_over() {
    let _turn = room::spare_processor();
    let mut harness = Command::new(env!("CARGO_BIN_EXE_harness"))
        .args(["check", "-", "--model", "kv", "--time-budget", "1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the harness starts");
    let mut input = harness.stdin.take().expect("its input");
    input.write_all(large(10).text.as_bytes()).expect("it reads");
    let output = BufReader::new(harness.stdout.take().expect("its output"));
    let said: Vec<String> = output.lines().map(|line| line.expect("a text")).collect();
    assert_eq!(harness.wait().expect("it ends").code(), Some(13));
    let said = said.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("the time budget of 1 s is spent while the history was read"), "{said}");
    drop(input);
}

#[test]
fn one_key_that_is_plainly_wrong_is_found_among_many_that_are_hard() {
    if !has("python3") {
        return;
    }
    let _turn = room::spare_processor();
    let bench = Bench::new();
    let mut lines = hard(40);
    lines.operation("wrong", F::Put, "1");
    lines.operation("wrong", F::Put, "2");
    lines.operation("wrong", F::Get, "1");
    let path = bench.file("mixed.jsonl", lines.text);
    let (ended, _) = check(&path, &with(&["--output", "json"]));
    ended.expect(10);
    let line: Value = serde_json::from_str(&ended.stdout).expect("a line of JSON");
    assert_eq!(line["witness"]["key"], "wrong", "{}", ended.stdout);
}

/// An object's history for which nothing but a search is left.
fn hard_object(object: Object) -> Lines {
    // Equal elements and different amounts are the hard ones.
    let values = (object != Object::Counter).then_some(5);
    let (operations, clients, unknown, is_wrong, seed) = (400, 40, 0.05, true, 1);
    let shape = objects::Shape { object, operations, clients, values, unknown, is_wrong, seed };
    let mut lines = Lines::new();
    objects::each_entry(shape, &mut |entry| lines.push(entry));
    lines
}

#[test]
fn a_search_over_any_model_takes_no_more_memory_than_it_may() {
    if !has("python3") {
        return;
    }
    let _turn = room::spare_processor();
    let bench = Bench::new();
    let base = base(&bench);
    let texts = Shape {
        hard: Hard::Appends,
        operations: 400,
        clients: 60,
        keys: 1,
        unknown: 0.05,
        seed: 3,
    };
    let registers = Shape { hard: Hard::Registers, unknown: 0.0, ..texts };
    let of = |shape| {
        let mut lines = Lines::new();
        hard::each_entry(shape, &mut |entry| lines.push(entry));
        lines
    };
    // The first spends any memory; of the others it is only asked that they take no more.
    let histories = [
        ("queue", hard_object(Object::Queue), true),
        ("stack", hard_object(Object::Stack), false),
        ("priority-queue", hard_object(Object::PriorityQueue), false),
        ("unordered-queue", hard_object(Object::Bag), false),
        ("counter", hard_object(Object::Counter), false),
        ("lock", hard_object(Object::Lock), false),
        ("kv", of(texts), false),
        ("sequential", of(registers), false),
    ];
    for (model, lines, spends_all) in histories {
        let path = bench.file("hard.jsonl", lines.text);
        let seconds = if spends_all { "600" } else { "3" };
        let budget = ["--model", model, "--memory-budget", "10", "--time-budget", seconds];
        let (ended, peak) = check(&path, &budget);
        assert_within(peak, 10, base);
        if spends_all {
            ended.expect(13);
            ended.expect_words("the memory budget of 10 MB is spent");
        }
    }
}

#[test]
fn each_of_several_histories_has_the_whole_budget() {
    if !has("python3") {
        return;
    }
    let _turn = room::spare_processor();
    let bench = Bench::new();
    let base = base(&bench);
    let hard = bench.file("hard.jsonl", hard(1).text);
    let easy = bench.file("easy.jsonl", large(5_000).text);
    let [easy, again] = [&easy, &hard].map(|path| path.to_str().expect("a text"));
    let options = with(&[easy, again, "--memory-budget", "5", "--time-budget", "600"]);
    let (ended, peak) = check(&hard, &options);
    ended.expect(13);
    ended.expect_words("5001 operations on 1 key are linearizable");
    let words: Vec<&str> = ended.stdout.split_whitespace().collect();
    let spent = words.join(" ").matches("safety unknown key \"0\" is undecided").count();
    assert_eq!(spent, 2, "{}", ended.stdout);
    assert_within(peak, 5, base);
}

#[test]
fn with_all_keys_what_is_refuted_is_named_beside_what_is_undecided() {
    if !has("python3") {
        return;
    }
    let _turn = room::spare_processor();
    let bench = Bench::new();
    let mut lines = hard(3);
    for key in ["wrong", "false"] {
        lines.operation(key, F::Put, "1");
        lines.operation(key, F::Put, "2");
        lines.operation(key, F::Get, "1");
    }
    let path = bench.file("mixed.jsonl", lines.text);
    let (ended, _) = check(&path, &with(&["--all-keys", "--memory-budget", "5"]));
    ended.expect(10);
    for words in ["\"wrong\"", "\"false\"", "undecided: keys \"0\", \"1\", \"2\""] {
        ended.expect_words(words);
    }
}

#[test]
fn budgets_of_nothing_and_of_more_than_there_is_are_budgets() {
    if !has("python3") {
        return;
    }
    let _turn = room::spare_processor();
    let bench = Bench::new();
    let path = bench.file("easy.jsonl", large(10).text);
    for (option, words) in [
        ("--time-budget", "the time budget of 0 s is spent"),
        ("--memory-budget", "the memory budget of 0 MB is spent"),
    ] {
        let (ended, _) = check(&path, &with(&[option, "0"]));
        ended.expect(13);
        ended.expect_words(words);
        let most = u64::MAX.to_string();
        check(&path, &with(&[option, &most])).0.expect(0);
    }
    for nonsense in ["-1", "1.5", "ten", "10MB", "99999999999999999999"] {
        for (option, unit) in [("--time-budget", "seconds"), ("--memory-budget", "megabytes")] {
            let (ended, _) = check(&path, &with(&[option, nonsense]));
            ended.expect(2);
            ended.expect_words(&format!("give a whole number of {unit}"));
        }
    }
}

fn named_pipe(bench: &Bench) -> PathBuf {
    let path = bench.path("pipe");
    mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).expect("a named pipe in a temporary folder");
    path
}

#[test]
fn a_named_pipe_to_which_nobody_writes_is_waited_for_until_the_time_is_over() {
    if !has("python3") {
        return;
    }
    let _turn = room::spare_processor();
    let bench = Bench::new();
    let (ended, _) = check(&named_pipe(&bench), &with(&["--time-budget", "1"]));
    ended.expect(13);
    ended.expect_words("the time budget of 1 s is spent while the history was read");
}

#[test]
fn a_named_pipe_is_read_from_whoever_writes_to_it() {
    if !has("python3") {
        return;
    }
    let _turn = room::spare_processor();
    let bench = Bench::new();
    let pipe = named_pipe(&bench);
    let to = pipe.clone();
    // Opening it to write waits for the reader.
    let writer = std::thread::spawn(move || {
        let mut pipe = std::fs::File::create(to).expect("a process reads");
        for line in large(100).text.lines() {
            writeln!(pipe, "{line}").expect("it is read");
        }
    });
    let (ended, _) = check(&pipe, &with(&[]));
    ended.expect(0);
    ended.expect_words("101 operations on 1 key are linearizable");
    writer.join().expect("it has written");
}

#[test]
fn what_a_shell_makes_a_file_of_is_read() {
    let _turn = room::spare_processor();
    let bench = Bench::new();
    let path = bench.file("easy.jsonl", large(10).text);
    let script = "\"$0\" check --model kv <(cat \"$1\") && \"$0\" check --model kv - < \"$1\" && \
                  cat \"$1\" | \"$0\" check --model kv /dev/stdin";
    let output = Command::new("bash")
        .args(["-c", script, env!("CARGO_BIN_EXE_harness")])
        .arg(&path)
        .output()
        .expect("bash starts");
    let ended = Ended::from(output);
    ended.expect(0);
    assert_eq!(ended.stdout.matches("11 operations on 1 key").count(), 3, "{}", ended.stdout);
}
