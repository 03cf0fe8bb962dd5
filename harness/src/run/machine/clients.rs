//! What clients want, and what they are answered.

use super::Machine;
use crate::clients::{Effect as PoolEffect, Pool, Reply, Unexpected, View};
use crate::ids::NodeId;
use crate::network::envelope::{Envelope, ReplyType};
use crate::network::protocol::{ProtocolViolation, ProtocolWarning};
use crate::op::OpKind;
use crate::run::agenda::Task;
use crate::run::event::Effect;
use crate::run::router::ToClient;
use crate::time::RunTime;

impl Machine {
    /// Tells the pool of something; [`Machine::follow_pool`] passes on what it wants.
    pub(super) fn with_pool<T>(
        &mut self,
        now: RunTime,
        tell: impl FnOnce(&mut Pool, View<'_>) -> T,
    ) -> T {
        let (alive, leader) = (self.lives.alive(), self.router.leadership().leader());
        tell(&mut self.pool, View { now, alive, leader })
    }

    /// Passes on what the pool wants.
    pub(super) fn follow_pool(&mut self, now: RunTime) {
        for effect in self.pool.take_effects() {
            match effect {
                PoolEffect::Send { operation, from, to, kind, packet } => {
                    if self.pool.operation(operation).kind == OpKind::Put {
                        self.router.knowledge().asked(now, operation as u64, from, to);
                    }
                    self.router.from_client(now, from, to, kind, packet);
                    self.deliver_arrived();
                }
                PoolEffect::Invoked(index) => self.effects.push_back(Effect::Invoked(index)),
                PoolEffect::Acknowledged { put, by } => {
                    self.router.knowledge().acknowledged(now, put as u64, by);
                }
                PoolEffect::Completed(index) => {
                    self.router.knowledge().over(index as u64);
                    self.progress.count(self.pool.operation(index).outcome);
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
        let put_sent = self.pool.put_sent(&mid);
        let unexpected = self.with_pool(now, |pool, view| pool.answer(&answer, view));
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
