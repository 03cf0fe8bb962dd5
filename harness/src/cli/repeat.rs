//! Runs again: the commands that do it, and what an earlier run left for it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{RESULTS, RunOptions};
use crate::cluster::program::Program;
use crate::exit::Exit;
use crate::plan::{Plan, SCHEMA};
use crate::seed::Seed;

/// What an earlier run left: enough to make it again.
pub struct Earlier {
    /// What was done.
    pub plan: Plan,
    /// With which program.
    pub replica: Program,
    /// How it ended, if it did.
    pub exit_code: Option<u8>,
}

/// A folder from which no run can be made again.
#[derive(Debug, thiserror::Error)]
pub enum EarlierError {
    /// No file, or none that can be read.
    #[error("{path}: {reason}; give the folder of a run, such as results/latest")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// Not what a run writes.
    #[error("{path}: {reason}; it was not written by this version of the harness")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and why.
        reason: serde_json::Error,
    },
    /// A plan of another time.
    #[error("{path}: a plan of schema {found}; this version of the harness reads schema {SCHEMA}")]
    OtherSchema {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: u32,
    },
}

/// The parts of `manifest.json` that matter here.
#[derive(Deserialize)]
struct ManifestPart {
    replica: Program,
    exit_code: Option<u8>,
}

/// The part of `plan.json` that is looked at first.
#[derive(Deserialize)]
struct SchemaPart {
    schema: u32,
}

impl Earlier {
    /// Reads what the run in `folder` left.
    pub fn load(folder: &Path) -> Result<Self, EarlierError> {
        let path = folder.join("plan.json");
        let SchemaPart { schema: found } = read(&path)?;
        if found != SCHEMA {
            return Err(EarlierError::OtherSchema { path, found });
        }
        let plan = read(&path)?;
        let manifest: ManifestPart = read(&folder.join("manifest.json"))?;
        Ok(Self { plan, replica: manifest.replica, exit_code: manifest.exit_code })
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T, EarlierError> {
    let unreadable = |reason| EarlierError::Unreadable { path: path.to_owned(), reason };
    let text = fs::read(path).map_err(unreadable)?;
    let malformed = |reason| EarlierError::Malformed { path: path.to_owned(), reason };
    serde_json::from_slice(&text).map_err(malformed)
}

/// How often the earlier verdict came again.
pub fn summary(exits: &[Exit], earlier: Option<u8>) -> String {
    let mut counts = BTreeMap::<u8, usize>::new();
    for exit in exits {
        *counts.entry(exit.code()).or_default() += 1;
    }
    let of_each: Vec<String> =
        counts.iter().map(|(code, count)| format!("exit code {code}: {count}")).collect();
    let again = earlier.map(|code| {
        let same = counts.get(&code).copied().unwrap_or(0);
        format!("the earlier run's exit code {code} came {same} of {} times", exits.len())
    });
    let again = again.unwrap_or_else(|| "the earlier run was never judged".to_owned());
    format!("replay       {again} ({})", of_each.join(", "))
}

/// The command that runs this workload again.
pub fn run(workload: &Path, seed: Seed, options: &RunOptions) -> String {
    let mut words = vec!["run".to_owned(), quoted(&workload.display().to_string())];
    words.extend(["--seed".to_owned(), seed.to_string()]);
    command(words, options)
}

/// The command that replays this run again.
pub fn replay(folder: &Path, options: &RunOptions) -> String {
    command(vec!["replay".to_owned(), quoted(&folder.display().to_string())], options)
}

fn command(words: Vec<String>, options: &RunOptions) -> String {
    let program = std::env::args().next().unwrap_or_else(|| "harness".to_owned());
    let mut line = vec![quoted(&program)];
    line.extend(words);
    if let Some(replica) = &options.replica {
        line.extend(["--replica".to_owned(), quoted(&replica.display().to_string())]);
    }
    if let Some(transport) = options.transport.given() {
        line.extend(["--transport".to_owned(), transport.to_string()]);
    }
    for argument in &options.replica_arguments {
        line.extend(["--replica-arg".to_owned(), quoted(argument)]);
    }
    if options.results != Path::new(RESULTS) {
        line.extend(["--results".to_owned(), quoted(&options.results.display().to_string())]);
    }
    line.join(" ")
}

/// A word as a shell reads it.
pub fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
