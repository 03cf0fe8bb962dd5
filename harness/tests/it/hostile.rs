//! Programs that attack the harness: what each does, and what the verdict must be. Nothing outside the run is changed,
//! nothing is left behind, and no bad run becomes a good one.
//!
//! `make attack` lets each of them attack over all transports, with and without `--confined`.

use std::path::Path;

use harness::nemesis::happened::FaultRecord;

use crate::support::{Bench, Ended, each, has, processes_of_pid};

/// An attack.
struct Attack {
    /// The mode of `tests/hostile/hostile.py`.
    mode: &'static str,
    /// What it does.
    does: &'static str,
    /// Whether the store forgets puts besides: then safety is refuted, whatever else it does.
    forgets: bool,
    /// The faults of the run.
    events: &'static str,
    /// The exit code that it deserves; `None` if only harmlessness is at stake.
    code: Option<i32>,
    /// The kind of the answer to the question about the processes.
    process: &'static str,
}

const PLAIN: Attack = Attack {
    mode: "",
    does: "",
    forgets: false,
    events: "",
    code: Some(12),
    process: "interference",
};

const CRASHES: &str = r#"{"type": "crash", "target": "0001", "time": 2.5, "duration": 0.2},
    {"type": "crash", "target": "0002", "time": 2.5, "duration": 0.2}"#;
const TRUNCATES: &str =
    r#"{"type": "disk", "target": "0001", "disk_fault": "truncate", "time": 1.5, "duration": 0.2}"#;
const READ_ONLY: &str = r#"{"type": "disk", "target": "0001", "disk_fault": "read_only", "time": 1.5, "duration": 0.4}"#;
const OLD_COPY: &str =
    r#"{"type": "disk", "target": "0001", "disk_fault": "old_copy", "time": 1.5, "duration": 0.4}"#;

const ATTACKS: &[Attack] = &[
    Attack { mode: "does-nothing", does: "nothing", code: Some(0), process: "sound", ..PLAIN },
    Attack {
        mode: "replaces-history",
        does: "a beginning of the history takes its place",
        ..PLAIN
    },
    Attack {
        mode: "replaces-history",
        does: "the same, to hide what it forgot",
        forgets: true,
        code: Some(10),
        ..PLAIN
    },
    Attack {
        mode: "overwrites-history",
        does: "empty lines take the place of operations",
        ..PLAIN
    },
    Attack {
        mode: "overwrites-history",
        does: "the same, to hide what it forgot",
        forgets: true,
        code: Some(10),
        ..PLAIN
    },
    Attack {
        mode: "removes-history",
        does: "the history has no name any more, to hide what it forgot",
        forgets: true,
        code: Some(10),
        ..PLAIN
    },
    Attack { mode: "replaces-plan", does: "plan.json is cut off", ..PLAIN },
    Attack { mode: "replaces-leaders", does: "leaders.jsonl is cut off", ..PLAIN },
    Attack { mode: "overwrites-messages", does: "messages.jsonl holds something else", ..PLAIN },
    Attack { mode: "removes-faults", does: "faults.jsonl is gone", events: CRASHES, ..PLAIN },
    Attack {
        mode: "links-reports",
        does: "symbolic links wait for the reports to be written through them",
        code: Some(0),
        process: "sound",
        ..PLAIN
    },
    Attack {
        mode: "links-logs",
        does: "a link leads the logs of a replica that is started again elsewhere",
        events: CRASHES,
        code: Some(0),
        process: "sound",
        ..PLAIN
    },
    Attack {
        mode: "links-data",
        does: "a link leads a disk fault elsewhere",
        events: TRUNCATES,
        code: None,
        process: "sound",
        ..PLAIN
    },
    Attack {
        mode: "links-a-file-hard",
        does: "a file in the data directory has another name elsewhere",
        events: TRUNCATES,
        code: None,
        process: "sound",
        ..PLAIN
    },
    Attack {
        mode: "links-a-file-hard",
        does: "the same, under permissions that change",
        events: READ_ONLY,
        code: None,
        process: "sound",
        ..PLAIN
    },
    Attack {
        mode: "has-a-sparse-file",
        does: "256 GB that are mostly holes are to be copied",
        events: OLD_COPY,
        code: Some(0),
        process: "sound",
        ..PLAIN
    },
    Attack {
        mode: "moves-the-folder",
        does: "the run's folder has another name",
        code: Some(15),
        process: "sound",
        ..PLAIN
    },
    Attack { mode: "removes-sockets", does: "all sockets are gone", ..PLAIN },
    Attack {
        mode: "removes-its-directory",
        does: "the directory in which replicas start is gone",
        events: CRASHES,
        ..PLAIN
    },
    Attack {
        mode: "stops-its-parent",
        does: "the harness stands still until its watchdog lets it go on",
        code: Some(15),
        process: "sound",
        ..PLAIN
    },
    Attack {
        mode: "removes-the-mark",
        does: "the mark by which the directory is deleted is gone",
        code: Some(0),
        process: "sound",
        ..PLAIN
    },
    Attack {
        mode: "reconnects",
        does: "it connects again and again",
        code: None,
        process: "",
        ..PLAIN
    },
];

