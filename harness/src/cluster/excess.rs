//! What the processes of a run use too much of, together, as far as samples tell.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use nix::unistd::Pid;

use crate::limits::confined as limits;

/// What these processes use too much of, in words.
pub fn of(pids: &[Pid]) -> Option<String> {
    if pids.len() > limits::RUN_PROCESSES {
        let (n, most) = (pids.len(), limits::RUN_PROCESSES);
        return Some(format!("its replicas had {n} processes; {most} are allowed"));
    }
    let used = pids.iter().copied().filter_map(resident).sum::<u64>();
    if used > limits::RUN_BYTES {
        let (used, most) = (used >> 20, limits::RUN_BYTES >> 20);
        return Some(format!("its replicas used {used} MB of memory; {most} are allowed"));
    }
    let written = pids.iter().copied().filter_map(written).sum::<u64>();
    let folders: BTreeSet<PathBuf> = pids.iter().copied().filter_map(working_directory).collect();
    let left = folders.iter().map(|folder| files(folder)).sum::<u64>();
    let (most, bytes) = (limits::RUN_DISK_BYTES >> 20, written.max(left));
    (bytes > limits::RUN_DISK_BYTES)
        .then(|| format!("its replicas wrote {} MB to the disk; {most} are allowed", bytes >> 20))
}

fn resident(pid: Pid) -> Option<u64> {
    /// The size of a page on all systems that the harness runs on.
    const PAGE: u64 = 4096;
    let statm = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    Some(statm.split_whitespace().nth(1)?.parse::<u64>().ok()? * PAGE)
}

/// What it has written to disks; nothing of that counts where files live in memory.
fn written(pid: Pid) -> Option<u64> {
    let io = fs::read_to_string(format!("/proc/{pid}/io")).ok()?;
    let number = |name: &str| io.lines().find_map(|it| it.strip_prefix(name)?.trim().parse().ok());
    let (written, taken_back): (u64, u64) =
        (number("write_bytes:")?, number("cancelled_write_bytes:")?);
    Some(written.saturating_sub(taken_back))
}

/// Where it works: the directory of its run, which is removed with it.
fn working_directory(pid: Pid) -> Option<PathBuf> {
    let folder = fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
    folder.starts_with(std::env::temp_dir()).then_some(folder)
}

/// The sizes of the files in a folder, as far as they are counted.
fn files(folder: &Path) -> u64 {
    let mut folders = vec![folder.to_owned()];
    let (mut bytes, mut count) = (0, 0);
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(folder) else { continue };
        for entry in entries.filter_map(Result::ok) {
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() {
                folders.push(entry.path());
            } else {
                bytes += metadata.len();
            }
            count += 1;
            if count > limits::RUN_FILES {
                return bytes;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_a_folder_count_with_those_below() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("below")).unwrap();
        fs::write(folder.path().join("one"), [0; 1000]).unwrap();
        fs::write(folder.path().join("below/two"), [0; 500]).unwrap();
        assert_eq!(files(folder.path()), 1500);
    }

    #[test]
    fn this_process_uses_something_and_not_too_much() {
        let this = Pid::this();
        assert!(resident(this).is_some_and(|bytes| bytes > 0));
        assert_eq!(of(&[this]), None);
        let many = vec![this; limits::RUN_PROCESSES + 1];
        assert!(of(&many).is_some_and(|words| words.contains("processes")));
    }
}
