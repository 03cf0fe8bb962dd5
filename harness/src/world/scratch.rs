//! The directory in which replicas work, and find their sockets.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::unistd::{AccessFlags, Uid, access};

use super::RunError;
use crate::cluster::marked::MarkedDirectory;
use crate::cluster::watchdog::Watchdog;
use crate::ids::NodeId;

/// The sockets' directory; removed in the end.
pub struct Scratch {
    directory: Directory,
    /// The files that are our sockets.
    sockets: BTreeMap<NodeId, u64>,
}

enum Directory {
    /// A fresh one: two runs never meet.
    Own(MarkedDirectory),
    /// One for all runs of this user, on a simulated host.
    Shared(PathBuf),
}

impl Scratch {
    /// A directory of its own for the run with this mark, or the one that all share.
    pub fn create(
        mark: &str,
        watchdog: Option<&Arc<Watchdog>>,
        is_shared: bool,
    ) -> Result<Self, RunError> {
        if is_shared {
            let path = PathBuf::from(format!("/tmp/harness-shared-{}", Uid::effective()));
            let what = format!("making the shared directory {}", path.display());
            fs::create_dir_all(&path).map_err(RunError::system(what))?;
            return Ok(Self { directory: Directory::Shared(path), sockets: BTreeMap::new() });
        }
        // A UNIX socket's address has room for 108 bytes: replicas use the bare id, but the harness binds by the
        // whole path.
        let root = std::env::temp_dir();
        let root = if root.as_os_str().len() > 80 { PathBuf::from("/tmp") } else { root };
        let what = format!(
            "making a directory for the sockets in {} (set TMPDIR to another)",
            root.display()
        );
        let directory =
            MarkedDirectory::create(&root, mark, watchdog).map_err(RunError::system(what))?;
        Ok(Self { directory: Directory::Own(directory), sockets: BTreeMap::new() })
    }

    /// The path of the directory.
    pub fn path(&self) -> &Path {
        match &self.directory {
            Directory::Own(directory) => directory.path(),
            Directory::Shared(path) => path,
        }
    }

    /// Whether no other run works in this directory: whatever happens in it is the replicas' doing.
    pub fn is_own(&self) -> bool {
        matches!(self.directory, Directory::Own(_))
    }

    /// Whether a replica can be started in it.
    pub fn is_usable(&self) -> bool {
        access(self.path(), AccessFlags::X_OK).is_ok()
    }

    /// Before a socket is made: as the old simulator does, it takes the place of one that is there.
    pub fn make_room(&self, id: NodeId) {
        if let Directory::Shared(path) = &self.directory {
            let _ = fs::remove_file(path.join(id.to_string()));
        }
    }

    /// Remembers the socket that was made.
    pub fn made(&mut self, id: NodeId) {
        if let Some(file) = inode(self.path(), id) {
            self.sockets.insert(id, file);
        }
    }

    /// The replicas whose socket is there no more: another run works in a shared directory, or a replica removed it.
    pub fn taken(&self) -> Vec<NodeId> {
        let taken =
            self.sockets.iter().filter(|&(&id, &ours)| inode(self.path(), id) != Some(ours));
        taken.map(|(&id, _)| id).collect()
    }
}

fn inode(directory: &Path, id: NodeId) -> Option<u64> {
    fs::symlink_metadata(directory.join(id.to_string())).ok().map(|file| file.ino())
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // As the old simulator does: it removes the sockets, whosever they are.
        if let Directory::Shared(path) = &self.directory {
            for id in self.sockets.keys() {
                let _ = fs::remove_file(path.join(id.to_string()));
            }
            let _ = fs::remove_dir(path);
        }
    }
}
