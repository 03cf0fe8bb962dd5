//! What an earlier run left, enough to make it again.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::cluster::program::{Program, ProgramError};
use crate::plan::{Plan, SCHEMA};

/// What an earlier run left: enough to make it again.
pub struct Earlier {
    /// What was done.
    pub plan: Plan,
    /// With which program.
    pub replica: Program,
}

/// A folder from which no run can be made again.
#[derive(Debug, thiserror::Error)]
pub enum EarlierError {
    /// No file, or none that can be read.
    #[error("{path}: {reason}; give the folder of a run, such as results/latest")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
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
}

/// The part of `plan.json` that is read first.
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
        Ok(Self { plan, replica: manifest.replica })
    }

    /// The program, as it was started then.
    pub fn program(&self) -> Result<Program, ProgramError> {
        let program = Program::find(&self.replica.path, self.replica.arguments.clone())?;
        Ok(Program { transport: self.replica.transport, ..program })
    }
}

/// Reads a file of JSON.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<T, EarlierError> {
    let unreadable = |reason| EarlierError::Unreadable { path: path.to_owned(), reason };
    let text = fs::read(path).map_err(unreadable)?;
    let malformed = |reason| EarlierError::Malformed { path: path.to_owned(), reason };
    serde_json::from_slice(&text).map_err(malformed)
}
