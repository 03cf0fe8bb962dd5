//! Nothing outlives a run, however it ends, and nothing recorded is lost.

use std::process::Child;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{
    Bench, Ended, SHORT, odd_replica, processes_of, processes_of_pid, room, skip, wait_until,
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

/// The process ids from this one on, of which none lives here.
fn free_pids(count: i32) -> i32 {
    let lives = |pid: i32| std::path::Path::new(&format!("/proc/{pid}")).exists();
    (300..30_000).find(|&first| !(first..first + count).any(lives)).expect("a free process id")
}

/// Its process id means nothing here: the sweep for what a killed harness left must not end its replicas.
#[test]
fn a_living_run_in_another_pid_namespace_is_left_alone() {
    use std::process::{Command, Stdio};

    let apart = ["--pid", "--fork", "--mount-proc", "--kill-child"];
    let can = Command::new("unshare").args(apart).arg("true").stderr(Stdio::null()).status();
    if !can.is_ok_and(|status| status.success()) {
        return skip("no PID namespace can be made here");
    }
    let (_turn, bench, beside) = (room::clusters(2), Bench::new(), Bench::new());
    let workload =
        bench.file("long.json", SHORT.replacen("\"lifetime\": 5", "\"lifetime\": 12", 1));
    let script = r#"until [ "$(sh -c 'echo $$')" -ge "$1" ]; do :; done; shift; "$@"; exit $?"#;
    let of_harness = bench.command(&["run", &workload.to_string_lossy(), "--quiet"]);
    let child = Command::new("unshare")
        .args(apart)
        .args(["sh", "-c", script, "sh", &free_pids(30).to_string()])
        .arg(of_harness.get_program())
        .args(of_harness.get_args())
        .current_dir(bench.path("."))
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("unshare starts");
    wait_until("operations are in the history", || {
        let history = std::fs::read_to_string(bench.path("results/latest/history.jsonl"));
        history.is_ok_and(|text| text.lines().count() > 100)
    });
    let mut command = beside.odd_command("exits-at-once", SHORT);
    let ended = Ended::from(command.output().expect("the harness starts"));
    ended.expect(2);
    assert!(!ended.says("that a killed harness had left"), "{}", ended.stderr);
    Ended::from(child.wait_with_output().expect("it ends")).expect(0);
    assert_eq!(bench.answer("process"), ("valid".into(), "sound".into()));
}

#[test]
fn where_proc_is_that_of_another_pid_namespace_nothing_is_started() {
    let bench = Bench::new();
    let of_harness = bench.odd_command("right", SHORT);
    let mut command = std::process::Command::new("unshare");
    command.args(["--pid", "--fork"]).arg(of_harness.get_program()).args(of_harness.get_args());
    let ended = bench.finish(command.current_dir(bench.path(".")), 1);
    if ended.says("unshare failed") || ended.code == -1 {
        return skip("no PID namespace can be made here");
    }
    ended.expect(1);
    ended.expect_words("/proc shows the processes of another PID namespace");
}

#[test]
fn a_path_with_line_ends_makes_the_watchdog_delete_nothing_else() {
    let (_turn, bench) = (room::clusters(1), Bench::new());
    let victim = bench.path("victim");
    std::fs::create_dir(&victim).unwrap();
    let scratch = format!("{}\n+{}\n/x", bench.path("t").display(), victim.display());
    std::fs::create_dir_all(&scratch).unwrap();
    std::fs::create_dir(bench.path("t")).unwrap();
    let mut command =
        bench.odd_command("right", &SHORT.replacen("\"lifetime\": 5", "\"lifetime\": 30", 1));
    let mut child = command.env("TMPDIR", &scratch).spawn().unwrap();
    wait_until("the replicas are there", || processes_of(&child).len() >= 5);
    signal(&child, Signal::SIGKILL);
    child.wait().unwrap();
    let is_clean = || std::fs::read_dir(&scratch).unwrap().count() == 0;
    wait_until("the sockets' directory is gone", is_clean);
    assert!(victim.exists() && bench.path("t").exists());
}

#[test]
fn the_next_start_removes_what_was_left_when_the_watchdog_was_killed_too() {
    let (_turn, bench) = (room::clusters(1), Bench::new());
    let scratch = bench.path("scratch");
    std::fs::create_dir(&scratch).unwrap();
    std::fs::create_dir(scratch.join("hunrelatd")).unwrap();
    let mut child = bench.odd_command("right", SHORT).env("TMPDIR", &scratch).spawn().unwrap();
    wait_until("the replicas are there", || processes_of(&child).len() >= 5);
    let (harness, children) = (child.id(), format!("/proc/{0}/task/{0}/children", child.id()));
    let children = std::fs::read_to_string(children).unwrap();
    let is_watchdog = |pid: &&str| {
        std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "watchdog\n")
    };
    let watchdog = children.split_whitespace().find(is_watchdog).expect("a watchdog");
    kill(Pid::from_raw(watchdog.parse().unwrap()), Signal::SIGKILL).unwrap();
    signal(&child, Signal::SIGKILL);
    child.wait().unwrap();
    wait_until("the replicas are gone", || processes_of_pid(harness).is_empty());
    let left = || std::fs::read_dir(&scratch).unwrap().count();
    assert!(left() > 1, "a directory of sockets is left");
    let mut command = bench.odd_command("exits-at-once", SHORT);
    bench.finish(command.env("TMPDIR", &scratch), 0).expect(2);
    assert_eq!(left(), 1, "only what has no mark");
}

