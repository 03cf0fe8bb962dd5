//! What faults do to the data directory of a stopped replica.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::fault::DiskFault;
use crate::seed::{self, Seed};

/// A file loses no more than this of its end, and writes it in such pieces.
const PAGE: u64 = 4096;

/// Empties the directory.
pub fn wipe(directory: &Path) -> io::Result<()> {
    fs::remove_dir_all(directory)?;
    fs::create_dir_all(directory)
}

/// Copies the directory, for [`DiskFault::OldCopy`].
pub fn copy(directory: &Path) -> io::Result<()> {
    copy_to(directory, &old_copy_of(directory))
}

/// Damages it. What passes ([`DiskFault::passes`]) is up to how the replica is started.
pub fn damage(directory: &Path, disk_fault: DiskFault, draw: Seed) -> io::Result<()> {
    match disk_fault {
        DiskFault::ReadOnly | DiskFault::Full => Ok(()),
        DiskFault::OldCopy => {
            wipe(directory)?;
            copy_to(&old_copy_of(directory), directory)
        }
        DiskFault::Truncate => files(directory)?.iter().zip(0_u64..).try_for_each(|(path, n)| {
            let written = written(path)?;
            let torn = 1 + seed::index(
                draw.draw(n),
                usize::try_from(PAGE.min(written)).unwrap_or(1).max(1),
            ) as u64;
            fs::OpenOptions::new().write(true).open(path)?.set_len(written.saturating_sub(torn))
        }),
        DiskFault::FlipBit => files(directory)?.iter().zip(0_u64..).try_for_each(|(path, n)| {
            let mut bytes = fs::read(path)?;
            let written = usize::try_from(written(path)?).unwrap_or(0);
            if written == 0 {
                return Ok(());
            }
            let bit = seed::index(draw.draw(n), written * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            fs::write(path, bytes)
        }),
    }
}

/// A data directory in which nothing can be written, until this is dropped: also when the harness panics.
#[derive(Debug)]
pub struct ReadOnly(PathBuf);

impl ReadOnly {
    /// From now on.
    pub fn begin(directory: &Path) -> io::Result<Self> {
        let guard = Self(directory.to_owned());
        set_read_only(directory, true)?;
        Ok(guard)
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        if let Err(reason) = set_read_only(&self.0, false) {
            tracing::warn!("{} stays read-only: {reason}", self.0.display());
        }
    }
}

/// Forbids or allows writing there.
fn set_read_only(directory: &Path, is_read_only: bool) -> io::Result<()> {
    let (file_mode, directory_mode) = if is_read_only { (0o444, 0o555) } else { (0o644, 0o755) };
    for path in files(directory)? {
        fs::set_permissions(path, fs::Permissions::from_mode(file_mode))?;
    }
    fs::set_permissions(directory, fs::Permissions::from_mode(directory_mode))
}

/// Up to where the file that was written farthest is full, to the end of its page: files that are extended
/// ahead of what is written are full there too.
pub fn written_farthest(directory: &Path) -> io::Result<u64> {
    let mut ends = files(directory)?.into_iter().map(|path| written(&path));
    let farthest = ends.try_fold(0, |farthest, end| Ok::<_, io::Error>(end?.max(farthest)))?;
    Ok(farthest.next_multiple_of(PAGE))
}

fn old_copy_of(directory: &Path) -> PathBuf {
    directory.with_file_name("data.old")
}

/// Up to where the file is more than zeros: some are extended ahead of what is written.
fn written(path: &Path) -> io::Result<u64> {
    let bytes = fs::read(path)?;
    Ok(bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last as u64 + 1))
}

/// The files below a directory, in order.
fn files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.extend(files(&entry.path())?);
        } else if entry.file_type()?.is_file() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

fn copy_to(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_to(&entry.path(), &target)?;
        } else if entry.file_type()?.is_file() {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_disk_fault_does_what_it_says_to_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        fs::create_dir_all(data.join("deep")).unwrap();
        let file = data.join("deep/log");
        let mut content = vec![7; 10_000];
        content.resize(20_000, 0);
        fs::write(&file, &content).unwrap();
        copy(&data).unwrap();

        damage(&data, DiskFault::FlipBit, Seed(3)).unwrap();
        let flipped = fs::read(&file).unwrap();
        let differing = flipped.iter().zip(&content).filter(|(a, b)| a != b).count();
        assert_eq!((flipped.len(), differing), (20_000, 1));
        assert_eq!(flipped[10_000..], content[10_000..], "only what was written is flipped");

        damage(&data, DiskFault::Truncate, Seed(3)).unwrap();
        let torn = fs::read(&file).unwrap().len();
        assert!((10_000 - 4096..10_000).contains(&torn), "{torn}");

        damage(&data, DiskFault::OldCopy, Seed(3)).unwrap();
        assert_eq!(fs::read(&file).unwrap(), content);
        assert_eq!(written_farthest(&data).unwrap(), 3 * 4096, "of the 20,000 that it is long");
        wipe(&data).unwrap();
        assert_eq!(fs::read_dir(&data).unwrap().count(), 0);
    }

    #[test]
    fn a_panic_leaves_no_directory_read_only() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log");
        fs::write(&file, "x").unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        let panicked = std::panic::catch_unwind(|| {
            let _guard = ReadOnly::begin(folder.path()).unwrap();
            assert_eq!((mode(folder.path()), mode(&file)), (0o555, 0o444));
            panic!("in the midst of a fault");
        });
        assert!(panicked.is_err());
        assert_eq!((mode(folder.path()), mode(&file)), (0o755, 0o644));
    }
}
