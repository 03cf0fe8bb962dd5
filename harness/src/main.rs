//! The harness's command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    harness::cli::main().into()
}
