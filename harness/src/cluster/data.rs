//! What faults do to the data directory of a stopped replica: to what is in it, and to nothing outside. A fault that
//! could reach farther, or would take too long, is refused.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Instant;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::unistd::{Whence, lseek};

use super::process::DATA;
use crate::fault::DiskFault;
use crate::files::folder::Folder;
use crate::limits;
use crate::seed::{self, Seed};

/// A file loses no more than this of its end.
const PAGE: u64 = 4096;

/// How much is read at a time.
const PIECE_BYTES: usize = 1 << 16;

/// The copy for [`DiskFault::OldCopy`], beside the data directory.
const OLD_COPY: &str = "data.old";

/// Empties the data directory in the folder of a replica.
pub fn wipe(place: &Folder) -> io::Result<()> {
    data(place)?.clear()
}

/// Copies the directory, for [`DiskFault::OldCopy`].
pub fn copy(place: &Folder) -> io::Result<()> {
    let old = place.below(OLD_COPY)?;
    old.clear()?;
    copy_to(&data(place)?, &old, &mut Budget::begin(), 0)
}

/// Damages it. What passes ([`DiskFault::passes`]) is up to how the replica is started.
pub fn damage(place: &Folder, disk_fault: DiskFault, draw: Seed) -> io::Result<()> {
    let data = data(place)?;
    let mut budget = Budget::begin();
    match disk_fault {
        DiskFault::ReadOnly | DiskFault::Full => Ok(()),
        DiskFault::OldCopy => {
            let old = place.inside(OsStr::new(OLD_COPY))?;
            data.clear()?;
            copy_to(&old, &data, &mut budget, 0)
        }
        DiskFault::Truncate => change_each(&data, |file, n| {
            let written = written(file, &mut budget)?;
            let most = usize::try_from(PAGE.min(written)).unwrap_or(1).max(1);
            let torn = 1 + seed::index(draw.draw(n), most) as u64;
            file.set_len(written.saturating_sub(torn))
        }),
        DiskFault::FlipBit => change_each(&data, |file, n| {
            let written = usize::try_from(written(file, &mut budget)?).unwrap_or(0);
            if written == 0 {
                return Ok(());
            }
            let bit = seed::index(draw.draw(n), written * 8);
            let (mut byte, at) = ([0], bit as u64 / 8);
            file.read_exact_at(&mut byte, at)?;
            file.write_all_at(&[byte[0] ^ (1 << (bit % 8))], at)
        }),
    }
}

/// A data directory in which nothing can be written, until this is dropped: also when the harness panics.
#[derive(Debug)]
pub struct ReadOnly {
    data: Folder,
    /// Its own permissions, and those of each file below, in order.
    modes: (u32, Vec<u32>),
}

impl ReadOnly {
    /// From now on.
    pub fn begin(place: &Folder) -> io::Result<Self> {
        let data = data(place)?;
        let mut modes = Vec::new();
        change_each(&data, |file, _| {
            modes.push(file.metadata()?.mode() & 0o7777);
            file.set_permissions(PermissionsExt::from_mode(0o444))
        })?;
        let guard = Self { modes: (data.mode()?, modes), data };
        guard.data.set_mode(0o555)?;
        Ok(guard)
    }

    fn end(&self) -> io::Result<()> {
        self.data.set_mode(self.modes.0)?;
        let mut modes = self.modes.1.iter();
        each(&self.data, 0, &mut |folder, name| {
            let mode = *modes.next().unwrap_or(&0o644);
            let file = folder.file_inside(name, OFlag::O_RDONLY)?;
            file.set_permissions(PermissionsExt::from_mode(mode))
        })
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        if let Err(reason) = self.end() {
            tracing::warn!("a data directory stays read-only: {reason}");
        }
    }
}

