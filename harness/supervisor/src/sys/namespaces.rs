//! A world of its own for processes: user, process, mount and network namespaces. Its first process lives as long as
//! the world, and all others end with it.

use std::cell::Cell;
use std::ffi::CString;
use std::fs;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI32, Ordering};

use nix::errno::Errno;
use nix::libc;

use super::descriptors;

/// The first process of such a world. Dropping it ends all of them.
pub struct World {
    pid: i32,
    process: OwnedFd,
    kinds: i32,
    /// What could not be had inside.
    pub refused: Vec<(&'static str, Errno)>,
}

/// A number that two processes share.
pub(super) struct Shared {
    number: *const AtomicI32,
}

impl Shared {
    pub(super) fn new() -> Result<Self, Errno> {
        let (protection, flags) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
        // SAFETY: the kernel chooses the place of a new mapping.
        let at = unsafe { libc::mmap(std::ptr::null_mut(), 4096, protection, flags, -1, 0) };
        if at == libc::MAP_FAILED { Err(Errno::last()) } else { Ok(Self { number: at.cast() }) }
    }

    pub(super) fn at(&self, place: usize) -> &AtomicI32 {
        // SAFETY: the mapping is zeros at first, aligned, holds 1024 numbers, and lives as long as this.
        unsafe { &*self.number.add(place % 1024) }
    }

    /// Waits until the number is not zero; `None`: the process ended before.
    pub(super) fn wait(&self, place: usize, pid: i32) -> Option<i32> {
        loop {
            let number = self.at(place).load(Ordering::Acquire);
            if number != 0 {
                return Some(number);
            }
            let mut information = [0_u64; 16];
            // SAFETY: numbers; the kernel writes a structure of 128 bytes. It is looked at only.
            let gone = unsafe {
                libc::sched_yield();
                let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
                let into = (&raw mut information).cast();
                libc::waitid(libc::P_PID, pid.cast_unsigned(), into, flags) != 0
                    || information[0] as i32 == libc::SIGCHLD
            };
            if gone && self.at(place).load(Ordering::Acquire) == 0 {
                return None;
            }
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours.
        unsafe { libc::munmap(self.number.cast_mut().cast(), 4096) };
    }
}

const MOUNT: usize = 1;
const PROC: usize = 2;
const TMP: usize = 3;
const NETWORK: usize = 4;
const OWN_TMP: &str = "a /tmp of its own";

/// What the first process does, between `clone` and its long sleep.
struct Inside {
    told: Shared,
    tmp: CString,
    seen: Vec<Seen>,
}

/// A directory that is seen inside under `/tmp`.
struct Seen {
    /// Where it is outside.
    path: CString,
    /// The steps to where it is inside.
    steps: Vec<CString>,
    /// Room for its descriptor.
    open: Cell<RawFd>,
}

impl Seen {
    fn new(path: &Path, inside: &Path) -> Self {
        let string = |path: &Path| CString::new(path.as_os_str().as_bytes()).unwrap_or_default();
        let mut steps: Vec<CString> = inside.ancestors().map(string).collect();
        steps.reverse();
        Self { path: string(path), steps, open: Cell::new(-1) }
    }
}

impl Inside {
    fn refused(&self, what: usize, result: i32) {
        if result != 0 {
            self.told.at(what).store(Errno::last_raw(), Ordering::Relaxed);
        }
    }

