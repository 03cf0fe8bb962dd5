//! Timers: those of processes, and those behind descriptors. All of them go off in virtual time.

use std::os::fd::{AsRawFd, RawFd};

use nix::libc;

use super::Outcome;
use super::times::{nanoseconds, pair};
use crate::supervisor::{Supervisor, TaskId, TimerId, VirtualTimer};
use crate::sys::descriptors;
use crate::sys::seccomp::{self, Trap};
use crate::time::{SECOND, US, VirtualTime};

/// Interval and value, in nanoseconds, of a structure of two times.
fn both(bytes: [u8; 32], unit: u64) -> Option<(u64, u64)> {
    let time = |at: usize| {
        let mut time: [u8; 16] = bytes[at..at + 16].try_into().ok()?;
        if unit != 1 {
            let rest = i64::from_ne_bytes(time[8..].try_into().ok()?);
            time[8..].copy_from_slice(&rest.checked_mul(unit as i64)?.to_ne_bytes());
        }
        nanoseconds(time)
    };
    Some((time(0)?, time(16)?))
}

impl Supervisor {
    pub(super) fn of_timer(&mut self, task: TaskId, call: Trap) -> Outcome {
        let args = call.args;
        match call.number {
            libc::SYS_alarm => {
                let left = self.left(task, TimerId::Interval);
                let time = u64::from(args[0] as u32) * SECOND;
                let at = (time > 0).then(|| self.after(time));
                self.set(task, TimerId::Interval, at, 0);
                Outcome::Value(left.div_ceil(SECOND) as i64)
            }
            libc::SYS_setitimer | libc::SYS_getitimer if args[0] as u32 != 0 => {
                self.used_call(task, "setitimer of processor time".into());
                Outcome::Continue
            }
            libc::SYS_getitimer => self.tell(task, TimerId::Interval, args[1], US),
            libc::SYS_setitimer => {
                let told = self.tell(task, TimerId::Interval, args[2], US);
                self.arm(task, TimerId::Interval, args[1], US, false).unwrap_or(told)
            }
            libc::SYS_timer_create => self.create_timer(task, call),
            libc::SYS_timer_settime => {
                let id = TimerId::Posix(args[0] as i32);
                if !self.member_of(task).timers.contains_key(&id) {
                    return Outcome::Error(libc::EINVAL);
                }
                let told = self.tell(task, id, args[3], 1);
                let is_absolute = args[1] as i32 & libc::TIMER_ABSTIME != 0;
                self.arm(task, id, args[2], 1, is_absolute).unwrap_or(told)
            }
            libc::SYS_timer_gettime => self.tell(task, TimerId::Posix(args[0] as i32), args[1], 1),
            libc::SYS_timer_getoverrun => Outcome::Value(0),
            libc::SYS_timer_delete => {
                let gone = self.member_mut(task).timers.remove(&TimerId::Posix(args[0] as i32));
                if gone.is_some() { Outcome::Value(0) } else { Outcome::Error(libc::EINVAL) }
            }
            libc::SYS_timerfd_create => self.create_descriptor(task, call),
            libc::SYS_timerfd_settime => {
                let id = TimerId::Descriptor(args[0] as RawFd);
                let Some(timer) = self.member_of(task).timers.get(&id) else {
                    self.used_call(task, "timerfd of another process".into());
                    return Outcome::Error(libc::EINVAL);
                };
                if let Some(counter) = &timer.counter {
                    descriptors::reset(counter.as_raw_fd());
                }
                let told = self.tell(task, id, args[3], 1);
                let is_absolute = args[1] & 1 != 0;
                self.arm(task, id, args[2], 1, is_absolute).unwrap_or(told)
            }
            _ => self.tell(task, TimerId::Descriptor(args[0] as RawFd), args[1], 1),
        }
    }

    /// How long until it goes off.
    fn left(&self, task: TaskId, id: TimerId) -> u64 {
        let timer = self.member_of(task).timers.get(&id);
        let deadline = timer.and_then(|timer| timer.deadline);
        deadline.map_or(0, |at| at.0.saturating_sub(self.now.0).max(1))
    }

