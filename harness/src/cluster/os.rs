//! The few things that the system offers only unsafely.
#![expect(unsafe_code, reason = "fork hooks and raw descriptors, each with its reason")]

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::process::Command;

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getppid};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Takes ownership of a descriptor that a system call has just returned.
pub fn own_fd(fd: RawFd) -> OwnedFd {
    assert!(fd >= 0, "a successful call returns a descriptor");
    // SAFETY: the caller got `fd` from the system a moment ago and gives it to nobody else.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// Lets the event loop watch a descriptor.
pub fn watch(fd: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` answers with the same open descriptor as long as it lives, and the
    // result owns it.
    unsafe { AsyncFd::register_with_interest(fd, interest) }.map_err(io::Error::from)
}

/// Lets the kernel kill the child when the thread that starts it ends: also when the harness is
/// killed with SIGKILL.
pub fn die_with_parent(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    let parent = Pid::this();
    let hook = move || -> io::Result<()> {
        prctl::set_pdeathsig(Signal::SIGKILL)?;
        // The parent may have died before the line above.
        if getppid() == parent { Ok(()) } else { Err(Errno::ESRCH.into()) }
    };
    // SAFETY: between fork and exec the hook makes two system calls and allocates nothing.
    unsafe { command.pre_exec(hook) };
}
