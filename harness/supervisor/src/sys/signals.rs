//! Signals: those by which the kernel tells of stopped and ended processes, and those that processes are sent.

use std::os::fd::RawFd;
use std::sync::Once;
use std::sync::atomic::{AtomicI32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;

use super::seccomp::{self, Trap};

/// How many threads of a program may supervise at once.
const PLACES: usize = 64;
/// The threads that supervise, by their numbers; zero: a free place.
static SUPERVISORS: [AtomicI32; PLACES] = [const { AtomicI32::new(0) }; PLACES];
/// What a supervisor was woken for since it last looked.
static NEWS: [AtomicUsize; PLACES] = [const { AtomicUsize::new(0) }; PLACES];
/// Where the kernel puts the next held call of each.
static CALLS: [[AtomicU64; seccomp::WORDS]; PLACES] =
    [const { [const { AtomicU64::new(0) }; seccomp::WORDS] }; PLACES];
/// What the handler of `SIGCHLD` was before.
static BEFORE: AtomicUsize = AtomicUsize::new(0);
static INSTALL: Once = Once::new();

/// A process stopped or ended.
const CHANGE: usize = 1;
/// Some time is over.
const TICK: usize = 2;

/// The signal by which the handler wakes a supervisor.
fn kick() -> i32 {
    libc::SIGRTMIN() + 9
}

/// Notes it, and spoils the place where the next held call is to be put: the kernel refuses to write where there are no
/// zeros, so that a supervisor that is just about to wait does not. Of a call that is there already this changes nothing
/// that is read.
fn wake(place: usize, news: usize) {
    NEWS[place].fetch_or(news, Ordering::Relaxed);
    CALLS[place][seccomp::UNREAD].store(1, Ordering::Relaxed);
}

extern "C" fn woken(_: i32, information: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: no arguments; it may be used in a handler.
    let me = unsafe { libc::gettid() };
    // SAFETY: the kernel hands a structure to this kind of handler.
    let is_tick = unsafe { (*information).si_code } == libc::SI_TIMER;
    let mine = SUPERVISORS.iter().position(|it| it.load(Ordering::Relaxed) == me);
    if let Some(place) = mine {
        wake(place, if is_tick { TICK } else { CHANGE });
    }
}

/// The kernel may give `SIGCHLD` to any thread: each supervisor is woken.
extern "C" fn child(signal: i32, information: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: numbers only; these calls may be used in a handler.
    unsafe {
        let (process, me) = (libc::getpid(), libc::gettid());
        for (place, supervisor) in SUPERVISORS.iter().enumerate() {
            let tid = supervisor.load(Ordering::Relaxed);
            if tid == me {
                wake(place, CHANGE);
            } else if tid != 0 {
                libc::syscall(libc::SYS_tgkill, process, tid, kick());
            }
        }
    }
    let before = BEFORE.load(Ordering::Relaxed);
    if before > libc::SIG_IGN {
        // SAFETY: the handler that was installed before, with the three arguments that such a handler takes.
        let before = unsafe {
            std::mem::transmute::<usize, extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void)>(
                before,
            )
        };
        before(signal, information, context);
    }
}

fn install() {
    // SAFETY: structures of numbers, for which zeros are values; the handlers only use what a handler may use.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = child as extern "C" fn(_, _, _) as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
        let mut before: libc::sigaction = std::mem::zeroed();
        libc::sigaction(libc::SIGCHLD, &raw const action, &raw mut before);
        BEFORE.store(before.sa_sigaction, Ordering::Relaxed);
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = woken as extern "C" fn(_, _, _) as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
        libc::sigaction(kick(), &raw const action, std::ptr::null_mut());
    }
}

/// Why no held call came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// A process may have stopped or ended.
    Changed,
    /// Its thread is about to end.
    Gone,
    /// That, or some time is over.
    Tick,
    /// The system refuses.
    Refused(Errno),
}

/// As long as this lives, its thread is woken from [`next_call`](Self::next_call) when a process stops or ends, and from
/// time to time.
pub struct Wakes {
    place: usize,
    mask: libc::sigset_t,
    timer: libc::timer_t,
    /// It is about one thread.
    _not_sent: std::marker::PhantomData<*const ()>,
}

