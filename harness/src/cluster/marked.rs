//! Temporary directories with a mark inside. Whatever a path may mean by then, a directory is deleted only if it
//! carries the mark: a path can be misread, reused, or replaced by a hostile program.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::Mode;
use nix::unistd::Uid;

use super::owner::Owner;
use super::watchdog::Watchdog;
use crate::files::folder::Folder;

/// The file in the directory that holds the mark of its run.
pub const NAME: &str = ".harness";

/// The length of a directory's name, which begins with `h`: a UNIX socket's address has room for 108 bytes.
const NAME_LENGTH: usize = 9;

/// The most bytes of a mark.
const MARK_BYTES: u64 = 200;

/// A temporary directory; it is removed with this, by its watchdog, or by the next start of a harness.
pub struct MarkedDirectory {
    path: PathBuf,
    /// The same directory, whatever its path means by then.
    place: Folder,
    mark: String,
    watchdog: Option<Arc<Watchdog>>,
}

impl MarkedDirectory {
    /// A new directory below `root` for the run with this mark.
    pub fn create(root: &Path, mark: &str, watchdog: Option<&Arc<Watchdog>>) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        let directory = builder.prefix("h").rand_bytes(NAME_LENGTH - 1).tempdir_in(root)?;
        File::create_new(directory.path().join(NAME))?.write_all(mark.as_bytes())?;
        let place = Folder::open(directory.path())?;
        let path = directory.keep();
        if let Some(watchdog) = watchdog {
            watchdog.watch(&path);
        }
        Ok(Self { path, place, mark: mark.to_owned(), watchdog: watchdog.cloned() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for MarkedDirectory {
    fn drop(&mut self) {
        // A program may have forbidden it to us, moved it, or removed the mark: it is the same directory all the same.
        let _ = self.place.permit();
        let is_removed = remove(&self.path, |mark| mark == self.mark)
            || self.place.path().is_none_or(|path| remove_at_any_cost(&path));
        if !is_removed && self.path.exists() {
            tracing::warn!("{} cannot be removed", self.path.display());
        }
        if let Some(watchdog) = &self.watchdog {
            watchdog.forget(&self.path);
        }
    }
}

/// Deletes a directory of ours if its mark is one of those; returns whether it did.
pub fn remove(directory: &Path, is_to_go: impl Fn(&str) -> bool) -> bool {
    mark_in(directory).is_ok_and(|mark| is_to_go(&mark)) && fs::remove_dir_all(directory).is_ok()
}

/// Deletes a directory of ours in which a program may have forbidden us some.
fn remove_at_any_cost(directory: &Path) -> bool {
    fs::remove_dir_all(directory).is_ok() || {
        permit_below(directory);
        fs::remove_dir_all(directory).is_ok()
    }
}

/// Lets us into each directory below this one; no link is followed.
fn permit_below(directory: &Path) {
    let Ok(folder) = Folder::open_itself(directory) else { return };
    let mut left = vec![folder];
    while let Some(folder) = left.pop() {
        let _ = folder.permit();
        for (name, kind) in folder.entries().unwrap_or_default() {
            if kind.is_dir() {
                let _ = folder.permit_inside(&name);
                left.extend(folder.inside(&name));
            }
        }
    }
}

/// The mark in a directory of ours. No link is followed.
fn mark_in(directory: &Path) -> io::Result<String> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
    let directory = open(directory, flags | OFlag::O_DIRECTORY, Mode::empty())?;
    let directory = File::from(directory);
    let file = File::from(openat(directory.as_fd(), NAME, flags, Mode::empty())?);
    let us = Uid::effective().as_raw();
    let (its, of_mark) = (directory.metadata()?, file.metadata()?);
    if its.uid() != us || of_mark.uid() != us || !of_mark.is_file() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let mut mark = String::new();
    file.take(MARK_BYTES).read_to_string(&mut mark)?;
    Ok(mark)
}

/// Deletes the directories below `root` that a harness left because it was killed together with its watchdog.
pub fn remove_leftovers(root: &Path) -> usize {
    let Ok(entries) = fs::read_dir(root) else { return 0 };
    let is_left = |mark: &str| Owner::of_mark(mark).is_some_and(Owner::is_dead);
    let ours = entries.filter_map(Result::ok).filter(|entry| {
        let name = entry.file_name();
        name.len() == NAME_LENGTH && name.as_encoded_bytes().starts_with(b"h")
    });
    ours.filter(|entry| remove(&entry.path(), is_left)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_directory_with_its_mark_is_deleted() {
        let root = tempfile::tempdir().unwrap();
        let marked = |mark| MarkedDirectory::create(root.path(), mark, None).unwrap();
        let path = marked("7-8-9-a-1.").path().to_owned();
        assert!(!path.exists(), "it is gone with its guard");
        let replaced = marked("7-8-9-a-1.");
        let path = replaced.path().to_owned();
        fs::rename(&path, root.path().join("aside")).unwrap();
        fs::create_dir(&path).unwrap();
        fs::write(path.join("precious"), "").unwrap();
        drop(replaced);
        assert!(path.join("precious").exists(), "it holds no mark");
        std::os::unix::fs::symlink(root.path().join("aside"), root.path().join("hlink1234"))
            .unwrap();
        assert!(!remove(&root.path().join("hlink1234"), |_| true), "a link is not followed");
        fs::write(path.join(NAME), "7-8-9-other").unwrap();
        assert!(!remove(&path, |mark| mark.starts_with("7-8-9-a-")));
    }

    #[test]
    fn leftovers_are_those_of_a_dead_harness() {
        let root = tempfile::tempdir().unwrap();
        let ours = format!("{}a-0.", Owner::this().prefix());
        let living = MarkedDirectory::create(root.path(), &ours, None).unwrap();
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let dead = format!("{}a-0.", Owner::of(child.id()).prefix());
        let left = MarkedDirectory::create(root.path(), &dead, None).unwrap();
        assert_eq!(remove_leftovers(root.path()), 0);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(remove_leftovers(root.path()), 1);
        assert!(living.path().exists() && !left.path().exists());
    }
}
