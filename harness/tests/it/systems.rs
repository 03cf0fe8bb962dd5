//! Systems of plain processes, as files describe them: the examples of the repository, right and wrong, and what is
//! refused before anything is started.

use std::path::Path;

use crate::support::{Bench, each, has, processes_of_pid, room, top};

/// A path in the repository.
fn path(of: &str) -> String {
    top().join(of).to_string_lossy().into_owned()
}

/// The example workload against an example system.
fn run(bench: &Bench, system: &str, seed: &str, more: &[&str]) -> crate::support::Ended {
    let (workload, system) = (path("workloads/small-cluster.json"), path(system));
    let first = ["run", &workload, "--system", &system, "--seed", seed, "--quiet"];
    bench.harness(&[&first[..], more].concat())
}

/// One of a few runs refutes it. What is found depends on the moment.
#[track_caller]
fn is_refuted(system: &str, wrong: &str) {
    let bench = Bench::new();
    let argument = format!("--replica-arg=--wrong={wrong}");
    let is_found = |seed: u32| {
        let ended = run(&bench, system, &seed.to_string(), &[&argument]);
        assert!([0, 10].contains(&ended.code), "{wrong}: {}{}", ended.stdout, ended.stderr);
        ended.code == 10
    };
    assert!((1..=5).any(is_found), "{system} with --wrong={wrong} was never refuted");
    assert_eq!(bench.answer("safety").0, "invalid");
}

#[test]
fn the_store_over_http_is_right_and_its_three_mistakes_are_found() {
    if !has("python3") {
        return;
    }
    let bench = Bench::new();
    run(&bench, "workloads/systems/quorum/http.toml", "1", &[]).expect(0);
    let found = bench.run();
    assert_eq!(found.answer("safety"), ("valid".to_owned(), "linearizable".to_owned()));
    let faults = found.faults();
    assert!(faults.iter().all(|fault| fault.applied_ns.is_some()), "{faults:?}");
    let counts = found.rows("messages.csv");
    let pieces = counts.iter().filter(|row| row["type"] == "tcp" && row["delivered"] != "0");
    assert_eq!(pieces.count(), 6, "all links between three replicas carried: {counts:?}");
    each(&["local-reads", "early-ack", "forget"], |wrong| {
        is_refuted("workloads/systems/quorum/http.toml", wrong);
    });
}

#[test]
fn a_client_in_any_language_asks_the_same_store() {
    if !has("python3") {
        return;
    }
    let bench = Bench::new();
    run(&bench, "workloads/systems/quorum/exec.toml", "1", &[]).expect(0);
    assert_eq!(bench.answer("safety").0, "valid");
    is_refuted("workloads/systems/quorum/exec.toml", "early-ack");
}

#[test]
fn a_folder_of_commands_prepares_asks_and_checks_the_store() {
    if !has("python3") {
        return;
    }
    let bench = Bench::new();
    // A process for each operation: a busy host needs time for them.
    let workload = |crashed: &str| {
        let text = format!(
            r#"{{"lifetime": 6, "replicas": 3, "start_wait": 0, "end_wait": 0, "liveness": {{"bound_ms": 20000}},
            "clients": {{"count": 2, "keys": 1, "rate": 10, "timeout_ms": 5000}},
            "events": [{{"type": "crash", "time": 2, "target": "{crashed}", "duration": 0.3}}]}}"#
        );
        bench.file("w.json", text).to_string_lossy().into_owned()
    };
    let system = path("workloads/systems/quorum/commands.toml");
    let run = |workload: &str, more: &[&str]| {
        let words = ["run", workload, "--system", &system, "--seed", "1", "--quiet"];
        bench.harness(&[&words[..], more].concat())
    };
    run(&workload("one"), &[]).expect(0);
    let details = &bench.verdict()["answers"][0]["details"];
    for name in
        ["anytime_mark_is_unchanged.py", "eventually_all_serve.py", "finally_mark_is_there.py"]
    {
        assert!(details.to_string().contains(&format!("{name}: held in ")), "{details}");
    }
    // The crash of all replicas is enough to lose the mark, whatever the clients see.
    run(&workload("all"), &["--replica-arg=--wrong=forget"]).expect(10);
    let details = bench.verdict()["answers"][0].to_string();
    assert!(details.contains("the check finally_mark_is_there.py did not hold at"), "{details}");
}

