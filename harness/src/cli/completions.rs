//! `harness completions` and `harness man`: what a shell and `man` know of the command line.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, Failure};
use crate::exit::Exit;

/// `harness completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// Shell
    shell: Shell,
}

/// `harness man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Folder for the pages; created if missing
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Prints the completions for a shell.
pub fn completions(arguments: &CompletionsArgs) -> Result<Exit, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "harness", &mut text);
    super::print(&String::from_utf8_lossy(&text))?;
    Ok(Exit::Valid)
}

/// Writes a man page for the program and for each command.
pub fn man(arguments: &ManArgs) -> Result<Exit, Failure> {
    let folder = &arguments.folder;
    std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), folder))
        .with_context(|| {
            format!("writing man pages to {}; give a folder that can be written", folder.display())
        })
        .map_err(Failure::usage)?;
    Ok(Exit::Valid)
}
