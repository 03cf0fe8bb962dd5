//! Programs in the shapes that real ones have: what only looks odd is right, what is wrong is caught by the verdict
//! and the kind that it deserves.

use std::path::Path;

use crate::support::{Bench, each, has};

/// No faults: what the programs do by themselves.
const CALM: &str = r#"{
    "lifetime": 5, "start_wait": 0, "end_wait": 0, "replicas": 3,
    "clients": {"count": 4, "keys": 3, "rate": 60, "timeout_ms": 1000},
    "liveness": {"bound_ms": 4000}
}"#;

/// The leader cut off alone, and with a follower, while half of the clients go on asking it; then it dies.
const PARTED: &str = r#"{
    "lifetime": 8, "start_wait": 1, "end_wait": 0, "replicas": 5, "mix": 0.5,
    "clients": {"count": 8, "keys": 2, "rate": 150, "timeout_ms": 500,
                "partition_affinity": 0.5, "probe_reads_ms": 300, "one_shot_keys": 0.2},
    "events": [
        {"type": "partition", "time": 1, "duration": 2, "shape": "leader_minority"},
        {"type": "partition", "time": 3.5, "duration": 2, "shape": "leader"},
        {"type": "kill_leader", "time": 6}
    ],
    "liveness": {"bound_ms": 5000}
}"#;

/// One replica after the other is alone, whichever leads, while clients ask all.
const LONELY: &str = r#"{
    "lifetime": 8, "start_wait": 1, "end_wait": 0, "replicas": 5, "mix": 0.5,
    "clients": {"count": 8, "keys": 2, "rate": 150, "timeout_ms": 500},
    "events": [
        {"type": "partition", "time": 1, "duration": 2, "shape": "one"},
        {"type": "partition", "time": 3.5, "duration": 2, "shape": "one"}
    ],
    "liveness": {"bound_ms": 5000}
}"#;

/// Many reads for each write: a state that goes back is seen before it is written over.
const READ: &str = r#"{
    "lifetime": 5, "start_wait": 0, "end_wait": 0, "replicas": 3, "mix": 0.8,
    "clients": {"count": 6, "keys": 2, "rate": 200, "timeout_ms": 1000},
    "liveness": {"bound_ms": 4000}
}"#;

/// A program in one of its ways on a workload, in real time; the verdict is in the bench.
fn judge(program: &str, transport: &str, way: &str, workload: &str) -> Bench {
    judge_by("real", "7", program, transport, way, workload)
}

/// The same in virtual time, where the machine knows it: what depends on the moment is the same on a busy host.
fn judge_in_virtual_time(
    seed: &str,
    program: &str,
    transport: &str,
    way: &str,
    workload: &str,
) -> Bench {
    judge_by("auto", seed, program, transport, way, workload)
}

fn judge_by(
    clock: &str,
    seed: &str,
    program: &str,
    transport: &str,
    way: &str,
    workload: &str,
) -> Bench {
    let bench = Bench::new();
    let workload = bench.file("way.json", workload);
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs").join(program);
    let (workload, program) = (workload.to_string_lossy(), program.to_string_lossy());
    let words =
        [format!("--replica-arg=--transport={transport}"), format!("--replica-arg=--way={way}")];
    let mut arguments = vec!["run", &workload, "--clock", clock, "--seed", seed];
    arguments.extend(["--replica", &program]);
    arguments.extend(["--transport", transport, &words[0], &words[1]]);
    let ended = bench.harness(&arguments);
    bench.expect_code_of_verdict(&ended);
    bench
}

/// No fault of the program is found by either question.
fn is_sound(bench: &Bench, way: &str) {
    for question in ["safety", "process"] {
        assert_eq!(bench.answer(question).0, "valid", "{way}: {}", bench.verdict());
    }
    let (standing, _) = bench.answer("liveness");
    assert_ne!(standing, "invalid", "{way}: {}", bench.verdict());
}

#[test]
fn what_only_looks_odd_is_right() {
    if !has("python3") {
        return;
    }
    let ways = [
        "line-ends,more-fields,no-leader,lower-mid,redirects-to-anyone,echoes,late",
        "null-leader,unicode,forwards,fails-first,silent-unwritten,ignores-signals",
        "spaces,redirects-then-ok,put-fails-and-happens,crashes-unwritten,leaves-children,hello-to-self",
        "crlf,redirects-nowhere,none-unwritten,reconnects,threads-of-hello,floods-stderr",
    ];
    each(&ways, |way| {
        is_sound(&judge("store.py", "seqpacket", way, CALM), way);
    });
}

