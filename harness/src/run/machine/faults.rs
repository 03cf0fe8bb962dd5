//! What the player of faults wants done: to links and clients here, to processes and data by the world.

use super::Machine;
use crate::nemesis::player::{Effect as PlayerEffect, Player, Scene, Work};
use crate::run::agenda::Task;
use crate::run::event::Effect;
use crate::time::RunTime;

impl Machine {
    /// Tells the player of something, and passes on what it wants.
    pub(super) fn with_player(
        &mut self,
        now: RunTime,
        tell: impl FnOnce(&mut Player, &mut Scene<'_>),
    ) {
        let mut scene = Scene {
            now,
            leader: self.router.leadership().leader(),
            had_a_leader: self.router.leadership().had_a_leader(),
            lives: &mut self.lives,
        };
        tell(&mut self.player, &mut scene);
        for effect in self.player.take_effects() {
            self.follow_player(now, effect);
        }
    }

    fn follow_player(&mut self, now: RunTime, effect: PlayerEffect) {
        match effect {
            PlayerEffect::Signal(id, signal) => {
                self.effects.push_back(Effect::Signal(id, signal));
            }
            PlayerEffect::Spawn(id) => {
                if !self.keeps_data {
                    self.forgetful.insert(id);
                }
                self.effects.push_back(Effect::Spawn(id));
            }
            PlayerEffect::TakenDown(id) => self.taken_down(id),
            PlayerEffect::Disconnect(id) => self.effects.push_back(Effect::Disconnect(id)),
            PlayerEffect::Data(id, work) => {
                if work == Work::Wipe {
                    self.forgetful.insert(id);
                }
                self.effects.push_back(Effect::Data(id, work));
            }
            PlayerEffect::Apply(fault, rule) => self.router.apply(fault, rule.pairs(), &rule.rule),
            PlayerEffect::Lift(fault) => self.router.lift(fault),
            PlayerEffect::Part { fault, sides, leader } => self.pool.part(fault, &sides, leader),
            PlayerEffect::Heal(fault) => self.pool.heal(fault),
            PlayerEffect::Probe(lasting) => {
                self.with_pool(now, |pool, view| pool.probe_reads(lasting, view));
            }
            PlayerEffect::FaultAt(at, index) => self.agenda.add(at, Task::Fault(index)),
            PlayerEffect::StepAt(at, index) => self.agenda.add(at, Task::FaultStep(index)),
            PlayerEffect::Changed(index) => self.effects.push_back(Effect::FaultChanged(index)),
        }
    }

    /// No fault holds on any link any more.
    pub(super) fn restore_links(&mut self) {
        self.router.lift_all();
        self.pool.drop_affinity();
        self.player.forget_sides();
    }
}
