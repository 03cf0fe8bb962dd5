//! The loop: the next event, and the thread that runs because of it, until its next call.

use std::fs;
use std::os::fd::AsRawFd;
use std::time::Duration;

use nix::libc;

use super::spinning::computed;
use super::{Later, ProcessId, State, Stop, Supervisor, TaskId};
use crate::remark::Remark;
use crate::sys::descriptors;
use crate::sys::page::Word;
use crate::sys::ptrace;
use crate::sys::seccomp::Trap;
use crate::sys::signals::Woken;
use crate::time::VirtualTime;

/// A thread that does not come back is looked at so often.
pub(super) const LOOK: Duration = Duration::from_millis(50);
/// A thread that sleeps in the kernel so many looks long is astray.
const LOOKS: u32 = 4;

impl Supervisor {
    /// Lets things happen until this time, or until the host is to do something.
    pub fn run_until(&mut self, until: VirtualTime) -> Stop {
        self.until = until;
        loop {
            if let Some(stop) = self.stops.pop_front() {
                return stop;
            }
            if self.astray > 0 {
                self.look_for_astray();
            }
            if self.halt_after != VirtualTime::NEVER
                && let Some(stop) = self.halts()
            {
                return stop;
            }
            let Some((at, later)) = self.agenda.pop(until) else {
                return self.nothing_is_due();
            };
            self.now = self.now.max(at);
            let _still = crate::sys::nobody_is_born();
            self.happen(later);
            if !self.spinning.is_empty() {
                self.lead_around();
            }
        }
    }

    fn nothing_is_due(&mut self) -> Stop {
        // Something may have ended from outside.
        self.take_changes();
        if !self.spinning.is_empty() {
            self.lead_around();
        }
        if let Some(stop) = self.stops.pop_front() {
            return stop;
        }
        if self.agenda.next_at().is_none() && self.until == VirtualTime::NEVER {
            return Stop::Idle;
        }
        self.now = self.now.max(self.until);
        Stop::Reached
    }

    /// Until no thread runs any more.
    pub(super) fn run(&mut self) {
        while let Some(&task) = self.running.last() {
            let listener = self.group_of(task).listener.as_raw_fd();
            match self.wakes.next_call(listener) {
                Ok(trap) => self.called(trap),
                Err(Woken::Changed) => self.take_changes(),
                Err(Woken::Gone) => {
                    self.take_changes();
                    if self.running.last() == Some(&task) {
                        std::thread::yield_now();
                    }
                }
                Err(Woken::Tick) => {
                    self.take_changes();
                    if self.running.contains(&task) {
                        self.look_at(task);
                    }
                }
                Err(Woken::Refused(error)) => {
                    let reason = format!("receiving a call: {}", error.desc());
                    self.stops.push_back(Stop::Failed(reason));
                    self.running.clear();
                }
            }
        }
        self.tell_news();
    }

    /// After a thread ran: is there something for the host?
    fn tell_news(&mut self) {
        for group in 0..self.groups.len() {
            if std::mem::take(&mut self.groups[group].is_dirty) && self.has_news(group) {
                let stop = Stop::Ready(ProcessId(group));
                if !self.stops.contains(&stop) {
                    self.stops.push_back(stop);
                }
            }
        }
    }

    /// A thread made a call that is held.
    fn called(&mut self, trap: Trap) {
        let Some(&task) = self.by_tid.get(&trap.tid) else { return };
        if self.task(task).state == State::Astray {
            self.astray -= 1;
        }
        self.running.retain(|&running| running != task);
        let page = &self.group_of(task).page;
        let (extra, reads) = (page.get(Word::Extra), page.get(Word::Reads));
        page.set(Word::Extra, 0);
        let costs = self.settings.costs;
        let known = self.task_mut(task);
        known.call = trap;
        known.state = State::Held;
        known.is_queued = true;
        let (fruitless, debt) = (known.fruitless, std::mem::take(&mut known.debt));
        let generation = known.generation;
        let group = self.group_mut(task);
        let cost = costs.of_call(fruitless, &mut group.drawn) + debt;
        group.used += extra + cost;
        self.schedule.note(&[reads]);
        self.schedule.count(self.now);
        self.agenda.add(self.now.plus(extra + cost), Later::Attempt(task, generation));
    }

    /// A thread did not come back for some time: it computes, or it waits in the kernel.
    fn look_at(&mut self, task: TaskId) {
        let tid = self.task(task).tid;
        let (Some(state), Some(used)) = (state_of(tid), computed(tid)) else { return };
        let used = u64::try_from(used.as_nanos()).unwrap_or(u64::MAX);
        let known = self.task_mut(task);
        if known.looked.0 == 0 {
            known.looked.0 = used.max(1);
        }
        if state == 'S' || state == 'D' {
            known.looked.1 += 1;
            if known.looked.1 < LOOKS {
                return;
            }
            known.state = State::Astray;
            let call = crate::calls::name(known.call.number);
            let label = self.group_of(task).label.clone();
            self.astray += 1;
            self.running.retain(|&running| running != task);
            self.remark(Remark::Waited { label, call });
            return;
        }
        let computed = Duration::from_nanos(used.saturating_sub(known.looked.0));
        if computed > self.settings.patience {
            self.running.retain(|&running| running != task);
            self.task_mut(task).state = State::Astray;
            self.astray += 1;
            let group = self.member_of(task).group;
            self.stops.push_back(Stop::Stuck(ProcessId(group)));
        } else if computed > self.task(task).suspect_after {
            self.task_mut(task).suspect_after *= 2;
            self.suspect(task);
        }
    }

    /// Those that went astray may be back.
    fn look_for_astray(&mut self) {
        for group in 0..self.groups.len() {
            let listener = self.groups[group].listener.as_raw_fd();
            let mut polled = [libc::pollfd { fd: listener, events: libc::POLLIN, revents: 0 }];
            while descriptors::poll(&mut polled) > 0 && polled[0].revents & libc::POLLIN != 0 {
                match self.wakes.next_call(listener) {
                    Ok(trap) => self.called(trap),
                    Err(_) => self.take_changes(),
                }
            }
        }
        self.take_changes();
    }

    /// Takes note of all that stopped or ended.
    pub(super) fn take_changes(&mut self) {
        while let Some((tid, change)) = ptrace::next_change() {
            self.changed(tid, change);
        }
    }
}

/// The state of a thread.
pub(super) fn state_of(tid: i32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{tid}/task/{tid}/stat"))
        .or_else(|_| fs::read_to_string(format!("/proc/{tid}/stat")))
        .ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.chars().next()
}
