//! Programs written for the course, over each of its transports, get the verdict that they deserve.

mod support;

use std::path::Path;

use support::{Bench, Ended};

/// A leader kill under load, with shared keys.
const WORKLOAD: &str = r#"{
    "lifetime": 5, "start_wait": 1, "end_wait": 0, "replicas": 5,
    "clients": {"count": 6, "keys": 3, "rate": 150, "timeout_ms": 500},
    "events": [{"type": "kill_leader", "time": 2}], "liveness": {"bound_ms": 4000}
}"#;

/// The Raft in Python, by this transport and in this way.
fn raft(bench: &Bench, transport: &str, way: &str, more: &[&str]) -> Ended {
    let workload = bench.file("raft.json", WORKLOAD);
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs/raft.py");
    let (workload, program) = (workload.to_string_lossy(), program.to_string_lossy());
    let transport = format!("--replica-arg=--transport={transport}");
    let way = format!("--replica-arg=--way={way}");
    let mut arguments = vec!["run", &workload, "--seed", "7", "--replica", &program];
    arguments.extend([transport.as_str(), way.as_str()]);
    arguments.extend(more);
    bench.harness(&arguments)
}

/// Each of these side by side.
fn each(ways: &[&str], test: impl Fn(&str) + Sync) {
    std::thread::scope(|scope| {
        for way in ways {
            scope.spawn(|| test(way));
        }
    });
}

#[track_caller]
fn deserves(way: &str, code: i32, question: &str, standing: &str) -> Bench {
    let bench = Bench::new();
    raft(&bench, "seqpacket", way, &["--transport", "seqpacket"]).expect(code);
    assert_eq!(bench.answer(question).0, standing, "{way}: {}", bench.verdict());
    bench
}

#[test]
fn a_right_program_is_valid_over_each_transport_and_the_manifest_says_which() {
    each(&["seqpacket", "stream", "udp"], |transport| {
        let bench = Bench::new();
        let ended = raft(&bench, transport, "right", &[]);
        ended.expect(0);
        let manifest = std::fs::read_to_string(bench.path("results/latest/manifest.json")).unwrap();
        assert!(manifest.contains(&format!("\"transport\": \"{transport}\"")), "{manifest}");
    });
}

#[test]
fn what_is_slow_late_or_odd_but_allowed_is_never_a_contradiction() {
    each(&["late", "empty-list", "null", "no-value", "twice", "ignores-sigterm", "child"], |way| {
        deserves(way, 0, "safety", "valid");
    });
}

#[test]
fn refusals_and_redirects_to_nowhere_are_no_contradiction() {
    each(&["fail-sometimes", "fails-unwritten", "redirects-to-nowhere", "to-itself"], |way| {
        let bench = Bench::new();
        raft(&bench, "seqpacket", way, &["--transport", "seqpacket"]);
        assert_eq!(bench.answer("safety").0, "valid", "{way}: {}", bench.verdict());
    });
}

#[test]
fn reads_without_a_majority_are_stale() {
    deserves("stale", 10, "safety", "invalid");
}

#[test]
fn writes_that_are_acknowledged_and_lost_are_found() {
    deserves("loses-writes", 10, "safety", "invalid");
    deserves("loses-some", 10, "safety", "invalid");
}

#[test]
fn what_never_answers_is_a_matter_of_liveness() {
    deserves("silent", 11, "liveness", "invalid");
    deserves("redirect-forever", 11, "liveness", "invalid");
}

#[test]
fn a_refusal_that_took_effect_is_wrong_only_where_a_refusal_is_said_to_be_definite() {
    let bench = Bench::new();
    let definite = ["--transport", "seqpacket", "--fail-is", "definite"];
    raft(&bench, "seqpacket", "fail-sometimes", &definite).expect(10);
    assert_eq!(bench.answer("safety").0, "invalid");
}

#[test]
fn the_course_runs_anywhere_and_says_what_it_cannot_see() {
    let bench = Bench::new();
    let config = r#"{"lifetime": 5, "replicas": 5, "requests": 100, "mix": 0.5, "start_wait": 1,
        "end_wait": 1, "tests": {"maximum_get_generation_fail_fraction": 1}}"#;
    let config = bench.file("quick.json", config);
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs/raft.py");
    let program = program.to_string_lossy();
    let arguments = ["course", &config.to_string_lossy(), "--replica", &program, "--seed", "3"];
    let ended = bench.harness(&arguments);
    ended.expect(0);
    for line in ["1 of 1 passed by the course's rules of 2021", "the store is linearizable"] {
        assert!(ended.stdout.contains(line), "{line}: {}", ended.stdout);
    }
    let ended = bench.harness(&["course", "simple-9"]);
    ended.expect(2);
    assert!(ended.stderr.contains("advanced-4"), "the names are told: {}", ended.stderr);
}

#[test]
fn a_crash_is_told_with_its_last_words() {
    let bench = deserves("crash", 12, "process", "invalid");
    assert!(bench.verdict().to_string().contains("RuntimeError: index out of range"));
}

#[test]
fn busy_loops_and_output_without_end_contradict_nothing() {
    each(&["spin", "output"], |way| {
        let bench = Bench::new();
        raft(&bench, "seqpacket", way, &["--transport", "seqpacket"]);
        assert_eq!(bench.answer("safety").0, "valid", "{way}: {}", bench.verdict());
    });
}

#[test]
fn a_program_that_speaks_in_no_way_is_told_what_was_tried() {
    let bench = Bench::new();
    let workload = bench.file("raft.json", WORKLOAD);
    let ended = bench.harness(&["run", &workload.to_string_lossy(), "--replica", "/bin/false"]);
    ended.expect(2);
    for way in ["by seqpacket", "by stream", "by udp", "exit status 1"] {
        assert!(ended.stderr.contains(way), "{way}: {}", ended.stderr);
    }
}
