use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::cluster::life::{Death, Ending};
use crate::fault::{Direction, FaultKind, LinkRule, Parameters, PartitionShape as Shape};
use crate::ids::NodeId;
use crate::nemesis::happened::FaultRecord;
use crate::network::rules::Rule;
use crate::op::{F, OperationError, OperationRecord, RecoveryOperation};
use crate::report::sample;
use crate::scenario::Scenario;
use crate::seed::Seed;
use crate::time::RunTime;

fn at(seconds: f64) -> RunTime {
    RunTime::from_secs_f64(seconds)
}

fn safe() -> Answer {
    Answer::new(Question::Safety, Standing::Valid, AnswerKind::Linearizable, "it is")
}

/// A run of five replicas on three keys: operations every 20 ms from 1 s to 10 s, each answered
/// after 10 ms, or refused, as `is_answered` says of its time and key; then final reads, which are all
/// answered.
fn run(faults: Vec<FaultRecord>, is_answered: impl Fn(f64, &str) -> bool) -> RunRecord {
    let mut record = sample::record();
    record.replicas.iter_mut().for_each(|replica| replica.death = None);
    record.faults = faults;
    let pattern = record.operations.swap_remove(0);
    let operation = |n: u32, seconds: f64, outcome| OperationRecord {
        index: u64::from(n),
        f: if n.is_multiple_of(2) { F::Put } else { F::Get },
        key: Some(format!("k{}", n / 2 % 3).into()),
        invoked: at(seconds),
        completed: Some(at(seconds + 0.01)),
        outcome,
        ..pattern.clone()
    };
    let usual = (0..450).map(|n| {
        let seconds = 1.0 + 0.02 * f64::from(n);
        let mut operation = operation(n, seconds, Outcome::Ok);
        if !is_answered(seconds, operation.key_name()) {
            operation.outcome = Outcome::Fail;
        }
        operation
    });
    let reads = (450..550).map(|n| OperationRecord {
        f: F::Get,
        is_final_read: true,
        ..operation(n, 10.1, Outcome::Ok)
    });
    record.operations = usual.chain(reads).collect();
    record.recovery = vec![RecoveryOperation {
        client: NodeId(21),
        f: F::Get,
        key: "k0".into(),
        started: Some(at(10.0)),
        answered: Some(at(10.1)),
    }];
    record
}

/// A fault that affected these replicas, from when until when.
fn fault(kind: FaultKind, targets: &[u16], from: f64, until: f64) -> FaultRecord {
    FaultRecord {
        index: 0,
        kind,
        parameters: Parameters::default(),
        planned_ns: at(from),
        applied_ns: Some(at(from)),
        ended_ns: Some(at(until)),
        leader: None,
        targets: targets.iter().copied().map(NodeId).collect(),
        sides: Vec::new(),
        links: Vec::new(),
        cuts: Vec::new(),
        not_applied: None,
        had_no_room: false,
    }
}

fn pause(targets: &[u16], from: f64, until: f64) -> FaultRecord {
    fault(FaultKind::Pause, targets, from, until)
}

/// These against the others, in both directions.
fn partition(side: &[u16], from: f64, until: f64) -> FaultRecord {
    let (side, others): (Vec<NodeId>, Vec<NodeId>) =
        (0..5).map(NodeId).partition(|id| side.contains(&id.0));
    let cut = |from: &[NodeId], to: &[NodeId]| LinkRule {
        rule: Rule::Cut,
        from: from.to_vec(),
        to: to.to_vec(),
    };
    FaultRecord {
        links: vec![cut(&side, &others), cut(&others, &side)],
        ..fault(FaultKind::Partition, &[], from, until)
    }
}

/// Each replica alone.
fn everyone(from: f64, until: f64) -> FaultRecord {
    let all: Vec<NodeId> = (0..5).map(NodeId).collect();
    let links = vec![LinkRule { rule: Rule::Cut, from: all.clone(), to: all }];
    FaultRecord { links, ..fault(FaultKind::Partition, &[], from, until) }
}

#[track_caller]
fn expect_vacuous(record: &RunRecord, words: &[&str]) {
    let answer = answer(record, &safe());
    assert_eq!(
        (answer.standing, answer.kind),
        (Standing::Unknown, AnswerKind::Vacuous),
        "{answer:?}"
    );
    let told = format!("{}\n{}", answer.sentence, answer.details.join("\n"));
    for word in words {
        assert!(told.contains(word), "{word:?} in:\n{told}");
    }
}

/// What the answer says besides its sentence.
#[track_caller]
fn expect_sufficient(record: &RunRecord) -> String {
    let answer = answer(record, &safe());
    assert_eq!(
        (answer.standing, answer.kind),
        (Standing::Valid, AnswerKind::Sufficient),
        "{answer:?}"
    );
    answer.details.join("\n")
}

