//! Calls that tell the time, or wait for it.

use nix::libc;

use super::Outcome;
use crate::supervisor::{State, Supervisor, TaskId, Waits};
use crate::sys::page::Word;
use crate::sys::seccomp::Trap;
use crate::time::{MS, SECOND, US, VirtualTime};

/// A `timespec` of the other side, in nanoseconds; none: it cannot be read, or is no time.
pub(super) fn nanoseconds(bytes: [u8; 16]) -> Option<u64> {
    let (seconds, rest) = bytes.split_at(8);
    let number = |bytes: &[u8]| i64::from_ne_bytes(bytes.try_into().unwrap_or_default());
    let (seconds, rest) = (u64::try_from(number(seconds)).ok()?, u64::try_from(number(rest)).ok()?);
    (rest < SECOND).then(|| seconds.saturating_mul(SECOND).saturating_add(rest))
}

/// Two words of the other side: seconds, and what is left of them in these units.
pub(super) fn pair(nanoseconds: u64, unit: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&(nanoseconds / SECOND).to_ne_bytes());
    bytes[8..].copy_from_slice(&(nanoseconds % SECOND / unit).to_ne_bytes());
    bytes
}

impl Supervisor {
    /// What a clock is ahead of virtual time, for this thread.
    pub(super) fn ahead(&self, task: TaskId, is_wall: bool) -> u64 {
        self.group_of(task).page.get(if is_wall { Word::Wall } else { Word::Monotonic })
    }

    /// The virtual time at which a clock shows this.
    pub(super) fn when(&self, task: TaskId, is_wall: bool, shown: u64) -> VirtualTime {
        VirtualTime(shown.saturating_sub(self.ahead(task, is_wall)))
    }

    /// So long from now.
    pub(super) fn after(&self, nanoseconds: u64) -> VirtualTime {
        if nanoseconds > u64::MAX / 4 { VirtualTime::NEVER } else { self.now.plus(nanoseconds) }
    }

    /// The thread waits for time, or for others; whatever else: what it did before was no use.
    pub(super) fn wait_for(&mut self, task: TaskId, waits: Waits) -> Outcome {
        self.task_mut(task).waits = waits;
        Outcome::Wait
    }

    pub(super) fn of_time(&mut self, task: TaskId, call: Trap) -> Outcome {
        let args = call.args;
        match call.number {
            libc::SYS_nanosleep | libc::SYS_clock_nanosleep => return self.sleep(task, call),
            libc::SYS_getrusage => return self.tell_usage(task, args[1]),
            libc::SYS_times => {
                let ticks = |nanoseconds: u64| nanoseconds / (10 * MS);
                let mut times = [0; 32];
                let used = ticks(self.group_of(task).used);
                times[..8].copy_from_slice(&used.to_ne_bytes());
                let now = ticks(self.now.0 + self.ahead(task, false)) as i64;
                return match self.give(task, args[0], &times) {
                    Outcome::Value(_) => Outcome::Value(now),
                    outcome => outcome,
                };
            }
            libc::SYS_sysinfo => {
                let mut information = [0; 112];
                let up = (self.now.0 + self.ahead(task, false)) / SECOND;
                information[..8].copy_from_slice(&up.to_ne_bytes());
                information[32..40].copy_from_slice(&(8_u64 << 30).to_ne_bytes());
                information[40..48].copy_from_slice(&(4_u64 << 30).to_ne_bytes());
                information[80..82].copy_from_slice(&9_u16.to_ne_bytes());
                information[104..108].copy_from_slice(&1_u32.to_ne_bytes());
                return self.give(task, args[0], &information);
            }
            _ => {}
        }
        self.task_mut(task).fruitless += 1;
        match call.number {
            libc::SYS_clock_gettime => match self.clock(task, args[0] as i32) {
                Some(now) => self.give(task, args[1], &pair(now, 1)),
                None => Outcome::Continue,
            },
            libc::SYS_gettimeofday => {
                let now = self.now.0 + self.ahead(task, true);
                self.give(task, args[0], &pair(now, US))
            }
            libc::SYS_time => {
                let now = (self.now.0 + self.ahead(task, true)) / SECOND;
                match self.give(task, args[0], &now.to_ne_bytes()) {
                    Outcome::Value(_) => Outcome::Value(now as i64),
                    outcome => outcome,
                }
            }
            libc::SYS_getcpu => match self.give(task, args[0], &[0; 4]) {
                Outcome::Value(_) => self.give(task, args[1], &[0; 4]),
                outcome => outcome,
            },
            _ => Outcome::Value(0),
        }
    }

