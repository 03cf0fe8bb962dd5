//! Programs that attack the harness: what each does, and what the verdict must be. Nothing outside the run is changed,
//! nothing is left behind, and no bad run becomes a good one.
//!
//! `make attack` lets each of them attack over all transports, with and without `--confined`, and as an ordinary user.

mod table;

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use harness::nemesis::happened::FaultRecord;
use nix::unistd::Uid;

use crate::support::{Bench, Ended, each, has, processes_of_pid, skip};
use table::{ATTACKS, Attack};

/// An ordinary user, who owns nothing.
const ORDINARY: u32 = 65_534;

/// How the harness is started for an attack.
#[derive(Clone, Copy, Debug)]
struct Way {
    transport: &'static str,
    is_confined: bool,
    /// Whether as an ordinary user, where the tests run as root.
    is_ordinary: bool,
}

/// The harness, attacked by this program.
fn run(bench: &Bench, attack: &Attack, way: Way) -> (Ended, u32) {
    let workload = format!(
        r#"{{"lifetime": 5, "start_wait": 0, "end_wait": 0, "replicas": 5,
        "clients": {{"count": 4, "keys": 2, "rate": 200, "timeout_ms": 500}},
        "liveness": {{"bound_ms": 2000}}, "events": [{}]}}"#,
        attack.events
    );
    let workload = bench.file("attack.json", workload);
    for folder in ["outside", "tmp"] {
        std::fs::create_dir(bench.path(folder)).expect("a folder");
    }
    bench.file("outside/precious", "precious");
    let program = program();
    let (workload, outside) = (workload.display(), bench.path("outside"));
    let mut arguments: Vec<String> = vec!["run".into(), workload.to_string()];
    // The store replicates nothing, and that is not the question here.
    arguments.extend(["--durability", "off", "--seed", "7", "--quiet"].map(str::to_owned));
    arguments.extend(["--transport", way.transport].map(str::to_owned));
    arguments.extend(["--replica".to_owned(), program]);
    let mut of_program = vec![
        format!("--mode={}", attack.mode),
        "--data={data}".to_owned(),
        format!("--transport={}", way.transport),
        format!("--outside={}", outside.display()),
    ];
    of_program.extend(attack.forgets.then(|| "--forgets".to_owned()));
    arguments.extend(of_program.into_iter().map(|argument| format!("--replica-arg={argument}")));
    arguments.extend(way.is_confined.then(|| "--confined".to_owned()));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut command = bench.command(&arguments);
    // What it sends to its parent's group must not reach the tests.
    command.env("TMPDIR", bench.path("tmp")).process_group(0);
    if way.is_ordinary {
        for name in ["", "tmp", "outside", "outside/precious", "attack.json"] {
            chown(bench.path(name), Some(ORDINARY), Some(ORDINARY)).expect("root may do that");
        }
        command.uid(ORDINARY).gid(ORDINARY);
    }
    let _turn = crate::support::room::clusters(1);
    let mut child = command.spawn().expect("the harness starts");
    let pid = child.id();
    let deadline = Instant::now() + Duration::from_secs(120);
    let mut is_late = false;
    std::thread::scope(|scope| {
        let output = child.stdout.take().zip(child.stderr.take());
        let (mut stdout, mut stderr) = output.expect("both are pipes");
        let read = |from: &mut dyn std::io::Read| {
            let mut bytes = Vec::new();
            from.read_to_end(&mut bytes).expect("a pipe");
            bytes
        };
        let (stdout, stderr) =
            (scope.spawn(move || read(&mut stdout)), scope.spawn(move || read(&mut stderr)));
        while child.try_wait().expect("our child").is_none() {
            if Instant::now() > deadline && !is_late {
                is_late = true;
                child.kill().expect("our child");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let status = child.wait().expect("it has ended");
        let (stdout, stderr) = (stdout.join().expect("read"), stderr.join().expect("read"));
        let ended = Ended::from(std::process::Output { status, stdout, stderr });
        assert!(!is_late, "{} ({}), {way:?}: it hangs\n{}", attack.mode, attack.does, ended.stderr);
        (ended, pid)
    })
}

/// The program that attacks.
fn program() -> String {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile/hostile.py");
    program.display().to_string()
}

fn assert_harmless(attack: &Attack, way: Way) {
    let bench = Bench::new();
    let (ended, pid) = run(&bench, attack, way);
    let name = format!("{} ({}), {way:?}", attack.mode, attack.does);
    let story = format!("{name}:\n{}\n{}", ended.stdout, ended.stderr);
    assert!(![-1, 1].contains(&ended.code), "{story}");
    // By UDP there are no sockets in the directory.
    let is_attack = way.transport != "udp" || !attack.needs_sockets;
    if let Some(code) = attack.code.filter(|_| is_attack) {
        assert_eq!(ended.code, code, "{story}");
        assert!(ended.says(attack.says), "{:?} in {story}", attack.says);
    }
    assert!(!ended.stderr.contains("panicked"), "{story}");
    assert_eq!(processes_of_pid(pid), Vec::<i32>::new(), "{story}");
    assert_nothing_outside(&bench, &story);
    if ["moves-the-folder", "removes-the-folder"].contains(&attack.mode) {
        // Only root is told whose doing it was.
        let is_told = !way.is_ordinary && may_administer();
        let by = if is_told { "by a process of the program" } else { "" };
        assert_eq!(ended.code, if is_told { 12 } else { 15 }, "{story}");
        assert!(ended.says("the folder of the run was moved or removed"), "{story}");
        assert!(ended.says(by), "{story}");
        return;
    }
    if attack.mode == "forbids-the-run" && (way.is_ordinary || !Uid::effective().is_root()) {
        // What cannot be read by its owner cannot be read here.
        return;
    }
    if ["takes-the-names-of-reports", "exits-at-once"].contains(&attack.mode) {
        return;
    }
    let (standing, kind) = bench.answer("process");
    if !attack.process.is_empty() && is_attack {
        assert_eq!(kind, attack.process, "{story}");
    }
    assert_ne!(standing, "unknown", "nothing is attributed to the host: {story}");
    let (safety, _) = bench.answer("safety");
    assert_eq!(safety, if attack.forgets { "invalid" } else { "valid" }, "{story}");
    // Whatever was changed: what is in the folder is what was judged.
    let checked = bench.refused(&["check", "results/latest/history.jsonl"]);
    checked.expect(if attack.forgets { 10 } else { 0 });
    if attack.mode.starts_with("links-") && !attack.events.is_empty() {
        assert_refused(attack, &bench.run().faults());
    }
}

/// Whether this process may do all that root may.
fn may_administer() -> bool {
    const CAP_SYS_ADMIN: u64 = 1 << 21;
    let status = std::fs::read_to_string("/proc/self/status").expect("our own");
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    line.and_then(|it| u64::from_str_radix(it.trim(), 16).ok())
        .is_some_and(|it| it & CAP_SYS_ADMIN != 0)
}

/// Nothing outside was changed, and nothing is left.
fn assert_nothing_outside(bench: &Bench, story: &str) {
    let outside: Vec<_> =
        std::fs::read_dir(bench.path("outside")).expect("a folder").flatten().collect();
    assert_eq!(outside.len(), 1, "{outside:?}: {story}");
    let precious = bench.path("outside/precious");
    assert_eq!(std::fs::read_to_string(&precious).expect("a file"), "precious", "{story}");
    assert!(!precious.metadata().expect("a file").permissions().readonly(), "{story}");
    let left = std::fs::read_dir(bench.path("tmp")).expect("a folder").count();
    assert_eq!(left, 0, "{story}");
}

/// A disk fault that would reach outside is not applied, and says why.
fn assert_refused(attack: &Attack, faults: &[FaultRecord]) {
    let why = match attack.mode {
        "links-data" => "symbolic link",
        "links-a-file-hard" => "2 names",
        _ => return,
    };
    let reason = faults[0].not_applied.as_deref().unwrap_or_default();
    assert!(faults[0].applied_ns.is_none() && reason.contains(why), "{}: {reason}", attack.mode);
}

/// Whether the harness and its attackers can be started as an ordinary user.
fn has_ordinary_user() -> bool {
    if !Uid::effective().is_root() {
        // All that is done here is done as an ordinary user.
        return false;
    }
    let starts = |program: &str, argument: &str| {
        let mut command = Command::new(program);
        command.arg(argument).uid(ORDINARY).gid(ORDINARY).current_dir("/");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok()
    };
    let is_there = starts(env!("CARGO_BIN_EXE_harness"), "--version") && starts(&program(), "--");
    if !is_there {
        skip("an ordinary user may not read this project");
    }
    is_there
}

#[test]
fn no_attack_changes_anything_outside_or_a_verdict() {
    if !has("python3") {
        return;
    }
    let plain = Way { transport: "seqpacket", is_confined: false, is_ordinary: false };
    let is_user = has_ordinary_user();
    let asked = std::env::var("HARNESS_ATTACKS").unwrap_or_default();
    if asked.is_empty() {
        let always: Vec<&Attack> = ATTACKS.iter().filter(|attack| attack.is_always).collect();
        each(&always, |attack| assert_harmless(attack, plain));
        return;
    }
    let mut ways = vec![plain];
    ways.extend(is_user.then_some(Way { is_ordinary: true, ..plain }));
    ways.push(Way { is_confined: true, ..plain });
    for transport in ["stream", "udp"] {
        let way = Way { transport, ..plain };
        ways.extend([way, Way { is_confined: true, ..way }]);
    }
    // Some, by their names, and in the first way only; or all.
    let is_asked = |attack: &Attack| asked == "all" || asked.split(',').any(|it| it == attack.mode);
    let mut ways = &ways[..];
    if let Ok(count) = std::env::var("HARNESS_ATTACK_WAYS") {
        ways = &ways[..count.parse().expect("a number of ways")];
    }
    let attacks = ATTACKS.iter().filter(|attack| is_asked(attack));
    let all: Vec<_> =
        attacks.flat_map(|attack| ways.iter().map(move |way| (attack, *way))).collect();
    each(&all, |(attack, way)| assert_harmless(attack, *way));
}

#[test]
fn there_are_sixty_attacks_of_different_kinds() {
    let modes: std::collections::BTreeSet<&str> =
        ATTACKS.iter().map(|attack| attack.mode).collect();
    assert!(modes.len() >= 60, "{} kinds", modes.len());
}
