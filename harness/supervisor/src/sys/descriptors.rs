//! The descriptors of other processes.

use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::libc;

fn own(descriptor: libc::c_long) -> OwnedFd {
    // SAFETY: the kernel has just made it for us.
    unsafe { OwnedFd::from_raw_fd(descriptor as RawFd) }
}

/// A descriptor of a process, by its number.
pub fn of_process(pid: i32) -> Result<OwnedFd, Errno> {
    // SAFETY: numbers only.
    Ok(own(super::checked(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })?))
}

/// A descriptor of a thread, by its number. Older kernels do not know that.
pub fn of_thread(tid: i32) -> Result<OwnedFd, Errno> {
    const THREAD: i32 = libc::O_EXCL;
    // SAFETY: numbers only.
    Ok(own(super::checked(unsafe { libc::syscall(libc::SYS_pidfd_open, tid, THREAD) })?))
}

/// A duplicate of a process's descriptor.
pub fn duplicate(process: RawFd, descriptor: RawFd) -> Result<OwnedFd, Errno> {
    let made = unsafe {
        // SAFETY: numbers only.
        libc::syscall(libc::SYS_pidfd_getfd, process, descriptor, 0)
    };
    Ok(own(super::checked(made)?))
}

/// Polls without waiting. Returns how many are ready.
pub fn poll(polled: &mut [libc::pollfd]) -> usize {
    loop {
        // SAFETY: the kernel reads and writes as many structures as there are.
        let ready = unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, 0) };
        match Errno::result(ready) {
            Ok(ready) => return ready as usize,
            Err(Errno::EINTR) => {}
            Err(_) => return 0,
        }
    }
}

/// Whether a descriptor never waits.
pub fn is_non_blocking(descriptor: RawFd) -> bool {
    // SAFETY: numbers only.
    let flags = unsafe { libc::fcntl(descriptor, libc::F_GETFL) };
    flags & libc::O_NONBLOCK != 0
}

/// Whether it is a socket.
pub fn is_socket(descriptor: RawFd) -> bool {
    // SAFETY: a structure of numbers, for which zeros are values.
    let mut told: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel writes one such structure.
    let result = unsafe { libc::fstat(descriptor, &raw mut told) };
    result == 0 && told.st_mode & libc::S_IFMT == libc::S_IFSOCK
}

/// How long a socket waits for what it receives (or sends), in nanoseconds, if it has a bound.
pub fn timeout(socket: RawFd, option: i32) -> Option<u64> {
    let mut time = libc::timeval { tv_sec: 0, tv_usec: 0 };
    let mut length = size_of::<libc::timeval>() as libc::socklen_t;
    // SAFETY: the kernel writes one such structure.
    let got = unsafe {
        libc::getsockopt(socket, libc::SOL_SOCKET, option, (&raw mut time).cast(), &raw mut length)
    };
    let nanoseconds =
        time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_usec.cast_unsigned() * 1_000;
    (got == 0 && nanoseconds > 0).then_some(nanoseconds)
}

/// An option of a socket that is a number.
pub fn option(socket: RawFd, option: i32) -> Option<i32> {
    let (mut value, mut length) = (0_i32, size_of::<i32>() as libc::socklen_t);
    // SAFETY: the kernel writes one number.
    let got = unsafe {
        libc::getsockopt(socket, libc::SOL_SOCKET, option, (&raw mut value).cast(), &raw mut length)
    };
    (got == 0).then_some(value)
}

/// The address of a socket, as the kernel writes it.
pub fn name(socket: RawFd) -> Option<Vec<u8>> {
    let mut bytes = vec![0_u8; 128];
    let mut length = bytes.len() as libc::socklen_t;
    // SAFETY: the kernel writes no more bytes than there are.
    let got = unsafe { libc::getsockname(socket, bytes.as_mut_ptr().cast(), &raw mut length) };
    bytes.truncate(length as usize);
    (got == 0).then_some(bytes)
}

/// Gives a socket an address.
pub fn bind(socket: RawFd, address: &[u8]) -> Result<(), Errno> {
    let length = address.len() as libc::socklen_t;
    // SAFETY: the kernel reads as many bytes as there are.
    Errno::result(unsafe { libc::bind(socket, address.as_ptr().cast(), length) })?;
    Ok(())
}

/// A file without a name that lives in memory.
pub fn memory_file(bytes: &[u8]) -> Result<OwnedFd, Errno> {
    // SAFETY: the name is a string of C.
    let made = unsafe { libc::memfd_create(c"virtual".as_ptr(), libc::MFD_CLOEXEC) };
    let file = own(Errno::result(made)?.into());
    let raw = std::os::fd::AsRawFd::as_raw_fd(&file);
    // SAFETY: the kernel reads as many bytes as there are.
    let written = unsafe { libc::pwrite(raw, bytes.as_ptr().cast(), bytes.len(), 0) };
    Errno::result(written)?;
    Ok(file)
}

/// A counter that can be polled (`eventfd(2)`).
pub fn counter(is_non_blocking: bool) -> Result<OwnedFd, Errno> {
    let flags = libc::EFD_CLOEXEC | if is_non_blocking { libc::EFD_NONBLOCK } else { 0 };
    // SAFETY: numbers only.
    Ok(own(Errno::result(unsafe { libc::eventfd(0, flags) })?.into()))
}

/// Adds to a counter.
pub fn count(counter: RawFd, by: u64) {
    let bytes = by.to_ne_bytes();
    // SAFETY: the kernel reads eight bytes. It has room: nothing else adds to it.
    let _ = unsafe { libc::write(counter, bytes.as_ptr().cast(), bytes.len()) };
}

/// Sets a counter to zero, without waiting.
pub fn reset(counter: RawFd) {
    let mut polled = [libc::pollfd { fd: counter, events: libc::POLLIN, revents: 0 }];
    if poll(&mut polled) > 0 {
        let mut bytes = [0_u8; 8];
        // SAFETY: the kernel writes eight bytes.
        let _ = unsafe { libc::read(counter, bytes.as_mut_ptr().cast(), bytes.len()) };
    }
}

/// `flock` on behalf of whoever shares the open file.
pub fn lock(file: RawFd, operation: i32) -> Result<(), Errno> {
    // SAFETY: numbers only.
    Errno::result(unsafe { libc::flock(file, operation | libc::LOCK_NB) })?;
    Ok(())
}
