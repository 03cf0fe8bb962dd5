//! One append-only file in a directory: every change is a checksummed record, on disk before
//! the call returns.
//!
//! The file must tell three things apart. *Nothing more was written*: only zeros follow, since the
//! file is extended in chunks of zeros ahead of the records. *A write was cut off by a crash*: the last
//! record ends at a page boundary and zeros follow, for the kernel stops a write of a killed
//! process between pages only; no other replica was told of that record, so it is wiped and forgotten.
//! *The file is damaged*: everything else, such as a record that does not match its checksum or a
//! file shorter than its head says; then nothing is served from it, since entries that this
//! replica has acknowledged may be missing.
//!
//! A store of one's own and not a database, because that distinction is the point: a database that
//! falls back to its last good state after damage would forget votes and entries in silence.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::pages::{PAGE, Pages};
use super::record::{self, ALIGNMENT, Change};
use super::{Ballot, Storage, StorageError};
use crate::core::{Entry, Id, Index, Saved};

/// The file's name in the data directory.
const FILE: &str = "raft.log";

/// What the file begins with.
const MAGIC: &[u8; 8] = b"RAFTLOG2";

/// By how much the file grows.
const CHUNK: u64 = 1 << 20;

/// The log file of one replica.
#[derive(Debug)]
pub struct Disk {
    id: Id,
    path: PathBuf,
    file: File,
    /// Writes the records.
    pages: Pages,
    /// Where the next record goes.
    end: u64,
    /// The size of the file.
    capacity: u64,
}

impl Disk {
    /// Opens the store in a directory, or makes both. Only one process can have it open.
    pub fn open(directory: &Path, id: Id) -> Result<Self, StorageError> {
        let path = directory.join(FILE);
        let io_error = |action| {
            let path = path.clone();
            move |reason| StorageError::Io { action, path, reason }
        };
        if !path.exists() {
            make(directory, &path, id).map_err(io_error("make"))?;
        }
        let opened = OpenOptions::new().read(true).write(true).open(&path);
        let file = opened.map_err(io_error("open"))?;
        file.try_lock().map_err(|error| {
            io_error("lock")(match error {
                TryLockError::WouldBlock => io::Error::other("another process has it open"),
                TryLockError::Error(error) => error,
            })
        })?;
        let pages = Pages::open(&path).map_err(io_error("open"))?;
        Ok(Self { id, path, file, pages, end: PAGE as u64, capacity: CHUNK })
    }

    fn io<T>(&self, action: &'static str, result: io::Result<T>) -> Result<T, StorageError> {
        let path = self.path.clone();
        result.map_err(|reason| StorageError::Io { action, path, reason })
    }

    fn corrupt(&self, offset: usize, what: impl Into<String>) -> StorageError {
        let (path, what) = (self.path.clone(), what.into());
        StorageError::Corrupt { path, offset: offset as u64, what }
    }

    /// Grows the file, to a multiple of a chunk whenever it is killed, and writes the zeros: over
    /// bytes that are on disk already a record is there sooner than in a hole, for which the file
    /// system has to find a place first. The head promises no more than there is.
    fn grow_to(&mut self, size: u64) -> io::Result<()> {
        let (old, grown) = (self.capacity, size.next_multiple_of(CHUNK));
        self.file.set_len(grown)?;
        let zeros = vec![0; PAGE];
        for offset in (old..grown).step_by(PAGE) {
            self.file.write_all_at(&zeros, offset)?;
        }
        self.file.sync_data()?;
        self.capacity = grown;
        self.file.write_all_at(&head(self.id, self.capacity), 0)
    }

    /// Checks the head, and learns from it how long the file must be.
    fn check_head(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        let head = bytes.get(..24).ok_or_else(|| self.corrupt(0, "the head is cut off"))?;
        if head[..8] != *MAGIC || crc32fast::hash(&head[..20]).to_le_bytes() != head[20..] {
            return Err(self.corrupt(0, "the head is not that of a store"));
        }
        let owner = Id(u16::from_le_bytes([head[8], head[9]]));
        if owner != self.id {
            return Err(self.corrupt(0, format!("it belongs to replica {owner}")));
        }
        let capacity = head[12..20].try_into().map(u64::from_le_bytes).unwrap_or_default();
        let length = bytes.len() as u64;
        if length < capacity || !length.is_multiple_of(CHUNK) {
            let what = format!("it is {length} bytes long, and was {capacity}");
            return Err(self.corrupt(bytes.len(), what));
        }
        if bytes[24..PAGE].iter().any(|&byte| byte != 0) {
            return Err(self.corrupt(24, "there is something between head and records"));
        }
        self.capacity = length;
        Ok(())
    }

