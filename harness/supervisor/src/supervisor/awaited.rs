//! The host waits for a call of a process: time stops before the kernel makes it.

use nix::libc;

use super::{Later, ProcessId, Stop, Supervisor, TaskId};
use crate::sys::descriptors;

/// Which calls are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// Those that put bytes into a socket.
    Send,
    /// `fsync`, `fdatasync`.
    Fsync,
    /// `rename`, `renameat`, `renameat2`.
    Rename,
}

/// A call that the host waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Awaited {
    kind: CallKind,
    /// So many are let pass.
    before: u64,
}

impl Supervisor {
    /// Time stops before the process makes the `n`-th call of this kind from now on, counted from 1: [`Stop::AtCall`].
    /// Unless the process is ended there, it makes the call when time goes on.
    pub fn await_call(&mut self, process: ProcessId, kind: CallKind, n: u64) {
        let awaited = Awaited { kind, before: n.saturating_sub(1) };
        self.groups[process.0].awaited = Some(awaited);
    }

    /// Whether time stops before the call of this thread that is about to be taken up, for the first time.
    pub(super) fn stops_before(&mut self, task: TaskId, awaited: Awaited) -> bool {
        if !self.is_of_kind(task, awaited.kind) {
            return false;
        }
        let group = self.member_of(task).group;
        let left = awaited.before.checked_sub(1);
        self.groups[group].awaited = left.map(|before| Awaited { before, ..awaited });
        if left.is_some() {
            return false;
        }
        // Unless it is ended, it goes on from here.
        let known = self.task_mut(task);
        known.is_queued = true;
        let generation = known.generation;
        self.agenda.add(self.now, Later::Attempt(task, generation));
        self.stops.push_back(Stop::AtCall(ProcessId(group)));
        true
    }

    fn is_of_kind(&mut self, task: TaskId, kind: CallKind) -> bool {
        let call = self.task(task).call;
        match (kind, call.number) {
            (CallKind::Fsync, libc::SYS_fsync | libc::SYS_fdatasync)
            | (CallKind::Rename, libc::SYS_rename | libc::SYS_renameat | libc::SYS_renameat2) => {
                true
            }
            (
                CallKind::Send,
                libc::SYS_write
                | libc::SYS_writev
                | libc::SYS_sendto
                | libc::SYS_sendmsg
                | libc::SYS_sendmmsg,
            ) => {
                let fd = self.descriptor(task, call.args[0] as i32);
                fd.is_some_and(descriptors::is_socket)
            }
            _ => false,
        }
    }
}
