//! Large histories, each in a process of its own: whole time and peak memory, as CSV on standard
//! output. `cargo bench -p checker --bench large`; a name as an argument runs only that one.
//!
//! The textbook search (Wing and Gong with Lowe's memo, a bit per operation) runs beside each
//! case for as long as that bears, and `stateright`'s tester on as many of the first operations as it
//! decides in a second.

#[path = "../tests/generate/mod.rs"]
mod generate;
mod tester;
mod textbook;

use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::process::Command;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use checker::format::{Format, Reader};
use checker::online::{Checker, Progress};
use checker::{Event, History, ModelName, Options, Reading, check};
use generate::{Mix, Shape, TextEvent};
use nix::time::{ClockId, clock_gettime};

const UNIQUE: Shape = Shape {
    operations: 1_000_000,
    clients: 100,
    keys: 1,
    unknown: 0.05,
    mix: Mix::Unique,
    stale_at: None,
    seed: 1,
};

fn cases() -> Vec<(String, Shape)> {
    let mut cases = vec![
        ("register".to_owned(), UNIQUE),
        ("register-broken".to_owned(), Shape { stale_at: Some(990_000), ..UNIQUE }),
    ];
    let cas = Shape { clients: 10, unknown: 0.01, mix: Mix::UniqueCas, ..UNIQUE };
    cases.push(("cas-unique".to_owned(), cas));
    cases.push(("cas-unique-unknown".to_owned(), Shape { unknown: 0.05, ..cas }));
    cases.push(("cas-unique-certain".to_owned(), Shape { unknown: 0.0, ..cas }));
    cases.push(("cas-unique-many".to_owned(), Shape { clients: 100, unknown: 0.2, ..cas }));
    cases.push(("cas-unique-broken".to_owned(), Shape { stale_at: Some(990_000), ..cas }));
    let small = Shape { mix: Mix::SmallCas, operations: 10_000, clients: 20, ..cas };
    cases.push(("cas-small".to_owned(), small));
    let long = Shape { operations: 100_000, clients: 10, ..small };
    cases.push(("cas-small-long".to_owned(), long));
    let broken = Shape { operations: 1_000, clients: 5, stale_at: Some(800), ..small };
    cases.push(("cas-small-broken".to_owned(), broken));
    let online = Shape { operations: 5_000_000, clients: 10, unknown: 0.0, ..UNIQUE };
    cases.push(("online".to_owned(), online));
    let disk = Shape { operations: 10_000_000, keys: 1_000, clients: 100, ..UNIQUE };
    cases.push(("disk".to_owned(), disk));
    cases
}

fn main() {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if let [only, child] = &arguments[..]
        && child == "child"
    {
        let (name, shape) = cases().into_iter().find(|(name, _)| name == only).expect("a case");
        return run(&name, shape);
    }
    println!(
        "case,operations,clients,keys,unknown,verdict,algorithm,seconds,cpu_seconds,peak_memory_mb,textbook_seconds,stateright"
    );
    for (name, _) in cases() {
        if arguments.first().is_some_and(|only| *only != name) {
            continue;
        }
        let program = std::env::current_exe().expect("this program has a path");
        let status = Command::new(program).args([&name, "child"]).status().expect("it starts");
        assert!(status.success(), "{name} ended with {status}");
    }
}

fn run(name: &str, shape: Shape) {
    let (verdict, algorithm, Took { wall, cpu }, peak_mb, baseline) = match name {
        "online" => online(shape),
        "disk" => from_disk(shape),
        _ => in_memory(shape),
    };
    let Shape { operations, clients, keys, unknown, .. } = shape;
    println!(
        "{name},{operations},{clients},{keys},{unknown},{verdict},{algorithm},{:.3},{:.3},{peak_mb},{baseline}",
        wall.as_secs_f64(),
        cpu.as_secs_f64()
    );
}

/// Verdict, algorithm, time, peak memory in megabytes, what the textbook and the tester take.
type Row = (&'static str, &'static str, Took, u64, String);

/// By the clock on the wall, and on all processors together: that of a machine with other work.
#[derive(Default)]
struct Took {
    wall: Duration,
    cpu: Duration,
}

struct Start {
    wall: Instant,
    cpu: Duration,
}

