//! A control group for the replicas of a run: made below our own, and removed with its guard.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::owner::Owner;

/// What our groups are called, with the mark of the run behind it.
const PREFIX: &str = "harness-run-";

/// A control group; it is removed with this, when its processes have ended.
pub struct Group {
    folder: PathBuf,
}

impl Group {
    /// A group below this one.
    pub fn below(root: &Path, mark: &str) -> io::Result<Self> {
        remove_empty(root);
        let group = Self { folder: root.join(format!("{PREFIX}{mark}")) };
        // Whether processes may be put there shows when the first one joins.
        fs::create_dir(&group.folder)?;
        Ok(group)
    }

    /// Sets a value of a controller.
    pub fn write(&self, name: &str, text: &str) -> io::Result<()> {
        // A file that is not there is a group without this controller: nothing is created.
        fs::OpenOptions::new()
            .write(true)
            .open(self.folder.join(name))
            .and_then(|mut file| io::Write::write_all(&mut file, text.as_bytes()))
    }

    /// The file by which a process joins: it writes its id there.
    pub fn door(&self) -> PathBuf {
        self.folder.join("cgroup.procs")
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The last of its processes may still be on its way out.
        for _ in 0..20 {
            if fs::remove_dir(&self.folder).is_ok() {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Which control groups these are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// A hierarchy for each controller.
    One,
    /// One for all of them.
    Two,
}

/// Our own groups with this controller, below which others may be made.
pub fn own(controller: &str) -> Vec<(PathBuf, Version)> {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let mut roots = Vec::new();
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        let path = path.trim_start_matches('/');
        if controllers.is_empty() {
            for mount in ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"] {
                roots.push((Path::new(mount).join(path), Version::Two));
            }
        } else if controllers.split(',').any(|it| it == controller) {
            let mount = Path::new("/sys/fs/cgroup");
            roots.push((mount.join(controller).join(path), Version::One));
            roots.push((mount.join(controllers).join(path), Version::One));
        }
    }
    roots.retain(|(root, _)| root.is_dir());
    roots.dedup();
    roots
}

/// What a killed harness left behind: only an empty group can be removed.
fn remove_empty(root: &Path) {
    let Ok(entries) = fs::read_dir(root) else { return };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let owner = name.strip_prefix(PREFIX).and_then(Owner::of_mark);
        if owner.is_some_and(Owner::is_dead) {
            let _ = fs::remove_dir(entry.path());
        }
    }
}
