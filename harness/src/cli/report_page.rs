//! `harness report`: the pages for people again, from what runs left.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use super::{Failure, RESULTS};
use crate::exit::Exit;
use crate::files::folder::Folder;
use crate::files::stored;
use crate::journal::{faults, leaders, sightings};
use crate::network::message_log;
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
    if is_run {
        warn_of_damage(folder);
    }
    let made = if is_run { html::write(folder, &mut page) } else { index::write(&rows, &mut page) };
    made.with_context(|| format!("making {}", path.display()))?;
    let name = if is_run { html::NAME } else { index::NAME };
    Folder::open(folder)
        .and_then(|place| place.replace(name, |out| out.write_all(&page)))
        .with_context(|| format!("writing {}", path.display()))?;
    let what = match rows.len() {
        _ if is_run => String::new(),
        1 => "  1 run".to_owned(),
        count => format!("  {count} runs"),
    };
    super::print(&format!("{}{what}\n", path.display()))?;
    Ok(Exit::Valid)
}

/// Says which files of a run are damaged: a page is made of the rest.
fn warn_of_damage(folder: &Path) {
    let documents = ["plan.json", "manifest.json", "verdict.json"];
    let lines = [faults::NAME, leaders::NAME, message_log::NAME, sightings::NAME];
    let damaged = documents
        .iter()
        .filter_map(|name| stored::damage(&folder.join(name)))
        .chain(lines.iter().filter_map(|name| stored::damage_of_lines(&folder.join(name))));
    for damage in damaged {
        eprintln!("harness: {damage}; the page is made without what cannot be read");
    }
}
