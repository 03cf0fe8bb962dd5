//! Runs in virtual time: the same seed, the same bytes, and not a second of real time for each of the run.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Bench, has, top};

/// Faults of every kind that virtual time knows.
const ROUGH: &str = r#"{
    "lifetime": 8, "start_wait": 0, "end_wait": 0.5, "replicas": 5, "drops": 0.05,
    "clients": {"count": 4, "keys": 2, "rate": 100, "timeout_ms": 500},
    "events": [
        {"type": "crash", "target": "follower", "time": 1, "duration": 0.5, "keep_data": false},
        {"type": "pause", "target": "leader", "time": 2.5, "duration": 0.7},
        {"type": "slow", "target": "follower", "time": 4, "duration": 0.8, "period": 0.05, "stopped": 0.6},
        {"type": "part_hard", "time": 5.5},
        {"type": "part_end", "time": 6.5}
    ]
}"#;

/// No faults: what a host does is seen alone.
const CALM: &str = r#"{
    "lifetime": 6, "start_wait": 0, "end_wait": 0, "replicas": 5,
    "clients": {"count": 4, "keys": 2, "rate": 100, "timeout_ms": 500}, "liveness": {"bound_ms": 2000}
}"#;

fn raft() -> PathBuf {
    top().join("harness/tests/programs/raft.py")
}

/// The files in the folder of the newest run.
fn files(bench: &Bench) -> BTreeSet<(PathBuf, Vec<u8>)> {
    fn below(folder: &Path, top: &Path, found: &mut BTreeSet<(PathBuf, Vec<u8>)>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                below(&path, top, found);
            } else {
                found.insert((
                    path.strip_prefix(top).expect("it is below").to_owned(),
                    fs::read(&path).expect("a file"),
                ));
            }
        }
    }
    let folder = bench.path("results/latest").canonicalize().expect("a run");
    let mut found = BTreeSet::new();
    below(&folder, &folder, &mut found);
    found
}

fn run(bench: &Bench, seed: &str, more: &[&str]) -> String {
    let workload = bench.file("rough.json", ROUGH);
    let replica = raft();
    let mut words =
        vec!["run", workload.to_str().expect("a text"), "--clock", "virtual", "--seed", seed];
    words.extend(["--replica", replica.to_str().expect("a text")]);
    words.extend(more);
    let ended = bench.harness(&words);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    ended.stdout
}

#[test]
fn two_runs_with_the_same_seed_differ_in_nothing_but_real_times() {
    for transport in ["seqpacket", "stream", "udp"] {
        let bench = Bench::new();
        let argument = format!("--transport={transport}");
        let more = ["--transport", transport, "--replica-arg", &argument];
        run(&bench, "7", &more);
        let first = files(&bench);
        run(&bench, "7", &more);
        let second = files(&bench);
        let differing: BTreeSet<&Path> =
            first.symmetric_difference(&second).map(|(name, _)| name.as_path()).collect();
        assert_eq!(
            differing.into_iter().collect::<Vec<_>>(),
            [Path::new("manifest.json")],
            "{transport}"
        );
    }
}

/// Programs of several languages, and the transport that they speak. Those that do not run here are left out.
fn replicas(bench: &Bench) -> Vec<(PathBuf, &'static str)> {
    let programs = top().join("harness/tests/programs");
    let mut all = vec![(programs.join("quorum.py"), "seqpacket")];
    if has("node") {
        all.push((programs.join("store.js"), "stream"));
    }
    if has("javac") {
        let compiler = Command::new("javac")
            .arg("-d")
            .arg(bench.path("java"))
            .arg(programs.join("Store.java"))
            .status();
        assert!(compiler.expect("a compiler").success());
        let folder = bench.path("java");
        let start = format!("#!/bin/sh\nexec java -cp {} Store \"$@\"\n", folder.display());
        let start = bench.file("java/start", start);
        fs::set_permissions(&start, fs::Permissions::from_mode(0o755)).expect("a file of our own");
        all.push((start, "stream"));
    }
    if has("go") {
        let program = bench.path("go/store");
        let mut compiler = Command::new("go");
        compiler.args(["build", "-o"]).arg(&program).arg(programs.join("store.go"));
        let cache = top().join("target/go-cache");
        let status = compiler.env("GO111MODULE", "off").env("GOCACHE", cache).status();
        assert!(status.expect("a compiler").success());
        all.push((program, "stream"));
    }
    all
}

