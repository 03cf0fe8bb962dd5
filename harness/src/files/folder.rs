//! A folder that stays the same one whatever its path means by then: what lies in it is opened relative to it, and no
//! symbolic link is followed.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, FileType};
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::errno::Errno;
use nix::fcntl::{
    AtFlags, OFlag, OpenHow, ResolveFlag, open, openat, openat2, readlinkat, renameat,
};
use nix::sys::stat::{FchmodatFlags, FileStat, Mode, fchmod, fchmodat, fstatat, mkdirat};
use nix::unistd::{UnlinkatFlags, symlinkat, unlinkat};

const NEVER_FOLLOWED: OFlag = OFlag::O_NOFOLLOW.union(OFlag::O_CLOEXEC);

/// The name, for a moment, of a file that has none.
const UNNAMED: &str = "unnamed.part";

/// An open folder.
#[derive(Clone, Debug)]
pub struct Folder(Arc<OwnedFd>);

impl Folder {
    /// Opens the folder at `path`, which the user chose: links that lead there are followed.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        Ok(Self(Arc::new(open(path, flags, Mode::empty())?)))
    }

    /// Opens the folder at `path` itself, not one to which a link leads.
    pub fn open_itself(path: &Path) -> io::Result<Self> {
        let flags = NEVER_FOLLOWED | OFlag::O_DIRECTORY;
        Ok(Self(Arc::new(open(path, flags, Mode::empty())?)))
    }

    /// Makes a folder in it, unless something has this name.
    pub fn make(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        match mkdirat(&self.0, name.as_ref(), Mode::from_bits_truncate(0o777)) {
            Ok(()) | Err(Errno::EEXIST) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens the folder `name` in it, which is made if it is missing.
    pub fn below(&self, name: &str) -> io::Result<Self> {
        self.make(name)?;
        let flags = NEVER_FOLLOWED | OFlag::O_DIRECTORY;
        Ok(Self(Arc::new(openat(&self.0, name, flags, Mode::empty())?)))
    }

    /// Where it is now; `None` if it was removed, or the system does not tell.
    pub fn path(&self) -> Option<PathBuf> {
        let path = fs::read_link(format!("/proc/self/fd/{}", self.0.as_raw_fd())).ok()?;
        let ours = self.identity().ok()?;
        let there = fs::metadata(&path).ok()?;
        ((there.dev(), there.ino()) == ours).then_some(path)
    }

    /// Whether this path leads there.
    pub fn is_at(&self, path: &Path) -> bool {
        let there = fs::metadata(path).ok().map(|it| (it.dev(), it.ino()));
        there.is_some() && there == self.identity().ok()
    }

    /// A new file in place of whatever has this name.
    pub fn create(&self, name: &str) -> io::Result<File> {
        self.remove(name)?;
        let flags = NEVER_FOLLOWED | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_RDWR;
        Ok(File::from(openat(&self.0, name, flags, Mode::from_bits_truncate(0o666))?))
    }

    /// A new file on the same disk that has no name.
    pub fn unnamed(&self) -> io::Result<File> {
        let flags = OFlag::O_TMPFILE | OFlag::O_CLOEXEC | OFlag::O_RDWR;
        if let Ok(file) = openat(&self.0, ".", flags, Mode::S_IRUSR | Mode::S_IWUSR) {
            return Ok(File::from(file));
        }
        // Some file systems cannot: it has a name for a moment.
        let file = self.create(UNNAMED)?;
        self.remove(UNNAMED)?;
        Ok(file)
    }

    /// A file that is written at its end, made if it is missing.
    pub fn append(&self, name: &str) -> io::Result<File> {
        let flags = NEVER_FOLLOWED | OFlag::O_CREAT | OFlag::O_APPEND | OFlag::O_WRONLY;
        // A named pipe would hold up the harness.
        let flags = flags | OFlag::O_NONBLOCK;
        regular(File::from(openat(&self.0, name, flags, Mode::from_bits_truncate(0o666))?))
    }

    /// A file for reading.
    pub fn read(&self, name: &str) -> io::Result<File> {
        let flags = NEVER_FOLLOWED | OFlag::O_NONBLOCK;
        regular(File::from(openat(&self.0, name, flags, Mode::empty())?))
    }

    /// Writes a file in one step: a reader sees the old one or all of the new one.
    pub fn replace(
        &self,
        name: &str,
        write: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> io::Result<()> {
        let beside = format!("{name}.part");
        let mut file = self.create(&beside)?;
        write(&mut file)?;
        file.flush()?;
        self.rename(&beside, name)
    }

    /// The names in it, in order, each with what has it.
    pub fn entries(&self) -> io::Result<Vec<(OsString, FileType)>> {
        let listed = fs::read_dir(format!("/proc/self/fd/{}", self.0.as_raw_fd()))?;
        let entry = |entry: io::Result<fs::DirEntry>| {
            entry.and_then(|entry| Ok((entry.file_name(), entry.file_type()?)))
        };
        let mut entries = listed.map(entry).collect::<io::Result<Vec<_>>>()?;
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(entries)
    }

    /// Opens the folder `name` in it as the kernel itself guards it (`openat2`): whatever happens meanwhile, it lies
    /// below this one.
    pub fn inside(&self, name: &OsStr) -> io::Result<Self> {
        Ok(Self(Arc::new(self.guarded(name, OFlag::O_DIRECTORY)?)))
    }

    /// Opens a regular file in the same way.
    pub fn file_inside(&self, name: &OsStr, flags: OFlag) -> io::Result<File> {
        regular(File::from(self.guarded(name, flags | OFlag::O_NONBLOCK)?))
    }

    fn guarded(&self, name: &OsStr, flags: OFlag) -> io::Result<OwnedFd> {
        let resolve = ResolveFlag::RESOLVE_BENEATH
            | ResolveFlag::RESOLVE_NO_SYMLINKS
            | ResolveFlag::RESOLVE_NO_MAGICLINKS;
        let mut how = OpenHow::new().flags(flags | OFlag::O_CLOEXEC).resolve(resolve);
        if flags.contains(OFlag::O_CREAT) {
            how = how.mode(Mode::from_bits_truncate(0o666));
        }
        openat2(&self.0, name, how).map_err(|error| match error {
            Errno::ENOSYS | Errno::EPERM => {
                io::Error::other("the kernel has no `openat2`, which keeps the harness inside it")
            }
            Errno::ELOOP | Errno::EXDEV => io::Error::other("it is a symbolic link"),
            error => error.into(),
        })
    }

    /// Its own permissions.
    pub fn mode(&self) -> io::Result<u32> {
        Ok(nix::sys::stat::fstat(&self.0)?.st_mode & 0o7777)
    }

    /// Sets them.
    pub fn set_mode(&self, mode: u32) -> io::Result<()> {
        Ok(fchmod(&self.0, Mode::from_bits_truncate(mode))?)
    }

    /// Lets us do with it what we want.
    pub fn permit(&self) -> io::Result<()> {
        self.set_mode(0o700)
    }

    /// The same, for a folder in it that cannot be opened. Nothing else may change the folder meanwhile: a link that
    /// takes its place would be followed.
    pub fn permit_inside(&self, name: &OsStr) -> io::Result<()> {
        Ok(fchmodat(&self.0, name, Mode::S_IRWXU, FchmodatFlags::FollowSymlink)?)
    }

    /// A symbolic link as it is, without following it.
    pub fn read_link(&self, name: &OsStr) -> io::Result<OsString> {
        Ok(readlinkat(&self.0, name)?)
    }

    /// A new symbolic link.
    pub fn link(&self, target: &OsStr, name: &OsStr) -> io::Result<()> {
        Ok(symlinkat(target, &self.0, name)?)
    }

    /// Takes away what is in it, and what is below that. No link is followed.
    pub fn clear(&self) -> io::Result<()> {
        for (name, kind) in self.entries()? {
            if kind.is_dir() {
                self.inside(&name)?.clear()?;
            }
            let flag =
                if kind.is_dir() { UnlinkatFlags::RemoveDir } else { UnlinkatFlags::NoRemoveDir };
            unlinkat(&self.0, name.as_os_str(), flag)?;
        }
        Ok(())
    }

    /// Gives a file another name, in place of whatever has it.
    pub fn rename(&self, name: &str, to: &str) -> io::Result<()> {
        Ok(renameat(&self.0, name, &self.0, to)?)
    }

    /// Takes a name away; a folder with files in it stays.
    fn remove(&self, name: &str) -> io::Result<()> {
        match unlinkat(&self.0, name, UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(Errno::EISDIR) => Ok(unlinkat(&self.0, name, UnlinkatFlags::RemoveDir)?),
            Err(error) => Err(error.into()),
        }
    }

    /// What has this name now, itself: a link is not followed.
    pub fn look(&self, name: &OsStr) -> io::Result<FileStat> {
        Ok(fstatat(&self.0, name, AtFlags::AT_SYMLINK_NOFOLLOW)?)
    }

    fn identity(&self) -> io::Result<(u64, u64)> {
        let file = File::from(self.0.as_fd().try_clone_to_owned()?).metadata()?;
        Ok((file.dev(), file.ino()))
    }
}

/// Refuses what is no regular file.
fn regular(file: File) -> io::Result<File> {
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("not a regular file")) }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn no_link_in_the_folder_is_followed_and_no_other_name_of_a_file_is_written() {
        let root = tempfile::tempdir().unwrap();
        let outside = root.path().join("outside");
        fs::write(&outside, "precious").unwrap();
        let inside = root.path().join("inside");
        fs::create_dir(&inside).unwrap();
        let folder = Folder::open(&inside).unwrap();
        for name in ["create", "append", "read", "replace.part"] {
            symlink(&outside, inside.join(name)).unwrap();
        }
        fs::hard_link(&outside, inside.join("linked")).unwrap();
        symlink(root.path(), inside.join("below")).unwrap();
        folder.create("create").unwrap().write_all(b"new").unwrap();
        folder.create("linked").unwrap().write_all(b"new").unwrap();
        folder.replace("replace", |file| file.write_all(b"new")).unwrap();
        assert!(folder.append("append").is_err() && folder.read("read").is_err());
        assert!(folder.below("below").is_err());
        assert_eq!(fs::read_to_string(&outside).unwrap(), "precious");
        for name in ["create", "linked", "replace"] {
            assert_eq!(fs::read_to_string(inside.join(name)).unwrap(), "new", "{name}");
        }
    }

    #[test]
    fn a_folder_that_is_moved_stays_the_same_one() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let (before, after) = (root.join("before"), root.join("after"));
        fs::create_dir(&before).unwrap();
        let folder = Folder::open(&before).unwrap();
        assert_eq!(folder.path().as_ref(), Some(&before));
        fs::rename(&before, &after).unwrap();
        fs::create_dir(&before).unwrap();
        folder.below("deep").unwrap().append("log").unwrap().write_all(b"x").unwrap();
        assert_eq!(folder.path().as_ref(), Some(&after));
        let mut text = String::new();
        folder.below("deep").unwrap().read("log").unwrap().read_to_string(&mut text).unwrap();
        assert!(text == "x" && after.join("deep/log").exists());
        fs::remove_dir_all(&after).unwrap();
        assert_eq!(folder.path(), None);
    }
}
