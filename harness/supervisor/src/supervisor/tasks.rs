//! What is known of processes and threads.

use std::collections::{BTreeMap, HashMap};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::time::Duration;

use nix::errno::Errno;

use super::spinning::SUSPECT;
use super::{Group, Supervisor, TaskId};
use crate::remark::Remark;
use crate::sys::files::{self, FileId};
use crate::sys::seccomp::Trap;
use crate::sys::{descriptors, memory};
use crate::time::VirtualTime;

/// Where a thread is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It computes, or the kernel does something for it.
    Running,
    /// Its call is held, and will be taken up.
    Held,
    /// Its call waits.
    Waiting,
    /// It is stopped, and will go on.
    Stopped,
    /// It waits in the kernel for the child of its `vfork`.
    Lent,
    /// It goes in a circle, and is stopped while others go on.
    Spinning,
    /// It waits in the kernel, where it was not expected to.
    Astray,
    /// It has ended.
    Gone,
}

/// What a call waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waits {
    /// A time, or a signal.
    Time,
    /// A descriptor, a child, a lock: whatever others do.
    Others,
    /// A word of memory.
    Word,
}

/// A thread.
pub(crate) struct Task {
    pub tid: i32,
    /// Its number inside its world.
    pub inner: i32,
    pub member: usize,
    /// Its place among those of its group.
    pub ordinal: u64,
    pub state: State,
    pub call: Trap,
    /// Counts its calls: what was planned for an earlier one does not happen.
    pub generation: u64,
    pub is_queued: bool,
    pub deadline: Option<VirtualTime>,
    pub waits: Waits,
    /// What its call asks about descriptors.
    pub asked: Vec<(i32, i16)>,
    pub is_woken: bool,
    /// It asked without waiting, too often: it sleeps a bit.
    pub is_slowed: bool,
    pub fruitless: u32,
    pub debt: u64,
    /// The word that the kernel clears at its end.
    pub clear_at: u64,
    /// The process to which it lent its memory.
    pub lent_to: Option<usize>,
    /// Of the thread or process that it starts: flags, the word to clear.
    pub birth: (u64, u64),
    /// The processor time when it was first looked at, in nanoseconds, and how often it was looked at since.
    pub looked: (u64, u32),
    /// It computes for so long before it is seen whether it goes in a circle.
    pub suspect_after: Duration,
}

/// A timer of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TimerId {
    /// `setitimer`, `alarm`.
    Interval,
    /// `timer_create`.
    Posix(i32),
    /// `timerfd_create`, by its descriptor.
    Descriptor(RawFd),
}

/// What a timer does.
#[derive(Debug, Default)]
pub(crate) struct VirtualTimer {
    pub deadline: Option<VirtualTime>,
    pub interval: u64,
    pub generation: u64,
    pub signal: i32,
    /// By the numbers of the host.
    pub thread: Option<i32>,
    pub value: u64,
    pub is_wall: bool,
    pub counter: Option<OwnedFd>,
}

/// Our duplicate of a descriptor.
pub(crate) struct Duplicate {
    pub descriptor: OwnedFd,
    /// Which file it is, unless it is none that has a place on a disk.
    pub file: Option<FileId>,
}

/// The life of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    Alive,
    /// It will have ended in a moment: nothing that becomes of its threads until then matters.
    Dying,
    Over,
}

/// A process.
pub(crate) struct Member {
    pub pid: i32,
    pub inner: i32,
    pub process: OwnedFd,
    pub group: usize,
    pub parent: Option<usize>,
    /// Its memory: threads, and a child of `vfork`, have the same.
    pub space: u64,
    /// Its children, and whether they ended.
    pub children: Vec<(usize, bool)>,
    pub life: Life,
    /// Whether a signal may be pending.
    pub is_signalled: bool,
    pub descriptors: HashMap<RawFd, Duplicate>,
    pub timers: BTreeMap<TimerId, VirtualTimer>,
    pub next_timer: i32,
    /// Whether the file of its page is still open in it.
    pub has_page_open: bool,
}

impl Member {
    pub(crate) fn is_alive(&self) -> bool {
        self.life != Life::Over
    }

    pub(crate) fn is_dying(&self) -> bool {
        self.life == Life::Dying
    }
}

impl Supervisor {
    pub(crate) fn task(&self, task: TaskId) -> &Task {
        &self.tasks[task.0]
    }

