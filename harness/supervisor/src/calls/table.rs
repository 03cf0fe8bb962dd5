//! The system's calls by name: which pass, and which are held. What is in neither list is held, too.

use std::os::fd::RawFd;

use nix::libc;

use crate::sys::seccomp::{Filter, Rule};

macro_rules! calls {
    ($($(#[$doc:meta])* $list:ident: $($name:ident),* $(,)?;)*) => {
        $($(#[$doc])* const $list: &[(i64, &str)] = &[$((libc::$name, stringify!($name))),*];)*
    };
}

calls! {
    /// These neither wait nor tell the time.
    PASSED:
    SYS_mmap, SYS_munmap, SYS_mprotect, SYS_brk, SYS_mremap, SYS_madvise, SYS_msync, SYS_mincore,
    SYS_mlock, SYS_munlock, SYS_mlock2, SYS_mlockall, SYS_munlockall, SYS_membarrier,
    SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_rt_sigpending, SYS_sigaltstack,
    SYS_access, SYS_faccessat,
    SYS_faccessat2, SYS_readlink, SYS_readlinkat, SYS_getcwd, SYS_chdir, SYS_fchdir, SYS_mkdir,
    SYS_mkdirat, SYS_rmdir, SYS_unlink, SYS_unlinkat,
    SYS_link, SYS_linkat, SYS_symlink, SYS_symlinkat, SYS_chmod, SYS_fchmod, SYS_fchmodat,
    SYS_chown, SYS_fchown, SYS_lchown, SYS_fchownat, SYS_umask, SYS_truncate, SYS_ftruncate,
    SYS_fallocate, SYS_lseek, SYS_pread64, SYS_pwrite64,
    SYS_fadvise64, SYS_statfs, SYS_fstatfs, SYS_utimensat, SYS_utime, SYS_utimes, SYS_futimesat,
    SYS_mknod, SYS_mknodat, SYS_getxattr, SYS_lgetxattr, SYS_fgetxattr, SYS_setxattr,
    SYS_lsetxattr, SYS_fsetxattr, SYS_listxattr, SYS_llistxattr, SYS_flistxattr, SYS_removexattr,
    SYS_lremovexattr, SYS_fremovexattr, SYS_dup, SYS_fcntl, SYS_ioctl, SYS_pipe, SYS_pipe2,
    SYS_socket, SYS_socketpair, SYS_listen, SYS_setsockopt, SYS_getsockopt, SYS_getsockname,
    SYS_getpeername, SYS_epoll_create, SYS_epoll_create1, SYS_epoll_ctl, SYS_eventfd,
    SYS_eventfd2, SYS_memfd_create, SYS_pidfd_open, SYS_inotify_init, SYS_inotify_init1,
    SYS_inotify_add_watch, SYS_inotify_rm_watch, SYS_getpid, SYS_getppid, SYS_gettid, SYS_getuid,
    SYS_geteuid, SYS_getgid, SYS_getegid, SYS_getresuid, SYS_getresgid, SYS_setuid, SYS_setgid,
    SYS_setreuid, SYS_setregid, SYS_setresuid, SYS_setresgid, SYS_getgroups, SYS_setgroups,
    SYS_setpgid, SYS_getpgid, SYS_getpgrp, SYS_setsid, SYS_getsid, SYS_getpriority,
    SYS_setpriority, SYS_capget, SYS_capset, SYS_prctl, SYS_arch_prctl, SYS_personality,
    SYS_uname, SYS_getrlimit, SYS_setrlimit, SYS_prlimit64, SYS_sched_getparam,
    SYS_sched_setparam, SYS_sched_getscheduler, SYS_sched_setscheduler,
    SYS_sched_get_priority_max, SYS_sched_get_priority_min, SYS_sched_rr_get_interval,
    SYS_sched_getattr, SYS_sched_setattr, SYS_set_robust_list, SYS_get_robust_list,
    SYS_get_thread_area, SYS_set_thread_area, SYS_restart_syscall, SYS_get_mempolicy,
    SYS_set_mempolicy, SYS_mbind, SYS_readahead, SYS_chroot, SYS_sync_file_range,
    SYS_process_madvise, SYS_pkey_alloc, SYS_pkey_free, SYS_pkey_mprotect, SYS_clock_getres,
    SYS_shmget, SYS_shmat, SYS_shmdt, SYS_shmctl, SYS_sync;
    /// The most frequent first: the filter compares in this order.
    HELD:
    SYS_read, SYS_write, SYS_recvfrom, SYS_sendto, SYS_recvmsg, SYS_sendmsg, SYS_poll, SYS_ppoll,
    SYS_epoll_wait, SYS_epoll_pwait, SYS_epoll_pwait2, SYS_futex, SYS_clock_gettime, SYS_select,
    SYS_pselect6, SYS_readv, SYS_writev, SYS_nanosleep, SYS_clock_nanosleep, SYS_sched_yield,
    SYS_gettimeofday, SYS_time, SYS_getcpu, SYS_pause, SYS_rt_sigsuspend, SYS_rt_sigtimedwait,
    SYS_sendmmsg, SYS_recvmmsg, SYS_accept, SYS_accept4, SYS_connect, SYS_bind, SYS_shutdown,
    SYS_dup2, SYS_dup3, SYS_close_range, SYS_getrandom, SYS_open, SYS_openat, SYS_openat2,
    SYS_creat, SYS_newfstatat, SYS_fstat, SYS_stat, SYS_lstat, SYS_statx, SYS_getdents64,
    SYS_getdents, SYS_fsync, SYS_fdatasync, SYS_rename, SYS_renameat, SYS_renameat2, SYS_clone,
    SYS_clone3, SYS_fork, SYS_vfork, SYS_execve,
    SYS_execveat, SYS_exit, SYS_exit_group, SYS_wait4, SYS_waitid, SYS_set_tid_address,
    SYS_sched_getaffinity, SYS_sched_setaffinity, SYS_rseq, SYS_kill, SYS_tkill, SYS_tgkill,
    SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, SYS_getrusage, SYS_times, SYS_sysinfo,
    SYS_setitimer, SYS_getitimer, SYS_alarm, SYS_timer_create, SYS_timer_settime,
    SYS_timer_gettime, SYS_timer_getoverrun, SYS_timer_delete, SYS_timerfd_create,
    SYS_timerfd_settime, SYS_timerfd_gettime, SYS_signalfd, SYS_signalfd4, SYS_flock,
    SYS_io_uring_setup, SYS_futex_waitv, SYS_sendfile, SYS_splice, SYS_tee, SYS_vmsplice,
    SYS_copy_file_range, SYS_semop, SYS_semtimedop, SYS_semget, SYS_msgget, SYS_msgsnd,
    SYS_msgrcv, SYS_mq_open, SYS_mq_timedsend, SYS_mq_timedreceive, SYS_preadv, SYS_pwritev,
    SYS_preadv2, SYS_pwritev2, SYS_ptrace, SYS_seccomp, SYS_clock_settime, SYS_settimeofday,
    SYS_clock_adjtime, SYS_adjtimex, SYS_unshare, SYS_setns, SYS_process_vm_readv,
    SYS_process_vm_writev, SYS_pidfd_getfd, SYS_pidfd_send_signal, SYS_userfaultfd, SYS_io_setup,
    SYS_io_submit, SYS_io_getevents, SYS_perf_event_open, SYS_bpf;
}

/// The name of a call.
pub fn name(number: i64) -> String {
    let known = HELD.iter().chain(PASSED).find(|(known, _)| *known == number);
    known.map_or_else(|| format!("call {number}"), |(_, name)| name.replacen("SYS_", "", 1))
}

/// The filter of all processes, in which the file of our page has this number until it is mapped.
pub fn filter(page: RawFd) -> Filter {
    const LOCKS: &[u32] = &[libc::F_SETLKW as u32, libc::F_OFD_SETLKW as u32];
    const OPTIONS: &[u32] =
        &[libc::PR_SET_TSC as u32, libc::PR_SET_DUMPABLE as u32, libc::PR_SET_SECCOMP as u32];
    let held = HELD.iter().map(|&(number, _)| (number, Rule::Hold));
    let special = [
        // Closed where the page is mapped, when the thread is followed step by step.
        (libc::SYS_close, Rule::PassIf(0, page as u32)),
        (libc::SYS_fcntl, Rule::HoldIf(1, LOCKS)),
        (libc::SYS_prctl, Rule::HoldIf(0, OPTIONS)),
    ];
    let is_special = move |number: i64| special.iter().any(|(known, _)| *known == number);
    let passed = PASSED.iter().map(|&(number, _)| (number, Rule::Pass));
    let passed = passed.filter(move |&(number, _)| !is_special(number));
    Filter::new(held.chain(special).chain(passed))
}
