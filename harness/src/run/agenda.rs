//! What is due when: the order of everything that happens by the clock.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::clients::Wake;
use crate::time::RunTime;

/// Something that happens by the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Task {
    /// A client wants to go on.
    Client(Wake),
    /// The fault of this place in the plan strikes.
    Fault(usize),
    /// The fault of this place in the plan goes on, if it can.
    FaultStep(usize),
    /// The faults are over; what must now be answered is asked as soon as all are there again.
    Recover,
    /// The rule of this place in the workload's `network` begins.
    Rule(usize),
    /// It ends.
    RuleEnd(usize),
    /// The request phase is over.
    EndOfRequests,
    /// The run is over, if everything after the healing is answered.
    End,
    /// The run is over in any case.
    Deadline,
    /// The replicas are asked for their state.
    Ask,
    /// The loop measures by how much it is late.
    Tick,
    /// The host is looked at.
    Sample,
    /// The history is written through.
    Flush,
}

/// Tasks by their time; those of the same time in the order in which they were added.
#[derive(Debug, Default)]
pub struct Agenda {
    tasks: BinaryHeap<Reverse<(RunTime, u64, Task)>>,
    added: u64,
}

impl Agenda {
    /// Adds a task.
    pub fn add(&mut self, at: RunTime, task: Task) {
        self.tasks.push(Reverse((at, self.added, task)));
        self.added += 1;
    }

    /// The time of the first task.
    pub fn next_at(&self) -> Option<RunTime> {
        self.tasks.peek().map(|Reverse((at, _, _))| *at)
    }

    /// Takes the first task, if it is due.
    pub fn pop_due(&mut self, now: RunTime) -> Option<(RunTime, Task)> {
        if self.next_at()? > now {
            return None;
        }
        self.tasks.pop().map(|Reverse((at, _, task))| (at, task))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_come_in_the_order_of_their_times_then_of_their_adding() {
        let mut agenda = Agenda::default();
        agenda.add(RunTime(5), Task::End);
        agenda.add(RunTime(3), Task::Flush);
        agenda.add(RunTime(3), Task::Tick);
        assert_eq!(agenda.pop_due(RunTime(2)), None);
        assert_eq!(agenda.pop_due(RunTime(9)), Some((RunTime(3), Task::Flush)));
        assert_eq!(agenda.pop_due(RunTime(9)), Some((RunTime(3), Task::Tick)));
        assert_eq!(agenda.pop_due(RunTime(9)), Some((RunTime(5), Task::End)));
    }
}
