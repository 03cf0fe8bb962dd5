//! The player in simulated time: a cluster of lives and an agenda, and no process.

use super::*;
use crate::fault::FaultKind;
use crate::scenario::Scenario;

const PATIENCE_MS: u64 = limits::FAULT_PATIENCE.as_secs() * 1000;

/// A cluster without processes: what the player wants is written down, and kills work at once.
struct Cluster {
    player: Player,
    lives: Lives,
    leader: Option<NodeId>,
    now: RunTime,
    agenda: Vec<(RunTime, bool, usize)>,
    done: Vec<Effect>,
}

fn at(ms: u64) -> RunTime {
    RunTime(ms * 1_000_000)
}

impl Cluster {
    /// Five replicas, led by 0000, and these events; the run has no time before the requests.
    fn new(events: &str) -> Self {
        let text = format!(
            r#"{{"lifetime": 60, "start_wait": 0, "end_wait": 1, "replicas": 5,
                "clients": {{"count": 1, "keys": 1}}, "events": {events}}}"#
        );
        let scenario = Scenario::parse("test.json", &text).unwrap();
        let plan = Arc::new(Plan::draw(&scenario, Seed(1)));
        let agenda = plan.faults.iter().enumerate();
        Self {
            agenda: agenda.map(|(n, fault)| (fault.event.at, true, n)).collect(),
            player: Player::new(plan),
            lives: Lives::new(&(0..5).map(NodeId::replica).collect::<Vec<_>>()),
            leader: Some(NodeId(0)),
            now: RunTime::ZERO,
            done: Vec::new(),
        }
    }

    fn tell(&mut self, tell: impl FnOnce(&mut Player, &mut Scene<'_>)) {
        let mut scene = Scene {
            now: self.now,
            lives: &mut self.lives,
            leader: self.leader,
            had_a_leader: self.leader.is_some(),
        };
        tell(&mut self.player, &mut scene);
        for effect in self.player.take_effects() {
            match effect {
                Effect::FaultAt(at, index) => self.agenda.push((at, true, index)),
                Effect::StepAt(at, index) => self.agenda.push((at, false, index)),
                Effect::Changed(_) | Effect::Probe(_) => {}
                other => self.done.push(other),
            }
        }
    }

    /// Lets time pass until `end`, everything due on the way.
    fn run_until(&mut self, end: RunTime) {
        loop {
            self.agenda.sort_unstable();
            match self.agenda.first().copied() {
                Some((at, is_fault, index)) if at <= end => {
                    self.agenda.remove(0);
                    self.now = self.now.max(at);
                    self.tell(|player, scene| {
                        if is_fault { player.due(index, scene) } else { player.play(index, scene) }
                    });
                }
                _ => break,
            }
        }
        self.now = end;
    }

    fn gone(&mut self, id: u16) {
        self.tell(|player, scene| player.gone(NodeId(id), Ending::Signal(9), scene));
    }

    fn connected(&mut self, id: u16) {
        self.tell(|player, scene| player.connected(NodeId(id), scene));
    }

    fn signals(&self, id: u16) -> Vec<Signal> {
        let of = |effect: &Effect| match effect {
            Effect::Signal(to, signal) if *to == NodeId(id) => Some(*signal),
            _ => None,
        };
        self.done.iter().filter_map(of).collect()
    }

    fn spawned(&self, id: u16) -> usize {
        self.done.iter().filter(|effect| **effect == Effect::Spawn(NodeId(id))).count()
    }
}

#[test]
fn a_crash_kills_and_starts_again_when_its_time_is_over() {
    let mut cluster =
        Cluster::new(r#"[{"type": "crash", "time": 1, "target": "0001", "duration": 2}]"#);
    cluster.run_until(at(1_000));
    assert_eq!(cluster.signals(1), [Signal::Kill]);
    cluster.gone(1);
    cluster.run_until(at(2_999));
    assert_eq!(cluster.spawned(1), 0);
    cluster.run_until(at(3_000));
    assert_eq!(cluster.spawned(1), 1);
    cluster.connected(1);
    assert!(cluster.lives.alive().contains(&NodeId(1)) && !cluster.lives.awaits_some());
    let record = &cluster.player.records()[0];
    assert_eq!((record.applied_ns, record.targets.clone()), (Some(at(1_000)), vec![NodeId(1)]));
    assert!(record.ended_ns.is_some() && record.not_applied.is_none());
}

#[test]
fn a_crash_during_a_pause_waits_until_the_pause_is_over() {
    let mut cluster = Cluster::new(
        r#"[{"type": "pause", "time": 1, "target": "leader", "duration": 2},
            {"type": "crash", "time": 2, "target": "leader", "duration": 1}]"#,
    );
    cluster.run_until(at(2_500));
    assert_eq!(cluster.signals(0), [Signal::Stop], "one fault at a time has a replica");
    cluster.run_until(at(3_000));
    assert_eq!(cluster.signals(0), [Signal::Stop, Signal::Continue, Signal::Kill]);
    let times: Vec<_> = cluster.player.records().iter().map(|it| it.applied_ns).collect();
    assert_eq!(times, [Some(at(1_000)), Some(at(3_000))], "at once when the other ended");
}

