//! The tables of the experiment, and its verdict in words.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{self, Write};

use super::experiment::{Cell, Outcome, TESTS, Tally, Trial};
use super::interval::wilson;
use crate::text;

/// `starts.csv`: a row for each start.
pub fn starts(results: &[(Trial, Outcome)], out: impl Write) -> io::Result<()> {
    let mut rows = csv::Writer::from_writer(out);
    rows.write_record([
        "host",
        "router",
        "suite",
        "test",
        "seed",
        "passed",
        "error",
        "attributed_to_host",
        "noise",
        "repeated",
        "left_out",
        "slowest_start_ms",
    ])?;
    for (trial, outcome) in results {
        rows.write_record([
            text::cell(&trial.cell.host),
            trial.cell.router.to_owned(),
            trial.suite.map_or_else(|| "alone".to_owned(), |suite| suite.to_string()),
            TESTS[trial.test].0.to_owned(),
            trial.seed.to_string(),
            outcome.error.is_none().to_string(),
            text::cell(outcome.error.as_deref().unwrap_or_default()),
            outcome.is_attributed_to_host.to_string(),
            outcome.has_noise.to_string(),
            outcome.repeated.to_string(),
            outcome.is_left_out.to_string(),
            outcome.slowest_start_ms.map(|ms| format!("{ms:.1}")).unwrap_or_default(),
        ])?;
    }
    rows.flush()
}

/// `cells.csv`: a row for each host under each router.
pub fn cells(tallies: &BTreeMap<Cell, Tally>, out: impl Write) -> io::Result<()> {
    let mut rows = csv::Writer::from_writer(out);
    rows.write_record([
        "host",
        "router",
        "starts",
        "failed",
        "rate",
        "rate_low",
        "rate_high",
        "suites",
        "suites_passed",
        "failed_run_alone",
        "passed_alone",
        "attributed_to_host",
        "passed_with_noise",
        "repeated",
        "left_out",
    ])?;
    for (cell, tally) in tallies {
        let (low, high) = wilson(tally.failed, tally.starts);
        rows.write_record([
            text::cell(&cell.host),
            cell.router.to_owned(),
            tally.starts.to_string(),
            tally.failed.to_string(),
            format!("{:.4}", tally.failed as f64 / tally.starts.max(1) as f64),
            format!("{low:.4}"),
            format!("{high:.4}"),
            tally.suites.len().to_string(),
            passed_suites(tally).to_string(),
            tally.alone.to_string(),
            tally.alone_passed.to_string(),
            tally.attributed_to_host.to_string(),
            tally.noisy_passes.to_string(),
            tally.repeated.to_string(),
            tally.left_out.to_string(),
        ])?;
    }
    rows.flush()
}

fn passed_suites(tally: &Tally) -> usize {
    tally.suites.values().filter(|failed| failed.is_empty()).count()
}

/// Everything for people.
pub fn text(tallies: &BTreeMap<Cell, Tally>, server: &str) -> String {
    let mut text = format!(
        "{:<14}{:<13}{:>7}{:>8}  {:<24}{:>13}{:>15}{:>8}\n",
        "host",
        "router",
        "starts",
        "failed",
        "rate (95 %)",
        "suites passed",
        "alone passed",
        "noise"
    );
    for (cell, tally) in tallies {
        let (low, high) = wilson(tally.failed, tally.starts);
        let rate = 100.0 * tally.failed as f64 / tally.starts.max(1) as f64;
        let rate = format!("{rate:.1} % ({:.1} to {:.1})", low * 100.0, high * 100.0);
        let _ = writeln!(
            text,
            "{:<14}{:<13}{:>7}{:>8}  {rate:<24}{:>13}{:>15}{:>8}",
            cell.host,
            cell.router,
            tally.starts,
            tally.failed,
            format!("{} of {}", passed_suites(tally), tally.suites.len()),
            format!("{} of {}", tally.alone_passed, tally.alone),
            tally.noisy_passes,
        );
    }
    for (cell, tally) in tallies.iter().filter(|(_, tally)| tally.failed > 0) {
        let _ = writeln!(text, "\n{} under {}", cell.host, cell.router);
        for (error, count) in &tally.errors {
            let _ = writeln!(text, "  {count} times {error}");
        }
        let _ = writeln!(
            text,
            "  {} of {} attributed to the host",
            tally.attributed_to_host, tally.failed
        );
        for (suite, failed) in &tally.suites {
            let names: Vec<&str> = failed.iter().map(|&test| TESTS[test].0).collect();
            let names = if names.is_empty() { "passed".to_owned() } else { names.join(", ") };
            let _ = writeln!(text, "  suite {suite}: {names}");
        }
    }
    let repeated: usize = tallies.values().map(|tally| tally.repeated).sum();
    let left_out: usize = tallies.values().map(|tally| tally.left_out).sum();
    if repeated > 0 {
        let _ = writeln!(
            text,
            "\n{repeated} starts that failed were made again, and {left_out} were left out: this machine \
             itself was disturbed meanwhile"
        );
    }
    let _ = writeln!(text, "\nThe account");
    for (claim, holds, evidence) in claims(tallies, server) {
        let mark = if holds { "reproduced    " } else { "not reproduced" };
        let _ = writeln!(text, "  {mark}  {claim}: {evidence}");
    }
    text
}

