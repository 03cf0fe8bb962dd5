//! What is tried, and what became of it, as plain values.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::host::disturbance::DisturbanceKind;
use crate::network::course_2016::{GivenUpFor, RouterKind};
use crate::record::RunRecord;
use crate::scenario::{Scenario, WorkloadError};
use crate::verdict::{AnswerKind, Question, Standing, Verdict};

/// The tests of a suite, with what they lose: the course's of 2016, of which the first seconds matter here.
pub const TESTS: [(&str, f64); 17] = [
    ("simple-1", 0.0),
    ("simple-2", 0.0),
    ("unreliable-1", 0.1),
    ("unreliable-2", 0.15),
    ("unreliable-3", 0.2),
    ("crash-1", 0.0),
    ("crash-2", 0.0),
    ("crash-3", 0.0),
    ("crash-4", 0.0),
    ("partition-1", 0.0),
    ("partition-2", 0.0),
    ("partition-3", 0.0),
    ("partition-4", 0.0),
    ("advanced-1", 0.1),
    ("advanced-2", 0.2),
    ("advanced-3", 0.2),
    ("advanced-4", 0.1),
];

/// One host under one router.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// The host's name.
    pub host: String,
    /// The router.
    pub router: &'static str,
}

/// One start of one test.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The cell of the experiment.
    pub cell: Cell,
    /// The rules of the network.
    pub kind: RouterKind,
    /// The suite that it belongs to; `None`: a test run alone, after it failed in a suite.
    pub suite: Option<usize>,
    /// The number of the test in [`TESTS`].
    pub test: usize,
    /// From what everything is drawn.
    pub seed: u64,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// What went wrong, by kind; `None`: it passed.
    pub error: Option<String>,
    /// Whether the harness attributed it to the host.
    pub is_attributed_to_host: bool,
    /// Whether replicas complained of their sockets.
    pub has_noise: bool,
    /// How often it was made again, because it failed while this machine itself was disturbed.
    pub repeated: usize,
    /// Whether it failed and this machine was disturbed each time: it says nothing.
    pub is_left_out: bool,
    /// The slowest replica, from spawn to connection, in milliseconds; `None`: one never connected.
    pub slowest_start_ms: Option<f64>,
}

/// A test's scenario, shortened to what matters: the start, some requests, the end.
pub fn scenario(test: usize) -> Result<Scenario, WorkloadError> {
    let (name, drops) = TESTS[test];
    let workload = format!(
        r#"{{"name": "flake-{name}", "lifetime": 5, "replicas": 5, "drops": {drops},
            "clients": {{"count": 4, "keys": 4, "rate": 40, "timeout_ms": 1000}},
            "liveness": {{"bound_ms": 5000}}}}"#
    );
    let mut scenario = Scenario::parse("flake.json", &workload)?;
    scenario.start_wait = Duration::from_millis(600);
    scenario.request_phase = Duration::from_millis(600);
    scenario.end_wait = Duration::ZERO;
    Ok(scenario)
}

/// What is tried: suites of each cell, all tests one after the other.
pub fn trials(cells: &[(Cell, RouterKind, usize)], seed: u64) -> Vec<Trial> {
    let mut trials = Vec::new();
    for (cell, kind, suites) in cells {
        for suite in 0..*suites {
            for test in 0..TESTS.len() {
                let seed = seed.wrapping_add(trials.len() as u64);
                let cell = cell.clone();
                trials.push(Trial { cell, kind: *kind, suite: Some(suite), test, seed });
            }
        }
    }
    trials
}