    /// Reads records up to the end of what was written.
    fn scan(&mut self, bytes: &[u8]) -> Result<Saved, StorageError> {
        let written = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        let mut saved = Saved::default();
        let mut offset = PAGE;
        while offset < written {
            let Some(record) = self.record_at(bytes, offset, written)? else {
                let wiped = vec![0; written - offset];
                let wipe = self.file.write_all_at(&wiped, offset as u64);
                self.io("repair", wipe.and_then(|()| self.file.sync_data()))?;
                break;
            };
            let change = record::decode(offset as u64, record);
            let change = change.map_err(|what| self.corrupt(offset, what))?;
            apply(&mut saved, change).map_err(|what| self.corrupt(offset, what))?;
            offset += record.len();
        }
        self.end = offset as u64;
        self.pages.go_on_behind(&bytes[..offset]);
        Ok(saved)
    }

    /// The record that begins here, or none if a crash cut its write off.
    fn record_at<'a>(
        &self,
        bytes: &'a [u8],
        offset: usize,
        written: usize,
    ) -> Result<Option<&'a [u8]>, StorageError> {
        let header = bytes.get(offset..).and_then(|rest| rest.first_chunk::<ALIGNMENT>());
        let header = header.ok_or_else(|| self.corrupt(offset, "a header that is cut off"))?;
        let size = record::record_size(offset as u64, header);
        let end = offset.saturating_add(size.map_err(|what| self.corrupt(offset, what))?);
        if written.next_multiple_of(PAGE) < end && end <= bytes.len() {
            return Ok(None);
        }
        let record = bytes.get(offset..end);
        record.map(Some).ok_or_else(|| self.corrupt(offset, "a record longer than the file"))
    }
}

/// Makes an empty store under another name first, so that there is never half of one.
fn make(directory: &Path, path: &Path, id: Id) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let unfinished = path.with_extension("new");
    let mut file = File::create(&unfinished)?;
    io::copy(&mut io::repeat(0).take(CHUNK), &mut file)?;
    file.write_all_at(&head(id, CHUNK), 0)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    File::open(directory)?.sync_all()
}

/// The first page: magic, id, size of the file, checksum.
fn head(id: Id, capacity: u64) -> [u8; 24] {
    let mut head = [0; 24];
    head[..8].copy_from_slice(MAGIC);
    head[8..10].copy_from_slice(&id.0.to_le_bytes());
    head[12..20].copy_from_slice(&capacity.to_le_bytes());
    let checksum = crc32fast::hash(&head[..20]);
    head[20..].copy_from_slice(&checksum.to_le_bytes());
    head
}

/// Applies a record to what the earlier ones gave.
fn apply(saved: &mut Saved, change: Change) -> Result<(), &'static str> {
    if let Some(Ballot { term, vote }) = change.ballot {
        if term < saved.term {
            return Err("a term that falls");
        }
        (saved.term, saved.vote) = (term, vote);
    }
    if let Some((from, entries)) = change.log {
        let kept = usize::try_from(from.previous().0).map_err(|_| "an impossible index")?;
        if kept > saved.entries.len() {
            return Err("entries behind the end of the log");
        }
        saved.entries.truncate(kept);
        saved.entries.extend(entries);
    }
    Ok(())
}

impl Storage for Disk {
    fn load(&mut self) -> Result<Saved, StorageError> {
        let mut bytes = Vec::new();
        let read = self.file.read_to_end(&mut bytes);
        self.io("read", read)?;
        self.check_head(&bytes)?;
        self.scan(&bytes)
    }

