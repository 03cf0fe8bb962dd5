//! A share of the processors for all replicas of a run together, where the system lets us have a control group.

use std::io;
use std::path::{Path, PathBuf};

use super::group::{self, Group, Version};

/// The time over which a share is counted, in microseconds: the kernel's own default.
const PERIOD_US: u32 = 100_000;

/// A share of the processors; it ends with this.
pub struct Quota {
    group: Group,
}

impl Quota {
    /// A group that gets this many processors, also parts of one.
    pub fn set(processors: f64, mark: &str) -> io::Result<Self> {
        let mut refused = io::Error::other("no control group for processors is mounted");
        for (root, version) in group::own("cpu") {
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
        let group = Group::below(root, mark)?;
        let share = (processors * f64::from(PERIOD_US)).round().max(1000.0);
        match version {
            Version::Two => group.write("cpu.max", &format!("{share} {PERIOD_US}")),
            Version::One => group
                .write("cpu.cfs_period_us", &PERIOD_US.to_string())
                .and_then(|()| group.write("cpu.cfs_quota_us", &share.to_string())),
        }?;
        Ok(Self { group })
    }

    /// The file by which a process joins: it writes its id there.
    pub fn door(&self) -> PathBuf {
        self.group.door()
    }
}
