//! The memory allocator.

/// Gives freed memory back to the system. glibc keeps it, for each thread apart, so that one search after
/// another would fill a budget several times.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: any thread may call it at any time; it touches nothing but free memory.
    unsafe {
        nix::libc::malloc_trim(0);
    }
}