    pub(crate) fn task_mut(&mut self, task: TaskId) -> &mut Task {
        &mut self.tasks[task.0]
    }

    pub(crate) fn member_of(&self, task: TaskId) -> &Member {
        &self.members[self.tasks[task.0].member]
    }

    pub(crate) fn member_mut(&mut self, task: TaskId) -> &mut Member {
        &mut self.members[self.tasks[task.0].member]
    }

    pub(crate) fn group_of(&self, task: TaskId) -> &Group {
        &self.groups[self.member_of(task).group]
    }

    pub(crate) fn group_mut(&mut self, task: TaskId) -> &mut Group {
        let group = self.member_of(task).group;
        &mut self.groups[group]
    }

    /// The threads of a process that live, in order.
    pub(crate) fn tasks_of(&self, member: usize) -> Vec<TaskId> {
        let of_it = |task: &Task| task.member == member && task.state != State::Gone;
        (0..self.tasks.len()).filter(|&n| of_it(&self.tasks[n])).map(TaskId).collect()
    }

    pub(super) fn add_task(&mut self, tid: i32, inner: i32, member: usize, state: State) -> TaskId {
        let id = TaskId(self.tasks.len());
        let group = &mut self.groups[self.members[member].group];
        let ordinal = group.tasks;
        group.tasks += 1;
        self.tasks.push(Task {
            tid,
            inner,
            member,
            ordinal,
            state,
            call: Trap::default(),
            generation: 0,
            is_queued: false,
            deadline: None,
            waits: Waits::Time,
            asked: Vec::new(),
            is_woken: false,
            is_slowed: false,
            fruitless: 0,
            debt: 0,
            clear_at: 0,
            lent_to: None,
            birth: (0, 0),
            looked: (0, 0),
            suspect_after: SUSPECT,
        });
        self.by_tid.insert(tid, id);
        id
    }

    // The memory and the descriptors of the other side.

    pub(crate) fn read(&self, task: TaskId, at: u64, into: &mut [u8]) -> bool {
        memory::read(self.task(task).tid, at, into).is_ok()
    }

    pub(crate) fn read_bytes<const N: usize>(&self, task: TaskId, at: u64) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        self.read(task, at, &mut bytes).then_some(bytes)
    }

    pub(crate) fn read_word(&self, task: TaskId, at: u64) -> Option<u32> {
        self.read_bytes(task, at).map(u32::from_ne_bytes)
    }

    pub(crate) fn write(&self, task: TaskId, at: u64, from: &[u8]) -> bool {
        memory::write(self.task(task).tid, at, from).is_ok()
    }

    /// Our duplicate of a descriptor of the thread; it is kept until that is closed.
    pub(crate) fn descriptor(&mut self, task: TaskId, number: i32) -> Option<RawFd> {
        self.duplicate(task, number).map(|known| known.descriptor.as_raw_fd())
    }

    pub(crate) fn duplicate(&mut self, task: TaskId, number: i32) -> Option<&Duplicate> {
        if number < 0 {
            return None;
        }
        let member = self.task(task).member;
        if !self.members[member].descriptors.contains_key(&number) {
            match self.duplicate_of(member, number) {
                Ok(descriptor) => {
                    let file = files::regular(descriptor.as_raw_fd());
                    let duplicate = Duplicate { descriptor, file };
                    self.members[member].descriptors.insert(number, duplicate);
                }
                // There is none of this number, or nobody left to have one.
                Err(Errno::EBADF | Errno::ESRCH) => {}
                Err(error) => {
                    let what = "a look at descriptors";
                    self.remark(Remark::Refused { what, reason: error.desc().to_owned() });
                }
            }
        }
        self.members[member].descriptors.get(&number)
    }

    /// A process whose first thread has ended is known to the kernel by others.
    fn duplicate_of(&mut self, member: usize, number: i32) -> Result<OwnedFd, Errno> {
        let duplicate = descriptors::duplicate(self.members[member].process.as_raw_fd(), number);
        if duplicate.as_ref().err() != Some(&Errno::ESRCH) {
            return duplicate;
        }
        let threads = self.tasks_of(member);
        let thread = threads.first().ok_or(Errno::ESRCH)?;
        self.members[member].process = descriptors::of_thread(self.task(*thread).tid)?;
        descriptors::duplicate(self.members[member].process.as_raw_fd(), number)
    }
}
