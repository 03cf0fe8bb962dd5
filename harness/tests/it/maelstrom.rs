//! Nodes that speak Maelstrom's protocol: right ones pass, wrong ones get the verdict that they deserve. The nodes are
//! those of `tests/nodes`.

use std::path::PathBuf;

use crate::support::{Bench, Ended, each, has, skip, top};

/// One of the nodes.
fn node(name: &str) -> PathBuf {
    top().join("harness/tests/nodes").join(name)
}

/// `harness maelstrom test` with a node, and with a bug of it.
fn test(bench: &Bench, workload: &str, name: &str, bug: Option<&str>, flags: &str) -> Ended {
    let node = node(name).display().to_string();
    let mut words = vec!["maelstrom", "test", "-w", workload, "--bin", &node];
    words.extend(["--time-limit", "5"]);
    words.extend(flags.split_whitespace());
    if let Some(bug) = bug {
        words.extend(["--", "--bug", bug]);
    }
    bench.harness(&words)
}

/// Whether there is what the nodes need.
fn has_python() -> bool {
    has("python3") || {
        skip("python3 is not there");
        false
    }
}

#[test]
fn right_nodes_are_valid() {
    if !has_python() {
        return;
    }
    let cases = [
        ("echo", "echo.py", "--node-count 1"),
        ("unique-ids", "unique_ids.py", "--node-count 3 --rate 200 --nemesis partition"),
        ("broadcast", "broadcast.py", "--node-count 5 --rate 20 --latency 10 --nemesis partition"),
        ("g-set", "g_set.py", "--node-count 3 --rate 20 --nemesis partition"),
        ("g-counter", "counter.py", "--node-count 3 --rate 20 --nemesis partition"),
        ("pn-counter", "counter.py", "--node-count 3 --rate 20"),
        ("lin-kv", "lin_kv.py", "--node-count 3 --rate 50 --concurrency 2n --latency 5"),
        ("kafka", "kafka.py", "--node-count 2 --rate 100 --concurrency 2n"),
    ];
    each(&cases, |(workload, name, flags)| {
        let bench = Bench::new();
        test(&bench, workload, name, None, flags).expect(0);
        let run = bench.run();
        let header = run.read("history.jsonl").lines().next().unwrap().to_owned();
        assert!(header.contains("\"kind\":\"history\""), "{header}");
        // The same verdict from the file alone.
        bench.harness(&["check", "results/latest/history.jsonl"]).expect(0);
    });
}

