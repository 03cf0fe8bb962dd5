//! Nothing outlives a run, however it ends, and nothing recorded is lost.

use std::process::Child;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{
    Bench, Ended, SHORT, odd_replica, processes_of, processes_of_pid, room, wait_until,
};

/// A harness in the middle of a run of some ten seconds: five replicas live and the history grows.
fn in_the_middle(bench: &Bench, more: &[&str]) -> Child {
    let workload =
        bench.file("long.json", SHORT.replacen("\"lifetime\": 5", "\"lifetime\": 30", 1));
    let workload = workload.to_string_lossy().into_owned();
    let mut arguments = vec!["run", &*workload, "--quiet"];
    arguments.extend(more);
    let child = bench.command(&arguments).spawn().expect("the harness starts");
    wait_until("operations are in the history", || {
        let history = std::fs::read_to_string(bench.path("results/latest/history.jsonl"));
        history.is_ok_and(|text| text.lines().count() > 100)
    });
    assert!(processes_of(&child).len() >= 5);
    child
}

fn signal(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id()).expect("a process id");
    kill(Pid::from_raw(pid), signal).expect("it was not waited for");
}

#[test]
fn a_killed_harness_leaves_no_process_and_a_readable_history() {
    let (_turn, bench) = (room::clusters(1), Bench::new());
    // Each replica has a child that made a session of its own.
    let odd = odd_replica();
    let more = ["--replica", &*odd.to_string_lossy(), "--replica-arg", "has-a-child"];
    let mut child = in_the_middle(&bench, &more);
    assert!(processes_of(&child).len() >= 10, "replicas and their children");
    signal(&child, Signal::SIGKILL);
    wait_until("all are gone", || processes_of(&child).is_empty());
    child.wait().unwrap();
    let checked = bench.harness(&["check", "results/latest/history.jsonl"]);
    checked.expect(0);
    checked.expect_words("linearizable");
}

/// A leader stands still, a directory is read-only, links are cut: the guards of each see to it.
#[test]
#[cfg(debug_assertions)]
fn a_panic_in_the_midst_of_faults_leaves_nothing_behind_and_heals() {
    use std::os::unix::fs::PermissionsExt;

    let (_turn, bench) = (room::clusters(1), Bench::new());
    let workload = bench.file(
        "p.json",
        r#"{"lifetime": 30, "start_wait": 0, "replicas": 5,
        "clients": {"count": 4, "keys": 2, "rate": 200, "timeout_ms": 500}, "events": [
            {"type": "disk", "target": "0003", "disk_fault": "read_only", "time": 0.5, "duration": 20},
            {"type": "pause", "target": "0001", "time": 0.5, "duration": 20},
            {"type": "partition", "shape": "one", "time": 0.5, "duration": 20}]}"#,
    );
    std::fs::create_dir(bench.path("scratch")).unwrap();
    let workload = workload.to_string_lossy();
    let data = ["--replica-arg", "--data-dir", "--replica-arg", "{data}"];
    let mut command = bench.command(&["run", &workload, "--quiet"]);
    let command = command.args(data).env("TMPDIR", bench.path("scratch"));
    let child = command.env("HARNESS_PANICS_AT_MS", "3000").spawn().expect("the harness starts");
    let harness = child.id();
    let ended = Ended::from(child.wait_with_output().unwrap());
    ended.expect(1);
    assert!(
        ended.stderr.contains("panicked") && ended.stderr.contains("test hook"),
        "{}",
        ended.stderr
    );

    wait_until("all are gone", || processes_of_pid(harness).is_empty());
    wait_until("the sockets are gone", || {
        std::fs::read_dir(bench.path("scratch")).unwrap().count() == 0
    });
    let faults = bench.run().faults();
    let had_struck = faults.iter().filter(|fault| fault.applied_ns.is_some()).count();
    assert_eq!(had_struck, 3, "{faults:?}");
    let data = bench.path("results/latest/replicas/0003/data");
    let mode = data.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o700, 0o700, "it can be written again");
    let checked = bench.harness(&["check", "results/latest"]);
    checked.expect(0);
}

