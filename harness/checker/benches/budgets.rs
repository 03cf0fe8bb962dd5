//! What hard histories cost within budgets of time and memory, each in a process of its own, and beside it
//! what others take for them: the table of `docs/benchmarks.md`, on standard output.
//! `cargo bench -p checker --bench budgets`; the name of a history as argument runs only that.

#[path = "../tests/generate/hard.rs"]
mod hard;
#[path = "../tests/generate/objects.rs"]
#[expect(dead_code, reason = "some objects are only tested")]
mod objects;
mod plain;

use std::fs;
use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use checker::{Budget, History, ModelName, Options, Verdict, check};
use hard::Hard;
use objects::Object;

/// Megabytes.
const BUDGETS: [u64; 2] = [10, 200];

/// The budget of time, and how long the others may take.
const LIMIT: Duration = Duration::from_secs(5);

/// Operations.
const SIZES: [usize; 3] = [25, 100, 400];

/// Clients.
const CLIENTS: usize = 30;

/// What is checked, with its model.
const HISTORIES: [(&str, ModelName, What); 7] = [
    ("register, 5 values", ModelName::Kv, What::Register(Hard::Registers, 0.0)),
    ("cas, 5 values, 5 % unknown", ModelName::Kv, What::Register(Hard::Swaps, 0.05)),
    ("queue, 5 values", ModelName::Queue, What::Object(Object::Queue, Some(5))),
    ("stack, 5 values", ModelName::Stack, What::Object(Object::Stack, Some(5))),
    ("stack, different values", ModelName::Stack, What::Object(Object::Stack, None)),
    ("counter, 5 amounts", ModelName::Counter, What::Object(Object::Counter, Some(5))),
    ("counter, different amounts", ModelName::Counter, What::Object(Object::Counter, None)),
];

#[derive(Clone, Copy)]
enum What {
    Register(Hard, f64),
    Object(Object, Option<i64>),
}

fn history(what: What, operations: usize) -> History {
    match what {
        What::Register(hard, unknown) => {
            let (clients, keys, seed) = (CLIENTS, 1, 1);
            hard::history(hard::Shape { hard, operations, clients, keys, unknown, seed })
        }
        What::Object(object, values) => objects::history(objects::Shape {
            object,
            operations: operations as u64,
            clients: CLIENTS,
            values,
            unknown: 0.0,
            is_wrong: true,
            seed: 1,
        }),
    }
}

fn main() {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if let [name, operations, who] = &arguments[..] {
        let (_, model, what) =
            *HISTORIES.iter().find(|(known, ..)| known == name).expect("a history");
        let history = history(what, operations.parse().expect("a number of operations"));
        return run(model, &history, who);
    }
    println!(
        "| history | operations | budget | verdict | memory | time | `stateright` | textbook |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let is_wanted = |name: &str| arguments.first().is_none_or(|wanted| wanted == name);
    for (name, ..) in HISTORIES.into_iter().filter(|(name, ..)| is_wanted(name)) {
        for operations in SIZES.map(|operations| operations.to_string()) {
            let asked = |who: &str| asked([name, &operations, who]);
            let others = ["stateright", "textbook"].map(asked).join(" | ");
            for budget in BUDGETS.map(|megabytes| megabytes.to_string()) {
                println!("| {name} | {operations} | {budget} MB | {} | {others} |", asked(&budget));
            }
        }
    }
}

/// What a process of this program says with these arguments, as long as it may run.
fn asked(arguments: [&str; 3]) -> String {
    let program = std::env::current_exe().expect("this program has a path");
    let child = Command::new(program).args(arguments).stdout(Stdio::piped()).spawn();
    let mut child = child.expect("it starts");
    let start = Instant::now();
    // A check with a budget of time is not to be ended for taking it.
    let has_budget = arguments[2].parse::<u64>().is_ok();
    let patience = if has_budget { 2 * LIMIT } else { LIMIT };
    while child.try_wait().expect("it is ours").is_none() {
        if start.elapsed() > patience {
            child.kill().expect("it is ours");
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let mut said = String::new();
    child.stdout.take().expect("its output").read_to_string(&mut said).expect("a text");
    if said.is_empty() { format!("more than {} s", patience.as_secs()) } else { said }
}

fn run(model: ModelName, history: &History, who: &str) {
    let start = Instant::now();
    let ask = |what: fn(&History) -> bool| {
        let verdict = if what(history) { "valid" } else { "invalid" };
        print!("{verdict}, {}", told(start.elapsed()));
    };
    match who {
        "stateright" => ask(plain::stateright),
        "textbook" => ask(plain::textbook),
        megabytes => check_within(model, history, megabytes.parse().expect("megabytes")),
    }
}

/// Prints the verdict, what memory was taken, and how long it took.
fn check_within(model: ModelName, history: &History, megabytes: u64) {
    // The peak so far is forgotten.
    fs::write("/proc/self/clear_refs", "5").expect("this process may forget its own peak");
    let base = memory_mb("VmRSS:");
    let start = Instant::now();
    let stop = move || start.elapsed() >= LIMIT;
    let freed = || unsafe {
        malloc_trim(0);
    };
    let memory_bytes = megabytes * 1_000_000;
    let budget =
        Budget { steps: u64::MAX, memory_bytes, stop: &stop, freed: &freed, ..Budget::default() };
    let options = Options { model, budget, all_keys: true, ..Options::default() };
    let report = check(history, &options);
    let took = told(start.elapsed());
    let verdict = match &report.verdict {
        Verdict::Unknown(reason) => format!("undecided: {:?}", reason.limit).to_lowercase(),
        decided => decided.name().to_owned(),
    };
    print!("{verdict} | {:.1} MB | {took}", memory_mb("VmHWM:") - base);
}

fn told(time: Duration) -> String {
    format!("{:.3} s", time.as_secs_f64())
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
