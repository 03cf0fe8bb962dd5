//! Who waits is woken.

use super::{Later, State, Supervisor, TaskId, Waits};

impl Supervisor {
    /// Something happened that may matter to those of the group who wait for others.
    pub(crate) fn wake(&mut self, group: usize) {
        self.wake_but(group, None);
    }

    pub(crate) fn wake_but(&mut self, group: usize, but: Option<TaskId>) {
        for n in 0..self.tasks.len() {
            let task = &self.tasks[n];
            let waits = task.state == State::Waiting && task.waits == Waits::Others;
            if waits && Some(TaskId(n)) != but && self.members[task.member].group == group {
                self.wake_task(TaskId(n));
            }
        }
    }

    /// How long it takes until a thread of this process runs that is woken now.
    pub(super) fn wake_delay(&mut self, group: usize) -> u64 {
        let late = self.priorities.late(self.now, group);
        late + self.settings.costs.of_wake(&mut self.groups[group].drawn)
    }

    /// A thread that waits looks again, soon.
    pub(crate) fn wake_task(&mut self, task: TaskId) {
        if self.task(task).is_queued || self.member_of(task).is_dying() {
            return;
        }
        let delay = self.wake_delay(self.member_of(task).group);
        let at = self.now.plus(delay);
        let task_mut = self.task_mut(task);
        task_mut.is_queued = true;
        let generation = task_mut.generation;
        self.agenda.add(at, Later::Attempt(task, generation));
    }

    /// A thread did something that others may wait for.
    pub(crate) fn spread(&mut self, task: TaskId) {
        let group = self.member_of(task).group;
        self.groups[group].is_dirty = true;
        self.spread_of(group, Some(task));
    }

    pub(crate) fn spread_of(&mut self, group: usize, but: Option<TaskId>) {
        if !self.is_all_shared {
            return self.wake_but(group, but);
        }
        for other in 0..self.groups.len() {
            self.wake_but(other, but);
        }
    }

    /// Processes talk by other ways than the endpoints: whatever one does may matter to all.
    pub(crate) fn shares_with_all(&mut self) {
        self.is_all_shared = true;
    }

    /// Whether the host listens at this port.
    pub(crate) fn is_host(&self, port: u16) -> bool {
        self.host_ports.contains(&port)
    }
}
