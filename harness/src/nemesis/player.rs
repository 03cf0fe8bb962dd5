//! The player of faults: it lets each fault of the plan strike when it can, plays its script step by step, and
//! undoes what lasts when the time of faults is over.
//!
//! It hears what happens (a time came, a replica was elected, answered, ended, connected) and says what is to be
//! done, as [`Effect`]s in their order. It knows no process, no socket and no clock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::happened::{FaultRecord, LeaderCut};
use super::{Act, Situation, Step, resolve, shape, stand_in};
use crate::cluster::life::{Ending, Lives, Restart};
use crate::fault::length::begins_with_the_leader;
use crate::fault::{BeforeCall, DiskFault, FaultKind, LinkRule};
use crate::ids::NodeId;
use crate::limits;
use crate::network::rules::FaultId;
use crate::plan::Plan;
use crate::seed::Seed;
use crate::time::RunTime;

/// What the player wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// A signal to the process group of a running replica.
    Signal(NodeId, Signal),
    /// The process of this replica is started again.
    Spawn(NodeId),
    /// The network forgets a replica that is taken down.
    TakenDown(NodeId),
    /// The connection of a replica is closed.
    Disconnect(NodeId),
    /// Something is done to the data directory of a replica.
    Data(NodeId, Work),
    /// A rule begins to hold on links.
    Apply(FaultId, LinkRule),
    /// The rules of a fault end.
    Lift(FaultId),
    /// The cluster is parted into these sides.
    Part {
        /// By which fault.
        fault: FaultId,
        /// The greater first.
        sides: Vec<Vec<NodeId>>,
        /// The replica that was believed to lead.
        leader: Option<NodeId>,
    },
    /// That partition is over.
    Heal(FaultId),
    /// Clients send probe reads for so long and some time more.
    Probe(Duration),
    /// The fault of this place in the plan is to be looked at again.
    FaultAt(RunTime, usize),
    /// The wall clock of a replica is to be so many seconds ahead of the others'.
    SetClock(NodeId, f64),
    /// It is to be told when this replica is about to make this call.
    AwaitCall(NodeId, BeforeCall),
    /// Its script is to be played on.
    StepAt(RunTime, usize),
    /// The record of this fault has changed.
    Changed(usize),
}

/// A signal that a fault sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGKILL.
    Kill,
    /// SIGTERM.
    Terminate,
    /// SIGSTOP.
    Stop,
    /// SIGCONT.
    Continue,
}

/// What a fault does to a data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// It is emptied.
    Wipe,
    /// A copy is kept for [`DiskFault::OldCopy`].
    Copy,
    /// It is damaged, as the seed says.
    DamageDisk(DiskFault, Seed),
    /// What was damaged for a time is good again.
    Repair,
}

/// What the player is told of the cluster when something happens.
#[derive(Debug)]
pub struct Scene<'a> {
    /// The time.
    pub now: RunTime,
    /// The replicas' lives.
    pub lives: &'a mut Lives,
    /// The replica believed to lead.
    pub leader: Option<NodeId>,
    /// Whether any replica was ever believed to lead.
    pub had_a_leader: bool,
}

/// The player and what it has done so far.
#[derive(Debug)]
pub struct Player {
    plan: Arc<Plan>,
    replicas: Vec<NodeId>,
    records: Vec<FaultRecord>,
    /// The faults in force, by their place in the plan.
    active: BTreeMap<usize, Active>,
    /// Those that are due and meet an obstacle.
    waiting: BTreeSet<usize>,
    /// The sides of each partition in force.
    sides: BTreeMap<FaultId, Vec<Vec<NodeId>>>,
    /// No replica claimed leadership for as long as a fault waits for one.
    is_leaderless: bool,
    /// No fault strikes any more.
    is_over: bool,
    effects: Vec<Effect>,
}

/// A fault in force.
#[derive(Debug)]
struct Active {
    targets: Vec<NodeId>,
    script: Vec<Step>,
    next: usize,
    began: RunTime,
    /// Until when the step in hand waits.
    until: Option<RunTime>,
    /// The replica is about to make the call that the script waits for.
    is_at_call: bool,
    /// The replica that was elected while the script waited for that.
    elected: Option<NodeId>,
    /// How often that one has answered `ok` since.
    answers: u64,
    /// The leaders that were cut off, the latest last.
    isolated: Vec<NodeId>,
    draw: Seed,
}

