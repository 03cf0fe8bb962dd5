//! A fault's time has come: it is resolved, played step by step, and written down.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::RunError;
use super::agenda::Task;
use super::dispatcher::Dispatcher;
use crate::cluster::data::{self, ReadOnly};
use crate::cluster::process::Process;
use crate::fault;
use crate::fault::{FaultKind, Harm, LinkRule};
use crate::ids::NodeId;
use crate::journal;
use crate::limits;
use crate::nemesis::{self, Act, Situation, Step};
use crate::network::rules::FaultId;
use crate::os::Disk;
use crate::plan::PlannedFault;
use crate::record::FaultRecord;
use crate::seed::Seed;
use crate::time::RunTime;

/// What the faults have done so far, and who is in their hands.
#[derive(Default)]
pub struct Faults {
    /// Those that go on, by their place in the plan.
    active: BTreeMap<usize, Active>,
    /// The replicas that the nemesis keeps down, or has not heard from since it started them.
    down: BTreeSet<NodeId>,
    /// Those whose process `waitpid` has not told of yet.
    running: BTreeSet<NodeId>,
    /// Those to be started as soon as their old process has ended.
    start_when_gone: BTreeSet<NodeId>,
    /// Those whose present process the nemesis has ended, or asked to end.
    expected: BTreeSet<NodeId>,
    /// Those dead for good.
    pub dead: BTreeSet<NodeId>,
    /// Those whose disk was harmed: what they do with it is told, not judged.
    harmed: BTreeSet<NodeId>,
    /// Faults whose time has come, and that something stands in the way of.
    waiting: BTreeSet<usize>,
    /// Those whose connection was closed: some rightly end then.
    reset: BTreeSet<NodeId>,
    disks: BTreeMap<NodeId, Disk>,
    read_only: BTreeMap<NodeId, ReadOnly>,
    /// The sides of each partition in force.
    sides: BTreeMap<FaultId, Vec<Vec<NodeId>>>,
    /// How often each was started again.
    pub restarts: BTreeMap<NodeId, u32>,
    /// Nobody was named as leader for as long as a fault waits for one.
    is_leaderless: bool,
    /// Nothing strikes any more.
    is_over: bool,
}

struct Active {
    targets: Vec<NodeId>,
    script: Vec<Step>,
    next: usize,
    began: RunTime,
    /// Until when the step in hand waits.
    until: Option<RunTime>,
    /// Who was elected while it waited for that.
    elected: Option<NodeId>,
    /// How often that one has answered `ok` since.
    answers: u64,
    /// The leaders that it has cut off, the latest last.
    deposed: Vec<NodeId>,
    draw: Seed,
}

impl Faults {
    /// Before anything has struck.
    pub fn new(replicas: &[NodeId]) -> Self {
        Self { running: replicas.iter().copied().collect(), ..Self::default() }
    }

    /// The replicas that some fault has in its hands.
    fn taken(&self) -> BTreeSet<NodeId> {
        self.active.values().flat_map(|active| active.targets.iter().copied()).collect()
    }

    /// Whether some fault waits for a new leader.
    pub fn awaits_election(&self) -> bool {
        let waits =
            |active: &Active| matches!(active.script.get(active.next), Some(Step::UntilElected(_)));
        self.active.values().any(waits)
    }

    /// Whether a death of this one is the nemesis's doing.
    pub fn excuses(&self, id: NodeId) -> bool {
        let by_the_nemesis = [&self.expected, &self.dead, &self.harmed, &self.reset];
        by_the_nemesis.iter().any(|ids| ids.contains(&id))
    }

    /// Whether somebody is down who will come back.
    pub fn awaits_somebody(&self) -> bool {
        !self.down.is_empty()
    }
}

