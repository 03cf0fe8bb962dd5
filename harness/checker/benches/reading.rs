//! Each format read from disk, in a process of its own: size, rate of reading by processor time, and peak memory,
//! as CSV on standard output. `cargo bench -p checker --bench reading [operations]`.
//!
//! The same history is written in all formats: reads and writes of a register, unique values.

#[path = "../tests/generate/mod.rs"]
#[expect(dead_code, reason = "other benches use more of it")]
mod generate;

use std::fs::{self, File};
use std::io::{BufWriter, Read};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use checker::format::write::{Form, write_history};
use checker::format::{Format, Reader};
use checker::{ModelName, Reading};
use generate::{Mix, Shape};
use nix::time::{ClockId, clock_gettime};

/// Operations, unless an argument says another number.
const OPERATIONS: u64 = 1_000_000;

fn main() {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if let [form, file, child] = &arguments[..]
        && child == "child"
    {
        return read(form, Path::new(file));
    }
    let operations = arguments.first().and_then(|first| first.parse().ok()).unwrap_or(OPERATIONS);
    let shape = Shape {
        operations,
        clients: 100,
        keys: 1,
        unknown: 0.0,
        mix: Mix::Unique,
        stale_at: None,
        seed: 1,
    };
    let history = generate::history(shape);
    let folder = std::env::temp_dir();
    println!("format,operations,mb,mb_per_second,history_mb,peak_memory_mb");
    for (name, form) in Form::NAMES {
        let path = folder.join(format!("checker-reading-{}.{name}", std::process::id()));
        let mut file = BufWriter::new(File::create(&path).expect("a scratch file"));
        let written = write_history(form, &history, Some(ModelName::Register), &mut file);
        drop(file);
        match written {
            Ok(_) => {
                let program = std::env::current_exe().expect("this program has a path");
                let path = path.to_str().expect("a path of ours");
                let status = Command::new(program).args([name, path, "child"]).status();
                assert!(status.is_ok_and(|status| status.success()), "{name} was not read");
            }
            Err(problem) => println!("{name}: {problem}"),
        }
        fs::remove_file(&path).expect("the file");
    }
}

/// Reads a file and tells how fast.
fn read(name: &str, path: &Path) {
    let mut file = File::open(path).expect("the file");
    let mut piece = vec![0; 1 << 18];
    let before = cpu_time();
    let mut length = file.read(&mut piece).expect("the file");
    let format = Format::detect(&piece[..length]).expect("a format");
    let mut reader = Reader::new(format, Reading::default());
    let mut bytes = 0;
    while length > 0 {
        bytes += length;
        reader.feed(&piece[..length]).expect("events");
        length = file.read(&mut piece).expect("the file");
    }
    let history_mb = reader.memory_bytes() >> 20;
    let history = reader.finish().expect("the history is whole").history;
    let seconds = cpu_time().saturating_sub(before).as_secs_f64();
    let (mb, peak) = (bytes as f64 / 1e6, peak_memory_mb());
    let operations = history.operations().len();
    println!("{name},{operations},{mb:.0},{:.0},{history_mb},{peak}", mb / seconds);
}

/// What this process has used of all processors so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).expect("every system has it");
    Duration::from(time)
}

fn peak_memory_mb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    let kb: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kb / 1024
}
