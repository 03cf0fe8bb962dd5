//! The directory in which replicas work, and find their sockets.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::unistd::Uid;
use tempfile::TempDir;

use super::RunError;
use crate::cluster::watchdog::Watchdog;
use crate::ids::NodeId;

/// The sockets' directory; removed in the end.
pub struct Scratch {
    directory: Directory,
    watchdog: Option<Arc<Watchdog>>,
    /// The files that are our sockets.
    sockets: BTreeMap<NodeId, u64>,
}

enum Directory {
    /// A fresh one: two runs never meet.
    Own(TempDir),
    /// One for all runs of this user, on a simulated host.
    Shared(PathBuf),
}

impl Scratch {
    /// A fresh directory, or the one that all share.
    pub fn create(watchdog: Option<Arc<Watchdog>>, is_shared: bool) -> Result<Self, RunError> {
        if is_shared {
            let path = PathBuf::from(format!("/tmp/harness-shared-{}", Uid::effective()));
            let what = format!("making the shared directory {}", path.display());
            fs::create_dir_all(&path).map_err(RunError::system(what))?;
            let directory = Directory::Shared(path);
            return Ok(Self { directory, watchdog: None, sockets: BTreeMap::new() });
        }
        // A UNIX socket's address has room for 108 bytes, so the name is short; replicas use
        // the bare id, but the harness binds by the whole path.
        let short =
            |root: &Path| tempfile::Builder::new().prefix("h").rand_bytes(8).tempdir_in(root);
        let root = std::env::temp_dir();
        let root = if root.as_os_str().len() > 80 { PathBuf::from("/tmp") } else { root };
        let what = format!("making a directory for the sockets in {}", root.display());
        let directory = short(&root).map_err(RunError::system(what))?;
        if let Some(watchdog) = &watchdog {
            watchdog.watch(directory.path());
        }
        Ok(Self { directory: Directory::Own(directory), watchdog, sockets: BTreeMap::new() })
    }

    /// The path of the directory.
    pub fn path(&self) -> &Path {
        match &self.directory {
            Directory::Own(directory) => directory.path(),
            Directory::Shared(path) => path,
        }
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

    /// The replicas whose socket is there no more: another run works in this directory.
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
        match &self.directory {
            Directory::Own(directory) => {
                // The directory itself goes right after, with its own guard.
                if let Some(watchdog) = &self.watchdog {
                    watchdog.forget(directory.path());
                }
            }
            // As the old simulator does: it removes the sockets, whosever they are.
            Directory::Shared(path) => {
                for id in self.sockets.keys() {
                    let _ = fs::remove_file(path.join(id.to_string()));
                }
                let _ = fs::remove_dir(path);
            }
        }
    }
}
