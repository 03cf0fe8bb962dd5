//! Each fault on real processes, by its effect: what a replica said and did, not what was called.
#![expect(clippy::unwrap_used, reason = "a test that has nothing to read has failed")]

use std::collections::BTreeSet;
use std::ops::Range;

use harness::ids::NodeId;

use crate::support::{Bench, Message, Seen};

/// Runs five replicas with disks under these events, and expects all to be well.
fn run(events: &str) -> Seen {
    let bench = Bench::new();
    let text = format!(
        r#"{{"name": "f", "lifetime": 6, "start_wait": 0.5, "end_wait": 0, "replicas": 5,
        "clients": {{"count": 4, "keys": 2, "rate": 300, "timeout_ms": 500}}, "events": [{events}]}}"#
    );
    let workload = bench.file("f.json", text);
    let data = ["--replica-arg", "--data-dir", "--replica-arg", "{data}"];
    let arguments = ["run", &*workload.to_string_lossy(), "--seed", "5", "--quiet"];
    bench.harness(&[&arguments[..], &data].concat()).expect(0);
    Seen::new(bench)
}

impl Seen {
    /// The time of the fault, without the time that the news of it takes.
    fn known(&self, n: usize) -> (u64, u64) {
        let span = self.span(n);
        (span.start + 300_000_000, span.end)
    }

    /// Messages that the replica sent in this time.
    fn said(&self, id: &str, (begin, end): (u64, u64)) -> usize {
        let id = id.parse().unwrap();
        let by = self.messages.iter().filter(|message| message.from == id);
        by.filter(|message| (begin..end).contains(&message.sent_ns)).count()
    }

    fn stderr(&self, id: &str) -> String {
        self.run.log(id, "stderr")
    }
}

