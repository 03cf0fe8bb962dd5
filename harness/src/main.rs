//! The harness's command line.

use std::process::ExitCode;

use harness::exit::Exit;

fn main() -> ExitCode {
    // A panic has said what it was, and the guards have ended what was under way.
    std::panic::catch_unwind(harness::cli::main).unwrap_or(Exit::Internal).into()
}
