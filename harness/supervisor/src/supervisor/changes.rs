//! What followed threads go through: new programs, births, signals, ends.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use nix::libc;

use super::{Later, Life, ProcessId, State, Stop, Supervisor, TaskId};
use crate::sys::page::Word;
use crate::sys::processor;
use crate::sys::ptrace::{self, Change};
use crate::time::MONOTONIC_START;
use crate::vdso::Instruction;

impl Supervisor {
    pub(super) fn changed(&mut self, tid: i32, change: Change) {
        let task = self.by_tid.get(&tid).copied();
        match (task, change) {
            (Some(task), Change::Ended(status)) => self.ended(task, status),
            (None, Change::Ended(_)) => {
                self.early.remove(&tid);
            }
            (_, Change::Stopped { event: libc::PTRACE_EVENT_EXEC, .. }) => self.loaded(tid),
            (None, Change::Stopped { .. }) => {
                self.early.insert(tid);
            }
            (Some(task), Change::Stopped { event, signal }) => self.stopped(task, event, signal),
        }
    }

    fn stopped(&mut self, task: TaskId, event: i32, signal: i32) {
        let tid = self.task(task).tid;
        match event {
            libc::PTRACE_EVENT_CLONE | libc::PTRACE_EVENT_FORK | libc::PTRACE_EVENT_VFORK => {
                self.gives_birth(task, event == libc::PTRACE_EVENT_VFORK);
                let _ = ptrace::go_on(tid, 0);
            }
            libc::PTRACE_EVENT_VFORK_DONE => {
                let delay = self.wake_delay(self.member_of(task).group);
                self.running.retain(|&running| running != task);
                self.task_mut(task).state = State::Stopped;
                self.agenda.add(self.now.plus(delay), Later::Resume(task));
            }
            0 if signal == libc::SIGSEGV && self.does_for_it(task) => {
                let _ = ptrace::go_on(tid, 0);
            }
            0 => {
                self.schedule.note(&[0x5160, signal.cast_unsigned().into()]);
                let _ = ptrace::go_on(tid, signal);
            }
            _ => {
                let _ = ptrace::go_on(tid, 0);
            }
        }
    }

    /// Instructions that would tell of this processor. Of its clock: two ticks a virtual nanosecond.
    fn does_for_it(&mut self, task: TaskId) -> bool {
        let tid = self.task(task).tid;
        let Ok(mut registers) = ptrace::registers(tid) else { return false };
        let Ok(code) = ptrace::peek(tid, registers.rip) else { return false };
        let Some(instruction) = Instruction::of(code) else { return false };
        if instruction == Instruction::Processor {
            let asked = (registers.rax as u32, registers.rcx as u32);
            let told =
                *self.processor.entry(asked).or_insert_with(|| processor::told(asked.0, asked.1));
            [registers.rax, registers.rbx, registers.rcx, registers.rdx] = told.map(u64::from);
        } else {
            let page = &self.group_of(task).page;
            let extra = page.get(Word::Extra) + page.get(Word::Step);
            page.set(Word::Extra, extra);
            let ticks = (MONOTONIC_START + page.get(Word::Base) + extra) * 2;
            registers.rax = ticks & 0xffff_ffff;
            registers.rdx = ticks >> 32;
            if instruction == Instruction::ClockAndNumber {
                registers.rcx = 0;
            }
        }
        registers.rip += instruction.length();
        ptrace::set_registers(tid, &registers).is_ok()
    }

    /// A thread has ended.
    fn ended(&mut self, task: TaskId, status: i32) {
        let known = self.task(task);
        let (tid, member) = (known.tid, known.member);
        if self.members[member].pid == tid {
            self.process_ended(member, status);
            return;
        }
        let (is_gone, is_own) = (known.state == State::Gone, known.call.number == libc::SYS_exit);
        self.by_tid.remove(&tid);
        if is_gone || self.members[member].is_dying() {
            self.leave(task);
        } else if is_own || self.is_being_loaded(member) {
            self.leave_with_word(task);
        } else {
            // The whole process ends. The kernel tells of its threads in any order: time stands still until it is over.
            self.members[member].life = Life::Dying;
            self.leave(task);
            self.await_ends(&[member]);
        }
    }

