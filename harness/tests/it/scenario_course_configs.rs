//! The published configs of the course load unmodified, each with its own era's meaning.

use std::path::{Path, PathBuf};
use std::time::Duration;

use harness::fault::FaultKind;
use harness::scenario::{Benchmarks, Clients, CourseTests, Era, Scenario};
use harness::time::RunTime;

fn folder(era: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../workloads/course").join(era)
}

fn load(era: &str, test: &str) -> Scenario {
    let path = folder(era).join(format!("{test}.json"));
    Scenario::load(&path).unwrap_or_else(|error| panic!("{error}"))
}

const HARD: FaultKind = FaultKind::PartHard;
const EASY: FaultKind = FaultKind::PartEasy;
const END: FaultKind = FaultKind::PartEnd;
const LEADER: FaultKind = FaultKind::KillLeader;
const OTHER: FaultKind = FaultKind::KillNonLeader;

/// What a config says, as its file does: times in seconds since the end of `start_wait`.
struct Config {
    test: &'static str,
    requests: u64,
    mix: f64,
    drops: f64,
    end_wait: u64,
    events: &'static [(FaultKind, u64)],
}

const fn config(
    test: &'static str,
    requests: u64,
    mix: f64,
    drops: f64,
    end_wait: u64,
    events: &'static [(FaultKind, u64)],
) -> Config {
    Config { test, requests, mix, drops, end_wait, events }
}

const ADVANCED_1: &[(FaultKind, u64)] = &[(HARD, 5), (END, 8), (HARD, 12), (END, 15), (LEADER, 20)];
const ADVANCED_4: &[(FaultKind, u64)] =
    &[(HARD, 5), (END, 8), (HARD, 12), (END, 15), (HARD, 19), (END, 21), (LEADER, 25)];
const TWO_LEADERS: &[(FaultKind, u64)] = &[(LEADER, 8), (LEADER, 16)];

const CONFIGS_2016: [Config; 17] = [
    config("simple-1", 500, 0.8, 0.0, 2, &[]),
    config("simple-2", 500, 0.2, 0.0, 2, &[]),
    config("unreliable-1", 500, 0.2, 0.05, 2, &[]),
    config("unreliable-2", 500, 0.2, 0.1, 2, &[]),
    config("unreliable-3", 500, 0.2, 0.15, 2, &[]),
    config("crash-1", 500, 0.2, 0.0, 2, &[(OTHER, 15)]),
    config("crash-2", 500, 0.2, 0.0, 2, &[(OTHER, 10), (OTHER, 20)]),
    config("crash-3", 500, 0.2, 0.0, 2, &[(LEADER, 15)]),
    config("crash-4", 500, 0.2, 0.0, 2, &[(LEADER, 10), (LEADER, 20)]),
    config("partition-1", 500, 0.2, 0.0, 2, &[(EASY, 5), (END, 10)]),
    config("partition-2", 500, 0.2, 0.0, 2, &[(EASY, 5), (END, 10), (EASY, 15), (END, 25)]),
    config("partition-3", 500, 0.2, 0.0, 2, &[(HARD, 5), (END, 10)]),
    config("partition-4", 500, 0.2, 0.0, 2, &[(HARD, 5), (END, 10), (HARD, 15), (END, 20)]),
    config("advanced-1", 1000, 0.2, 0.1, 2, ADVANCED_1),
    config("advanced-2", 800, 0.2, 0.15, 5, TWO_LEADERS),
    config("advanced-3", 500, 0.2, 0.5, 10, &[(LEADER, 5)]),
    config("advanced-4", 1000, 0.2, 0.1, 2, ADVANCED_4),
];

const CONFIGS_2021: [Config; 17] = [
    config("simple-1", 500, 0.8, 0.0, 2, &[]),
    config("simple-2", 500, 0.2, 0.0, 2, &[]),
    config("unreliable-1", 500, 0.2, 0.05, 2, &[]),
    config("unreliable-2", 500, 0.2, 0.1, 2, &[]),
    config("unreliable-3", 500, 0.2, 0.15, 2, &[]),
    config("crash-1", 500, 0.2, 0.0, 2, &[(OTHER, 15)]),
    config("crash-2", 500, 0.2, 0.0, 2, &[(OTHER, 10), (OTHER, 20)]),
    config("crash-3", 400, 0.2, 0.0, 2, &[(LEADER, 10)]),
    config("crash-4", 300, 0.2, 0.0, 2, TWO_LEADERS),
    config("partition-1", 400, 0.2, 0.0, 2, &[(EASY, 5), (END, 10)]),
    config("partition-2", 300, 0.2, 0.0, 2, &[(EASY, 5), (END, 10), (EASY, 18), (END, 23)]),
    config("partition-3", 400, 0.2, 0.0, 2, &[(HARD, 5), (END, 10)]),
    config("partition-4", 300, 0.2, 0.0, 2, &[(HARD, 5), (END, 10), (HARD, 18), (END, 23)]),
    config("advanced-1", 250, 0.2, 0.1, 2, ADVANCED_1),
    config("advanced-2", 300, 0.2, 0.15, 5, TWO_LEADERS),
    config("advanced-3", 200, 0.2, 0.3, 10, &[(LEADER, 5)]),
    config("advanced-4", 300, 0.2, 0.1, 5, ADVANCED_4),
];

