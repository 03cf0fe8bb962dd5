//! `harness maelstrom test`: the command line that users of Maelstrom know, with the same flags.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::session::{self, Making};
use super::{Failure, RunOptions, reproduce};
use crate::campaign::job::Job;
use crate::cluster::program::Program;
use crate::dialect::maelstrom::Topology;
use crate::exit::Exit;
use crate::ids::Naming;
use crate::network::transport::Transport;
use crate::scenario::{Scenario, WorkloadError};
use crate::seed::Seed;
use crate::text::shell;
use crate::workload::WorkloadName;
use crate::world::Clock;

/// `harness maelstrom`.
#[derive(Debug, Args)]
pub struct MaelstromArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a workload against nodes and judge the results
    Test(Box<TestArgs>),
}

/// `harness maelstrom test`.
#[derive(Debug, Args)]
struct TestArgs {
    /// Workload
    #[arg(short, long, value_name = "NAME", value_parser = workload)]
    workload: WorkloadName,
    /// Node program
    #[arg(long, value_name = "PROGRAM")]
    bin: OsString,
    /// Number of nodes
    #[arg(long, default_value_t = 1, value_name = "N",
          value_parser = clap::value_parser!(u16).range(1..=99))]
    node_count: u16,
    /// Number of clients; `2n` means two for each node
    #[arg(long, default_value = "1n", value_name = "N", value_parser = concurrency)]
    concurrency: Concurrency,
    /// Operations a second, all clients together
    #[arg(long, default_value_t = 5.0, value_name = "HZ")]
    rate: f64,
    /// Seconds during which clients ask
    #[arg(long, default_value_t = 10.0, value_name = "SECONDS")]
    time_limit: f64,
    /// Mean latency of messages between nodes, in milliseconds
    #[arg(long, default_value_t = 0.0, value_name = "MILLIS")]
    latency: f64,
    /// Distribution of latencies
    #[arg(long, value_enum, default_value_t = LatencyDist::Constant)]
    latency_dist: LatencyDist,
    /// Faults, apart by commas
    #[arg(long, value_enum, value_delimiter = ',', value_name = "FAULTS")]
    nemesis: Vec<Nemesis>,
    /// Seconds between the beginnings of faults [default: a fifth of the time limit, 10 at the most]
    #[arg(long, value_name = "SECONDS")]
    nemesis_interval: Option<f64>,
    /// Which nodes are neighbours, for broadcast
    #[arg(long, value_enum, default_value_t = Topology::Grid)]
    topology: Topology,
    /// Number of keys in use at a time
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    key_count: Option<u16>,
    /// Fraction of operations that must be answered `ok`: `total` for all of them, or a number
    #[arg(long, value_name = "FRACTION", value_parser = availability)]
    availability: Option<f64>,
    /// Consistency models, apart by commas; taken note of, and judged with the transactional workloads
    #[arg(long, value_delimiter = ',', value_name = "MODELS")]
    consistency_models: Vec<String>,
    /// Show what nodes write to standard error (it is in their logs in any case)
    #[arg(long)]
    log_stderr: bool,
    /// Number of runs, one after the other
    #[arg(long, default_value_t = 1, value_name = "N",
          value_parser = clap::value_parser!(u16).range(1..=1000))]
    test_count: u16,
    /// Seed of every random choice [default: a new one]
    #[arg(long)]
    seed: Option<u64>,
    #[command(flatten)]
    options: RunOptions,
    /// Arguments of the node program
    #[arg(last = true, value_name = "ARGS")]
    arguments: Vec<String>,
}

/// How latencies are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LatencyDist {
    /// Each the same
    Constant,
    /// Evenly from zero to twice the mean
    Uniform,
    /// Most short, few long
    Exponential,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Nemesis {
    /// The network is cut in changing shapes
    Partition,
    /// A node is killed, and started again
    #[value(alias = "kill")]
    Crash,
    /// A node stands still
    Pause,
    /// Messages overtake each other
    Reorder,
    /// Some messages between nodes are lost
    Loss,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Concurrency {
    Clients(usize),
    PerNode(usize),
}

fn workload(name: &str) -> Result<WorkloadName, String> {
    let found = WorkloadName::named(name).filter(|it| !it.is_the_courses());
    found.ok_or_else(|| {
        let names: Vec<&str> = WorkloadName::NAMES.into_iter().filter(|it| *it != "kv").collect();
        format!("there is no such workload; allowed: {}", names.join(", "))
    })
}

fn concurrency(text: &str) -> Result<Concurrency, &'static str> {
    let wrong = "give a number from 1 to 256, or one such as `2n`";
    let number = |text: &str| text.parse().ok().filter(|&n| (1..=256).contains(&n)).ok_or(wrong);
    match text.strip_suffix('n') {
        Some(per_node) => number(per_node).map(Concurrency::PerNode),
        None => number(text).map(Concurrency::Clients),
    }
}

fn availability(text: &str) -> Result<f64, &'static str> {
    let fraction = if text == "total" { Some(1.0) } else { text.parse().ok() };
    fraction.filter(|it| (0.0..=1.0).contains(it)).ok_or("give `total`, or a number from 0 to 1")
}

