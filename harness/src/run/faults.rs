//! What the player of faults wants done, done: to processes, to data directories, to links, to clients.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::RunError;
use super::agenda::Task;
use super::dispatcher::Dispatcher;
use crate::cluster::data::{self, ReadOnly};
use crate::cluster::process::Process;
use crate::fault::DiskFault;
use crate::ids::NodeId;
use crate::nemesis::player::{Effect, Player, Scene, Signal, Work};
use crate::os::Disk;
use crate::seed::Seed;

/// The disks that faults have made bad.
#[derive(Default)]
pub(super) struct Disks {
    bad: BTreeMap<NodeId, Disk>,
    read_only: BTreeMap<NodeId, ReadOnly>,
}

impl Dispatcher {
    /// Tells the player of something, and does what it wants done.
    pub(super) fn with_player<T>(
        &mut self,
        tell: impl FnOnce(&mut Player, &mut Scene<'_>) -> T,
    ) -> Result<T, RunError> {
        let mut scene = Scene {
            now: self.now(),
            leader: self.cluster.router.leader(),
            had_a_leader: self.cluster.router.had_a_leader(),
            lives: &mut self.lives,
        };
        let told = tell(&mut self.player, &mut scene);
        for effect in self.player.take_effects() {
            self.perform_effect(effect)?;
        }
        Ok(told)
    }

    fn perform_effect(&mut self, effect: Effect) -> Result<(), RunError> {
        match effect {
            Effect::Signal(id, signal) => {
                if let Some(process) = self.cluster.processes.get_mut(&id) {
                    send(process, signal);
                }
            }
            Effect::Spawn(id) => {
                let disk = self.disks.bad.get(&id).copied().unwrap_or_default();
                self.cluster.spawn(id, &self.request, disk)?;
            }
            Effect::TakenDown(id) => self.cluster.router.died(id),
            Effect::Disconnect(id) => self.cluster.router.disconnected(id),
            Effect::Data(id, work) => self.work_on(id, work)?,
            Effect::Apply(fault, rule) => {
                self.cluster.router.apply(fault, rule.pairs(), &rule.rule);
            }
            Effect::Lift(fault) => self.cluster.router.lift(fault),
            Effect::Part { fault, sides, leader } => self.cluster.pool.part(fault, &sides, leader),
            Effect::Heal(fault) => self.cluster.pool.heal(fault),
            Effect::Probe(lasting) => {
                self.with_pool(|pool, world| pool.probe_reads(lasting, world));
            }
            Effect::FaultAt(at, index) => self.agenda.add(at, Task::Fault(index)),
            Effect::StepAt(at, index) => self.agenda.add(at, Task::FaultStep(index)),
            Effect::Changed(index) => {
                let written = self.faults.append(&self.player.records()[index]);
                written.map_err(RunError::system("writing faults.jsonl"))?;
            }
        }
        Ok(())
    }

    fn work_on(&mut self, id: NodeId, work: Work) -> Result<(), RunError> {
        let Some(path) = self.cluster.processes.get(&id).map(Process::data) else { return Ok(()) };
        let done = match work {
            Work::Wipe => data::wipe(&path),
            Work::Copy => data::copy(&path),
            Work::DamageDisk(disk_fault, draw) => self.disks.damage(id, &path, disk_fault, draw),
            Work::Repair => {
                self.disks.bad.remove(&id);
                self.disks.read_only.remove(&id);
                Ok(())
            }
        };
        done.map_err(RunError::system(format!("a `disk` fault in {}", path.display())))
    }

    /// No fault holds on any link any more.
    pub(super) fn restore_links(&mut self) {
        self.cluster.router.restore();
        self.cluster.pool.drop_affinity();
        self.player.forget_sides();
    }
}

impl Disks {
    fn damage(
        &mut self,
        id: NodeId,
        path: &Path,
        disk_fault: DiskFault,
        draw: Seed,
    ) -> io::Result<()> {
        data::damage(path, disk_fault, draw)?;
        match disk_fault {
            DiskFault::ReadOnly => {
                self.bad.insert(id, Disk::ReadOnly);
                self.read_only.insert(id, ReadOnly::begin(path)?);
            }
            DiskFault::Full => {
                let end = data::written_farthest(path).unwrap_or(0);
                self.bad.insert(id, Disk::Full(end));
            }
            DiskFault::Truncate | DiskFault::FlipBit | DiskFault::OldCopy => {}
        }
        Ok(())
    }
}

fn send(process: &mut Process, signal: Signal) {
    match signal {
        Signal::Kill => process.kill(),
        Signal::Terminate => process.terminate(),
        Signal::Stop => process.stop(),
        Signal::Continue => process.go_on(),
    }
}
