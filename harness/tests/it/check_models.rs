//! `harness check` asked for every model, in every form, as a user would.

use crate::support::Bench;

/// `0 invoke add 1; 0 ok add 1` as Jepsen's EDN.
fn edn(events: &str) -> String {
    let map = |event: &str| {
        let words: Vec<&str> = event.trim().splitn(4, ' ').collect();
        let [process, r#type, f, value] = words[..] else { panic!("{event:?}") };
        format!("{{:process {process}, :type :{type}, :f :{f}, :value {value}}}\n")
    };
    events.split(';').map(map).collect()
}

fn answers(model: &str, form: &str, content: &str, code: i32, said: &str) {
    let bench = Bench::new();
    let path = bench.file("history", content);
    let ended =
        bench.harness(&["check", &path.to_string_lossy(), "--model", model, "--format", form]);
    ended.expect(code);
    assert!(ended.stdout.to_lowercase().contains(said), "{model}: {said:?} in {}", ended.stdout);
}

#[test]
fn an_unreadable_answer_has_no_place_in_an_order() {
    let bench = Bench::new();
    let events = "0 invoke drain nil; 0 ok drain false; 0 invoke enqueue 0; 0 ok enqueue nil; \
                  1 invoke dequeue nil; 1 ok dequeue nil";
    let path = bench.file("history", edn(events));
    let ended = bench.harness(&[
        "check",
        &path.to_string_lossy(),
        "--model",
        "unordered-queue",
        "--show-order",
    ]);
    ended.expect(13);
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
}

#[test]
fn a_model_without_an_order_says_so() {
    let bench = Bench::new();
    let path = bench.file("history", edn("0 invoke generate nil; 0 ok generate 1"));
    let ended =
        bench.harness(&["check", &path.to_string_lossy(), "--model", "unique-ids", "--show-order"]);
    ended.expect(0);
    let said = "no order to show: unique-ids does not promise linearizability";
    assert!(ended.stdout.contains(said), "{}", ended.stdout);
}

#[test]
fn what_never_went_in_is_garbage_whatever_its_priority() {
    let events = "0 invoke delete-min nil; 0 ok delete-min 1.5";
    answers("priority-queue", "auto", &edn(events), 10, "garbage read");
    let events =
        "0 invoke insert 1.5; 0 ok insert nil; 0 invoke delete-min nil; 0 ok delete-min 1.5";
    answers("priority-queue", "auto", &edn(events), 13, "priorities");
}

#[test]
fn each_object_keeps_its_promise_or_is_told_how_it_does_not() {
    let kept = [
        ("set", "0 invoke add 1; 0 ok add 1; 1 invoke read nil; 1 ok read #{1}"),
        ("set-eventual", "0 invoke add 1; 0 ok add 1; 1 invoke read nil; 1 ok read [1]"),
        ("counter", "0 invoke add 2; 0 ok add 2; 1 invoke read nil; 1 ok read 2"),
        ("queue", "0 invoke enqueue 1; 0 ok enqueue 1; 1 invoke dequeue nil; 1 ok dequeue 1"),
        (
            "unordered-queue",
            "0 invoke enqueue 1; 0 ok enqueue 1; 1 invoke drain nil; 1 ok drain [1]",
        ),
        ("lease", "0 invoke acquire 300; 0 ok acquire 300"),
        ("lock", "0 invoke acquire nil; 0 ok acquire nil; 0 invoke release nil; 0 ok release nil"),
        (
            "unique-ids",
            "0 invoke generate nil; 0 ok generate 1; 1 invoke generate nil; 1 ok generate 2",
        ),
        ("ids", "0 invoke generate nil; 0 ok generate 1"),
        (
            "bank",
            "0 invoke read nil; 0 ok read {0 5, 1 5}; 0 invoke read nil; 0 ok read {0 4, 1 6}",
        ),
    ];
    for (model, events) in kept {
        answers(model, "auto", &edn(events), 0, "safety       valid");
    }
    let broken = [
        ("set", "0 invoke add 1; 0 ok add 1; 1 invoke read nil; 1 ok read #{}", "lost"),
        ("set-eventual", "1 invoke read nil; 1 ok read [7]", "garbage read"),
        ("counter", "0 invoke add 2; 0 ok add 2; 1 invoke read nil; 1 ok read 3", "out of bounds"),
        ("queue", "1 invoke dequeue nil; 1 ok dequeue 1", "garbage read"),
        (
            "lock",
            "0 invoke acquire nil; 0 ok acquire nil; 1 invoke acquire nil; 1 ok acquire nil",
            "two holders",
        ),
        (
            "unique-ids",
            "0 invoke generate nil; 0 ok generate 1; 1 invoke generate nil; 1 ok generate 1",
            "duplicated",
        ),
        (
            "bank",
            "0 invoke read nil; 0 ok read {0 5, 1 5}; 0 invoke read nil; 0 ok read {0 4, 1 5}",
            "wrong total",
        ),
    ];
    for (model, events, kind) in broken {
        answers(model, "jepsen-edn", &edn(events), 10, kind);
    }
}

#[test]
fn an_accusation_of_few_operations_is_confirmed() {
    let confirmed = "an independent linearizability tester rejects these operations too";
    let broken = [
        ("kv", "0 invoke write 1; 0 ok write 1; 1 invoke read nil; 1 ok read nil"),
        ("register", "0 invoke write 1; 0 ok write 1; 1 invoke read nil; 1 ok read nil"),
        ("cas-register", "0 invoke write 1; 0 ok write 1; 1 invoke cas [2 3]; 1 ok cas [2 3]"),
        ("list-register", "0 invoke append 1; 0 ok append 1; 1 invoke read nil; 1 ok read []"),
        ("set", "0 invoke add 1; 0 ok add 1; 1 invoke read nil; 1 ok read #{}"),
        ("counter", "0 invoke add 2; 0 ok add 2; 1 invoke read nil; 1 ok read 3"),
        (
            "queue",
            "0 invoke enqueue 1; 0 ok enqueue 1; 0 invoke enqueue 2; 0 ok enqueue 2; \
             1 invoke drain nil; 1 ok drain [2 1]",
        ),
        (
            "unordered-queue",
            "0 invoke enqueue 1; 0 ok enqueue 1; 1 invoke dequeue nil; 1 ok dequeue nil",
        ),
        (
            "stack",
            "0 invoke push 1; 0 ok push 1; 0 invoke push 2; 0 ok push 2; 1 invoke pop nil; 1 ok pop 1",
        ),
        (
            "priority-queue",
            "0 invoke insert 1; 0 ok insert 1; 0 invoke insert 2; 0 ok insert 2; \
             1 invoke delete-min nil; 1 ok delete-min 2",
        ),
        ("lock", "0 invoke release nil; 0 ok release nil"),
        (
            "owner-lock",
            "0 invoke acquire nil; 0 ok acquire nil; 1 invoke release nil; 1 ok release nil",
        ),
        (
            "reentrant-lock",
            "0 invoke acquire nil; 0 ok acquire nil; 0 invoke acquire nil; 0 ok acquire nil; \
             1 invoke acquire nil; 1 ok acquire nil",
        ),
        (
            "fenced-lock",
            "0 invoke acquire nil; 0 ok acquire 5; 0 invoke release nil; 0 ok release nil; \
             0 invoke acquire nil; 0 ok acquire 5",
        ),
        (
            "reentrant-fenced-lock",
            "0 invoke acquire nil; 0 ok acquire 5; 0 invoke acquire nil; 0 ok acquire 6",
        ),
    ];
    for (model, events) in broken {
        answers(model, "jepsen-edn", &edn(events), 10, confirmed);
    }
    let duplicate =
        "0 invoke generate nil; 0 ok generate 1; 1 invoke generate nil; 1 ok generate 1";
    let bench = Bench::new();
    let path = bench.file("history", edn(duplicate));
    let ended = bench.harness(&["check", &path.to_string_lossy(), "--model", "unique-ids"]);
    assert!(!ended.stdout.contains("independent"), "{}", ended.stdout);
}

/// So many operations, one after another, between what is long and what is short.
fn filler(operation: impl Fn(u32) -> String) -> String {
    (0..6).map(|at| operation(100 + at) + "; ").collect()
}

#[test]
fn of_two_contradictions_with_as_many_operations_the_shorter_is_shown() {
    let whole = |process: u32, f: &str, value: &str, answer: &str| {
        format!("{process} invoke {f} {value}; {process} ok {f} {answer}")
    };
    // What went in first is missed after long, what went in last at once.
    for (model, put, take, nothing) in [
        ("queue", "enqueue", "dequeue", "nil"),
        ("unordered-queue", "enqueue", "dequeue", "nil"),
        ("stack", "push", "pop", "nil"),
        ("priority-queue", "insert", "delete-min", "nil"),
    ] {
        let one = |n: u32| whole(0, put, &n.to_string(), "nil");
        let events = filler(one) + &whole(1, take, "nil", nothing);
        answers(model, "jepsen-edn", &edn(&events), 10, &format!("1. process 0 {put} 105"));
    }
    let added = |n: u32| whole(0, "add", &n.to_string(), "nil");
    let events = filler(added) + &whole(1, "read", "nil", "#{}");
    answers("set", "jepsen-edn", &edn(&events), 10, "1. process 0 add 105");
    // A lock that two hold: the first `acquire` is long ago, both of `release` come at once.
    let events = [
        whole(0, "acquire", "nil", "nil"),
        (0..6)
            .map(|_| whole(9, "acquire", "nil", "nil").replace("9 ok", "9 fail"))
            .collect::<Vec<_>>()
            .join("; "),
        whole(1, "acquire", "nil", "nil"),
        whole(0, "release", "nil", "nil"),
        whole(1, "release", "nil", "nil"),
    ];
    answers("lock", "jepsen-edn", &edn(&events.join("; ")), 10, "1. process 0 release");
    // A counter that is not there any more.
    let events = filler(|_| whole(0, "add", "1", "nil")) + &whole(1, "read", "nil", "0");
    answers("counter", "jepsen-edn", &edn(&events), 10, "(events 11 and 12)");
    // A total that is wrong twice.
    let total = |process: u32, accounts: &str| whole(process, "read", "nil", accounts);
    let events = [
        total(0, "{0 5, 1 5}"),
        "1 invoke read nil".to_owned(),
        total(0, "{0 4, 1 6}"),
        "1 ok read {0 4, 1 5}".to_owned(),
        total(2, "{0 5, 1 4}"),
    ];
    answers("bank", "jepsen-edn", &edn(&events.join("; ")), 10, "(events 3 and 6)");
    // An id that is handed out three times.
    let id = |process: u32, id: &str| whole(process, "generate", "nil", id);
    let events = [id(0, "7"), id(0, "8"), id(1, "7"), id(2, "7")];
    answers("unique-ids", "jepsen-edn", &edn(&events.join("; ")), 10, "(events 5 and 6)");
    // A number that is too large twice, once at once.
    let events = [
        "0 invoke read nil; 1 invoke add 1; 1 ok add 1; 0 ok read 9",
        &whole(2, "read", "nil", "8"),
    ];
    answers("counter-bounds", "jepsen-edn", &edn(&events.join("; ")), 10, "(events 5 and 6)");
}

#[test]
fn weaker_promises_accept_what_is_not_linearizable() {
    let stale = edn("0 invoke write 1; 0 ok write 1; 1 invoke read nil; 1 ok read nil");
    answers("register", "auto", &stale, 10, "lost write");
    for model in [
        "sequential",
        "read-your-writes",
        "monotonic-reads",
        "monotonic-writes",
        "writes-follow-reads",
    ] {
        answers(model, "auto", &stale, 0, "consistent with the model");
    }
    answers("eventual", "auto", &stale, 10, "lost write");
    let own = edn("0 invoke write 1; 0 ok write 1; 0 invoke read nil; 0 ok read nil");
    answers("read-your-writes", "auto", &own, 10, "safety");
}

#[test]
fn operations_as_porcupine_has_them() {
    let valid = r#"[{"clientId":1,"input":{"op":"put","key":"x","value":"1"},"call":0,"output":{},"return":9},
        {"clientId":2,"input":{"op":"get","key":"x"},"call":3,"output":{"value":"1"},"return":12}]"#;
    answers("kv", "auto", valid, 0, "2 operations");
    answers(
        "kv",
        "porcupine-json",
        &valid.replace(r#"{"value":"1"}"#, r#"{"value":"2"}"#),
        10,
        "garbage read",
    );
}

#[test]
fn what_does_not_fit_is_refused_with_its_line_or_repaired() {
    let cases = [
        ("0 ok read 1", "line 1"),
        ("0 invoke read nil; 0 invoke read nil; 0 ok read nil", "line 2"),
    ];
    for (events, line) in cases {
        for model in ["register", "set", "sequential"] {
            let bench = Bench::new();
            let events = if model == "set" { events.replace('1', "[]") } else { events.to_owned() };
            let path = bench.file("history", edn(&events));
            let asked = ["check", &*path.to_string_lossy(), "--model", model];
            let strict = bench.harness(&asked);
            strict.expect(2);
            strict.expect_words(line);
            let lenient = bench.harness(&[&asked[..], &["--lenient"]].concat());
            lenient.expect_words("repaired: ");
        }
    }
}

#[test]
fn what_is_no_history_is_refused_in_a_sentence() {
    let bench = Bench::new();
    let garbage: Vec<u8> =
        (0..4096_u32).map(|at| at.wrapping_mul(2_654_435_761).to_le_bytes()[2]).collect();
    let garbage = bench.file("garbage", garbage);
    let garbage = garbage.to_string_lossy();
    for model in ["kv", "register", "sequential", "set", "bank"] {
        for form in ["jsonl", "jepsen-edn", "knossos-edn", "jepsen-log", "porcupine-json", "csv"] {
            let ended = bench.harness(&["check", &garbage, "--model", model, "--format", form]);
            ended.expect(2);
            assert_eq!(ended.stderr.trim_end().lines().count(), 1, "{}", ended.stderr);
        }
    }
    let misfit = bench.harness(&["check", &garbage, "--model", "set", "--algorithm", "zones"]);
    misfit.expect(2);
}
