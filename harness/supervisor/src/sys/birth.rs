//! A process is born: everything between `fork` and `exec`.

use std::ffi::CString;
use std::os::fd::{OwnedFd, RawFd};
use std::sync::atomic::Ordering;

use nix::errno::Errno;
use nix::libc;

use super::descriptors;
use super::namespaces::{Shared, World};
use super::seccomp::Filter;

/// Where the file of the shared page is until it is mapped: out of the way of what a program opens, as far as it may
/// have so many descriptors as `most`.
pub fn page_descriptor(most: Option<u64>) -> RawFd {
    const FAR: RawFd = 1013;
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: a structure that lives as long as the call.
    let ours = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } == 0;
    let most = most.into_iter().chain(ours.then_some(limit.rlim_cur)).min();
    let last = most.and_then(|most| RawFd::try_from(most).ok()).map_or(FAR, |most| most - 1);
    last.min(FAR)
}

/// What a process, and each one that it starts, may not do.
#[derive(Debug, Default)]
pub struct Bounds {
    /// The most that it may have of a resource, by its number (`RLIMIT_NOFILE`). A lower limit that is in force holds.
    pub resources: Vec<(u32, u64)>,
    /// A file that grows beyond what it may is an error of the call, and no reason to die.
    pub outlives_large_files: bool,
    /// What the permissions of files forbid is forbidden, also to root.
    pub obeys_permissions: bool,
    /// Control groups that it joins by these files, where it may.
    pub doors: Vec<OwnedFd>,
}

impl Bounds {
    /// In the child: it joins the groups.
    fn join(&self) {
        for door in &self.doors {
            // SAFETY: a text of one byte. Zero is the writing process. A group that cannot be joined limits nothing.
            unsafe { libc::write(std::os::fd::AsRawFd::as_raw_fd(door), c"0".as_ptr().cast(), 1) };
        }
    }

    /// In the child: the limits hold from here on. Only calls the system.
    fn begin(&self) -> Result<(), Errno> {
        /// The capability by which root writes where no permission allows it.
        const CAP_DAC_OVERRIDE: libc::c_ulong = 1;
        // SAFETY: numbers, and memory that was made before the fork.
        unsafe {
            if self.obeys_permissions {
                // It fails where the process has no privileges, and then it needs none to be taken.
                libc::prctl(libc::PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0);
            }
            if self.outlives_large_files {
                libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
            }
            for &(resource, most) in &self.resources {
                let mut limit: libc::rlimit = std::mem::zeroed();
                Errno::result(libc::getrlimit(resource, &raw mut limit))?;
                let most = most.min(limit.rlim_max);
                let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
                Errno::result(libc::setrlimit(resource, &raw const limit))?;
            }
        }
        Ok(())
    }
}

/// What becomes a process.
pub struct Birth<'a> {
    /// Its words; the first is the path of the program.
    pub words: &'a [CString],
    /// Its environment.
    pub environment: &'a [CString],
    /// Where it works.
    pub directory: &'a CString,
    /// Its standard descriptors.
    pub standard: [RawFd; 3],
    /// The file of the page that it shares with the supervisor.
    pub page: RawFd,
    /// Where that is in the process.
    pub page_at: RawFd,
    /// What it may not do.
    pub bounds: &'a Bounds,
    /// The filter on its calls.
    pub filter: &'a Filter,
    /// The world in which it is, unless in ours.
    pub world: Option<&'a World>,
}

/// A process that is held before its program is loaded.
pub struct Born {
    /// Its number.
    pub pid: i32,
    /// Its descriptor.
    pub process: OwnedFd,
    /// Where its held calls are told.
    pub listener: OwnedFd,
}