fn assert_as_published(scenario: &Scenario, config: &Config, start_wait: u64) {
    let test = &scenario.name;
    assert!(scenario.is_course_config, "{test}");
    assert_eq!(scenario.replicas, 5, "{test}");
    assert_eq!(scenario.clients, Clients::Course { requests: config.requests }, "{test}");
    assert_eq!((scenario.mix, scenario.drops), (config.mix, config.drops), "{test}");
    assert_eq!(scenario.max_packets, 20_000, "{test}");
    assert_eq!(scenario.seed, None, "{test}");
    assert_eq!(scenario.start_wait, Duration::from_secs(start_wait), "{test}");
    assert_eq!(scenario.end_wait, Duration::from_secs(config.end_wait), "{test}");
    let events: Vec<(FaultKind, RunTime)> =
        scenario.events.iter().map(|event| (event.kind, event.at)).collect();
    let published: Vec<(FaultKind, RunTime)> = config
        .events
        .iter()
        .map(|&(kind, time)| (kind, Duration::from_secs(start_wait + time).into()))
        .collect();
    assert_eq!(events, published, "{test}: events count from the end of start_wait");
}

#[test]
fn in_2016_the_lifetime_includes_the_waits() {
    for config in &CONFIGS_2016 {
        let scenario = load("2016", config.test);
        assert_eq!(scenario.name, format!("course-2016-{}", config.test));
        assert_eq!(scenario.era, Era::Y2016, "{}", config.test);
        assert_as_published(&scenario, config, 2);
        assert_eq!(scenario.duration(), Duration::from_secs(30), "{}", config.test);
        let phase = Duration::from_secs(30 - 2 - config.end_wait);
        assert_eq!(scenario.request_phase, phase, "{}", config.test);
        assert_eq!(scenario.tests, None, "{}", config.test);
        assert_eq!(scenario.warnings, Vec::<String>::new(), "{}", config.test);
    }
}

#[test]
fn since_2021_the_waits_are_added_to_the_lifetime() {
    for config in &CONFIGS_2021 {
        let scenario = load("2021", config.test);
        assert_eq!(scenario.name, format!("course-2021-{}", config.test));
        assert_eq!(scenario.era, Era::Y2021, "{}", config.test);
        assert_as_published(&scenario, config, 5);
        assert_eq!(scenario.request_phase, Duration::from_secs(30), "{}", config.test);
        let duration = Duration::from_secs(30 + 5 + config.end_wait);
        assert_eq!(scenario.duration(), duration, "{}", config.test);
        let mut tests = scenario.tests.unwrap_or_else(|| panic!("{} has `tests`", config.test));
        let benchmarks = tests.benchmarks.take();
        let thresholds = CourseTests {
            maximum_get_fail_fraction: 0.5,
            maximum_put_fail_fraction: 0.5,
            maximum_get_generation_fail_fraction: 0.1,
            maximum_appends_batched_fraction: 0.5,
            benchmarks: None,
        };
        assert_eq!(tests, thresholds, "{}: none is set where the simulator looks", config.test);
        let benchmarks = benchmarks.unwrap_or_else(|| panic!("{} has them", config.test));
        assert!(benchmarks.total_msgs.is_some() && benchmarks.median_latency.is_some());
    }
}

#[test]
fn no_published_file_is_left_out() {
    for (era, configs) in [("2016", &CONFIGS_2016), ("2021", &CONFIGS_2021)] {
        let mut files: Vec<String> = std::fs::read_dir(folder(era))
            .expect("the folder is there")
            .map(|entry| entry.expect("it can be read").file_name().into_string().expect("text"))
            .collect();
        let mut known: Vec<String> =
            configs.iter().map(|config| format!("{}.json", config.test)).collect();
        files.sort();
        known.sort();
        assert_eq!(files, known, "in {era}");
    }
}

#[test]
fn a_misplaced_threshold_is_told_and_has_no_effect() {
    let misplaced = ["advanced-1", "advanced-2", "advanced-3", "advanced-4", "unreliable-3"];
    for config in &CONFIGS_2021 {
        let expected: Vec<&str> = misplaced
            .iter()
            .filter(|&&test| test == config.test)
            .map(|_| {
                "`maximum_get_generation_fail_fraction` stands outside of `tests`, where the course's \
                 simulator ignores it: it has no effect"
            })
            .collect();
        assert_eq!(load("2021", config.test).warnings, expected, "{}", config.test);
    }
}

#[test]
fn benchmarks_are_read_as_they_are() {
    let benchmarks = load("2021", "advanced-3").tests.and_then(|tests| tests.benchmarks);
    assert_eq!(
        benchmarks,
        Some(Benchmarks {
            total_msgs: Some([1000.0, 3000.0, 4000.0]),
            failures: Some([1.0, 10.0, 100.0]),
            duplicates: Some([0.0, 6.0, 20.0]),
            median_latency: Some([0.0002, 0.005, 0.1]),
        })
    );
}