impl Active {
    fn awaits_election(&self) -> bool {
        matches!(self.script.get(self.next), Some(Step::UntilElected(_)))
    }
}

impl Player {
    /// Before anything has struck.
    pub fn new(plan: Arc<Plan>) -> Self {
        Self {
            replicas: plan.nodes().collect(),
            records: plan.faults.iter().enumerate().map(FaultRecord::planned).collect(),
            active: BTreeMap::new(),
            waiting: BTreeSet::new(),
            sides: BTreeMap::new(),
            is_leaderless: false,
            is_over: false,
            effects: Vec::new(),
            plan,
        }
    }

    /// What is to be done, in order; asked for after each event.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// Each fault of the plan, and what became of it.
    pub fn records(&self) -> &[FaultRecord] {
        &self.records
    }

    /// The same, when all is over.
    pub fn into_records(self) -> Vec<FaultRecord> {
        self.records
    }

    /// The sides of the last partition in force; empty if there is none.
    pub fn sides(&self) -> Vec<Vec<NodeId>> {
        self.sides.values().last().cloned().unwrap_or_default()
    }

    /// Whether some fault waits for a new leader.
    pub fn awaits_election(&self) -> bool {
        self.active.values().any(Active::awaits_election)
    }

    /// The time of a fault has come: it strikes; if it cannot, it waits a bounded time.
    pub fn due(&mut self, index: usize, scene: &mut Scene<'_>) {
        self.waiting.remove(&index);
        if self.records[index].applied_ns.is_some() || self.active.contains_key(&index) {
            return; // the end of another fault had let it strike before
        }
        if self.is_over {
            let record = &mut self.records[index];
            let reason = if record.had_no_room {
                "another `isolate_leaders` was in force until the fault phase ended"
            } else {
                "the fault phase had ended"
            };
            record.not_applied = Some(reason.to_owned());
            self.effects.push(Effect::Changed(index));
            return;
        }
        let plan = Arc::clone(&self.plan);
        let fault = &plan.faults[index];
        let taken: BTreeSet<NodeId> =
            self.active.values().flat_map(|active| active.targets.iter().copied()).collect();
        let has_waited = scene.now.since(fault.event.at) >= limits::FAULT_PATIENCE;
        self.is_leaderless |= has_waited;
        self.is_leaderless &= !scene.had_a_leader;
        let alive = scene.lives.alive();
        let struck = if self.is_leaderless { stand_in(fault, alive, &taken) } else { scene.leader };
        let is_isolating_leaders =
            self.active.keys().any(|&it| self.records[it].kind == FaultKind::IsolateLeaders);
        let situation = Situation {
            replicas: &self.replicas,
            alive,
            taken: &taken,
            leader: struck,
            is_isolating_leaders,
        };
        let injection = match resolve(fault, &situation) {
            Ok(strike) => strike,
            Err(obstacle) => {
                let record = &mut self.records[index];
                record.had_no_room = obstacle == super::Obstacle::NoRoom;
                if has_waited {
                    let patience = limits::FAULT_PATIENCE.as_secs();
                    record.not_applied = Some(format!("{obstacle} within {patience} s"));
                    self.effects.push(Effect::Changed(index));
                } else {
                    self.effects.push(Effect::FaultAt(scene.now + limits::FAULT_RETRY, index));
                    self.waiting.insert(index);
                }
                return;
            }
        };
        let parameters = &fault.event.parameters;
        let record = &mut self.records[index];
        // One that waits for a call strikes only then.
        if parameters.before.is_none() {
            record.applied_ns = Some(scene.now);
            record.not_applied = None;
        }
        record.had_no_room = false;
        record.leader = scene.leader;
        record.targets.clone_from(&injection.targets);
        let first = struck.filter(|_| begins_with_the_leader(parameters));
        if let Some(leader) = first.filter(|_| record.kind == FaultKind::IsolateLeaders) {
            record.targets.push(leader);
            record.cuts.push(LeaderCut { at_ns: scene.now, leader });
        }
        let active = Active {
            targets: injection.targets,
            script: injection.script,
            next: 0,
            began: scene.now,
            until: None,
            is_at_call: false,
            elected: None,
            answers: 0,
            isolated: first.into_iter().collect(),
            draw: Seed(fault.draw.derive("harm").0),
        };
        let affects_leader =
            parameters.parts() || struck.is_some_and(|id| active.targets.contains(&id));
        self.active.insert(index, active);
        self.play(index, scene);
        if affects_leader {
            self.effects.push(Effect::Probe(parameters.duration()));
        }
        self.effects.push(Effect::Changed(index));
    }

