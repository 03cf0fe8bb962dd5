//! New threads, new processes, new programs.

use std::collections::{BTreeMap, HashMap};
use std::fs;

use nix::libc;

use super::{Later, Life, Member, State, Supervisor, TaskId};
use crate::remark::Remark;
use crate::sys::{descriptors, ptrace};

/// The number of a thread inside its world.
fn inner_number(tid: i32) -> i32 {
    let status = fs::read_to_string(format!("/proc/{tid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    line.and_then(|line| line.split_whitespace().last()?.parse().ok()).unwrap_or(tid)
}

impl Supervisor {
    pub(super) fn new_space(&mut self) -> u64 {
        self.spaces += 1;
        self.spaces
    }

    /// A process that is followed from now on.
    pub(super) fn add_member(
        &mut self,
        pid: i32,
        group: usize,
        parent: Option<usize>,
        space: u64,
    ) -> Option<usize> {
        let member = Member {
            pid,
            inner: inner_number(pid),
            process: descriptors::of_process(pid).ok()?,
            group,
            parent,
            space,
            children: Vec::new(),
            life: Life::Alive,
            is_signalled: false,
            descriptors: HashMap::new(),
            timers: BTreeMap::new(),
            next_timer: 0,
            has_page_open: false,
        };
        self.members.push(member);
        let member = self.members.len() - 1;
        if let Some(parent) = parent {
            self.members[parent].children.push((member, false));
        }
        Some(member)
    }

    /// A thread has started another one, or a process, which waits for its turn.
    pub(super) fn gives_birth(&mut self, parent: TaskId, is_vfork: bool) {
        let Ok(tid) = ptrace::message(self.task(parent).tid) else { return };
        let tid = i32::try_from(tid).unwrap_or_default();
        if !self.early.remove(&tid) && ptrace::change_of(tid).is_none() {
            return;
        }
        let (flags, clear_at) = self.task(parent).birth;
        let is = |flag: i32| flags & u64::from(flag.cast_unsigned()) != 0;
        let (of, group) = (self.task(parent).member, self.member_of(parent).group);
        let member = if is(libc::CLONE_THREAD) {
            of
        } else {
            let shared = self.members[of].space;
            let space = if is(libc::CLONE_VM) { shared } else { self.new_space() };
            match self.add_member(tid, group, Some(of), space) {
                Some(member) => member,
                None => return,
            }
        };
        let inner =
            if is(libc::CLONE_THREAD) { inner_number(tid) } else { self.members[member].inner };
        let task = self.add_task(tid, inner, member, State::Stopped);
        self.task_mut(task).clear_at = if is(libc::CLONE_CHILD_CLEARTID) { clear_at } else { 0 };
        let delay = self.settings.costs.birth + self.wake_delay(group);
        self.agenda.add(self.now.plus(delay), Later::Resume(task));
        if is_vfork {
            self.running.retain(|&running| running != parent);
            let known = self.task_mut(parent);
            (known.state, known.lent_to) = (State::Lent, Some(member));
        }
    }

    /// A process does not need the memory any more that was lent to it: who lent it stops in a moment, and its turn is
    /// decided now.
    pub(super) fn gives_back(&mut self, member: usize) {
        let lent = |task: &super::Task| task.lent_to == Some(member) && task.state == State::Lent;
        let Some(lender) = (0..self.tasks.len()).find(|&n| lent(&self.tasks[n])).map(TaskId) else {
            return;
        };
        self.task_mut(lender).lent_to = None;
        let tid = self.task(lender).tid;
        if let Some(change) = ptrace::change_of(tid) {
            self.changed(tid, change);
        }
    }

    /// A process has loaded a program: its clocks become ours.
    pub(super) fn loaded(&mut self, tid: i32) {
        let before = ptrace::message(tid).ok().and_then(|before| i32::try_from(before).ok());
        let before = before.unwrap_or(tid);
        let Some(&task) = self.by_tid.get(&before) else { return };
        let member = self.task(task).member;
        for other in self.tasks_of(member) {
            if other != task {
                let gone = self.task(other).tid;
                self.leave(other);
                self.by_tid.remove(&gone);
            }
        }
        self.by_tid.remove(&before);
        self.by_tid.insert(tid, task);
        let inner = self.members[member].inner;
        let space = self.new_space();
        let known = self.task_mut(task);
        (known.tid, known.inner, known.clear_at) = (tid, inner, 0);
        let known = &mut self.members[member];
        known.space = space;
        known.descriptors.clear();
        known.timers.retain(|id, _| !matches!(id, super::TimerId::Posix(_)));
        self.gives_back(member);
        if let Err(error) = self.patch(task) {
            let label = self.group_of(task).label.clone();
            let (what, reason) = ("clocks in a program", format!("{label}: {}", error.desc()));
            self.remark(Remark::Refused { what, reason });
        }
        self.members[member].has_page_open = false;
        let _ = ptrace::go_on(tid, 0);
    }
}
