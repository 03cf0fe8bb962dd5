//! `harness explore`: many runs of a workload in virtual time, until one fails.

use std::fs;

use crate::support::{Bench, Ended, top};

/// A leader is cut off: a reader of it sees old values, if it answers by itself.
const PARTED: &str = r#"{
    "lifetime": 5, "start_wait": 0, "end_wait": 0, "replicas": 5,
    "clients": {"count": 6, "keys": 2, "rate": 100, "timeout_ms": 500, "partition_affinity": 0.5},
    "events": [{"type": "partition", "shape": "leader", "time": 1.5, "duration": 1.5}]
}"#;

fn explore(bench: &Bench, way: &str, more: &[&str]) -> Ended {
    let workload = bench.file("parted.json", PARTED);
    let program = top().join("harness/tests/programs/raft.py");
    let way = format!("--way={way}");
    let words = ["explore", &workload.to_string_lossy(), "--budget", "600s", "--jobs", "2"];
    let replica = ["--replica", &program.to_string_lossy(), "--replica-arg", &way];
    bench.harness(&[&words[..], &replica[..], &["--transport", "seqpacket"], more].concat())
}

/// The number before this word.
fn number(text: &str, word: &str) -> f64 {
    let words: Vec<&str> = text.split_whitespace().collect();
    let at = words.iter().position(|it| it.starts_with(word)).unwrap_or_else(|| panic!("{text}"));
    words[at - 1].replace(',', "").parse().unwrap_or_else(|_| panic!("{text}"))
}

#[test]
fn a_bug_is_found_made_again_twice_and_ends_the_search() {
    let bench = Bench::new();
    let ended = explore(&bench, "stale-leader", &["--seeds", "40"]);
    ended.expect(10);
    let first = ended.stdout.lines().next().expect("a line");
    assert!(first.starts_with("explored     "), "{first}");
    let (seeds, new) = (number(first, "seed"), number(first, "did"));
    assert!(seeds < 40.0, "it ends at the first: {first}");
    assert!((1.0..=seeds).contains(&new), "{first}");
    assert!(number(first, "a") > 0.0 && number(first, "virtual") > 0.0, "{first}");
    let found = ended.stdout.lines().nth(1).expect("a line").trim();
    assert!(found.starts_with("seed ") && found.contains(": safety invalid ("), "{found}");
    assert!(ended.stdout.contains("\nmade again   exact: history.jsonl, "), "{}", ended.stdout);
    // The finding is kept as a run, and the good seeds are not.
    let runs = fs::read_dir(bench.path("results/parted")).expect("runs").count();
    assert_eq!(runs, 2);
    let seed = found.split([' ', ':']).nth(1).expect("a seed");
    assert_eq!(bench.run().json("manifest.json")["seed"].to_string(), seed);
}

#[test]
fn a_right_program_is_explored_to_the_last_seed() {
    let bench = Bench::new();
    let ended = explore(&bench, "right", &["--seeds", "4"]);
    ended.expect(0);
    assert!(ended.stdout.starts_with("explored     4 seeds in "), "{}", ended.stdout);
    assert_eq!(ended.stdout.lines().count(), 1, "{}", ended.stdout);
    assert!(!bench.path("results/parted").exists());
}

#[test]
fn a_leader_is_killed_before_each_of_its_sends() {
    let bench = Bench::new();
    let ended = explore(&bench, "right", &["--kill-points", "send:100000000", "--seeds", "9"]);
    ended.expect(0);
    assert!(ended.stdout.starts_with("explored     0 kill points in "), "{}", ended.stdout);
    let ended = explore(&bench, "right", &["--kill-points", "send", "--seeds", "5"]);
    ended.expect(0);
    let first = ended.stdout.lines().next().expect("a line");
    assert!(first.starts_with("explored     5 kill points in "), "{first}");
    assert!(number(first, "did") >= 2.0, "each kills at another place: {first}");
}

#[test]
fn replicas_with_priorities_are_another_run_that_comes_again() {
    let bench = Bench::new();
    let workload = bench.file("parted.json", PARTED);
    let program = top().join("harness/tests/programs/raft.py");
    let run = |more: &[&str]| {
        let words = ["run", &workload.to_string_lossy(), "--seed", "7", "--quiet"];
        let replica = ["--replica", &program.to_string_lossy(), "--transport", "seqpacket"];
        bench.harness(&[&words[..], &replica, more].concat())
    };
    let history = |more: &[&str]| {
        run(&[&["--clock", "virtual"], more].concat()).expect(0);
        bench.run().read("history.jsonl")
    };
    let by_chance = history(&["--turns", "chance"]);
    assert_eq!(by_chance, history(&[]));
    let by_priorities = history(&["--turns", "priorities:3"]);
    assert_ne!(by_chance, by_priorities);
    let changes = &bench.run().json("plan.json")["turns"]["changes_ns"];
    assert_eq!(changes.as_array().map(Vec::len), Some(3));
    let ended = bench.harness(&["replay", "results/latest", "--quiet"]);
    assert!(ended.stdout.contains("replay       exact: "), "{}", ended.stdout);
    assert_eq!(by_priorities, bench.run().read("history.jsonl"));
    let real = run(&["--turns", "priorities:3", "--clock", "real"]);
    real.expect(2);
    real.expect_words("`--turns` needs virtual time; use `--clock virtual`, or leave it out");
    // What is found so is made again so.
    let more = ["--turns", "priorities:2", "--seeds", "40"];
    let found = explore(&bench, "stale-leader", &more);
    found.expect(10);
    found.expect_words("--turns priorities:2");
}
