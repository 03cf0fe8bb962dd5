//! Threads that are followed (`ptrace(2)`): their births, their programs, their signals, their ends.

use nix::errno::Errno;
use nix::libc;

/// The registers of a thread.
pub type Registers = libc::user_regs_struct;

/// What happened to a followed thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It stopped with this signal; above its bits the kind of event.
    Stopped {
        /// The signal.
        signal: i32,
        /// The event, or zero.
        event: i32,
    },
    /// It ended, with this status of `wait`.
    Ended(i32),
}

/// Numbers of the kernel that the library lacks.
pub const EVENT_STOP: i32 = 128;

/// Follows a thread, and all that it starts.
pub fn seize(tid: i32) -> Result<(), Errno> {
    let options = libc::PTRACE_O_TRACEEXEC
        | libc::PTRACE_O_TRACECLONE
        | libc::PTRACE_O_TRACEFORK
        | libc::PTRACE_O_TRACEVFORK
        | libc::PTRACE_O_TRACEVFORKDONE
        | libc::PTRACE_O_EXITKILL;
    request(libc::PTRACE_SEIZE, tid, 0, options.cast_unsigned().into())
}

fn request(request: libc::c_uint, tid: i32, address: u64, data: u64) -> Result<(), Errno> {
    // SAFETY: for these requests address and data are numbers, or addresses of the followed process.
    let result = unsafe { libc::ptrace(request, tid, address, data) };
    Errno::result(result).map(|_| ())
}

/// Lets a stopped thread go on, with a signal or none.
pub fn go_on(tid: i32, signal: i32) -> Result<(), Errno> {
    request(libc::PTRACE_CONT, tid, 0, signal.cast_unsigned().into())
}

/// Stops a followed thread, once it would come back to its program: at the end of the call that the kernel does for it.
pub fn interrupt(tid: i32) -> Result<(), Errno> {
    request(libc::PTRACE_INTERRUPT, tid, 0, 0)
}

/// A stopped thread goes on, and is followed no more.
pub fn detach(tid: i32) -> Result<(), Errno> {
    request(libc::PTRACE_DETACH, tid, 0, 0)
}

/// Lets a stopped thread do one instruction.
pub fn step(tid: i32) -> Result<(), Errno> {
    request(libc::PTRACE_SINGLESTEP, tid, 0, 0)
}

/// What the kernel tells beside an event: the number of the new thread, or of the one that it was before.
pub fn message(tid: i32) -> Result<u64, Errno> {
    let mut message: libc::c_ulong = 0;
    // SAFETY: the kernel writes one word.
    let result = unsafe { libc::ptrace(libc::PTRACE_GETEVENTMSG, tid, 0, &raw mut message) };
    Errno::result(result).map(|_| message)
}

/// The registers of a stopped thread.
pub fn registers(tid: i32) -> Result<Registers, Errno> {
    // SAFETY: a structure of numbers, for which zeros are values.
    let mut registers: Registers = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel writes one such structure.
    let result = unsafe { libc::ptrace(libc::PTRACE_GETREGS, tid, 0, &raw mut registers) };
    Errno::result(result).map(|_| registers)
}

/// Changes the registers of a stopped thread.
pub fn set_registers(tid: i32, registers: &Registers) -> Result<(), Errno> {
    // SAFETY: the kernel reads one such structure.
    let result = unsafe { libc::ptrace(libc::PTRACE_SETREGS, tid, 0, registers) };
    Errno::result(result).map(|_| ())
}

/// A word of the memory of a stopped thread.
pub fn peek(tid: i32, at: u64) -> Result<u64, Errno> {
    Errno::clear();
    // SAFETY: the address is one of the followed process.
    let word = unsafe { libc::ptrace(libc::PTRACE_PEEKDATA, tid, at, 0_u64) };
    if word == -1 && Errno::last_raw() != 0 { Err(Errno::last()) } else { Ok(word.cast_unsigned()) }
}

/// Writes a word into the memory of a stopped thread, whatever protects it.
pub fn poke(tid: i32, at: u64, word: u64) -> Result<(), Errno> {
    request(libc::PTRACE_POKEDATA, tid, at, word)
}

/// Writes bytes into the memory of a stopped thread, whatever protects it.
pub fn poke_bytes(tid: i32, at: u64, bytes: &[u8]) -> Result<(), Errno> {
    for (part, bytes) in (0..).step_by(8).zip(bytes.chunks(8)) {
        let mut word = peek(tid, at + part)?.to_ne_bytes();
        word[..bytes.len()].copy_from_slice(bytes);
        poke(tid, at + part, u64::from_ne_bytes(word))?;
    }
    Ok(())
}

fn change(status: i32) -> Change {
    if libc::WIFSTOPPED(status) {
        Change::Stopped { signal: libc::WSTOPSIG(status), event: status >> 16 }
    } else {
        Change::Ended(status)
    }
}

/// What happened to some thread that this thread follows or started, if anything did.
pub fn next_change() -> Option<(i32, Change)> {
    let mut status = 0;
    let flags = libc::WNOHANG | libc::__WALL | libc::__WNOTHREAD;
    loop {
        // SAFETY: the kernel writes one number.
        let tid = unsafe { libc::waitpid(-1, &raw mut status, flags) };
        match Errno::result(tid) {
            Ok(0) | Err(Errno::ECHILD) => return None,
            Ok(tid) => return Some((tid, change(status))),
            Err(_) => {}
        }
    }
}

/// Waits for what happens next to this thread.
pub fn change_of(tid: i32) -> Option<Change> {
    let mut status = 0;
    loop {
        // SAFETY: the kernel writes one number.
        let waited = unsafe { libc::waitpid(tid, &raw mut status, libc::__WALL) };
        match Errno::result(waited) {
            Ok(_) => return Some(change(status)),
            Err(Errno::EINTR) => {}
            Err(_) => return None,
        }
    }
}
