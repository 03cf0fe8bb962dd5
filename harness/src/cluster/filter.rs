//! A filter on a process's own system calls that lets another process hold some of them up: the kernel's user
//! notification (`seccomp(2)`, `seccomp_unotify(2)`), which needs no privileges.
#![expect(unsafe_code, reason = "system calls that no safe interface offers, each with its reason")]

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::libc;
use nix::sys::prctl;

use crate::os::own_fd;

/// What is held up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// A file is looked up by its name.
    Lookup,
    /// A file is written through to its disk.
    Sync,
}

/// A system call that waits until it is told to go on.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    /// The kernel's number of this moment.
    id: u64,
    /// The system call.
    pub call: Call,
}

/// The calls that find a file by its name, of every kind that a loader or an interpreter uses.
const LOOKUPS: &[libc::c_long] = &[
    #[cfg(target_arch = "x86_64")]
    libc::SYS_open,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_stat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lstat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_access,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_readlink,
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_readlinkat,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_statx,
];

const SYNCS: &[libc::c_long] = &[libc::SYS_fsync, libc::SYS_fdatasync];

/// Words of the architecture in the kernel's `audit.h`: numbers of calls mean nothing without it.
#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xc000_00b7;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const ARCHITECTURE: u32 = 0;

/// Where the kernel puts what a filter reads: `struct seccomp_data`.
const NUMBER_AT: u32 = 0;
const ARCHITECTURE_AT: u32 = 4;
const FOURTH_ARGUMENT_AT: u32 = 16 + 3 * 8;

fn statement(code: u32, k: u32) -> libc::sock_filter {
    libc::sock_filter { code: u16::try_from(code).unwrap_or_default(), jt: 0, jf: 0, k }
}

fn jump(test: u32, k: u32, to: usize, or_to: usize) -> libc::sock_filter {
    let narrow = |steps: usize| u8::try_from(steps).unwrap_or(u8::MAX);
    let code = libc::BPF_JMP | test | libc::BPF_K;
    libc::sock_filter { jt: narrow(to), jf: narrow(or_to), ..statement(code, k) }
}

/// The filter's program: these calls are held up, all others pass.
fn program(lookups: bool, syncs: bool) -> Vec<libc::sock_filter> {
    const LOAD: u32 = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    const ANSWER: u32 = libc::BPF_RET | libc::BPF_K;
    let mut calls: Vec<&libc::c_long> = Vec::new();
    calls.extend(LOOKUPS.iter().filter(|_| lookups));
    calls.extend(SYNCS.iter().filter(|_| syncs));
    let word = |number: libc::c_long| u32::try_from(number).unwrap_or(u32::MAX);
    let mut filter = vec![
        statement(LOAD, ARCHITECTURE_AT),
        jump(libc::BPF_JEQ, ARCHITECTURE, 1, 0),
        statement(ANSWER, libc::SECCOMP_RET_ALLOW),
        statement(LOAD, NUMBER_AT),
    ];
    // Behind the comparisons: one for `newfstatat`, its two more, to pass, to be held.
    for (n, call) in calls.iter().enumerate() {
        filter.push(jump(libc::BPF_JEQ, word(**call), calls.len() - n + 3, 0));
    }
    let newfstatat = if lookups { word(libc::SYS_newfstatat) } else { u32::MAX };
    filter.push(jump(libc::BPF_JEQ, newfstatat, 0, 2));
    // With an empty path it asks about an open file: nothing is looked up.
    filter.push(statement(LOAD, FOURTH_ARGUMENT_AT));
    let empty_path = u32::try_from(libc::AT_EMPTY_PATH).unwrap_or_default();
    filter.push(jump(libc::BPF_JSET, empty_path, 0, 1));
    filter.push(statement(ANSWER, libc::SECCOMP_RET_ALLOW));
    filter.push(statement(ANSWER, libc::SECCOMP_RET_USER_NOTIF));
    filter
}

/// Puts the filter on this process and all that it becomes or starts; the holder of the result must let each held
/// call go on. An error: the system refuses, and nothing has changed but that privileges cannot be gained any more.
pub fn install(lookups: bool, syncs: bool) -> io::Result<OwnedFd> {
    if ARCHITECTURE == 0 {
        return Err(Errno::ENOSYS.into());
    }
    prctl::set_no_new_privs()?;
    let mut filter = program(lookups, syncs);
    let length = u16::try_from(filter.len()).expect("a filter of some twenty statements");
    let program = libc::sock_fprog { len: length, filter: filter.as_mut_ptr() };
    let install = |flags: libc::c_ulong| {
        let operation = libc::SECCOMP_SET_MODE_FILTER;
        // SAFETY: the kernel copies the program, which lives until the call returns.
        Errno::result(unsafe { libc::syscall(libc::SYS_seccomp, operation, flags, &program) })
    };
    let listener = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
    // Kernels before 5.19 do not know that a held call may wait through signals.
    let fd = install(listener | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
        .or_else(|_| install(listener))?;
    Ok(own_fd(i32::try_from(fd).map_err(io::Error::other)?))
}

/// The next held call; `None` if it ended meanwhile with its process.
pub fn receive(listener: &OwnedFd) -> io::Result<Option<Held>> {
    // SAFETY: a structure of numbers, for which zeros are values; the kernel asks for zeros.
    let mut notification: libc::seccomp_notif = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel writes one such structure.
    let received = Errno::result(unsafe {
        libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, &mut notification)
    });
    match received {
        Ok(_) => {}
        Err(Errno::ENOENT | Errno::EINTR) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let number = libc::c_long::from(notification.data.nr);
    let call = if SYNCS.contains(&number) { Call::Sync } else { Call::Lookup };
    Ok(Some(Held { id: notification.id, call }))
}

/// Lets it go on as if nothing had been.
pub fn go_on(listener: &OwnedFd, held: Held) {
    let flags = u32::try_from(libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE).unwrap_or_default();
    let answer = libc::seccomp_notif_resp { id: held.id, val: 0, error: 0, flags };
    // SAFETY: the kernel reads one such structure. A call that has ended meanwhile is an error of no interest.
    unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &answer) };
}