impl Birth<'_> {
    /// Starts it. Its first held call is that which loads the program.
    pub fn start(&self) -> Result<Born, Errno> {
        let pointers = |strings: &[CString]| {
            let pointers = strings.iter().map(|string| string.as_ptr());
            pointers.chain([std::ptr::null()]).collect::<Vec<_>>()
        };
        let (words, environment) = (pointers(self.words), pointers(self.environment));
        let told = Shared::new()?;
        let _alone = super::a_birth();
        // SAFETY: the child has its own copy of the memory, and only calls the system from there.
        let first = Errno::result(unsafe { libc::fork() })?;
        if first == 0 {
            self.become_it(&told, &words, &environment);
        }
        let mut pid = first;
        if self.world.is_some() {
            let told_pid = told.wait(1, first);
            // SAFETY: it is ours, and ends at once.
            unsafe { libc::waitpid(first, std::ptr::null_mut(), 0) };
            pid = told_pid.ok_or(Errno::ECHILD)?;
            if pid < 0 {
                return Err(Errno::from_raw(-pid));
            }
        }
        let listener = told.wait(0, pid).ok_or(Errno::ECHILD)?;
        if listener < 0 {
            // SAFETY: it is ours, and ends at once.
            unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) };
            return Err(Errno::from_raw(-listener));
        }
        let process = descriptors::of_process(pid)?;
        let listener = descriptors::duplicate(std::os::fd::AsRawFd::as_raw_fd(&process), listener)?;
        Ok(Born { pid, process, listener })
    }

    /// In the child. Only calls the system.
    fn become_it(
        &self,
        told: &Shared,
        words: &[*const libc::c_char],
        environment: &[*const libc::c_char],
    ) -> ! {
        // SAFETY: numbers, and memory that was made before the fork.
        unsafe {
            if let Some(world) = self.world {
                if let Err(error) = world.enter() {
                    told.at(1).store(-(error as i32), Ordering::Release);
                    libc::_exit(1);
                }
                // Its parent is ours: the end is told to us.
                let flags = (libc::CLONE_PARENT | libc::SIGCHLD).cast_unsigned();
                let pid =
                    libc::syscall(libc::SYS_clone, u64::from(flags), 0_u64, 0_u64, 0_u64, 0_u64);
                if pid != 0 {
                    let pid = if pid < 0 { -Errno::last_raw() } else { pid as i32 };
                    told.at(1).store(pid, Ordering::Release);
                    libc::_exit(0);
                }
            }
            match self.prepare() {
                Ok(listener) => told.at(0).store(listener, Ordering::Release),
                Err(error) => {
                    told.at(0).store(-(error as i32), Ordering::Release);
                    libc::_exit(1);
                }
            }
            libc::syscall(libc::SYS_execve, words[0], words.as_ptr(), environment.as_ptr());
            libc::syscall(libc::SYS_exit_group, 127);
            libc::abort();
        }
    }

    /// In the child: all but the program. Returns the listener of its filter.
    fn prepare(&self) -> Result<RawFd, Errno> {
        // SAFETY: numbers, and memory that was made before the fork.
        unsafe {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            libc::setpgid(0, 0);
            let no_randomness = libc::ADDR_NO_RANDOMIZE | libc::STICKY_TIMEOUTS;
            libc::personality(no_randomness as libc::c_ulong);
            libc::prctl(libc::PR_SET_TSC, libc::PR_TSC_SIGSEGV, 0, 0, 0);
            let mut none: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&raw mut none);
            libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
            for signal in 1..32 {
                libc::signal(signal, libc::SIG_DFL);
            }
            Errno::result(libc::chdir(self.directory.as_ptr()))?;
            self.bounds.join();
            // First out of the way of the three numbers, then there.
            let mut moved = [0; 4];
            for (moved, &from) in moved.iter_mut().zip(self.standard.iter().chain([&self.page])) {
                *moved = Errno::result(libc::fcntl(from, libc::F_DUPFD_CLOEXEC, 3))?;
            }
            for (place, &from) in [0, 1, 2, self.page_at].iter().zip(&moved) {
                Errno::result(libc::dup2(from, *place))?;
            }
            let (page, last) = (self.page_at.cast_unsigned(), u32::MAX);
            let before = libc::syscall(libc::SYS_close_range, 3, page - 1, 0);
            let behind = libc::syscall(libc::SYS_close_range, page + 1, last, 0);
            super::checked(before).and(super::checked(behind))?;
            self.bounds.begin()?;
            let listener = self.filter.install()?;
            libc::fcntl(listener, libc::F_SETFD, libc::FD_CLOEXEC);
            Ok(listener)
        }
    }
}

/// Keeps the calling thread, and what it starts, on one processor. Returns where it was.
pub fn pin(processor: usize) -> Result<libc::cpu_set_t, Errno> {
    // SAFETY: structures of numbers, for which zeros are values, and which live as long as the calls.
    unsafe {
        let (mut before, mut set): (libc::cpu_set_t, libc::cpu_set_t) = std::mem::zeroed();
        Errno::result(libc::sched_getaffinity(0, size_of_val(&before), &raw mut before))?;
        libc::CPU_SET(processor, &mut set);
        Errno::result(libc::sched_setaffinity(0, size_of_val(&set), &raw const set))?;
        Ok(before)
    }
}

/// Back to where it was.
pub fn unpin(before: &libc::cpu_set_t) {
    // SAFETY: a structure that lives as long as the call.
    unsafe { libc::sched_setaffinity(0, size_of_val(before), before) };
}

/// The processor on which the calling thread is.
pub fn processor() -> usize {
    // SAFETY: no arguments.
    usize::try_from(unsafe { libc::sched_getcpu() }).unwrap_or_default()
}

/// The calling thread, and what it starts, runs often and briefly: it is not to wait until others have had their fill.
/// Zero: as usual. Older kernels do not know that.
pub fn run_briefly(nanoseconds: u64) {
    // The kernel's `sched_attr`: size, policy, flags, nice, priority, runtime, deadline, period.
    let mut attributes = [0_u8; 48];
    // SAFETY: numbers only.
    let nice = unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) };
    attributes[..4].copy_from_slice(&48_u32.to_ne_bytes());
    attributes[16..20].copy_from_slice(&nice.to_ne_bytes());
    attributes[24..32].copy_from_slice(&nanoseconds.to_ne_bytes());
    // SAFETY: the kernel reads a structure of 48 bytes.
    unsafe { libc::syscall(libc::SYS_sched_setattr, 0, attributes.as_ptr(), 0) };
}
