use std::path::Path;

use super::*;

fn scenario(era_and_test: &str) -> Scenario {
    let workloads = Path::new(env!("CARGO_MANIFEST_DIR")).join("../workloads/course");
    Scenario::load(&workloads.join(era_and_test)).expect("a published config loads")
}

/// A flawless run of `scenario`, at the least number of messages.
fn flawless(scenario: &Scenario) -> Statistics {
    let Clients::Course { requests } = scenario.clients else { panic!("a course config") };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small count")]
    let gets = (requests as f64 * scenario.mix).round() as u64;
    Statistics {
        gets,
        puts: requests - gets,
        puts_acknowledged: requests - gets,
        messages_sent: requests * 4,
        mean_latency_s: 0.001,
        median_latency_s: 0.001,
        ..Default::default()
    }
}

/// That `at_limit` passes and `beyond` breaks exactly one rule, with this sentence.
fn assert_limit(scenario: &Scenario, at_limit: &Statistics, beyond: &Statistics, sentence: &str) {
    let judgement = judge(scenario, at_limit).expect("the course has rules for it");
    assert_eq!(judgement.reasons, Vec::<String>::new(), "at the limit of {}", scenario.name);
    assert!(judgement.passed);
    let judgement = judge(scenario, beyond).expect("the course has rules for it");
    assert_eq!(judgement.reasons, [sentence], "beyond the limit of {}", scenario.name);
    assert!(!judgement.passed);
}

#[test]
fn in_2016_failures_count_with_unanswered_operations_gets_and_puts_apart() {
    let simple = scenario("2016/simple-2.json");
    let good = flawless(&simple);
    assert_limit(
        &simple,
        &Statistics { failed_gets: 2, unanswered_gets: 3, failed_puts: 5, ..good.clone() },
        &Statistics { failed_gets: 3, unanswered_gets: 3, failed_puts: 5, ..good.clone() },
        "failed and unanswered gets: 6; at most 5 are allowed (0.01 of 500)",
    );
    assert_limit(
        &simple,
        &Statistics { unanswered_puts: 5, ..good.clone() },
        &Statistics { unanswered_puts: 5, failed_puts: 1, ..good },
        "failed and unanswered puts: 6; at most 5 are allowed (0.01 of 500)",
    );
}

/// Test, most failures of a kind, most messages, greatest mean latency: worked out by hand.
const LIMITS_2016: [(&str, u64, u64, f64); 17] = [
    ("simple-1", 5, 6000, 0.05),
    ("simple-2", 5, 6000, 0.05),
    ("unreliable-1", 5, 6250, 0.05),
    ("unreliable-2", 5, 6500, 0.09),
    ("unreliable-3", 5, 6750, 0.09),
    ("crash-1", 5, 6000, 0.05),
    ("crash-2", 5, 6000, 0.05),
    ("crash-3", 50, 6500, 0.05),
    ("crash-4", 50, 7000, 0.05),
    ("partition-1", 5, 6500, 0.05),
    ("partition-2", 5, 7000, 0.05),
    ("partition-3", 50, 7500, 0.5),
    ("partition-4", 50, 7500, 0.5),
    ("advanced-1", 100, 15_000, 0.5),
    ("advanced-2", 80, 12_000, 0.09),
    ("advanced-3", 150, 10_000, 0.5),
    ("advanced-4", 100, 20_000, 0.5),
];

#[test]
fn in_2016_every_test_has_its_own_limits() {
    for (test, failures, messages, latency_s) in LIMITS_2016 {
        let scenario = scenario(&format!("2016/{test}.json"));
        let at_limit = Statistics {
            unanswered_gets: failures,
            failed_puts: failures,
            messages_sent: messages,
            mean_latency_s: latency_s,
            ..flawless(&scenario)
        };
        let passed = judge(&scenario, &at_limit).expect("a published test");
        assert_eq!(passed.reasons, Vec::<String>::new(), "{test} at its limits");
        let beyond = Statistics {
            unanswered_gets: failures + 1,
            failed_puts: failures + 1,
            messages_sent: messages + 1,
            mean_latency_s: latency_s + 1e-6,
            ..at_limit
        };
        let failed = judge(&scenario, &beyond).expect("a published test");
        assert_eq!(failed.reasons.len(), 4, "{test} beyond its limits: {:?}", failed.reasons);
        assert!(!failed.passed);
    }
}

#[test]
fn wrong_answers_unreadable_messages_and_deaths_break_the_rules_of_both_eras() {
    for file in ["2016/simple-1.json", "2021/simple-1.json"] {
        let scenario = scenario(file);
        let good = flawless(&scenario);
        assert_limit(
            &scenario,
            &Statistics { replicas_killed: 2, ..good.clone() },
            &Statistics { replicas_died: 1, ..good.clone() },
            "replicas that died by themselves: 1; none is allowed",
        );
        assert_limit(
            &scenario,
            &good,
            &Statistics { incorrect_gets: 1, ..good.clone() },
            "gets answered incorrectly: 1; none is allowed",
        );
        assert_limit(
            &scenario,
            &good,
            &Statistics { protocol_errors: 1, ..good.clone() },
            "messages that the course's simulator cannot read or place: 1; none is allowed",
        );
    }
}