/// Each observation of the account: whether it came again on this server, and by what.
pub fn claims(tallies: &BTreeMap<Cell, Tally>, server: &str) -> Vec<(&'static str, bool, String)> {
    let none = Tally::default();
    let of = |host: &str, router: &'static str| {
        tallies.get(&Cell { host: host.to_owned(), router }).unwrap_or(&none)
    };
    let remedied = [of(server, "default"), of("deadline-day", "default")];
    let server = of(server, "course-2016");
    let quiet = of("quiet", "course-2016");
    let broken = server.suites.len() - passed_suites(server);
    let different: BTreeSet<&Vec<usize>> =
        server.suites.values().filter(|failed| !failed.is_empty()).collect();
    let (starts, failed) =
        remedied.iter().fold((0, 0), |sum, it| (sum.0 + it.starts, sum.1 + it.failed));
    let noise = |router: &str| -> usize {
        let cells = tallies.iter().filter(|(cell, _)| cell.router == router);
        cells.map(|(_, tally)| tally.noisy_passes).sum()
    };
    let due = of("deadline-day", "course-2016");
    let mut claims = vec![
        (
            "the suite fails on the login server",
            broken * 2 > server.suites.len(),
            format!(
                "{broken} of {} suites, by stalled look-ups while replicas load",
                server.suites.len()
            ),
        ),
        (
            "in different test cases each time",
            different.len() > 1 && different.len() * 3 >= broken * 2,
            format!("{} different sets of tests in {broken} suites that failed", different.len()),
        ),
        (
            "a test that failed passes alone",
            server.alone_passed * 2 > server.alone,
            format!("{} of {}", server.alone_passed, server.alone),
        ),
        (
            "never on the quiet host",
            quiet.starts > 0 && quiet.failed == 0,
            format!("{} of {} starts failed", quiet.failed, quiet.starts),
        ),
        (
            "the sockets get the blame",
            noise("course-2016") > 0 && noise("default") == 0,
            format!(
                "in {} tests that passed replicas complained of their sockets, which are closed before \
                 the processes are killed; in {} where they are killed first",
                noise("course-2016"),
                noise("default")
            ),
        ),
        (
            "gone with the fixes",
            starts > 0 && failed == 0,
            format!("{failed} of {starts} starts failed once the clock waits for all to connect"),
        ),
    ];
    if due.starts > 0 {
        claims.push((
            "a deadline day is enough",
            due.failed > 0,
            format!(
                "{} of {} starts and {} of {} suites failed on a crowded host, because starts were spread",
                due.failed,
                due.starts,
                due.suites.len() - passed_suites(due),
                due.suites.len()
            ),
        ));
    }
    claims
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flake::experiment::tally;
    use crate::network::course_2016::RouterKind;

    #[test]
    fn each_suite_that_fails_elsewhere_is_told_with_its_tests() {
        let cell = Cell { host: "login-server".to_owned(), router: "course-2016" };
        let mut results = Vec::new();
        for suite in 0..4 {
            for test in 0..TESTS.len() {
                let error = (test == suite * 3).then(|| "unable to send".to_owned());
                let outcome = Outcome {
                    is_attributed_to_host: error.is_some(),
                    error,
                    has_noise: test == 1,
                    repeated: usize::from(test == 2),
                    is_left_out: false,
                    slowest_start_ms: None,
                };
                let kind = RouterKind::Course2016;
                let cell = cell.clone();
                results.push((Trial { cell, kind, suite: Some(suite), test, seed: 1 }, outcome));
            }
        }
        let tallies = tally(&results);
        let text = text(&tallies, "login-server");
        assert!(text.contains("5.9 % (2.3 to 14.2)"), "{text}");
        assert!(text.contains("suite 1: unreliable-2"), "{text}");
        let held: Vec<bool> =
            claims(&tallies, "login-server").iter().map(|(_, holds, _)| *holds).collect();
        assert_eq!(held, [true, true, false, false, true, false], "{text}");
        let mut csv = Vec::new();
        cells(&tallies, &mut csv).unwrap();
        let csv = String::from_utf8(csv).unwrap();
        assert!(csv.contains("login-server,course-2016,68,4,0.0588,"), "{csv}");
        assert!(text.contains("\n4 starts that failed were made again"), "{text}");
    }
}