#[test]
fn programs_of_several_languages_come_back_byte_for_byte() {
    let bench = Bench::new();
    let workload = bench.file("rough.json", ROUGH);
    let workload = workload.to_str().expect("a text");
    for (replica, transport) in replicas(&bench) {
        let replica = replica.to_str().expect("a text");
        let once = || {
            let words = ["run", workload, "--clock", "virtual", "--seed", "7", "--quiet"];
            let more = ["--transport", transport, "--replica", replica];
            bench.harness(&[&words[..], &more].concat());
            let manifest = bench.run().json("manifest.json");
            assert_eq!(manifest["not_exact"], serde_json::json!([]), "{replica}");
            ["history.jsonl", "messages.jsonl", "leaders.jsonl", "faults.jsonl"]
                .map(|name| fs::read(bench.path("results/latest").join(name)).expect(name))
        };
        let first = once();
        assert!(first.iter().all(|file| !file.is_empty()), "{replica}");
        assert!(first == once(), "{replica}");
    }
}

#[test]
fn a_replay_is_exact_and_another_seed_is_another_run() {
    let bench = Bench::new();
    run(&bench, "7", &["--transport", "seqpacket"]);
    let ended = bench.harness(&["replay", "results/latest"]);
    assert!(ended.stdout.contains("\nreplay       exact: history.jsonl, "), "{}", ended.stdout);
    let history = |files: BTreeSet<(PathBuf, Vec<u8>)>| {
        files.into_iter().find(|(name, _)| name == Path::new("history.jsonl")).expect("a history").1
    };
    let first = history(files(&bench));
    run(&bench, "8", &["--transport", "seqpacket"]);
    assert_ne!(first, history(files(&bench)));
}

#[test]
fn a_plan_says_how_fast_the_processor_is() {
    let bench = Bench::new();
    run(&bench, "7", &["--transport", "seqpacket"]);
    let latency = |bench: &Bench| {
        let rows = bench.run().rows("latency.csv");
        let all: Vec<f64> = rows.iter().filter_map(|row| row["latency_us"].parse().ok()).collect();
        assert!(all.len() > 100, "{} answered", all.len());
        all.iter().sum::<f64>() / all.len() as f64
    };
    let usual = latency(&bench);
    let path = bench.path("results/latest/plan.json");
    let mut plan = bench.run().json("plan.json");
    for cost in ["call_ns", "message_ns"] {
        let before = plan["processor"][cost].as_u64().expect("a cost");
        plan["processor"][cost] = (20 * before).into();
    }
    fs::write(&path, plan.to_string()).expect("a plan of our own");
    bench.harness(&["replay", "results/latest", "--quiet"]);
    let slow = latency(&bench);
    assert!(slow > 1.5 * usual, "twenty times slower, {slow} us after {usual} us");
}

#[test]
fn what_virtual_time_does_not_know_is_refused_in_a_sentence() {
    let bench = Bench::new();
    let workload = bench.file("rough.json", ROUGH);
    let workload = workload.to_str().expect("a text");
    let host = r#"{"name": "late", "read_delay": {"kind": "fixed", "ms": 1}}"#;
    let host = bench.file("late.json", host);
    let replica = raft();
    let mut words = vec!["run", workload, "--clock", "virtual", "--transport", "seqpacket"];
    words.extend(["--host", host.to_str().expect("a text")]);
    words.extend(["--replica", replica.to_str().expect("a text")]);
    let ended = bench.harness(&words);
    ended.expect(2);
    ended.expect_words(
        "virtual time does not know `read_delay` of the host late yet; use `--clock real`",
    );
}

#[test]
fn an_untrusted_program_is_confined_and_ended_when_it_uses_too_much() {
    let bench = Bench::new();
    let workload = bench.file("rough.json", ROUGH);
    fs::copy(raft(), bench.path("raft.py")).expect("a copy");
    let launcher = |after: &str| {
        let text = format!("#!/bin/sh\nulimit -n >&2\necho \"token=$TOKEN\" >&2\n{after}\n");
        let launcher = bench.file("launcher", text);
        fs::set_permissions(&launcher, fs::Permissions::from_mode(0o755)).expect("it is ours");
        let replica = launcher.to_string_lossy().into_owned();
        let mut words = vec!["run", workload.to_str().expect("a text"), "--clock", "virtual"];
        words.extend(["--confined", "--transport", "seqpacket", "--replica", &replica]);
        let mut command = bench.command(&words);
        bench.finish(command.env("TOKEN", "secret"), 1)
    };
    launcher("exec \"$(dirname \"$0\")/raft.py\" \"$@\"").expect(0);
    let told = bench.run().log("0000", "stderr");
    assert!(told.starts_with("1024\ntoken=\n"), "{told}");
    let ended = launcher(
        "\"$(dirname \"$0\")/raft.py\" \"$@\" &\nfor n in $(seq 60); do sleep 1000 & done\nwait",
    );
    ended.expect_words("the run was ended at ");
    ended.expect_words("processes; 100 are allowed");
}

