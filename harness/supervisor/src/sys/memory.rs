//! The memory of other processes.

use nix::errno::Errno;
use nix::libc;

/// So many parts can be read at once.
const MOST_PARTS: usize = 4;

/// Reads from the memory of a thread: all of it, or an error.
pub fn read(tid: i32, at: u64, into: &mut [u8]) -> Result<(), Errno> {
    let length = into.len();
    if read_some(tid, at, into)? == length { Ok(()) } else { Err(Errno::EFAULT) }
}

/// Reads from the memory of a thread as far as there is any. Returns how much that is.
pub fn read_some(tid: i32, at: u64, into: &mut [u8]) -> Result<usize, Errno> {
    let length = into.len();
    read_parts(tid, &[(at, length)], into)
}

/// Reads these parts of the memory of a thread, by address and length, one behind the other. Returns how much was there.
pub fn read_parts(tid: i32, parts: &[(u64, usize)], into: &mut [u8]) -> Result<usize, Errno> {
    if into.is_empty() {
        return Ok(0);
    }
    let local = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    let mut remote = [libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }; MOST_PARTS];
    let count = parts.len().min(MOST_PARTS);
    for (remote, &(at, length)) in remote.iter_mut().zip(parts) {
        *remote = libc::iovec { iov_base: at as *mut libc::c_void, iov_len: length };
    }
    // SAFETY: the kernel writes into `into`, as far as that goes; the other addresses are not ours.
    let read = unsafe {
        libc::process_vm_readv(tid, &raw const local, 1, remote.as_ptr(), count as u64, 0)
    };
    Ok(Errno::result(read)? as usize)
}

/// Writes into the memory of a thread: all of it, or an error.
pub fn write(tid: i32, at: u64, from: &[u8]) -> Result<(), Errno> {
    if from.is_empty() {
        return Ok(());
    }
    let local = libc::iovec { iov_base: from.as_ptr().cast_mut().cast(), iov_len: from.len() };
    let remote = libc::iovec { iov_base: at as *mut libc::c_void, iov_len: from.len() };
    // SAFETY: the kernel only reads `from`; the other address is not ours.
    let count =
        unsafe { libc::process_vm_writev(tid, &raw const local, 1, &raw const remote, 1, 0) };
    if Errno::result(count)? as usize == from.len() { Ok(()) } else { Err(Errno::EFAULT) }
}
