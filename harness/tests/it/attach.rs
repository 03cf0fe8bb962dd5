//! `harness attach`: a run in virtual time stands still at a moment, and a debugger can look into its replicas.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use supervisor::sys::ptrace;

use crate::support::{Bench, top, wait_until};

/// A store whose reads are half a second old.
const STALE: &str = r#"{
    "lifetime": 5, "start_wait": 0, "end_wait": 0, "replicas": 5,
    "clients": {"count": 4, "keys": 2, "rate": 100, "timeout_ms": 500},
    "events": [{"type": "partition", "shape": "leader", "time": 2, "duration": 1}]
}"#;

/// A run of `raft.py` in one of its ways.
fn run(bench: &Bench, clock: &str, way: &str, code: i32) {
    let workload = bench.file("stale.json", STALE);
    let program = bench.path("raft.py");
    fs::copy(top().join("harness/tests/programs/raft.py"), &program).expect("a copy");
    let way = format!("--way={way}");
    let words = ["run", &workload.to_string_lossy(), "--clock", clock, "--seed", "7", "--quiet"];
    let replica = ["--replica", &program.to_string_lossy(), "--replica-arg", &way];
    bench.harness(&[&words[..], &replica[..], &["--transport", "seqpacket"]].concat()).expect(code);
}

/// A harness that stands still.
struct Holding {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Holding {
    fn start(bench: &Bench, words: &[&str]) -> Self {
        let mut child = bench.command(words).stdin(Stdio::piped()).spawn().expect("it starts");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, input, output }
    }

    /// What it prints until it waits for an answer.
    fn held(&mut self) -> String {
        let mut text = String::new();
        while !text.lines().last().is_some_and(|line| line.starts_with("go on ")) {
            let read = self.output.read_line(&mut text).expect("text");
            assert_ne!(read, 0, "{text}");
        }
        text
    }

    fn say(&mut self, line: &str) {
        writeln!(self.input.as_mut().expect("a pipe"), "{line}").expect("it reads");
    }

    /// What else it prints, and its exit code.
    fn end(mut self) -> (String, i32) {
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).expect("text");
        (rest, self.child.wait().expect("it ends").code().expect("a code"))
    }
}

/// The processes that are printed.
fn pids(told: &str) -> Vec<i32> {
    let replicas = told.lines().filter(|line| line.starts_with("replica "));
    let pids = replicas.map(|line| line.split_whitespace().nth(3).expect("a number"));
    pids.map(|pid| pid.parse().expect("a number")).collect()
}

fn are_gone(pids: &[i32]) -> bool {
    pids.iter().all(|pid| !Path::new(&format!("/proc/{pid}")).exists())
}

/// The call in which a process is, and what it gives it: a number, then arguments.
fn call_of(pid: i32) -> Vec<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap_or_default();
    let number = |word: &str| {
        let hex = word.strip_prefix("0x");
        hex.map_or_else(|| word.parse().ok(), |hex| u64::from_str_radix(hex, 16).ok())
    };
    text.split_whitespace().map_while(number).collect()
}

#[test]
fn a_debugger_finds_the_replica_about_to_send_the_wrong_answer_and_the_run_goes_on_exactly() {
    const SENDTO: u64 = 44;
    let bench = Bench::new();
    run(&bench, "virtual", "stale", 10);
    let mut holding = Holding::start(&bench, &["attach", "results/latest"]);
    let told = holding.held();
    assert!(told.contains("just before the wrong answer"), "{told}");
    let all = pids(&told);
    assert_eq!(all.len(), 5, "{told}");
    let guilty = told.lines().find(|line| line.ends_with("<- does it")).expect("one is marked");
    let pid = pids(guilty)[0];
    let client = told.split("client ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();

    // It is in its call, and what it is about to send is the answer.
    wait_until("it is in its call", || call_of(pid).first() == Some(&SENDTO));
    let call = call_of(pid);
    let mut message = vec![0; usize::try_from(call[3]).unwrap()];
    let memory = fs::File::open(format!("/proc/{pid}/mem")).unwrap();
    memory.read_exact_at(&mut message, call[2]).unwrap();
    let message = String::from_utf8(message).unwrap();
    assert!(message.contains(&format!("\"dst\": \"{client}\"")), "{client}: {message}");
    assert!(message.contains("\"type\": \"ok\""), "{message}");

    // Nobody traces it, so that a debugger can.
    for &pid in &all {
        ptrace::seize(pid).unwrap();
        ptrace::interrupt(pid).unwrap();
        assert!(matches!(ptrace::change_of(pid), Some(ptrace::Change::Stopped { .. })));
        assert!(ptrace::registers(pid).unwrap().orig_rax < 1_000);
        ptrace::detach(pid).unwrap();
    }

    holding.say("");
    let (rest, code) = holding.end();
    assert!(rest.contains("over         safety invalid ("), "{rest}");
    assert!(rest.contains("\nreplay       exact: history.jsonl, "), "{rest}");
    assert_eq!(code, 10);
    assert!(are_gone(&all));
}

#[test]
fn a_later_time_is_the_next_moment_and_the_end_of_the_input_ends_everything() {
    let bench = Bench::new();
    run(&bench, "virtual", "right", 0);
    let mut holding =
        Holding::start(&bench, &["replay", "results/latest", "--until", "1.25", "--hold"]);
    let first = holding.held();
    assert!(first.contains("until 1.250000000 s\nheld         after 1.2"), "{first}");
    holding.say("1");
    holding.say("2.5");
    let second = holding.held();
    assert!(second.starts_with("held         after 2."), "{second}");
    assert_eq!(pids(&first), pids(&second));
    let all = pids(&second);
    assert!(!are_gone(&all));
    holding.input = None;
    assert_eq!(
        holding.end(),
        ("ended        the processes are gone; nothing was judged\n".to_owned(), 0)
    );
    assert!(are_gone(&all));
}

#[test]
fn what_cannot_be_held_is_refused_in_a_sentence() {
    let bench = Bench::new();
    let refused = |words: &[&str], told: &str| {
        let ended = bench.harness(words);
        assert!(ended.stderr.contains(told), "{}{}", ended.stdout, ended.stderr);
        assert_eq!(ended.code, 2);
    };
    run(&bench, "virtual", "right", 0);
    refused(&["attach", "results/latest"], "it has no wrong answer, and no replica died by itself");
    refused(&["attach", "results/latest", "--at", "60"], "the run is over at ");
    refused(&["attach", "results/latest", "--at", "soon"], "such as `3.214`");
    // Another program than then, although it has the same name.
    let program = bench.path("raft.py");
    let text = fs::read_to_string(&program).unwrap().replace("beat = ", "beat = 0.001 + ");
    let text = text.replace("uniform(0.25, 0.5)", "uniform(0.25, 0.4)");
    fs::write(&program, text).unwrap();
    let told = "the replay is not the run, so nothing was held: not exact: ";
    refused(&["attach", "results/latest", "--at", "3"], told);
    run(&bench, "real", "right", 0);
    let told = "it was made in real time, whose moments do not come back";
    refused(&["attach", "results/latest"], told);
}