/// What a judged run means here.
pub fn outcome(record: &RunRecord, verdict: &Verdict) -> Outcome {
    let asked = Question::OWED;
    let failed = asked.iter().filter_map(|&question| {
        verdict.answer(question).filter(|answer| answer.standing != Standing::Valid)
    });
    let failed: Vec<_> = failed.collect();
    let noisy = |text: &str| {
        let text = text.to_lowercase();
        ["connection", "broken pipe", "reset", "traceback", "socket"]
            .iter()
            .any(|it| text.contains(it))
    };
    let starts: Option<Vec<Duration>> = record.replicas.iter().map(|it| it.connect_time).collect();
    Outcome {
        error: failed.first().map(|answer| error(record, answer.kind, answer.question)),
        is_attributed_to_host: !failed.is_empty()
            && failed.iter().all(|answer| answer.kind == AnswerKind::Host),
        has_noise: record.replicas.iter().any(|replica| noisy(&replica.stderr_tail)),
        repeated: 0,
        is_left_out: false,
        slowest_start_ms: starts
            .and_then(|starts| starts.into_iter().max())
            .map(|time| time.as_secs_f64() * 1e3),
    }
}

/// Whether this machine itself, not the simulated one, disturbed a start: then it says nothing about
/// the simulated one.
pub fn is_disturbed(record: &RunRecord) -> bool {
    let drawn = record.plan.host.as_ref().map_or(&[][..], |host| &host.replicas);
    let is_simulated = record.host.given_up.iter().any(|it| {
        let replica = drawn.get(it.id.index());
        replica.is_some_and(|replica| !replica.stalled.is_empty())
    });
    if is_simulated {
        return false;
    }
    let profile = record.plan.host.as_ref().map(|host| &host.profile);
    let is_starved = profile.is_some_and(|profile| profile.starvation.is_some());
    record.host.disturbances.iter().any(|it| match it.kind {
        DisturbanceKind::Starved => !is_starved,
        DisturbanceKind::LoopLag
        | DisturbanceKind::Suspended
        | DisturbanceKind::Steal
        | DisturbanceKind::DiskFull
        | DisturbanceKind::OutOfMemory => true,
        _ => false,
    })
}

fn error(record: &RunRecord, kind: AnswerKind, question: Question) -> String {
    match record.host.given_up.first().map(|it| it.why) {
        Some(GivenUpFor::NotConnected) => {
            "unable to send to replica (not connected yet)".to_owned()
        }
        Some(GivenUpFor::HungUp) => "unable to send to replica (hung up)".to_owned(),
        Some(GivenUpFor::DoesNotRead) => "does not read".to_owned(),
        Some(GivenUpFor::Deadlock) => "deadlock".to_owned(),
        None => format!("{}: {kind}", question.name()),
    }
}

/// What a cell came to.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Starts within suites.
    pub starts: usize,
    /// Of them failed.
    pub failed: usize,
    /// Of the failed, attributed to the host.
    pub attributed_to_host: usize,
    /// Passed, with noise from the sockets.
    pub noisy_passes: usize,
    /// The tests that failed, for each suite.
    pub suites: BTreeMap<usize, Vec<usize>>,
    /// Starts that were made again because this machine was disturbed.
    pub repeated: usize,
    /// Starts that were left out because it was disturbed each time.
    pub left_out: usize,
    /// Failed tests run alone.
    pub alone: usize,
    /// Of them passed.
    pub alone_passed: usize,
    /// What went wrong, by kind.
    pub errors: BTreeMap<String, usize>,
}

/// All cells, in the order of their names.
pub fn tally(results: &[(Trial, Outcome)]) -> BTreeMap<Cell, Tally> {
    let mut tallies = BTreeMap::<Cell, Tally>::new();
    for (trial, outcome) in results {
        let tally = tallies.entry(trial.cell.clone()).or_default();
        tally.repeated += outcome.repeated;
        if outcome.is_left_out {
            tally.left_out += 1;
            continue;
        }
        let Some(suite) = trial.suite else {
            tally.alone += 1;
            tally.alone_passed += usize::from(outcome.error.is_none());
            continue;
        };
        tally.starts += 1;
        let failed = tally.suites.entry(suite).or_default();
        match &outcome.error {
            None => tally.noisy_passes += usize::from(outcome.has_noise),
            Some(error) => {
                tally.failed += 1;
                tally.attributed_to_host += usize::from(outcome.is_attributed_to_host);
                failed.push(trial.test);
                *tally.errors.entry(error.clone()).or_default() += 1;
            }
        }
    }
    tallies
}
