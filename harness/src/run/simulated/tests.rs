//! Whole runs in simulated time: pool, player of faults, state comparison and network together.

use std::collections::BTreeMap;

use checker::Verdict;

use super::*;
use crate::check::{self, Question};
use crate::network::counts::DropCause;
use crate::network::protocol::ProtocolViolation;
use crate::op::{OperationError, OperationRecord, Outcome as How};
use crate::scenario::CheckerBudget;

fn ms(ms: u64) -> RunTime {
    RunTime(ms * 1_000_000)
}

const CLIENTS: &str = r#""lifetime": 10, "clients": {"count": 3, "keys": 2, "timeout_ms": 500}"#;

fn with_events(events: &str) -> String {
    format!(r#"{CLIENTS}, "events": {events}"#)
}

/// The signals and starts of a replica, with their times in milliseconds.
fn done_to(world: &Simulated, id: u16) -> Vec<(u64, String)> {
    let of = |effect: &Effect| match effect {
        Effect::Signal(to, signal) if to.0 == id => Some(format!("{signal:?}")),
        Effect::Spawn(to) if to.0 == id => Some("Spawn".to_owned()),
        _ => None,
    };
    world.done.iter().filter_map(|(at, it)| Some((at.0 / 1_000_000, of(it)?))).collect()
}

fn count(operations: &[OperationRecord], outcome: How) -> usize {
    operations.iter().filter(|it| it.outcome == outcome).count()
}

/// The history is linearizable: the toy store is, so that anything else would be the harness's doing.
fn assert_linearizable(ended: &Ended) {
    let budget = CheckerBudget { time: Duration::from_secs(60), memory_mb: 500 };
    let question = Question::of_run(budget);
    let report = check::read(ended.folder.path(), &question).unwrap().judge(&question);
    assert!(matches!(report.verdict, Verdict::Valid), "{:?}", report.verdict);
    assert!(report.answered > 0);
}

#[test]
fn a_quiet_run_answers_everything_and_ends_with_equal_states() {
    let world = Simulated::new(CLIENTS, Habits::default());
    let ended = world.run();
    assert_linearizable(&ended);
    let Ended { end, outcome, .. } = ended;
    assert_eq!(end, Some(EndReason::Completed));
    // Three clients, one operation each in four milliseconds, for ten seconds, and the final reads.
    assert!((7_500..7_600).contains(&outcome.operations.len()), "{}", outcome.operations.len());
    assert_eq!(count(&outcome.operations, How::Ok), outcome.operations.len());
    assert!(outcome.recovery.iter().all(|it| it.answered.is_some()));
    assert_eq!(outcome.states.len(), 5);
    assert!(outcome.states.iter().all(|state| state.is_same(&outcome.states[0])));
    assert!(outcome.traffic.protocol.violations.is_empty(), "{:?}", outcome.traffic.protocol);
    assert_eq!(outcome.traffic.leaders.len(), 1);
}

#[test]
fn the_same_run_is_the_same_to_the_last_nanosecond() {
    let keys = with_events(
        r#"[{"type": "crash", "time": 1, "target": "leader", "duration": 1},
            {"type": "partition", "time": 4, "duration": 2, "shape": "majority"}]"#,
    );
    let run = || {
        let outcome = Simulated::new(&keys, Habits::default()).run().outcome;
        format!("{:?} {:?} {:?}", outcome.operations, outcome.faults, outcome.traffic.messages)
    };
    assert_eq!(run(), run());
}