#[test]
fn a_stream_may_break_anywhere_and_a_datagram_need_not_be_a_hello() {
    if !has("python3") {
        return;
    }
    let ways = [("stream", "halves,crlf,reconnects"), ("udp", "reconnects,late")];
    each(&ways, |(transport, way)| {
        is_sound(&judge("store.py", transport, way, CALM), way);
    });
    let bench = judge("raft.py", "udp", "no-hello", CALM);
    assert_eq!(bench.answer("process").0, "valid", "{}", bench.verdict());
    let text = bench.run().read("report.html");
    assert!(text.contains("a first datagram that is no `hello`"));
}

#[test]
fn what_is_wrong_is_caught_by_its_kind() {
    if !has("python3") {
        return;
    }
    let cases = [
        ("forgets", "safety", "lost write"),
        ("forgets,tells-later", "safety", "stale read"),
        ("invents", "safety", "garbage read"),
        ("list-value", "safety", "garbage read"),
        ("segfaults", "process", "died"),
        ("closes", "process", "protocol"),
        ("no-mid,unknown-mid,hello-first-then-garbage", "process", "protocol"),
    ];
    each(&cases, |&(way, question, kind)| {
        let bench = judge("store.py", "seqpacket", way, CALM);
        let expected = ("invalid".to_owned(), kind.to_owned());
        assert_eq!(bench.answer(question), expected, "{way}: {}", bench.verdict());
        if way == "forgets,tells-later" {
            // Whoever looks into the folder later is told the same.
            for command in ["check", "explain"] {
                let told = bench.harness(&[command, "results/latest"]);
                told.expect_words("0000 sent the value");
                told.expect_words("So that write is not lost");
            }
        }
    });
}

#[test]
fn a_store_that_is_no_raft_is_right_as_well() {
    if !has("python3") {
        return;
    }
    let bench = judge_in_virtual_time("7", "quorum.py", "seqpacket", "names-itself", PARTED);
    is_sound(&bench, "names-itself");
    // No replica is named as leader: faults of the leader affect one all the same.
    let bench = judge_in_virtual_time("7", "quorum.py", "udp", "right", PARTED);
    is_sound(&bench, "right");
    assert_eq!(bench.answer("evidence").0, "valid", "{}", bench.verdict());
}

/// What shows itself only when a fault meets the right moment: one of five seeds finds it.
fn is_found(program: &str, way: &str, workload: &str, question: &str, kind: Option<&str>) {
    let found = ["7", "8", "9", "10", "11"].iter().any(|seed| {
        let bench = judge_in_virtual_time(seed, program, "seqpacket", way, workload);
        let answer = bench.answer(question);
        answer.0 == "invalid" && kind.is_none_or(|kind| answer.1 == kind)
    });
    assert!(found, "{program} {way}: five runs, and {question} was never broken as it should be");
}

#[test]
fn what_goes_wrong_around_a_leader_is_found() {
    if !has("python3") {
        return;
    }
    let ways = [
        "stale-leader",
        "ack-early",
        "new-leader",
        "small-quorum",
        "never-steps-down",
        "empty-alone",
    ];
    each(&ways, |way| is_found("raft.py", way, PARTED, "safety", None));
}

#[test]
fn reads_of_a_replica_that_is_alone_are_found() {
    if !has("python3") {
        return;
    }
    is_found("quorum.py", "reads-alone", LONELY, "safety", None);
}

#[test]
fn an_old_put_that_is_applied_again_has_its_own_kind() {
    if !has("python3") {
        return;
    }
    is_found("store.py", "applies-twice", READ, "safety", Some("duplicated write"));
}

#[test]
fn two_leaders_in_one_term_have_their_own_kind() {
    if !has("python3") {
        return;
    }
    is_found("raft.py", "one-term", PARTED, "process", Some("two leaders in one term"));
}

#[test]
fn a_store_that_elects_once_is_unavailable_for_good() {
    if !has("python3") {
        return;
    }
    let bench = judge_in_virtual_time("7", "raft.py", "seqpacket", "elects-once", PARTED);
    assert_eq!(bench.answer("safety").0, "valid", "{}", bench.verdict());
    is_unanswered(&bench);
}

/// No replica answers; on a host that is so busy that it may be to blame, that is unknown.
fn is_unanswered(bench: &Bench) {
    let (standing, kind) = bench.answer("liveness");
    let allowed = [("invalid", "unanswered"), ("unknown", "host")];
    assert!(allowed.contains(&(&standing, &kind)), "{}", bench.verdict());
}

#[test]
fn what_never_answers_is_not_alive() {
    if !has("python3") {
        return;
    }
    each(&["hangs", "redirects-in-circles"], |way| {
        is_unanswered(&judge("store.py", "seqpacket", way, CALM));
    });
}
