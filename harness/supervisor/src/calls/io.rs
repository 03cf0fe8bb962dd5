//! Calls that move bytes. The kernel moves them; what is ours is whether they wait.

use std::os::fd::AsRawFd;

use nix::libc;

use super::Outcome;
use crate::supervisor::{State, Supervisor, TaskId, Waits};
use crate::sys::descriptors;
use crate::sys::seccomp::Trap;
use crate::time::VirtualTime;

/// Is this descriptor ready for these events?
fn is_ready(fd: i32, events: i16) -> bool {
    descriptors::poll(&mut [libc::pollfd { fd, events, revents: 0 }]) > 0
}

impl Supervisor {
    pub(super) fn of_io(&mut self, task: TaskId, call: Trap) -> Outcome {
        match call.number {
            libc::SYS_read
            | libc::SYS_readv
            | libc::SYS_recvfrom
            | libc::SYS_recvmsg
            | libc::SYS_recvmmsg
            | libc::SYS_accept
            | libc::SYS_accept4 => self.receive(task, call),
            libc::SYS_close | libc::SYS_dup2 | libc::SYS_dup3 | libc::SYS_close_range => {
                self.close(task, call)
            }
            libc::SYS_bind => self.bind(task, call),
            libc::SYS_connect => {
                self.autobind(task, call);
                self.acts(task)
            }
            libc::SYS_shutdown => self.acts(task),
            _ => self.send(task, call),
        }
    }

    /// The kernel does it, and others may wait for that.
    fn acts(&mut self, task: TaskId) -> Outcome {
        self.spread(task);
        Outcome::Continue
    }

    fn receive(&mut self, task: TaskId, call: Trap) -> Outcome {
        let costs = self.settings.costs;
        let Some(fd) = self.descriptor(task, call.args[0] as i32) else { return Outcome::Continue };
        if is_ready(fd, libc::POLLIN) {
            let known = self.task_mut(task);
            if call.number != libc::SYS_read || call.args[0] > 2 {
                known.fruitless = 0;
                known.debt += costs.message;
            }
            // A full pipe or socket may have room again.
            self.wake_writers(task);
            return Outcome::Continue;
        }
        let flags = match call.number {
            libc::SYS_recvfrom | libc::SYS_recvmmsg => call.args[3],
            libc::SYS_recvmsg => call.args[2],
            _ => 0,
        };
        let never_waits =
            flags as i32 & libc::MSG_DONTWAIT != 0 || descriptors::is_non_blocking(fd);
        if never_waits {
            return self.ask_again(task);
        }
        if self.task(task).deadline.is_none() {
            let most = descriptors::timeout(fd, libc::SO_RCVTIMEO);
            let deadline = most.map_or(VirtualTime::NEVER, |most| self.after(most));
            let known = self.task_mut(task);
            known.deadline = Some(deadline);
            known.fruitless = 0;
        }
        if self.task(task).deadline <= Some(self.now) {
            return Outcome::Error(libc::EAGAIN);
        }
        self.wait_for(task, Waits::Others)
    }

    /// It asks without waiting. Who does so too often sleeps a bit.
    fn ask_again(&mut self, task: TaskId) -> Outcome {
        let (now, costs) = (self.now, self.settings.costs);
        let known = self.task_mut(task);
        if known.state == State::Waiting {
            if known.deadline > Some(now) {
                return Outcome::Wait;
            }
            return Outcome::Continue;
        }
        known.fruitless += 1;
        if known.fruitless <= costs.sleepless {
            return Outcome::Continue;
        }
        known.deadline = Some(now.plus(costs.sleep));
        self.wait_for(task, Waits::Others)
    }

    fn send(&mut self, task: TaskId, call: Trap) -> Outcome {
        let Some(known) = self.duplicate(task, call.args[0] as i32) else {
            return Outcome::Continue;
        };
        let (fd, file) = (known.descriptor.as_raw_fd(), known.file);
        if let Some(file) = file {
            self.writes_to(file);
        } else if !is_ready(fd, libc::POLLOUT) {
            let flags = match call.number {
                libc::SYS_sendto | libc::SYS_sendmmsg => call.args[3],
                libc::SYS_sendmsg => call.args[2],
                _ => 0,
            };
            if flags as i32 & libc::MSG_DONTWAIT != 0 || descriptors::is_non_blocking(fd) {
                return self.ask_again(task);
            }
            if self.task(task).deadline.is_none() {
                let most = descriptors::timeout(fd, libc::SO_SNDTIMEO);
                let deadline = most.map_or(VirtualTime::NEVER, |most| self.after(most));
                self.task_mut(task).deadline = Some(deadline);
            }
            if self.task(task).deadline <= Some(self.now) {
                return Outcome::Error(libc::EAGAIN);
            }
            return self.wait_for(task, Waits::Others);
        }
        self.task_mut(task).fruitless = 0;
        self.autobind(task, call);
        self.acts(task)
    }

    /// Who waits to write looks again.
    fn wake_writers(&mut self, task: TaskId) {
        let group = self.member_of(task).group;
        self.spread_of(group, Some(task));
    }
}
