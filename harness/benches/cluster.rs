//! What the bundled replica does, measured through the harness: throughput and latency, elections
//! after leader kills, and the low-message profile under the course's configs of 2021.
//!
//! `cargo bench -p harness --bench cluster [throughput|elections|low-message]...`; it needs
//! `cargo build --release --bins` first. Tables go to standard output.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use harness::report::quantiles::Quantiles;
use serde_json::Value;
use tempfile::TempDir;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let all = ["throughput", "elections", "low-message"];
    let asked: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let is_asked = |name: &str| asked.is_empty() || asked.iter().any(|arg| arg == name);
    for name in all.into_iter().filter(|name| is_asked(name)) {
        match name {
            "throughput" => throughput()?,
            "elections" => elections()?,
            _ => low_message()?,
        }
    }
    Ok(())
}

/// A folder for workloads and results, and the harness to call in it.
struct Bench(TempDir);

impl Bench {
    fn new() -> Outcome<Self> {
        Ok(Self(TempDir::new()?))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs workloads and returns each run's folder.
    fn run(&self, workloads: &[PathBuf], jobs: usize, replica: &[&str]) -> Outcome<Vec<PathBuf>> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
        command.current_dir(self.0.path()).arg("run").args(workloads);
        command.args(["--format", "json", "--jobs", &jobs.to_string()]);
        for argument in replica {
            command.arg("--replica-arg").arg(argument);
        }
        let output = command.output()?;
        let text = String::from_utf8(output.stdout)?;
        let mut folders = Vec::new();
        for line in text.lines() {
            let verdict: Value = serde_json::from_str(line)?;
            if verdict["exit_code"] != 0 {
                eprintln!("not all is well in {}: {}", verdict["scenario"], verdict["answers"]);
            }
            folders.push(self.path(verdict["results"].as_str().ok_or("a folder")?));
        }
        if folders.len() != workloads.len() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        Ok(folders)
    }
}

fn throughput() -> Outcome<()> {
    println!("\n| puts, five replicas, no faults | storage | puts/s | p50 ms | p99 ms |");
    println!("|---|---|---|---|---|");
    let disk = ["--data-dir", "{data}"];
    for (clients, storage, replica) in [
        (64, "memory", &[][..]),
        (64, "disk", &disk[..]),
        (1, "memory", &[][..]),
        (1, "disk", &disk[..]),
    ] {
        let bench = Bench::new()?;
        let workload = bench.path("puts.json");
        std::fs::write(
            &workload,
            format!(
                r#"{{"lifetime": 8, "replicas": 5, "start_wait": 0.5, "end_wait": 0, "mix": 0,
                    "max_packets": 1000000000, "clients": {{"count": {clients}, "keys": 64}}}}"#
            ),
        )?;
        let folders = bench.run(&[workload], 1, replica)?;
        let rows = csv::Reader::from_path(folders[0].join("latency.csv"))?;
        let mut latencies = Vec::new();
        for row in rows.into_records() {
            let row = row?;
            if &row[2] == "put" && &row[8] == "ok" {
                latencies.push(Duration::from_secs_f64(row[7].parse::<f64>()? / 1e6));
            }
        }
        let rate = latencies.len() as f64 / 8.0;
        let quantiles = Quantiles::of(latencies).ok_or("puts")?;
        let [p50, p99] = [quantiles.p50, quantiles.p99].map(|time| time.as_secs_f64() * 1e3);
        println!("| {clients} clients | {storage} | {rate:.0} | {p50:.3} | {p99:.3} |");
    }
    Ok(())
}

/// Two leader kills a run; the time from each to the first put that another leader acknowledged.
fn elections() -> Outcome<()> {
    println!(
        "\n| from the kill of a leader to the first put acknowledged by the next, ms | n | p50 | p90 | p99 | max |"
    );
    println!("|---|---|---|---|---|---|");
    for (loss, runs) in [(0.0, 100), (0.3, 200)] {
        for election in ["fast", "paper"] {
            let bench = Bench::new()?;
            let workload = bench.path("kills.json");
            std::fs::write(
                &workload,
                format!(
                    r#"{{"lifetime": 5, "replicas": 5, "start_wait": 1, "end_wait": 0, "mix": 0.1,
                        "drops": {loss},
                        "clients": {{"count": 8, "keys": 8, "rate": 500, "timeout_ms": 200}},
                        "events": [{{"type": "kill_leader", "time": 0.5}},
                                   {{"type": "kill_leader", "time": 2.5}}]}}"#
                ),
            )?;
            let workloads = vec![workload; runs];
            let mut waits = Vec::new();
            for folder in bench.run(&workloads, 5, &["--election", election])? {
                waits.extend(after_kills(&folder)?);
            }
            let quantiles = Quantiles::of(waits).ok_or("kills")?;
            let cells = [quantiles.p50, quantiles.p90, quantiles.p99, quantiles.max];
            let cells = cells.map(|time| format!("{:.0}", time.as_secs_f64() * 1e3)).join(" | ");
            let loss = format!("{:.0} % loss", loss * 100.0);
            println!("| `--election {election}`, {loss} | {} | {cells} |", quantiles.count);
        }
    }
    Ok(())
}

/// The waits after each kill in one run.
fn after_kills(folder: &Path) -> Outcome<Vec<Duration>> {
    let mut puts = Vec::new();
    for row in csv::Reader::from_path(folder.join("latency.csv"))?.into_records() {
        let row = row?;
        if &row[2] == "put" && &row[8] == "ok" {
            puts.push((row[6].parse::<u64>()?, row[4].to_owned()));
        }
    }
    puts.sort();
    let mut waits = Vec::new();
    for line in std::fs::read_to_string(folder.join("faults.jsonl"))?.lines().skip(1) {
        let fault: Value = serde_json::from_str(line)?;
        let (Some(at), Some(killed)) = (fault["applied_ns"].as_u64(), fault["targets"][0].as_str())
        else {
            continue;
        };
        let first = puts.iter().find(|(done, node)| *done > at && node != killed);
        waits.extend(first.map(|(done, _)| Duration::from_nanos(done - at)));
    }
    Ok(waits)
}

fn low_message() -> Outcome<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../workloads/course/2021");
    let mut workloads = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        workloads.push(entry?.path().canonicalize()?);
    }
    workloads.sort();
    let bench = Bench::new()?;
    bench.run(&workloads, 17, &["--profile", "low-message"])?;
    println!("\n| `--profile low-message` | passed | messages | tiers | failed or unanswered |");
    println!("|---|---|---|---|---|");
    let mut rows = csv::Reader::from_path(bench.path("results/summary.csv"))?;
    let headers = rows.headers()?.clone();
    let column = |name: &str| headers.iter().position(|header| header == name).ok_or("a column");
    let columns = [
        column("scenario")?,
        column("course_passed")?,
        column("messages_sent")?,
        column("course_tiers")?,
        column("info")?,
    ];
    let mut lines: Vec<String> = Vec::new();
    for row in rows.records() {
        let row = row?;
        let cells = columns.map(|column| row[column].to_owned());
        lines.push(format!("| {} |", cells.join(" | ")));
    }
    lines.sort();
    println!("{}", lines.join("\n"));
    Ok(())
}