/// What is wrong, told by the flag that says it instead of the key.
fn in_flags(error: &WorkloadError) -> String {
    let flags = [
        ("lifetime", "--time-limit"),
        ("clients.rate", "--rate"),
        ("clients.count", "--concurrency"),
        ("clients.keys", "--key-count"),
        ("replicas", "--node-count"),
        ("network", "--latency"),
        ("nemesis.interval", "--nemesis-interval"),
        ("nemesis", "--nemesis"),
    ];
    let key = error.place.as_ref().map_or("", |place| place.key.as_str());
    match flags.into_iter().find(|(of, _)| key.starts_with(of)) {
        Some((_, flag)) => format!("`{flag}`: {}", error.problem),
        None => error.to_string(),
    }
}

/// Runs what the command line asks for, and returns the worst exit code.
pub fn run(arguments: &MaelstromArgs) -> Result<Exit, Failure> {
    let Command::Test(test) = &arguments.command;
    test.run()
}

impl TestArgs {
    fn run(&self) -> Result<Exit, Failure> {
        let usage = |problem: String| Failure::usage(anyhow::anyhow!(problem));
        let bin =
            self.bin.to_str().ok_or_else(|| usage("--bin: the path is no text".to_owned()))?;
        let text = self.scenario().to_string();
        let file = format!("maelstrom-{}.json", self.workload);
        let scenario = Scenario::parse_as(&file, &text, Naming::Short)
            .map_err(|error| usage(in_flags(&error)))?;
        let mut words = vec![bin.to_owned()];
        words.extend(self.arguments.iter().cloned());
        let program = Program::of_command(&words).map_err(Failure::usage)?;
        let first = self.seed.map_or_else(Seed::from_entropy, Seed);
        let mut jobs = Vec::new();
        for number in 0..usize::from(self.test_count) {
            let seed = Seed(first.0.wrapping_add(number as u64));
            let mut plan = self.options.draw_for(&scenario, seed, None, self.system());
            plan.system.availability = self.availability;
            let source: PathBuf = format!("maelstrom {}", self.workload).into();
            let reproduce = self.reproduce(seed);
            jobs.push(Job { number, source, plan: Arc::new(plan), reproduce, is_again: false });
        }
        let making = Making {
            at_once: self.options.jobs.unwrap_or(1).into(),
            is_silent: false,
            until: |_| false,
            way: Some(Transport::Stdio),
            clock: Clock::Real,
        };
        let made = session::make_all(&jobs, program, &self.options, &making)?;
        session::sum_up(&made.summaries, &self.options)?;
        Ok(session::worst(&made.exits))
    }

    fn system(&self) -> crate::system::System {
        crate::system::System { topology: self.topology, ..crate::system::System::maelstrom() }
    }

    fn reproduce(&self, seed: Seed) -> String {
        let mut words: Vec<String> = std::env::args_os().map(|word| shell::quoted(&word)).collect();
        if self.seed.is_none() {
            let at = words.iter().position(|word| word == "--").unwrap_or(words.len());
            words.splice(at..at, ["--seed".to_owned(), seed.to_string()]);
        }
        let _ = reproduce::own_name;
        words.join(" ")
    }

    /// The same as a workload file.
    fn scenario(&self) -> Value {
        let nodes = usize::from(self.node_count);
        let clients = match self.concurrency {
            Concurrency::Clients(count) => count,
            Concurrency::PerNode(count) => (count * nodes).min(256),
        };
        let usual_interval = (self.time_limit / 5.0).clamp(1.0, 10.0);
        let interval = self.nemesis_interval.unwrap_or(usual_interval);
        let mut scenario = json!({
            "name": format!("maelstrom-{}", self.workload),
            "workload": self.workload.name(),
            "replicas": nodes,
            "lifetime": self.time_limit,
            "start_wait": 0,
            "end_wait": 0,
            "clients": {
                "count": clients,
                "keys": self.key_count.unwrap_or(5),
                "rate": self.rate,
                "timeout_ms": 5000,
            },
        });
        if self.latency > 0.0 {
            let ms = self.latency;
            scenario["network"] = match self.latency_dist {
                LatencyDist::Constant => json!([{"rule": "latency", "ms": ms}]),
                LatencyDist::Uniform => {
                    json!([{"rule": "latency", "distribution": "uniform", "min_ms": 0, "max_ms": 2.0 * ms}])
                }
                LatencyDist::Exponential => {
                    json!([{"rule": "latency", "distribution": "exponential", "mean_ms": ms}])
                }
            };
        }
        let faults: Vec<Value> =
            self.nemesis.iter().flat_map(|nemesis| nemesis.faults(interval)).collect();
        if !faults.is_empty() {
            scenario["nemesis"] = json!({"interval": [interval, interval], "faults": faults});
        }
        scenario
    }
}

impl Nemesis {
    fn faults(self, seconds: f64) -> Vec<Value> {
        let duration = json!([seconds, seconds]);
        match self {
            Self::Partition => ["majority", "halves", "one", "bridge", "majorities_ring"]
                .map(|shape| json!({"type": "partition", "shape": shape, "duration": duration}))
                .to_vec(),
            Self::Crash => vec![json!({"type": "crash", "duration": [0.2, 1.0]})],
            Self::Pause => vec![json!({"type": "pause", "duration": duration})],
            Self::Reorder => vec![json!({
                "type": "network",
                "duration": duration,
                "rules": [{"rule": "reorder", "probability": 0.5, "within_ms": 50}],
            })],
            Self::Loss => vec![json!({
                "type": "network",
                "duration": duration,
                "rules": [{"rule": "loss", "probability": 0.2}],
            })],
        }
    }
}
