//! The page that the supervisor shares with a process: the clocks between two calls.

use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicU64, Ordering};

use nix::errno::Errno;
use nix::libc;

use super::descriptors;

/// The size of a page.
pub const SIZE: usize = 4096;

/// The words of the page, as the replacement code of the vDSO knows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Word {
    /// The virtual time at which the thread was let go.
    Base,
    /// What reading clocks has cost since.
    Extra,
    /// At this time the supervisor is to be asked.
    Limit,
    /// What one reading costs.
    Step,
    /// The readings since.
    Reads,
    /// What the wall clock is ahead.
    Wall,
    /// The same of the monotonic clocks.
    Monotonic,
}

/// A page of numbers in front, a page of code behind.
pub struct SharedPage {
    file: OwnedFd,
    words: *mut AtomicU64,
}

impl SharedPage {
    /// A page for a process, with this code behind it.
    pub fn new(code: &[u8]) -> Result<Self, Errno> {
        let mut bytes = vec![0; 2 * SIZE];
        bytes[SIZE..SIZE + code.len()].copy_from_slice(code);
        let file = descriptors::memory_file(&bytes)?;
        let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
        // SAFETY: the kernel chooses the place of a new mapping.
        let at = unsafe {
            libc::mmap(std::ptr::null_mut(), SIZE, protection, flags, file.as_raw_fd(), 0)
        };
        if at == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        Ok(Self { file, words: at.cast() })
    }

    /// Its file.
    pub fn descriptor(&self) -> RawFd {
        self.file.as_raw_fd()
    }

    fn at(&self, word: Word) -> &AtomicU64 {
        // SAFETY: the mapping lives as long as this, is aligned, and holds more words than there are names.
        unsafe { &*self.words.add(word as usize) }
    }

    /// A word.
    pub fn get(&self, word: Word) -> u64 {
        self.at(word).load(Ordering::Relaxed)
    }

    /// Changes a word.
    pub fn set(&self, word: Word, value: u64) {
        self.at(word).store(value, Ordering::Relaxed);
    }
}

impl Drop for SharedPage {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and nobody has a reference into it any more.
        unsafe { libc::munmap(self.words.cast(), SIZE) };
    }
}