    /// Whether a thread of the process is about to load a program, which ends all others.
    fn is_being_loaded(&self, member: usize) -> bool {
        let loads = |task: &&super::Task| {
            task.member == member
                && task.state == State::Running
                && matches!(task.call.number, libc::SYS_execve | libc::SYS_execveat)
        };
        self.tasks.iter().any(|task| loads(&task))
    }

    /// A thread has ended by itself, and the kernel has cleared its word: who waits for that is with us.
    fn leave_with_word(&mut self, task: TaskId) {
        self.leave(task);
        let (member, clear_at) = (self.task(task).member, self.task(task).clear_at);
        if clear_at != 0 {
            let word = (self.members[member].space, clear_at);
            self.wake_word(word, usize::MAX, !0);
        }
    }

    /// The first thread of a process ends before the others: the kernel does not tell of that until they have ended, too.
    pub(super) fn outlived(&mut self, task: TaskId) {
        while self.task(task).state == State::Running {
            let (tid, member) = (self.task(task).tid, self.task(task).member);
            if self.members[member].pid != tid || self.tasks_of(member).len() == 1 {
                return;
            }
            if super::run::state_of(tid).is_none_or(|state| state == 'Z') {
                self.leave_with_word(task);
                return;
            }
            std::thread::yield_now();
            self.take_changes();
        }
    }

    /// A thread is no more.
    pub(super) fn leave(&mut self, task: TaskId) {
        if self.task(task).state == State::Astray {
            self.astray -= 1;
        }
        self.task_mut(task).state = State::Gone;
        self.task_mut(task).generation += 1;
        self.running.retain(|&running| running != task);
        self.spins_no_more(task);
        self.futexes.leave(task);
    }

    fn process_ended(&mut self, member: usize, status: i32) {
        for task in self.tasks_of(member) {
            let tid = self.task(task).tid;
            self.leave(task);
            self.by_tid.remove(&tid);
        }
        let known = &mut self.members[member];
        self.by_tid.remove(&known.pid);
        known.life = Life::Over;
        known.descriptors.clear();
        known.timers.clear();
        let (group, parent) = (known.group, known.parent);
        self.gives_back(member);
        self.schedule.note(&[self.now.0, 0xe4d, group as u64, status.cast_unsigned().into()]);
        if let Some(parent) = parent {
            let children = self.members[parent].children.iter_mut();
            for (_, has_ended) in children.filter(|(child, _)| *child == member) {
                *has_ended = true;
            }
            if self.members[parent].is_alive() {
                self.signalled(parent);
            }
        }
        self.groups[group].is_dirty = true;
        self.spread_of(group, None);
        if self.groups[group].top == member {
            let status = ExitStatus::from_raw(status);
            self.priorities.ended(group);
            self.stops.push_back(Stop::Exited(ProcessId(group), status));
        }
    }

    /// These processes were killed: until the system has told of each.
    pub(super) fn await_ends(&mut self, members: &[usize]) {
        for &member in members {
            let mut looks = 0;
            while self.members[member].is_alive() && looks < 1_000_000 {
                self.take_changes();
                if self.members[member].is_alive() {
                    looks += 1;
                    std::thread::yield_now();
                }
            }
        }
    }

    /// A word of memory was changed by the kernel, or by a thread that wakes others.
    pub(crate) fn wake_word(&mut self, word: (u64, u64), most: usize, bits: u32) -> usize {
        let woken = self.futexes.wake(word, most, bits);
        for &task in &woken {
            self.task_mut(task).is_woken = true;
            self.wake_task(task);
        }
        woken.len()
    }
}