    /// Plays a fault's script as far as it goes now.
    pub fn play(&mut self, index: usize, scene: &mut Scene<'_>) {
        loop {
            let Some(active) = self.active.get_mut(&index) else { return };
            let Some(step) = active.script.get(active.next).cloned() else {
                self.end(index, scene);
                return;
            };
            let (wait, is_over) = match &step {
                Step::Do(act) => {
                    let draw = active.draw;
                    active.next += 1;
                    self.act(index, act, draw, scene);
                    continue;
                }
                Step::RepeatFor(duration) => {
                    let again = scene.now.since(active.began) < *duration;
                    active.next = if again { 0 } else { active.next + 1 };
                    continue;
                }
                Step::Wait(duration) => (*duration, false),
                Step::UntilCall(id, call) => {
                    let (is_new, is_running) =
                        (active.until.is_none(), scene.lives.of(*id).is_running());
                    if active.is_at_call {
                        active.until = None;
                        active.next += 1;
                        self.struck(index, scene);
                    } else if !is_running {
                        active.next = active.script.len();
                        self.records[index].not_applied =
                            Some("the replica ended before such a call".to_owned());
                    } else {
                        active.until = Some(RunTime(u64::MAX));
                        if is_new {
                            self.effects.push(Effect::AwaitCall(*id, *call));
                        }
                        return;
                    }
                    continue;
                }
                Step::UntilGone(id, most) => (*most, !scene.lives.of(*id).is_running()),
                Step::UntilConnected(id, most) => (*most, !scene.lives.of(*id).is_awaited()),
                Step::UntilElected(most) if active.until.is_none() => {
                    active.elected = None;
                    active.answers = 0;
                    (*most, false)
                }
                Step::UntilElected(most) => (*most, active.elected.is_some()),
                Step::UntilAnswers(..) if active.elected.is_none() => (Duration::ZERO, true),
                Step::UntilAnswers(often, most) => (*most, active.answers >= *often),
            };
            let is_new = active.until.is_none();
            let until = *active.until.get_or_insert(scene.now + wait);
            if is_over || scene.now >= until {
                let is_unelected =
                    matches!(step, Step::UntilElected(_)) && active.elected.is_none();
                active.until = None;
                active.next = if is_unelected { active.script.len() - 1 } else { active.next + 1 };
                continue;
            }
            if is_new {
                self.effects.push(Effect::StepAt(until, index));
            }
            return;
        }
    }

    /// The script of a fault is over.
    fn end(&mut self, index: usize, scene: &Scene<'_>) {
        self.active.remove(&index);
        let record = &mut self.records[index];
        if !matches!(record.kind, FaultKind::PartEasy | FaultKind::PartHard | FaultKind::Kill) {
            record.ended_ns = record.applied_ns.map(|_| scene.now);
            self.effects.push(Effect::Probe(Duration::ZERO));
        }
        self.effects.push(Effect::Changed(index));
        // What it stood in the way of need not wait for its next turn.
        if let Some(waiting) = self.waiting.pop_first() {
            self.effects.push(Effect::FaultAt(scene.now, waiting));
        }
    }

    /// A replica claims leadership that did not before.
    pub fn elected(&mut self, id: NodeId, scene: &mut Scene<'_>) {
        for active in self.active.values_mut().filter(|active| active.awaits_election()) {
            active.elected = Some(id);
        }
        self.play_all(scene);
    }

    /// A fault that waited for a call strikes now.
    fn struck(&mut self, index: usize, scene: &Scene<'_>) {
        let record = &mut self.records[index];
        record.applied_ns = Some(scene.now);
        record.not_applied = None;
        record.leader = scene.leader;
        self.effects.push(Effect::Changed(index));
        self.effects.push(Effect::Probe(record.parameters.duration()));
    }

    /// A replica is about to make the call that a fault waits for.
    pub fn at_call(&mut self, id: NodeId, scene: &mut Scene<'_>) {
        for active in self.active.values_mut() {
            let next = active.script.get(active.next);
            active.is_at_call |= matches!(next, Some(Step::UntilCall(of, _)) if *of == id);
        }
        self.play_all(scene);
    }

