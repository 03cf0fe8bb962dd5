//! A run can be made again from what it left.

mod support;

use support::{Bench, SHORT};

#[test]
fn the_same_seed_draws_the_same_plan() {
    let bench = Bench::new();
    let plans: Vec<String> = (0..2)
        .map(|_| {
            bench.odd("right", SHORT).expect(0);
            std::fs::read_to_string(bench.path("results/latest/plan.json")).unwrap()
        })
        .collect();
    assert_eq!(plans[0], plans[1]);
}

#[test]
fn a_replay_follows_the_plan_and_says_how_often_the_verdict_came_again() {
    let bench = Bench::new();
    bench.odd("forgets", SHORT).expect(10);
    let read = |folder: &std::path::Path| std::fs::read(folder.join("plan.json")).unwrap();
    let first = bench.path("results/latest").canonicalize().unwrap();
    // The workload file is not needed any more, and the program is known from the run.
    std::fs::remove_file(bench.path("odd.json")).unwrap();
    let folder = first.to_string_lossy();
    let ended = bench.harness(&["replay", &folder, "--times", "2", "--jobs", "2", "--quiet"]);
    ended.expect(10);
    let summary = "the earlier run's exit code 10 came 2 of 2 times";
    assert!(ended.stdout.contains(summary), "{}", ended.stdout);
    let again = bench.path("results/latest").canonicalize().unwrap();
    assert_ne!(first, again);
    assert_eq!(read(&first), read(&again));
}

#[test]
fn until_fails_stops_at_the_first_run_that_is_not_valid() {
    let bench = Bench::new();
    bench.odd("forgets", SHORT).expect(10);
    let arguments = ["replay", "results/latest", "--times", "50", "--until-fails", "--quiet"];
    let ended = bench.harness(&arguments);
    ended.expect(10);
    assert!(ended.stdout.contains("came 1 of 1 times"), "{}", ended.stdout);
}

#[test]
fn a_folder_without_a_plan_is_refused() {
    let bench = Bench::new();
    let ended = bench.harness(&["replay", "no-such-run"]);
    ended.expect(2);
    assert!(ended.stderr.contains("no-such-run/plan.json"), "{}", ended.stderr);
    std::fs::create_dir(bench.path("run")).unwrap();
    bench.file("run/plan.json", r#"{"schema": 99}"#);
    let ended = bench.harness(&["replay", "run"]);
    ended.expect(2);
    assert!(ended.stderr.contains("schema 99"), "{}", ended.stderr);
}
