//! What a finished run left in its folder.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use harness::ids::NodeId;
use harness::nemesis::happened::FaultRecord;
use serde_json::Value;

use super::Bench;

/// The folder of a run.
pub struct Finished {
    folder: PathBuf,
}

/// A message, as `messages.jsonl` has it.
pub struct Message {
    pub sent_ns: u64,
    pub from: NodeId,
    pub to: NodeId,
    pub kind: String,
    /// `delivered`, or why it was lost.
    pub fate: String,
    pub fate_ns: u64,
}

impl Message {
    /// Whether it arrived.
    pub fn is_delivered(&self) -> bool {
        self.fate == "delivered"
    }
}

impl Finished {
    /// The run in this folder, whatever link leads there.
    pub fn new(folder: &Path) -> Self {
        let folder = folder.canonicalize();
        Self { folder: folder.unwrap_or_else(|error| panic!("no run: {error}")) }
    }

    /// A path in its folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Its folder, as an argument.
    pub fn name(&self) -> &str {
        self.folder.to_str().expect("a path in UTF-8")
    }

    /// A file of it.
    pub fn read(&self, name: &str) -> String {
        let path = self.path(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// A file that holds one value.
    pub fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The rows of a CSV file, by column.
    pub fn rows(&self, name: &str) -> Vec<BTreeMap<String, String>> {
        let rows = csv::Reader::from_path(self.path(name)).expect("a CSV file").into_deserialize();
        rows.map(|row| row.expect("a row")).collect()
    }

    /// The faults in the order of their plan. A fault is written again when it has changed: its last line counts.
    pub fn faults(&self) -> Vec<FaultRecord> {
        let text = self.read("faults.jsonl");
        let faults = text.lines().skip(1).map(|line| serde_json::from_str(line).expect("a fault"));
        let last: BTreeMap<_, FaultRecord> = faults.map(|it: FaultRecord| (it.index, it)).collect();
        last.into_values().collect()
    }

    /// All messages, also those of clients.
    pub fn messages(&self) -> Vec<Message> {
        let text = self.read("messages.jsonl");
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        // The first line is an object that says what the others are.
        let messages = lines.filter(Value::is_array).map(|line| {
            let text = |n: usize| line[n].as_str().unwrap_or_else(|| panic!("{n} in {line}"));
            let id = |n: usize| text(n).parse().unwrap_or_else(|_| panic!("{n} in {line}"));
            let time = |n: usize| line[n].as_u64().unwrap_or_else(|| panic!("{n} in {line}"));
            Message {
                sent_ns: time(0),
                from: id(1),
                to: id(2),
                // A message that cannot be read has none.
                kind: line[3].as_str().unwrap_or_default().to_owned(),
                fate: text(4).to_owned(),
                fate_ns: time(5),
            }
        });
        messages.collect()
    }

    /// What a replica wrote to `stdout` or `stderr`.
    pub fn log(&self, id: impl Display, stream: &str) -> String {
        self.read(&format!("replicas/{id}/{stream}.log"))
    }

    /// Standing and kind of the answer to `question`.
    pub fn answer(&self, question: &str) -> (String, String) {
        let verdict = self.json("verdict.json");
        let answers = verdict["answers"].as_array().expect("answers");
        let answer = answers.iter().find(|answer| answer["question"] == question);
        let answer = answer.unwrap_or_else(|| panic!("an answer about {question}: {verdict}"));
        let text = |key: &str| answer[key].as_str().expect("a text").to_owned();
        (text("standing"), text("kind"))
    }

    /// The exit code that belongs to its answers: that of the worst, in the order of the manual.
    pub fn code(&self) -> i32 {
        let order = [
            ("safety", 10),
            ("durability", 16),
            ("process", 12),
            ("liveness", 11),
            ("environment", 15),
        ];
        let invalid = order.into_iter().find(|(question, _)| self.answer(question).0 == "invalid");
        let evidence = self.answer("evidence");
        let is_valid = |question: &str| self.answer(question).0 == "valid";
        match invalid {
            Some((_, code)) => code,
            None if evidence.0 != "valid" && evidence.1 == "vacuous" => 14,
            None if evidence.0 == "valid" && order.iter().all(|it| is_valid(it.0)) => 0,
            None => 13,
        }
    }
}

/// A run with its faults and messages, in a folder that is gone with it.
pub struct Seen {
    pub run: Finished,
    pub faults: Vec<FaultRecord>,
    pub messages: Vec<Message>,
    _bench: Bench,
}

impl Seen {
    /// The newest run.
    pub fn new(bench: Bench) -> Self {
        let run = bench.run();
        Self { faults: run.faults(), messages: run.messages(), run, _bench: bench }
    }

    /// The time of a fault; a kill lasts until the end.
    pub fn span(&self, n: usize) -> Range<u64> {
        let fault = &self.faults[n];
        let begin = fault.applied_ns.unwrap_or_else(|| panic!("not applied: {fault:?}"));
        begin.0..fault.ended_ns.map_or(u64::MAX, |end| end.0)
    }
}
