//! Runs that show nothing: the store answers no client until the recovery phase, or is silent from
//! before the first fault until after the last. They end with 14, and so does the check of their
//! folder.

use std::fs;
use std::path::Path;

use crate::support::{Bench, Ended, each, has};

/// The store, silent `how` between two times since its start. Its replicas share a file.
fn run(bench: &Bench, how: &str, from: &str, until: &str) -> Ended {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let workload = tests.join("cases/vacuous-run.json");
    let program = tests.join("programs/vacuous-run.py");
    let arguments = [
        format!("--replica-arg=--store={}", bench.path("store.json").display()),
        format!("--replica-arg=--how={how}"),
        format!("--replica-arg=--from={from}"),
        format!("--replica-arg=--until={until}"),
    ];
    let (workload, program) = (workload.to_string_lossy(), program.to_string_lossy());
    let mut command =
        vec!["run", &workload, "--replica", &program, "--transport", "seqpacket", "--quiet"];
    command.extend(arguments.iter().map(String::as_str));
    bench.harness(&command)
}

#[test]
fn a_store_that_answers_only_before_or_after_all_faults_shows_nothing() {
    if !has("python3") {
        return;
    }
    // The request phase ends 6.5 s after the start of the run, a little after that of the store.
    let cases = [
        ("none", "0", "6.5"),
        ("none", "0", "9"),
        ("fail", "0", "9"),
        ("redirect", "0", "9"),
        ("none", "1.2", "9"),
        ("fail", "1.2", "9"),
        ("redirect", "1.2", "9"),
    ];
    each(&cases, |&(how, from, until)| {
        let bench = Bench::new();
        let ended = run(&bench, how, from, until);
        let told = format!("{how} from {from} until {until}: {}", ended.stdout);
        assert_eq!(ended.code, 14, "{told}");
        assert_eq!(bench.answer("evidence"), ("unknown".into(), "vacuous".into()), "{told}");
        let verdict = bench.verdict().to_string();
        assert!(verdict.contains("partition one from "), "{told}\n{verdict}");
        let checked = bench.harness(&["check", "results/latest"]);
        checked.expect(14).expect_words("the run itself was vacuous");
    });
}

#[test]
fn the_same_store_shows_enough_when_it_answers() {
    if !has("python3") {
        return;
    }
    let bench = Bench::new();
    run(&bench, "none", "0", "0").expect(0);
    bench.harness(&["check", "results/latest"]).expect(0);
}

#[test]
fn a_folder_is_judged_by_its_run_s_evidence_but_a_contradiction_is_worse() {
    let bench = Bench::new();
    fs::create_dir(bench.path("run")).unwrap();
    let event = |index: u32, process: u32, kind: &str, f: &str, value: &str| {
        format!(
            r#"{{"index":{index},"time_ns":{index},"process":{process},"client":"0015","type":"{kind}","f":"{f}","key":"k","value":{value}}}"#
        ) + "\n"
    };
    let header = "{\"schema\":1,\"kind\":\"history\",\"model\":\"kv\"}\n".to_owned();
    let put = event(0, 0, "invoke", "put", "\"a\"") + &event(1, 0, "ok", "put", "\"a\"");
    let get = |value: &str| event(2, 1, "invoke", "get", "null") + &event(3, 1, "ok", "get", value);
    let good = header + &put + &get("\"a\"");
    let bad = good.replace(
        "\"ok\",\"f\":\"get\",\"key\":\"k\",\"value\":\"a\"",
        "\"ok\",\"f\":\"get\",\"key\":\"k\",\"value\":\"b\"",
    );
    assert_ne!(good, bad);
    let evidence = |kind: &str| {
        format!(
            r#"{{"answers":[{{"question":"evidence","standing":"unknown","kind":"{kind}","sentence":"only 1 of 40 operations were answered"}}]}}"#
        )
    };
    for (history, verdict, code) in [
        (&good, Some(evidence("vacuous")), 14),
        (&bad, Some(evidence("vacuous")), 10),
        (&good, Some(evidence("sufficient")), 0),
        (&good, Some("{\"answers\":[{\"quest".to_owned()), 0),
        (&bad, None, 10),
        (&good, None, 0),
    ] {
        bench.file("run/history.jsonl", history);
        let path = bench.path("run/verdict.json");
        match &verdict {
            Some(text) => fs::write(path, text).unwrap(),
            None => fs::remove_file(path).unwrap_or_default(),
        }
        bench.harness(&["check", "run"]).expect(code);
        // The history alone knows nothing of its run.
        let alone = if code == 14 { 0 } else { code };
        bench.harness(&["check", "run/history.jsonl"]).expect(alone);
    }
}
