//! Several runs of one command: what is seen meanwhile, what is said at the end, what a CI server
//! is told.

use crate::support::Bench;

const KILL: &str = r#"{
    "lifetime": 5, "start_wait": 0, "end_wait": 0, "replicas": 5,
    "clients": {"count": 4, "keys": 2, "rate": 200, "timeout_ms": 500},
    "events": [{"type": "kill_leader", "time": 1.5}],
    "liveness": {"bound_ms": 2000}
}"#;

/// All messages are lost, so no replica leads and no client is answered; and of two that are left a minority
/// of three cannot be affected.
const VACUOUS: &str = r#"{
    "lifetime": 5, "start_wait": 0, "end_wait": 0, "replicas": 7, "drops": 1,
    "clients": {"count": 4, "keys": 1, "rate": 200, "timeout_ms": 20},
    "events": [{"type": "kill", "target": "0001", "time": 0.5}, {"type": "kill", "target": "0002", "time": 0.5},
        {"type": "kill", "target": "0003", "time": 0.5}, {"type": "kill", "target": "0004", "time": 0.5},
        {"type": "kill", "target": "0005", "time": 0.5}, {"type": "slow", "target": "minority", "time": 1}],
    "liveness": {"bound_ms": 5000}
}"#;

#[test]
fn what_happens_is_told_failures_are_repeated_and_one_file_tells_of_all() {
    let bench = Bench::new();
    bench.file("kill.json", KILL);
    bench.file("vacuous.json", VACUOUS);
    let mut command = bench.command(&["run", "kill.json", "vacuous.json", "--jobs", "2", "-v"]);
    command.env("GITHUB_ACTIONS", "true");
    let ended = bench.finish(&mut command, 2);
    ended.expect(14);

    let told = |words: &str| ended.stderr.lines().find(|line| line.contains(words));
    let happened =
        [" claims leadership", "kill_leader on 000", " killed by SIGKILL (it claimed leadership)"];
    for words in happened {
        let line = told(words).unwrap_or_else(|| panic!("`{words}` in:\n{}", ended.stderr));
        assert!(line.starts_with("kill  ") && line.contains(" s  "), "run and time: {line}");
    }

    assert!(told("slow not applied: ").is_some_and(|line| line.starts_with("vacuous")));

    let (_, summary) = ended.stdout.split_once("1 of 2 runs not valid:").expect("a summary");
    assert!(summary.contains("vacuous  seed ") && !summary.contains("kill  seed "), "{summary}");
    assert!(summary.contains("evidence unknown: ") && summary.contains("reproduce: "), "{summary}");
    let annotation = ended.stdout.lines().find(|line| line.starts_with("::error"));
    assert!(
        annotation
            .is_some_and(|line| line.starts_with("::error file=vacuous.json,title=vacuous%3A"))
    );

    let junit = std::fs::read_to_string(bench.path("results/junit.xml")).expect("of all runs");
    assert_eq!(junit.matches("<testsuite ").count(), 2, "{junit}");
    assert_eq!(junit.matches("<failure ").count(), 1, "{junit}");
}
