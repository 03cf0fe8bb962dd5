//! Workloads of our own: what makes them so, and what holds where they are silent.

use std::time::Duration;

use harness::fault::FaultKind;
use harness::scenario::{CheckerBudget, Clients, Era, Scenario, Shape, keys};
use harness::time::RunTime;
use harness::workload::WorkloadName;

fn parse(file: &str, text: &str) -> Scenario {
    Scenario::parse(file, text).unwrap_or_else(|error| panic!("{error}"))
}

const SHARED: Clients = Clients::Shared {
    count: 5,
    keys: 5,
    rate: None,
    requests: None,
    timeout: Duration::from_secs(1),
    burst: 1,
    steady_rate: 0.0,
    old_news: 0.0,
    partition_affinity: 0.0,
    probe_reads: Duration::ZERO,
    one_shot_keys: 0.0,
};

#[test]
fn the_least_workload_of_ours_has_our_defaults() {
    let expected = Scenario {
        name: "demo".to_owned(),
        description: String::new(),
        era: Era::Y2021,
        is_course_config: false,
        replicas: 3,
        start_wait: Duration::from_secs(1),
        request_phase: Duration::from_secs(10),
        end_wait: Duration::from_secs(2),
        mix: 0.5,
        drops: 0.0,
        max_packets: 10_000_000,
        seed: None,
        events: Vec::new(),
        network: Vec::new(),
        nemesis: None,
        workload: WorkloadName::Kv,
        clients: SHARED,
        tests: None,
        liveness_bound: Duration::from_secs(5),
        checker: CheckerBudget { time: Duration::from_secs(60), memory_mb: 1024 },
        warnings: Vec::new(),
    };
    let text = r#"{"lifetime": 10, "replicas": 3, "clients": {}}"#;
    assert_eq!(parse("workloads/demo.json", text), expected);
}

#[test]
fn every_key_is_read() {
    let text = r#"{
        "$schema": "ignored", "name": "all_keys-1.0", "description": "everything", "era": 2016,
        "lifetime": 12.5, "replicas": 7, "requests": 2000, "mix": 0.25, "start_wait": 0.5,
        "end_wait": 2.5, "drops": 0.1, "max_packets": 1e6, "seed": 18446744073709551615,
        "events": [
            {"time": 2, "type": "part_end"}, {"type": "part_easy", "time": 1},
            {"type": "kill_non_leader", "time": 3.25}, {"type": "kill_leader", "time": 3.25}
        ],
        "clients": {"kind": "shared", "count": 9, "keys": 2, "rate": 150.5, "timeout_ms": 250},
        "liveness": {"bound_ms": 750},
        "checker": {"time_budget_ms": 1500, "memory_budget_mb": 64}
    }"#;
    let scenario = parse("x.json", text);
    assert_eq!(
        (scenario.name.as_str(), scenario.description.as_str()),
        ("all_keys-1.0", "everything")
    );
    assert_eq!((scenario.era, scenario.replicas), (Era::Y2016, 7));
    assert_eq!(scenario.request_phase, Duration::from_millis(9500));
    assert_eq!((scenario.mix, scenario.drops), (0.25, 0.1));
    assert_eq!((scenario.max_packets, scenario.seed), (1_000_000, Some(u64::MAX)));
    assert_eq!(
        scenario.clients,
        Clients::Shared {
            count: 9,
            keys: 2,
            rate: Some(150.5),
            requests: Some(2000),
            timeout: Duration::from_millis(250),
            burst: 1,
            steady_rate: 0.0,
            old_news: 0.0,
            partition_affinity: 0.0,
            probe_reads: Duration::ZERO,
            one_shot_keys: 0.0,
        }
    );
    let events: Vec<_> = scenario.events.iter().map(|event| (event.at, event.kind)).collect();
    let at = |ms| RunTime::from(Duration::from_millis(ms));
    assert_eq!(
        events,
        [
            (at(1500), FaultKind::PartEasy),
            (at(2500), FaultKind::PartEnd),
            (at(3750), FaultKind::KillNonLeader),
            (at(3750), FaultKind::KillLeader),
        ],
        "by time, those at the same time as listed"
    );
    assert_eq!(scenario.liveness_bound, Duration::from_millis(750));
    assert_eq!(
        scenario.checker,
        CheckerBudget { time: Duration::from_millis(1500), memory_mb: 64 }
    );
    assert_eq!(scenario.warnings, Vec::<String>::new());
}

