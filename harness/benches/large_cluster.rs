//! The largest cluster, for a minute: 21 replicas that say 50,000 messages a second in all, and 64
//! clients.
//!
//! `cargo bench -p harness --bench large_cluster [-- SECONDS]` (the examples must be built in release
//! too). Prints what was sent by the replicas' own count, what `messages.csv` has of it, what was lost,
//! and the harness's memory on the way.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const REPLICAS: u64 = 21;
const PER_SECOND: u64 = 50_000;

fn main() {
    let asked = std::env::args().skip(1).find_map(|word| word.parse::<u64>().ok());
    let seconds = asked.unwrap_or(60).max(5);
    let folder = tempfile::tempdir().expect("a folder");
    let workload = format!(
        r#"{{"lifetime": {}, "start_wait": 0, "end_wait": 0, "replicas": {REPLICAS},
        "clients": {{"count": 64, "keys": 64, "rate": 500, "timeout_ms": 5000}}}}"#,
        seconds + 5
    );
    fs::write(folder.path().join("large.json"), workload).expect("a workload");
    let harness = Path::new(env!("CARGO_BIN_EXE_harness"));
    let program = harness.with_file_name("examples").join("talking_replica");
    let each = PER_SECOND * seconds / REPLICAS;
    let begin = Instant::now();
    let mut child = Command::new(harness)
        .args(["run", "large.json", "--quiet", "--transport", "seqpacket", "--replica"])
        .arg(&program)
        .args(["--replica-arg", &each.to_string()])
        .args(["--replica-arg", &(PER_SECOND / REPLICAS).to_string()])
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .spawn()
        .expect("the harness");
    let mut memory: Vec<(u64, f64)> = Vec::new();
    while child.try_wait().expect("a child").is_none() {
        std::thread::sleep(Duration::from_secs(1));
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes =
            resident.and_then(|it| it.trim().trim_end_matches(" kB").parse::<f64>().ok());
        if let Some(kilobytes) = kilobytes {
            memory.push((begin.elapsed().as_secs(), kilobytes / 1024.0));
        }
    }
    let run = folder.path().join("results/latest");
    let (said, heard) = own_counts(&run);
    let [sent, delivered, before] = counted(&run.join("messages.csv"));
    let at = |second: u64| {
        let sample = memory.iter().find(|(at, _)| *at >= second).or(memory.last());
        sample.map_or(0.0, |(_, mb)| *mb)
    };
    println!("| {REPLICAS} replicas, 64 clients, {seconds} s | |");
    println!("|---|---|");
    println!("| messages that the replicas sent to one another | {said} |");
    println!("| of these in `messages.csv` as sent | {sent} |");
    println!("| as delivered | {delivered} |");
    println!("| that the replicas received | {heard} |");
    println!("| lost, by any cause | {} |", sent - delivered);
    println!("| of these sent before all had connected | {before} |");
    println!("| the harness's memory after 10 s | {:.1} MB |", at(10));
    println!("| after {seconds} s | {:.1} MB |", at(seconds));
}

/// What the replicas counted themselves: sent, and received.
fn own_counts(run: &Path) -> (u64, u64) {
    let (mut sent, mut received) = (0, 0);
    for entry in fs::read_dir(run.join("replicas")).expect("the replicas") {
        let log = fs::read_to_string(entry.expect("an entry").path().join("stdout.log"));
        let log = log.expect("what it wrote");
        let number = |line: &str| line.rsplit(' ').next()?.parse::<u64>().ok();
        sent += log.lines().filter(|it| it.starts_with("sent")).filter_map(number).sum::<u64>();
        let last = log.lines().rev().find(|line| line.starts_with("received"));
        received += last.and_then(number).unwrap_or(0);
    }
    (sent, received)
}

/// Sent, delivered, and sent too early, of what the replicas say to one another.
fn counted(path: &Path) -> [u64; 3] {
    let mut sums = [0; 3];
    for row in csv::Reader::from_path(path).expect("the counts").deserialize() {
        let row: BTreeMap<String, String> = row.expect("a row");
        if row["type"] == "talk" {
            for (sum, column) in sums.iter_mut().zip(["sent", "delivered", "dropped_before_start"])
            {
                *sum += row[column].parse::<u64>().expect("a count");
            }
        }
    }
    sums
}
