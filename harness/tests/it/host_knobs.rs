//! Each knob of a simulated host, by what a program meets there.

use std::path::Path;
use std::sync::Arc;

use crate::support::{Bench, Ended, SHORT, has, room, skip};

/// Runs the meter on this host; what its replica `0001` met.
fn meter(bench: &Bench, way: &str, host: &str, more: &[&str]) -> (Ended, serde_json::Value) {
    let workload = SHORT.replace("\"replicas\": 5", "\"replicas\": 3");
    // By the rules of 2016 all must have connected before any replica sends, also where interpreters wait for a
    // processor.
    let wait = if more.contains(&"course-2016") { 6 } else { 1 };
    let workload = workload.replace("\"start_wait\": 0", &format!("\"start_wait\": {wait}"));
    let workload = workload.replace("\"lifetime\": 5", &format!("\"lifetime\": {}", wait + 4));
    let workload = bench.file("meter.json", workload);
    let host = bench.file("host.json", host);
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs/host_meter.py");
    let paths = [workload, program, host].map(|path| path.to_string_lossy().into_owned());
    let mut arguments = vec!["run", &paths[0], "--replica", &paths[1], "--host", &paths[2]];
    arguments.extend(["--transport", "seqpacket", "--seed", "7", "--quiet"]);
    let met = ["--replica-arg", way, "--replica-arg", "{data}/met.json"];
    arguments.extend(met);
    arguments.extend(more);
    let ended = bench.harness(&arguments);
    // Where nothing can set a clock, or another run has the sockets, no run is made.
    if bench.path("results/latest").exists() {
        bench.expect_code_of_verdict(&ended);
    }
    let met = bench.path("results/latest/replicas/0001/data/met.json");
    let met = std::fs::read_to_string(met).unwrap_or_else(|_| "null".to_owned());
    (ended, serde_json::from_str(&met).expect("the meter writes JSON"))
}

fn seconds(met: &serde_json::Value, key: &str, ended: &Ended) -> f64 {
    met[key].as_f64().unwrap_or_else(|| panic!("{key} in {met}\n{}{}", ended.stdout, ended.stderr))
}

/// The times from spawn to connection in `host.csv`, in microseconds, by replica.
fn connect_us(bench: &Bench) -> Vec<u64> {
    let rows = bench.run().read("host.csv");
    let last = |id: &str| {
        let rows = rows.lines().filter(|row| row.split(',').nth(1) == Some(id));
        rows.filter_map(|row| row.split(',').nth(9)?.parse::<u64>().ok()).next_back()
    };
    (0..3).filter_map(|n| last(&format!("{n:04X}"))).collect()
}

#[test]
fn limits_a_quota_a_slow_disk_and_slow_logs_are_met() {
    if !has("python3") {
        return;
    }
    let bench = Bench::new();
    let host = r#"{
        "descriptors": 77, "file_bytes": 12345678, "processes": 999, "cpu_quota": 0.6,
        "sync_delay": {"kind": "fixed", "ms": 300},
        "logs": {"kind": "slow", "delay": {"kind": "fixed", "ms": 20}}
    }"#;
    let (ended, met) = meter(&bench, "limits", host, &[]);
    assert_eq!(
        (&met["NOFILE"], &met["FSIZE"], &met["NPROC"]),
        (&77.into(), &12_345_678.into(), &999.into())
    );
    assert!(seconds(&met, "fsync", &ended) >= 0.3, "{met}");
    // A pipe holds 64 kB; the other pages take 20 ms each.
    assert!(seconds(&met, "print", &ended) >= 0.2, "{met}");
    // A fifth of a processor each, by a control group or by stops.
    assert!(seconds(&met, "cpu_share", &ended) < 0.7, "{met}");
}

