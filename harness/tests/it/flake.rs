//! The experiment in its shortest form: which way it goes, not by how much.

use crate::support::Bench;

/// Of the look-ups of a program that starts one in 400 stalls: a third of all starts are spread.
const SERVER: &str = r#"{"name": "server", "lookups": {"least": 35, "most": 60, "each_ms": 0,
    "stall_probability": 0.0025, "stall": {"kind": "fixed", "ms": 1100}}}"#;

#[test]
fn stalled_look_ups_fail_tests_by_the_rules_of_2016_and_none_by_the_default_router() {
    let bench = Bench::alone();
    bench.file("server.json", SERVER);
    let ended = bench.harness(&["flake", "--host", "server.json", "--suites", "1"]);
    let cells = std::fs::read_to_string(bench.path("results/flake/cells.csv"))
        .unwrap_or_else(|_| panic!("cells.csv\n{}{}", ended.stdout, ended.stderr));
    let failed = |host: &str, router: &str| -> usize {
        let begin = format!("{host},{router},");
        let row = cells.lines().find_map(|row| row.strip_prefix(&begin)).expect("a row");
        row.split(',').nth(1).expect("a column").parse().expect("a number")
    };
    assert!(failed("server.json", "course-2016") > 0, "{}", ended.stdout);
    assert_eq!(failed("server.json", "default"), 0, "{}", ended.stdout);
    assert_eq!(failed("quiet", "course-2016"), 0, "{}", ended.stdout);
    ended.expect_words("unable to send to replica");
    ended.expect_words("reproduced      the sockets get the blame");
}

#[test]
fn a_host_that_virtual_time_does_not_know_is_refused_there() {
    let bench = Bench::new();
    bench.file("few.json", r#"{"name": "few", "shared_directory": true}"#);
    let words = ["flake", "--host", "few.json", "--suites", "1", "--clock", "virtual"];
    let ended = bench.refused(&words);
    ended.expect(2).expect_words("virtual time does not know ");
    ended.expect_words(" yet; use `--clock real`");
}
