//! Signals that a program sends: who stopped or killed a replica is seen, and no signal reaches the harness.
//!
//! A filter on the program's system calls ([`filter`]) holds up the few that send a signal that matters, and those that
//! trace another process. One thread for each replica looks at them before they happen: so a stop that was not
//! announced here came from outside the run. Where the system refuses the filter, nothing is known.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{Pid, getpgid};

use super::filter::{self, ANSWER, Held, LOAD, argument_at, beginning, jump, statement, word};
use crate::ids::NodeId;

/// Those that stop a process.
const STOPS: [i32; 4] = [libc::SIGSTOP, libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU];

/// Those that end a process which expects none of them.
const ENDS: [i32; 6] =
    [libc::SIGKILL, libc::SIGTERM, libc::SIGINT, libc::SIGQUIT, libc::SIGHUP, libc::SIGABRT];

/// The requests that begin to trace another process.
const TRACES: [u32; 2] = [libc::PTRACE_ATTACH, libc::PTRACE_SEIZE];

/// How many signals are remembered: more are no news.
const REMEMBERED: usize = 1000;

/// What a signal does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deed {
    /// It stops a process, as does a tracer.
    Stops,
    /// It ends a process.
    Ends,
    /// It was sent to the harness, or to every process of this user, and was refused.
    Refused,
}

/// A signal that a process of the run sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The replica whose process it is.
    pub by: NodeId,
    /// What it does.
    pub deed: Deed,
    /// The process that gets it, or whose group does.
    pub to: i32,
}

/// The signals sent so far in a run, and who must not get any.
#[derive(Clone, Debug, Default)]
pub struct Signals {
    sent: Arc<Mutex<Vec<Sent>>>,
    protected: Vec<i32>,
}

impl Signals {
    /// Of a run of this harness, with its watchdog.
    pub fn watched(watchdog: Option<Pid>) -> Self {
        let this = Pid::this();
        let group = getpgid(None).map(|group| -group.as_raw());
        let protected = [Some(this.as_raw()), watchdog.map(Pid::as_raw), group.ok()];
        Self { protected: protected.into_iter().flatten().collect(), ..Self::default() }
    }