/// Up to where the file that was written farthest is full, to the end of its page: files that are extended
/// ahead of what is written are full there too.
pub fn written_farthest(place: &Folder) -> io::Result<u64> {
    let (mut farthest, mut budget) = (0, Budget::begin());
    each(&data(place)?, 0, &mut |folder, name| {
        let file = folder.file_inside(name, OFlag::O_RDONLY)?;
        farthest = written(&file, &mut budget)?.max(farthest);
        Ok(())
    })?;
    Ok(farthest.next_multiple_of(PAGE))
}

fn data(place: &Folder) -> io::Result<Folder> {
    place.inside(OsStr::new(DATA)).map_err(|error| about(OsStr::new(DATA), &error))
}

/// The most characters of a path that are told.
const TOLD_PATH: usize = 60;

/// What is wrong with a file, and its path.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", shortened(path))]
struct About {
    path: PathBuf,
    reason: String,
}

fn shortened(path: &Path) -> String {
    let path = path.display().to_string();
    if path.chars().count() <= TOLD_PATH {
        return path;
    }
    path.chars().take(TOLD_PATH).chain("...".chars()).collect()
}

fn about(name: &OsStr, error: &io::Error) -> io::Error {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<About>());
    let about = match inner {
        Some(inner) => {
            About { path: Path::new(name).join(&inner.path), reason: inner.reason.clone() }
        }
        None => About { path: name.into(), reason: error.to_string() },
    };
    io::Error::new(error.kind(), about)
}

/// Changes each file, once it is known that this changes no file anywhere else.
fn change_each(
    data: &Folder,
    mut change: impl FnMut(&File, u64) -> io::Result<()>,
) -> io::Result<()> {
    let open = |folder: &Folder, name: &OsStr| {
        let file = folder.file_inside(name, OFlag::O_RDWR)?;
        match file.metadata()?.nlink() {
            0 | 1 => Ok(file),
            n => Err(io::Error::other(format!("the file has {n} names (hard links)"))),
        }
    };
    each(data, 0, &mut |folder, name| open(folder, name).map(drop))?;
    let mut n = 0;
    each(data, 0, &mut |folder, name| {
        change(&open(folder, name)?, n)?;
        n += 1;
        Ok(())
    })
}

/// Visits the files below a directory, in order.
fn each(
    folder: &Folder,
    depth: usize,
    visit: &mut dyn FnMut(&Folder, &OsStr) -> io::Result<()>,
) -> io::Result<()> {
    if depth > limits::DISK_DEPTH {
        return Err(io::Error::other("its folders are too deep"));
    }
    for (name, kind) in folder.entries()? {
        let seen = if kind.is_dir() {
            folder.inside(&name).and_then(|below| each(&below, depth + 1, visit))
        } else if kind.is_file() {
            visit(folder, &name)
        } else {
            Ok(())
        };
        seen.map_err(|error| about(&name, &error))?;
    }
    Ok(())
}

/// What a disk fault may cost: the run stands still meanwhile.
struct Budget {
    bytes: u64,
    begun: Instant,
}

impl Budget {
    fn begin() -> Self {
        Self { bytes: limits::DISK_BYTES, begun: Instant::now() }
    }

    fn spend(&mut self, bytes: usize) -> io::Result<()> {
        self.bytes = self.bytes.saturating_sub(bytes as u64);
        if self.bytes == 0 {
            let most = limits::DISK_BYTES >> 20;
            return Err(io::Error::other(format!("there are more than {most} MB to read")));
        }
        if self.begun.elapsed() > limits::DISK_TIME {
            let seconds = limits::DISK_TIME.as_secs();
            return Err(io::Error::other(format!("it takes more than {seconds} s")));
        }
        Ok(())
    }
}

/// The next data of a file from a place on, as long as a hole does not come; `None` if only a hole is left. Where holes
/// cannot be told, all is data.
fn next_data(file: &File, from: u64) -> io::Result<Option<(u64, u64)>> {
    let at = i64::try_from(from).map_err(io::Error::other)?;
    let length = file.metadata()?.len();
    let begin = match lseek(file, at, Whence::SeekData) {
        Ok(begin) => begin,
        Err(Errno::ENXIO) => return Ok(None),
        Err(Errno::EINVAL) => return Ok((from < length).then_some((from, length))),
        Err(error) => return Err(error.into()),
    };
    let end = lseek(file, begin, Whence::SeekHole)?;
    let place = |at: i64| u64::try_from(at).map_err(io::Error::other);
    Ok(Some((place(begin)?, place(end)?)))
}

