//! The folder of a run: `results/<scenario>/<utc time>-<seed>/`, and `results/latest`.

use std::fs;
use std::io::{self, BufRead};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::files::stored;
use crate::journal::history;
use crate::seed::Seed;

/// Makes the folder of a new run. Two runs of the same second and seed get different folders.
pub fn create(results: &Path, scenario: &str, start: Timestamp, seed: Seed) -> io::Result<PathBuf> {
    let parent = results.join(scenario);
    fs::create_dir_all(&parent)?;
    let name = format!("{}-{seed}", start.strftime("%Y%m%dT%H%M%SZ"));
    for n in 1.. {
        let name = if n == 1 { name.clone() } else { format!("{name}-{n}") };
        match fs::create_dir(parent.join(&name)) {
            Ok(()) => return Ok(parent.join(name)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("no free name for the run's folder"))
}

/// Lets `results/latest` point to `folder`, at once: a reader sees the old one or the new one.
pub fn point_latest(results: &Path, folder: &Path) -> io::Result<()> {
    let target = folder.strip_prefix(results).unwrap_or(folder);
    // No other run has this folder, so none that ends in the same moment has this name.
    let name = target.to_string_lossy().replace('/', "-");
    let temporary = results.join(format!(".latest-{}-{name}", std::process::id()));
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    symlink(target, &temporary)?;
    fs::rename(&temporary, results.join("latest"))
}

/// Whether the history in a run's folder has a line of an operation behind its header: evidence that is never removed.
pub fn has_history(folder: &Path) -> bool {
    let Ok(file) = stored::open(&folder.join(history::NAME)) else { return false };
    io::BufReader::new(file).lines().nth(1).is_some()
}

/// Takes back the folder of a run that never began, and what was made for it alone.
pub fn remove(results: &Path, folder: &Path) -> io::Result<()> {
    let latest = results.join("latest");
    if fs::canonicalize(&latest).ok() == fs::canonicalize(folder).ok() {
        fs::remove_file(latest)?;
    }
    fs::remove_dir_all(folder)?;
    match folder.parent().map(fs::remove_dir) {
        Some(Err(error)) if error.kind() != io::ErrorKind::DirectoryNotEmpty => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_runs_never_share_a_folder_and_latest_is_the_newest() {
        let results = tempfile::tempdir().unwrap();
        let start = Timestamp::UNIX_EPOCH;
        let folders: Vec<PathBuf> =
            (0..3).map(|_| create(results.path(), "demo", start, Seed(7)).unwrap()).collect();
        assert!(folders[0].ends_with("demo/19700101T000000Z-7"), "{}", folders[0].display());
        assert!(folders[2].ends_with("demo/19700101T000000Z-7-3"));
        for folder in &folders {
            point_latest(results.path(), folder).unwrap();
            let latest = fs::canonicalize(results.path().join("latest")).unwrap();
            assert_eq!(latest, fs::canonicalize(folder).unwrap());
        }
    }
}
