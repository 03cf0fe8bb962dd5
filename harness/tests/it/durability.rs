//! Whether puts are acknowledged only when enough replicas can know of them: seen from the messages, without any fault.

use crate::support::Bench;

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
    let code = bench.harness(&arguments).code;
    let answer = bench.answer("durability");
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
        assert_eq!((code, &*standing), (0, "valid"), "{promise}");
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