/// Up to where the file is more than zeros: some are extended ahead of what is written.
fn written(file: &File, budget: &mut Budget) -> io::Result<u64> {
    let mut written = 0;
    let mut from = 0;
    while let Some((begin, end)) = next_data(file, from)? {
        let mut at = begin;
        while at < end {
            let mut piece = vec![0; PIECE_BYTES];
            let length = piece.len().min(usize::try_from(end - at).unwrap_or(usize::MAX));
            let read = file.read_at(&mut piece[..length], at)?;
            if read == 0 {
                return Ok(written);
            }
            budget.spend(read)?;
            if let Some(last) = piece[..read].iter().rposition(|&byte| byte != 0) {
                written = at + last as u64 + 1;
            }
            at += read as u64;
        }
        from = end;
    }
    Ok(written)
}

fn copy_to(from: &Folder, to: &Folder, budget: &mut Budget, depth: usize) -> io::Result<()> {
    if depth > limits::DISK_DEPTH {
        return Err(io::Error::other("its folders are too deep"));
    }
    for (name, kind) in from.entries()? {
        let copied = if kind.is_dir() {
            to.make(&name)
                .and_then(|()| copy_to(&from.inside(&name)?, &to.inside(&name)?, budget, depth + 1))
        } else if kind.is_symlink() {
            from.read_link(&name).and_then(|target| to.link(&target, &name))
        } else if kind.is_file() {
            copy_file(from, to, &name, budget)
        } else {
            Ok(())
        };
        copied.map_err(|error| about(&name, &error))?;
    }
    Ok(())
}

