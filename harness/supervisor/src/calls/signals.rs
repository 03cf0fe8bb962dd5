//! Signals that are sent, and waited for.

use nix::libc;

use super::Outcome;
use super::times::nanoseconds;
use crate::supervisor::{Supervisor, TaskId, Waits};
use crate::sys::seccomp::Trap;
use crate::time::VirtualTime;

impl Supervisor {
    pub(super) fn of_signal(&mut self, task: TaskId, call: Trap) -> Outcome {
        match call.number {
            libc::SYS_pause => {
                self.task_mut(task).deadline = Some(VirtualTime::NEVER);
                self.wait_for(task, Waits::Time)
            }
            libc::SYS_rt_sigsuspend => {
                let mask = self.read_bytes(task, call.args[0]).map_or(0, u64::from_ne_bytes);
                if self.has_signal(task, Some(mask)) {
                    return Outcome::Continue;
                }
                self.task_mut(task).deadline = Some(VirtualTime::NEVER);
                self.wait_for(task, Waits::Time)
            }
            libc::SYS_rt_sigtimedwait => self.await_signal(task, call),
            _ => self.send_signal(task, call),
        }
    }

    fn await_signal(&mut self, task: TaskId, call: Trap) -> Outcome {
        let wanted = self.read_bytes(task, call.args[0]).map_or(0, u64::from_ne_bytes);
        if self.has_one_of(task, wanted) {
            return Outcome::Continue;
        }
        if self.task(task).deadline.is_none() {
            let time = self.read_bytes(task, call.args[2]).and_then(nanoseconds);
            let deadline = match (call.args[2], time) {
                (0, _) => VirtualTime::NEVER,
                (_, Some(time)) => self.after(time),
                (_, None) => return Outcome::Error(libc::EINVAL),
            };
            self.task_mut(task).deadline = Some(deadline);
        }
        if self.task(task).deadline <= Some(self.now) {
            return Outcome::Error(libc::EAGAIN);
        }
        self.wait_for(task, Waits::Time)
    }

    /// The kernel delivers it; whoever it reaches looks whether it is interrupted.
    fn send_signal(&mut self, task: TaskId, call: Trap) -> Outcome {
        let (target, is_thread) = match call.number {
            libc::SYS_tgkill | libc::SYS_rt_tgsigqueueinfo => (call.args[1] as i32, true),
            libc::SYS_tkill => (call.args[0] as i32, true),
            libc::SYS_pidfd_send_signal => (-1, false),
            _ => (call.args[0] as i32, false),
        };
        let group = self.member_of(task).group;
        let reached: Vec<usize> = if is_thread {
            let found = self.tasks.iter().find(|known| known.inner == target);
            found.map(|known| known.member).into_iter().collect()
        } else {
            let of_group = |member: usize| {
                let known = &self.members[member];
                known.is_alive() && (known.inner == target || target <= 0 && known.group == group)
            };
            (0..self.members.len()).filter(|&member| of_group(member)).collect()
        };
        self.deliver_after(task, &reached)
    }
}