#[test]
fn one_key_of_ours_makes_a_workload_ours() {
    let course = r#""lifetime": 30, "replicas": 5, "requests": 500"#;
    let plain = parse("a/b.c.json", &format!("{{{course}}}"));
    assert!(plain.is_course_config);
    assert_eq!((plain.name.as_str(), plain.era), ("course-2016-b.c", Era::Y2016));
    assert_eq!((plain.mix, plain.max_packets), (0.8, 20_000));
    for own in [
        r#""name": "n""#,
        r#""description": "d""#,
        r#""era": "2021""#,
        r#""clients": {"kind": "course"}"#,
        r#""liveness": {}"#,
        r#""checker": {}"#,
    ] {
        let ours = parse("b.json", &format!("{{{course}, {own}}}"));
        assert!(!ours.is_course_config, "{own}");
        assert_eq!((ours.era, ours.mix, ours.max_packets), (Era::Y2021, 0.5, 10_000_000), "{own}");
        assert_eq!(ours.start_wait, Duration::from_secs(1), "{own}");
    }
    let clients =
        parse("b.json", &format!("{{{course}, \"clients\": {{\"kind\": \"course\"}}}}")).clients;
    assert_eq!(clients, Clients::Course { requests: 500 });
}

#[test]
fn a_files_name_becomes_a_folders_name() {
    let text = r#"{"lifetime": 10, "replicas": 3, "clients": {}}"#;
    for (file, name) in [
        ("my workload (1).json", "my-workload--1-"),
        ("été.json", "workload--t-"),
        (".json", "workload-.json"),
        ("..", "workload"),
        ("latest.json", "workload-latest"),
        ("x/../y.json", "y"),
    ] {
        assert_eq!(parse(file, text).name, name, "{file}");
    }
}

#[test]
fn what_is_odd_but_harmless_is_a_warning() {
    let warnings = |rest: &str| {
        let text = format!(r#"{{"lifetime": 30, "replicas": 5, "requests": 500, {rest}}}"#);
        parse("w.json", &text).warnings
    };
    let kills = r#""events": [{"type": "kill_leader", "time": 1},
                   {"type": "kill_leader", "time": 2},
                   {"type": "kill_leader", "time": 3.5}]"#;
    assert_eq!(
        warnings(kills),
        [
            "`kill_leader` 3.5 s after the end of `start_wait` leaves 2 of 5 replicas alive, which is no \
          majority: nothing can be answered from then on"
        ]
    );
    assert_eq!(
        warnings(r#""events": [{"type": "kill_leader", "time": 27}]"#),
        [
            "`kill_leader` 27 s after the end of `start_wait` comes after the last request: it affects no operation"
        ]
    );
    assert_eq!(
        warnings(r#""tests": {}, "name": "n""#),
        ["`tests` has no effect: the course's thresholds are for course clients of era 2021"]
    );
    let many = parse("w.json", r#"{"lifetime": 30, "replicas": 5, "requests": 20001}"#);
    assert_eq!(
        (many.max_packets, many.warnings),
        (
            20_000,
            vec![
                "`requests` is more than the default of `max_packets`, 20000: the run will end as \
                 a packet storm; set `max_packets`"
                    .to_owned()
            ]
        )
    );
}

#[test]
fn the_table_tells_the_defaults_that_hold() {
    let text = |extra: &str| format!(r#"{{"lifetime": 10, "replicas": 3, "name": "n"{extra}}}"#);
    let silent = parse("n.json", &text(""));
    let mut checked = 0;
    for key in keys() {
        let is_literal = serde_json::from_str::<f64>(key.default).is_ok();
        if !is_literal && !matches!(key.path, "clients.kind" | "era") {
            continue;
        }
        let value = if key.shape.name() == "text" {
            format!("\"{}\"", key.default)
        } else {
            key.default.to_owned()
        };
        // Some stand in lists, or say something only together with others.
        if key.path.starts_with("tests.")
            || key.path.starts_with("nemesis.")
            || key.path.contains("[]")
        {
            continue;
        }
        let given = match key.path.split_once('.') {
            None => format!(", \"{}\": {value}", key.path),
            Some((object, name)) => format!(", \"{object}\": {{\"{name}\": {value}}}"),
        };
        assert_eq!(parse("n.json", &text(&given)), silent, "{} = {}", key.path, key.default);
        checked += 1;
    }
    assert_eq!(checked, 16, "the keys whose default is one value");
}

#[test]
fn the_table_is_complete_and_fit_to_print() {
    for key in keys() {
        assert!(!key.meaning.is_empty() && !key.allowed().is_empty(), "{}", key.path);
        let parent = key.parent().trim_end_matches("[]");
        let holder = keys().iter().find(|other| other.path == parent);
        let is_held = parent.is_empty()
            || holder.is_some_and(|it| matches!(it.shape, Shape::Object | Shape::Objects { .. }));
        assert!(is_held, "{} stands in an object of the table", key.path);
        assert_eq!(keys().iter().filter(|other| other.path == key.path).count(), 1, "{}", key.path);
    }
}