#[test]
fn a_history_cut_off_anywhere_is_still_read() {
    let (_turn, bench) = (room::clusters(1), Bench::new());
    let mut child = in_the_middle(&bench, &[]);
    signal(&child, Signal::SIGKILL);
    child.wait().unwrap();
    let history = std::fs::read(bench.path("results/latest/history.jsonl")).unwrap();
    let end = history.len();
    for cut in 0..40 {
        let path = bench.file("cut.jsonl", &history[..end - cut * 7]);
        bench.harness(&["check", &path.to_string_lossy()]).expect(0);
    }
    bench.harness(&["check", &bench.file("cut.jsonl", "").to_string_lossy()]).expect(14);
}

#[test]
fn ctrl_c_once_judges_what_is_there() {
    let (_turn, bench) = (room::clusters(1), Bench::new());
    let child = in_the_middle(&bench, &[]);
    signal(&child, Signal::SIGINT);
    let id = child.id();
    let ended = Ended::from(child.wait_with_output().unwrap());
    ended.expect(130);
    assert_eq!(bench.answer("safety"), ("valid".into(), "linearizable".into()), "run {id}");
    assert!(bench.path("results/latest/latency.csv").exists());
}

#[test]
fn ctrl_c_twice_ends_at_once() {
    let (_turn, bench) = (room::clusters(1), Bench::new());
    // A replica that takes its time to be connected keeps the harness waiting.
    let mut child = bench.odd_command("one-never-connects", SHORT).spawn().unwrap();
    wait_until("the replicas are there", || processes_of(&child).len() >= 5);
    signal(&child, Signal::SIGINT);
    signal(&child, Signal::SIGINT);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    wait_until("all are gone", || processes_of(&child).is_empty());
}

#[test]
fn whatever_a_replica_started_ends_with_the_run() {
    let (_turn, bench) = (room::clusters(1), Bench::new());
    let mut child = bench.odd_command("has-a-child", SHORT).spawn().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(processes_of(&child), Vec::<i32>::new());
}

#[test]
fn not_even_a_child_that_hides_outlives_the_command() {
    let bench = Bench::new();
    // A number that no other process has among its arguments.
    let seconds = (1_000_000 + std::process::id()).to_string();
    let way = format!("hides-a-child-{seconds}");
    bench.odd(&way, SHORT).expect(0);
    let entries = std::fs::read_dir("/proc").unwrap();
    let left = entries.filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok());
    let is_child = |line: &Vec<u8>| {
        line.split(|&byte| byte == 0).any(|argument| argument == seconds.as_bytes())
    };
    assert_eq!(left.filter(is_child).count(), 0, "children that sleep {seconds} s");
}

#[test]
fn a_harness_killed_while_its_replicas_start_leaves_a_readable_history_too() {
    let (_turn, bench) = (room::clusters(1), Bench::new());
    let mut child = bench.odd_command("one-never-connects", SHORT).spawn().unwrap();
    wait_until("the replicas are there", || processes_of(&child).len() >= 5);
    signal(&child, Signal::SIGKILL);
    child.wait().unwrap();
    bench.harness(&["check", "results/latest"]).expect(14);
}

#[test]
fn two_runs_at_the_same_time_in_the_same_directory_never_meet() {
    let (_turn, bench) = (room::clusters(4), Bench::new());
    let workload = bench.file("short.json", SHORT);
    let workload = workload.to_string_lossy();
    let arguments = ["run", &*workload, &*workload, "--jobs", "2", "--seed", "1", "--quiet"];
    let runs: Vec<Child> = (0..2).map(|_| bench.command(&arguments).spawn().unwrap()).collect();
    for run in runs {
        Ended::from(run.wait_with_output().unwrap()).expect(0);
    }
    let folders = std::fs::read_dir(bench.path("results/short")).unwrap().count();
    assert_eq!(folders, 4);
    let summary = std::fs::read_to_string(bench.path("results/summary.csv")).unwrap();
    assert_eq!(summary.lines().count(), 5, "a header and a row for each:\n{summary}");
}