#[test]
fn in_virtual_time_the_same_is_met_to_the_microsecond() {
    if !has("python3") {
        return;
    }
    let bench = Bench::new();
    let host = r#"{
        "descriptors": 77, "file_bytes": 12345678, "processes": 999, "cpu_quota": 0.6,
        "sync_delay": {"kind": "fixed", "ms": 300}, "clock_jump": {"after_ms": 500, "by_ms": 3600000}
    }"#;
    let clock = ["--clock", "virtual"];
    let (ended, met) = meter(&bench, "limits", host, &clock);
    assert_eq!(
        (&met["NOFILE"], &met["FSIZE"], &met["NPROC"]),
        (&77.into(), &12_345_678.into(), &999.into())
    );
    let fsync = seconds(&met, "fsync", &ended);
    assert!((0.3..0.4).contains(&fsync), "{met}");
    // A fifth of a processor each, and what is left of the tenth of a second that went before.
    assert!((0.1..0.4).contains(&seconds(&met, "cpu_share", &ended)), "{met}");
    let (_, again) = meter(&bench, "limits", host, &clock);
    assert_eq!(met, again, "another host");
    let (ended, met) = meter(&bench, "wall", host, &clock);
    let ahead = met["ahead"].as_array().map_or(&[][..], Vec::as_slice);
    let [before, after] = ahead else { panic!("{met}{}", ended.stdout) };
    assert_eq!(after.as_f64().zip(before.as_f64()).map(|(a, b)| (a - b).round()), Some(3600.0));
    let full = r#"{"name": "full", "logs": {"kind": "full"}}"#;
    let (ended, _) = meter(&bench, "prints", full, &clock);
    ended.expect(15);
    assert_eq!(bench.answer("process"), ("unknown".to_owned(), "host".to_owned()));
}

#[test]
fn what_is_read_late_fills_the_socket_of_who_sends() {
    if !has("python3") {
        return;
    }
    let bench = Bench::new();
    let host = r#"{"read_delay": {"kind": "fixed", "ms": 10}}"#;
    let (ended, met) = meter(&bench, "sends", host, &[]);
    // Some twenty packets of 10 kB fit into a socket; the others wait 10 ms each.
    assert!(seconds(&met, "sends", &ended) >= 0.5, "{met}");
}

#[test]
fn a_small_socket_holds_little_of_what_is_not_read() {
    if !has("python3") {
        return;
    }
    let longest_queue = |host: &str| {
        let bench = Bench::new();
        meter(&bench, "prints", host, &[]);
        let rows = bench.run().read("host.csv");
        let queues = rows.lines().skip(1).filter(|row| !row.contains(",harness,"));
        queues.filter_map(|row| row.split(',').nth(8)?.parse::<u64>().ok()).max().unwrap_or(0)
    };
    assert!(longest_queue(r#"{"socket_bytes": 5000}"#) > 0);
    assert_eq!(longest_queue("{}"), 0);
}

#[test]
fn look_ups_stall_in_the_midst_of_a_program_that_starts() {
    if !has("python3") {
        return;
    }
    let bench = Bench::new();
    let host = r#"{"lookups": {"least": 3, "most": 3, "each_ms": 0, "stall_probability": 1,
        "stall": {"kind": "fixed", "ms": 400}}}"#;
    meter(&bench, "prints", host, &[]);
    let times = connect_us(&bench);
    assert!(times.len() == 3 && times.iter().all(|&us| us >= 1_200_000), "{times:?}");
    let plan = bench.run().read("plan.json");
    assert!(plan.contains("\"stall_us\": 400000"), "{plan}");
}

#[test]
#[expect(unsafe_code, reason = "a hook between fork and exec")]
fn where_no_calls_can_be_held_up_the_stalls_are_waited_out_and_the_run_says_so() {
    use std::os::fd::IntoRawFd;
    use std::os::unix::process::CommandExt;
    let bench = Bench::new();
    let host = r#"{"lookups": {"least": 3, "most": 3, "each_ms": 0, "stall_probability": 1,
        "stall": {"kind": "fixed", "ms": 400}}}"#;
    let mut command = bench.odd_command("right", SHORT);
    let path = bench.file("host.json", host);
    command.arg("--host").arg(path);
    // A process under a filter with a listener gets no other.
    let hook = || {
        let listener = harness::cluster::filter::install(false, false)?.into_raw_fd();
        let keep = nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty());
        // SAFETY: it was opened a moment ago, and stays open.
        nix::fcntl::fcntl(unsafe { std::os::fd::BorrowedFd::borrow_raw(listener) }, keep)?;
        Ok(())
    };
    // SAFETY: the system's allocator works after a fork.
    unsafe { command.pre_exec(hook) };
    let ended = bench.finish(&mut command, 1);
    let warnings = bench.verdict()["warnings"].to_string();
    assert!(
        warnings.contains("does not allow system calls to be held up"),
        "{warnings}{}",
        ended.stdout
    );
    let times = connect_us(&bench);
    assert!(times.iter().all(|&us| us >= 1_200_000), "{times:?}");
}