/// A system whose replicas only listen, asked by a folder with these commands.
fn with_commands(bench: &Bench, commands: &[(&str, &str)]) -> String {
    use std::os::unix::fs::PermissionsExt;
    let folder = bench.path("commands");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir(&folder).expect("a folder of our own");
    for (name, text) in commands {
        std::fs::write(folder.join(name), format!("#!/bin/sh\n{text}\n"))
            .expect("a folder of our own");
        let mode = if text.is_empty() { 0o644 } else { 0o755 };
        std::fs::set_permissions(folder.join(name), PermissionsExt::from_mode(mode))
            .expect("a folder of our own");
    }
    let listen = "import socket, sys, time; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); time.sleep(1000)";
    let text = format!(
        "command = [\"python3\", \"-c\", \"{listen}\", \"{{port}}\"]\n[client]\nkind = \"commands\"\nfolder = \
         \"commands\"\n"
    );
    bench.file("system.toml", text).to_string_lossy().into_owned()
}

const SHORTEST: &str = r#"{"lifetime": 5, "replicas": 1, "start_wait": 0, "end_wait": 0, "liveness": {"bound_ms": 1000}, "workload": "register",
    "clients": {"count": 2, "keys": 1, "rate": 5, "timeout_ms": 500}}"#;

#[test]
fn checks_that_do_not_hold_are_told_with_their_last_words_and_leave_nothing_behind() {
    if !has("python3") {
        return;
    }
    let (_turn, bench) = (room::clusters(1), Bench::new());
    let workload = bench.file("w.json", SHORTEST).to_string_lossy().into_owned();
    let commands = [
        ("client_get", "exit 3"),
        ("client_put", "echo out of order; sleep 1000 & exit 3"),
        ("eventually_never", "echo still empty >&2; exit 1"),
        ("finally_killed", "kill -9 $$"),
    ];
    let system = with_commands(&bench, &commands);
    let mut command = bench.command(&["run", &workload, "--system", &system, "--quiet"]);
    let child = command.spawn().expect("the harness starts");
    let harness = child.id();
    let ended = crate::support::Ended::from(child.wait_with_output().unwrap());
    ended.expect(10);
    assert!(
        processes_of_pid(harness).is_empty(),
        "no replica, no command, nothing that they started"
    );
    let answers = bench.verdict()["answers"].to_string();
    for expected in [
        "the check eventually_never did not hold at",
        "exit status 1; its last output: still empty",
        "the check finally_killed did not hold at",
        "killed by SIGKILL",
    ] {
        assert!(answers.contains(expected), "{expected}: {answers}");
    }
}

#[test]
fn a_folder_of_commands_that_cannot_be_used_is_refused_in_a_sentence() {
    if !has("python3") {
        return;
    }
    let bench = Bench::new();
    let workload = bench.file("w.json", SHORTEST).to_string_lossy().into_owned();
    let cases: [(&[(&str, &str)], &str); 6] = [
        (&[("readme", "")], "has no command for a function, such as `client_get`"),
        (&[("client_get", "")], "client_get is not executable; `chmod +x` makes it so"),
        (&[("client_gets", "exit 0")], "`gets` is no function; did you mean \"get\"?"),
        (&[("client_get", "exit 0"), ("clients_put", "exit 0")], "clients_put is executable"),
        (
            &[("client_get.sh", "exit 0"), ("client_get.py", "exit 0")],
            "for the same function; keep one",
        ),
        (&[("client_get", "exit 0")], "asks for `put`"),
    ];
    for (commands, expected) in cases {
        let system = with_commands(&bench, commands);
        bench.refused(&["run", &workload, "--system", &system]).expect(2).expect_words(expected);
    }
    let commands = [
        ("client_get", "exit 0"),
        ("client_put", "exit 0"),
        ("first_set_up", "echo no disk; exit 7"),
    ];
    let system = with_commands(&bench, &commands);
    let ended = bench.harness(&["run", &workload, "--system", &system]);
    ended.expect(2).expect_words("first_set_up failed (exit status 7; its last output: no disk)");
}