/// Whether a time lies in one of these spans.
fn within(seconds: f64, spans: &[(f64, f64)]) -> bool {
    spans.iter().any(|&(from, until)| from <= seconds && seconds < until)
}

#[test]
fn answers_of_the_recovery_phase_do_not_count() {
    expect_vacuous(&run(Vec::new(), |_, _| false), &["no get was answered in the request phase"]);
    // The last operation is asked in the request phase, and answered too late.
    let mut late = run(Vec::new(), |_, _| false);
    for operation in late.operations.iter_mut().filter(|it| !it.is_final_read) {
        (operation.outcome, operation.completed) = (Outcome::Ok, Some(at(10.05)));
    }
    expect_vacuous(&late, &["no get was answered in the request phase (450 operations invoked)"]);
    let few = |until: f64| run(Vec::new(), move |seconds, _| seconds < until);
    expect_vacuous(&few(1.8), &["only 40 of 450 operations were answered in the request phase"]);
    expect_sufficient(&few(2.0));
}

#[test]
fn what_a_system_said_that_answered_nothing_is_told() {
    let mut silent = run(Vec::new(), |_, _| false);
    for (n, operation) in silent.operations.iter_mut().enumerate() {
        let text = if n % 3 == 0 { "status 500" } else { "status 404" };
        operation.error = Some(OperationError::Told(text.into()));
    }
    let answer = answer(&silent, &safe());
    let told = answer.details.iter().find(|line| line.contains("told most often"));
    assert!(told.is_some_and(|line| line.ends_with("times): status 404")), "{answer:?}");
}

#[test]
fn a_load_of_writes_alone_is_shown_by_its_final_reads_and_one_of_reads_alone_by_nothing() {
    let mut writes = run(Vec::new(), |_, _| true);
    let mut reads = writes.clone();
    let usual = |it: &&mut OperationRecord| !it.is_final_read;
    writes.operations.iter_mut().filter(usual).for_each(|it| it.f = F::Put);
    expect_sufficient(&writes);
    reads.operations.iter_mut().filter(usual).for_each(|it| it.f = F::Get);
    expect_vacuous(&reads, &["no put was answered in the request phase"]);
}

#[test]
fn a_store_silent_from_before_the_first_fault_until_after_the_last_is_named_with_them() {
    let faults = || vec![partition(&[0], 3.0, 4.5), pause(&[1], 5.2, 6.2)];
    for (silence, unseen) in [
        // Almost half of the operations are answered, none of them under a fault.
        ((2.9, 6.25), "(0 of "),
        ((2.9, 6.55), "clients saw nothing of 1 of 2 faults: partition from 3.000 s to 4.500 s"),
        (
            (1.5, 9.0),
            "clients saw nothing of 2 of 2 faults: partition from 3.000 s to 4.500 s (0 of",
        ),
        ((1.0, 8.0), "pause from 5.200 s to 6.200 s (nothing answered before it, nor while it"),
    ] {
        let record = run(faults(), |seconds, _| !within(seconds, &[silence]));
        let nothing = "no operation was answered under faults that leave a majority";
        expect_vacuous(&record, &[unseen, nothing, "in 2.5 s)"]);
    }
    assert_eq!(expect_sufficient(&run(faults(), |_, _| true)), "");
}

#[test]
fn an_election_may_take_its_time_during_a_fault_and_after_it() {
    let faults = || vec![pause(&[0], 3.0, 3.5), pause(&[1], 6.0, 7.0), partition(&[0], 8.0, 9.0)];
    // A second and a half after each leader is gone, whether or not it is there again.
    let silences = [(3.0, 4.6), (6.0, 7.6), (8.0, 9.6)];
    let record = run(faults(), |seconds, _| !within(seconds, &silences));
    expect_vacuous(&record, &["in 2.0 s)"]);
    // Unless something is answered under one of them, or none of them leaves time for more.
    let silences = [(3.0, 4.6), (6.0, 7.6), (8.0, 8.9)];
    let record = run(faults(), |seconds, _| !within(seconds, &silences));
    assert_eq!(expect_sufficient(&record), "");
    let short = [2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0].map(|from| pause(&[0], from, from + 0.4));
    let record = run(short.to_vec(), |seconds, _| seconds < 2.0 || seconds.fract() > 0.45);
    assert_eq!(expect_sufficient(&record), "");
    // A fault may follow upon another that silenced the store.
    let faults = vec![pause(&[0], 3.0, 3.3), pause(&[1], 3.9, 4.2), pause(&[2], 4.9, 5.0)];
    let record = run(faults, |seconds, _| !within(seconds, &[(3.0, 5.9)]));
    expect_sufficient(&record);
}