#[test]
fn what_is_sent_before_the_start_is_lost_and_counted_apart() {
    let mut world = Simulated::before_start(CLIENTS, Habits::default());
    world.connect(NodeId(0));
    world.send(NodeId(0), r#"{"src":"0000","dst":"0001","leader":"0000","type":"early"}"#);
    world.run_until(ms(1_000));
    assert!(world.invoked == 0 && world.delivered.is_empty());
    let outcome = world.machine.finish(&BTreeSet::new());
    let counts = &outcome.traffic.messages[&(NodeId(0), NodeId(1), "early".into())];
    assert_eq!((counts.sent, counts.dropped[&DropCause::BeforeStart]), (1, 1));
    assert!(outcome.traffic.leadership_claims.is_empty());
}

#[test]
fn a_crashed_leader_is_replaced_and_comes_back() {
    let mut world = Simulated::new(
        &with_events(r#"[{"type": "crash", "time": 2, "target": "leader", "duration": 1}]"#),
        Habits::default(),
    );
    world.run_until(ms(2_500));
    assert_eq!(done_to(&world, 0), [(2_000, "Kill".to_owned())]);
    assert!(!world.machine.lives().alive().contains(&NodeId(0)));
    world.run_until(ms(3_100));
    assert_eq!(done_to(&world, 0)[1], (3_001, "Spawn".to_owned()));
    assert_eq!(world.machine.lives().alive().len(), 5, "it connected 20 ms later");
    let ended = world.run();
    assert_linearizable(&ended);
    let outcome = ended.outcome;
    let leaders: Vec<u16> = outcome.traffic.leaders.iter().map(|(_, id)| id.0).collect();
    assert_eq!(leaders, [0, 1]);
    assert_eq!(outcome.lives.of(NodeId(0)).restarts(), 1);
    assert_eq!(outcome.states.len(), 5);
    assert!(count(&outcome.operations, How::Info) <= 3, "those in flight, one a client");
}

#[test]
fn a_crash_during_a_pause_waits_until_the_pause_is_over() {
    let mut world = Simulated::new(
        &with_events(
            r#"[{"type": "pause", "time": 1, "target": "leader", "duration": 2},
                {"type": "crash", "time": 2, "target": "leader", "duration": 1}]"#,
        ),
        Habits { election: None, ..Habits::default() },
    );
    world.run_until(ms(9_000));
    let expected = [(1_000, "Stop"), (3_000, "Continue"), (3_000, "Kill"), (4_001, "Spawn")];
    assert_eq!(done_to(&world, 0), expected.map(|(at, what)| (at, what.to_owned())));
    assert_eq!(world.machine.lives().alive().len(), 5);
}

#[test]
fn two_faults_on_one_replica_follow_each_other_or_the_second_is_given_up() {
    let mut world = Simulated::new(
        &with_events(
            r#"[{"type": "pause", "time": 1, "target": "leader", "duration": 6},
                {"type": "crash", "time": 2, "target": "leader", "duration": 1},
                {"type": "pause", "time": 6.5, "target": "leader", "duration": 1}]"#,
        ),
        Habits { election: None, ..Habits::default() },
    );
    world.run_until(ms(9_000));
    let faults = world.machine.faults();
    let applied: Vec<_> = faults.iter().map(|fault| fault.applied_ns).collect();
    assert_eq!(applied, [Some(ms(1_000)), None, Some(ms(7_000))]);
    let reason = faults[1].not_applied.as_deref().unwrap();
    assert!(reason.contains("another fault"), "{reason}");
    let expected = [(1_000, "Stop"), (7_000, "Continue"), (7_000, "Stop"), (8_000, "Continue")];
    assert_eq!(done_to(&world, 0), expected.map(|(at, what)| (at, what.to_owned())));
}