impl Start {
    fn now() -> Self {
        Start { wall: Instant::now(), cpu: cpu_time() }
    }

    fn took(&self) -> Took {
        Took { wall: self.wall.elapsed(), cpu: cpu_time().saturating_sub(self.cpu) }
    }
}

/// What this process has used of all processors so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).expect("every system has it");
    Duration::from(time)
}

fn in_memory(shape: Shape) -> Row {
    let history = generate::history(shape);
    let start = Start::now();
    let report = check(&history, &Options::default());
    let took = start.took();
    let peak_mb = peak_memory_mb();
    let textbook = textbook::seconds(&history, Duration::from_secs(2));
    let baseline = format!("{textbook},{}", tester_bears(history));
    (report.verdict.name(), report.algorithms[0], took, peak_mb, baseline)
}

/// How many of the first operations `stateright`'s tester decides in a second, doubling from 8,
/// and in how many seconds. The thread that does not end ends with this process.
fn tester_bears(history: History) -> String {
    let history = Arc::new(history);
    let mut bears = "none".to_owned();
    for count in (3..11).map(|power| 1_usize << power) {
        let (sender, receiver) = mpsc::channel();
        let history = Arc::clone(&history);
        let test = move || {
            let start = Instant::now();
            tester::is_consistent(&history, count);
            let _ = sender.send(start.elapsed());
        };
        thread::Builder::new().stack_size(1 << 28).spawn(test).expect("a thread");
        let Ok(took) = receiver.recv_timeout(Duration::from_secs(1)) else { break };
        bears = format!("first {count} in {:.6}", took.as_secs_f64());
    }
    bears
}

/// The time of the events alone, which are made beforehand in batches.
fn online(shape: Shape) -> Row {
    let mut checker = Checker::new();
    let mut took = Took::default();
    let mut batch: Vec<Event<'static>> = Vec::new();
    let mut push_all = |batch: &mut Vec<Event<'static>>, took: &mut Took| {
        let start = Start::now();
        for event in batch.iter() {
            checker.push(event);
        }
        let Took { wall, cpu } = start.took();
        took.wall += wall;
        took.cpu += cpu;
        batch.clear();
    };
    generate::each_event(shape, &mut |event| {
        batch.push(journaled(event));
        if batch.len() == 100_000 {
            push_all(&mut batch, &mut took);
        }
    });
    push_all(&mut batch, &mut took);
    let verdict = if *checker.progress() == Progress::Consistent { "valid" } else { "invalid" };
    (verdict, "online", took, peak_memory_mb(), ",".to_owned())
}

fn from_disk(shape: Shape) -> Row {
    let path = std::env::temp_dir().join(format!("checker-bench-{}.jsonl", std::process::id()));
    let mut file = BufWriter::new(File::create(&path).expect("a scratch file"));
    writeln!(file, "{{\"schema\":1}}").expect("room on the disk");
    generate::each_event(shape, &mut |event| {
        serde_json::to_writer(&mut file, &journaled(event)).expect("room on the disk");
        file.write_all(b"\n").expect("room on the disk");
    });
    file.flush().expect("room on the disk");
    drop(file);

    let start = Start::now();
    let mut file = File::open(&path).expect("the file");
    let mut reader = Reader::new(Format::Jsonl, Reading::default());
    let mut piece = vec![0; 1 << 18];
    loop {
        let length = file.read(&mut piece).expect("the file");
        if length == 0 {
            break;
        }
        reader.feed(&piece[..length]).expect("events");
    }
    let history = reader.finish().expect("the history is whole").history;
    let options = Options { model: ModelName::Kv, ..Options::default() };
    let report = check(&history, &options);
    let took = start.took();
    fs::remove_file(&path).expect("the file");
    (report.verdict.name(), report.algorithms[0], took, peak_memory_mb(), ",".to_owned())
}

fn journaled(event: &TextEvent) -> Event<'static> {
    Event {
        index: event.index,
        time_ns: event.time_ns,
        process: event.process,
        client: "0015".into(),
        r#type: event.r#type,
        f: event.f,
        key: event.key.clone().into(),
        value: event.value.clone().map(Into::into),
        node: None,
        error: None,
    }
}

fn peak_memory_mb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kb = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kb.unwrap_or_default() / 1024
}