/// The verdicts that are not made for the attack, and the program.
fn run(bench: &Bench, attack: &Attack, transport: &str, is_confined: bool) -> (Ended, u32) {
    let workload = format!(
        r#"{{"lifetime": 6, "start_wait": 0, "end_wait": 0, "replicas": 5,
        "clients": {{"count": 4, "keys": 2, "rate": 200, "timeout_ms": 500}},
        "liveness": {{"bound_ms": 2000}}, "events": [{}]}}"#,
        attack.events
    );
    let workload = bench.file("attack.json", workload);
    for folder in ["outside", "tmp"] {
        std::fs::create_dir(bench.path(folder)).expect("a folder");
    }
    bench.file("outside/precious", "precious");
    let program = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/hostile/hostile.py")
        .display()
        .to_string();
    let (workload, outside) = (workload.display(), bench.path("outside"));
    let mut arguments: Vec<String> = vec!["run".into(), workload.to_string()];
    // The store replicates nothing, and that is not the question here.
    arguments.extend(["--durability", "off", "--seed", "7", "--quiet"].map(str::to_owned));
    arguments.extend(["--transport", transport].map(str::to_owned));
    arguments.extend(["--replica".to_owned(), program]);
    let mut of_program = vec![
        format!("--mode={}", attack.mode),
        "--data={data}".to_owned(),
        format!("--transport={transport}"),
        format!("--outside={}", outside.display()),
    ];
    of_program.extend(attack.forgets.then(|| "--forgets".to_owned()));
    arguments.extend(of_program.into_iter().map(|argument| format!("--replica-arg={argument}")));
    arguments.extend(is_confined.then(|| "--confined".to_owned()));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut command = bench.command(&arguments);
    let _turn = crate::support::room::clusters(1);
    let child = command.env("TMPDIR", bench.path("tmp")).spawn().expect("the harness starts");
    let pid = child.id();
    (Ended::from(child.wait_with_output().expect("it ends")), pid)
}

fn assert_harmless(attack: &Attack, transport: &str, is_confined: bool) {
    let bench = Bench::new();
    let (ended, pid) = run(&bench, attack, transport, is_confined);
    let name = format!("{} ({}), {transport}", attack.mode, attack.does);
    let story = format!("{name}:\n{}\n{}", ended.stdout, ended.stderr);
    assert!(![-1, 1].contains(&ended.code), "{story}");
    // By UDP there are no sockets in the directory.
    let has_sockets = transport != "udp" || attack.mode != "removes-sockets";
    if let Some(code) = attack.code.filter(|_| has_sockets) {
        assert_eq!(ended.code, code, "{story}");
    }
    assert!(!ended.stderr.contains("panicked"), "{story}");
    assert_eq!(processes_of_pid(pid), Vec::<i32>::new(), "{story}");
    // Nothing outside was changed, and nothing is left.
    let outside: Vec<_> =
        std::fs::read_dir(bench.path("outside")).expect("a folder").flatten().collect();
    assert_eq!(outside.len(), 1, "{outside:?}: {story}");
    let precious = bench.path("outside/precious");
    assert_eq!(std::fs::read_to_string(&precious).expect("a file"), "precious", "{story}");
    assert!(!precious.metadata().expect("a file").permissions().readonly(), "{story}");
    let left = std::fs::read_dir(bench.path("tmp")).expect("a folder").count();
    assert_eq!(left, usize::from(attack.mode == "removes-the-mark"), "{story}");
    if attack.mode == "moves-the-folder" {
        ended.expect_words("the folder of the run was moved or removed");
        return;
    }
    let (standing, kind) = bench.answer("process");
    if !attack.process.is_empty() && has_sockets {
        assert_eq!(kind, attack.process, "{story}");
    }
    assert_ne!(standing, "unknown", "nothing is attributed to the host: {story}");
    let safety = bench.answer("safety").0;
    assert_eq!(safety, if attack.forgets { "invalid" } else { "valid" }, "{story}");
    // Whatever was changed: what is in the folder is what was judged.
    let checked = bench.refused(&["check", "results/latest/history.jsonl"]);
    checked.expect(if attack.forgets { 10 } else { 0 });
    if attack.mode.starts_with("links-") && !attack.events.is_empty() {
        assert_refused(attack, &bench.run().faults());
    }
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

#[test]
fn no_attack_changes_anything_outside_or_a_verdict() {
    if !has("python3") {
        return;
    }
    if std::env::var_os("HARNESS_ATTACKS").is_none() {
        each(ATTACKS, |attack| assert_harmless(attack, "seqpacket", false));
        return;
    }
    let transports = ["seqpacket", "stream", "udp"];
    let ways = transports.map(|transport| [(transport, false), (transport, true)]).concat();
    let all: Vec<_> =
        ATTACKS.iter().flat_map(|attack| ways.iter().map(move |way| (attack, *way))).collect();
    each(&all, |(attack, (transport, is_confined))| {
        assert_harmless(attack, transport, *is_confined);
    });
}
