//! Whether budgets hold: hard histories under several budgets, each in a process of its own, as CSV on
//! standard output. `cargo bench -p checker --bench budgets`; a case and a number of megabytes as
//! arguments run only those.

#[path = "../tests/generate/hard.rs"]
mod hard;

use std::fs;
use std::process::Command;
use std::time::Instant;

use checker::{Budget, ModelName, Options, check};
use hard::{Hard, Shape};

/// Megabytes.
const BUDGETS: [u64; 4] = [10, 50, 200, 1024];

/// No case may take longer.
const SECONDS: u64 = 60;

fn cases() -> Vec<(&'static str, Shape)> {
    let swaps =
        Shape { hard: Hard::Swaps, operations: 400, clients: 30, keys: 1, unknown: 0.05, seed: 1 };
    let registers = Shape { hard: Hard::Registers, unknown: 0.0, ..swaps };
    let appends = Shape { hard: Hard::Appends, unknown: 0.0, ..swaps };
    vec![
        ("registers", registers),
        ("registers-unknown", Shape { unknown: 0.05, ..registers }),
        ("registers-wide", Shape { clients: 100, ..registers }),
        ("swaps", Shape { unknown: 0.0, ..swaps }),
        ("swaps-unknown", swaps),
        ("swaps-wide", Shape { clients: 100, ..swaps }),
        ("appends", appends),
        ("appends-unknown", Shape { unknown: 0.05, ..appends }),
        ("appends-long", Shape { operations: 4_000, ..appends }),
        ("many-keys", Shape { keys: 50, ..swaps }),
        ("many-texts", Shape { keys: 50, ..appends }),
    ]
}

fn main() {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if let [case, megabytes, child] = &arguments[..]
        && child == "child"
    {
        return run(case, megabytes.parse().expect("a number of megabytes"));
    }
    println!("case,budget_mb,verdict,limit,base_mb,peak_mb,above_base_mb,seconds");
    for (case, _) in cases() {
        for budget in BUDGETS.map(|megabytes| megabytes.to_string()) {
            let wanted = [case, budget.as_str()];
            if arguments.iter().zip(wanted).any(|(argument, wanted)| argument != wanted) {
                continue;
            }
            let program = std::env::current_exe().expect("this program has a path");
            let status = Command::new(program).args([case, budget.as_str(), "child"]).status();
            let status = status.expect("it starts");
            assert!(status.success(), "{case} ended with {status}");
        }
    }
}

fn run(case: &str, megabytes: u64) {
    let (_, shape) = cases().into_iter().find(|(name, _)| *name == case).expect("a case");
    let history = hard::history(shape);
    // The peak so far is forgotten.
    fs::write("/proc/self/clear_refs", "5").expect("this process may forget its own peak");
    let base = memory_mb("VmRSS:");
    let start = Instant::now();
    let stop = move || start.elapsed().as_secs() >= SECONDS;
    let freed = || unsafe {
        malloc_trim(0);
    };
    let memory_bytes = megabytes * 1_000_000;
    let budget =
        Budget { steps: u64::MAX, memory_bytes, stop: &stop, freed: &freed, ..Budget::default() };
    let options = Options { model: ModelName::Kv, budget, all_keys: true, ..Options::default() };
    let report = check(&history, &options);
    let seconds = start.elapsed().as_secs_f64();
    let peak = memory_mb("VmHWM:");
    let limit = match &report.verdict {
        checker::Verdict::Unknown(reason) => format!("{:?}", reason.limit),
        _ => String::new(),
    };
    println!(
        "{case},{megabytes},{},{limit},{base:.1},{peak:.1},{:.1},{seconds:.2}",
        report.verdict.name(),
        peak - base
    );
}

fn memory_mb(field: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kb = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kb.unwrap_or_default() * 1_024.0 / 1e6
}

unsafe extern "C" {
    fn malloc_trim(pad: usize) -> i32;
}