    /// Writes interval and rest of a timer, if that is asked for.
    fn tell(&mut self, task: TaskId, id: TimerId, at: u64, unit: u64) -> Outcome {
        let interval = self.member_of(task).timers.get(&id).map_or(0, |timer| timer.interval);
        let mut bytes = [0; 32];
        bytes[..16].copy_from_slice(&pair(interval, unit));
        bytes[16..].copy_from_slice(&pair(self.left(task, id), unit));
        self.give(task, at, &bytes)
    }

    /// Sets a timer as the structure at `at` says. Returns what is wrong with that.
    fn arm(
        &mut self,
        task: TaskId,
        id: TimerId,
        at: u64,
        unit: u64,
        is_absolute: bool,
    ) -> Option<Outcome> {
        let Some(bytes) = self.read_bytes(task, at) else {
            return Some(Outcome::Error(libc::EFAULT));
        };
        let Some((interval, value)) = both(bytes, unit) else {
            return Some(Outcome::Error(libc::EINVAL));
        };
        let is_wall = self.member_of(task).timers.get(&id).is_some_and(|timer| timer.is_wall);
        let deadline = match value {
            0 => None,
            value if is_absolute => Some(self.when(task, is_wall, value).max(self.now.plus(1))),
            value => Some(self.after(value)),
        };
        self.set(task, id, deadline, interval);
        None
    }

    fn set(&mut self, task: TaskId, id: TimerId, deadline: Option<VirtualTime>, interval: u64) {
        let member = self.task(task).member;
        let timer = self.members[member].timers.entry(id).or_default();
        timer.generation += 1;
        timer.deadline = deadline;
        timer.interval = interval;
        let generation = timer.generation;
        if let Some(at) = deadline {
            self.agenda.add(at, crate::supervisor::Later::Timer(member, id, generation));
        }
    }

    fn create_timer(&mut self, task: TaskId, call: Trap) -> Outcome {
        let [clock, event, into, ..] = call.args;
        if !matches!(
            clock as i32,
            libc::CLOCK_REALTIME | libc::CLOCK_MONOTONIC | libc::CLOCK_BOOTTIME
        ) {
            self.used_call(task, "timer_create of processor time".into());
            return Outcome::Continue;
        }
        let mut timer = VirtualTimer {
            signal: libc::SIGALRM,
            is_wall: clock as i32 == libc::CLOCK_REALTIME,
            ..VirtualTimer::default()
        };
        let number = self.member_of(task).next_timer;
        if event == 0 {
            timer.value = u64::from(number.cast_unsigned());
        } else {
            let Some(bytes) = self.read_bytes::<24>(task, event) else {
                return Outcome::Error(libc::EFAULT);
            };
            let word =
                |at: usize| i32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap_or_default());
            timer.value = u64::from_ne_bytes(bytes[..8].try_into().unwrap_or_default());
            let (signal, notify, thread) = (word(8), word(12), word(16));
            timer.signal = if notify == libc::SIGEV_NONE { 0 } else { signal };
            if notify == libc::SIGEV_THREAD_ID {
                let found = self.tasks.iter().find(|known| known.inner == thread);
                timer.thread = found.map(|known| known.tid);
            }
        }
        if !self.write(task, into, &number.to_ne_bytes()) {
            return Outcome::Error(libc::EFAULT);
        }
        let member = self.member_mut(task);
        member.next_timer += 1;
        member.timers.insert(TimerId::Posix(number), timer);
        Outcome::Value(0)
    }

    /// A counter takes the place of the kernel's timer: reading it and polling it is the same.
    fn create_descriptor(&mut self, task: TaskId, call: Trap) -> Outcome {
        let [clock, flags, ..] = call.args;
        let flags = flags as i32;
        let Ok(counter) = descriptors::counter(flags & libc::TFD_NONBLOCK != 0) else {
            return Outcome::Error(libc::EMFILE);
        };
        let listener = self.group_of(task).listener.as_raw_fd();
        let closes = flags & libc::TFD_CLOEXEC != 0;
        match seccomp::add_descriptor(listener, call.id, counter.as_raw_fd(), None, closes) {
            Err(error) => Outcome::Error(error as i32),
            Ok(number) => {
                let is_wall = clock as i32 == libc::CLOCK_REALTIME;
                let timer =
                    VirtualTimer { is_wall, counter: Some(counter), ..VirtualTimer::default() };
                self.member_mut(task).timers.insert(TimerId::Descriptor(number), timer);
                Outcome::Value(number.into())
            }
        }
    }
}