    /// A replica answered a client `ok`.
    pub fn answered(&mut self, id: NodeId, scene: &mut Scene<'_>) {
        let mut is_awaited = false;
        for active in self.active.values_mut().filter(|active| active.elected == Some(id)) {
            active.answers += 1;
            is_awaited |= matches!(active.script.get(active.next), Some(Step::UntilAnswers(..)));
        }
        if is_awaited {
            self.play_all(scene);
        }
    }

    /// The system reported that the process of this replica has ended.
    pub fn gone(&mut self, id: NodeId, how: Ending, scene: &mut Scene<'_>) {
        if scene.lives.gone(id, scene.now, how) {
            self.start_again(id, scene);
        }
        self.play_all(scene);
    }

    /// A replica connected: one that was started again takes part again.
    pub fn connected(&mut self, id: NodeId, scene: &mut Scene<'_>) {
        if scene.lives.connected(id) {
            self.play_all(scene);
        }
    }

    /// What a fault wanted to do to the data directory of this replica was not done. A fault that did nothing else
    /// counts as one that was not applied; its replica was only started again.
    pub fn refused(&mut self, id: NodeId, reason: &str) {
        let acts = self.active.iter().filter(|(_, active)| active.targets.contains(&id));
        for index in acts.map(|(index, _)| *index).collect::<Vec<_>>() {
            let record = &mut self.records[index];
            let reason = format!("the data of {id} was left as it is: {reason}");
            record.not_applied.get_or_insert(reason);
            if record.targets.len() == 1 {
                record.applied_ns = None;
            }
            self.effects.push(Effect::Changed(index));
        }
    }

    /// The time of faults is over: what lasts is undone, and each replica that is not dead for good is started
    /// again.
    pub fn finish(&mut self, scene: &mut Scene<'_>) {
        self.is_over = true;
        for (index, active) in std::mem::take(&mut self.active) {
            let record = &mut self.records[index];
            record.ended_ns = record.applied_ns.map(|_| scene.now);
            if record.applied_ns.is_none() && record.parameters.before.is_some() {
                record.not_applied = Some(FaultRecord::NO_CALL.to_owned());
            }
            self.lift(index);
            let is_of_clock = self.records[index].kind == FaultKind::Clock;
            for id in active.targets {
                if is_of_clock {
                    self.effects.push(Effect::SetClock(id, 0.0));
                }
                self.signal(id, Signal::Continue, scene);
                let life = scene.lives.of(id);
                if life.has_bad_disk() || life.is_awaited() {
                    self.take_down(id, scene);
                    self.repair(id, scene);
                    self.start_again(id, scene);
                }
            }
            self.effects.push(Effect::Changed(index));
        }
    }

    /// No partition is in force any more, also none that has no end of its own.
    pub fn forget_sides(&mut self) {
        self.sides.clear();
    }

    fn play_all(&mut self, scene: &mut Scene<'_>) {
        for index in self.active.keys().copied().collect::<Vec<_>>() {
            self.play(index, scene);
        }
    }

    fn act(&mut self, index: usize, act: &Act, draw: Seed, scene: &mut Scene<'_>) {
        match act {
            Act::KillForGood(id) => {
                self.take_down(*id, scene);
                scene.lives.killed_for_good(*id);
            }
            Act::Kill(id) => self.take_down(*id, scene),
            Act::Terminate(id) => {
                self.signal(*id, Signal::Terminate, scene);
                scene.lives.terminated(*id);
            }
            Act::Stop(id) => self.signal(*id, Signal::Stop, scene),
            Act::Continue(id) => self.signal(*id, Signal::Continue, scene),
            Act::Start(id) => self.start_again(*id, scene),
            Act::SetClock(id, by) => self.effects.push(Effect::SetClock(*id, *by)),
            Act::Wipe(id) => self.effects.push(Effect::Data(*id, Work::Wipe)),
            Act::Copy(id) => {
                // Stopped meanwhile, so that the copy is of one moment.
                self.signal(*id, Signal::Stop, scene);
                self.effects.push(Effect::Data(*id, Work::Copy));
                self.signal(*id, Signal::Continue, scene);
            }
            Act::DamageDisk(id, disk_fault) => {
                let draw = Seed(draw.draw(u64::from(id.0)));
                scene.lives.damaged(*id, disk_fault.passes());
                self.effects.push(Effect::Data(*id, Work::DamageDisk(*disk_fault, draw)));
            }
            Act::RepairDisk(id) => self.repair(*id, scene),
            Act::Reset(id) => {
                scene.lives.reset(*id);
                self.effects.push(Effect::Disconnect(*id));
            }
            Act::Apply { rules, sides } => self.apply(index, rules, sides),
            Act::Lift => self.lift(index),
            Act::CutLeader => match scene.leader {
                Some(leader) => self.cut_off(index, leader, scene.now),
                None => self.lift(index),
            },
            Act::CutElected => {
                if let Some(elected) = self.active.get(&index).and_then(|active| active.elected) {
                    self.cut_off(index, elected, scene.now);
                }
            }
        }
    }

