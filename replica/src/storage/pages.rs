//! Writes records through to the disk, in whole pages and around the page cache.
//!
//! A write around the cache, over pages that the file has already, is on disk in half to two thirds
//! of the time of a write into the cache and an `fdatasync`.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use nix::fcntl::OFlag;

/// The unit of writing, and the size of the file's head.
pub const PAGE: usize = 4_096;

/// The growing end of a file.
#[derive(Debug)]
pub struct Pages {
    file: File,
    /// Where the last page begins that is not full.
    offset: u64,
    /// What it holds: written again with what follows.
    last: Vec<u8>,
    /// Room to put pages together in. What goes around the cache must lie in memory as a page does.
    memory: Vec<u8>,
}

impl Pages {
    /// Opens a file, to go on behind its first page.
    pub fn open(path: &Path) -> io::Result<Self> {
        let open = |flags: OFlag| {
            let mut options = OpenOptions::new();
            options.write(true).custom_flags((flags | OFlag::O_DSYNC).bits()).open(path)
        };
        // Some file systems know no way around the cache.
        let file = open(OFlag::O_DIRECT).or_else(|_| open(OFlag::empty()))?;
        Ok(Self { file, offset: PAGE as u64, last: Vec::new(), memory: Vec::new() })
    }

    /// The next record comes behind these bytes, which are all that the file has.
    pub fn go_on_behind(&mut self, bytes: &[u8]) {
        let full = bytes.len() - bytes.len() % PAGE;
        self.offset = full as u64;
        self.last = bytes[full..].to_vec();
    }

    /// Writes a record at the end, and returns when it is on disk.
    pub fn write(&mut self, record: &[u8]) -> io::Result<()> {
        let (begin, end) = (self.last.len(), self.last.len() + record.len());
        let length = end.next_multiple_of(PAGE);
        if self.memory.len() < length + PAGE {
            self.memory = vec![0; length + PAGE];
        }
        let aligned = self.memory.as_ptr().align_offset(PAGE);
        let pages = &mut self.memory[aligned..aligned + length];
        pages[..begin].copy_from_slice(&self.last);
        pages[begin..end].copy_from_slice(record);
        pages[end..].fill(0);
        self.file.write_all_at(pages, self.offset)?;
        let full = end - end % PAGE;
        self.last.clear();
        self.last.extend_from_slice(&pages[full..end]);
        self.offset += full as u64;
        Ok(())
    }
}
