//! What people read, word for word: the help of each command, and how each anomaly is told.
//!
//! A change of words is one reviewed diff: `make snapshots` writes the texts anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use checker::Anomaly;
use insta::{assert_snapshot, with_settings};

use crate::support::{Bench, Ended};

/// The widest line, as the pages have it.
const COLUMNS: &str = "100";

/// A call of the harness at this width; the colours are off.
fn harness(bench: &Bench, arguments: &[&str]) -> Ended {
    bench.finish(bench.command(arguments).env("COLUMNS", COLUMNS), 0)
}

/// Compares a text with the one in `snapshots/`.
fn is_as_kept(name: &str, text: &str) {
    with_settings!({omit_expression => true, prepend_module_to_snapshot => false}, {
        assert_snapshot!(name, text);
    });
}

/// The commands that a help lists, but for `help` itself.
fn commands(help: &str) -> Vec<String> {
    let listed = help.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next());
    let names = listed.unwrap_or_default().lines().filter(|line| !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn the_help_of_each_command() {
    let bench = Bench::new();
    let mut waiting: Vec<Vec<String>> = vec![Vec::new()];
    let mut seen = 0;
    while let Some(path) = waiting.pop() {
        let help = |flag: &str| {
            let arguments: Vec<&str> = path.iter().map(String::as_str).chain([flag]).collect();
            let ended = harness(&bench, &arguments);
            ended.expect(0);
            let text: Vec<&str> = ended.stdout.lines().map(str::trim_end).collect();
            format!("$ harness {}\n{}\n", arguments.join(" "), text.join("\n"))
        };
        let (short, long) = (help("-h"), help("--help"));
        for name in commands(&short) {
            waiting.push([&path[..], &[name]].concat());
        }
        let name = [&["help".to_owned()], &path[..]].concat().join("-");
        is_as_kept(&name, &format!("{short}\n{long}"));
        seen += 1;
    }
    assert!(seen > 15, "{seen} commands are found");
}

/// A history of keys: client, what it asked, the value, and the replica that answered.
struct Kv(&'static str);

/// A history of an object: process, what it asked, the value.
struct Edn(&'static str);

impl Kv {
    /// As a run writes it down, a millisecond between two events.
    fn text(&self) -> String {
        let mut text = "{\"schema\":1,\"kind\":\"history\",\"model\":\"kv\"}\n".to_owned();
        let mut index = 0;
        for (process, operation) in self.0.split(';').enumerate() {
            let words: Vec<&str> = operation.split_whitespace().collect();
            let [f, value, node] = words[..] else { panic!("{operation:?}") };
            for r#type in ["invoke", "ok"] {
                let is_answered = r#type == "ok";
                let event = serde_json::json!({
                    "index": index, "time_ns": 1_000_000 * index, "process": process,
                    "client": format!("{:04X}", 21 + process), "type": r#type, "f": f, "key": "x",
                    "value": Some(value).filter(|_| is_answered || f != "get"),
                    "node": Some(node).filter(|_| is_answered), "error": null,
                });
                writeln!(text, "{event}").expect("a text takes everything");
                index += 1;
            }
        }
        text
    }
}

impl Edn {
    /// Jepsen's lines: what asks for something has no value until it is answered.
    fn text(&self) -> String {
        let mut text = String::new();
        for operation in self.0.split(';') {
            let words: Vec<&str> = operation.trim().splitn(3, ' ').collect();
            let [process, f, value] = words[..] else { panic!("{operation:?}") };
            let asks = ["read", "dequeue", "generate", "acquire"].contains(&f);
            for (r#type, value) in [("invoke", if asks { "nil" } else { value }), ("ok", value)] {
                writeln!(text, "{{:process {process}, :type :{type}, :f :{f}, :value {value}}}")
                    .expect("a text takes everything");
            }
        }
        text
    }
}

/// A small history for each anomaly that a store of keys shows.
const OF_KEYS: [(Anomaly, Kv); 6] = [
    (Anomaly::StaleRead, Kv("put a 0000; put b 0001; get a 0000; get b 0001")),
    (Anomaly::LostWrite, Kv("put a 0000; put b 0001; get a 0002; get a 0002")),
    (
        Anomaly::ResurrectedValue,
        Kv("put a 0000; put b 0000; get b 0001; put c 0001; get c 0001; get a 0002; get a 0002"),
    ),
    (Anomaly::GarbageRead, Kv("put a 0000; get z 0000")),
    (Anomaly::FutureRead, Kv("get a 0000; put a 0000")),
    (Anomaly::DuplicatedWrite, Kv("put a 0000; put b 0000; get b 0000; get a 0000")),
];

/// One for each anomaly of an object, with its model.
const OF_OBJECTS: [(Anomaly, &str, Edn); 22] = [
    (Anomaly::DuplicatedWrite, "list-register", Edn("0 append 1; 1 read [1 1]")),
    (Anomaly::DivergentReads, "eventual", Edn("0 write 1; 0 write 2; 1 read 2; 2 read 1")),
    (Anomaly::ReorderedWrites, "list-register", Edn("0 append 1; 0 append 2; 1 read [2 1]")),
    (Anomaly::NotLinearizable, "kv", Edn(r#"0 append "q"; 0 cas ["zz" "5"]"#)),
    (Anomaly::Lost, "set", Edn("0 add 1; 1 read #{}")),
    (Anomaly::Lost, "set-eventual", Edn("0 add 1; 1 read [1]; 1 read []")),
    (Anomaly::Duplicated, "unique-ids", Edn("0 generate 1; 1 generate 1")),
    (Anomaly::OutOfBounds, "counter", Edn("0 add 2; 1 read 3")),
    (Anomaly::StaleRead, "counter", Edn("0 add 2; 1 read 0")),
    (Anomaly::OutOfOrder, "queue", Edn("0 enqueue 1; 0 enqueue 2; 1 dequeue 2; 1 dequeue 1")),
    (Anomaly::FalselyEmpty, "queue", Edn("0 enqueue 1; 1 dequeue nil; 1 dequeue 1")),
    (Anomaly::TwoHolders, "lock", Edn("0 acquire nil; 1 acquire nil")),
    (Anomaly::NotTheHolder, "owner-lock", Edn("0 acquire nil; 1 release nil")),
    (Anomaly::TokenNotFenced, "fenced-lock", Edn("0 acquire 5; 0 release nil; 1 acquire 4")),
    (Anomaly::WrongTotal, "bank", Edn("0 read {0 5, 1 5}; 0 read {0 4, 1 5}")),
    (Anomaly::NegativeBalance, "bank", Edn("0 read {0 5, 1 5}; 0 read {0 -1, 1 11}")),
    (Anomaly::MissingAccount, "bank", Edn("0 read {0 5, 1 5}; 0 read {0 10}")),
    (Anomaly::UnknownAccount, "bank", Edn("0 read {0 5, 1 5}; 0 read {0 5, 1 5, 2 0}")),
    (Anomaly::StaleRead, "read-your-writes", Edn("0 write 1; 0 write 2; 0 read 1")),
    (Anomaly::StaleRead, "monotonic-reads", Edn("0 write 1; 0 write 2; 1 read 2; 1 read 1")),
    (Anomaly::StaleRead, "monotonic-writes", Edn("0 write 1; 0 write 2; 1 read 2; 1 read 1")),
    (
        Anomaly::StaleRead,
        "writes-follow-reads",
        Edn("0 write 1; 1 read 1; 1 write 2; 2 read 2; 2 read 1"),
    ),
];

/// A history, what `check` prints about it, and what `explain` does.
fn told(anomaly: Anomaly, model: &str, told: &str, text: &str) -> String {
    let bench = Bench::new();
    bench.file("history", text);
    let judged = harness(&bench, &["check", "history", "--model", model]);
    judged.expect(10);
    let title = judged.stdout.split("invalid   ").nth(1).unwrap_or_default().to_lowercase();
    assert!(title.starts_with(anomaly.name()), "{}: {}", anomaly.name(), judged.stdout);
    let explained = harness(&bench, &["explain", "history", "--model", model]);
    explained.expect(0);
    format!("{told}\n\n$ harness check\n{}\n$ harness explain\n{}", judged.stdout, explained.stdout)
}

#[test]
fn each_anomaly_of_a_store_of_keys() {
    for (anomaly, history) in OF_KEYS {
        let name = format!("kv-{}", anomaly.name().replace(' ', "-"));
        is_as_kept(&name, &told(anomaly, "kv", history.0, &history.text()));
    }
}

#[test]
fn each_anomaly_of_an_object() {
    for (anomaly, model, history) in OF_OBJECTS {
        let name = format!("{model}-{}", anomaly.name().replace(' ', "-"));
        is_as_kept(&name, &told(anomaly, model, history.0, &history.text()));
    }
}

#[test]
fn no_anomaly_is_left_out() {
    let of_objects = OF_OBJECTS.iter().map(|(anomaly, ..)| anomaly);
    let seen = OF_KEYS.iter().map(|(anomaly, _)| anomaly).chain(of_objects);
    let seen: BTreeSet<&str> = seen.map(|anomaly| anomaly.name()).collect();
    assert_eq!(seen, Anomaly::ALL.iter().map(|anomaly| anomaly.name()).collect());
}
