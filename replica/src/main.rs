//! The replica binary: reads its arguments, connects, serves.

use std::process::ExitCode;

use clap::Parser;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use replica::cli::Arguments;
use replica::core::{Replica, Saved};
use replica::server::{World, serve};
use replica::transport::SeqPacket;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(arguments.log.clone())
        .init();
    match arguments.config() {
        Err(error) => {
            eprintln!("replica: {error}");
            ExitCode::from(2)
        }
        Ok((config, seed)) => match run(config, seed) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("replica: {error:#}");
                ExitCode::FAILURE
            }
        },
    }
}

fn run(config: replica::core::Config, seed: u64) -> anyhow::Result<()> {
    use anyhow::Context;
    let name = config.id.to_string();
    let mut transport = SeqPacket::connect(&name)
        .with_context(|| format!("cannot connect to the socket {name:?}"))?;
    let mut world = World::new(ChaCha8Rng::seed_from_u64(seed));
    let now = world.now();
    let replica = Replica::new(config.into(), Saved::default(), now);
    serve(replica, &mut transport, world).context("the socket failed")
}
