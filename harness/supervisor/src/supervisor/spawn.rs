//! A process is started.

use std::collections::BTreeSet;
use std::os::fd::AsRawFd;

use super::{Group, ProcessId, ProcessSpec, State, Supervisor, SupervisorError};
use crate::random::{Stream, pair};
use crate::sys::birth::Birth;
use crate::sys::page::{SharedPage, Word};
use crate::sys::{code, ptrace, seccomp};
use crate::time::{MONOTONIC_START, WALL_START};

impl Supervisor {
    /// Starts a process. It begins when time goes on.
    pub fn spawn(&mut self, spec: ProcessSpec) -> Result<ProcessId, SupervisorError> {
        let page = SharedPage::new(code::code())
            .map_err(SupervisorError::system("making a page for a process"))?;
        page.set(Word::Wall, WALL_START.wrapping_add_signed(spec.skew));
        page.set(Word::Monotonic, MONOTONIC_START);
        page.set(Word::Base, self.now.0);
        page.set(Word::Limit, self.now.0);
        page.set(Word::Step, self.settings.costs.clock_read);
        let birth = Birth {
            words: &spec.words,
            environment: &spec.environment,
            directory: &spec.directory,
            standard: spec.standard,
            page: page.descriptor(),
            page_at: self.page_at,
            bounds: &spec.bounds,
            filter: &self.filter,
            world: self.world.as_ref(),
        };
        let born = birth.start().map_err(SupervisorError::system("starting a process"))?;
        ptrace::seize(born.pid).map_err(SupervisorError::system("following a process"))?;
        seccomp::wake_in_place(born.listener.as_raw_fd());
        let id = self.groups.len();
        let seed = pair(self.settings.seed, id as u64);
        self.priorities.started(id);
        self.groups.push(Group {
            label: spec.label,
            listener: born.listener,
            page,
            drawn: Stream::new(seed, 1),
            random: Stream::new(seed, 2),
            top: self.members.len(),
            tasks: 0,
            is_paused: false,
            awaited: None,
            postponed: Vec::new(),
            used: 0,
            is_dirty: false,
            endpoints: Vec::new(),
            ready: BTreeSet::new(),
            next_port: 0,
            slow_syncs: spec.slow_syncs,
            syncs: 0,
        });
        let space = self.new_space();
        let member = self.add_member(born.pid, id, None, space);
        let member = member.ok_or(SupervisorError::System {
            what: "following a process",
            reason: nix::errno::Errno::ESRCH,
        })?;
        let inner = self.members[member].inner;
        self.members[member].has_page_open = true;
        let task = self.add_task(born.pid, inner, member, State::Running);
        self.running.push(task);
        // Until the call that loads the program is held.
        self.run();
        Ok(ProcessId(id))
    }
}