#[test]
fn a_store_that_speaks_the_protocol_of_redis_is_asked_for_all_that_it_knows() {
    if !has("python3") {
        return;
    }
    let bench = Bench::new();
    run(&bench, "workloads/systems/primary/resp.toml", "1", &[]).expect(0);
    let redirects: u32 = bench
        .run()
        .rows("latency.csv")
        .iter()
        .map(|row| row["redirects"].parse::<u32>().unwrap())
        .sum();
    assert!(redirects > 0, "clients of a backup are told where the primary is");
    let system = path("workloads/systems/primary/resp.toml");
    each(&["lin-kv", "lists", "set", "counter", "queue", "unique-ids"], |workload| {
        let bench = Bench::new();
        let text = format!(
            r#"{{"lifetime": 5, "replicas": 3, "start_wait": 0, "end_wait": 0, "workload": "{workload}",
            "clients": {{"count": 3, "keys": 2, "rate": 60, "timeout_ms": 1000}}}}"#
        );
        let workload = bench.file("w.json", text).to_string_lossy().into_owned();
        bench.harness(&["run", &workload, "--system", &system, "--quiet"]).expect(0);
    });
    each(&["backup-reads", "forget"], |wrong| {
        is_refuted("workloads/systems/primary/resp.toml", wrong);
    });
}

#[test]
fn redis_keeps_what_it_wrote_to_disk_and_loses_what_it_did_not() {
    if !has("redis-server") {
        return;
    }
    let bench = Bench::new();
    let (workload, system) =
        ("workloads/systems/redis/restarts.json", "workloads/systems/redis/redis.toml");
    let (workload, system) = (path(workload), path(system));
    let right = ["run", &workload, "--system", &system, "--seed", "1", "--quiet"];
    bench.harness(&right).expect(0);
    let forgets = ["--replica-arg=--appendonly", "--replica-arg=no"];
    bench.harness(&[&right[..], &forgets[..]].concat()).expect(10);
    assert_eq!(bench.answer("safety").0, "invalid");
}

#[test]
fn a_run_of_a_system_comes_again_from_its_plan_and_leaves_nothing_behind() {
    if !has("python3") {
        return;
    }
    let (_turn, bench) = (room::clusters(1), Bench::new());
    let (workload, system) =
        (path("workloads/small-cluster.json"), path("workloads/systems/quorum/exec.toml"));
    let mut command = bench.command(&["run", &workload, "--system", &system, "--quiet"]);
    let child = command.spawn().expect("the harness starts");
    let harness = child.id();
    let ended = crate::support::Ended::from(child.wait_with_output().unwrap());
    ended.expect(0);
    assert!(processes_of_pid(harness).is_empty(), "neither replicas nor client programs");
    // The plan has all of it: the file is not asked again.
    bench.harness(&["replay", "results/latest", "--quiet"]).expect(0);
}

/// A system whose one replica is this command.
fn described(bench: &Bench, command: &str, more: &str) -> String {
    let text = format!(
        "command = {command}\n{more}\n[client]\nkind = \"http\"\n[[client.operations]]\nf = \"get\"\npath = \"/\"\n\
         [[client.operations]]\nf = \"put\"\npath = \"/\"\n"
    );
    bench.file("system.toml", text).to_string_lossy().into_owned()
}

#[test]
fn a_system_that_is_never_ready_is_told_with_its_last_words() {
    let bench = Bench::new();
    let workload = path("workloads/small-cluster.json");
    let cases = [
        (
            r#"["sh", "-c", "echo no such flag: $0 >&2; exit 3", "--port={port}", "{data}"]"#,
            "[ready]\nhttp = \"/up\"\nwithin_s = 10",
            "system system: none of its replicas was ready within 10 s (exit status 3); its last output: no such \
             flag: --port=",
        ),
        (
            r#"["sh", "-c", "exec sleep 1000", "{port}", "{data}"]"#,
            "[ready]\nwithin_s = 0.5",
            "Expected: each accepts a connection at `{port}`",
        ),
    ];
    for (command, more, expected) in cases {
        let system = described(&bench, command, more);
        let ended = bench.harness(&["run", &workload, "--system", &system]);
        ended.expect(2).expect_words(expected);
    }
}

