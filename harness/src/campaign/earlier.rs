//! What an earlier run left, enough to make it again.

mod soundness;

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::cluster::program::{Program, ProgramError};
use crate::files::stored::{self, Malformed};
use crate::plan::{Plan, SCHEMA};
use crate::world::Clock;

/// What an earlier run left: enough to make it again.
pub struct Earlier {
    /// What was done.
    pub plan: Plan,
    /// With which program.
    pub replica: Program,
    /// In whose time.
    pub clock: Clock,
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
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// A plan that no workload leads to.
    #[error(
        "{path}: {problem}; it was edited, or damaged: run the workload itself with other figures"
    )]
    Unsound {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
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
    #[serde(default)]
    clock: Clock,
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
        let plan: Plan = read(&path)?;
        if let Err(problem) = soundness::check(&plan) {
            return Err(EarlierError::Unsound { path, problem });
        }
        let manifest: ManifestPart = read(&folder.join("manifest.json"))?;
        Ok(Self { plan, replica: manifest.replica, clock: manifest.clock })
    }

    /// Another program, started as that one was.
    #[must_use]
    pub fn as_started(&self, program: Program) -> Program {
        Program { path: program.path, arguments: program.arguments, ..self.replica.clone() }
    }

    /// The program, as it was started then.
    pub fn program(&self) -> Result<Program, ProgramError> {
        let Program { path, arguments, .. } = &self.replica;
        Ok(self.as_started(Program::find(path, arguments.clone())?))
    }
}

/// Reads a file of JSON.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<T, EarlierError> {
    let unreadable = |reason| EarlierError::Unreadable { path: path.to_owned(), reason };
    let text = stored::read(path).map_err(unreadable)?;
    Ok(stored::json(path, &text)?)
}
