//! A run can be made again from what it left.

use crate::support::{Bench, SHORT};

#[test]
fn the_same_seed_draws_the_same_plan() {
    let bench = Bench::new();
    let plans: Vec<String> = (0..2)
        .map(|_| {
            bench.odd("right", SHORT).expect(0);
            bench.run().read("plan.json")
        })
        .collect();
    assert_eq!(plans[0], plans[1]);
}

#[test]
fn a_replay_follows_the_plan_and_says_how_often_the_verdict_came_again() {
    let bench = Bench::new();
    bench.odd("forgets", SHORT).expect(10);
    let first = bench.run();
    // The workload file is not needed any more, and the program is known from the run.
    std::fs::remove_file(bench.path("odd.json")).unwrap();
    let ended = bench.harness(&["replay", first.name(), "--times", "2", "--jobs", "2", "--quiet"]);
    ended.expect(10);
    ended.expect_words("the earlier verdict, safety invalid (");
    ended.expect_words(" of 2 times");
    let again = bench.run();
    assert_ne!(first.name(), again.name());
    assert_eq!(first.read("plan.json"), again.read("plan.json"));
}

#[test]
fn until_fails_stops_at_the_first_run_that_is_not_valid() {
    let bench = Bench::new();
    bench.odd("forgets", SHORT).expect(10);
    let arguments = ["replay", "results/latest", "--times", "50", "--until-fails", "--quiet"];
    let ended = bench.harness(&arguments);
    ended.expect(10);
    ended.expect_words(" of 1 times");
}

#[test]
fn a_folder_without_a_plan_is_refused() {
    let bench = Bench::new();
    let ended = bench.refused(&["replay", "no-such-run"]);
    ended.expect(2);
    ended.expect_words("no-such-run/plan.json");
    std::fs::create_dir(bench.path("run")).unwrap();
    bench.file("run/plan.json", r#"{"schema": 99}"#);
    let ended = bench.refused(&["replay", "run"]);
    ended.expect(2);
    ended.expect_words("schema 99");
}

/// A store that forgets every twentieth put fails always: what is left is small, and fails again.
#[test]
fn a_failing_run_shrinks_to_a_workload_and_a_history_that_fail() {
    let bench = Bench::new();
    bench.odd("forgets", SHORT).expect(10);
    let run = bench.run();
    let ended = bench.harness(&["shrink", run.name(), "--budget", "12", "--jobs", "4", "--quiet"]);
    ended.expect(0);
    ended.expect_words("operations are a counterexample");
    let history = run.path("smallest-history.jsonl");
    bench.harness(&["check", &history.to_string_lossy()]).expect(10);
    let smallest = run.json("smallest.json");
    assert!(smallest["replicas"].as_u64() <= Some(5), "{smallest}");
    let explained = bench.harness(&["explain", run.name()]);
    explained.expect(0);
    explained.expect_words("cannot all be true");
}

#[test]
fn a_valid_run_has_nothing_to_shrink() {
    let bench = Bench::new();
    bench.odd("right", SHORT).expect(0);
    let ended = bench.harness(&["shrink", "results/latest", "--quiet"]);
    ended.expect(2);
    ended.expect_words("there is no failure to keep");
}

/// A named bug of the bundled replica, some faults that it needs, and some that it does not.
#[test]
fn a_run_with_a_named_bug_shrinks_to_fewer_faults_that_still_show_it() {
    let bench = Bench::new();
    let workload = bench.file(
        "bug.json",
        r#"{"name": "bug", "lifetime": 6, "replicas": 5, "start_wait": 0.5, "end_wait": 0,
        "clients": {"count": 8, "keys": 4, "rate": 300, "timeout_ms": 400, "partition_affinity": 0.5,
                    "probe_reads_ms": 200},
        "events": [{"type": "pause", "target": "follower", "time": 0.3, "duration": 0.2},
            {"type": "partition", "shape": "leader", "time": 1, "duration": 0.8},
            {"type": "slow", "target": "one", "time": 2.2, "duration": 0.3},
            {"type": "partition", "shape": "leader", "time": 3, "duration": 0.8},
            {"type": "pause", "target": "one", "time": 4.5, "duration": 0.2}]}"#,
    );
    let bug = ["--replica-arg", "--bug", "--replica-arg", "ack-before-commit"];
    let workload = workload.to_string_lossy();
    bench.harness(&[&["run", &*workload, "--seed", "1", "--quiet"], &bug[..]].concat()).expect(10);
    let run = bench.run();
    let ended = bench.harness(&["shrink", run.name(), "--budget", "25", "--jobs", "4", "--quiet"]);
    ended.expect(0);
    let smallest = run.json("smallest.json");
    let faults = smallest["events"].as_array().unwrap();
    // On a host that stands still the bug needs no fault at all.
    assert!(faults.len() < 5, "{smallest}");
}

/// A store that forgets every twentieth put needs no fault for that, and one that forgets what it held before a
/// restart needs the restart.
#[test]
fn an_explanation_names_the_fault_that_did_it_or_none() {
    let bench = Bench::new();
    bench.odd("forgets", SHORT).expect(10);
    let run = bench.run();
    let few = ["--times", "2", "--jobs", "2"];
    let ended = bench.harness(&[&["explain", run.name(), "--attribute"], &few[..]].concat());
    ended.expect(0);
    ended.expect_words("Which fault did it");
    ended.expect_words("all faults 2 of 2");
    ended.expect_words("the failure needs none");

    let faults = r#""events": [{"type": "pause", "target": "0003", "time": 1, "duration": 0.3},
        {"type": "crash", "target": "0000", "time": 2, "keep_data": false}],"#;
    // Of many keys one is read before it is written again.
    let workload =
        SHORT.replacen('{', &format!("{{{faults}"), 1).replace("\"keys\": 2", "\"keys\": 16");
    bench.odd("right", &workload).expect(10);
    let run = bench.run();
    let json = ["--output", "json", "--quiet"];
    let ended =
        bench.harness(&[&["explain", run.name(), "--attribute"], &few[..], &json[..]].concat());
    ended.expect(0);
    let printed: serde_json::Value = serde_json::from_str(&ended.stdout).expect("JSON");
    let found = &printed["attribution"];
    assert_eq!(found["conclusion"], "needs_these", "{found}");
    assert!(found["without"][0]["rate"]["failed"].as_u64() > Some(0), "{found}");
    assert_eq!(found["without"][1]["rate"]["failed"], 0, "{found}");
    assert!(
        found["without"][1]["fault"].as_str().expect("a title").starts_with("crash at 2."),
        "{found}"
    );
    assert!(printed["sections"].is_array());
}
