//! Hosts: simulated ones, disturbed ones, and attribution.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{Bench, Ended, SHORT, odd_replica, processes_of, room, wait_until};

/// Starts are spread over three seconds.
const LATE: &str =
    r#"{"name": "late", "start_delay": {"kind": "uniform", "min_ms": 0, "max_ms": 3000}}"#;

fn run_on(bench: &Bench, way: &str, more: &[&str]) -> Ended {
    bench.file("late.json", LATE);
    let mut command = bench.odd_command(way, SHORT);
    bench.finish(command.args(more), 1)
}

#[test]
fn a_late_start_is_waited_for_unless_the_rules_of_2016_are_asked_for() {
    let bench = Bench::new();
    run_on(&bench, "right", &["--host", "late.json"]).expect(0);
    let ended = run_on(&bench, "right", &["--host", "late.json", "--router", "course-2016"]);
    ended.expect(15);
    let expected = ("unknown".to_owned(), "host".to_owned());
    assert_eq!(bench.answer("process"), expected, "{}", bench.verdict());
    ended.expect_words("unable to send to replica");
    assert_eq!(bench.answer("environment").0, "invalid");
    // What the host did can be read off the plan.
    let plan = bench.run().read("plan.json");
    assert!(plan.contains("\"start_delay_us\"") && plan.contains("course-2016"), "{plan}");
    let again = bench.harness(&["diagnose", "results/latest", "--times", "2", "--jobs", "4"]);
    again.expect(15);
    again.expect_words("diagnosis    the host: ");
}

#[test]
fn a_bug_is_the_replicas_also_on_the_login_server() {
    for (way, code) in [("forgets", 10), ("dies-midway", 12)] {
        let bench = Bench::new();
        run_on(&bench, way, &["--host", "login-server"]).expect(code);
        let again = bench.harness(&["diagnose", "results/latest", "--times", "2", "--jobs", "4"]);
        again.expect(code);
        again.expect_words("diagnosis    the replica: ");
    }
}

#[test]
fn a_stop_that_the_harness_did_not_send_is_named_with_its_moments() {
    let bench = Bench::new();
    let long = SHORT.replacen("\"lifetime\": 5", "\"lifetime\": 15", 1);
    let mut command = bench.odd_command("right", &long);
    let _turn = room::clusters(1);
    let child = command.spawn().expect("the harness starts");
    let rows =
        || std::fs::read_to_string(bench.path("results/latest/host.csv")).unwrap_or_default();
    wait_until("each replica has a row in host.csv", || {
        (0..5).all(|n| rows().contains(&format!(",{n:04X},")))
    });
    let odd = odd_replica();
    let is_replica = |pid: &i32| {
        std::fs::read_link(format!("/proc/{pid}/exe"))
            .is_ok_and(|exe| exe.ends_with(odd.file_name().unwrap()))
    };
    let replica = processes_of(&child).into_iter().find(is_replica).expect("a replica");
    kill(Pid::from_raw(replica), Signal::SIGSTOP).expect("it lives");
    wait_until("the stop was seen", || rows().contains(",T,"));
    kill(Pid::from_raw(replica), Signal::SIGCONT).expect("it lives");
    let ended = Ended::from(child.wait_with_output().expect("it ends"));
    ended.expect(15);
    assert_eq!(bench.answer("environment").1, "disturbed");
    let sentence = bench.verdict()["answers"][4]["sentence"].to_string();
    assert!(sentence.contains("by a signal that the harness did not send"), "{sentence}");
}

#[test]
fn a_host_that_cannot_be_is_refused_with_what_can() {
    let bench = Bench::new();
    let unknown = run_on(&bench, "right", &["--host", "login-servr"]);
    unknown.expect(2);
    unknown.expect_words("did you mean `login-server`?");
    for (text, expected) in [
        ("{\"start_dela\": 1}", "unknown field `start_dela`"),
        ("{\"descriptors\": 1}", "`descriptors` must be at least 3"),
        ("{\"start_delay\": {\"kind\": \"fixed\", \"ms\": -1}}", "`start_delay` must be"),
        ("", "EOF while parsing"),
    ] {
        bench.file("bad.json", text);
        let ended = run_on(&bench, "right", &["--host", "bad.json"]);
        ended.expect(2);
        ended.expect_words(expected);
    }
}
