//! The proofs at any length: the model checker over as many states as asked for, and the
//! simulation over as many seeds, with the counts that make a proof worth something.

#[path = "../proof/mod.rs"]
mod proof;

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use proof::model::Cluster;
use proof::simulation::run;
use replica::bugs::{Bug, Bugs};
use stateright::{Checker, HasDiscoveries, Model};

/// Proves the replica's core: all orders of events within bounds, and random faults.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many states to generate for each of the model's bounds, one after the other.
    #[arg(long, default_value_t = 10_000_000)]
    states: usize,

    /// How many seeds to simulate.
    #[arg(long, default_value_t = 200)]
    seeds: u64,

    /// The first seed.
    #[arg(long, default_value_t = 0)]
    first_seed: u64,

    /// A named bug to switch on: then something should be found.
    #[arg(long = "bug")]
    bugs: Vec<Bug>,

    /// How many threads check the model.
    #[arg(long, default_value_t = 2)]
    threads: usize,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let bugs: Bugs = arguments.bugs.iter().copied().collect();
    let sound = check_models(&arguments, bugs) & simulate(&arguments, bugs);
    println!("at most {} of memory", peak_memory().as_deref().unwrap_or("an unknown amount"));
    if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The most memory that this process has had, as the kernel says.
fn peak_memory() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(peak.trim().to_owned())
}

fn check_models(arguments: &Arguments, bugs: Bugs) -> bool {
    let (mut sound, mut unique) = (true, 0);
    for (name, cluster) in Cluster::bounds() {
        let started = Instant::now();
        let checker = Cluster { bugs, ..cluster }
            .checker()
            .threads(arguments.threads)
            .target_state_count(arguments.states)
            .finish_when(HasDiscoveries::AnyFailures)
            .spawn_bfs()
            .join();
        println!(
            "model, {name}: {} unique states of {} generated, to depth {}, in {:.1} s",
            checker.unique_state_count(),
            checker.state_count(),
            checker.max_depth(),
            started.elapsed().as_secs_f64(),
        );
        unique += checker.unique_state_count();
        for (property, path) in checker.discoveries() {
            sound = false;
            println!("  broken: {property}");
            for action in path.into_actions() {
                println!("    {action:?}");
            }
        }
    }
    println!("model, all bounds: {unique} unique states");
    sound
}

fn simulate(arguments: &Arguments, bugs: Bugs) -> bool {
    let started = Instant::now();
    let (mut steps, mut commits, mut completed) = (0, 0, 0);
    for seed in arguments.first_seed..arguments.first_seed + arguments.seeds {
        match run(seed, bugs) {
            Ok(summary) => {
                steps += summary.steps;
                commits += summary.commits;
                completed += summary.completed;
            }
            Err(violation) => {
                println!("simulation, seed {seed}: {violation}");
                return false;
            }
        }
    }
    println!(
        "simulation: {} seeds, {steps} steps, {commits} entries committed, {completed} operations \
         completed, in {:.1} s",
        arguments.seeds,
        started.elapsed().as_secs_f64(),
    );
    true
}