/// The record of a fault whose time has not come.
pub fn planned((index, fault): (usize, &PlannedFault)) -> FaultRecord {
    FaultRecord {
        index,
        kind: fault.event.kind,
        parameters: fault.event.parameters.clone(),
        planned_ns: fault.event.at,
        applied_ns: None,
        ended_ns: None,
        leader: None,
        targets: Vec::new(),
        sides: Vec::new(),
        links: Vec::new(),
        not_applied: Some(FaultRecord::TO_COME.to_owned()),
        had_no_room: false,
    }
}

impl Dispatcher {
    /// Lets the fault of this place in the plan strike; if it cannot, it waits a bounded time.
    pub(super) fn strike(&mut self, index: usize) -> Result<(), RunError> {
        let plan = std::sync::Arc::clone(&self.order.plan);
        let fault = &plan.faults[index];
        self.nemesis.waiting.remove(&index);
        if self.faults[index].applied_ns.is_some() {
            return Ok(()); // the end of another fault had let it strike before
        }
        let now = self.now();
        let leader = self.cluster.router.leader();
        if self.nemesis.is_over {
            let record = &mut self.faults[index];
            let reason = if record.had_no_room {
                "another `depose` was in force until the time of faults was over"
            } else {
                "the time of faults was over"
            };
            record.not_applied = Some(reason.to_owned());
            return self.write_faults();
        }
        let taken = self.nemesis.taken();
        let has_waited = now.since(fault.event.at) >= limits::FAULT_PATIENCE;
        self.nemesis.is_leaderless |= has_waited;
        self.nemesis.is_leaderless &= !self.cluster.router.had_a_leader();
        let struck = if self.nemesis.is_leaderless {
            nemesis::stand_in(fault, &self.alive, &taken)
        } else {
            leader
        };
        let situation = Situation {
            replicas: &self.replicas,
            alive: &self.alive,
            taken: &taken,
            leader: struck,
            is_deposing: self
                .nemesis
                .active
                .keys()
                .any(|&it| self.faults[it].kind == FaultKind::Depose),
        };
        let strike = match nemesis::resolve(fault, &situation) {
            Ok(strike) => strike,
            Err(obstacle) => {
                self.faults[index].had_no_room = obstacle == nemesis::NO_ROOM;
                if has_waited {
                    let patience = limits::FAULT_PATIENCE.as_secs();
                    let reason = format!("{obstacle} within {patience} s");
                    self.faults[index].not_applied = Some(reason);
                } else {
                    self.agenda.add(now + limits::FAULT_RETRY, Task::Fault(index));
                    self.nemesis.waiting.insert(index);
                }
                return self.write_faults();
            }
        };
        let parameters = &fault.event.parameters;
        let record = &mut self.faults[index];
        record.applied_ns = Some(now);
        record.not_applied = None;
        record.had_no_room = false;
        record.leader = leader;
        record.targets.clone_from(&strike.targets);
        let active = Active {
            targets: strike.targets,
            script: strike.script,
            next: 0,
            began: now,
            until: None,
            elected: None,
            answers: 0,
            deposed: struck
                .filter(|_| fault::length::begins_with_the_leader(parameters))
                .into_iter()
                .collect(),
            draw: Seed(fault.draw.derive("harm").0),
        };
        let strikes_leader =
            fault.event.parameters.parts() || struck.is_some_and(|id| active.targets.contains(&id));
        self.nemesis.active.insert(index, active);
        self.play(index)?;
        if strikes_leader {
            let lasting = fault.event.parameters.duration();
            self.with_pool(|pool, world| pool.chase(lasting, world));
        }
        self.write_faults()
    }

