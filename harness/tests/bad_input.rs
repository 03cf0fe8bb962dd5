//! Bad input ends in one clear sentence and exit code 2, before any process is started.

mod support;

use std::os::unix::fs::PermissionsExt;

use support::{Bench, SHORT};

/// Runs the harness, which must refuse with one sentence that holds all of `parts`.
#[track_caller]
fn refused(bench: &Bench, arguments: &[&str], parts: &[&str]) {
    let ended = bench.harness(arguments);
    ended.expect(2);
    assert_eq!(ended.stdout, "");
    assert_eq!(ended.stderr.trim_end().lines().count(), 1, "one sentence: {}", ended.stderr);
    for part in parts {
        assert!(ended.stderr.contains(part), "{part:?} in {}", ended.stderr);
    }
    assert!(!bench.path("results/w").exists(), "nothing was started");
}

#[test]
fn a_workload_is_refused_with_file_place_reason_and_remedy() {
    let bench = Bench::new();
    let six = r#"{"type": "kill_leader", "time": 1},"#.repeat(6);
    let six = format!(
        r#"{{"lifetime": 9, "replicas": 5, "requests": 9, "events": [{}]}}"#,
        six.trim_end_matches(',')
    );
    let cases: [(&str, &[&str]); 6] = [
        ("{\"lifetime\": 5,\n  oops}", &["line 2"]),
        ("{\"lifetime\": 5,\n \"replica\": 5}", &["line 2, column 2", "replica", "`replicas`"]),
        (r#"{"lifetime": 5, "replicas": 99, "requests": 1}"#, &["replicas", "3 to 21"]),
        (r#"{"lifetime": 5, "replicas": 3, "requests": 1, "mix": 1.5}"#, &["mix", "0 to 1"]),
        (&six, &["events[5]", "kill_leader"]),
        ("", &["w.json"]),
    ];
    for (content, parts) in cases {
        let path = bench.file("w.json", content);
        let mut parts = parts.to_vec();
        parts.push("w.json");
        refused(&bench, &["run", &path.to_string_lossy()], &parts);
    }
    refused(&bench, &["run", "no-such.json"], &["no-such.json"]);
}

#[test]
fn one_bad_workload_among_good_ones_starts_none() {
    let bench = Bench::new();
    let good = bench.file("w.json", SHORT);
    let bad = bench.file("bad.json", "[]");
    refused(&bench, &["run", &good.to_string_lossy(), &bad.to_string_lossy()], &["bad.json"]);
}

#[test]
fn a_program_that_cannot_be_a_replica_is_refused() {
    let bench = Bench::new();
    let workload = bench.file("w.json", SHORT);
    let workload = workload.to_string_lossy().into_owned();
    let script = |content: &str, mode: u32| {
        let path = bench.file("store", content);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path.to_string_lossy().into_owned()
    };
    let refuse = |program: &str, parts: &[&str]| {
        refused(&bench, &["run", &workload, "--replica", program], parts);
    };
    refuse("./no-such-program", &["./no-such-program", "no such file"]);
    refuse(".", &["a directory"]);
    refuse(&script("#!/bin/sh\n", 0o644), &["not executable", "chmod +x"]);
    refuse(&script("#!/bin/sh\r\nexit\r\n", 0o755), &["line 1", "CRLF", "sed -i"]);
    refuse(&script("#!/no/such/python\n", 0o755), &["/no/such/python"]);
    refuse(&script("print(1)\n", 0o755), &["#!"]);
    refuse(&script("#!/bin/sh\nexit 0\n", 0o755), &["exits at once", "exit status 0"]);
    refuse("/bin/false", &["exits at once", "exit status 1"]);
}

#[test]
fn a_history_that_is_none_is_refused_with_its_line() {
    let bench = Bench::new();
    let event = |index: u32, kind: &str| {
        format!(
            r#"{{"index":{index},"time_ns":{index},"process":0,"client":"0015","type":"{kind}","f":"put","key":"k","value":"v","node":null,"error":null}}"#
        )
    };
    let header = r#"{"schema":1}"#;
    let cases = [
        ("{\"schema\":99}\n".to_owned(), "line 1"),
        (format!("{header}\nnonsense\n"), "line 2"),
        (format!("{header}\n{}\n", event(0, "ok")), "line 2"),
        (format!("{header}\n{}\n{}\n", event(0, "invoke"), event(1, "invoke")), "line 3"),
    ];
    for (content, line) in cases {
        let path = bench.file("h.jsonl", &content);
        refused(&bench, &["check", &path.to_string_lossy()], &["h.jsonl", line]);
    }
    refused(&bench, &["check", "no-such.jsonl"], &["no-such.jsonl"]);
}
