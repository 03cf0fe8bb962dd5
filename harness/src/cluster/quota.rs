//! A share of the processors for all replicas of a run together, where the system lets us have a control group.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// The time over which a share is counted, in microseconds: the kernel's own default.
const PERIOD_US: u32 = 100_000;

/// What our groups are called, with the mark of the run behind it.
const PREFIX: &str = "harness-run-";

/// A control group; it is removed with this, when its processes have ended.
pub struct Quota {
    folder: PathBuf,
}

impl Quota {
    /// A group that gets this many processors, also parts of one.
    pub fn set(processors: f64, mark: &str) -> io::Result<Self> {
        let mut refused = io::Error::other("no control group for processors is mounted");
        for (root, version) in roots() {
            remove_empty(&root);
            match Self::set_below(&root, version, processors, mark) {
                Ok(quota) => return Ok(quota),
                Err(error) => {
                    refused = io::Error::other(format!("{}: {error}", root.display()));
                }
            }
        }
        Err(refused)
    }

    fn set_below(root: &Path, version: Version, processors: f64, mark: &str) -> io::Result<Self> {
        let quota = Self { folder: root.join(format!("{PREFIX}{mark}")) };
        fs::create_dir(&quota.folder)?;
        let share = (processors * f64::from(PERIOD_US)).round().max(1000.0);
        match version {
            Version::Two => quota.write("cpu.max", &format!("{share} {PERIOD_US}")),
            Version::One => quota
                .write("cpu.cfs_period_us", &PERIOD_US.to_string())
                .and_then(|()| quota.write("cpu.cfs_quota_us", &share.to_string())),
        }?;
        // Whether processes may be put there shows when the first one joins: see `launch`.
        Ok(quota)
    }

    fn write(&self, name: &str, text: &str) -> io::Result<()> {
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

impl Drop for Quota {
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

#[derive(Clone, Copy)]
enum Version {
    One,
    Two,
}

/// Our own groups, below which others may be made.
fn roots() -> Vec<(PathBuf, Version)> {
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
        } else if controllers.split(',').any(|it| it == "cpu") {
            let mount = Path::new("/sys/fs/cgroup");
            roots.push((mount.join("cpu").join(path), Version::One));
            roots.push((mount.join(controllers).join(path), Version::One));
        }
    }
    roots.retain(|(root, _)| root.is_dir());
    roots
}

/// What a killed harness left behind: only an empty group can be removed.
fn remove_empty(root: &Path) {
    let Ok(entries) = fs::read_dir(root) else { return };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let owner = name.strip_prefix(PREFIX).and_then(|mark| mark.split('-').next());
        if owner.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            let _ = fs::remove_dir(entry.path());
        }
    }
}
