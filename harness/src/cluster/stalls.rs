//! Holds up a replica's file access on a simulated host: each file look-up while it starts, by the plan; each write
//! through to the disk, as long as it lives.
//!
//! One thread for each replica, which ends when no process is left under its filter. A program of several threads
//! has its calls held one after the other.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use nix::cmsg_space;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, recvmsg,
    sendmsg, socketpair,
};

use super::filter::{self, Call};
use crate::os::own_fd;
use crate::plan::host::ReplicaHost;
use crate::scenario::host::profile::Delay;

/// The channel by which a launcher hands over its filter: the harness's end, and the launcher's.
pub fn channel() -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = SockFlag::SOCK_CLOEXEC;
    Ok(socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags)?)
}

/// What was held up so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Why the system refuses to hold up calls, if so: the stalls were waited out before the start.
    pub refused: Option<String>,
    /// Look-ups of files.
    pub lookups: u32,
    /// Of them stalled.
    pub stalled: u32,
    /// Writes through to the disk.
    pub syncs: u64,
}

/// In the launcher: the filter, or why there is none, goes to the harness.
pub fn hand_over(channel: &OwnedFd, filter: &io::Result<OwnedFd>) -> io::Result<()> {
    let (words, fds) = match filter {
        Ok(listener) => (String::from("filter"), vec![listener.as_raw_fd()]),
        Err(error) => (format!("refused {error}"), Vec::new()),
    };
    let rights = [ControlMessage::ScmRights(&fds)];
    let rights = if fds.is_empty() { &[][..] } else { &rights[..] };
    let words = [IoSlice::new(words.as_bytes())];
    sendmsg::<()>(channel.as_raw_fd(), &words, rights, MsgFlags::MSG_NOSIGNAL, None)?;
    Ok(())
}

/// Begins to hold up the calls of the replica at the other end.
pub fn supervise(channel: OwnedFd, host: ReplicaHost, sync: Option<Delay>) -> Arc<Mutex<Seen>> {
    let seen = Arc::<Mutex<Seen>>::default();
    let shared = Arc::clone(&seen);
    let supervisor = move || match take_over(&channel) {
        Ok(Some(listener)) => hold(&listener, &host, sync, &shared),
        Ok(None) => {}
        Err(error) => note(&shared, |seen| seen.refused = Some(error.to_string())),
    };
    if let Err(error) = thread::Builder::new().name("stalls".into()).spawn(supervisor) {
        // The channel is closed with its thread: the launcher notices and waits instead.
        note(&seen, |seen| seen.refused = Some(error.to_string()));
    }
    seen
}

fn note(seen: &Mutex<Seen>, change: impl FnOnce(&mut Seen)) {
    change(&mut seen.lock().unwrap_or_else(PoisonError::into_inner));
}

/// The filter's descriptor; `None`: the launcher ended first.
fn take_over(channel: &OwnedFd) -> io::Result<Option<OwnedFd>> {
    let mut words = [0; 200];
    let mut buffers = [IoSliceMut::new(&mut words)];
    let mut space = cmsg_space!(RawFd);
    let flags = MsgFlags::MSG_CMSG_CLOEXEC;
    let message = recvmsg::<()>(channel.as_raw_fd(), &mut buffers, Some(&mut space), flags)?;
    let length = message.bytes;
    for part in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(fds) = part {
            return Ok(fds.first().map(|&fd| own_fd(fd)));
        }
    }
    let words = String::from_utf8_lossy(&words[..length]).into_owned();
    match words.strip_prefix("refused ") {
        Some(reason) => Err(io::Error::other(reason.to_owned())),
        None => Ok(None),
    }
}

/// Until the last process under the filter has ended.
fn hold(listener: &OwnedFd, host: &ReplicaHost, sync: Option<Delay>, seen: &Mutex<Seen>) {
    let (mut lookups, mut syncs) = (0, 0);
    loop {
        let mut polled = [PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
        let _ = poll(&mut polled, PollTimeout::NONE);
        let events = polled[0].revents().unwrap_or(PollFlags::empty());
        if !events.contains(PollFlags::POLLIN) {
            if events.intersects(PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL) {
                return;
            }
            continue;
        }
        let held = match filter::receive(listener) {
            Ok(Some(held)) => held,
            Ok(None) => continue,
            Err(_) => return,
        };
        let wait = match held.call() {
            Call::Lookup => {
                let wait = host.lookup(lookups);
                lookups = lookups.saturating_add(1);
                let stalled = u32::from(host.is_stalled(lookups - 1));
                note(seen, |seen| {
                    seen.lookups = lookups;
                    seen.stalled += stalled;
                });
                wait
            }
            Call::Sync => {
                syncs += 1;
                note(seen, |seen| seen.syncs = syncs);
                let ms = sync.map_or(0.0, |sync| sync.draw_ms(host.syncs.draw(syncs)));
                Duration::try_from_secs_f64(ms / 1e3).unwrap_or_default()
            }
        };
        if !wait.is_zero() {
            thread::sleep(wait);
        }
        filter::go_on(listener, held);
    }
}
