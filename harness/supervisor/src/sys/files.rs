//! Files on disks: which they are, when they changed, and what is in a directory.

use std::mem::offset_of;
use std::os::fd::RawFd;

use nix::errno::Errno;
use nix::libc;

/// A file: the device, and its number there.
pub type FileId = (u64, u64);

/// Which regular file this is; none: it is something else.
pub fn regular(descriptor: RawFd) -> Option<FileId> {
    // SAFETY: a structure of numbers, for which zeros are values, and which the kernel writes.
    let status = unsafe {
        let mut status: libc::stat = std::mem::zeroed();
        Errno::result(libc::fstat(descriptor, &raw mut status)).ok()?;
        status
    };
    (status.st_mode & libc::S_IFMT == libc::S_IFREG).then_some((status.st_dev, status.st_ino))
}

/// What the kernel tells of a file: `struct stat`, or `struct statx`, as it lies in memory.
pub struct Status {
    bytes: Vec<u8>,
    is_long: bool,
}

/// A time in such a structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// When it was read.
    Read,
    /// When it was written to.
    Written,
    /// When anything about it changed.
    Changed,
    /// When it was made. Only the long structure knows that.
    Made,
}

impl Status {
    /// How many bytes there are.
    pub fn length(is_long: bool) -> usize {
        if is_long { size_of::<libc::statx>() } else { size_of::<libc::stat>() }
    }

    /// From as many bytes.
    pub fn new(bytes: Vec<u8>, is_long: bool) -> Self {
        debug_assert_eq!(bytes.len(), Self::length(is_long));
        Self { bytes, is_long }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn number<const N: usize>(&self, at: usize) -> u64 {
        let mut number = [0; 8];
        number[..N].copy_from_slice(&self.bytes[at..at + N]);
        u64::from_le_bytes(number)
    }

    /// Which file it is about.
    pub fn file(&self) -> FileId {
        if self.is_long {
            let major = self.number::<4>(offset_of!(libc::statx, stx_dev_major));
            let minor = self.number::<4>(offset_of!(libc::statx, stx_dev_minor));
            let device = libc::makedev(major as u32, minor as u32);
            (device, self.number::<8>(offset_of!(libc::statx, stx_ino)))
        } else {
            (
                self.number::<8>(offset_of!(libc::stat, st_dev)),
                self.number::<8>(offset_of!(libc::stat, st_ino)),
            )
        }
    }

    fn place(&self, time: Time) -> Option<usize> {
        Some(match (self.is_long, time) {
            (false, Time::Read) => offset_of!(libc::stat, st_atime),
            (false, Time::Written) => offset_of!(libc::stat, st_mtime),
            (false, Time::Changed) => offset_of!(libc::stat, st_ctime),
            (false, Time::Made) => return None,
            (true, Time::Read) => offset_of!(libc::statx, stx_atime),
            (true, Time::Written) => offset_of!(libc::statx, stx_mtime),
            (true, Time::Changed) => offset_of!(libc::statx, stx_ctime),
            (true, Time::Made) => offset_of!(libc::statx, stx_btime),
        })
    }

    /// A time, in nanoseconds since 1970.
    pub fn get(&self, time: Time) -> u64 {
        let Some(at) = self.place(time) else { return 0 };
        let rest = if self.is_long { self.number::<4>(at + 8) } else { self.number::<8>(at + 8) };
        self.number::<8>(at).saturating_mul(1_000_000_000).saturating_add(rest)
    }

    /// Changes a time.
    pub fn set(&mut self, time: Time, nanoseconds: u64) {
        let Some(at) = self.place(time) else { return };
        let (seconds, rest) = (nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
        self.bytes[at..at + 8].copy_from_slice(&seconds.to_le_bytes());
        let width = if self.is_long { 4 } else { 8 };
        self.bytes[at + 8..at + 8 + width].copy_from_slice(&rest.to_le_bytes()[..width]);
    }
}

/// Reads on in a directory, as the kernel writes its entries: as many as there is room for. A signal would end that.
pub fn entries(directory: RawFd, into: &mut [u8]) -> Result<usize, Errno> {
    // SAFETY: sets that live as long as the calls; the kernel writes no more bytes than there are.
    let read = unsafe {
        let (mut all, mut before): (libc::sigset_t, libc::sigset_t) = std::mem::zeroed();
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const all, &raw mut before);
        let read = libc::syscall(libc::SYS_getdents64, directory, into.as_mut_ptr(), into.len());
        let read = super::checked(read);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, std::ptr::null_mut());
        read
    };
    Ok(read? as usize)
}

/// Sorts the entries of a directory by name. Where one may read on behind each stays in its place.
pub fn sort_entries(bytes: &mut [u8]) {
    const OFFSET: usize = 8;
    const LENGTH: usize = 16;
    const NAME: usize = 19;
    let mut entries = Vec::new();
    let mut at = 0;
    while at + NAME <= bytes.len() {
        let length = usize::from(u16::from_le_bytes([bytes[at + LENGTH], bytes[at + LENGTH + 1]]));
        let Some(entry) = bytes.get(at..at + length.max(NAME)) else { return };
        entries.push(entry.to_vec());
        at += length.max(NAME);
    }
    let offsets: Vec<[u8; 8]> =
        entries.iter().map(|it| it[OFFSET..LENGTH].try_into().unwrap_or_default()).collect();
    let name = |entry: &Vec<u8>| {
        entry[NAME..].split(|&byte| byte == 0).next().unwrap_or_default().to_vec()
    };
    entries.sort_by_key(name);
    let mut at = 0;
    for (entry, offset) in entries.iter_mut().zip(offsets) {
        entry[OFFSET..LENGTH].copy_from_slice(&offset);
        bytes[at..at + entry.len()].copy_from_slice(entry);
        at += entry.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(offset: u8, name: &str) -> Vec<u8> {
        let mut bytes = vec![0; 24 + name.len() / 8 * 8];
        (bytes[8], bytes[16]) = (offset, bytes.len() as u8);
        bytes[19..19 + name.len()].copy_from_slice(name.as_bytes());
        bytes
    }

    #[test]
    fn entries_are_sorted_and_offsets_stay() {
        let mut bytes = [entry(1, "c"), entry(2, "a-long-name"), entry(3, "b")].concat();
        sort_entries(&mut bytes);
        assert_eq!(bytes, [entry(1, "a-long-name"), entry(2, "b"), entry(3, "c")].concat());
    }

    #[test]
    fn times_are_written_where_they_are_read() {
        for is_long in [false, true] {
            let mut status = Status::new(vec![0; Status::length(is_long)], is_long);
            status.set(Time::Written, 1_234_567_890_123);
            assert_eq!(status.get(Time::Written), 1_234_567_890_123);
            assert_eq!((status.get(Time::Read), status.get(Time::Changed)), (0, 0));
        }
    }
}
