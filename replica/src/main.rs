//! The replica binary: reads its arguments, connects, serves.

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use replica::cli::{Arguments, Plan, list_bugs};
use replica::core::Replica;
use replica::server::{World, serve};
use replica::storage::{Disk, Memory, Stable, Storage};
use replica::transport;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.list_bugs {
        print!("{}", list_bugs());
        return ExitCode::SUCCESS;
    }
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_max_level(arguments.log)
        .init();
    let plan = match arguments.plan() {
        Ok(plan) => plan,
        Err(error) => {
            eprintln!("replica: {error}");
            return ExitCode::from(2);
        }
    };
    let served = match &arguments.data_dir {
        None => run(plan, Memory),
        Some(directory) => Disk::open(directory, plan.config.id)
            .map_err(anyhow::Error::from)
            .and_then(|disk| run(plan, disk)),
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("replica: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Serves until the simulator goes.
fn run(plan: Plan, storage: impl Storage) -> anyhow::Result<()> {
    let id = plan.config.id;
    let mut stable = Stable::new(storage, plan.config.bugs);
    let saved = stable.load()?;
    let mut transport = transport::open(plan.transport, id)
        .with_context(|| format!("cannot reach the simulator as {id} by {}", plan.transport))?;
    let mut world = World::new(ChaCha8Rng::seed_from_u64(plan.seed));
    let replica = Replica::new(plan.config.into(), saved, world.now());
    let gone = serve(replica, transport.as_mut(), &mut stable, world)?;
    // Ending a cluster kills its replicas; one that outlives its socket says why it ends.
    eprintln!("replica: the other side closed the connection, and none can be made again: {gone}");
    Ok(())
}
