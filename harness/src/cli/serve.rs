//! `harness serve`: the results for a browser on this machine.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::{Failure, RESULTS};
use crate::exit::Exit;
use crate::serve;

/// `harness serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Folder to serve; nothing outside of it is ever sent
    #[arg(default_value = RESULTS)]
    results: PathBuf,
    /// Address to listen on; any other than this machine's own lets others read the results
    #[arg(long, default_value = "127.0.0.1:8617", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
}

/// Serves until it is ended.
pub fn run(arguments: &ServeArgs) -> Result<Exit, Failure> {
    let root = arguments
        .results
        .canonicalize()
        .with_context(|| format!("{}: there are no results to serve", arguments.results.display()));
    let root = root.map_err(Failure::usage)?;
    if !root.is_dir() {
        let path = arguments.results.display();
        let wrong =
            anyhow::anyhow!("{path} is no folder; give a folder of results, such as results");
        return Err(Failure::usage(wrong));
    }
    let listening =
        || format!("listening on {}; another port: --listen 127.0.0.1:0", arguments.listen);
    let server = serve::Server::bind(root, arguments.listen);
    let server = server.with_context(listening).map_err(Failure::usage)?;
    super::print(&format!("http://{}/\n", server.address()))?;
    server.run();
    Ok(Exit::Valid)
}
