//! What all replicas of a run may have together while an untrusted program is graded, where the system lets us have
//! control groups: tasks, and memory. What a single process may have is set by [`crate::os::confine`].
//!
//! Memory is limited by groups of version 2 only: where groups are of version 1, some kernels do not count what is
//! in a group as its parent's, and a process that joined one of ours would escape a limit that is in force already.

use std::path::{Path, PathBuf};

use super::group::{self, Group, Version};
use super::program::Program;
use crate::limits::confined as limits;

/// The groups of a run; they end with this.
#[derive(Default)]
pub struct Confinement {
    groups: Vec<Group>,
}

impl Confinement {
    /// Of a run of this program, if it is untrusted.
    pub fn of(program: &Program, mark: &str) -> Self {
        if program.is_confined { Self::begin(mark) } else { Self::default() }
    }

    /// As many limits as this system allows.
    pub fn begin(mark: &str) -> Self {
        let mut groups = Vec::new();
        let roots = group::own("pids");
        let both = roots.iter().filter(|(_, version)| *version == Version::Two);
        // A group that has processes has no controllers for those below it: ours may have to stand beside it.
        let both = both.flat_map(|(own, _)| own.parent().into_iter().chain([own.as_path()]));
        let both = both.into_iter().find_map(|root| Self::of_both(root, mark));
        let has_tasks = both.as_ref().is_some_and(|(_, has_tasks)| *has_tasks);
        groups.extend(both.map(|(group, _)| group));
        if !has_tasks {
            let ones = roots.iter().filter(|(_, version)| *version == Version::One);
            groups.extend(ones.map(|(root, _)| root).find_map(|root| Self::of_tasks(root, mark)));
        }
        Self { groups }
    }

    /// A group of version 2 with a limit on memory, and whether it has one on tasks, too.
    fn of_both(root: &Path, mark: &str) -> Option<(Group, bool)> {
        let group = Group::below(root, mark).ok()?;
        group.write("memory.max", &limits::GROUP_BYTES.to_string()).ok()?;
        // What is on a disk instead is as bad.
        let _ = group.write("memory.swap.max", "0");
        let has_tasks = group.write("pids.max", &limits::GROUP_TASKS.to_string()).is_ok();
        Some((group, has_tasks))
    }

    fn of_tasks(root: &Path, mark: &str) -> Option<Group> {
        let group = Group::below(root, mark).ok()?;
        group.write("pids.max", &limits::GROUP_TASKS.to_string()).ok()?;
        Some(group)
    }

    /// Where a replica joins.
    pub fn doors(&self) -> Vec<PathBuf> {
        self.groups.iter().map(Group::door).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_controller_is_missing_there_is_no_group_and_none_is_left() {
        let root = tempfile::tempdir().unwrap();
        assert!(Confinement::of_both(root.path(), "1-0.").is_none());
        assert!(Confinement::of_tasks(root.path(), "1-0.").is_none());
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_group_is_gone_with_its_guard() {
        let confinement = Confinement::begin(&format!("{}-test.", std::process::id()));
        let doors = confinement.doors();
        assert!(doors.iter().all(|door| door.exists()), "{doors:?}");
        drop(confinement);
        assert!(doors.iter().all(|door| !door.exists()), "{doors:?}");
    }
}