/// What a run says of its host, on a simulated one.
fn on(bench: &Bench, host: &str, more: &[&str]) -> (i32, String, BTreeSet<(PathBuf, Vec<u8>)>) {
    let workload = bench.file("calm.json", CALM);
    let replica = raft();
    let mut words = vec!["run", workload.to_str().expect("a text"), "--clock", "virtual"];
    words.extend(["--seed", "7", "--replica", replica.to_str().expect("a text")]);
    words.extend(["--transport", "seqpacket", "--host", host]);
    words.extend(more);
    let ended = bench.harness(&words);
    let mut seen = files(bench);
    seen.retain(|(name, _)| name != Path::new("manifest.json"));
    (ended.code, format!("{}{}", ended.stdout, ended.stderr), seen)
}

#[test]
fn a_simulated_host_is_the_same_each_time_and_is_told_from_the_replicas() {
    let bench = Bench::new();
    let (code, said, first) = on(&bench, "deadline-day", &[]);
    assert_eq!(code, 0, "{said}");
    let (_, _, second) = on(&bench, "deadline-day", &[]);
    assert!(first == second, "the same seed met another host");
    // Starved for seconds at a time, five replicas keep nobody waiting through their own fault.
    let (code, said, _) = on(&bench, "overloaded", &[]);
    assert!([0, 13, 15].contains(&code), "{said}");
    assert_eq!(bench.answer("environment").1, if code == 15 { "disturbed" } else { "slow" });
    assert!(said.contains("got no processor for"), "{said}");
    // Late starts are waited for, unless the rules of 2016 are asked for.
    let late = bench.file(
        "late.json",
        r#"{"name": "late", "start_delay": {"kind": "uniform", "min_ms": 0, "max_ms": 3000}}"#,
    );
    let late = late.to_str().expect("a text");
    let (code, said, _) = on(&bench, late, &[]);
    assert_eq!(code, 0, "{said}");
    let (code, said, _) = on(&bench, late, &["--router", "course-2016"]);
    assert_eq!(code, 15, "{said}");
    assert!(said.contains("unable to send to replica"), "{said}");
    assert_eq!(bench.answer("process"), ("unknown".to_owned(), "host".to_owned()));
}

#[test]
fn a_replica_that_meets_real_time_is_named_in_the_verdict() {
    let bench = Bench::new();
    // Beside the program, which its own `/tmp` shows, wherever the project is.
    fs::copy(raft(), bench.path("raft.py")).expect("a copy");
    let launcher =
        "#!/bin/sh\ncat /proc/vmstat >/dev/null\nexec \"$(dirname \"$0\")/raft.py\" \"$@\"\n";
    let launcher = bench.file("launcher", launcher);
    fs::set_permissions(&launcher, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let workload = bench.file("rough.json", ROUGH);
    let ended = bench.harness(&[
        "run",
        workload.to_str().expect("a text"),
        "--clock",
        "virtual",
        "--transport",
        "seqpacket",
        "--replica",
        launcher.to_str().expect("a text"),
    ]);
    ended.expect(0);
    ended.expect_words("time was virtual, but not deterministic: replica 0000 used /proc/vmstat");
    let replay = bench.harness(&["replay", "results/latest"]);
    replay.expect_words("not called exact: replica 0000 used /proc/vmstat");
}

/// A leader that is killed before its n-th send from two seconds on.
fn killed_before_send(n: u64) -> String {
    format!(
        r#"{{"lifetime": 5, "start_wait": 0, "end_wait": 0, "replicas": 5,
        "clients": {{"count": 4, "keys": 2, "rate": 100, "timeout_ms": 500}},
        "events": [{{"type": "kill", "target": "leader", "time": 2, "before": {{"call": "send", "n": {n}}}}}]}}"#
    )
}