#[test]
fn a_long_fault_that_leaves_a_majority_must_be_seen_while_it_lasts() {
    let silent = |faults| run(faults, |seconds, _| !within(seconds, &[(3.0, 6.0)]));
    expect_vacuous(
        &silent(vec![partition(&[0], 3.0, 6.0)]),
        &["(0 of 151 operations answered while it lasted)"],
    );
    // Not so where no leader lasts, is starved, or is heard and does not hear.
    for kind in [FaultKind::IsolateLeaders, FaultKind::Network, FaultKind::Slow] {
        expect_sufficient(&silent(vec![fault(kind, &[], 3.0, 6.0)]));
    }
    let shapes = [(Shape::Leader, Direction::Deaf), (Shape::Bridge, Direction::Both)];
    for (shape, direction) in shapes {
        let mut partial = partition(&[0], 3.0, 6.0);
        (partial.parameters.shape, partial.parameters.direction) = (Some(shape), Some(direction));
        expect_sufficient(&silent(vec![partial]));
    }
}

#[test]
fn where_no_majority_can_talk_no_answer_is_expected() {
    let all = [0, 1, 2, 3, 4];
    for (name, faults) in [
        ("all stopped", vec![pause(&all, 2.0, 9.5)]),
        ("each alone", vec![everyone(2.0, 9.5)]),
        ("three restarted", vec![fault(FaultKind::Crash, &[0, 1, 2], 2.0, 9.5)]),
        ("two stopped, one alone", vec![pause(&[0, 1], 2.0, 9.5), partition(&[2], 2.0, 9.5)]),
        (
            "halves, and a fault within",
            vec![partition(&[0, 1], 2.0, 9.5), partition(&[2], 2.0, 9.5), pause(&[0], 4.0, 5.0)],
        ),
    ] {
        // Refused at once, operations that cannot be answered soon outnumber the others.
        let record = run(faults.clone(), |seconds, _| !within(seconds, &[(2.0, 9.5)]));
        expect_sufficient(&record);
        // A store that is silent after it too has shown nothing.
        let record = run(faults, |seconds, _| !within(seconds, &[(1.02, 9.9)]));
        let answer = answer(&record, &safe());
        assert_eq!(answer.kind, AnswerKind::Vacuous, "{name}: {answer:?}");
    }
    // Killed for good, until the end.
    let mut record = run(vec![fault(FaultKind::Kill, &[0, 1, 2], 2.0, 2.0)], |it, _| it < 2.0);
    for replica in &mut record.replicas[..3] {
        let how = Ending::Signal(9);
        replica.death = Some(Death { at: at(2.0), how, is_planned: true });
    }
    let told = expect_sufficient(&record);
    let why = "kill at 2.000 s (no majority of the replicas could talk for long enough)";
    assert!(told.contains(why), "{told}");
}

#[test]
fn a_fault_at_the_very_end_or_in_a_pause_of_the_clients_is_told_and_not_counted() {
    let late = vec![pause(&[0], 5.0, 6.0), partition(&[0], 9.0, 10.0)];
    let record = run(late, |seconds, _| seconds < 9.0);
    let told = expect_sufficient(&record);
    let why = "partition from 9.000 s to 10.000 s (the request phase ended soon after it began)";
    assert!(told.contains(why), "{told}");

    let mut record = run(vec![pause(&[0], 5.0, 6.0)], |_, _| true);
    record.operations.retain(|it| !(at(4.9)..at(9.0)).contains(&it.invoked));
    let told = expect_sufficient(&record);
    assert!(told.contains("pause from 5.000 s to 6.000 s (no operation was due)"), "{told}");
    // One operation a second is enough.
    let mut slow = run(vec![pause(&[0], 5.0, 5.1)], |_, _| true);
    slow.operations.retain(|it| it.is_final_read || it.index.is_multiple_of(51));
    assert_eq!(expect_sufficient(&slow), "");
}

#[test]
fn one_fault_of_three_that_nobody_saw_is_only_told() {
    let faults = vec![pause(&[0], 2.0, 2.5), pause(&[0], 4.5, 5.0), pause(&[0], 8.0, 8.5)];
    let record = run(faults, |seconds, _| !within(seconds, &[(4.4, 7.1)]));
    let told = expect_sufficient(&record);
    let words = "faults of which clients saw nothing: pause from 4.500 s to 5.000 s (0 of";
    assert!(told.contains(words), "{told}");
    let answer = answer(&record, &safe());
    assert!(
        answer.sentence.ends_with("3 of 3 faults injected, 2 of 3 seen by clients"),
        "{answer:?}"
    );
}