    /// Only calls the system: it is a copy of a process with other threads.
    fn live(&self) -> ! {
        // SAFETY: numbers, and strings that live as long as the calls.
        unsafe {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            while self.told.at(0).load(Ordering::Acquire) == 0 {
                libc::sched_yield();
            }
            let (null, private) = (std::ptr::null(), libc::MS_REC | libc::MS_PRIVATE);
            self.refused(MOUNT, libc::mount(null, c"/".as_ptr(), null, private, null.cast()));
            let (proc, at) = (c"proc".as_ptr(), c"/proc".as_ptr());
            self.refused(PROC, libc::mount(proc, at, proc, 0, null.cast()));
            let flags = libc::O_PATH | libc::O_DIRECTORY | libc::O_CLOEXEC;
            for seen in &self.seen {
                seen.open.set(libc::open(seen.path.as_ptr(), flags));
            }
            let (tmpfs, options) = (c"tmpfs".as_ptr(), c"mode=1777".as_ptr());
            let mounted = libc::mount(tmpfs, self.tmp.as_ptr(), tmpfs, 0, options.cast());
            self.refused(TMP, mounted);
            for Seen { steps, open, .. } in &self.seen {
                for step in steps {
                    libc::mkdir(step.as_ptr(), 0o777);
                }
                let Some(at) = steps.last().filter(|_| mounted == 0) else { continue };
                // Of the directory in which it is, the kernel knows what was there before.
                let flags = libc::MS_BIND | libc::MS_REC;
                let bound = libc::fchdir(open.get()) == 0
                    && libc::mount(c".".as_ptr(), at.as_ptr(), null, flags, null.cast()) == 0;
                self.refused(TMP, i32::from(!bound));
            }
            libc::chdir(c"/".as_ptr());
            let socket = libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0);
            let mut request: libc::ifreq = std::mem::zeroed();
            request.ifr_name[0] = b'l'.cast_signed();
            request.ifr_name[1] = b'o'.cast_signed();
            request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as i16;
            self.refused(NETWORK, libc::ioctl(socket, libc::SIOCSIFFLAGS, &raw mut request));
            libc::close(socket);
            // What the host's files are is no business of those inside.
            libc::syscall(libc::SYS_close_range, 3, u32::MAX, 0);
            libc::signal(libc::SIGCHLD, libc::SIG_IGN);
            self.told.at(0).store(2, Ordering::Release);
            loop {
                libc::pause();
            }
        }
    }
}

impl World {
    /// A new world. Directories that are kept are seen inside as they are outside, also under `/tmp`, which is new;
    /// those that are shown there are seen there.
    pub fn new(kept: &[PathBuf], shown: &[(PathBuf, PathBuf)]) -> Result<Self, Errno> {
        let other = libc::CLONE_NEWPID | libc::CLONE_NEWNS | libc::CLONE_NEWNET;
        // Who is root needs no users of its own.
        let with = |kinds| Self::with(kinds, kept, shown);
        with(other).or_else(|_| with(other | libc::CLONE_NEWUSER))
    }

    fn with(kinds: i32, kept: &[PathBuf], shown: &[(PathBuf, PathBuf)]) -> Result<Self, Errno> {
        let mut kept: Vec<&PathBuf> = kept
            .iter()
            .filter(|path| {
                path.starts_with("/tmp") && path.components().count() > 2 && path.is_dir()
            })
            .collect();
        // What lies in another one comes with it.
        kept.sort();
        kept.dedup_by(|path, before| path.starts_with(before));
        let seen = kept.into_iter().map(|path| Seen::new(path, path));
        let seen = seen.chain(shown.iter().map(|(path, inside)| Seen::new(path, inside))).collect();
        let inside = Inside { told: Shared::new()?, tmp: c"/tmp".to_owned(), seen };
        let flags = kinds | libc::SIGCHLD;
        let _alone = super::a_birth();
        // SAFETY: like `fork`: the child has its own copy of the memory, and only calls the system from there.
        let pid = unsafe {
            libc::syscall(
                libc::SYS_clone,
                u64::from(flags.cast_unsigned()),
                0_u64,
                0_u64,
                0_u64,
                0_u64,
            )
        };
        let pid = super::checked(pid)? as i32;
        if pid == 0 {
            inside.live();
        }
        let mut world =
            Self { pid, process: descriptors::of_process(pid)?, kinds, refused: Vec::new() };
        if kinds & libc::CLONE_NEWUSER != 0 {
            world.map_ids()?;
        }
        inside.told.at(0).store(1, Ordering::Release);
        while inside.told.at(0).load(Ordering::Acquire) != 2 {
            let mut polled =
                [libc::pollfd { fd: world.process.as_raw_fd(), events: libc::POLLIN, revents: 0 }];
            if descriptors::poll(&mut polled) > 0 {
                return Err(Errno::ECHILD);
            }
            // SAFETY: no arguments.
            unsafe { libc::sched_yield() };
        }
        let names = [(PROC, "a /proc of its own"), (TMP, OWN_TMP), (NETWORK, "a loopback")];
        let refused = names.into_iter().filter_map(|(what, name)| {
            let error = inside.told.at(what).load(Ordering::Relaxed);
            (error != 0).then(|| (name, Errno::from_raw(error)))
        });
        world.refused = refused.collect();
        Ok(world)
    }