#[test]
fn where_the_history_no_longer_fits_the_verdict_comes_from_memory() {
    for (way, code) in [("right", 15), ("forgets", 10)] {
        let bench = Bench::new();
        let of_harness = bench.odd_command(way, SHORT);
        let mut command = std::process::Command::new("sh");
        // In units of 512 bytes.
        command.args(["-c", r#"ulimit -f 128; exec "$@""#, "sh"]);
        command.arg(of_harness.get_program()).args(of_harness.get_args());
        let ended = bench.finish(command.current_dir(bench.path(".")), 1);
        ended.expect(code);
        ended.expect_words("the history could not be written");
        let history = bench.run().read("history.jsonl");
        assert!(history.lines().count() > 50, "the folder stays, with what there is");
        assert_eq!(bench.answer("process").0, "valid", "{}", bench.verdict());
    }
}

#[test]
fn a_full_disk_takes_no_history_away_and_is_the_hosts() {
    use std::process::{Command, Stdio};

    let apart = ["--user", "--map-root-user", "--mount"];
    let small = "mount -t tmpfs -o size=128k small results";
    for way in ["right", "forgets"] {
        let bench = Bench::new();
        std::fs::create_dir(bench.path("results")).unwrap();
        let mut mount = Command::new("unshare");
        mount.args(apart).args(["sh", "-c", small]).current_dir(bench.path("."));
        if !mount.stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
            return skip("no small disk can be mounted here");
        }
        let of_harness = bench.odd_command(way, SHORT);
        let mut command = Command::new("unshare");
        // What is on the disk goes with the namespace: it is copied before.
        let script =
            format!(r#"{small} || exit 99; "$@"; code=$?; cp -r results left; exit $code"#);
        command.args(apart).args(["sh", "-c", &script, "sh"]);
        command.arg(of_harness.get_program()).args(of_harness.get_args());
        let ended = bench.finish(command.current_dir(bench.path(".")).env("NO_COLOR", "1"), 1);
        // What was written to memory alone is judged, too: how much that is depends on the host.
        let is_refuted = ended.says("safety invalid");
        assert!(
            is_refuted == (ended.code == 10) && [10, 15].contains(&ended.code),
            "{}",
            ended.stdout
        );
        assert!(way == "forgets" || !is_refuted, "{}", ended.stdout);
        ended.expect_words("No space left on device");
        ended.expect_words("free some room there, or give another place with --results DIR");
        let run = std::fs::canonicalize(bench.path("left/latest")).expect("the run's folder stays");
        let history = std::fs::read_to_string(run.join("history.jsonl")).unwrap();
        assert!(history.lines().count() > 50, "with what was written: {history}");
        // What is there can be judged later.
        std::fs::write(bench.path("history.jsonl"), history).unwrap();
        let again = bench.refused(&["check", "history.jsonl"]);
        assert!(again.says("safety valid") || (is_refuted && again.code == 10), "{}", again.stdout);
    }
}