#[test]
fn what_cannot_strike_in_time_is_given_up_with_the_reason() {
    let mut cluster = Cluster::new(
        r#"[{"type": "pause", "time": 1, "target": "leader", "duration": 50},
            {"type": "kill", "time": 2, "target": "leader"}]"#,
    );
    cluster.run_until(at(2_000 + PATIENCE_MS + 1_000));
    let record = &cluster.player.records()[1];
    let seconds = limits::FAULT_PATIENCE.as_secs();
    assert_eq!(record.not_applied, Some(format!("another fault affected it within {seconds} s")));
    assert_eq!(record.applied_ns, None);
}

#[test]
fn the_end_of_the_faults_kills_what_starts_and_starts_it_again() {
    let mut cluster =
        Cluster::new(r#"[{"type": "crash", "time": 1, "target": "0001", "duration": 50}]"#);
    cluster.run_until(at(1_000));
    cluster.gone(1);
    cluster.run_until(at(2_000));
    cluster.tell(Player::finish);
    assert_eq!(cluster.spawned(1), 1, "it is not left down");
    assert!(cluster.lives.awaits_some());
    cluster.connected(1);
    assert!(!cluster.lives.awaits_some());
    assert_eq!(cluster.player.records()[0].ended_ns, Some(at(2_000)));
}

#[test]
fn a_replica_that_dies_while_it_starts_is_not_waited_for() {
    let mut cluster = Cluster::new(r#"[{"type": "restart", "time": 1, "target": "0001"}]"#);
    cluster.run_until(at(1_000));
    assert_eq!(cluster.signals(1), [Signal::Terminate]);
    cluster.gone(1);
    assert_eq!(cluster.spawned(1), 1);
    cluster.gone(1);
    assert!(!cluster.lives.awaits_some());
    assert!(!cluster.lives.of(NodeId(1)).death().unwrap().is_planned, "that was its own doing");
}

#[test]
fn one_that_does_not_end_in_time_is_killed() {
    let mut cluster =
        Cluster::new(r#"[{"type": "restart", "time": 1, "target": "0001", "deadline": 0.5}]"#);
    cluster.run_until(at(1_499));
    assert_eq!(cluster.signals(1), [Signal::Terminate]);
    cluster.run_until(at(1_500));
    assert_eq!(cluster.signals(1), [Signal::Terminate, Signal::Kill]);
}

#[test]
fn the_leader_is_isolated_and_then_those_elected_after_it() {
    let mut cluster =
        Cluster::new(r#"[{"type": "isolate_leaders", "time": 1, "duration": 1, "times": 2}]"#);
    cluster.run_until(at(1_000));
    assert_eq!(cluster.player.sides().len(), 2, "the leader alone against the rest");
    assert!(cluster.player.awaits_election());
    cluster.leader = Some(NodeId(1));
    cluster.tell(|player, scene| player.elected(NodeId(1), scene));
    for _ in 0..1_000 {
        cluster.tell(|player, scene| player.answered(NodeId(1), scene));
    }
    cluster.run_until(at(5_000));
    let sides = cluster.done.iter().filter_map(|effect| match effect {
        Effect::Part { sides, .. } => Some(sides.len()),
        _ => None,
    });
    assert_eq!(sides.max(), Some(3), "both alone, the rest together");
    let record = &cluster.player.records()[0];
    assert_eq!(record.targets, [NodeId(0), NodeId(1)], "also the first victim");
    let cuts: Vec<_> = record.cuts.iter().map(|cut| cut.leader).collect();
    assert_eq!(cuts, record.targets);
    assert_eq!(record.cuts[0].at_ns, at(1_000));
}

#[test]
fn an_isolation_after_which_no_leader_is_elected_ends_by_itself() {
    let mut cluster =
        Cluster::new(r#"[{"type": "isolate_leaders", "time": 1, "duration": 1, "times": 2}]"#);
    cluster.run_until(at(1_000));
    assert!(cluster.player.awaits_election());
    cluster.leader = None;
    cluster.run_until(at(59_000));
    assert_eq!(cluster.player.sides(), Vec::<Vec<NodeId>>::new());
    assert!(cluster.player.records()[0].ended_ns.is_some());
}

#[test]
fn without_any_leader_a_stand_in_is_struck_after_the_time_of_patience() {
    let mut cluster = Cluster::new(r#"[{"type": "kill", "time": 1, "target": "leader"}]"#);
    cluster.leader = None;
    cluster.run_until(at(1_000 + PATIENCE_MS));
    let record = &cluster.player.records()[0];
    assert_eq!((record.kind, record.targets.len()), (FaultKind::Kill, 1));
    assert_eq!(record.leader, None);
    assert!(cluster.lives.of(record.targets[0]).is_excused());
}

#[test]
fn a_thousand_restarts_leave_all_alive() {
    let mut cluster = Cluster::new(
        r#"[{"type": "slow", "time": 1, "target": "0003", "duration": 40, "period": 0.02},
            {"type": "restart", "time": 2, "target": "0001"}]"#,
    );
    for _ in 0..4_000 {
        cluster.run_until(cluster.now + Duration::from_millis(10));
        if cluster.lives.running().count() < 5 || cluster.lives.awaits_some() {
            cluster.gone(1);
            cluster.connected(1);
        }
    }
    cluster.run_until(at(59_000));
    let stops = cluster.signals(3);
    assert_eq!(stops.iter().filter(|it| **it == Signal::Stop).count(), 2_000);
    assert_eq!(stops.last(), Some(&Signal::Continue));
    assert_eq!(cluster.lives.alive().len(), 5);
}

#[test]
fn a_kill_before_a_call_waits_for_the_call() {
    let event = r#"{"type": "crash", "time": 1, "target": "leader", "duration": 2,
                    "before": {"call": "send", "n": 44}}"#;
    let mut cluster = Cluster::new(&format!("[{event}]"));
    cluster.run_until(at(5_000));
    let call = BeforeCall { call: crate::fault::Call::Send, n: 44 };
    assert_eq!(cluster.done, [Effect::AwaitCall(NodeId(0), call)], "it is asked for once");
    assert_eq!(cluster.player.records()[0].applied_ns, None);
    cluster.tell(|player, scene| player.at_call(NodeId(1), scene));
    assert_eq!(cluster.signals(0), [], "that is another replica");
    cluster.tell(|player, scene| player.at_call(NodeId(0), scene));
    assert_eq!(cluster.signals(0), [Signal::Kill]);
    let record = cluster.player.records()[0].clone();
    assert_eq!((record.applied_ns, record.not_applied), (Some(at(5_000)), None));
    cluster.gone(0);
    cluster.run_until(at(7_000));
    assert_eq!(cluster.spawned(0), 1, "its duration counts from the kill");

    let mut cluster = Cluster::new(&format!("[{event}]"));
    cluster.run_until(at(5_000));
    cluster.tell(Player::finish);
    let record = &cluster.player.records()[0];
    assert_eq!((record.applied_ns, record.ended_ns), (None, None));
    assert_eq!(record.not_applied.as_deref(), Some(FaultRecord::NO_CALL));

    let mut cluster = Cluster::new(&format!("[{event}]"));
    cluster.run_until(at(5_000));
    cluster.gone(0);
    assert_eq!(cluster.signals(0), [], "it has ended by itself");
    assert_eq!(cluster.player.records()[0].applied_ns, None);
}

#[test]
fn a_clock_that_has_jumped_is_put_right_when_its_time_or_the_faults_are_over() {
    let event = r#"[{"type": "clock", "time": 1, "target": "0001", "duration": 2, "by": -0.5}]"#;
    let [ahead, right] = [-0.5, 0.0].map(|by| Effect::SetClock(NodeId(1), by));
    let mut cluster = Cluster::new(event);
    cluster.run_until(at(2_999));
    assert_eq!(cluster.done, std::slice::from_ref(&ahead));
    cluster.run_until(at(3_000));
    assert_eq!(cluster.done, [ahead.clone(), right.clone()]);
    let mut cluster = Cluster::new(event);
    cluster.run_until(at(2_000));
    cluster.tell(Player::finish);
    let of_clock = cluster.done.iter().filter(|it| matches!(it, Effect::SetClock(..)));
    assert_eq!(of_clock.collect::<Vec<_>>(), [&ahead, &right]);
}
