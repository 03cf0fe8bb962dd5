//! Threads that wait for another one of their process without a call, by looking at its memory again and again, as the
//! garbage collector of Go does.
//!
//! Such a thread goes through the same states of its registers again and again. Once it has been seen to, step by step,
//! it is stopped at one of them, which is the same each time; then the others go on, one call after the other. After
//! each it is led once through its circle: if it leaves that, it has seen what it waited for.

use std::fs;
use std::time::Duration;

use nix::libc;

use super::{State, Supervisor, TaskId};
use crate::sys::ptrace::{self, Change};

/// A thread that computed for so long without a call may wait for another one. It is looked at then, and after twice the
/// time, and so on.
pub(super) const SUSPECT: Duration = Duration::from_millis(100);
/// The most instructions of a circle.
const CIRCLE: usize = 10_000;

/// What makes up the state of a thread, the place of its instruction first.
type Registers = [u64; 17];

fn registers(tid: i32) -> Option<Registers> {
    let it = ptrace::registers(tid).ok()?;
    Some([
        it.rip, it.rsp, it.rbp, it.rax, it.rbx, it.rcx, it.rdx, it.rsi, it.rdi, it.r8, it.r9,
        it.r10, it.r11, it.r12, it.r13, it.r14, it.r15,
    ])
}

/// A thread that waits so.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spinning {
    task: TaskId,
    /// The instructions of its circle.
    circle: usize,
}

impl Supervisor {
    /// A thread has computed for long. If it goes in a circle, and there are others that may end that, it stands still
    /// from now on, and they go on.
    pub(super) fn suspect(&mut self, task: TaskId) {
        let member = self.task(task).member;
        let goes_on = [State::Held, State::Waiting, State::Spinning];
        let is_other = |other: TaskId| other != task && goes_on.contains(&self.task(other).state);
        if !self.tasks_of(member).into_iter().any(is_other) || !self.stop(task) {
            return;
        }
        let tid = self.task(task).tid;
        let circle = registers(tid).and_then(|here| {
            let (mut least, mut circle) = (here, 0);
            while circle == 0 || registers(tid)? != here {
                circle += 1;
                self.step(task).filter(|()| circle <= CIRCLE)?;
                least = least.min(registers(tid)?);
            }
            while registers(tid)? != least {
                self.step(task)?;
            }
            Some(circle)
        });
        if self.task(task).state != State::Running {
            return;
        }
        let Some(circle) = circle else {
            let _ = ptrace::go_on(tid, 0);
            return;
        };
        self.running.retain(|&running| running != task);
        self.task_mut(task).state = State::Spinning;
        self.spinning.push(Spinning { task, circle });
        self.note_spin(task, "goes in a circle");
    }

    /// One of the others has gone on, until its next call: who waited for that goes on, too, one after the other.
    pub(super) fn lead_around(&mut self) {
        for Spinning { task, circle } in self.spinning.clone() {
            let tid = self.task(task).tid;
            let here = registers(tid);
            let mut is_back = false;
            for _ in 0..circle {
                if self.task(task).state != State::Spinning || self.step(task).is_none() {
                    break;
                }
                is_back = registers(tid) == here;
                if is_back {
                    break;
                }
            }
            if is_back || self.task(task).state != State::Spinning {
                continue;
            }
            self.spinning.retain(|it| it.task != task);
            self.task_mut(task).state = State::Running;
            self.note_spin(task, "leaves its circle");
            self.running.push(task);
            let _ = ptrace::go_on(tid, 0);
            self.run();
        }
    }

    /// A thread that is no more does not wait.
    pub(super) fn spins_no_more(&mut self, task: TaskId) {
        self.spinning.retain(|it| it.task != task);
    }

    /// Stops a thread that computes; whether it does not compute any more.
    fn stop(&mut self, task: TaskId) -> bool {
        let tid = self.task(task).tid;
        if ptrace::interrupt(tid).is_err() {
            return false;
        }
        while self.task(task).state == State::Running {
            match ptrace::change_of(tid) {
                Some(Change::Stopped { event: ptrace::EVENT_STOP, .. }) => return true,
                // A signal: it stops where its handler begins.
                Some(change) => self.changed(tid, change),
                None => return false,
            }
        }
        false
    }

    /// One instruction of a stopped thread; none: it did something else, and goes on, or is no more.
    fn step(&mut self, task: TaskId) -> Option<()> {
        let tid = self.task(task).tid;
        ptrace::step(tid).ok()?;
        match ptrace::change_of(tid)? {
            Change::Stopped { signal: libc::SIGTRAP, event: 0 } => Some(()),
            change => {
                self.changed(tid, change);
                // Whatever it was, it is over for the circle; the thread is stopped again.
                self.stop_again(task)
            }
        }
    }

    fn stop_again(&mut self, task: TaskId) -> Option<()> {
        let tid = self.task(task).tid;
        ptrace::interrupt(tid).ok()?;
        loop {
            match ptrace::change_of(tid)? {
                Change::Stopped { event: ptrace::EVENT_STOP, .. } => return Some(()),
                change @ Change::Ended(_) => {
                    self.changed(tid, change);
                    return None;
                }
                change @ Change::Stopped { .. } => self.changed(tid, change),
            }
        }
    }

    fn note_spin(&mut self, task: TaskId, what: &str) {
        if self.settings.is_traced {
            let line = self.line(task, what);
            self.trace.push(line);
        }
    }
}

/// How long a thread has computed; none: it is no more.
pub(super) fn computed(tid: i32) -> Option<Duration> {
    let text = fs::read_to_string(format!("/proc/{tid}/task/{tid}/schedstat"))
        .or_else(|_| fs::read_to_string(format!("/proc/{tid}/schedstat")))
        .ok()?;
    Some(Duration::from_nanos(text.split_whitespace().next()?.parse().ok()?))
}
