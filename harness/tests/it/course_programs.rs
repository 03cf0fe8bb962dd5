//! Programs written for the course, over each of its transports, get the verdict that they deserve.

use std::path::Path;

use crate::support::{Bench, Ended, each, has};

/// A leader kill under load, with shared keys.
const WORKLOAD: &str = r#"{
    "lifetime": 5, "start_wait": 1, "end_wait": 0, "replicas": 3,
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
    let ended = bench.harness(&arguments);
    bench.expect_code_of_verdict(&ended);
    ended
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
    if !has("python3") {
        return;
    }
    each(&["seqpacket", "stream", "udp"], |transport| {
        let bench = Bench::new();
        raft(&bench, transport, "right", &[]);
        assert_eq!(bench.answer("safety").0, "valid", "{transport}: {}", bench.verdict());
        let manifest = bench.run().read("manifest.json");
        assert!(manifest.contains(&format!("\"transport\": \"{transport}\"")), "{manifest}");
    });
}

#[test]
fn what_is_slow_late_or_odd_but_allowed_is_never_a_contradiction() {
    if !has("python3") {
        return;
    }
    let ways = [
        "late",
        "empty-list",
        "no-value",
        "null",
        "fails-unwritten",
        "twice",
        "child",
        "names-nobody",
        "out-of-order",
        "files",
        "exits-0",
    ];
    each(&ways, |way| {
        let bench = Bench::new();
        raft(&bench, "seqpacket", way, &["--transport", "seqpacket"]);
        for question in ["safety", "process"] {
            assert_eq!(bench.answer(question).0, "valid", "{way}: {}", bench.verdict());
        }
    });
}

#[test]
fn a_program_that_answers_nobody_in_time_is_waited_for() {
    if !has("python3") {
        return;
    }
    let bench = Bench::new();
    raft(&bench, "seqpacket", "slow", &["--transport", "seqpacket"]);
    for question in ["safety", "process", "evidence"] {
        assert_eq!(bench.answer(question).0, "valid", "{}", bench.verdict());
    }
    assert_ne!(bench.answer("liveness").0, "invalid", "{}", bench.verdict());
}

#[test]
fn refusals_and_redirects_to_nowhere_are_no_contradiction() {
    if !has("python3") {
        return;
    }
    each(&["fail-sometimes", "redirects-to-nowhere", "to-itself"], |way| {
        let bench = Bench::new();
        raft(&bench, "seqpacket", way, &["--transport", "seqpacket"]);
        assert_eq!(bench.answer("safety").0, "valid", "{way}: {}", bench.verdict());
    });
}

#[test]
fn reads_without_a_majority_are_stale() {
    if !has("python3") {
        return;
    }
    deserves("stale", 10, "safety", "invalid");
}

#[test]
fn writes_that_are_acknowledged_and_lost_are_found() {
    if !has("python3") {
        return;
    }
    each(&["loses-writes", "loses-some"], |way| {
        deserves(way, 10, "safety", "invalid");
    });
}

#[test]
fn a_key_that_is_gone_is_a_lost_write_however_that_is_answered() {
    if !has("python3") {
        return;
    }
    each(&["gone-empty", "gone-fail"], |way| {
        let bench = deserves(way, 10, "safety", "invalid");
        // One that a replica sends on later is not lost.
        let verdict = bench.verdict();
        let is_sent_later =
            verdict["answers"][0]["sentence"].to_string().contains(" sent the value ");
        let expected = if is_sent_later { "stale read" } else { "lost write" };
        assert_eq!(bench.answer("safety").1, expected, "{way}: {verdict}");
    });
}

#[test]
fn what_never_answers_is_a_matter_of_liveness() {
    if !has("python3") {
        return;
    }
    each(&["silent", "redirect-forever"], |way| {
        deserves(way, 11, "liveness", "invalid");
    });
}

#[test]
fn a_refusal_that_took_effect_is_wrong_only_where_a_refusal_is_said_to_be_definite() {
    if !has("python3") {
        return;
    }
    let bench = Bench::new();
    let definite = ["--transport", "seqpacket", "--fail-is", "definite"];
    raft(&bench, "seqpacket", "fail-sometimes", &definite).expect(10);
    assert_eq!(bench.answer("safety").0, "invalid");
}

/// A config like the course's, with room for a host that is busy.
const QUICK: &str = r#"{
    "lifetime": 5, "replicas": 3, "requests": 200, "mix": 0.5, "start_wait": 2, "end_wait": 2,
    "tests": {"maximum_get_generation_fail_fraction": 1, "maximum_get_fail_fraction": 1,
              "maximum_put_fail_fraction": 1}
}"#;

