//! A held call is taken up, and answered, or waits.

use std::os::fd::AsRawFd;

use nix::libc;

use super::spinning::SUSPECT;
use super::{Later, State, Stop, Supervisor, TaskId, TimerId};
use crate::calls::{Amendment, Outcome, RESTART};
use crate::sys::page::Word;
use crate::sys::ptrace::{self, Change};
use crate::sys::seccomp::{self, Reply};
use crate::time::{SECOND, VirtualTime};

impl Supervisor {
    pub(super) fn happen(&mut self, later: Later) {
        let group = match later {
            Later::Attempt(task, generation) | Later::Timeout(task, generation) => {
                let known = self.task(task);
                let is_held = matches!(known.state, State::Held | State::Waiting);
                if known.generation != generation || !is_held {
                    return;
                }
                if matches!(later, Later::Timeout(..)) && known.state != State::Waiting {
                    return;
                }
                self.member_of(task).group
            }
            Later::Resume(task) if self.task(task).state != State::Stopped => return,
            Later::Resume(task) => self.member_of(task).group,
            Later::Timer(member, timer, generation) => {
                let member = &self.members[member];
                let is_current =
                    member.timers.get(&timer).is_some_and(|it| it.generation == generation);
                if !is_current || !member.is_alive() {
                    return;
                }
                member.group
            }
        };
        if self.groups[group].is_paused {
            self.groups[group].postponed.push(later);
            return;
        }
        match later {
            Later::Attempt(task, _) | Later::Timeout(task, _) => self.attempt(task),
            Later::Resume(task) => self.go_on(task),
            Later::Timer(member, timer, _) => self.goes_off(member, timer),
        }
    }

    fn attempt(&mut self, task: TaskId) {
        self.task_mut(task).is_queued = false;
        if let Some(awaited) = self.group_of(task).awaited
            && self.task(task).state == State::Held
            && self.stops_before(task, awaited)
        {
            return;
        }
        let mut outcome = self.take_up(task);
        if outcome == Outcome::Wait && self.member_of(task).is_signalled {
            outcome = self.interrupt(task);
        }
        match outcome {
            Outcome::Value(value) => self.release(task, Reply::Value(value)),
            Outcome::Error(error) => self.release(task, Reply::Error(error)),
            Outcome::Continue => self.release(task, Reply::Continue),
            Outcome::Amend(amendment) => self.release_and_amend(task, amendment),
            Outcome::Wait => self.waits_on(task),
            Outcome::Done => {}
        }
    }

    fn waits_on(&mut self, task: TaskId) {
        let known = self.task_mut(task);
        if known.state == State::Waiting {
            return;
        }
        known.state = State::Waiting;
        let (deadline, generation) = (known.deadline, known.generation);
        if let Some(deadline) = deadline.filter(|&at| at != VirtualTime::NEVER) {
            self.agenda.add(deadline, Later::Timeout(task, generation));
        }
    }

    /// A held call is answered, and its thread runs until its next one.
    pub(crate) fn release(&mut self, task: TaskId, reply: Reply) {
        self.begin(task, reply);
        if self.task(task).call.number == libc::SYS_exit {
            self.outlived(task);
        }
        self.run();
    }

    fn begin(&mut self, task: TaskId, reply: Reply) {
        let (known, now) = (self.task(task), self.now);
        let decided = match reply {
            Reply::Value(value) => value.cast_unsigned(),
            Reply::Error(error) => u64::from((-error).cast_unsigned()),
            Reply::Continue => u64::MAX,
        };
        let (group, number) =
            (self.member_of(task).group as u64, known.call.number.cast_unsigned());
        let who = group << 40 | known.ordinal << 20 | number;
        let id = known.call.id;
        self.schedule.note(&[now.0, who, decided]);
        if self.settings.is_traced {
            let line = self.line(task, &format!("{reply:?}"));
            self.trace.push(line);
        }
        self.let_run(task);
        let listener = self.group_of(task).listener.as_raw_fd();
        match seccomp::answer(listener, id, reply) {
            // It ended meanwhile; that is told otherwise.
            Ok(()) | Err(nix::errno::Errno::ENOENT) => {}
            Err(error) => {
                let reason = format!("answering a call: {}", error.desc());
                self.stops.push_back(Stop::Failed(reason));
            }
        }
    }

    /// The kernel does what a held call asks for; its thread stops at the end of that, so that it never sees what is
    /// changed.
    fn release_and_amend(&mut self, task: TaskId, amendment: Amendment) {
        let tid = self.task(task).tid;
        if ptrace::interrupt(tid).is_err() {
            return self.release(task, Reply::Continue);
        }
        self.begin(task, Reply::Continue);
        loop {
            match ptrace::change_of(tid) {
                Some(Change::Stopped { event: ptrace::EVENT_STOP, .. }) => break,
                Some(change) => self.changed(tid, change),
                None => return self.run(),
            }
            if !self.running.contains(&task) {
                return self.run();
            }
        }
        let has_failed = ptrace::registers(tid).is_ok_and(|it| it.rax.cast_signed() < 0);
        match amendment {
            _ if has_failed => {}
            Amendment::Times(at, is_long) => self.amend_times(task, at, is_long),
            Amendment::Usage(at) => {
                self.tell_usage(task, at);
            }
        }
        // It may have been killed.
        let _ = ptrace::go_on(tid, 0);
        self.run();
    }

