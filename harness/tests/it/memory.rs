//! How much memory a history takes while it is read: little for each operation, whatever their number.

use std::fmt::Write;
use std::fs;
use std::time::Duration;

use crate::support::{Bench, room};

/// Beyond the operations that a page shows, so that only what is kept of the others differs.
const FEW: usize = 160_000;
const MANY: usize = 3 * FEW;

/// The most that another operation may take.
const BYTES_PER_OPERATION: u64 = 200;

/// A history in which four clients take turns.
fn history(operations: usize) -> String {
    let mut text = String::from(
        "{\"schema\":1,\"kind\":\"history\",\"model\":\"kv\",\"scenario\":\"many\",\"seed\":1}\n",
    );
    let mut values = vec![String::new(); 50];
    for n in 0..operations {
        let (client, key, time) = (n % 4, n % 50, n * 2000);
        let value = if n % 2 == 0 {
            values[key] = format!("{n}");
            format!("\"{n}\"")
        } else {
            "null".to_owned()
        };
        let f = if n % 2 == 0 { "put" } else { "get" };
        let mut line = |index: usize, kind: &str, value: &str, node: &str| {
            writeln!(
                text,
                "{{\"index\":{index},\"time_ns\":{},\"process\":{client},\"client\":\"00{:02X}\",\
                 \"type\":\"{kind}\",\"f\":\"{f}\",\"key\":\"k{key}\",\"value\":{value},\"node\":{node},\
                 \"error\":null}}",
                time + index % 2 * 1000,
                21 + client
            )
            .expect("a text grows");
        };
        line(2 * n, "invoke", &value, "null");
        line(2 * n + 1, "ok", &format!("\"{}\"", values[key]), "\"0001\"");
    }
    text
}

/// The most memory that the harness had at a time, in bytes, as far as it was seen.
fn peak(bench: &Bench, arguments: &[&str], code: i32) -> u64 {
    let mut child = bench.command(arguments).spawn().expect("the harness starts");
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    while child.try_wait().expect("our child").is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kb = line.and_then(|it| it.trim().trim_end_matches(" kB").parse::<u64>().ok());
        most = kb.unwrap_or(0).max(most);
        std::thread::sleep(Duration::from_millis(1));
    }
    let output = child.wait_with_output().expect("it has ended");
    assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(most > 0, "it was seen");
    most * 1024
}

#[test]
fn a_history_that_is_read_takes_little_memory_for_each_operation() {
    let _turn = room::spare_processor();
    let bench = Bench::new();
    for (name, operations) in [("few", FEW), ("many", MANY)] {
        fs::create_dir(bench.path(name)).expect("a folder");
        bench.file(&format!("{name}/history.jsonl"), history(operations));
    }
    for command in ["check", "report"] {
        let few = peak(&bench, &[command, "few"], 0);
        let many = peak(&bench, &[command, "many"], 0);
        let each = many.saturating_sub(few) / (MANY - FEW) as u64;
        assert!(
            each < BYTES_PER_OPERATION,
            "{command}: {each} bytes for an operation: {few}, {many}"
        );
    }
}