/// Copies a file with its holes.
fn copy_file(from: &Folder, to: &Folder, name: &OsStr, budget: &mut Budget) -> io::Result<()> {
    let file = from.file_inside(name, OFlag::O_RDONLY)?;
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL;
    let copy = to.file_inside(name, flags)?;
    let metadata = file.metadata()?;
    let mut at = 0;
    while let Some((begin, end)) = next_data(&file, at)? {
        at = begin;
        while at < end {
            let mut piece = vec![0; PIECE_BYTES];
            let length = piece.len().min(usize::try_from(end - at).unwrap_or(usize::MAX));
            let read = file.read_at(&mut piece[..length], at)?;
            if read == 0 {
                break;
            }
            budget.spend(read)?;
            copy.write_all_at(&piece[..read], at)?;
            at += read as u64;
        }
        at = end;
    }
    copy.set_len(metadata.len())?;
    copy.set_permissions(metadata.permissions())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::*;

    fn open(folder: &tempfile::TempDir) -> Folder {
        Folder::open(folder.path()).unwrap()
    }

    #[test]
    fn each_disk_fault_does_what_it_says_to_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        fs::create_dir_all(data.join("deep")).unwrap();
        let file = data.join("deep/log");
        let mut content = vec![7; 10_000];
        content.resize(20_000, 0);
        fs::write(&file, &content).unwrap();
        let place = open(&folder);
        copy(&place).unwrap();

        damage(&place, DiskFault::FlipBit, Seed(3)).unwrap();
        let flipped = fs::read(&file).unwrap();
        let differing = flipped.iter().zip(&content).filter(|(a, b)| a != b).count();
        assert_eq!((flipped.len(), differing), (20_000, 1));
        assert_eq!(flipped[10_000..], content[10_000..], "only what was written is flipped");

        damage(&place, DiskFault::Truncate, Seed(3)).unwrap();
        let torn = fs::read(&file).unwrap().len();
        assert!((10_000 - 4096..10_000).contains(&torn), "{torn}");

        damage(&place, DiskFault::OldCopy, Seed(3)).unwrap();
        assert_eq!(fs::read(&file).unwrap(), content);
        assert_eq!(written_farthest(&place).unwrap(), 3 * 4096, "of the 20,000 that it is long");
        wipe(&place).unwrap();
        assert_eq!(fs::read_dir(&data).unwrap().count(), 0);
    }

    #[test]
    fn a_panic_leaves_no_directory_read_only() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let file = data.join("log");
        fs::create_dir(&data).unwrap();
        fs::write(&file, "x").unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        let panicked = std::panic::catch_unwind(|| {
            let _guard = ReadOnly::begin(&open(&folder)).unwrap();
            assert_eq!((mode(&data), mode(&file)), (0o555, 0o444));
            panic!("in the midst of a fault");
        });
        assert!(panicked.is_err());
        assert_eq!((mode(&data), mode(&file)), (0o755, 0o644));
    }

    const CHANGING: [DiskFault; 2] = [DiskFault::Truncate, DiskFault::FlipBit];

    #[test]
    fn nothing_outside_the_data_directory_is_changed() {
        let folder = tempfile::tempdir().unwrap();
        let outside = folder.path().join("outside");
        fs::create_dir(&outside).unwrap();
        let precious = outside.join("precious");
        fs::write(&precious, "precious").unwrap();
        let place = open(&folder);
        symlink(&outside, folder.path().join("data")).unwrap();
        for fault in CHANGING {
            let refused = damage(&place, fault, Seed(3)).unwrap_err().to_string();
            assert_eq!(refused, "data: it is a symbolic link");
        }
        assert!(wipe(&place).is_err() && copy(&place).is_err() && ReadOnly::begin(&place).is_err());

        fs::remove_file(folder.path().join("data")).unwrap();
        let data = folder.path().join("data");
        fs::create_dir(&data).unwrap();
        fs::hard_link(&precious, data.join("linked")).unwrap();
        fs::write(data.join("before"), "before").unwrap();
        for fault in CHANGING {
            let refused = damage(&place, fault, Seed(3)).unwrap_err().to_string();
            assert_eq!(refused, "linked: the file has 2 names (hard links)");
        }
        assert!(ReadOnly::begin(&place).is_err());
        assert_eq!(fs::read_to_string(data.join("before")).unwrap(), "before", "all or nothing");
        wipe(&place).unwrap();
        symlink(&precious, data.join("link")).unwrap();
        symlink(&outside, data.join("folder")).unwrap();
        for fault in CHANGING {
            damage(&place, fault, Seed(3)).unwrap();
        }
        drop(ReadOnly::begin(&place).unwrap());
        copy(&place).unwrap();
        damage(&place, DiskFault::OldCopy, Seed(3)).unwrap();
        assert_eq!(fs::read_link(data.join("link")).unwrap(), precious);
        wipe(&place).unwrap();
        assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
        let mode = precious.metadata().unwrap().permissions().mode() & 0o777;
        assert_ne!(mode, 0o444);
    }

    #[test]
    fn the_holes_of_a_file_cost_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        fs::create_dir(&data).unwrap();
        let sparse = File::create(data.join("sparse")).unwrap();
        sparse.write_all_at(b"begin", 0).unwrap();
        sparse.write_all_at(b"end", 200 << 30).unwrap();
        sparse.set_len(256 << 30).unwrap();
        let place = open(&folder);
        copy(&place).unwrap();
        assert_eq!(written_farthest(&place).unwrap(), (200 << 30) + PAGE);
        damage(&place, DiskFault::OldCopy, Seed(3)).unwrap();
        let copied = File::open(data.join("sparse")).unwrap();
        let mut end = [0; 3];
        copied.read_exact_at(&mut end, 200 << 30).unwrap();
        assert_eq!((copied.metadata().unwrap().len(), &end), (256 << 30, b"end"));
        assert!(copied.metadata().unwrap().blocks() < 1000, "its holes are holes again");
    }
}