    /// What a process used: of all that the kernel counts the virtual processor's time only.
    pub(crate) fn tell_usage(&mut self, task: TaskId, at: u64) -> Outcome {
        let mut usage = [0; 144];
        let used = self.group_of(task).used;
        usage[..16].copy_from_slice(&pair(used, US));
        self.give(task, at, &usage)
    }

    /// Writes the answer of a call, if it is asked for.
    pub(super) fn give(&mut self, task: TaskId, at: u64, bytes: &[u8]) -> Outcome {
        if at == 0 || self.write(task, at, bytes) {
            Outcome::Value(0)
        } else {
            Outcome::Error(libc::EFAULT)
        }
    }

    /// What a clock shows; none: there is no such clock.
    fn clock(&self, task: TaskId, clock: i32) -> Option<u64> {
        match clock {
            libc::CLOCK_REALTIME
            | libc::CLOCK_REALTIME_COARSE
            | libc::CLOCK_REALTIME_ALARM
            | libc::CLOCK_TAI => Some(self.now.0 + self.ahead(task, true)),
            libc::CLOCK_MONOTONIC
            | libc::CLOCK_MONOTONIC_RAW
            | libc::CLOCK_MONOTONIC_COARSE
            | libc::CLOCK_BOOTTIME
            | libc::CLOCK_BOOTTIME_ALARM => Some(self.now.0 + self.ahead(task, false)),
            libc::CLOCK_PROCESS_CPUTIME_ID | libc::CLOCK_THREAD_CPUTIME_ID => {
                Some(self.group_of(task).used)
            }
            clock if clock < 0 => Some(self.group_of(task).used),
            _ => None,
        }
    }

    fn sleep(&mut self, task: TaskId, call: Trap) -> Outcome {
        let args = call.args;
        let costs = self.settings.costs;
        if self.task(task).deadline.is_none() {
            let is_plain = call.number == libc::SYS_nanosleep;
            let Some(time) = self.read_bytes(task, args[if is_plain { 0 } else { 2 }]) else {
                return Outcome::Error(libc::EFAULT);
            };
            let Some(time) = nanoseconds(time) else { return Outcome::Error(libc::EINVAL) };
            let is_absolute = !is_plain && args[1] as i32 & libc::TIMER_ABSTIME != 0;
            let clock = args[0] as i32;
            let is_wall = clock == libc::CLOCK_REALTIME || clock == libc::CLOCK_TAI;
            if !is_plain && self.clock(task, clock).is_none() {
                return Outcome::Error(libc::EINVAL);
            }
            let mut deadline =
                if is_absolute { self.when(task, is_wall, time) } else { self.after(time) };
            if deadline <= self.now {
                return Outcome::Value(0);
            }
            // Who sleeps briefly again and again waits for something that does not come.
            let brief = self.now.plus(costs.sleep / 4);
            let known = self.task_mut(task);
            if deadline < brief {
                known.fruitless += 1;
                if known.fruitless > costs.sleepless {
                    deadline = brief;
                }
            } else {
                known.fruitless = 0;
            }
            known.deadline = Some(deadline);
            return self.wait_for(task, Waits::Time);
        }
        if self.task(task).deadline <= Some(self.now) {
            return Outcome::Value(0);
        }
        if self.member_of(task).is_signalled && self.has_signal(task, None) {
            let is_absolute = call.number == libc::SYS_clock_nanosleep
                && args[1] as i32 & libc::TIMER_ABSTIME != 0;
            let left = self.task(task).deadline.map_or(0, |at| at.0 - self.now.0);
            let at = args[if call.number == libc::SYS_nanosleep { 1 } else { 3 }];
            if !is_absolute {
                self.give(task, at, &pair(left, 1));
            }
            return Outcome::Error(libc::EINTR);
        }
        debug_assert_ne!(self.task(task).state, State::Running);
        Outcome::Wait
    }
}