    fn signal(&mut self, id: NodeId, signal: Signal, scene: &Scene<'_>) {
        if scene.lives.of(id).is_running() {
            self.effects.push(Effect::Signal(id, signal));
        }
    }

    fn take_down(&mut self, id: NodeId, scene: &mut Scene<'_>) {
        self.effects.push(Effect::TakenDown(id));
        self.signal(id, Signal::Kill, scene);
        scene.lives.killed(id);
        scene.leader = scene.leader.filter(|&leader| leader != id);
    }

    fn repair(&mut self, id: NodeId, scene: &mut Scene<'_>) {
        scene.lives.repaired(id);
        self.effects.push(Effect::Data(id, Work::Repair));
    }

    fn start_again(&mut self, id: NodeId, scene: &mut Scene<'_>) {
        if scene.lives.restart(id) == Restart::Now {
            // What the old process said last is read; its connection is over.
            self.effects.push(Effect::Disconnect(id));
            self.effects.push(Effect::Spawn(id));
        }
    }

    fn apply(&mut self, index: usize, rules: &[LinkRule], sides: &[Vec<NodeId>]) {
        if self.is_the_courses(index) {
            // Of the course's partitions there is one at a time.
            self.lift(index);
        }
        for (n, rule) in rules.iter().enumerate() {
            self.effects.push(Effect::Apply(self.fault_id(index, n), rule.clone()));
        }
        let fault = self.fault_id(index, 0);
        let record = &mut self.records[index];
        record.links = rules.to_vec();
        record.sides = sides.to_vec();
        if !sides.is_empty() {
            let (sides, leader) = (sides.to_vec(), record.leader);
            self.sides.insert(fault, sides.clone());
            self.effects.push(Effect::Part { fault, sides, leader });
        }
    }

    fn lift(&mut self, index: usize) {
        for n in 0..self.records[index].links.len().max(1) {
            self.effects.push(Effect::Lift(self.fault_id(index, n)));
        }
        let fault = self.fault_id(index, 0);
        self.effects.push(Effect::Heal(fault));
        self.sides.remove(&fault);
    }

    /// The fault to which the rules belong that this one puts on links.
    fn fault_id(&self, index: usize, rule: usize) -> FaultId {
        if self.is_the_courses(index) { FaultId::Partition } else { FaultId::Planned(index, rule) }
    }

    fn is_the_courses(&self, index: usize) -> bool {
        let kind = self.records[index].kind;
        matches!(kind, FaultKind::PartEasy | FaultKind::PartHard | FaultKind::PartEnd)
    }

    /// This leader alone, instead of what the fault did on links so far. Those that it cut off before stay cut
    /// off, the latest of them, as long as a majority is left.
    fn cut_off(&mut self, index: usize, leader: NodeId, now: RunTime) {
        self.lift(index);
        let Some(active) = self.active.get_mut(&index) else { return };
        active.isolated.retain(|&id| id != leader);
        active.isolated.push(leader);
        let most = (self.replicas.len() - 1) / 2;
        active.isolated.drain(..active.isolated.len().saturating_sub(most));
        let cuts = shape::each_alone(&self.replicas, &active.isolated);
        let record = &mut self.records[index];
        record.leader = Some(leader);
        record.targets.push(leader);
        record.cuts.push(LeaderCut { at_ns: now, leader });
        let lasting = record.parameters.duration();
        self.apply(index, &cuts.rules(), &cuts.sides);
        self.effects.push(Effect::Probe(lasting));
        self.effects.push(Effect::Changed(index));
    }
}

#[cfg(test)]
mod tests;