#[test]
fn a_leader_is_killed_before_its_nth_send_and_so_again_in_each_replay() {
    let bench = Bench::new();
    let replica = raft();
    let replica = replica.to_str().expect("a text");
    for n in [1, 44] {
        let workload = bench.file("kill.json", killed_before_send(n));
        let words = ["run", workload.to_str().expect("a text"), "--seed", "7", "--quiet"];
        let more = ["--replica", replica, "--transport", "seqpacket", "--clock", "virtual"];
        bench.harness(&[&words[..], &more].concat()).expect(0);
        let run = bench.run();
        let fault = &run.faults()[0];
        let killed = fault.applied_ns.expect("it was killed");
        let [leader] = fault.targets[..] else { panic!("{fault:?}") };
        let sent = run.messages().into_iter().filter(|message| {
            message.from == leader && (2_000_000_000..=killed.0).contains(&message.sent_ns)
        });
        assert_eq!(sent.count() as u64, n - 1, "{fault:?}");
        let ended = bench.harness(&["replay", "results/latest", "--quiet"]);
        assert!(ended.stdout.contains("replay       exact: "), "{}", ended.stdout);
    }
}

#[test]
fn a_kill_before_a_call_is_refused_in_real_time() {
    let bench = Bench::new();
    let workload = bench.file("kill.json", killed_before_send(44));
    let ended = bench.harness(&["run", &workload.to_string_lossy()]);
    let told = "harness: `events[0]`: a kill before a system call needs virtual time; use `--clock virtual`, or leave it \
                out\n";
    assert_eq!((ended.stderr.as_str(), ended.code), (told, 2));
    assert!(!bench.path("results").join("latest").exists());
}

#[test]
fn named_bugs_are_looked_for_in_virtual_time_where_that_is_possible() {
    let bench = Bench::new();
    std::os::unix::fs::symlink(top().join("workloads"), bench.path("workloads")).expect("a link");
    let words = ["mutants", "--bugs", "stale-read", "--seeds", "1", "--side-by-side", "1"];
    let ended = bench.harness(&[&words[..], &["--clock", "auto"]].concat());
    ended.expect(0);
    ended.expect_words("harness: clock virtual: the same seed gives the same run");
    ended.expect_words("| `stale-read` | 1 of 1 | safety: ");
}

#[test]
fn the_wall_clock_of_one_replica_jumps_and_comes_back() {
    let bench = Bench::new();
    let workload = bench.file(
        "clock.json",
        r#"{"lifetime": 5, "start_wait": 0, "end_wait": 0, "replicas": 3,
            "clients": {"count": 1, "keys": 1, "rate": 10, "timeout_ms": 500},
            "events": [{"type": "clock", "target": "0001", "time": 1, "duration": 1.5, "by": -2.5}]}"#,
    );
    let (meter, file) =
        (top().join("harness/tests/programs/host_meter.py"), bench.path("{id}.json"));
    let words =
        ["run", &workload.to_string_lossy(), "--seed", "7", "--clock", "virtual", "--quiet"];
    let replica = ["--replica", &meter.to_string_lossy(), "--transport", "seqpacket"];
    let arguments = ["--replica-arg", "wall", "--replica-arg", &file.to_string_lossy()];
    let ended = bench.harness(&[&words[..], &replica, &arguments].concat());
    let met = |id: &str| -> Vec<f64> {
        let text = fs::read_to_string(bench.path(&format!("{id}.json")));
        let text = text.unwrap_or_else(|_| panic!("{}{}", ended.stdout, ended.stderr));
        let met: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        serde_json::from_value(met["ahead"].clone()).expect("numbers")
    };
    let [ahead] = met("0000")[..] else { panic!("{:?}", met("0000")) };
    assert_eq!(met("0001"), [ahead, ahead - 2.5, ahead]);
    let fault = &bench.run().faults()[0];
    assert_eq!(fault.applied_ns.map(|at| at.0), Some(1_000_000_000));
    assert_eq!(fault.ended_ns.map(|at| at.0), Some(2_500_000_000));

    let words = ["run", &workload.to_string_lossy(), "--clock", "real"];
    let ended = bench.harness(&words);
    ended.expect(2);
    ended.expect_words("`events[0]`: a jump of one replica's clock needs virtual time");
}