    /// What was sent since this was last asked.
    pub fn take(&self) -> Vec<Sent> {
        std::mem::take(&mut self.sent.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The filter's program: the signals that matter are held up, all other calls pass.
    pub fn program(&self) -> Vec<libc::sock_filter> {
        let stops = STOPS.map(i32::cast_unsigned);
        let protected: Vec<u32> = self.protected.iter().map(|pid| pid.cast_unsigned()).collect();
        let everyone = [(-1_i32).cast_unsigned()];
        let ends = ENDS.map(i32::cast_unsigned);
        let (to_any, to_some) = ([&protected[..], &everyone].concat(), &protected[..]);
        let all = [&stops[..], &ends].concat();
        let mut filter = beginning();
        // The call, the argument with the signal, those held for it; the argument with the process, those held for it.
        filter.extend(block(libc::SYS_kill, (1, &all), (0, &to_any)));
        filter.extend(block(libc::SYS_tkill, (1, &stops), (0, to_some)));
        filter.extend(block(libc::SYS_tgkill, (2, &stops), (0, to_some)));
        filter.extend(block(libc::SYS_rt_sigqueueinfo, (1, &stops), (0, &to_any)));
        filter.extend(block(libc::SYS_rt_tgsigqueueinfo, (2, &stops), (0, to_some)));
        filter.extend(block(libc::SYS_pidfd_send_signal, (1, &all), (0, &[])));
        filter.extend(block(libc::SYS_ptrace, (0, &TRACES), (1, &[])));
        filter.push(statement(ANSWER, libc::SECCOMP_RET_ALLOW));
        filter
    }

    /// Begins to look at the signals of this replica's processes.
    pub fn supervise(&self, by: NodeId, listener: OwnedFd) {
        let signals = self.clone();
        let supervisor = move || signals.look(by, &listener);
        // Without its thread the calls fail: the listener is closed.
        let _ = thread::Builder::new().name("signals".into()).stack_size(1 << 17).spawn(supervisor);
    }

    /// Until the last process under the filter has ended.
    fn look(&self, by: NodeId, listener: &OwnedFd) {
        loop {
            let mut polled = [PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
            let _ = poll(&mut polled, PollTimeout::NONE);
            let events = polled[0].revents().unwrap_or(PollFlags::empty());
            if !events.contains(PollFlags::POLLIN) {
                if events.intersects(PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL)
                {
                    return;
                }
                continue;
            }
            let held = match filter::receive(listener) {
                Ok(Some(held)) => held,
                Ok(None) => continue,
                Err(_) => return,
            };
            let sent = self.read(by, &held);
            // It is remembered before it happens: whoever sees the effect finds the cause.
            self.remember(sent);
            match sent.deed {
                Deed::Refused => filter::refuse(listener, held),
                Deed::Stops | Deed::Ends => filter::go_on(listener, held),
            }
        }
    }

    fn remember(&self, sent: Sent) {
        let mut all = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < REMEMBERED && !all.contains(&sent) {
            all.push(sent);
        }
    }

    /// What such a call does.
    fn read(&self, by: NodeId, held: &Held) -> Sent {
        // The kernel reads the lower half.
        #[expect(clippy::cast_possible_truncation, reason = "the arguments are numbers of 32 bits")]
        let argument = |n: usize| (held.arguments[n] as u32).cast_signed();
        let is_trace = held.number == libc::SYS_ptrace;
        let has_thread = [libc::SYS_tgkill, libc::SYS_rt_tgsigqueueinfo].contains(&held.number);
        let (to, signal) = match () {
            () if is_trace => (argument(1), libc::SIGSTOP),
            () if held.number == libc::SYS_pidfd_send_signal => {
                (behind_descriptor(held.caller, argument(0)), argument(1))
            }
            () if has_thread => (argument(0), argument(2)),
            () => (argument(0), argument(1)),
        };
        let is_everyone = to == -1;
        let process = match to {
            0 => getpgid(Some(Pid::from_raw(held.caller))).map_or(0, Pid::as_raw),
            to if to < 0 => to.saturating_neg(),
            to => process_of(to).unwrap_or(to),
        };
        let is_protected = self.protected.contains(&to) || self.protected.contains(&process);
        let deed = if is_everyone || is_protected {
            Deed::Refused
        } else if STOPS.contains(&signal) {
            Deed::Stops
        } else {
            Deed::Ends
        };
        Sent { by, deed, to: process }
    }
}

/// The process of a thread.
fn process_of(thread: i32) -> Option<i32> {
    let status = std::fs::read_to_string(format!("/proc/{thread}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("Tgid:"))?.trim().parse().ok()
}

/// The process that a descriptor of this process stands for.
fn behind_descriptor(pid: i32, descriptor: i32) -> i32 {
    let path = format!("/proc/{pid}/fdinfo/{descriptor}");
    let told = std::fs::read_to_string(path).unwrap_or_default();
    let line = told.lines().find_map(|line| line.strip_prefix("Pid:"));
    // A process that is gone gets nothing.
    line.and_then(|pid| pid.trim().parse().ok()).filter(|&pid| pid > 0).unwrap_or(i32::MAX)
}

/// One call: held up if one argument is among those words or the other among those, unless the first is zero (which
/// sends nothing).
fn block(
    call: libc::c_long,
    (first, held): (u32, &[u32]),
    (second, also_held): (u32, &[u32]),
) -> Vec<libc::sock_filter> {
    // Behind each comparison: the others, the second load, to pass, to be held.
    let mut body = vec![statement(LOAD, argument_at(first))];
    let to_pass = held.len() + 1 + also_held.len();
    body.push(jump(libc::BPF_JEQ, 0, to_pass, 0));
    for (n, value) in held.iter().enumerate() {
        body.push(jump(libc::BPF_JEQ, *value, held.len() - n + 1 + also_held.len(), 0));
    }
    body.push(statement(LOAD, argument_at(second)));
    for (n, value) in also_held.iter().enumerate() {
        body.push(jump(libc::BPF_JEQ, *value, also_held.len() - n, 0));
    }
    body.push(statement(ANSWER, libc::SECCOMP_RET_ALLOW));
    body.push(statement(ANSWER, libc::SECCOMP_RET_USER_NOTIF));
    let mut block = vec![jump(libc::BPF_JEQ, word(call), 0, body.len())];
    block.append(&mut body);
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the filter answers to a call, by an interpreter of its few words.
    fn answer(filter: &[libc::sock_filter], call: libc::c_long, arguments: [i32; 3]) -> u32 {
        let (mut at, mut read) = (0, 0_u32);
        loop {
            let it = filter[at];
            at += 1;
            let (code, k) = (u32::from(it.code), it.k);
            if code == ANSWER {
                return k;
            }
            if code == LOAD {
                read = match k {
                    0 => word(call),
                    // It passes the beginning only as the architecture that the program compares with.
                    4 => filter[1].k,
                    k => arguments[usize::try_from(k - 16).unwrap() / 8].cast_unsigned(),
                };
                continue;
            }
            let is_so = read == k;
            at += usize::from(if is_so { it.jt } else { it.jf });
        }
    }

    #[test]
    fn only_signals_that_matter_are_held_up() {
        let signals = Signals { protected: vec![4711, -4700], ..Signals::default() };
        let filter = signals.program();
        let is_held =
            |call, arguments| answer(&filter, call, arguments) == libc::SECCOMP_RET_USER_NOTIF;
        for (call, arguments) in [
            (libc::SYS_kill, [5, libc::SIGSTOP, 0]),
            (libc::SYS_kill, [5, libc::SIGKILL, 0]),
            (libc::SYS_kill, [4711, libc::SIGUSR1, 0]),
            (libc::SYS_kill, [-4700, libc::SIGUSR1, 0]),
            (libc::SYS_kill, [-1, libc::SIGUSR1, 0]),
            (libc::SYS_tgkill, [5, 5, libc::SIGSTOP]),
            (libc::SYS_tkill, [5, libc::SIGTTOU, 0]),
            (libc::SYS_ptrace, [16, 5, 0]),
        ] {
            assert!(is_held(call, arguments), "{call} {arguments:?}");
        }
        for (call, arguments) in [
            (libc::SYS_kill, [4711, 0, 0]),
            (libc::SYS_kill, [-1, 0, 0]),
            (libc::SYS_kill, [5, libc::SIGUSR1, 0]),
            (libc::SYS_kill, [5, libc::SIGCONT, 0]),
            (libc::SYS_tgkill, [5, 5, libc::SIGURG]),
            (libc::SYS_ptrace, [0, 0, 0]),
            (libc::SYS_read, [4711, libc::SIGSTOP, libc::SIGSTOP]),
        ] {
            assert!(!is_held(call, arguments), "{call} {arguments:?}");
        }
    }
}