#[test]
fn in_2021_fractions_are_of_the_operations_generated() {
    // 100 gets and 400 puts were to be asked; two gets became puts.
    let simple = scenario("2021/simple-2.json");
    let good = Statistics { gets: 98, puts: 402, gets_not_generated: 2, ..flawless(&simple) };
    assert_limit(
        &simple,
        &Statistics { unanswered_gets: 49, ..good.clone() },
        &Statistics { unanswered_gets: 50, ..good.clone() },
        "unanswered gets: 50; at most 49 are allowed (0.5 of 98)",
    );
    assert_limit(
        &simple,
        &Statistics { unanswered_puts: 201, ..good.clone() },
        &Statistics { unanswered_puts: 202, ..good.clone() },
        "unanswered puts: 202; at most 201 are allowed (0.5 of 402)",
    );
    assert_limit(
        &simple,
        &Statistics { gets: 90, puts: 410, gets_not_generated: 10, ..good.clone() },
        &Statistics { gets: 89, puts: 411, gets_not_generated: 11, ..good.clone() },
        "gets that could not be generated, for lack of acknowledged puts: 11; at most 10 are \
         allowed (0.1 of 100)",
    );
    assert_limit(
        &simple,
        &Statistics { puts_acknowledged: 1, ..good.clone() },
        &Statistics { puts_acknowledged: 0, ..good.clone() },
        "no put was acknowledged; some state must be stored",
    );
    assert_limit(
        &simple,
        &Statistics { messages_sent: 1000, ..good.clone() },
        &Statistics { messages_sent: 999, ..good },
        "messages between replicas: 999; at least 1000 are needed to replicate the puts",
    );
}

#[test]
fn a_tier_is_reached_strictly_below_its_limit() {
    let simple = scenario("2021/simple-2.json");
    let good = flawless(&simple);
    // total_msgs [2200, 4000, 5000], failures [0, 1, 2], duplicates [0, 2, 5],
    // median_latency [0.001, 0.005, 0.05]
    let graded = |messages_sent, unanswered_gets, duplicate_responses, median_latency_s| {
        let statistics = Statistics {
            messages_sent,
            duplicate_responses,
            unanswered_gets,
            median_latency_s,
            ..good.clone()
        };
        let tiers = judge(&simple, &statistics).expect("a 2021 config").tiers;
        tiers.expect("it has benchmarks").each().map(|(_, tier)| tier.expect("all four").number())
    };
    assert_eq!(graded(2199, 0, 0, 0.000_999), [0, 1, 1, 0]);
    assert_eq!(graded(2200, 1, 1, 0.001), [1, 2, 1, 1]);
    assert_eq!(graded(3999, 2, 2, 0.004_999), [1, 3, 2, 1]);
    assert_eq!(graded(4000, 3, 4, 0.005), [2, 3, 2, 2]);
    assert_eq!(graded(5000, 3, 5, 0.05), [3, 3, 3, 3]);
}

#[test]
fn failures_of_all_kinds_add_up_in_the_benchmark() {
    let crash = scenario("2021/crash-4.json");
    let failures = |count| Statistics {
        failed_gets: count,
        failed_puts: 1,
        unanswered_gets: 1,
        unanswered_puts: 1,
        ..flawless(&crash)
    };
    let tier = |count| judge(&crash, &failures(count)).and_then(|it| it.tiers?.failures);
    assert_eq!(tier(0), Some(Tier::FullCredit), "3 is below 4");
    assert_eq!(tier(1), Some(Tier::PartialCredit), "4 is not");
}

#[test]
fn without_correctness_nothing_is_graded() {
    let simple = scenario("2021/simple-1.json");
    let wrong = Statistics { incorrect_gets: 1, ..flawless(&simple) };
    assert_eq!(judge(&simple, &wrong).expect("a 2021 config").tiers, None);
}

#[test]
fn the_course_judges_only_what_it_has_rules_for() {
    let text = r#"{"lifetime": 30, "replicas": 5, "requests": 500}"#;
    let parse = |file: &str, text: &str| Scenario::parse(file, text).expect("a good workload");
    let unknown = parse("my-own.json", text);
    assert_eq!(judge(&unknown, &Statistics::default()), None, "no published test of 2016");
    assert!(judge(&parse("simple-1.json", text), &Statistics::default()).is_some());
    let ours = parse("simple-1.json", r#"{"lifetime": 30, "replicas": 5, "clients": {}}"#);
    assert_eq!(judge(&ours, &Statistics::default()), None, "shared clients");
}

#[test]
fn a_judgement_reads_well_for_people_and_machines() {
    let simple = scenario("2021/simple-2.json");
    let judgement = judge(&simple, &flawless(&simple)).expect("a 2021 config");
    let expected = "\
passed by the course's rules of 2021
total_msgs                        tier 0 (bonus)
failures                          tier 1 (full credit)
duplicates                        tier 1 (full credit)
median_latency                    tier 1 (full credit)";
    assert_eq!(judgement.lines().join("\n"), expected);
    assert_eq!(
        serde_json::to_string(&judgement).expect("it is serializable"),
        concat!(
            r#"{"era":"2021","passed":true,"reasons":[],"#,
            r#""tiers":{"total_msgs":0,"failures":1,"duplicates":1,"median_latency":1}}"#
        )
    );
    let failed = judge(&simple, &Statistics { replicas_died: 1, ..flawless(&simple) });
    let expected = "\
failed by the course's rules of 2021
  replicas that died by themselves: 1; none is allowed";
    assert_eq!(failed.expect("a 2021 config").lines().join("\n"), expected);
}