/// A folder as a teacher has it: three programs, two of which start.
#[test]
fn a_grading_has_a_row_for_each_program_and_goes_on_where_it_stopped() {
    if !has("python3") {
        return;
    }
    let bench = Bench::new();
    let config = bench.file("quick.json", QUICK);
    let raft = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs/raft.py");
    for (name, way) in [("anna", "right"), ("boris", "stale")] {
        let script = format!("#!/bin/sh\nexec \"$(dirname \"$0\")/raft.py\" --way={way} \"$@\"\n");
        program(&bench, name, &script);
    }
    program(&bench, "clara", "print('no first line')\n");
    let config = config.to_string_lossy();
    // Beside the program, which its own `/tmp` shows.
    for name in ["anna", "boris"] {
        let copy = bench.path(&format!("class/{name}/raft.py"));
        std::fs::copy(&raft, copy).expect("a copy");
    }
    let mut arguments = vec!["grade", "class", "--replica-name", "kv", "--configs", &config];
    arguments.extend(["--jobs", "2", "--seed", "3", "--results", "graded", "--clock", "auto"]);
    let ended = bench.harness(&arguments);
    ended.expect(0);
    ended.expect_words("clock virtual: the same seed gives the same run");
    let mut csv = csv::Reader::from_path(bench.path("graded/grade.csv")).unwrap();
    let rows: Vec<csv::StringRecord> = csv.records().map(Result::unwrap).collect();
    let names: Vec<&str> = rows.iter().map(|row| &row[0]).collect();
    assert_eq!(names, ["anna", "boris", "clara"]);
    assert_eq!((&rows[0][1], &rows[0][2], &rows[0][3]), ("1", "1", "yes"), "{rows:?}");
    assert_eq!(&rows[1][3], "no", "{rows:?}");
    assert!(rows[1][4].starts_with("safety: "), "{rows:?}");
    assert!(rows[2][9].contains("neither a binary nor a script"), "{rows:?}");
    let ended = bench.harness(&arguments);
    ended.expect(0);
    ended.expect_words("3 of 3 programs have a row");
    // What no program could be graded with is refused, and no row is written.
    let first = ["grade", "class", "--results", "other", "--replica-name"];
    let cases = [
        (&["kv", "--configs", "simple-77"][..], "simple-77"),
        (&["kw"], "no subfolder of class has a file kw"),
        (&["../kv"], "leads out of the programs' folders"),
        (&["kv", "--time-limit", "0"], "1.."),
    ];
    for (wrong, words) in cases {
        bench.refused(&[&first[..], wrong].concat()).expect(2).expect_words(words);
        assert!(!bench.path("other").exists(), "{wrong:?}");
    }
    bench.refused(&["serve", &config]).expect(2).expect_words("is no folder");
}

/// The program of a student.
fn program(bench: &Bench, name: &str, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::create_dir_all(bench.path("class").join(name)).expect("a folder in a temporary one");
    let path = bench.file(&format!("class/{name}/kv"), text);
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(path, mode).expect("a file of our own");
}

#[test]
fn the_course_runs_anywhere_and_says_what_it_cannot_see() {
    if !has("python3") {
        return;
    }
    let bench = Bench::new();
    let config = bench.file("quick.json", QUICK);
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs/raft.py");
    let program = program.to_string_lossy();
    let arguments = ["course", &config.to_string_lossy(), "--replica", &program, "--seed", "3"];
    let ended = bench.harness(&arguments);
    for line in ["1 of 1 passed by the course's rules of 2021", "the store is linearizable"] {
        ended.expect_words(line);
    }
    let wrong = [&arguments[..], &["--replica-arg=--way=crash"]].concat();
    bench.harness(&wrong).expect_words("but process invalid in quick");
    let ended = bench.refused(&["course", "simple-9"]);
    ended.expect(2);
    ended.expect_words("advanced-4");
}

#[test]
fn a_crash_is_told_with_its_last_words() {
    if !has("python3") {
        return;
    }
    let bench = deserves("crash", 12, "process", "invalid");
    assert!(bench.verdict().to_string().contains("RuntimeError: index out of range"));
}

#[test]
fn busy_loops_and_output_without_end_contradict_nothing() {
    if !has("python3") {
        return;
    }
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
    for way in ["over seqpacket", "over stream", "over udp", "exit status 1"] {
        ended.expect_words(way);
    }
}