#[test]
fn who_is_stopped_killed_or_crashed_is_silent_and_those_who_come_back_speak_again() {
    let seen = run(r#"{"type": "pause", "target": "leader", "time": 1, "duration": 0.8},
        {"type": "crash", "target": "leader", "time": 2.2, "duration": 0.8},
        {"type": "kill", "target": "leader", "time": 3.5},
        {"type": "restart", "target": "follower", "time": 4.2, "duration": 0.5}"#);
    for n in 0..4 {
        let target = seen.faults[n].targets[0].to_string();
        let (begin, end) = seen.known(n);
        assert_eq!(seen.said(&target, (begin, end)), 0, "{target} during fault {n}");
        assert!(seen.said(&target, (0, begin)) > 0, "{target} before fault {n}");
        let is_dead = seen.faults[2].targets[0].to_string() == target;
        let after = seen.said(&target, (end, u64::MAX));
        assert!(after > 0 || is_dead, "{target} after fault {n}");
    }
    for pause in [0, 1] {
        assert_eq!(Some(seen.faults[pause].targets[0]), seen.faults[pause].leader, "by role");
    }
}

#[test]
fn one_a_minority_a_majority_or_all_are_struck_and_nobody_else() {
    let seen = run(r#"{"type": "pause", "target": "one", "time": 0.7, "duration": 1},
        {"type": "pause", "target": "minority", "time": 2, "duration": 1},
        {"type": "pause", "target": "majority", "time": 3.3, "duration": 1},
        {"type": "crash", "target": "all", "time": 4.7, "duration": 0.8}"#);
    for (n, struck) in [1, 2, 3, 5].into_iter().enumerate() {
        let targets: BTreeSet<String> =
            seen.faults[n].targets.iter().map(ToString::to_string).collect();
        assert_eq!(targets.len(), struck, "fault {n}: {targets:?}");
        let (begin, end) = seen.known(n);
        for id in (0..5).map(|n| format!("{n:04X}")) {
            let said = seen.said(&id, (begin, end));
            assert_eq!(said == 0, targets.contains(&id), "{id} said {said} during fault {n}");
            assert!(seen.said(&id, (end, u64::MAX)) > 0, "{id} after fault {n}");
        }
    }
}

#[test]
fn a_partition_lets_nothing_cross_until_it_heals_nor_does_a_suspended_machine_hear() {
    let seen =
        run(r#"{"type": "partition", "shape": "leader_minority", "time": 1.5, "duration": 1.5},
        {"type": "pause", "target": "follower", "cut_off": true, "time": 3.8, "duration": 0.8},
        {"type": "pause", "target": "follower", "time": 5, "duration": 0.5}"#);
    let fault = &seen.faults[0];
    let Range { start: begin, end } = seen.span(0);
    assert_eq!(fault.sides.iter().map(Vec::len).collect::<Vec<_>>(), [3, 2]);
    let side = |id: NodeId| fault.sides[1].contains(&id);
    // Clients reach every replica; they are numbered from 0015 on.
    let is_replica = |id: NodeId| id.0 < 5;
    let crossing = |message: &&Message| {
        is_replica(message.from) && is_replica(message.to) && side(message.from) != side(message.to)
    };
    let during = |message: &&Message| (begin..end).contains(&message.sent_ns);
    let crossed = seen.messages.iter().filter(crossing);
    assert_eq!(crossed.clone().filter(during).filter(|it| it.is_delivered()).count(), 0);
    assert!(crossed.clone().filter(during).count() > 0, "some tried");
    assert!(crossed.filter(|it| it.sent_ns > end && it.is_delivered()).count() > 0, "healed");

    // What is sent to a suspended machine is lost; what is sent to a stopped process waits for it.
    for (n, is_lost) in [(1, true), (2, false)] {
        let (fault, during) = (&seen.faults[n], seen.span(n));
        let target = fault.targets[0];
        let to_it = |it: &&Message| it.to == target && is_replica(it.from);
        let sent = seen.messages.iter().filter(to_it);
        let during: Vec<bool> =
            sent.filter(|it| during.contains(&it.sent_ns)).map(Message::is_delivered).collect();
        assert!(!during.is_empty(), "a client wrote to {target}");
        assert!(
            during.iter().all(|&is_delivered| is_delivered != is_lost),
            "{fault:?}: {during:?}"
        );
    }
}

#[test]
fn a_rolling_restart_takes_one_after_the_other_and_a_starved_process_says_less() {
    let seen = run(r#"{"type": "rolling", "time": 1, "duration": 0.1},
        {"type": "slow", "target": "leader", "time": 3, "duration": 2, "period": 0.2, "stopped": 0.95}"#);
    assert_eq!(seen.faults[0].targets.len(), 5);
    let Range { start: begin, end } = seen.span(0);
    assert!(end - begin >= 500_000_000, "five times a tenth of a second");
    // While it is starved, others lead.
    let starved = seen.faults[1].targets[0].to_string();
    let span = seen.known(1);
    let others = (0..5).map(|n| format!("{n:04X}")).filter(|id| *id != starved);
    let most = others.map(|id| seen.said(&id, span)).max().unwrap();
    assert!(seen.said(&starved, span) < most, "{starved} said less than another");
}

#[test]
fn a_replica_says_what_happened_to_its_disk() {
    let seen = run(
        r#"{"type": "disk", "target": "0001", "disk_fault": "truncate", "time": 1, "duration": 0.3},
        {"type": "disk", "target": "0002", "disk_fault": "read_only", "time": 2, "duration": 0.5},
        {"type": "disk", "target": "0003", "disk_fault": "flip_bit", "time": 3, "duration": 0.3}"#,
    );
    assert!(seen.stderr("0001").contains("corrupt"), "{}", seen.stderr("0001"));
    assert!(seen.stderr("0002").contains("ermission denied"), "{}", seen.stderr("0002"));
    assert!(seen.stderr("0003").contains("corrupt"), "{}", seen.stderr("0003"));
    // On a good disk again it serves again.
    assert!(seen.said("0002", (seen.known(1).1, u64::MAX)) > 0);
}

#[test]
fn what_needs_a_data_directory_is_refused_without_one() {
    let bench = Bench::new();
    for (event, key) in [
        (r#"{"type": "disk", "time": 1, "disk_fault": "full"}"#, "events[0].type"),
        (r#"{"type": "crash", "time": 1}"#, "events[0].keep_data"),
    ] {
        let text = format!(r#"{{"lifetime": 5, "replicas": 5, "events": [{event}]}}"#);
        let workload = bench.file("w.json", text);
        let ended = bench.refused(&["run", &workload.to_string_lossy()]);
        ended.expect(2);
        ended.expect_words(key).expect_words("{data}");
        assert!(!bench.path("results").join("w").exists(), "refused before the start");
    }
}

#[test]
fn a_run_whose_faults_found_nobody_is_vacuous_and_says_which() {
    let bench = Bench::new();
    let kills = r#"{"type": "kill", "target": "0001", "time": 2},
        {"type": "kill", "target": "0002", "time": 2.1}"#;
    let pauses = [2.4, 2.5, 2.6].map(|time| {
        format!(r#", {{"type": "slow", "target": "minority", "time": {time}, "duration": 0.2}}"#)
    });
    // Of seven replicas two live with minds of their own: no three are left to be struck.
    let more = r#", {"type": "kill", "target": "0003", "time": 2.2},
        {"type": "kill", "target": "0004", "time": 2.2}, {"type": "kill", "target": "0005", "time": 2.2}"#;
    let text = format!(
        r#"{{"lifetime": 5, "start_wait": 0, "end_wait": 0, "replicas": 7,
        "clients": {{"rate": 100}}, "events": [{kills}{more}{}{}{}{}]}}"#,
        pauses.concat(),
        pauses.concat(),
        pauses.concat(),
        pauses.concat()
    );
    let workload = bench.file("v.json", text);
    let ended = bench.harness(&["run", &workload.to_string_lossy(), "--quiet"]);
    bench.expect_code_of_verdict(&ended);
    assert_eq!(bench.answer("evidence").1, "vacuous");
    let verdict = bench.verdict().to_string();
    assert!(verdict.contains("slow at") && verdict.contains("was not injected"), "{verdict}");
}

#[test]
fn the_good_replica_passes_the_stress_suite() {
    let bench = Bench::new();
    let workload = concat!(env!("CARGO_MANIFEST_DIR"), "/../workloads/stress.json");
    let arguments = ["run", workload, workload, workload, "--jobs", "3", "--quiet"];
    let data = ["--replica-arg", "--data-dir", "--replica-arg", "{data}"];
    bench.harness(&[&arguments[..], &data].concat()).expect(0);
}

/// What needs data on disk is left out, and said so by the plan.
#[test]
fn a_program_without_data_meets_the_stress_suite_without_crashes() {
    let bench = Bench::new();
    let workload = concat!(env!("CARGO_MANIFEST_DIR"), "/../workloads/stress.json");
    bench.harness(&["run", workload, "--seed", "7", "--quiet"]).expect(0);
    let plan = bench.run().json("plan.json");
    let faults = plan["faults"].as_array().unwrap();
    assert!(faults.len() > 5 && faults.iter().all(|fault| fault["kind"] != "crash"), "{plan}");
}

/// Each in its first moments: the replica that claims leadership is cut off alone, and others lead on.
#[test]
fn one_leader_after_the_other_is_cut_off_as_soon_as_it_is_elected() {
    let seen = run(
        r#"{"type": "isolate_leaders", "shape": "leader", "times": 3, "lag": 0.05, "time": 1}"#,
    );
    let isolated = &seen.faults[0].targets;
    assert_eq!(isolated.len(), 4, "the first, and three more: {:?}", seen.faults[0]);
    assert!(isolated.windows(2).all(|pair| pair[0] != pair[1]), "{isolated:?}");
    // With the last of them the one before it is still alone; the rest is a majority.
    assert_eq!(seen.faults[0].sides.iter().map(Vec::len).collect::<Vec<_>>(), [3, 1, 1]);
    let last = seen.faults[0].ended_ns.unwrap().0;
    assert!(seen.said(&isolated[3].to_string(), (last, u64::MAX)) > 0, "healed");
}

/// All are whole again and alive, and yet no replica stands for election any more.
#[test]
fn who_stays_dead_after_the_faults_is_a_matter_of_liveness() {
    let bench = Bench::new();
    let workload = bench.file(
        "l.json",
        r#"{"name": "l", "lifetime": 5, "start_wait": 0.5, "end_wait": 0, "replicas": 5,
        "clients": {"count": 4, "keys": 2, "rate": 100, "timeout_ms": 500},
        "liveness": {"bound_ms": 2000},
        "events": [{"type": "partition", "shape": "everyone", "time": 1, "duration": 2.5}]}"#,
    );
    let workload = workload.to_string_lossy();
    let bug = ["--replica-arg", "--bug", "--replica-arg", "stuck-election"];
    bench.harness(&[&["run", &*workload, "--seed", "1", "--quiet"], &bug[..]].concat()).expect(11);
    assert_eq!(bench.answer("liveness"), ("invalid".to_owned(), "unanswered".to_owned()));
    bench.harness(&["run", &workload, "--seed", "1", "--quiet"]).expect(0);
}
