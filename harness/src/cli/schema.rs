//! `harness schema`: JSON Schemas, for editors and for other tools.

use clap::{Args, ValueEnum};

use super::Failure;
use crate::exit::Exit;
use crate::report::schema;

/// `harness schema`.
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Topic
    topic: Topic,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Topic {
    /// `verdict.json`, also the line of `--format json`
    Verdict,
    /// A workload file; for an editor, name it under `$schema`
    Workload,
    /// A system file
    System,
    /// A line to or from the program of a client
    Client,
    /// A line of `history.jsonl`
    History,
}

/// Prints the schema.
pub fn run(arguments: &SchemaArgs) -> Result<Exit, Failure> {
    let text = match arguments.topic {
        Topic::Verdict => schema::VERDICT.to_owned(),
        Topic::Client => schema::CLIENT.to_owned(),
        Topic::History => schema::HISTORY.to_owned(),
        Topic::System => format!("{}\n", serde_json::to_string_pretty(&schema::system())?),
        Topic::Workload => format!("{}\n", serde_json::to_string_pretty(&schema::workload())?),
    };
    super::print(&text)?;
    Ok(Exit::Valid)
}
