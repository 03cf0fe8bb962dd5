//! Threads and processes: their births, their ends, and who waits for them.

use std::os::fd::AsRawFd;

use nix::libc;

use super::{Amendment, Outcome};
use crate::supervisor::{Supervisor, TaskId, Waits};
use crate::sys::seccomp::{self, Trap};
use crate::time::VirtualTime;

impl Supervisor {
    pub(super) fn of_process(&mut self, task: TaskId, call: Trap) -> Outcome {
        let args = call.args;
        match call.number {
            libc::SYS_wait4 | libc::SYS_waitid => return self.await_child(task, call),
            libc::SYS_execve | libc::SYS_execveat => self.give_page(task, call),
            libc::SYS_set_tid_address => self.task_mut(task).clear_at = args[0],
            libc::SYS_clone => self.task_mut(task).birth = (args[0], args[3]),
            libc::SYS_clone3 => {
                let words = self.read_bytes::<24>(task, args[0]).unwrap_or_default();
                let word = |at: usize| {
                    u64::from_ne_bytes(words[at..at + 8].try_into().unwrap_or_default())
                };
                self.task_mut(task).birth = (word(0), word(16));
            }
            libc::SYS_vfork => {
                let flags = (libc::CLONE_VM | libc::CLONE_VFORK) as u64;
                self.task_mut(task).birth = (flags, 0);
            }
            libc::SYS_fork => self.task_mut(task).birth = (0, 0),
            _ => {}
        }
        Outcome::Continue
    }

    /// The set of processors that a thread may use: the first.
    pub(super) fn one_processor(&mut self, task: TaskId, call: Trap) -> Outcome {
        const SET: usize = 8;
        if call.args[1] < SET as u64 {
            return Outcome::Error(libc::EINVAL);
        }
        if self.write(task, call.args[2], &1_u64.to_ne_bytes()) {
            Outcome::Value(SET as i64)
        } else {
            Outcome::Error(libc::EFAULT)
        }
    }

    /// The page is mapped when the program is loaded, from a descriptor that is open until then.
    fn give_page(&mut self, task: TaskId, call: Trap) {
        if self.member_of(task).has_page_open {
            return;
        }
        let group = self.group_of(task);
        let (listener, page) = (group.listener.as_raw_fd(), group.page.descriptor());
        let added = seccomp::add_descriptor(listener, call.id, page, Some(self.page_at), false);
        if added.is_ok() {
            self.member_mut(task).has_page_open = true;
        }
    }

    fn await_child(&mut self, task: TaskId, call: Trap) -> Outcome {
        let args = call.args;
        let is_wait4 = call.number == libc::SYS_wait4;
        let (options, one) = if is_wait4 {
            (args[2] as i32, args[0] as i32)
        } else {
            let is_one = args[0] as u32 == libc::P_PID;
            (args[3] as i32, if is_one { args[1] as i32 } else { -1 })
        };
        if !is_wait4 && !matches!(args[0] as u32, libc::P_PID | libc::P_ALL | libc::P_PGID) {
            // A descriptor of a process: whichever it is.
            self.used_call(task, "waitid(P_PIDFD)".into());
        }
        let member = self.task(task).member;
        let inner = |child: usize| self.members[child].inner;
        let children = &self.members[member].children;
        let wanted = |&&(child, _): &&(usize, bool)| one <= 0 || inner(child) == one;
        let (any, ended) = (
            children.iter().any(|child| wanted(&child)),
            children
                .iter()
                .filter(wanted)
                .find(|(_, has_ended)| *has_ended)
                .map(|&(child, _)| child),
        );
        if let Some(ended) = ended {
            if options & libc::WNOWAIT == 0 {
                self.members[member].children.retain(|&(child, _)| child != ended);
            }
            self.task_mut(task).fruitless = 0;
            let at = args[if is_wait4 { 3 } else { 4 }];
            return if at == 0 { Outcome::Continue } else { Outcome::Amend(Amendment::Usage(at)) };
        }
        if !any {
            return Outcome::Continue;
        }
        if options & libc::WNOHANG != 0 {
            self.task_mut(task).fruitless += 1;
            return Outcome::Continue;
        }
        self.task_mut(task).deadline = Some(VirtualTime::NEVER);
        self.wait_for(task, Waits::Others)
    }
}
