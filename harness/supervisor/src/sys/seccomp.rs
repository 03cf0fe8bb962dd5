//! The filter on system calls, and the calls that it holds (`seccomp(2)`, `seccomp_unotify(2)`).

use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::errno::Errno;
use nix::libc;

/// A call that is held.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trap {
    /// The kernel's number of this moment.
    pub id: u64,
    /// The thread, by the supervisor's numbers.
    pub tid: i32,
    /// The number of the call.
    pub number: i64,
    /// Its arguments.
    pub args: [u64; 6],
}

/// How a held call goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It returns this.
    Value(i64),
    /// It fails with this.
    Error(i32),
    /// The kernel does it.
    Continue,
}

/// How many words a held call takes, as the kernel tells of it: `seccomp_notif`.
pub const WORDS: usize = 10;
/// The one of them that is not read: where in the program the call was made.
pub const UNREAD: usize = 3;

/// Waits for the next held call. `ENOENT`: it ended with its thread; `EINTR`: a signal came; `EINVAL`: these words are not
/// zeros, as the kernel asks for.
pub fn receive(listener: RawFd, into: &[AtomicU64; WORDS]) -> Result<Trap, Errno> {
    let at = into.as_ptr().cast_mut();
    // SAFETY: the kernel writes one such structure, which is as large; it may be written to through a shared reference.
    Errno::result(unsafe { libc::ioctl(listener, libc::SECCOMP_IOCTL_NOTIF_RECV, at) })?;
    let words: [u64; WORDS] = std::array::from_fn(|n| into[n].load(Ordering::Relaxed));
    let [id, pid, number, _, args @ ..] = words;
    Ok(Trap {
        id,
        // Behind each of the two are flags, or the architecture.
        tid: pid as u32 as i32,
        number: i64::from(number as u32 as i32),
        args,
    })
}

const _: () = assert!(size_of::<libc::seccomp_notif>() == 8 * WORDS);

/// Lets a held call go on. `ENOENT`: its thread has ended.
pub fn answer(listener: RawFd, id: u64, reply: Reply) -> Result<(), Errno> {
    let mut answer = libc::seccomp_notif_resp { id, val: 0, error: 0, flags: 0 };
    match reply {
        Reply::Value(value) => answer.val = value,
        Reply::Error(error) => answer.error = -error,
        Reply::Continue => answer.flags = libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32,
    }
    // SAFETY: the kernel reads one such structure.
    Errno::result(unsafe { libc::ioctl(listener, libc::SECCOMP_IOCTL_NOTIF_SEND, &answer) })?;
    Ok(())
}

/// A descriptor appears in the process of a held call: at this number, or at the lowest free one.
pub fn add_descriptor(
    listener: RawFd,
    id: u64,
    descriptor: RawFd,
    at: Option<RawFd>,
    closes_on_exec: bool,
) -> Result<RawFd, Errno> {
    let request = libc::seccomp_notif_addfd {
        id,
        flags: if at.is_some() { libc::SECCOMP_ADDFD_FLAG_SETFD as u32 } else { 0 },
        srcfd: descriptor as u32,
        newfd: at.unwrap_or(0) as u32,
        newfd_flags: if closes_on_exec { libc::O_CLOEXEC as u32 } else { 0 },
    };
    // SAFETY: the kernel reads one such structure.
    Errno::result(unsafe { libc::ioctl(listener, libc::SECCOMP_IOCTL_NOTIF_ADDFD, &request) })
}

/// On one processor the thread that is answered may run at once. Older kernels do not know that.
pub fn wake_in_place(listener: RawFd) {
    const SYNC_WAKE_UP: u64 = 1;
    // SAFETY: the argument is a number. A refusal changes nothing.
    unsafe { libc::ioctl(listener, libc::SECCOMP_IOCTL_NOTIF_SET_FLAGS, SYNC_WAKE_UP) };
}

/// The program of a filter.
pub struct Filter {
    statements: Vec<libc::sock_filter>,
}

/// What a filter does with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// It passes.
    Pass,
    /// It is held.
    Hold,
    /// It passes, unless the low word of this argument is one of these values.
    HoldIf(usize, &'static [u32]),
    /// It is held, unless the low word of this argument is this value.
    PassIf(usize, u32),
}

const LOAD: u32 = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
const ANSWER: u32 = libc::BPF_RET | libc::BPF_K;
const EQUAL: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
/// `AUDIT_ARCH_X86_64`: numbers of calls mean nothing without it.
const ARCHITECTURE: u32 = 0xc000_003e;
/// Where the kernel puts what a filter reads: `struct seccomp_data`.
const NUMBER_AT: u32 = 0;
const ARCHITECTURE_AT: u32 = 4;
const ARGUMENTS_AT: u32 = 16;

fn statement(code: u32, k: u32) -> libc::sock_filter {
    libc::sock_filter { code: code as u16, jt: 0, jf: 0, k }
}

/// If the loaded word is `k`, the next statement; if not, that after so many more.
fn unless(k: u32, skipped: usize) -> libc::sock_filter {
    libc::sock_filter { jf: skipped as u8, ..statement(EQUAL, k) }
}

impl Filter {
    /// Calls without a rule are held: what is not known is not let pass.
    pub fn new(rules: impl IntoIterator<Item = (i64, Rule)>) -> Self {
        let (pass, hold) = (
            statement(ANSWER, libc::SECCOMP_RET_ALLOW),
            statement(ANSWER, libc::SECCOMP_RET_USER_NOTIF),
        );
        let refuse = statement(ANSWER, libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32);
        let mut statements = vec![
            statement(LOAD, ARCHITECTURE_AT),
            libc::sock_filter { jt: 1, ..statement(EQUAL, ARCHITECTURE) },
            refuse,
            statement(LOAD, NUMBER_AT),
        ];
        for (number, rule) in rules {
            let number = number as u32;
            let load = |argument: usize| statement(LOAD, ARGUMENTS_AT + 8 * argument as u32);
            match rule {
                Rule::Pass => statements.extend([unless(number, 1), pass]),
                Rule::Hold => statements.extend([unless(number, 1), hold]),
                Rule::PassIf(argument, value) => {
                    let rest = [load(argument), unless(value, 1), pass, hold];
                    statements.push(unless(number, rest.len()));
                    statements.extend(rest);
                }
                Rule::HoldIf(argument, values) => {
                    statements.push(unless(number, 2 * values.len() + 2));
                    statements.push(load(argument));
                    for &value in values {
                        statements.extend([unless(value, 1), hold]);
                    }
                    statements.push(pass);
                }
            }
        }
        statements.push(hold);
        Self { statements }
    }

    /// Puts the filter on this process. Only calls the system: it is used between `fork` and `exec`.
    pub(super) fn install(&self) -> Result<RawFd, Errno> {
        let program = libc::sock_fprog {
            len: self.statements.len() as u16,
            filter: self.statements.as_ptr().cast_mut(),
        };
        let flags =
            libc::SECCOMP_FILTER_FLAG_NEW_LISTENER | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
        let operation = libc::SECCOMP_SET_MODE_FILTER;
        // SAFETY: numbers only.
        super::checked(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }.into())?;
        // SAFETY: the kernel copies the program, which lives until the call returns.
        let listener = super::checked(unsafe {
            libc::syscall(libc::SYS_seccomp, operation, flags, &program)
        })?;
        Ok(listener as RawFd)
    }
}
