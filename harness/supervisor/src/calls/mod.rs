//! What is done about each call that is held, a file a family.

mod descriptors;
mod files;
mod futexes;
mod io;
mod process;
mod random;
mod signals;
mod table;
mod timers;
mod times;
mod wait;

use nix::libc;

pub use table::{filter, name};

use crate::supervisor::{Supervisor, TaskId};

/// What comes of taking up a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It returns this.
    Value(i64),
    /// It fails with this number.
    Error(i32),
    /// The kernel does it now, without waiting.
    Continue,
    /// The kernel does it now, and what it wrote is changed before the thread goes on.
    Amend(Amendment),
    /// It waits on.
    Wait,
    /// It was answered already, and what came of that was seen.
    Done,
}

/// What is changed of that which the kernel wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amendment {
    /// The times of a file, in a structure there: the long one, or the short one.
    Times(u64, bool),
    /// What processes used, in a structure there.
    Usage(u64),
}

/// The restart of a call that a signal interrupted: the kernel's own number, never seen by programs.
pub const RESTART: i32 = 512;

impl Supervisor {
    /// Takes up a call that is held.
    pub(crate) fn take_up(&mut self, task: TaskId) -> Outcome {
        let call = self.task(task).call;
        match call.number {
            libc::SYS_clock_gettime
            | libc::SYS_gettimeofday
            | libc::SYS_time
            | libc::SYS_getcpu
            | libc::SYS_sched_yield
            | libc::SYS_nanosleep
            | libc::SYS_clock_nanosleep
            | libc::SYS_getrusage
            | libc::SYS_times
            | libc::SYS_sysinfo => self.of_time(task, call),
            libc::SYS_poll
            | libc::SYS_ppoll
            | libc::SYS_select
            | libc::SYS_pselect6
            | libc::SYS_epoll_wait
            | libc::SYS_epoll_pwait
            | libc::SYS_epoll_pwait2 => self.of_wait(task, call),
            libc::SYS_read
            | libc::SYS_readv
            | libc::SYS_recvfrom
            | libc::SYS_recvmsg
            | libc::SYS_recvmmsg
            | libc::SYS_accept
            | libc::SYS_accept4
            | libc::SYS_write
            | libc::SYS_writev
            | libc::SYS_sendto
            | libc::SYS_sendmsg
            | libc::SYS_sendmmsg
            | libc::SYS_connect
            | libc::SYS_bind
            | libc::SYS_shutdown
            | libc::SYS_close
            | libc::SYS_dup2
            | libc::SYS_dup3
            | libc::SYS_close_range => self.of_io(task, call),
            libc::SYS_futex | libc::SYS_futex_waitv => self.of_futex(task, call),
            libc::SYS_getrandom => self.get_random(task, call),
            libc::SYS_open | libc::SYS_openat | libc::SYS_openat2 | libc::SYS_creat => {
                self.open(task, call)
            }
            libc::SYS_stat
            | libc::SYS_lstat
            | libc::SYS_fstat
            | libc::SYS_newfstatat
            | libc::SYS_statx => Self::status(call),
            libc::SYS_getdents64 => self.list(task, call),
            libc::SYS_fsync | libc::SYS_fdatasync => self.sync(task),
            // It neither waits nor tells the time; a fault may come before it.
            libc::SYS_rename | libc::SYS_renameat | libc::SYS_renameat2 => Outcome::Continue,
            libc::SYS_flock => self.flock(task, call),
            libc::SYS_fcntl => self.lock(task, call),
            libc::SYS_clone
            | libc::SYS_clone3
            | libc::SYS_fork
            | libc::SYS_vfork
            | libc::SYS_execve
            | libc::SYS_execveat
            | libc::SYS_exit
            | libc::SYS_exit_group
            | libc::SYS_wait4
            | libc::SYS_waitid
            | libc::SYS_set_tid_address => self.of_process(task, call),
            libc::SYS_kill
            | libc::SYS_tkill
            | libc::SYS_tgkill
            | libc::SYS_rt_sigqueueinfo
            | libc::SYS_rt_tgsigqueueinfo
            | libc::SYS_pidfd_send_signal
            | libc::SYS_pause
            | libc::SYS_rt_sigsuspend
            | libc::SYS_rt_sigtimedwait => self.of_signal(task, call),
            libc::SYS_setitimer
            | libc::SYS_getitimer
            | libc::SYS_alarm
            | libc::SYS_timer_create
            | libc::SYS_timer_settime
            | libc::SYS_timer_gettime
            | libc::SYS_timer_getoverrun
            | libc::SYS_timer_delete
            | libc::SYS_timerfd_create
            | libc::SYS_timerfd_settime
            | libc::SYS_timerfd_gettime => self.of_timer(task, call),
            // Programs go on without the first; the second would tell on which processor they are.
            libc::SYS_io_uring_setup | libc::SYS_rseq => Outcome::Error(libc::ENOSYS),
            // There is one processor, whichever it is.
            libc::SYS_sched_getaffinity => self.one_processor(task, call),
            libc::SYS_prctl if call.args[0] == libc::PR_SET_SECCOMP as u64 => {
                self.used_call(task, "prctl(PR_SET_SECCOMP)".into());
                Outcome::Continue
            }
            // They could be let see the processor's clock again, or hide their memory and descriptors.
            libc::SYS_sched_setaffinity | libc::SYS_prctl => Outcome::Value(0),
            _ => {
                self.used_by(task, call.number);
                Outcome::Continue
            }
        }
    }
}