    /// Plays a fault's script as far as it goes now.
    pub(super) fn play(&mut self, index: usize) -> Result<(), RunError> {
        let now = self.now();
        loop {
            let Some(active) = self.nemesis.active.get_mut(&index) else { return Ok(()) };
            let Some(step) = active.script.get(active.next).cloned() else {
                self.nemesis.active.remove(&index);
                let kind = self.faults[index].kind;
                if !matches!(kind, FaultKind::PartEasy | FaultKind::PartHard | FaultKind::Kill) {
                    self.faults[index].ended_ns = Some(now);
                    self.with_pool(|pool, world| pool.chase(Duration::ZERO, world));
                }
                // What it stood in the way of need not wait for its next turn.
                if let Some(waiting) = self.nemesis.waiting.pop_first() {
                    self.strike(waiting)?;
                }
                return self.write_faults();
            };
            let (wait, is_over) = match &step {
                Step::Do(act) => {
                    let draw = active.draw;
                    active.next += 1;
                    self.perform_act(index, act, draw)?;
                    continue;
                }
                Step::RepeatFor(duration) => {
                    let again = now.since(active.began) < *duration;
                    active.next = if again { 0 } else { active.next + 1 };
                    continue;
                }
                Step::Wait(duration) => (*duration, false),
                Step::UntilGone(id, most) => (*most, !self.nemesis.running.contains(id)),
                Step::UntilConnected(id, most) => (*most, !self.nemesis.down.contains(id)),
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
            let until = *active.until.get_or_insert(now + wait);
            if is_over || now >= until {
                let is_nobody = matches!(step, Step::UntilElected(_)) && active.elected.is_none();
                active.until = None;
                active.next = if is_nobody { active.script.len() - 1 } else { active.next + 1 };
                continue;
            }
            if is_new {
                self.agenda.add(until, Task::FaultStep(index));
            }
            return Ok(());
        }
    }

    /// A replica names itself as leader that did not before.
    pub(super) fn elected(&mut self, id: NodeId) -> Result<(), RunError> {
        for active in self.nemesis.active.values_mut() {
            if matches!(active.script.get(active.next), Some(Step::UntilElected(_))) {
                active.elected = Some(id);
            }
        }
        self.play_all()
    }

    /// A replica answered a client `ok`.
    pub(super) fn answered(&mut self, id: NodeId) -> Result<(), RunError> {
        let mut is_awaited = false;
        for active in self.nemesis.active.values_mut() {
            if active.elected == Some(id) {
                active.answers += 1;
                is_awaited |=
                    matches!(active.script.get(active.next), Some(Step::UntilAnswers(..)));
            }
        }
        if is_awaited { self.play_all() } else { Ok(()) }
    }

    /// Something happened that a fault may wait for.
    pub(super) fn play_all(&mut self) -> Result<(), RunError> {
        for index in self.nemesis.active.keys().copied().collect::<Vec<_>>() {
            self.play(index)?;
        }
        Ok(())
    }

    fn perform_act(&mut self, index: usize, act: &Act, draw: Seed) -> Result<(), RunError> {
        match act {
            Act::KillForGood(id) => {
                self.nemesis.dead.insert(*id);
                self.take_down(*id);
                self.nemesis.down.remove(id);
            }
            Act::Kill(id) => self.take_down(*id),
            Act::Terminate(id) => {
                self.nemesis.down.insert(*id);
                self.nemesis.expected.insert(*id);
                self.with_process(*id, Process::terminate);
            }
            Act::Stop(id) => self.with_process(*id, |process| process.stop()),
            Act::Continue(id) => self.with_process(*id, |process| process.go_on()),
            Act::Start(id) => self.start_again(*id)?,
            Act::Wipe(id) => self.with_data(*id, data::wipe)?,
            Act::Copy(id) => {
                // Stopped meanwhile, so that the copy is of one moment.
                self.with_process(*id, |process| process.stop());
                let copied = self.with_data(*id, data::copy);
                self.with_process(*id, |process| process.go_on());
                copied?;
            }
            Act::Harm(id, harm) => self.harm(*id, *harm, draw)?,
            Act::Mend(id) => self.mend(*id),
            Act::Reset(id) => {
                self.nemesis.reset.insert(*id);
                self.cluster.router.disconnected(*id);
            }
            Act::Apply { rules, sides } => self.apply_to_links(index, rules, sides),
            Act::Lift => self.lift_from_links(index),
            Act::CutLeader => match self.cluster.router.leader() {
                Some(leader) => self.cut_off(index, leader),
                None => self.lift_from_links(index),
            },
            Act::CutElected => {
                let active = self.nemesis.active.get(&index);
                if let Some(elected) = active.and_then(|active| active.elected) {
                    self.cut_off(index, elected);
                }
            }
        }
        Ok(())
    }

    fn apply_to_links(&mut self, index: usize, rules: &[LinkRule], sides: &[Vec<NodeId>]) {
        if self.is_the_courses(index) {
            // Of the course's partitions there is one at a time.
            self.lift_from_links(index);
        }
        for (n, what) in rules.iter().enumerate() {
            let fault = self.fault_id(index, n);
            self.cluster.router.apply(fault, what.pairs(), &what.rule);
        }
        let record = &mut self.faults[index];
        record.links = rules.to_vec();
        record.sides = sides.to_vec();
        if !sides.is_empty() {
            self.cluster.pool.part(self.fault_id(index, 0), sides, self.faults[index].leader);
            self.nemesis.sides.insert(self.fault_id(index, 0), sides.to_vec());
        }
        self.show_sides();
    }

    fn lift_from_links(&mut self, index: usize) {
        for n in 0..self.faults[index].links.len().max(1) {
            self.cluster.router.lift(self.fault_id(index, n));
        }
        self.cluster.pool.heal(self.fault_id(index, 0));
        self.nemesis.sides.remove(&self.fault_id(index, 0));
        self.show_sides();
    }

    /// To whom the rules belong that this fault puts on links.
    fn fault_id(&self, index: usize, rule: usize) -> FaultId {
        if self.is_the_courses(index) { FaultId::Partition } else { FaultId::Planned(index, rule) }
    }

    fn is_the_courses(&self, index: usize) -> bool {
        let kind = self.faults[index].kind;
        matches!(kind, FaultKind::PartEasy | FaultKind::PartHard | FaultKind::PartEnd)
    }

    /// The last partition that is in force, for the progress line.
    fn show_sides(&mut self) {
        self.progress.sides = self.nemesis.sides.values().last().cloned().unwrap_or_default();
    }

    /// No fault holds on any link any more.
    pub(super) fn restore_links(&mut self) {
        self.cluster.router.restore();
        self.cluster.pool.unpin();
        self.nemesis.sides.clear();
        self.show_sides();
    }

    /// This leader alone, instead of what the fault did on links so far; those that it cut off before stay
    /// so, the latest of them, as long as a majority is left.
    fn cut_off(&mut self, index: usize, leader: NodeId) {
        self.lift_from_links(index);
        let Some(active) = self.nemesis.active.get_mut(&index) else { return };
        active.deposed.retain(|&id| id != leader);
        active.deposed.push(leader);
        let most = (self.replicas.len() - 1) / 2;
        active.deposed.drain(..active.deposed.len().saturating_sub(most));
        let cuts = nemesis::shape::each_alone(&self.replicas, &active.deposed);
        let record = &mut self.faults[index];
        record.leader = Some(leader);
        record.targets.push(leader);
        self.apply_to_links(index, &cuts.rules(), &cuts.sides);
        let lasting = self.faults[index].parameters.duration();
        self.with_pool(|pool, world| pool.chase(lasting, world));
    }

    fn with_process(&mut self, id: NodeId, act: impl Fn(&mut Process)) {
        if let Some(process) = self.cluster.processes.get_mut(&id)
            && self.nemesis.running.contains(&id)
        {
            act(process);
        }
    }

    fn with_data(
        &self,
        id: NodeId,
        act: impl Fn(&std::path::Path) -> std::io::Result<()>,
    ) -> Result<(), RunError> {
        let Some(process) = self.cluster.processes.get(&id) else { return Ok(()) };
        let path = process.data();
        act(&path).map_err(RunError::system(format!("a `disk` fault in {}", path.display())))
    }

    fn take_down(&mut self, id: NodeId) {
        self.nemesis.down.insert(id);
        self.nemesis.expected.insert(id);
        self.alive.remove(&id);
        self.cluster.router.died(id);
        self.with_process(id, Process::kill);
    }

    fn harm(&mut self, id: NodeId, harm: Harm, draw: Seed) -> Result<(), RunError> {
        self.nemesis.harmed.insert(id);
        let draw = Seed(draw.draw(u64::from(id.0)));
        self.with_data(id, |path| data::harm(path, harm, draw))?;
        match harm {
            Harm::ReadOnly => {
                self.nemesis.disks.insert(id, Disk::ReadOnly);
                let Some(path) = self.cluster.processes.get(&id).map(Process::data) else {
                    return Ok(());
                };
                let what = format!("a `disk` fault in {}", path.display());
                let guard = ReadOnly::begin(&path).map_err(RunError::system(what))?;
                self.nemesis.read_only.insert(id, guard);
                Ok(())
            }
            Harm::Full => {
                let path = self.cluster.processes.get(&id).map(Process::data);
                let end = path.and_then(|path| data::written_farthest(&path).ok()).unwrap_or(0);
                self.nemesis.disks.insert(id, Disk::Full(end));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn mend(&mut self, id: NodeId) {
        self.nemesis.disks.remove(&id);
        self.nemesis.read_only.remove(&id);
    }

    fn start_again(&mut self, id: NodeId) -> Result<(), RunError> {
        if self.nemesis.dead.contains(&id) {
            return Ok(());
        }
        self.nemesis.down.insert(id);
        if self.nemesis.running.contains(&id) {
            self.nemesis.start_when_gone.insert(id);
            return Ok(());
        }
        let disk = self.nemesis.disks.get(&id).copied().unwrap_or_default();
        // What the old process said last is read; its connection is over.
        self.cluster.router.disconnected(id);
        self.cluster.spawn(id, &self.order, disk)?;
        self.forget_death(id);
        self.nemesis.expected.remove(&id);
        self.nemesis.running.insert(id);
        *self.nemesis.restarts.entry(id).or_default() += 1;
        Ok(())
    }

    /// `waitpid` told that the process of this replica has ended.
    pub(super) fn process_gone(&mut self, id: NodeId) -> Result<(), RunError> {
        self.nemesis.running.remove(&id);
        if self.nemesis.start_when_gone.remove(&id) {
            self.start_again(id)?;
        } else if !self.nemesis.expected.contains(&id) {
            // It ended by itself, perhaps at its start: nobody waits for it.
            self.nemesis.down.remove(&id);
        }
        self.play_all()
    }

    /// A replica connected: one that was started again lives again.
    pub(super) fn came_back(&mut self, id: NodeId) -> Result<(), RunError> {
        if self.nemesis.down.contains(&id) && self.nemesis.running.contains(&id) {
            self.nemesis.down.remove(&id);
            self.alive.insert(id);
            self.play_all()?;
        }
        Ok(())
    }

    /// The time of faults is over: whatever lasts is undone, and whoever is not dead for good is
    /// started again.
    pub(super) fn end_faults(&mut self) -> Result<(), RunError> {
        let now = self.now();
        self.nemesis.is_over = true;
        for (index, active) in std::mem::take(&mut self.nemesis.active) {
            self.faults[index].ended_ns = Some(now);
            self.lift_from_links(index);
            for id in active.targets {
                let had_a_bad_disk = self.nemesis.disks.contains_key(&id);
                self.with_process(id, |process| process.go_on());
                if had_a_bad_disk || self.nemesis.down.contains(&id) {
                    self.take_down(id);
                    self.mend(id);
                    self.start_again(id)?;
                }
            }
        }
        self.write_faults()
    }

    /// Writes `faults.jsonl` as far as it is known.
    pub(super) fn write_faults(&self) -> Result<(), RunError> {
        let path = self.order.folder.join("faults.jsonl");
        let what = format!("writing {}", path.display());
        let write = || {
            let mut text = Vec::new();
            journal::faults::write(&self.faults, &mut text)?;
            std::fs::write(&path, text)
        };
        write().map_err(RunError::system(what))
    }
}