/// The node, its bug, flags, the exit code, the question, the kind of its answer, and words that stand there.
type Wrong = (&'static str, &'static str, &'static str, &'static str, i32, [&'static str; 3]);

/// In virtual time, the same seed finds the same.
const EXACT: &str = "--clock auto --seed 7";

#[test]
fn wrong_nodes_get_the_verdict_that_they_deserve() {
    if !has_python() {
        return;
    }
    let cases: [Wrong; 18] = [
        ("echo", "echo.py", "changed", "", 10, ["safety", "garbage read", "right would have been"]),
        ("echo", "echo.py", "prints", "", 12, ["process", "protocol", "standard error"]),
        ("echo", "echo.py", "no-reply-to", "", 12, ["process", "protocol", "`in_reply_to`"]),
        ("echo", "echo.py", "wrong-type", "", 12, ["process", "protocol", "\"type\": \"echo_ok\""]),
        ("echo", "echo.py", "silent", "", 11, ["liveness", "unanswered", "client c0 echo"]),
        ("echo", "echo.py", "dies", "", 12, ["process", "died", "I have heard enough"]),
        (
            "unique-ids",
            "unique_ids.py",
            "count",
            "--node-count 3",
            10,
            ["safety", "duplicated", "twice"],
        ),
        (
            "broadcast",
            "broadcast.py",
            "once",
            PARTED,
            10,
            ["safety", "lost", "never came to the reader"],
        ),
        ("broadcast", "broadcast.py", "forgets", SPREAD, 10, ["safety", "lost", "is gone"]),
        (
            "broadcast",
            "broadcast.py",
            "invents",
            SPREAD,
            10,
            ["safety", "garbage read", "never added"],
        ),
        ("g-set", "g_set.py", "alone", SPREAD, 10, ["safety", "lost", "never came to the reader"]),
        (
            "pn-counter",
            "counter.py",
            "seq-kv",
            BUSY,
            10,
            ["safety", "out of bounds", "is not between"],
        ),
        ("lin-kv", "lin_kv.py", "alone", BUSY, 10, ["safety", "stale read", "stale value"]),
        ("lin-kv", "lin_kv.py", "blind", BUSY, 10, ["safety", "", "swapped"]),
        ("kafka", "kafka.py", "loses", BUSY, 10, ["safety", "lost", "it is gone"]),
        (
            "kafka",
            "kafka.py",
            "same-offset",
            BUSY,
            10,
            ["safety", "divergent reads", "two messages"],
        ),
        ("kafka", "kafka.py", "skips", BUSY, 10, ["safety", "", "was not read on the way"]),
        (
            "kafka",
            "kafka.py",
            "forgets-commits",
            BUSY,
            10,
            ["safety", "lost write", "was committed"],
        ),
    ];
    each(&cases, |(workload, name, bug, flags, code, [question, kind, words])| {
        let bench = Bench::new();
        let ended = test(&bench, workload, name, Some(bug), &format!("{EXACT} {flags}"));
        ended.expect(*code);
        let (standing, found) = bench.answer(question);
        assert_eq!(standing, "invalid", "{workload} {bug}: {}", bench.verdict());
        assert!(found.contains(kind), "{workload} {bug}: {found}");
        let answers = bench.verdict()["answers"].to_string();
        let words = serde_json::to_string(words).unwrap();
        assert!(answers.contains(words.trim_matches('"')), "{workload} {bug}: {answers}");
    });
}

const SPREAD: &str = "--node-count 5 --rate 30";
const PARTED: &str =
    "--node-count 5 --rate 30 --nemesis partition --nemesis-interval 1.5 --latency 20";
const BUSY: &str = "--node-count 3 --rate 60 --concurrency 2n";

#[test]
fn what_nodes_may_do_but_seldom_do_is_taken() {
    if !has_python() {
        return;
    }
    let bench = Bench::new();
    test(&bench, "echo", "odd.py", None, "--node-count 3 --rate 20 --concurrency 2n").expect(0);
    let run = bench.run();
    let unclear = run.rows("latency.csv").into_iter().filter(|row| row["outcome"] == "info");
    assert!(unclear.count() > 0, "errors without a code leave it open");
    let history = run.read("history.jsonl");
    assert!(history.contains("an error without a code: no code"), "{history}");
}

#[test]
fn crashed_and_paused_nodes_come_back_and_are_told_their_names_again() {
    if !has_python() {
        return;
    }
    let bench = Bench::new();
    let flags =
        format!("{EXACT} --node-count 3 --rate 50 --nemesis crash,pause --nemesis-interval 1");
    test(&bench, "unique-ids", "unique_ids.py", None, &flags).expect(10);
    // A node that counts in memory begins anew after a crash: that is what such a fault is for.
    let (standing, kind) = bench.answer("safety");
    assert_eq!((standing.as_str(), kind.as_str()), ("invalid", "duplicated"));
    let faults = bench.run().faults();
    assert!(
        faults.iter().any(|fault| fault.targets.iter().all(|id| id.to_string().starts_with('n')))
    );
}

#[test]
fn in_virtual_time_nodes_are_replayed_and_shrunk_exactly() {
    if !has_python() {
        return;
    }
    let bench = Bench::new();
    let flags = "--clock virtual --seed 7 --node-count 3 --rate 60 --concurrency 2n --latency 5 \
        --nemesis partition,pause --nemesis-interval 1";
    test(&bench, "kafka", "kafka.py", Some("loses"), flags).expect(10);
    let run = bench.run();
    let run = run.name();
    let again = bench.harness(&["replay", run, "--results", "again"]);
    again.expect(10);
    assert!(again.stdout.contains("replay       exact"), "{}", again.stdout);
    let shrunk = bench.harness(&["shrink", run]);
    shrunk.expect(0);
    assert!(shrunk.stdout.contains("0 faults, 1 replica, 1 client, 1 key"), "{}", shrunk.stdout);
    let few = format!("{run}/smallest-history.jsonl");
    bench.harness(&["check", &few]).expect(10);
    let tried = shrunk.stdout.lines().find(|line| line.starts_with("try it"));
    let (_, words) = tried.and_then(|line| line.split_once(" run ")).expect("what to try");
    assert!(words.contains("--node '") && words.contains("kafka.py --bug loses'"), "{words}");
    let smallest = format!("{run}/smallest.json");
    let node = format!("{} --bug loses", node("kafka.py").display());
    let words = ["run", &smallest, "--node", &node, "--clock", "virtual"];
    bench.harness(&words).expect(10);
    let explored = bench.harness(&["explore", &smallest, "--node", &node, "--seeds", "3"]);
    explored.expect(10);
    assert!(explored.stdout.contains("made again   exact"), "{}", explored.stdout);
}

#[test]
fn any_workload_file_runs_with_nodes() {
    if !has_python() {
        return;
    }
    let bench = Bench::new();
    let workload = r#"{"lifetime": 5, "replicas": 3, "workload": "lin-kv", "start_wait": 0, "end_wait": 0,
        "clients": {"count": 4, "keys": 3, "rate": 60},
        "network": [{"rule": "latency", "ms": 2, "from": "n0", "to": ["n1", "n2"]}],
        "events": [{"type": "pause", "time": 1, "target": "n1", "duration": 0.5}]}"#;
    bench.file("keys.json", workload);
    let command = format!("python3 {}", node("lin_kv.py").display());
    bench.harness(&["run", "keys.json", "--node", &command]).expect(0);
    let plan = bench.run().json("plan.json");
    assert_eq!(plan["faults"][0]["target"], "n1");
}

#[test]
fn what_nodes_cannot_bear_is_refused_by_name() {
    let bench = Bench::new();
    let refused = |workload: &str, words: &[&str], expected: &str| {
        bench.file("workload.json", workload);
        let mut all = vec!["run", "workload.json"];
        all.extend(words);
        let ended = bench.refused(&all);
        assert!(ended.stderr.contains(expected), "{}", ended.stderr);
    };
    let with = |rest: &str| format!(r#"{{"lifetime": 5, "replicas": 3, {rest}}}"#);
    let node = ["--node", "/bin/sh"];
    let reset =
        with(r#""workload": "echo", "events": [{"type": "reset", "time": 1, "target": "one"}]"#);
    refused(&reset, &node, "cannot bear `reset`: there is no connection");
    let corrupt =
        with(r#""workload": "echo", "network": [{"rule": "corrupt", "probability": 0.1}]"#);
    refused(&corrupt, &node, "cannot bear `corrupt`");
    let isolate = with(r#""workload": "echo", "events": [{"type": "isolate_leaders", "time": 1}]"#);
    refused(&isolate, &node, "cannot bear `isolate_leaders`");
    refused(&with(r#""workload": "set""#), &[], "the course's protocol knows get and put only");
    refused(&with(r#""workload": "sets""#), &node, "\"set\"");
    refused(&with(r#""workload": "set""#), &["--node", "no-such-program"], "there is no such file");
    refused(&with(r#""workload": "set""#), &["--node", "'open"], "a quote is not closed");
}
