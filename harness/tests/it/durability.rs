//! Whether puts are acknowledged only when enough replicas can know of them: seen from the messages, without any fault.

use crate::support::{Bench, has};

/// Nothing goes wrong: clients see nothing odd of a store that acknowledges too early.
const CALM: &str = r#"{"name": "calm", "lifetime": 5, "replicas": 5, "start_wait": 0.5, "end_wait": 0,
    "seed": 1, "clients": {"count": 3, "keys": 2, "rate": 60}}"#;

fn durability(bug: Option<&str>, promise: Option<&str>) -> (i32, (String, String), Bench) {
    let bench = Bench::new();
    let workload = bench.file("calm.json", CALM);
    let workload = workload.to_string_lossy();
    let mut arguments = vec!["run", &*workload, "--quiet"];
    if let Some(bug) = bug {
        arguments.extend(["--replica-arg", "--bug", "--replica-arg", bug]);
    }
    if let Some(promise) = promise {
        arguments.extend(["--durability", promise]);
    }
    let ended = bench.harness(&arguments);
    // A busy host may be in the way of other answers, never of this one.
    bench.expect_code_of_verdict(&ended);
    let (code, answer) = (ended.code, bench.answer("durability"));
    (code, answer, bench)
}

fn answer(standing: &str, kind: &str) -> (String, String) {
    (standing.to_owned(), kind.to_owned())
}

#[test]
fn a_put_that_is_acknowledged_before_a_majority_can_know_of_it_is_found_without_any_fault() {
    let (code, found, bench) = durability(Some("minority-commit"), None);
    assert_eq!((code, found), (16, answer("invalid", "early acknowledgement")));
    let verdict = bench.verdict();
    let durability = &verdict["durability"];
    assert_eq!(durability["required"], 3);
    let (early, all) = (durability["early"].as_u64(), durability["acknowledged"].as_u64());
    assert!(early > Some(0) && early <= all, "{durability}");
    let first = &durability["first"];
    assert_eq!(first["replicas"].as_array().map(Vec::len), Some(5), "{first}");
    // A client brought it to some replica, which may have sent the client on to another.
    assert_eq!(first["messages"][0]["kind"], "put", "{first}");
    let own =
        first["replicas"].as_array().and_then(|all| all.iter().find(|it| it["id"] == first["by"]));
    assert_eq!(own.map(|it| &it["is_heard"]), Some(&true.into()), "{first}");
    let explained = bench.harness(&["explain", "results/latest"]);
    explained.expect_words("before a majority (3 of 5 replicas) can have known of them");
    explained.expect_words("before it can have heard from enough others");
    let repeated = verdict["reproduce"].as_str().unwrap_or_default();
    assert!(!repeated.contains("--durability"), "{repeated}");
}

#[test]
fn who_promises_less_is_asked_for_less() {
    for promise in ["any:1", "off"] {
        let (code, (standing, _), bench) = durability(Some("minority-commit"), Some(promise));
        assert_eq!(&*standing, "valid", "{promise}");
        // Nothing else is bad but what a busy host may do.
        assert!([0, 13, 15].contains(&code), "{promise}: {}", bench.verdict());
        let repeated = bench.verdict()["reproduce"].as_str().unwrap_or_default().to_owned();
        assert!(repeated.contains(&format!("--durability {promise}")), "{repeated}");
    }
    let bench = Bench::new();
    for wrong in ["any", "any:0", "all"] {
        bench.refused(&["run", "demo.json", "--durability", wrong]).expect_words("`any:N`");
    }
}

#[test]
fn the_good_replica_waits_for_a_majority() {
    assert_eq!(durability(None, None).1, answer("valid", "durable"));
    assert_eq!(durability(None, Some("any:3")).1, answer("valid", "durable"));
}

/// The answer about a program of these tests, which sends no message to another replica.
fn silent(program: &str, words: &[&str]) -> ((String, String), Bench) {
    let bench = Bench::new();
    let program = format!("{}/tests/programs/{program}", env!("CARGO_MANIFEST_DIR"));
    let workload = bench.file("calm.json", CALM).to_string_lossy().into_owned();
    let mut command = bench.command(&["run", &workload, "--quiet", "--transport", "seqpacket"]);
    command.args(["--replica", &program]);
    for word in words {
        command.args(["--replica-arg", word]);
    }
    let ended = bench.finish(&mut command, 1);
    bench.expect_code_of_verdict(&ended);
    (bench.answer("durability"), bench)
}

#[test]
fn what_replicas_share_where_it_is_not_seen_is_not_called_early() {
    if !has("python3") {
        return;
    }
    let store = tempfile::tempdir().unwrap();
    let store = format!("--store={}", store.path().join("data").display());
    let (found, bench) = silent("vacuous-run.py", &[&store]);
    assert_eq!(found, answer("unknown", "not observed"), "{}", bench.verdict());
    assert_eq!(bench.run().code(), 13);
    let verdict = bench.verdict();
    let sentence = verdict["answers"][1]["sentence"].as_str().unwrap_or_default();
    assert!(sentence.contains("which no client and no message had brought there"), "{sentence}");
    assert!(sentence.contains("`--durability off`"), "{sentence}");
}

#[test]
fn a_replica_that_keeps_everything_to_itself_is_still_found() {
    if !has("python3") {
        return;
    }
    let (found, bench) = silent("store.py", &[]);
    assert_eq!(found, answer("invalid", "early acknowledgement"), "{}", bench.verdict());
}

#[test]
fn more_replicas_than_there_are_cannot_be_asked_for() {
    let bench = Bench::new();
    let workload = bench.file("calm.json", CALM).to_string_lossy().into_owned();
    let refused = bench.refused(&["run", &workload, "--durability", "any:9"]);
    refused.expect(2).expect_words("`any:9` asks for more than the 5 replicas");
}