#[test]
fn a_replica_that_is_killed_while_it_starts_is_started_again_and_waited_for() {
    // It takes four seconds to start, so that the time of faults is over before it is there.
    let habits = Habits { startup: Duration::from_secs(4), ..Habits::default() };
    let mut world = Simulated::new(
        &with_events(r#"[{"type": "crash", "time": 5, "target": "0003", "duration": 2}]"#),
        habits,
    );
    world.run_until(ms(12_000));
    let expected = [
        (5_000, "Kill"),
        (7_001, "Spawn"),
        (10_000, "Continue"),
        (10_000, "Kill"),
        (10_001, "Spawn"),
    ];
    assert_eq!(done_to(&world, 3), expected.map(|(at, what)| (at, what.to_owned())));
    assert!(world.machine.lives().awaits_some());
    let Ended { end, outcome, .. } = world.run();
    assert_eq!(end, Some(EndReason::Completed));
    assert_eq!(outcome.states.len(), 5);
    let mut final_reads = outcome.operations.iter().filter(|it| it.is_final_read);
    assert!(final_reads.all(|it| it.invoked >= ms(14_001)), "they wait until it is there");
    assert_eq!(outcome.lives.of(NodeId(3)).restarts(), 2);
    assert!(outcome.lives.of(NodeId(3)).death().is_none());
}

#[test]
fn isolated_leaders_with_no_replica_elected_end_by_themselves() {
    let habits = Habits { election: None, ..Habits::default() };
    let mut world = Simulated::new(
        &with_events(r#"[{"type": "isolate_leaders", "time": 2, "duration": 1, "times": 3}]"#),
        habits,
    );
    world.run_until(ms(2_100));
    let sides = world.machine.progress(world.now).sides;
    assert_eq!(sides.last(), Some(&vec![NodeId(0)]), "the leader alone: {sides:?}");
    let Ended { end, outcome, .. } = world.run();
    assert_eq!(end, Some(EndReason::Completed));
    let fault = &outcome.faults[0];
    assert_eq!((fault.leader, &fault.targets), (Some(NodeId(0)), &vec![NodeId(0)]), "only that");
    let lasted = fault.ended_ns.unwrap().since(fault.applied_ns.unwrap());
    assert_eq!(lasted, crate::limits::ELECTION_PATIENCE, "it waited for an election in vain");
}

#[test]
fn isolated_leaders_are_cut_off_one_after_the_other() {
    let world = Simulated::new(
        &with_events(r#"[{"type": "isolate_leaders", "time": 2, "duration": 1, "times": 3}]"#),
        Habits::default(),
    );
    let ended = world.run();
    assert_linearizable(&ended);
    let outcome = ended.outcome;
    let cut_off: Vec<u16> = outcome.faults[0].targets.iter().map(|id| id.0).collect();
    assert_eq!(cut_off.len(), 4, "the first leader, and three more");
    assert_eq!(cut_off[..2], [0, 1], "0001 is the first to be elected after 0000");
    assert!(cut_off.windows(2).all(|pair| pair[0] != pair[1]), "{cut_off:?}");
    assert_eq!(outcome.states.len(), 5);
    assert!(outcome.recovery.iter().all(|it| it.answered.is_some()));
}

#[test]
fn clients_keep_to_their_side_of_a_partition() {
    let keys = r#""lifetime": 10,
        "clients": {"count": 4, "keys": 2, "timeout_ms": 200, "partition_affinity": 0.5},
        "events": [{"type": "partition", "time": 2, "duration": 4, "shape": "leader"}]"#;
    let world = Simulated::new(keys, Habits::default());
    let outcome = world.run().outcome;
    // While the partition lasts, and all that was sent before has been answered.
    let meanwhile = |it: &&OperationRecord| it.invoked > ms(2_300) && it.invoked < ms(5_900);
    let mut by_client: BTreeMap<NodeId, BTreeSet<bool>> = BTreeMap::new();
    for operation in outcome.operations.iter().filter(meanwhile) {
        let is_minority = operation.node == Some(NodeId(0));
        by_client.entry(operation.client).or_default().insert(is_minority);
    }
    let sides: Vec<_> = by_client.values().map(|sides| sides.iter().copied().collect()).collect();
    let on = |side: bool| sides.iter().filter(|it: &&Vec<bool>| **it == [side]).count();
    assert_eq!((on(true), on(false)), (2, 2), "{by_client:?}");
}

#[test]
fn late_answers_leave_operations_open_and_disturb_no_later_ones() {
    // Each message takes 700 ms, and clients wait for 500.
    let habits = Habits { service: Duration::from_millis(700), ..Habits::default() };
    let mut world = Simulated::new(CLIENTS, habits);
    world.run_until(ms(450));
    assert_eq!(world.invoked, 3, "three were invoked");
    world.run_until(ms(9_000));
    let outcome = world.run().outcome;
    let timed_out =
        outcome.operations.iter().filter(|it| it.error == Some(OperationError::TimedOut)).count();
    assert!(timed_out >= 3, "{timed_out}");
    // From the late answers the harness learnt to wait for longer.
    assert!(count(&outcome.operations, How::Ok) > 3);
    let processes: BTreeSet<u64> = outcome.operations.iter().map(|it| it.process).collect();
    assert!(processes.len() >= 3 + timed_out, "each goes on under a new identity");
}

#[test]
fn a_replica_that_does_not_read_gets_everything_later_and_in_order() {
    let mut world = Simulated::new(
        r#""lifetime": 10, "requests": 1, "clients": {"count": 1, "keys": 1}"#,
        Habits { election: None, ..Habits::default() },
    );
    world.run_until(ms(1_000));
    world.set_full(NodeId(4), true);
    for n in 0..100 {
        let packet =
            format!(r#"{{"src":"0000","dst":"0004","leader":"0000","type":"note","n":{n}}}"#);
        world.send(NodeId(0), &packet);
    }
    world.run_until(ms(1_500));
    // The heartbeats since then wait, too.
    let waiting = world.machine.router().fabric().waiting(NodeId(4));
    assert_eq!(waiting, 110);
    let before = world.delivered.len();
    world.set_full(NodeId(4), false);
    assert_eq!(world.machine.router().fabric().waiting(NodeId(4)), 0);
    let numbers = world.delivered[before..].iter().filter_map(|(_, _, packet)| {
        serde_json::from_slice::<Value>(packet).unwrap()["n"].as_u64()
    });
    assert!(numbers.eq(0..100));
}

#[test]
fn a_run_ends_when_all_have_died() {
    let mut world = Simulated::new(CLIENTS, Habits::default());
    world.run_until(ms(1_000));
    for id in 0..4 {
        world.die(NodeId(id));
    }
    world.run_until(ms(1_100));
    assert_eq!(world.machine.end(), None);
    world.die(NodeId(4));
    let Ended { end, outcome, .. } = world.run();
    assert_eq!(end, Some(EndReason::AllDead));
    let deaths = (0..5).map(|id| outcome.lives.of(NodeId(id)).death().unwrap().clone());
    for death in deaths {
        assert_eq!((death.how, death.is_planned), (Ending::Exit(3), false));
    }
}

#[test]
fn a_storm_of_packets_ends_the_run() {
    let mut world =
        Simulated::new(&format!(r#"{CLIENTS}, "max_packets": 1000"#), Habits::default());
    world.run_until(ms(1_000));
    for _ in 0..1_000 {
        world.send(NodeId(2), r#"{"src":"0002","dst":"0001","leader":"0000","type":"storm"}"#);
    }
    assert_eq!(world.machine.end(), Some(EndReason::PacketStorm));
    let violations = world.run().outcome.traffic.protocol.violations;
    assert_eq!(violations[&ProtocolViolation::PacketStorm].count, 1);
}

#[test]
fn an_interrupted_run_ends_at_once_and_keeps_its_history() {
    let mut world = Simulated::new(CLIENTS, Habits::default());
    world.run_until(ms(1_000));
    world.tell(Event::Interrupted);
    let now = world.now;
    let Ended { end, outcome, .. } = world.run();
    assert_eq!(end, Some(EndReason::Interrupted));
    assert!(outcome.operations.iter().all(|it| it.invoked <= now));
    assert!((740..=753).contains(&outcome.operations.len()), "three in four milliseconds");
}

#[test]
fn replicas_that_tell_no_state_are_not_waited_for() {
    let habits = Habits { tells_state: false, ..Habits::default() };
    let mut world = Simulated::new(CLIENTS, habits);
    world.run_until(ms(60_000));
    assert_eq!(world.machine.end(), Some(EndReason::Completed));
    let waited = world.now.since(world.machine.ended_at().unwrap());
    assert!(waited > crate::limits::STATE_COMPARISON_SILENCE);
    assert!(waited < 2 * crate::limits::STATE_COMPARISON_SILENCE, "{waited:?}");
    assert!(world.run().outcome.states.is_empty());
}

#[test]
fn a_connection_that_is_closed_while_the_replica_lives_is_told() {
    let mut world = Simulated::new(CLIENTS, Habits::default());
    world.run_until(ms(1_000));
    world.tell(Event::Closed(NodeId(3)));
    let outcome = world.run().outcome;
    let example = &outcome.traffic.protocol.violations[&ProtocolViolation::HungUp];
    assert_eq!((example.count, example.node, example.at), (1, NodeId(3), ms(1_000)));
}

#[test]
fn a_hundred_runs_with_faults_recover() {
    for n in 0..100 {
        let kinds = ["crash", "pause", "restart", "reset"];
        let event = |at: u64| {
            let kind = kinds[usize::try_from((n + at) % 4).unwrap()];
            let duration =
                if matches!(kind, "crash" | "pause") { r#", "duration": 1"# } else { "" };
            let target = (n * 7 + at) % 5;
            format!(r#"{{"type": "{kind}", "time": {at}, "target": "000{target}"{duration}}}"#)
        };
        let events: Vec<String> = (1..8).map(event).collect();
        let keys = format!(
            r#""lifetime": 10, "clients": {{"count": 2, "keys": 2, "rate": 20, "timeout_ms": 500}},
               "events": [{}]"#,
            events.join(",")
        );
        let ended = Simulated::new(&keys, Habits::default()).run();
        assert_linearizable(&ended);
        let Ended { end, outcome, .. } = ended;
        assert_eq!(end, Some(EndReason::Completed), "run {n}");
        assert_eq!(outcome.lives.alive().len(), 5, "run {n}");
        assert!(outcome.recovery.iter().all(|it| it.answered.is_some()), "run {n}");
        assert!(outcome.faults.iter().all(|it| it.applied_ns.is_some()), "run {n}");
    }
}
