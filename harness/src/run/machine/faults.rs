//! What the player of faults wants done: to links and clients here, to processes and data by the world.

use super::Machine;
use crate::fault::LinkRule;
use crate::nemesis::player::{Effect as PlayerEffect, Player, Scene, Work};
use crate::network::rules::FaultId;
use crate::run::agenda::Task;
use crate::run::event::{Effect, LinkChange};
use crate::system::Port;
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
            PlayerEffect::Apply(fault, rule) => self.apply_rule(fault, &rule),
            PlayerEffect::Lift(fault) => self.lift_rules(fault),
            PlayerEffect::Part { fault, sides, leader } => self.crew.part(fault, &sides, leader),
            PlayerEffect::Heal(fault) => self.crew.heal(fault),
            PlayerEffect::Probe(lasting) => {
                self.with_crew(now, |crew, view| crew.probe_reads(lasting, view));
            }
            PlayerEffect::FaultAt(at, index) => self.agenda.add(at, Task::Fault(index)),
            PlayerEffect::SetClock(id, by) => self.effects.push_back(Effect::SetClock(id, by)),
            PlayerEffect::AwaitCall(id, call) => {
                self.effects.push_back(Effect::AwaitCall(id, call));
            }
            PlayerEffect::StepAt(at, index) => self.agenda.add(at, Task::FaultStep(index)),
            PlayerEffect::Changed(index) => self.effects.push_back(Effect::FaultChanged(index)),
        }
    }

    /// A rule begins to hold on its links.
    pub(super) fn apply_rule(&mut self, fault: FaultId, what: &LinkRule) {
        let (pairs, rule) = (what.pairs(), &what.rule);
        self.router.apply(fault, pairs.iter().copied(), rule);
        self.change_links(|| LinkChange::Apply { fault, pairs, rule: rule.clone() });
    }

    /// The rules of a fault end.
    pub(super) fn lift_rules(&mut self, fault: FaultId) {
        self.router.lift(fault);
        self.change_links(|| LinkChange::Lift(fault));
    }

    /// Where nodes talk through proxies, the world is told.
    fn change_links(&mut self, change: impl FnOnce() -> LinkChange) {
        if self.plan.system.port == Port::Driver {
            self.effects.push_back(Effect::Links(change()));
        }
    }

    /// No fault holds on any link any more.
    pub(super) fn restore_links(&mut self) {
        self.router.lift_all();
        self.change_links(|| LinkChange::LiftAll);
        self.crew.drop_affinity();
        self.player.forget_sides();
    }
}
