//! The few things that the system offers only unsafely.
#![expect(unsafe_code, reason = "fork hooks and raw descriptors, each with its reason")]

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::process::Command;

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::resource::Resource;
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getppid};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::limits::confined;

/// Takes ownership of a descriptor that a system call has just returned.
pub fn own_fd(fd: RawFd) -> OwnedFd {
    assert!(fd >= 0, "a successful call returns a descriptor");
    // SAFETY: the caller got `fd` from the system a moment ago and gives it to no other code.
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

/// Lets the child begin a session of its own.
pub fn begin_session(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    let hook = || -> io::Result<()> {
        nix::unistd::setsid()?;
        Ok(())
    };
    // SAFETY: between fork and exec the hook makes one system call and allocates nothing.
    unsafe { command.pre_exec(hook) };
}

/// A disk that a replica is started with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Disk {
    /// As it is.
    #[default]
    Good,
    /// What the permissions forbid is forbidden, also to root.
    ReadOnly,
    /// No file can be written from this place on, not even one that reaches farther already: the write fails, as
    /// on a full disk (the error is `EFBIG` where a full disk says `ENOSPC`).
    Full(u64),
}

/// Lets the child meet such a disk.
pub fn give_disk(command: &mut Command, disk: Disk) {
    use std::os::unix::process::CommandExt;

    use nix::libc;
    use nix::sys::resource::{Resource, setrlimit};
    /// The capability by which root writes where no permission allows it.
    const CAP_DAC_OVERRIDE: libc::c_ulong = 1;
    let hook = move || -> io::Result<()> {
        match disk {
            Disk::Good => Ok(()),
            Disk::ReadOnly => {
                // SAFETY: a plain system call. It fails where the process has no privileges, and
                // then it needs none to be taken.
                unsafe { libc::prctl(libc::PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0) };
                Ok(())
            }
            Disk::Full(bytes) => {
                survive_full_disk()?;
                Ok(setrlimit(Resource::RLIMIT_FSIZE, bytes, bytes)?)
            }
        }
    };
    if disk != Disk::Good {
        // SAFETY: between fork and exec the hook makes system calls and allocates nothing.
        unsafe { command.pre_exec(hook) };
    }
}

/// A write beyond the largest file that this process may have fails from now on, and is no reason to die.
pub fn survive_full_disk() -> io::Result<()> {
    use nix::sys::signal::{SigHandler, signal};
    // SAFETY: ignoring a signal installs no handler.
    unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) }?;
    Ok(())
}

/// The same for the harness itself, whose children meet the signal as always: a handler, unlike its being ignored, ends
/// when another program takes the place of this one.
pub fn outlive_full_disk() -> io::Result<()> {
    use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, sigaction};
    extern "C" fn do_nothing(_: nix::libc::c_int) {}
    let handler = SigHandler::Handler(do_nothing);
    let action = SigAction::new(handler, SaFlags::SA_RESTART, SigSet::empty());
    // SAFETY: the handler does nothing.
    unsafe { sigaction(Signal::SIGXFSZ, &action) }?;
    Ok(())
}

/// Lets the child have this descriptor too.
pub fn inherit(command: &mut Command, fd: OwnedFd) {
    use std::os::unix::process::CommandExt;

    use nix::fcntl::{FcntlArg, FdFlag, fcntl};
    let hook = move || -> io::Result<()> {
        fcntl(&fd, FcntlArg::F_SETFD(FdFlag::empty()))?;
        Ok(())
    };
    // SAFETY: between fork and exec the hook makes one system call and allocates nothing.
    unsafe { command.pre_exec(hook) };
}

/// What a confined process may have.
pub const CONFINED: [(Resource, u64); 5] = [
    (Resource::RLIMIT_NPROC, confined::USER_PROCESSES),
    (Resource::RLIMIT_FSIZE, confined::FILE_BYTES),
    (Resource::RLIMIT_NOFILE, confined::OPEN_FILES),
    (Resource::RLIMIT_CPU, confined::CPU_SECONDS),
    (Resource::RLIMIT_CORE, 0),
];

/// Sets limits on what the child, and each process that it starts, may use; a process that goes beyond them is told so by
/// the system, or ended by it. It joins the control groups behind these doors, where it may.
pub fn confine(command: &mut Command, doors: &[PathBuf]) {
    use std::os::unix::process::CommandExt;

    use nix::sys::resource::{getrlimit, setrlimit};
    let open = |door| std::fs::OpenOptions::new().write(true).open(door).ok();
    let doors: Vec<std::fs::File> = doors.iter().filter_map(open).collect();
    let hook = move || -> io::Result<()> {
        for door in &doors {
            // Zero is the writing process. A group that cannot be joined limits nothing.
            let _ = nix::unistd::write(door, b"0");
        }
        for (resource, limit) in CONFINED {
            // A lower limit that is in force already stays.
            let limit = getrlimit(resource)?.1.min(limit);
            setrlimit(resource, limit, limit)?;
        }
        Ok(())
    };
    // SAFETY: between fork and exec the hook makes system calls and allocates nothing.
    unsafe { command.pre_exec(hook) };
}
