//! A filter on a process's own system calls that lets another process hold some of them up: the kernel's user
//! notification (`seccomp(2)`, `seccomp_unotify(2)`), which needs no privileges.
#![expect(unsafe_code, reason = "system calls that no safe interface offers, each with its reason")]

use std::io::{self, IoSliceMut};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::process::Command;

use nix::cmsg_space;
use nix::errno::Errno;
use nix::libc;
use nix::sys::prctl;
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, MsgFlags, SockFlag, SockType, recvmsg, socketpair,
};

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
    /// The thread that waits.
    pub caller: i32,
    /// The number of the call.
    pub number: libc::c_long,
    /// What it was called with.
    pub arguments: [u64; 6],
}

impl Held {
    /// The kind of call, on a simulated host.
    pub fn call(&self) -> Call {
        if SYNCS.contains(&self.number) { Call::Sync } else { Call::Lookup }
    }
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
const FOURTH_ARGUMENT_AT: u32 = argument_at(3);

/// Where the lower half of an argument stands; both architectures have it first.
pub(super) const fn argument_at(n: u32) -> u32 {
    16 + n * 8
}

/// Words of a filter's program: reads a number, answers.
pub(super) const LOAD: u32 = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
pub(super) const ANSWER: u32 = libc::BPF_RET | libc::BPF_K;

/// The number of a call as a filter sees it.
pub(super) fn word(number: libc::c_long) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The beginning of each filter: calls of another architecture pass; then the call's number is read.
pub(super) fn beginning() -> Vec<libc::sock_filter> {
    vec![
        statement(LOAD, ARCHITECTURE_AT),
        jump(libc::BPF_JEQ, ARCHITECTURE, 1, 0),
        statement(ANSWER, libc::SECCOMP_RET_ALLOW),
        statement(LOAD, NUMBER_AT),
    ]
}

pub(super) fn statement(code: u32, k: u32) -> libc::sock_filter {
    libc::sock_filter { code: u16::try_from(code).unwrap_or_default(), jt: 0, jf: 0, k }
}

pub(super) fn jump(test: u32, k: u32, to: usize, or_to: usize) -> libc::sock_filter {
    let narrow = |steps: usize| u8::try_from(steps).unwrap_or(u8::MAX);
    let code = libc::BPF_JMP | test | libc::BPF_K;
    libc::sock_filter { jt: narrow(to), jf: narrow(or_to), ..statement(code, k) }
}

/// The filter's program: these calls are held up, all others pass.
fn program(lookups: bool, syncs: bool) -> Vec<libc::sock_filter> {
    let mut calls: Vec<&libc::c_long> = Vec::new();
    calls.extend(LOOKUPS.iter().filter(|_| lookups));
    calls.extend(SYNCS.iter().filter(|_| syncs));
    let mut filter = beginning();
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
    Ok(own_fd(put_on(&program(lookups, syncs))?))
}

/// Puts a filter on this process; the answer is its listener. Allocates nothing.
fn put_on(filter: &[libc::sock_filter]) -> Result<RawFd, Errno> {
    if ARCHITECTURE == 0 {
        return Err(Errno::ENOSYS);
    }
    let length = u16::try_from(filter.len()).map_err(|_| Errno::EINVAL)?;
    let program = libc::sock_fprog { len: length, filter: filter.as_ptr().cast_mut() };
    let install = |flags: libc::c_ulong| {
        let operation = libc::SECCOMP_SET_MODE_FILTER;
        // SAFETY: the kernel copies the program, which lives until the call returns, and changes none of it.
        Errno::result(unsafe { libc::syscall(libc::SYS_seccomp, operation, flags, &program) })
    };
    // What slows down speculation is for programs that are shut in, not for those that are watched.
    let listener = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER | libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    // Kernels before 5.19 do not know that a held call may wait through signals.
    let attempt = || {
        install(listener | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
            .or_else(|_| install(listener))
    };
    // Without privileges a process must give up to gain any.
    let fd = attempt().or_else(|_| prctl::set_no_new_privs().and_then(|()| attempt()))?;
    i32::try_from(fd).map_err(|_| Errno::EBADF)
}

/// Lets the child put this filter on itself before it becomes its program; its listener arrives at the result. Where
/// the system refuses the filter, the child does without.
pub fn give(command: &mut Command, filter: Vec<libc::sock_filter>) -> io::Result<OwnedFd> {
    use std::os::unix::process::CommandExt;
    let flags = SockFlag::SOCK_CLOEXEC;
    let (ours, its) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags)?;
    let hook = move || -> io::Result<()> {
        if let Ok(listener) = put_on(&filter) {
            send(its.as_raw_fd(), listener);
        }
        Ok(())
    };
    // SAFETY: between fork and exec the hook makes system calls and allocates nothing.
    unsafe { command.pre_exec(hook) };
    Ok(ours)
}

/// Sends a descriptor. Allocates nothing; what cannot be sent is closed with the program that begins.
fn send(channel: RawFd, descriptor: RawFd) {
    let mut byte = [0_u8];
    let mut part = libc::iovec { iov_base: byte.as_mut_ptr().cast(), iov_len: 1 };
    // As many bytes as a header and one descriptor take, on an address that suits the header.
    let mut space = [0_u64; 4];
    // SAFETY: a structure of numbers and pointers, for which zeros are values.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = space.as_mut_ptr().cast();
    // SAFETY: the macros of `cmsg(3)` compute with the space above, which is large enough for the one header; all of
    // it lives until the call returns.
    unsafe {
        let size = u32::try_from(size_of::<RawFd>()).unwrap_or(4);
        message.msg_controllen = libc::CMSG_SPACE(size) as _;
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(size) as _;
        std::ptr::write_unaligned(libc::CMSG_DATA(header).cast::<RawFd>(), descriptor);
        libc::sendmsg(channel, &raw const message, libc::MSG_NOSIGNAL);
    }
}

/// The listener that the child sent before it became its program; `None` if it did without.
pub fn taken(channel: &OwnedFd) -> Option<OwnedFd> {
    let mut byte = [0];
    let mut buffers = [IoSliceMut::new(&mut byte)];
    let mut space = cmsg_space!(RawFd);
    let flags = MsgFlags::MSG_CMSG_CLOEXEC | MsgFlags::MSG_DONTWAIT;
    let message = recvmsg::<()>(channel.as_raw_fd(), &mut buffers, Some(&mut space), flags).ok()?;
    message.cmsgs().ok()?.find_map(|part| match part {
        ControlMessageOwned::ScmRights(fds) => fds.first().map(|&fd| own_fd(fd)),
        _ => None,
    })
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
    Ok(Some(Held {
        id: notification.id,
        caller: i32::try_from(notification.pid).unwrap_or(0),
        number: libc::c_long::from(notification.data.nr),
        arguments: notification.data.args,
    }))
}

/// Lets it go on as if nothing had been.
pub fn go_on(listener: &OwnedFd, held: Held) {
    let flags = u32::try_from(libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE).unwrap_or_default();
    answer(listener, libc::seccomp_notif_resp { id: held.id, val: 0, error: 0, flags });
}

/// Lets it fail, as for want of a permission.
pub fn refuse(listener: &OwnedFd, held: Held) {
    let error = -(Errno::EPERM as i32);
    answer(listener, libc::seccomp_notif_resp { id: held.id, val: 0, error, flags: 0 });
}

fn answer(listener: &OwnedFd, answer: libc::seccomp_notif_resp) {
    // SAFETY: the kernel reads one such structure. A call that has ended meanwhile is an error of no interest.
    unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &answer) };
}
