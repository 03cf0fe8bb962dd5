//! Time stands still so that debuggers can look into the processes.
//!
//! A process has one tracer, and a call that is held cannot be stopped. So each held call is given back unfinished, and
//! nobody follows the thread any more: it makes its call anew, which waits in the filter until it is asked for. There
//! the thread can be traced, stopped and let go again, and it does not get past its call. Afterwards it is followed
//! again, and its call is held as before: for the program nothing has happened.

use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use super::{ProcessId, State, Stop, Supervisor, SupervisorError, TaskId};
use crate::calls::RESTART;
use crate::sys::ptrace::{self, Change};
use crate::sys::seccomp::{self, Reply};
use crate::sys::signals::Woken;
use crate::time::VirtualTime;

/// So long a thread may take until it is back in its call.
const BACK: Duration = Duration::from_secs(2);

impl Supervisor {
    /// Time stops once all is over that happens until then, and each thread is in a call: [`Stop::Halted`].
    pub fn halt_after(&mut self, at: VirtualTime) {
        self.halt_after = at;
    }

    /// Whether time is to stop before the next thing happens.
    pub(super) fn halts(&mut self) -> Option<Stop> {
        let next = self.agenda.next_at().unwrap_or(VirtualTime::NEVER).min(self.until);
        if next <= self.halt_after || !self.are_all_in_calls() {
            return None;
        }
        self.halt_after = VirtualTime::NEVER;
        Some(Stop::Halted)
    }

    /// Whether no thread is being born, or is about to get a signal.
    fn are_all_in_calls(&mut self) -> bool {
        (0..self.tasks.len()).map(TaskId).all(|task| match self.task(task).state {
            State::Running | State::Stopped | State::Lent => false,
            State::Held | State::Waiting => !self.has_signal(task, None),
            State::Spinning | State::Astray | State::Gone => true,
        })
    }

    /// The processes of a group that live, by the numbers of the host; the first is the one that was started.
    pub fn pids(&self, process: ProcessId) -> Vec<i32> {
        let of_it = self.members.iter().filter(|it| it.group == process.0 && it.is_alive());
        of_it.map(|it| it.pid).collect()
    }

    fn held(&self) -> Vec<TaskId> {
        let is_held = |&n: &usize| matches!(self.tasks[n].state, State::Held | State::Waiting);
        (0..self.tasks.len()).filter(is_held).map(TaskId).collect()
    }

    /// Nobody follows the processes any more, which stay in their calls.
    pub fn let_others_look(&mut self) -> Result<(), SupervisorError> {
        let system = SupervisorError::system;
        self.is_looked_at = true;
        for task in self.held() {
            let (tid, id) = (self.task(task).tid, self.task(task).call.id);
            ptrace::interrupt(tid).map_err(system("stopping a thread"))?;
            let listener = self.group_of(task).listener.as_raw_fd();
            let answered = seccomp::answer(listener, id, Reply::Error(RESTART));
            answered.map_err(system("giving a call back"))?;
            // It stops on the way back to its program, which it does not reach.
            match ptrace::change_of(tid) {
                Some(Change::Stopped { event: ptrace::EVENT_STOP, .. }) => {
                    ptrace::detach(tid).map_err(system("letting a thread go"))?;
                }
                Some(change) => self.changed(tid, change),
                None => {}
            }
        }
        Ok(())
    }

    /// The processes are followed again, and their calls are held as before. What fails is told of the first thread.
    pub fn look_no_more(&mut self) -> Result<(), SupervisorError> {
        self.follow_again()?;
        let mut missing = self.held();
        while let Some(&task) = missing.last() {
            let back = self.hold_again(task)?;
            missing.retain(|&it| it != back);
        }
        Ok(())
    }

    /// Threads that cannot be followed are left as they are.
    pub(super) fn follow_again(&mut self) -> Result<(), SupervisorError> {
        let mut result = Ok(());
        if !std::mem::take(&mut self.is_looked_at) {
            return result;
        }
        for task in self.held() {
            if ptrace::seize(self.task(task).tid).is_err() {
                let what = "is still traced by another program, or was ended";
                result = result.and(Err(self.lost(task, what)));
            }
        }
        result
    }

    /// A thread makes the call anew that was given back: it is the same one. Returns which thread did so; `task` is one
    /// that has not yet.
    fn hold_again(&mut self, task: TaskId) -> Result<TaskId, SupervisorError> {
        let (listener, begun) = (self.group_of(task).listener.as_raw_fd(), Instant::now());
        loop {
            let trap = match self.wakes.next_call(listener) {
                Ok(trap) => trap,
                // A call may end with its thread before it is taken. What changed is looked at when time goes on.
                Err(Woken::Changed | Woken::Gone | Woken::Tick) if begun.elapsed() < BACK => {
                    std::thread::yield_now();
                    continue;
                }
                Err(_) => return Err(self.lost(task, "was stopped by a signal, or ended")),
            };
            let Some(&back) = self.by_tid.get(&trap.tid) else { continue };
            let known = self.task_mut(back);
            let is_same = (known.call.number, known.call.args) == (trap.number, trap.args);
            known.call = trap;
            if !is_same {
                return Err(self.lost(back, "was changed: it makes another call than before"));
            }
            return Ok(back);
        }
    }

    fn lost(&self, task: TaskId, what: &'static str) -> SupervisorError {
        let (label, pid) = (self.group_of(task).label.clone(), self.member_of(task).pid);
        SupervisorError::Lost { label, pid, what }
    }
}