#[test]
fn each_shared_key_must_be_written_and_read() {
    expect_vacuous(
        &run(Vec::new(), |_, key| key != "k2"),
        &["1 of 3 keys was hardly served: k2 (32 of 75 gets and 0 of 75 puts answered)"],
    );
    // One that was asked for a few times may have had bad luck.
    let mut rare = run(Vec::new(), |_, key| key != "k2");
    rare.operations.retain(|it| it.is_final_read || it.key_name() != "k2" || it.index < 40);
    expect_sufficient(&rare);
    // A course client reads little of what it writes.
    let mut course = run(Vec::new(), |_, _| true);
    let config = r#"{"lifetime": 30, "replicas": 5, "requests": 500}"#;
    course.scenario = Arc::new(Scenario::parse("simple-1.json", config).unwrap());
    for operation in course.operations.iter_mut().filter(|it| it.index > 20) {
        (operation.f, operation.key) = (F::Put, Some(format!("n{}", operation.index).into()));
    }
    course.recovery.clear();
    let answer = answer(&course, &safe());
    assert!(answer.sentence.contains("3 of 432 keys both written and read"), "{answer:?}");
}

#[test]
fn a_partition_of_the_course_lasts_until_the_next_or_its_end() {
    let course = |kind, from| FaultRecord { ended_ns: None, ..fault(kind, &[], from, from) };
    let record = run(
        vec![
            course(FaultKind::PartEasy, 2.0),
            course(FaultKind::PartHard, 3.0),
            course(FaultKind::PartEnd, 5.0),
            course(FaultKind::PartHard, 7.0),
        ],
        |_, _| true,
    );
    let spans = record.faults.iter().map(|it| faults::in_force(&record, it, at(10.0)).unwrap());
    let expected = [(2.0, 3.0), (3.0, 5.0), (5.0, 5.0), (7.0, 10.0)];
    assert_eq!(spans.collect::<Vec<_>>(), expected.map(|(from, until)| (at(from), at(until))));
}

/// Against the faults in force at each moment, looked at one by one.
#[test]
fn a_majority_can_talk_when_somebody_living_hears_and_is_heard_by_enough() {
    let cases = std::env::var("CHECKER_CASES").ok().and_then(|it| it.parse().ok()).unwrap_or(1);
    let mut missing = 0;
    for case in 0..300 * cases {
        let seed = Seed(case);
        let draw = |n: u64, most: u64| seed.draw(n) % most;
        let faults: Vec<FaultRecord> = (0..draw(0, 6))
            .map(|n| {
                let n = 10 * (n + 1);
                let from = draw(n, 8) as f64;
                let until = from + draw(n + 1, 4) as f64;
                let some: Vec<u16> =
                    (0..5).filter(|&id| draw(n + 2 + u64::from(id), 3) == 0).collect();
                match draw(n + 8, 3) {
                    0 => pause(&some, from, until),
                    1 => partition(&some, from, until),
                    _ => everyone(from, until),
                }
            })
            .collect();
        let record = run(faults, |_, _| true);
        let majority = Majority::of(&record, at(10.0));
        let mut free = Duration::ZERO;
        for half in 0..20 {
            let now = at(f64::from(half) / 2.0 + 0.25);
            let is_now = |it: &&FaultRecord| it.applied_ns <= Some(now) && Some(now) < it.ended_ns;
            let active: Vec<&FaultRecord> = record.faults.iter().filter(is_now).collect();
            let lives = |id: &NodeId| !active.iter().any(|it| it.targets.contains(id));
            let crosses = |a: NodeId, b: NodeId| {
                let mut cut = active.iter().flat_map(|it| &it.links).flat_map(LinkRule::pairs);
                !cut.any(|pair| pair == (a, b) || pair == (b, a))
            };
            let living: Vec<NodeId> = (0..5).map(NodeId).filter(lives).collect();
            let expected = living
                .iter()
                .any(|&one| living.iter().filter(|&&other| crosses(one, other)).count() >= 3);
            assert_eq!(majority.could_talk(now), expected, "case {case} at {now}: {active:#?}");
            free += if expected { Duration::from_millis(500) } else { Duration::ZERO };
            missing += u32::from(!expected);
        }
        let spans: Vec<_> = majority.spans(at(0.0), at(10.0)).collect();
        assert_eq!(spans.iter().map(|it| it.1.since(it.0)).sum::<Duration>(), free, "{spans:?}");
        let longest = spans.iter().map(|it| it.1.since(it.0)).max().unwrap_or_default();
        assert_eq!(majority.longest(at(0.0), at(10.0)), longest);
    }
    assert!(missing > 500, "only {missing} moments without a majority");
}
