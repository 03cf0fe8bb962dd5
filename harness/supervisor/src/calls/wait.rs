//! Calls that wait for descriptors: `poll`, `select`, `epoll_wait` and their kin.

use nix::libc;

use super::Outcome;
use super::times::{nanoseconds, pair};
use crate::supervisor::{Supervisor, TaskId, Waits};
use crate::sys::seccomp::Trap;
use crate::sys::{descriptors, memory};
use crate::time::{MS, US, VirtualTime};

/// More descriptors than this are left to the kernel.
const MOST: usize = 4096;

/// What is asked about each descriptor: its number, the events.
type Asked = Vec<(i32, i16)>;

impl Supervisor {
    pub(super) fn of_wait(&mut self, task: TaskId, call: Trap) -> Outcome {
        let costs = self.settings.costs;
        let is_fresh = self.task(task).deadline.is_none();
        let mut is_brief = false;
        if is_fresh {
            // What cannot be read the kernel refuses, without waiting.
            let Some((asked, time)) = self.asked(task, call) else { return Outcome::Continue };
            let mut deadline = self.until(call, time);
            self.task_mut(task).asked = asked;
            let known = self.tasks[task.0].fruitless + 1;
            if deadline > self.now && deadline < self.now.plus(costs.sleep) {
                is_brief = true;
                self.task_mut(task).fruitless = known;
                if known > costs.sleepless {
                    deadline = self.now.plus(costs.sleep);
                }
            }
            self.task_mut(task).deadline = Some(deadline);
        }
        if self.is_ready(task) {
            self.task_mut(task).fruitless += 1;
            self.write_rest(task, call);
            return Outcome::Continue;
        }
        if self.member_of(task).is_signalled && self.has_signal(task, self.mask(task, call)) {
            self.write_rest(task, call);
            // The kernel sees the signal, with the mask of this call.
            return Outcome::Continue;
        }
        let deadline = self.task(task).deadline.unwrap_or_default();
        if deadline > self.now {
            if is_fresh && !is_brief {
                self.task_mut(task).fruitless = 0;
            }
            return self.wait_for(task, Waits::Others);
        }
        self.write_rest(task, call);
        if is_fresh {
            let known = self.task_mut(task);
            known.fruitless += 1;
            if known.fruitless <= costs.sleepless {
                return Outcome::Continue;
            }
            let wakes = self.now.plus(costs.sleep);
            let known = self.task_mut(task);
            known.deadline = Some(wakes);
            known.is_slowed = true;
            return self.wait_for(task, Waits::Others);
        }
        if self.task(task).is_slowed {
            return Outcome::Continue;
        }
        self.clear(task, call);
        Outcome::Value(0)
    }

    /// Until when it waits; `time` is what it points to.
    fn until(&self, call: Trap, time: Option<[u8; 16]>) -> VirtualTime {
        let args = call.args;
        let milliseconds = |arg: u64| match arg as i32 {
            ms if ms < 0 => VirtualTime::NEVER,
            ms => self.after(ms as u64 * MS),
        };
        match (call.number, time) {
            (libc::SYS_poll, _) => milliseconds(args[2]),
            (libc::SYS_epoll_wait | libc::SYS_epoll_pwait, _) => milliseconds(args[3]),
            (_, None) => VirtualTime::NEVER,
            (libc::SYS_select, Some(mut time)) => {
                // Microseconds are thousands of the others.
                let us = i64::from_ne_bytes(time[8..].try_into().unwrap_or_default());
                time[8..].copy_from_slice(&us.wrapping_mul(1_000).to_ne_bytes());
                self.after(nanoseconds(time).unwrap_or(0))
            }
            (_, Some(time)) => self.after(nanoseconds(time).unwrap_or(0)),
        }
    }

    /// The signals that the call itself blocks meanwhile.
    fn mask(&self, task: TaskId, call: Trap) -> Option<u64> {
        let at = match call.number {
            libc::SYS_ppoll => call.args[3],
            libc::SYS_epoll_pwait | libc::SYS_epoll_pwait2 => call.args[4],
            libc::SYS_pselect6 => {
                let at = call.args[5];
                u64::from_ne_bytes(self.read_bytes(task, (at != 0).then_some(at)?)?)
            }
            _ => 0,
        };
        self.read_bytes(task, (at != 0).then_some(at)?).map(u64::from_ne_bytes)
    }

    /// Whether it would return at once, also with an error.
    fn is_ready(&mut self, task: TaskId) -> bool {
        let asked = std::mem::take(&mut self.task_mut(task).asked);
        let mut polled = std::mem::take(&mut self.polled);
        polled.clear();
        let mut is_known = true;
        for &(number, events) in asked.iter().filter(|(number, _)| *number >= 0) {
            match self.descriptor(task, number) {
                Some(fd) => polled.push(libc::pollfd { fd, events, revents: 0 }),
                None => is_known = false,
            }
        }
        let is_ready = !is_known || !polled.is_empty() && descriptors::poll(&mut polled) > 0;
        (self.task_mut(task).asked, self.polled) = (asked, polled);
        is_ready
    }

