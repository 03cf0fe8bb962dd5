//! `harness check`: a verdict about a history, from its file alone.

use std::time::Duration;

use checker::format as form;
use checker::{Algorithm, ModelName};
use clap::ValueEnum;

use super::{CheckArgs, Failure, Format};
use crate::check::{self, Question};
use crate::exit::Exit;
use crate::report;
use crate::scenario::CheckerBudget;
use crate::verdict::Verdict;
use crate::verdict::{history_evidence, safety};

/// What a store may promise to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Model {
    /// Keys with get, put and append, each empty at first
    Kv,
    /// Registers with read and write, nil at first
    Register,
    /// Registers with read, write and compare-and-set, nil at first
    CasRegister,
}

/// The form of a history file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// Found out from the first line
    Auto,
    /// This project's own
    Jsonl,
    /// Jepsen's `history.edn`
    JepsenEdn,
    /// Knossos's histories, and maps in EDN like them
    KnossosEdn,
    /// The log of old Jepsen tests
    JepsenLog,
    /// A row for each event
    Csv,
}

/// A way to decide a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Way {
    /// The fastest that fits each key
    Auto,
    /// Gibbons and Korach's zones; for reads and writes of different values
    Zones,
    /// Zones of chains; for compare-and-set on different values
    Chains,
    /// Wing and Gong's search with Lowe's memoization; for everything
    Search,
}

impl From<Model> for ModelName {
    fn from(model: Model) -> Self {
        match model {
            Model::Kv => Self::Kv,
            Model::Register => Self::Register,
            Model::CasRegister => Self::CasRegister,
        }
    }
}

impl Form {
    pub(super) fn format(self) -> Option<form::Format> {
        match self {
            Self::Auto => None,
            Self::Jsonl => Some(form::Format::Jsonl),
            Self::JepsenEdn | Self::KnossosEdn => Some(form::Format::Edn),
            Self::JepsenLog => Some(form::Format::JepsenLog),
            Self::Csv => Some(form::Format::Csv),
        }
    }
}

impl From<Way> for Algorithm {
    fn from(way: Way) -> Self {
        match way {
            Way::Auto => Self::Auto,
            Way::Zones => Self::Zones,
            Way::Chains => Self::Chains,
            Way::Search => Self::Search,
        }
    }
}

/// Checks one history and returns the exit code of its verdict.
pub fn run(arguments: &CheckArgs) -> Result<Exit, Failure> {
    let question = Question {
        format: arguments.form.format(),
        model: arguments.model.into(),
        algorithm: arguments.algorithm.into(),
        budget: CheckerBudget {
            time: Duration::from_secs(arguments.time_budget),
            memory_mb: arguments.memory_budget,
        },
    };
    let checked = check::check(&arguments.history, &question).map_err(Failure::usage)?;
    if checked.is_torn {
        eprintln!(
            "harness: {}: the last line is cut off, as by a kill of the harness; it is left out",
            arguments.history.display()
        );
    }
    let safety = safety::answer(&checked.report);
    let evidence = history_evidence(&checked.report, &safety);
    let verdict = Verdict { answers: vec![safety, evidence], is_interrupted: false };
    let text = match arguments.output {
        Format::Json => format!("{}\n", serde_json::to_string(&verdict)?),
        Format::Human => report::verdict_lines(&verdict, super::style()),
    };
    super::print(&text)?;
    Ok(verdict.exit())
}
