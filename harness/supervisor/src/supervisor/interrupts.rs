//! Signals that processes get while their calls are held.

use std::fs;

use nix::libc;

use super::{State, Supervisor, TaskId};

/// The signals that do nothing unless they are caught.
const HARMLESS: [i32; 4] = [libc::SIGCHLD, libc::SIGURG, libc::SIGWINCH, libc::SIGCONT];

/// What is known of the signals of a thread.
#[derive(Clone, Copy, Debug, Default)]
struct Signals {
    pending: u64,
    blocked: u64,
    ignored: u64,
    caught: u64,
}

fn bit(signal: i32) -> u64 {
    1 << (signal - 1)
}

impl Signals {
    fn of(tid: i32) -> Self {
        let Ok(status) = fs::read_to_string(format!("/proc/{tid}/status")) else {
            return Self::default();
        };
        let mut signals = Self::default();
        for line in status.lines() {
            let Some((name, value)) = line.split_once(':') else { continue };
            let Ok(value) = u64::from_str_radix(value.trim(), 16) else { continue };
            match name {
                "SigPnd" | "ShdPnd" => signals.pending |= value,
                "SigBlk" => signals.blocked = value,
                "SigIgn" => signals.ignored = value,
                "SigCgt" => signals.caught = value,
                _ => {}
            }
        }
        signals
    }

    fn delivered(self, blocked: Option<u64>) -> u64 {
        let harmless = HARMLESS.iter().fold(0, |all, &signal| all | bit(signal)) & !self.caught;
        self.pending & !blocked.unwrap_or(self.blocked) & !self.ignored & !harmless
    }
}

impl Supervisor {
    /// A signal may be pending for a process: who waits looks again.
    pub(crate) fn signalled(&mut self, member: usize) {
        self.members[member].is_signalled = true;
        for task in self.tasks_of(member) {
            if self.task(task).state == State::Waiting {
                self.wake_task(task);
            }
        }
    }

    /// Whether a signal is pending that this thread gets, with these signals blocked.
    pub(crate) fn has_signal(&mut self, task: TaskId, blocked: Option<u64>) -> bool {
        if !self.member_of(task).is_signalled {
            return false;
        }
        let signals = Signals::of(self.task(task).tid);
        if signals.pending == 0 {
            let member = self.task(task).member;
            let others = self.tasks_of(member);
            let any = others.iter().any(|&it| Signals::of(self.task(it).tid).pending != 0);
            self.members[member].is_signalled = any;
        }
        signals.delivered(blocked) != 0
    }

    /// Whether one of these signals is pending.
    pub(crate) fn has_one_of(&self, task: TaskId, signals: u64) -> bool {
        Signals::of(self.task(task).tid).pending & signals != 0
    }
}
