//! What clients want, and what they are answered.

use super::Machine;
use crate::clients::{Crew, Effect as PoolEffect, Reply, Unexpected, View};
use crate::ids::NodeId;
use crate::network::envelope::{Envelope, ReplyType};
use crate::network::protocol::{ProtocolViolation, ProtocolWarning};
use crate::op::{F, Outcome, text_of};
use crate::run::agenda::Task;
use crate::run::event::Effect;
use crate::run::router::ToClient;
use crate::time::RunTime;

impl Machine {
    /// Tells the clients of something; [`Machine::follow_crew`] passes on what it wants.
    pub(super) fn with_crew<T>(
        &mut self,
        now: RunTime,
        tell: impl FnOnce(&mut Crew, View<'_>) -> T,
    ) -> T {
        let (alive, leader) = (self.lives.alive(), self.router.leadership().leader());
        tell(&mut self.crew, View { now, alive, leader })
    }

    /// Passes on what the clients want.
    pub(super) fn follow_crew(&mut self, now: RunTime) {
        for effect in self.crew.take_effects() {
            match effect {
                PoolEffect::Send { operation, from, to, kind, packet } => {
                    let asked = self.crew.operation(operation);
                    if asked.f == F::Put {
                        let knowledge = self.router.knowledge();
                        knowledge.asked(now, operation as u64, from, to);
                        if let Some((key, value)) = asked.key.as_ref().zip(text_of(&asked.value)) {
                            knowledge.brought(now, key, &value.into(), to);
                        }
                    }
                    self.router.from_client(now, from, to, kind, packet);
                    self.deliver_arrived();
                }
                PoolEffect::Invoke { operation, from, to } if self.maelstrom.is_some() => {
                    self.ask_node(now, operation, from, to);
                }
                PoolEffect::Invoke { operation, from, to } => {
                    self.effects.push_back(Effect::Invoke { operation, client: from, node: to });
                }
                PoolEffect::Invoked(index) => self.effects.push_back(Effect::Invoked(index)),
                PoolEffect::Acknowledged { put, by } => {
                    self.router.knowledge().acknowledged(now, put as u64, by);
                    if let Some(value) = text_of(&self.crew.operation(put).value) {
                        self.router.sightings().acknowledged(put as u64, value);
                    }
                }
                PoolEffect::AcknowledgedAgain { put, by } => {
                    if let Some(value) = text_of(&self.crew.operation(put).value) {
                        self.router.sightings().acknowledged_again(now, by, value);
                    }
                }
                PoolEffect::Completed(index) => {
                    let ended = self.crew.operation(index);
                    let knowledge = self.router.knowledge();
                    knowledge.over(index as u64);
                    if let (F::Get, Outcome::Ok, Some(key), Some(value), Some(by)) =
                        (ended.f, ended.outcome, &ended.key, text_of(ended.told()), ended.node)
                    {
                        knowledge.read(now, key, &value.into(), by);
                    }
                    self.progress.count(self.crew.operation(index).outcome);
                    self.effects.push_back(Effect::Completed(index));
                }
                PoolEffect::WakeAt(at, wake) => self.agenda.add(at, Task::Client(wake)),
            }
        }
    }

    /// A replica answered a client.
    pub(super) fn answered(
        &mut self,
        now: RunTime,
        from: NodeId,
        message: &Envelope<'_>,
        to: ToClient,
        packet: &[u8],
    ) {
        let mid = message.mid().unwrap_or_default();
        let ToClient { client, leader } = to;
        let r#type = message.reply_type();
        let answer = Reply { from, client, r#type, mid: &mid, leader, value: message.value() };
        let put_sent = self.crew.course().and_then(|pool| pool.put_sent(&mid));
        let unexpected = self.with_crew(now, |crew, view| crew.course()?.answer(&answer, view));
        let is_ok = r#type == Some(ReplyType::Ok);
        if let Some(sent) = put_sent
            && is_ok
            && leader == Some(from)
        {
            self.router.acknowledged(now, from, sent, packet);
        }
        if let Some(unexpected) = unexpected {
            self.note(now, from, unexpected, packet);
        }
        if is_ok {
            self.with_player(now, |player, scene| player.answered(from, scene));
        }
    }

    fn note(&mut self, now: RunTime, from: NodeId, unexpected: Unexpected, packet: &[u8]) {
        let protocol = self.router.protocol();
        let warning = match unexpected {
            Unexpected::UnknownMid => {
                return protocol.violation(ProtocolViolation::UnknownMid, now, from, packet);
            }
            Unexpected::UnknownAnswer => {
                return protocol.violation(ProtocolViolation::UnknownAnswer, now, from, packet);
            }
            Unexpected::Duplicate => ProtocolWarning::DuplicateResponse,
            Unexpected::OddValue => ProtocolWarning::OddValue,
            Unexpected::Gone => ProtocolWarning::RefusedForGood,
        };
        protocol.warning(warning, now, from, packet);
    }
}
