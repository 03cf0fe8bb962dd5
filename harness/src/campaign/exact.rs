//! Whether a run in virtual time is the same as an earlier one, and where it left the earlier one's path.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::journal::{faults, history, leaders};
use crate::network::message_log;
use crate::world::Exactness;

/// The files that are the same, byte for byte.
pub const FILES: [&str; 4] = [history::NAME, message_log::NAME, leaders::NAME, faults::NAME];

/// How a run compares with an earlier one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The same path, and the same bytes in all files.
    Same,
    /// The same path and bytes, but this is known to let real time in: the next run may differ.
    Doubtful(String),
    /// The same path as far as it is known, but other bytes in this file.
    OtherBytes(&'static str),
    /// It left the path between two looks.
    Left {
        /// So many system calls were the same.
        after_calls: u64,
        /// Until this time of the run, in nanoseconds.
        after_ns: u64,
    },
    /// The earlier run, or this one, left no path to compare.
    NoPath,
}

/// The parts of `schedule.json` that matter here.
#[derive(Deserialize)]
struct SchedulePart {
    calls: u64,
    hash: String,
    checkpoints: Vec<(u64, u64, String)>,
    #[serde(default)]
    not_exact: Vec<String>,
}

/// Compares the run in a folder with an earlier one in another.
pub fn compare(earlier: &Path, again: &Path) -> Comparison {
    let (Some(before), Some(now)) = (schedule(earlier), schedule(again)) else {
        return Comparison::NoPath;
    };
    if (before.calls, &before.hash) != (now.calls, &now.hash) {
        let looks = before.checkpoints.iter().zip(&now.checkpoints);
        let last = looks.take_while(|(before, now)| before == now).last();
        let (after_calls, after_ns) = last.map_or((0, 0), |(it, _)| (it.0, it.1));
        return Comparison::Left { after_calls, after_ns };
    }
    let bytes = |folder: &Path, name: &str| fs::read(folder.join(name)).ok();
    let other = FILES.into_iter().find(|name| bytes(earlier, name) != bytes(again, name));
    match (other, now.not_exact.first()) {
        (Some(name), _) => Comparison::OtherBytes(name),
        (None, Some(why)) => Comparison::Doubtful(why.clone()),
        (None, None) => Comparison::Same,
    }
}

/// What is the same in a run that is made again and not over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compared {
    /// System calls.
    pub calls: u64,
    /// Lines of the history.
    pub lines: u64,
}

/// Compares a run in a folder, which is not over, with an earlier one in another.
pub fn compare_until(
    earlier: &Path,
    again: &Path,
    path: &Exactness,
) -> Result<Compared, Comparison> {
    let before = schedule(earlier).ok_or(Comparison::NoPath)?;
    let looks = before.checkpoints.iter().zip(&path.checkpoints);
    let same: Vec<_> = looks.take_while(|(before, now)| before == now).collect();
    let (after_calls, after_ns) = same.last().map_or((0, 0), |(it, _)| (it.0, it.1));
    if same.len() < path.checkpoints.len() {
        return Err(Comparison::Left { after_calls, after_ns });
    }
    let history = |folder: &Path| fs::read(folder.join(history::NAME)).unwrap_or_default();
    let now = history(again);
    if !history(earlier).starts_with(&now) {
        return Err(Comparison::OtherBytes(history::NAME));
    }
    let lines = memchr::memchr_iter(b'\n', &now).count() as u64;
    Ok(Compared { calls: after_calls, lines })
}

fn schedule(folder: &Path) -> Option<SchedulePart> {
    serde_json::from_slice(&fs::read(folder.join("schedule.json")).ok()?).ok()
}

impl Comparison {
    /// In a sentence.
    pub fn told(&self) -> String {
        match self {
            Self::Same => format!("exact: {} are the same, byte for byte", FILES.join(", ")),
            Self::Doubtful(why) => {
                format!("the same this time, and not called exact: {why}")
            }
            Self::OtherBytes(name) => {
                format!("not exact: every system call was the same, but {name} has other bytes")
            }
            Self::Left { after_calls, after_ns } => format!(
                "not exact: it left the path of the earlier run after {after_calls} system calls that were the same, \
                 {:.6} s after the first process began",
                *after_ns as f64 / 1e9
            ),
            Self::NoPath => {
                "not compared: only runs in virtual time leave a path, in schedule.json".to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(schedule: &str, history: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("schedule.json"), schedule).unwrap();
        fs::write(folder.path().join(history::NAME), history).unwrap();
        folder
    }

    #[test]
    fn a_run_that_leaves_the_path_is_told_where() {
        let same =
            r#"{"calls":20500,"hash":"a","checkpoints":[[10000,5000000,"x"],[20000,9000000,"y"]]}"#;
        let other =
            r#"{"calls":20500,"hash":"b","checkpoints":[[10000,5000000,"x"],[20000,9000000,"z"]]}"#;
        let earlier = run(same, "h");
        assert_eq!(compare(earlier.path(), run(same, "h").path()), Comparison::Same);
        let doubtful = same.replace('{', r#"{"not_exact":["0002 used x"],"#);
        let found = compare(earlier.path(), run(&doubtful, "h").path());
        assert_eq!(found, Comparison::Doubtful("0002 used x".to_owned()));
        let bytes = compare(earlier.path(), run(same, "i").path());
        assert_eq!(bytes, Comparison::OtherBytes(history::NAME));
        let left = compare(earlier.path(), run(other, "h").path());
        assert_eq!(left, Comparison::Left { after_calls: 10_000, after_ns: 5_000_000 });
        assert!(left.told().contains("after 10000 system calls"), "{}", left.told());
        let empty = tempfile::tempdir().unwrap();
        assert_eq!(compare(earlier.path(), empty.path()), Comparison::NoPath);
    }
}