    fn store(
        &mut self,
        ballot: Option<Ballot>,
        log: Option<(Index, &[Entry])>,
    ) -> Result<(), StorageError> {
        let record = record::encode(self.end, ballot, log);
        let end = self.end + record.len() as u64;
        if end > self.capacity {
            let grown = self.grow_to(end);
            self.io("extend", grown)?;
        }
        let written = self.pages.write(&record);
        self.io("write", written)?;
        self.end = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use tempfile::TempDir;

    use super::*;
    use crate::core::{Command, RequestId, Term};

    fn put(number: usize, size: usize) -> Entry {
        let id = RequestId { client: Id(0x15), mid: Arc::from(format!("M{number}")) };
        let value = Arc::from("v".repeat(size));
        Entry { term: Term(1), command: Command::Put { id, key: Arc::from("key"), value } }
    }

    fn open(directory: &TempDir) -> Disk {
        Disk::open(directory.path(), Id(3)).unwrap()
    }

    /// A store of a few changes, and what it must load.
    fn filled(directory: &TempDir) -> Saved {
        let mut disk = open(directory);
        assert_eq!(disk.load().unwrap(), Saved::default());
        let entries: Vec<_> = (0..5).map(|number| put(number, 3_000)).collect();
        let ballot = Ballot { term: Term(2), vote: Some(Id(1)) };
        disk.store(Some(ballot), Some((Index(1), &entries[..3]))).unwrap();
        disk.store(None, Some((Index(3), &entries[3..4]))).unwrap();
        disk.store(None, Some((Index(4), &entries[4..]))).unwrap();
        let kept = [0, 1, 3, 4].map(|place: usize| entries[place].clone());
        Saved { term: ballot.term, vote: ballot.vote, entries: kept.to_vec() }
    }

    #[test]
    fn what_was_stored_is_loaded_and_goes_on() {
        let directory = tempfile::tempdir().unwrap();
        let mut saved = filled(&directory);
        let mut disk = open(&directory);
        assert_eq!(disk.load().unwrap(), saved);
        for number in 10..900 {
            let entry = put(number, 2_000);
            let next = Index(saved.entries.len() as u64 + 1);
            disk.store(None, Some((next, std::slice::from_ref(&entry)))).unwrap();
            saved.entries.push(entry);
        }
        drop(disk);
        assert_eq!(open(&directory).load().unwrap(), saved);
    }

    #[test]
    fn a_store_is_open_once_and_belongs_to_one_replica() {
        let directory = tempfile::tempdir().unwrap();
        filled(&directory);
        let first = open(&directory);
        let error = Disk::open(directory.path(), Id(3)).unwrap_err().to_string();
        assert!(error.contains("another process"), "{error}");
        drop(first);
        let error = Disk::open(directory.path(), Id(4)).unwrap().load().unwrap_err().to_string();
        assert!(error.contains("belongs to replica 0003"), "{error}");
    }

    #[test]
    fn a_write_that_a_crash_cut_off_is_forgotten() {
        let directory = tempfile::tempdir().unwrap();
        let saved = filled(&directory);
        let (file, end) = (directory.path().join(FILE), {
            let mut disk = open(&directory);
            disk.load().unwrap();
            disk.end
        });
        let record = record::encode(end, None, Some((Index(5), &[put(9, 15_000)])));
        let page = PAGE as u64;
        let first_cut = (end + 1).next_multiple_of(page);
        for cut in (first_cut..end + record.len() as u64).step_by(PAGE) {
            let written = &record[..usize::try_from(cut - end).unwrap()];
            OpenOptions::new().write(true).open(&file).unwrap().write_all_at(written, end).unwrap();
            let mut disk = open(&directory);
            assert_eq!(disk.load().unwrap(), saved, "cut at {cut}");
            disk.store(None, Some((Index(5), &[]))).unwrap();
            drop(disk);
            assert_eq!(open(&directory).load().unwrap(), saved);
            // Back to where it was, for the next cut.
            let zeros = vec![0; record.len()];
            OpenOptions::new().write(true).open(&file).unwrap().write_all_at(&zeros, end).unwrap();
        }
    }

    #[test]
    fn a_file_cut_anywhere_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        filled(&directory);
        let whole = fs::read(directory.path().join(FILE)).unwrap();
        let mut random = ChaCha8Rng::seed_from_u64(7);
        for _ in 0..50 {
            let length = random.random_range(0..whole.len());
            fs::write(directory.path().join(FILE), &whole[..length]).unwrap();
            let error = open(&directory).load().unwrap_err().to_string();
            assert!(error.contains("corrupt"), "{length}: {error}");
        }
    }

    /// Above all in a length, which must not make a whole record look like one that was cut off.
    #[test]
    fn any_flipped_bit_of_a_header_is_found() {
        let directory = tempfile::tempdir().unwrap();
        filled(&directory);
        let whole = fs::read(directory.path().join(FILE)).unwrap();
        let second = PAGE + {
            let header = whole[PAGE..].first_chunk().unwrap();
            record::record_size(PAGE as u64, header).unwrap()
        };
        for start in [0, PAGE, second] {
            for bit in 0..8 * ALIGNMENT {
                let mut bytes = whole.clone();
                bytes[start + bit / 8] ^= 1 << (bit % 8);
                fs::write(directory.path().join(FILE), &bytes).unwrap();
                let error = open(&directory).load().unwrap_err().to_string();
                assert!(error.contains("corrupt"), "bit {bit} behind {start}: {error}");
                let left = fs::read(directory.path().join(FILE)).unwrap();
                assert!(left == bytes, "bit {bit} behind {start}: the evidence was changed");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn a_flipped_bit_is_never_served_from(place in 0.0..1.0_f64, bit in 0..8_u32) {
            let directory = tempfile::tempdir().unwrap();
            let saved = filled(&directory);
            let mut disk = open(&directory);
            disk.load().unwrap();
            let end = disk.end;
            drop(disk);
            let mut bytes = fs::read(directory.path().join(FILE)).unwrap();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place")]
            let place = (place * (end + 100) as f64) as usize;
            bytes[place] ^= 1 << bit;
            fs::write(directory.path().join(FILE), bytes).unwrap();
            let loaded = open(&directory).load();
            prop_assert!(loaded.is_err(), "{place}: {} entries", saved.entries.len());
        }
    }
}