#[test]
fn a_system_file_is_found_beside_where_one_stands_and_goes_with_no_other_program() {
    let bench = Bench::new();
    described(&bench, r#"["sleep", "1000", "{port}"]"#, "replicas = [5, 5]");
    bench.file("w.json", r#"{"lifetime": 5, "replicas": 3, "clients": {"count": 2, "keys": 1}}"#);
    let workload = "w.json";
    let alone = bench.refused(&["run", workload, "--system", "system.toml"]);
    alone.expect(2).expect_words("the system system can have 5 to 5 replicas, not 3");
    let both = bench.refused(&["run", workload, "--system", "system.toml", "--node", "sleep"]);
    both.expect(2).expect_words("cannot be used with");
}

#[test]
fn what_a_system_cannot_bear_is_refused_by_name() {
    let bench = Bench::new();
    let system = described(&bench, r#"["sleep", "1000", "{port}"]"#, "replicas = [3, 5]");
    let short = r#""lifetime": 5, "clients": {"count": 2, "keys": 1}"#;
    let cases = [
        (
            format!(r#"{{{short}, "replicas": 7}}"#),
            "`replicas`: the system system can have 3 to 5 replicas, not 7",
        ),
        (
            format!(r#"{{{short}, "replicas": 3, "workload": "set"}}"#),
            "`workload`: \"set\" asks for `add`, and the client of the system system knows `get`, `put` only",
        ),
        (
            format!(r#"{{{short}, "replicas": 3, "drops": 0.1}}"#),
            "`drops`: the replicas of the system system talk over TCP",
        ),
        (
            format!(
                r#"{{{short}, "replicas": 3, "network": [{{"rule": "duplicate", "probability": 0.5}}]}}"#
            ),
            "`network[0]`: the replicas of the system system talk over TCP, which does not support `duplicate`",
        ),
        (
            format!(
                r#"{{{short}, "replicas": 3, "network": [{{"rule": "corrupt", "probability": 0.5}}]}}"#
            ),
            "set `spare_envelope` to false",
        ),
        (
            r#"{"lifetime": 5, "replicas": 3, "requests": 10, "clients": {"kind": "course"}}"#
                .to_owned(),
            "`clients.kind`: the course's clients speak the course's protocol only",
        ),
        (
            format!(
                r#"{{{short}, "replicas": 3, "events": [{{"type": "disk", "time": 1, "disk_fault": "full"}}]}}"#
            ),
            "`disk` is for replicas that keep their data on disk",
        ),
    ];
    for (workload, expected) in cases {
        let workload = bench.file("w.json", &workload).to_string_lossy().into_owned();
        let ended = bench.refused(&["run", &workload, "--system", &system]);
        ended.expect(2).expect_words(expected);
    }
    let short = format!(r#"{{{short}, "replicas": 3}}"#);
    let workload = bench.file("w.json", short).to_string_lossy().into_owned();
    let ended = bench.refused(&["run", &workload, "--system", &system, "--clock", "virtual"]);
    ended.expect(2).expect_words("a system file needs the time of this host");
    let missing = bench.refused(&["run", &workload, "--system", "no.toml"]);
    missing.expect(2).expect_words("no.toml: there is no such system file");
    let text = std::fs::read_to_string(&system).unwrap().replace("sleep", "no-such-program");
    let system = bench.file("system.toml", text).to_string_lossy().into_owned();
    let missing = bench.refused(&["run", &workload, "--system", &system]);
    missing.expect(2).expect_words("the system system, `command[0]`");
    assert!(!Path::new(&bench.path("results/latest")).exists(), "nothing was started");
}
