//! `harness report`: the pages for people again, from what runs left.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::{Failure, RESULTS};
use crate::exit::Exit;
use crate::report::{html, index};

/// `harness report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Folder of all results (writes `index.html`) or of one run (writes `report.html` again)
    #[arg(default_value = RESULTS)]
    results: PathBuf,
}

/// Writes the page and says where it is.
pub fn run(arguments: &ReportArgs) -> Result<Exit, Failure> {
    let folder = &arguments.results;
    if !folder.is_dir() {
        let error = anyhow::anyhow!(
            "{} is no folder; give the results folder of `harness run`, or the folder of a run",
            folder.display()
        );
        return Err(Failure::usage(error));
    }
    let is_run = folder.join("manifest.json").is_file() || folder.join("history.jsonl").is_file();
    let path = folder.join(if is_run { html::NAME } else { index::NAME });
    let rows =
        if is_run { Vec::new() } else { index::rows(folder).context("reading the results")? };
    // A page that cannot be made takes no earlier one away.
    let mut page = Vec::new();
    let made = if is_run { html::write(folder, &mut page) } else { index::write(&rows, &mut page) };
    made.with_context(|| format!("making {}", path.display()))?;
    fs::write(&path, page).with_context(|| format!("writing {}", path.display()))?;
    let what = match rows.len() {
        _ if is_run => String::new(),
        1 => "  1 run".to_owned(),
        count => format!("  {count} runs"),
    };
    super::print(&format!("{}{what}\n", path.display()))?;
    Ok(Exit::Valid)
}