    /// What it asks about each descriptor, and the time that it points to: read once, as the kernel does.
    fn asked(&self, task: TaskId, call: Trap) -> Option<(Asked, Option<[u8; 16]>)> {
        let args = call.args;
        let (parts, time_at) = match call.number {
            libc::SYS_poll | libc::SYS_ppoll => {
                let length = 8 * ((args[1] as usize) <= MOST).then_some(args[1] as usize)?;
                let is_brief = call.number == libc::SYS_poll;
                (vec![(args[0], length)], if is_brief { 0 } else { args[2] })
            }
            libc::SYS_select | libc::SYS_pselect6 => {
                let count = (args[0] as usize <= MOST).then_some(args[0] as usize)?;
                let length = 8 * count.div_ceil(64);
                let sets = args[1..4].iter().filter(|&&at| at != 0);
                (sets.map(|&at| (at, length)).collect(), args[4])
            }
            libc::SYS_epoll_pwait2 => (Vec::new(), args[3]),
            _ => (Vec::new(), 0),
        };
        let (read, length) = self.read_behind(task, parts, time_at)?;
        let bytes = &read[..length];
        let asked = match call.number {
            libc::SYS_poll | libc::SYS_ppoll => {
                let entry = |bytes: &[u8]| {
                    let number = i32::from_ne_bytes(bytes[..4].try_into().unwrap_or_default());
                    (number, i16::from_ne_bytes([bytes[4], bytes[5]]))
                };
                bytes.chunks_exact(8).map(entry).collect()
            }
            libc::SYS_select | libc::SYS_pselect6 => {
                let count = args[0] as usize;
                let kinds =
                    [libc::POLLIN | libc::POLLHUP | libc::POLLERR, libc::POLLOUT, libc::POLLPRI];
                let kinds = kinds.into_iter().zip(&args[1..4]).filter(|(_, at)| **at != 0);
                let sets: Vec<(i16, &[u8])> = kinds
                    .map(|(kind, _)| kind)
                    .zip(bytes.chunks_exact((8 * count.div_ceil(64)).max(1)))
                    .collect();
                let events = |number: usize| {
                    let is_in = |set: &[u8]| set[number / 8] >> (number % 8) & 1 == 1;
                    let kinds = sets.iter().filter(|(_, set)| is_in(set));
                    kinds.fold(0, |all, (kind, _)| all | kind)
                };
                let all = (0..count).map(|number| (number as i32, events(number)));
                all.filter(|&(_, events)| events != 0).collect()
            }
            _ => vec![(args[0] as i32, libc::POLLIN)],
        };
        let time = (time_at != 0).then(|| read[length..].try_into().ok()).flatten();
        Some((asked, time))
    }

    /// Reads these parts and, unless that is nowhere, the time behind them. Returns how long the parts are, too.
    fn read_behind(
        &self,
        task: TaskId,
        mut parts: Vec<(u64, usize)>,
        time_at: u64,
    ) -> Option<(Vec<u8>, usize)> {
        let length = parts.iter().map(|(_, length)| length).sum();
        parts.extend((time_at != 0).then_some((time_at, 16)));
        let mut bytes = vec![0; length + if time_at == 0 { 0 } else { 16 }];
        let read = memory::read_parts(self.task(task).tid, &parts, &mut bytes);
        (read == Ok(bytes.len())).then_some((bytes, length))
    }

    /// Linux writes what is left of the time back; the kernel is told not to, as that would be real time. Of `ppoll` nobody
    /// sees it: libraries hand a copy to the kernel.
    fn write_rest(&mut self, task: TaskId, call: Trap) {
        let (at, unit) = match call.number {
            libc::SYS_pselect6 => (call.args[4], 1),
            libc::SYS_select => (call.args[4], US),
            _ => return,
        };
        let deadline = self.task(task).deadline.unwrap_or_default();
        if at != 0 && deadline != VirtualTime::NEVER {
            let left = deadline.0.saturating_sub(self.now.0);
            self.write(task, at, &pair(left, unit));
        }
    }

    /// Nothing is ready.
    fn clear(&mut self, task: TaskId, call: Trap) {
        let args = call.args;
        match call.number {
            libc::SYS_poll | libc::SYS_ppoll => {
                let mut bytes = vec![0; 8 * (args[1] as usize).min(MOST)];
                if self.read(task, args[0], &mut bytes) {
                    for entry in bytes.chunks_exact_mut(8) {
                        entry[6..].fill(0);
                    }
                    self.write(task, args[0], &bytes);
                }
            }
            libc::SYS_select | libc::SYS_pselect6 => {
                let zeros = vec![0; 8 * (args[0] as usize).min(MOST).div_ceil(64)];
                for &at in args[1..4].iter().filter(|&&at| at != 0) {
                    self.write(task, at, &zeros);
                }
            }
            _ => {}
        }
    }
}
