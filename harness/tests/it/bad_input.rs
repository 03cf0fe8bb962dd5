//! Bad input ends in one clear sentence and exit code 2, before any process is started.

use std::os::unix::fs::PermissionsExt;

use crate::support::{Bench, SHORT};

/// Runs the harness, which must refuse with one sentence that holds all of `parts`.
#[track_caller]
fn refused(bench: &Bench, arguments: &[&str], parts: &[&str]) {
    let ended = bench.refused(arguments);
    ended.expect(2);
    assert_eq!(ended.stdout, "");
    assert_eq!(ended.stderr.trim_end().lines().count(), 1, "one sentence: {}", ended.stderr);
    for part in parts {
        ended.expect_words(part);
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

#[test]
fn a_fault_that_cannot_be_is_refused_with_its_key_and_what_is_allowed() {
    let bench = Bench::new();
    let network = |rule: &str| format!(r#"{{"type": "network", "time": 1, "rules": [{rule}]}}"#);
    let cases: [(String, &[&str]); 13] = [
        (
            network(r#"{"rule": "loss", "probability": 1.5}"#),
            &["`events[0].rules[0].probability`", "`1.5` is too large", "a number from 0 to 1"],
        ),
        (
            network(r#"{"rule": "cut", "from": "boss"}"#),
            &["`events[0].rules[0].from`", "`boss`", "0000 to 0004", "\"leader\"", "`*`"],
        ),
        (
            network(r#"{"rule": "cut", "from": "leader", "to": "leader"}"#),
            &["`events[0].rules[0].to`", "no link lies between"],
        ),
        (
            network(r#"{"rule": "cut", "start": 1}"#),
            &["`events[0].rules[0].start`", "begins and ends with it", "`duration`"],
        ),
        (network(""), &["`events[0].rules`", "at least one"]),
        (
            r#"{"type": "crash", "time": 1, "target": "boss"}"#.into(),
            &["`events[0].target`", "is not a role", "\"leader\"", "0000 to 0004"],
        ),
        (
            r#"{"type": "pause", "time": 1, "duration": 60}"#.into(),
            &["`events[0].duration`", "longer than the run", "from 0 to 5"],
        ),
        (
            r#"{"type": "pause", "time": 1, "target": "0001", "duration": 2},
               {"type": "slow", "time": 2, "target": "0001"}"#
                .into(),
            &["`events[1].time`", "lasts until 3 s", "a time from 3"],
        ),
        (
            r#"{"type": "partition", "time": 1, "shape": "bridge", "direction": "deaf"}"#.into(),
            &["`events[0].direction`", "no two sides", "\"halves\""],
        ),
        (
            r#"{"type": "partition", "time": 1, "shape": "one", "lag": 0.1}"#.into(),
            &[
                "`events[0].lag`",
                "only the shape \"hub\" has a replica whose messages",
                "not \"one\"",
            ],
        ),
        (
            r#"{"type": "partition", "time": 1, "shape": "quarters"}"#.into(),
            &["`events[0].shape`", "\"majorities_ring\""],
        ),
        (
            r#"{"type": "partition", "time": 1, "probability": 0.5}"#.into(),
            &["`events[0].probability`", "unknown key", "`shape`"],
        ),
        (
            r#"{"type": "reset", "time": 1, "duration": 2}"#.into(),
            &["`events[0].duration`", "`reset` has no `duration`", "`target`"],
        ),
    ];
    for (events, parts) in cases {
        let text = format!(r#"{{"lifetime": 5, "replicas": 5, "events": [{events}]}}"#);
        let path = bench.file("w.json", text);
        refused(&bench, &["run", &path.to_string_lossy()], parts);
    }
}

#[test]
fn a_fault_that_the_transport_cannot_bear_is_refused_before_the_start() {
    let bench = Bench::new();
    let loss = r#"{"rule": "loss", "probability": 0.1}"#;
    let faults = format!(r#"[{{"type": "network", "time": 1, "rules": [{loss}]}}]"#);
    let streams: [(String, &str); 4] = [
        (format!(r#""network": [{loss}]"#), "`network[0]`"),
        (format!(r#""events": {faults}"#), "`events[0]`"),
        (
            format!(r#""nemesis": {{"faults": [{{"type": "network", "rules": [{loss}]}}]}}"#),
            "`nemesis.faults[0]`",
        ),
        (
            r#""network": [{"rule": "latency", "ms": 5}, {"rule": "reorder", "probability": 0.1}]"#
                .into(),
            "`network[1]`",
        ),
    ];
    let run = |more: &str, transport: &str, parts: &[&str]| {
        let path = bench.file("w.json", format!(r#"{{"lifetime": 5, "replicas": 5, {more}}}"#));
        refused(&bench, &["run", &path.to_string_lossy(), "--transport", transport], parts);
    };
    for (faults, place) in streams {
        run(&faults, "stream", &[place, "over `stream`", "byte stream", "allowed there: `cut`"]);
    }
    let reset = r#""events": [{"type": "reset", "time": 1}]"#;
    run(reset, "udp", &["`events[0].type`", "no connection to `reset`", "`partition`"]);
}

#[test]
fn where_nothing_can_be_printed_the_end_is_no_good_one_and_a_verdict_stays() {
    let bench = Bench::new();
    let invoked = r#"{"index":0,"time_ns":1,"process":0,"client":"0005","type":"invoke","f":"get","key":"k","value":null}"#;
    let answered = r#"{"index":1,"time_ns":2,"process":0,"client":"0005","type":"ok","f":"get","key":"k","value":"VALUE"}"#;
    for (value, code) in [("", 1), ("never written", 10)] {
        let history = format!("{invoked}\n{}\n", answered.replace("VALUE", value));
        let history = bench.file("history.jsonl", history);
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = bench.command(&["check", &history.to_string_lossy(), "--model", "kv"]);
        let output = command.stdout(full).spawn().unwrap().wait_with_output().unwrap();
        let ended = crate::support::Ended::from(output);
        ended.expect(code);
        ended.expect_words("standard output cannot be written");
    }
}

#[test]
fn a_limit_on_open_files_is_the_hosts_and_told_with_a_remedy() {
    let bench = Bench::new();
    let of_harness = bench.odd_command("right", crate::support::SHORT);
    let mut command = std::process::Command::new("sh");
    command.args(["-c", r#"ulimit -n 40; exec "$@""#, "sh"]);
    command.arg(of_harness.get_program()).args(of_harness.get_args());
    let ended = bench.finish(command.current_dir(bench.path(".")), 1);
    ended.expect(15);
    ended.expect_words("the limit on open files is reached (40;");
    ended.expect_words("ulimit -n 1024");
}