#[test]
fn a_wall_clock_jumps_or_the_missing_library_is_named() {
    if !has("python3") {
        return;
    }
    let bench = Bench::new();
    let host = r#"{"name": "set", "clock_jump": {"after_ms": 1500, "by_ms": 3600000}}"#;
    let (ended, met) = meter(&bench, "clock", host, &[]);
    if harness::cluster::wall_clock::compiler().is_some() {
        assert!((3500.0..3700.0).contains(&seconds(&met, "jump", &ended)), "{met}");
    } else {
        ended.expect(2);
        ended.expect_words("host set: `clock_jump`: ");
        ended.expect_words("apt-get install gcc");
        skip("no C compiler: the jump itself is not tested");
    }
}

#[test]
fn who_dies_because_its_log_disk_is_full_is_the_hosts() {
    if !has("python3") {
        return;
    }
    let bench = Bench::new();
    let (ended, _) = meter(&bench, "prints", r#"{"name": "full", "logs": {"kind": "full"}}"#, &[]);
    ended.expect(15);
    assert_eq!(bench.answer("process"), ("unknown".to_owned(), "host".to_owned()));
    let (ended, _) = meter(&bench, "prints", "{}", &[]);
    assert_eq!(bench.answer("process").0, "valid", "{}", ended.stdout);
}

#[test]
fn a_packet_that_the_rules_of_2016_cut_is_named_and_no_violation() {
    if !has("python3") {
        return;
    }
    let bench = Bench::new();
    let (ended, _) = meter(&bench, "large", "{}", &["--router", "course-2016"]);
    assert_eq!(bench.answer("process").0, "valid", "{}", bench.verdict());
    ended.expect_words("longer than 16,384 bytes");
    // It is the program that wrote them. Only where the host was busy besides may that be to blame.
    let (standing, kind) = bench.answer("liveness");
    if bench.answer("environment").0 == "valid" {
        ended.expect(11);
        assert_eq!((&*standing, &*kind), ("invalid", "unanswered"));
    } else {
        ended.expect(15);
        assert_eq!((&*standing, &*kind), ("unknown", "host"));
    }
}

#[test]
fn two_sides_that_block_on_each_other_are_a_deadlock_and_no_endless_run() {
    if !has("python3") {
        return;
    }
    let bench = Bench::new();
    let (ended, _) = meter(&bench, "never-reads", "{}", &["--router", "course-2016"]);
    ended.expect(15);
    ended.expect_words("deadlock");
    assert_eq!(bench.answer("process"), ("unknown".to_owned(), "host".to_owned()));
}

#[test]
fn in_a_shared_directory_the_next_run_takes_the_sockets_of_the_last() {
    if !has("python3") {
        return;
    }
    let host = r#"{"name": "shared", "shared_directory": true,
        "start_delay": {"kind": "fixed", "ms": 700}}"#;
    // Both at the same time.
    let turn = Arc::new(room::clusters(2));
    let (one, other) = (Bench::within(&turn), Bench::within(&turn));
    let said = std::thread::scope(|scope| {
        let runs = [&one, &other].map(|bench| scope.spawn(|| meter(bench, "prints", host, &[]).0));
        runs.map(|run| run.join().expect("it ends"))
    });
    // The one whose sockets were taken says so, whether its replicas had connected before or not.
    let is_named = |ended: &Ended| {
        ended.says("replaced the socket") || ended.says("another run has replaced the sockets")
    };
    assert!(said.iter().any(is_named), "{}\n{}", said[0].stdout, said[1].stdout);
    // A foreign process sent in the place of a run's replicas: its verdict is not about them.
    for ended in said.iter().filter(|ended| ended.says("were connected as")) {
        ended.expect(15);
    }
}