    /// A stopped thread goes on.
    fn go_on(&mut self, task: TaskId) {
        let who = (self.member_of(task).group as u64) << 40 | self.task(task).ordinal << 20;
        self.schedule.note(&[self.now.0, who]);
        if self.settings.is_traced {
            let line = self.line(task, "goes on");
            self.trace.push(line);
        }
        self.let_run(task);
        // It may have been killed.
        let _ = ptrace::go_on(self.task(task).tid, 0);
        self.run();
    }

    pub(super) fn line(&self, task: TaskId, what: &str) -> String {
        let (known, label) = (self.task(task), &self.group_of(task).label);
        let name = crate::calls::name(known.call.number);
        let [a, b, c, d, ..] = known.call.args;
        format!(
            "{} {label} thread {} {name}({a:x}, {b:x}, {c:x}, {d:x}) {what}",
            self.now, known.ordinal
        )
    }

    /// The clocks of its process go from here, as far as nothing else is due.
    fn let_run(&mut self, task: TaskId) {
        let (now, costs) = (self.now, self.settings.costs);
        let limit = self.agenda.next_at().unwrap_or(now.plus(SECOND)).min(self.until);
        let known = self.task_mut(task);
        known.generation += 1;
        known.deadline = None;
        known.is_woken = false;
        known.is_slowed = false;
        known.state = State::Running;
        known.looked = (0, 0);
        known.suspect_after = SUSPECT;
        let step = costs.of_clock_read(known.fruitless);
        let page = &self.group_of(task).page;
        page.set(Word::Base, now.0);
        page.set(Word::Extra, 0);
        page.set(Word::Reads, 0);
        page.set(Word::Limit, limit.0);
        page.set(Word::Step, step);
        self.running.push(task);
    }

    /// A timer goes off.
    fn goes_off(&mut self, member: usize, id: TimerId) {
        let now = self.now;
        let (pid, group) = (self.members[member].pid, self.members[member].group);
        let Some(timer) = self.members[member].timers.get_mut(&id) else { return };
        timer.generation += 1;
        timer.deadline = (timer.interval > 0).then(|| now.plus(timer.interval));
        let (deadline, generation) = (timer.deadline, timer.generation);
        let (signal, thread, value) = (timer.signal, timer.thread, timer.value);
        let counter = timer.counter.as_ref().map(AsRawFd::as_raw_fd);
        if let Some(deadline) = deadline {
            self.agenda.add(deadline, Later::Timer(member, id, generation));
        }
        self.schedule.note(&[now.0, 0x713e, group as u64]);
        match (id, counter) {
            (_, Some(counter)) => {
                crate::sys::descriptors::count(counter, 1);
                self.wake(group);
            }
            (TimerId::Interval, None) => {
                let _ = crate::sys::signals::send(pid, libc::SIGALRM);
                self.signalled(member);
            }
            (_, None) if signal != 0 => {
                let _ = crate::sys::signals::send_of_timer(pid, thread, signal, value);
                self.signalled(member);
            }
            (_, None) => {}
        }
    }

    /// What a signal makes of a call that waits: usually it ends.
    fn interrupt(&mut self, task: TaskId) -> Outcome {
        // The disk is waited for, whatever comes.
        let is_sync = matches!(self.task(task).call.number, libc::SYS_fsync | libc::SYS_fdatasync);
        if is_sync || !self.has_signal(task, None) {
            return Outcome::Wait;
        }
        self.futexes.leave(task);
        match self.task(task).call.number {
            libc::SYS_read
            | libc::SYS_readv
            | libc::SYS_write
            | libc::SYS_writev
            | libc::SYS_recvfrom
            | libc::SYS_recvmsg
            | libc::SYS_accept
            | libc::SYS_accept4
            | libc::SYS_wait4
            | libc::SYS_waitid
            | libc::SYS_flock
            | libc::SYS_fcntl
            | libc::SYS_futex => Outcome::Error(RESTART),
            _ => Outcome::Error(libc::EINTR),
        }
    }
}

impl Supervisor {
    /// The kernel sends a signal for a thread; then those whom it reaches look whether it ends their waiting.
    pub(crate) fn deliver_after(&mut self, task: TaskId, reached: &[usize]) -> Outcome {
        for &member in reached {
            self.members[member].is_signalled = true;
        }
        self.release(task, Reply::Continue);
        for &member in reached {
            if self.members[member].is_alive() {
                self.signalled(member);
            }
        }
        Outcome::Done
    }
}