impl Wakes {
    /// For the calling thread. `None`: too many threads supervise already.
    pub fn begin(tick: Duration) -> Option<Self> {
        INSTALL.call_once(install);
        // SAFETY: numbers, and structures that live as long as the calls.
        unsafe {
            let me = libc::gettid();
            let free = |place: &AtomicI32| {
                place.compare_exchange(0, me, Ordering::Relaxed, Ordering::Relaxed).is_ok()
            };
            let place = SUPERVISORS.iter().position(free)?;
            let (mut taken, mut mask): (libc::sigset_t, libc::sigset_t) = std::mem::zeroed();
            libc::sigemptyset(&raw mut taken);
            libc::sigaddset(&raw mut taken, libc::SIGCHLD);
            libc::sigaddset(&raw mut taken, kick());
            libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const taken, &raw mut mask);
            let mut event: libc::sigevent = std::mem::zeroed();
            event.sigev_notify = libc::SIGEV_THREAD_ID;
            event.sigev_signo = kick();
            event.sigev_notify_thread_id = me;
            let mut timer: libc::timer_t = std::mem::zeroed();
            libc::timer_create(libc::CLOCK_MONOTONIC, &raw mut event, &raw mut timer);
            let time = libc::timespec {
                tv_sec: tick.as_secs() as i64,
                tv_nsec: i64::from(tick.subsec_nanos()),
            };
            let every = libc::itimerspec { it_interval: time, it_value: time };
            libc::timer_settime(timer, 0, &raw const every, std::ptr::null_mut());
            Some(Self { place, mask, timer, _not_sent: std::marker::PhantomData })
        }
    }

    /// Waits for the next held call.
    pub fn next_call(&self, listener: RawFd) -> Result<Trap, Woken> {
        let call = &CALLS[self.place];
        loop {
            for word in call {
                word.store(0, Ordering::Relaxed);
            }
            // What comes from here on spoils the place.
            match NEWS[self.place].swap(0, Ordering::Relaxed) {
                0 => {}
                news if news & TICK != 0 => return Err(Woken::Tick),
                _ => return Err(Woken::Changed),
            }
            match seccomp::receive(listener, call) {
                Ok(call) => return Ok(call),
                // A signal came; the place was spoiled.
                Err(Errno::EINTR | Errno::EINVAL) => {}
                // Or no process is left under the filter.
                Err(Errno::ENOENT) => return Err(Woken::Gone),
                Err(error) => return Err(Woken::Refused(error)),
            }
        }
    }
}

impl Drop for Wakes {
    fn drop(&mut self) {
        // SAFETY: the timer is ours, and the set is this thread's own of before.
        unsafe {
            libc::timer_delete(self.timer);
            SUPERVISORS[self.place].store(0, Ordering::Relaxed);
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.mask, std::ptr::null_mut());
        };
    }
}

/// A signal to a process.
pub fn send(pid: i32, signal: i32) -> Result<(), Errno> {
    // SAFETY: numbers only.
    Errno::result(unsafe { libc::kill(pid, signal) })?;
    Ok(())
}

/// A signal to a thread, as a timer sends it; `None`: to any thread of the process.
pub fn send_of_timer(pid: i32, tid: Option<i32>, signal: i32, value: u64) -> Result<(), Errno> {
    // The kernel's `siginfo_t`: three numbers, the timer's two, its value.
    let mut information = [0_u8; 128];
    information[0..4].copy_from_slice(&signal.to_ne_bytes());
    information[8..12].copy_from_slice(&libc::SI_TIMER.to_ne_bytes());
    information[24..32].copy_from_slice(&value.to_ne_bytes());
    // SAFETY: the kernel reads a structure of 128 bytes.
    super::checked(unsafe {
        match tid {
            Some(tid) => {
                libc::syscall(libc::SYS_rt_tgsigqueueinfo, pid, tid, signal, information.as_ptr())
            }
            None => libc::syscall(libc::SYS_rt_sigqueueinfo, pid, signal, information.as_ptr()),
        }
    })?;
    Ok(())
}
