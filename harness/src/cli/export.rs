//! `harness export`: a run for other tools.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, ValueEnum};

use super::Failure;
use crate::exit::Exit;
use crate::export;

/// `harness export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Folder of a run
    run: PathBuf,
    /// Target format
    #[arg(long)]
    to: Form,
    /// File to write [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    /// The history for Jepsen, Knossos and Elle
    JepsenEdn,
    /// The operations for Porcupine, an object each
    PorcupineJson,
    /// A trace for Perfetto's viewer: clients, replicas and faults as tracks, messages as flows
    Perfetto,
}

/// Writes it.
pub fn run(arguments: &ExportArgs) -> Result<Exit, Failure> {
    let folder = &arguments.run;
    if !folder.join("history.jsonl").is_file() {
        let error = anyhow::anyhow!(
            "{} holds no history.jsonl; give the folder of a run, such as results/latest",
            folder.display()
        );
        return Err(Failure::usage(error));
    }
    let out: Box<dyn Write> = match &arguments.output {
        Some(path) => {
            let file = File::create(path);
            Box::new(
                file.with_context(|| format!("writing {}", path.display()))
                    .map_err(Failure::usage)?,
            )
        }
        None => Box::new(io::stdout()),
    };
    let out = BufWriter::new(out);
    let written = match arguments.to {
        Form::JepsenEdn => export::jepsen_edn::write(folder, out),
        Form::PorcupineJson => export::porcupine_json::write(folder, out),
        Form::Perfetto => export::perfetto::write(folder, out),
    };
    match written {
        // A reader that went away (`| head`) is no error.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Valid),
        written => Ok(written
            .with_context(|| format!("exporting {}", folder.display()))
            .map(|()| Exit::Valid)?),
    }
}
