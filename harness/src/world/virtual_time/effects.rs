//! What the run wants done, in virtual time.

use nix::libc;
use supervisor::CallKind;

use super::VirtualWorld;
use super::host::{Hold, signed_ns};
use crate::fault::{BeforeCall, Call};
use crate::ids::NodeId;
use crate::nemesis::player::{Signal, Work};
use crate::network::fabric::Sent;
use crate::run::event::{Effect, Event, Handed};
use crate::run::progress::Progress;
use crate::time::RunTime;
use crate::world::RunError;

fn kind_of(call: Call) -> CallKind {
    match call {
        Call::Send => CallKind::Send,
        Call::Fsync => CallKind::Fsync,
        Call::Rename => CallKind::Rename,
    }
}

impl VirtualWorld {
    /// Does it. Returns what came of it, where the run has to know.
    pub(super) fn perform(
        &mut self,
        now: RunTime,
        effect: Effect,
    ) -> Result<Option<Event>, RunError> {
        match effect {
            Effect::Deliver { to, message } => {
                let sent = self.send(to, &message.packet).unwrap_or(Sent::Gone);
                return Ok(Some(Event::Handed { to, message, handed: Handed::from(sent) }));
            }
            Effect::Retry(to, packet) => {
                let sent = self.send(to, &packet);
                return Ok(sent.map(|sent| Event::Retried(to, sent)));
            }
            Effect::Disconnect(id) => {
                if let Some(replica) = self.replicas.get_mut(&id) {
                    replica.close(&mut self.supervisor);
                }
                return Ok(Some(Event::Disconnected(id)));
            }
            Effect::TakenDown(id) => {
                let Some(replica) = self.replicas.get_mut(&id) else { return Ok(None) };
                let is_silent = !replica.tells_of_its_end() && replica.close(&mut self.supervisor);
                return Ok(is_silent.then_some(Event::Disconnected(id)));
            }
            Effect::Signal(id, signal) => self.signal(id, signal),
            Effect::AwaitCall(id, BeforeCall { call, n }) => {
                if let Some(replica) = self.replicas.get(&id) {
                    self.supervisor.await_call(replica.process, kind_of(call), n);
                }
            }
            Effect::SetClock(id, by) => {
                self.set_clock(id, signed_ns(by));
            }
            Effect::Spawn(id) => self.spawn(id)?,
            Effect::Data(id, work) => return Ok(self.work(id, work)),
            Effect::Invoked(index) => {
                let written = self.written.journal.invoked(self.machine.operation(index));
                self.written.is_lost(now, written);
            }
            Effect::Completed(index) => {
                let written = self.written.journal.completed(self.machine.operation(index));
                self.written.is_lost(now, written);
            }
            Effect::FaultChanged(index) => {
                // It is written anew in the end.
                let _ = self.written.faults.append(&self.machine.faults()[index]);
            }
            Effect::Flush => {
                let flushed = self.written.journal.flush();
                self.written.is_lost(now, flushed);
                // Those that could not be written come with the next.
                let _ = self.write_leaders();
            }
            Effect::GiveUp(given_up) => self.give_up(now, given_up),
            Effect::Truncated(id) => self.host.truncated(now, id),
            Effect::Sample => self.sample(now),
            // The loop is never late; a system that a driver asks is refused before the start.
            Effect::Tick { .. } | Effect::Invoke { .. } | Effect::Links(_) => {}
            Effect::ShowProgress => self.show_progress(now),
        }
        Ok(None)
    }

    /// Puts a message into the socket of a replica; none: it is not connected.
    fn send(&mut self, to: NodeId, packet: &[u8]) -> Option<Sent> {
        let replica = self.replicas.get_mut(&to)?;
        let sent = replica.send(packet)?;
        if sent == Sent::Delivered {
            self.supervisor.delivered(replica.process);
        }
        Some(sent)
    }

    fn signal(&mut self, id: NodeId, signal: Signal) {
        let Some(replica) = self.replicas.get(&id) else { return };
        match signal {
            Signal::Kill => self.supervisor.signal(replica.process, libc::SIGKILL),
            Signal::Terminate => self.supervisor.signal(replica.process, libc::SIGTERM),
            Signal::Stop => self.hold(id, Hold::Fault),
            Signal::Continue => self.release(id, Hold::Fault),
        }
    }

    /// What cannot be done to a data directory is no reason to end the run.
    fn work(&mut self, id: NodeId, work: Work) -> Option<Event> {
        let place = self.replicas.get(&id)?.place.clone();
        let refused = self.disks.work(id, &place, work).err()?;
        Some(Event::DiskRefused { id, reason: refused.to_string() })
    }

    pub(super) fn show_progress(&mut self, now: RunTime) {
        let mut progress = self.machine.progress(now);
        self.request.progress.send_modify(|shown| {
            let mut happened = std::mem::take(&mut shown.happened);
            happened.append(&mut progress.happened);
            *shown = Progress { happened, ..progress };
        });
    }

    pub(super) fn write_leaders(&mut self) -> Result<(), RunError> {
        let written = self.written.leaders.write(self.machine.claims());
        written.map_err(RunError::system("writing leaders.jsonl"))
    }
}