    /// Whether its `/tmp` is as it was asked for.
    pub fn has_own_tmp(&self) -> bool {
        !self.refused.iter().any(|(what, _)| *what == OWN_TMP)
    }

    fn map_ids(&self) -> Result<(), Errno> {
        // SAFETY: no arguments.
        let (user, group) = unsafe { (libc::geteuid(), libc::getegid()) };
        let write = |name: &str, text: String| {
            fs::write(format!("/proc/{}/{name}", self.pid), text)
                .map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)))
        };
        write("setgroups", "deny".into())?;
        write("uid_map", format!("{user} {user} 1"))?;
        write("gid_map", format!("{group} {group} 1"))
    }

    /// A socket for datagrams at a port of the loopback inside.
    pub fn datagram_socket(&self, port: u16) -> Result<OwnedFd, Errno> {
        let _alone = super::a_birth();
        let told = Shared::new()?;
        // SAFETY: the child has its own copy of the memory, and only calls the system from there.
        let pid = Errno::result(unsafe { libc::fork() })?;
        if pid == 0 {
            let made = self.enter().and_then(|()| bound(port));
            told.at(0).store(made.unwrap_or_else(|error| -(error as i32)), Ordering::Release);
            loop {
                // SAFETY: no arguments.
                unsafe { libc::pause() };
            }
        }
        let made = told.wait(0, pid).ok_or(Errno::ECHILD).and_then(|made| {
            if made < 0 {
                return Err(Errno::from_raw(-made));
            }
            descriptors::duplicate(descriptors::of_process(pid)?.as_raw_fd(), made)
        });
        // SAFETY: the process is ours: it was not waited for.
        unsafe {
            libc::kill(pid, libc::SIGKILL);
            libc::waitpid(pid, std::ptr::null_mut(), libc::__WALL);
        }
        made
    }

    /// Makes the calling process one whose children are inside. Only calls the system.
    pub(super) fn enter(&self) -> Result<(), Errno> {
        // SAFETY: numbers only.
        Errno::result(unsafe { libc::setns(self.process.as_raw_fd(), self.kinds) })?;
        Ok(())
    }
}

/// A socket at a port of the loopback. Only calls the system.
fn bound(port: u16) -> Result<RawFd, Errno> {
    // SAFETY: numbers, and a structure of numbers that lives as long as the call.
    unsafe {
        let socket =
            Errno::result(libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0))?;
        let mut address: libc::sockaddr_in = std::mem::zeroed();
        address.sin_family = libc::AF_INET as u16;
        address.sin_port = port.to_be();
        address.sin_addr.s_addr = u32::from_be_bytes([127, 0, 0, 1]).to_be();
        let length = size_of_val(&address) as libc::socklen_t;
        Errno::result(libc::bind(socket, (&raw const address).cast(), length))?;
        Ok(socket)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // SAFETY: the process is ours: it was not waited for.
        unsafe {
            libc::kill(self.pid, libc::SIGKILL);
            libc::waitpid(self.pid, std::ptr::null_mut(), libc::__WALL);
        }
    }
}
