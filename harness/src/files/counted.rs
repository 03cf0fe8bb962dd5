//! A file that remembers what was written to it, so that it can be told whether it still holds that, and nothing else.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use md5::{Digest, Md5};

use super::folder::Folder;

/// How much is read at a time.
const PIECE_BYTES: usize = 1 << 16;

/// What was written so far: how much, and its digest.
#[derive(Clone, Debug, Default)]
struct Sum {
    bytes: u64,
    digest: Md5,
}

impl Sum {
    fn add(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.digest.update(bytes);
    }

    fn equals(self, other: Self) -> bool {
        self.bytes == other.bytes && self.digest.finalize() == other.digest.finalize()
    }
}

/// An open file to which only this writes.
#[derive(Debug)]
pub struct Counted {
    file: File,
    sum: Arc<Mutex<Sum>>,
}

/// What a file must hold, to be asked when all was written.
#[derive(Debug)]
pub struct Seal {
    name: String,
    file: File,
    sum: Arc<Mutex<Sum>>,
}

/// What became of a file that only the harness writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// It holds what was written, under its name.
    Untouched,
    /// Its name is gone, or another file has it; what was written is still there without the name.
    Replaced,
    /// It holds something else.
    Altered,
}

impl Counted {
    /// A new file of this name, and its seal.
    pub fn create(folder: &Folder, name: &str) -> io::Result<(Self, Seal)> {
        Self::sealed(folder.create(name)?, name)
    }

    /// A new file without a name, and its seal.
    pub fn unnamed(folder: &Folder) -> io::Result<(Self, Seal)> {
        Self::sealed(folder.unnamed()?, "")
    }

    fn sealed(file: File, name: &str) -> io::Result<(Self, Seal)> {
        let sum = Arc::<Mutex<Sum>>::default();
        let seal = Seal { name: name.to_owned(), file: file.try_clone()?, sum: Arc::clone(&sum) };
        Ok((Self { file, sum }, seal))
    }

    /// Writes to a file of a test.
    #[cfg(test)]
    pub fn writing_to(file: File) -> Self {
        Self { file, sum: Arc::default() }
    }
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        lock(&self.sum).add(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seal {
    /// The file's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file was given this name.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    /// What became of the file in this folder.
    pub fn check(&self, folder: &Folder) -> io::Result<Found> {
        if !self.is_intact()? {
            return Ok(Found::Altered);
        }
        let ours = self.file.metadata()?;
        let named = folder.look(OsStr::new(&self.name));
        let is_ours = named.is_ok_and(|it| (it.st_dev, it.st_ino) == (ours.dev(), ours.ino()));
        Ok(if is_ours { Found::Untouched } else { Found::Replaced })
    }

    /// Whether the file holds what was written to it, and nothing else.
    pub fn is_intact(&self) -> io::Result<bool> {
        let mut sum = Sum::default();
        self.each_piece(|piece| {
            sum.add(piece);
            Ok(())
        })?;
        Ok(sum.equals(lock(&self.sum).clone()))
    }

    /// Writes what the file holds under its name again, in place of what has the name now.
    pub fn restore(&self, folder: &Folder) -> io::Result<()> {
        folder.replace(&self.name, |file| self.each_piece(|piece| file.write_all(piece)))
    }

    /// The file from its beginning, whatever has its name now.
    pub fn reopened(&self) -> io::Result<File> {
        // Opened anew where that is possible: a copy of a descriptor shares its place in the file.
        if let Ok(file) = File::open(format!("/proc/self/fd/{}", self.file.as_raw_fd())) {
            return Ok(file);
        }
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(0))?;
        Ok(file)
    }

    fn each_piece(&self, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let mut piece = vec![0; PIECE_BYTES];
        let mut at = 0;
        loop {
            match self.file.read_at(&mut piece, at) {
                Ok(0) => return Ok(()),
                Ok(read) => {
                    take(&piece[..read])?;
                    at += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn lock(sum: &Mutex<Sum>) -> MutexGuard<'_, Sum> {
    sum.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read;

    use super::*;

    #[test]
    fn a_file_is_untouched_replaced_or_altered() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::open(root.path()).unwrap();
        let (mut file, seal) = Counted::create(&folder, "history").unwrap();
        file.write_all(b"one\n").unwrap();
        file.write_all(b"two\n").unwrap();
        let path = root.path().join("history");
        assert_eq!(seal.check(&folder).unwrap(), Found::Untouched);

        fs::write(root.path().join("other"), "one\n").unwrap();
        fs::rename(root.path().join("other"), &path).unwrap();
        assert_eq!(seal.check(&folder).unwrap(), Found::Replaced);
        seal.restore(&folder).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\n");
        fs::remove_file(&path).unwrap();
        assert_eq!(seal.check(&folder).unwrap(), Found::Replaced);
        let mut text = String::new();
        seal.reopened().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "one\ntwo\n");

        for (written, why) in [(&b"ONE"[..], "altered"), (b"one\ntwo\nthree\n", "longer")] {
            file.file.write_all_at(written, 0).unwrap();
            assert_eq!(seal.check(&folder).unwrap(), Found::Altered, "{why}");
        }
    }
}
