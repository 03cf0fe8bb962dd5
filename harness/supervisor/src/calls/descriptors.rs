//! Descriptors that are closed, and sockets that are given addresses.

use nix::libc;

use super::Outcome;
use crate::supervisor::{Supervisor, TaskId};
use crate::sys::descriptors;
use crate::sys::seccomp::Trap;

/// The first of the ports that are given to sockets of the first process.
const FIRST_PORT: u16 = 40_000;
/// So many for each process.
const PORTS: u16 = 200;

fn family(address: &[u8]) -> i32 {
    let bytes = address.get(..2).and_then(|bytes| bytes.try_into().ok()).unwrap_or_default();
    u16::from_ne_bytes(bytes).into()
}

fn is_internet(address: &[u8]) -> bool {
    matches!(family(address), libc::AF_INET | libc::AF_INET6)
}

fn port(address: &[u8]) -> u16 {
    address.get(2..4).map_or(0, |bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
}

impl Supervisor {
    /// What is closed is closed with us first: who is at the other end sees it.
    pub(super) fn close(&mut self, task: TaskId, call: Trap) -> Outcome {
        let args = call.args;
        let (first, last) = match call.number {
            libc::SYS_close => (args[0], args[0]),
            libc::SYS_close_range => (args[0], args[1]),
            _ if args[0] == args[1] => return Outcome::Continue,
            _ => (args[1], args[1]),
        };
        let member = self.member_mut(task);
        let before = member.descriptors.len();
        let is_in = |number: i32| (first..=last).contains(&(number as u64));
        member.descriptors.retain(|&number, _| !is_in(number));
        let timers = member.timers.len();
        member.timers.retain(
            |id, _| !matches!(id, crate::supervisor::TimerId::Descriptor(number) if is_in(*number)),
        );
        let was_known = member.descriptors.len() != before || member.timers.len() != timers;
        // A file that nobody waited for is no news to anybody.
        if was_known || first != last || first > 2 {
            self.spread(task);
        }
        Outcome::Continue
    }

    fn address(&self, task: TaskId, at: u64, length: u64) -> Option<Vec<u8>> {
        let mut bytes = vec![0; (length as usize).min(128)];
        (at != 0 && self.read(task, at, &mut bytes)).then_some(bytes)
    }

    pub(super) fn bind(&mut self, task: TaskId, call: Trap) -> Outcome {
        let Some(address) = self.address(task, call.args[1], call.args[2]) else {
            return Outcome::Continue;
        };
        if family(&address) == libc::AF_UNIX {
            self.shares_with_all();
        }
        if !is_internet(&address) || port(&address) != 0 {
            return Outcome::Continue;
        }
        let Some(fd) = self.descriptor(task, call.args[0] as i32) else { return Outcome::Continue };
        if self.give_port(task, fd, address) { Outcome::Value(0) } else { Outcome::Continue }
    }

    /// The kernel draws ports as it likes: ours come in order.
    fn give_port(&mut self, task: TaskId, fd: i32, mut address: Vec<u8>) -> bool {
        let group = self.member_of(task).group;
        for _ in 0..PORTS {
            let known = &mut self.groups[group];
            let number = known.next_port;
            known.next_port = (number + 1) % PORTS;
            let first = FIRST_PORT.wrapping_add((group as u16 % 100) * PORTS);
            address[2..4].copy_from_slice(&(first + number).to_be_bytes());
            match descriptors::bind(fd, &address) {
                Ok(()) => return true,
                Err(nix::errno::Errno::EADDRINUSE) => {}
                Err(_) => return false,
            }
        }
        false
    }

    /// A socket that is about to be given a port by the kernel is given one by us.
    pub(super) fn autobind(&mut self, task: TaskId, call: Trap) {
        let address = match call.number {
            libc::SYS_connect => self.address(task, call.args[1], call.args[2]),
            libc::SYS_sendto => self.address(task, call.args[4], call.args[5]),
            libc::SYS_sendmsg => self.read_bytes::<16>(task, call.args[1]).and_then(|header| {
                let (at, length) = header.split_at(8);
                let at = u64::from_ne_bytes(at.try_into().unwrap_or_default());
                let length = u32::from_ne_bytes(length[..4].try_into().unwrap_or_default());
                self.address(task, at, length.into())
            }),
            _ => None,
        };
        let Some(address) = address.filter(|address| is_internet(address)) else { return };
        if !self.is_host(port(&address)) {
            self.shares_with_all();
        }
        let Some(fd) = self.descriptor(task, call.args[0] as i32) else { return };
        let Some(mut own) = descriptors::name(fd).filter(|own| is_internet(own) && port(own) == 0)
        else {
            return;
        };
        let length = if family(&own) == libc::AF_INET { 16 } else { 28 };
        own.resize(length, 0);
        self.give_port(task, fd, own);
    }
}
