//! What a fault does to links between two times, and what a reset does, on real processes.
#![expect(clippy::unwrap_used, reason = "a test that has nothing to read has failed")]

use std::ops::Range;
use std::path::PathBuf;

use harness::ids::NodeId;

use crate::support::{Bench, Message, Seen, odd_replica};

fn stamping_replica() -> PathBuf {
    odd_replica().with_file_name("stamping_replica")
}

/// Five replicas that stamp their messages, under these faults.
fn run(faults: &str, transport: &str, more: &[&str]) -> Seen {
    let bench = Bench::alone();
    let text = format!(
        r#"{{"lifetime": 5, "start_wait": 0, "end_wait": 0, "replicas": 5,
        "clients": {{"count": 2, "keys": 2, "rate": 20, "timeout_ms": 2000}}, {faults}}}"#
    );
    let workload = bench.file("f.json", text);
    let (workload, program) = (workload.to_string_lossy(), stamping_replica());
    let program = program.to_string_lossy();
    let arguments = ["run", &workload, "--seed", "4", "--quiet", "--transport", transport];
    bench.harness(&[&arguments[..], &["--replica", &program], more].concat()).expect(0);
    let mut seen = Seen::new(bench);
    seen.messages.retain(|message| message.kind == "stamp");
    seen
}

impl Seen {
    /// The messages of this link that were sent in this time.
    fn on(&self, from: u16, to: u16, span: Range<u64>) -> Vec<&Message> {
        let is_it = |message: &&Message| {
            (message.from, message.to) == (NodeId(from), NodeId(to))
                && span.contains(&message.sent_ns)
        };
        self.messages.iter().filter(is_it).collect()
    }

    /// What a replica wrote down.
    fn log(&self, id: &str) -> String {
        self.run.log(id, "stdout")
    }

    /// From sender to receiver, as the receiver saw it.
    fn times_ms(&self, to: &str, from: &str) -> Vec<f64> {
        let log = self.log(to);
        let stamps = log.lines().map(|line| line.split(' ').collect::<Vec<_>>());
        stamps
            .filter(|words| words.len() == 5 && words[0] == from)
            .map(|words| {
                let number = |n: usize| words[n].parse::<f64>().unwrap();
                (number(3) - number(2)) / 1e6
            })
            .collect()
    }
}

fn lost(messages: &[&Message]) -> usize {
    messages.iter().filter(|message| message.fate == "loss").count()
}

#[test]
fn rules_strike_between_two_times_on_links_of_roles_and_by_chance_too() {
    let seen = run(
        r#""sites": {"eu": ["0001", "0002"]},
        "events": [
            {"type": "network", "time": 0.5, "duration": 1.5, "rules": [
                {"rule": "loss", "probability": 0.5, "from": "leader", "to": "*"},
                {"rule": "latency", "ms": 30, "from": "eu", "to": "0004"}]},
            {"type": "network", "time": 1, "duration": 0.5, "rules": [
                {"rule": "duplicate", "probability": 1, "from": "0003", "to": "leader"}]}],
        "nemesis": {"interval": [2.4, 2.5], "faults": [
            {"type": "network", "duration": 1.5, "rules": [
                {"rule": "loss", "probability": 0.3, "from": "0003", "to": "0004"}]}]}"#,
        "seqpacket",
        &[],
    );
    // `0000` says that it leads, and all say so.
    let during = seen.span(0);
    for to in 1..5 {
        let messages = seen.on(0, to, during.clone());
        let (tries, hits) = (messages.len() as f64, lost(&messages) as f64);
        let deviation = (tries * 0.25).sqrt();
        assert!(tries > 300.0 && (hits - tries / 2.0).abs() < 5.0 * deviation, "{hits} of {tries}");
        assert_eq!(lost(&seen.on(0, to, 0..during.start)), 0, "before");
        assert_eq!(lost(&seen.on(0, to, during.end..u64::MAX)), 0, "after");
        assert_eq!(lost(&seen.on(to, 0, 0..u64::MAX)), 0, "the other direction");
    }
    for from in [1, 2] {
        let messages = seen.on(from, 4, during.start..during.end - 40_000_000);
        assert!(messages.len() > 200);
        assert!(messages.iter().all(|it| it.fate_ns >= it.sent_ns + 30_000_000));
    }
    let twice = seen.span(1);
    let messages = seen.on(3, 0, twice.start..twice.end - 10_000_000);
    let mut sent: Vec<u64> = messages.iter().map(|message| message.sent_ns).collect();
    sent.sort_unstable();
    sent.dedup();
    assert!(messages.len() > 200 && messages.len() == 2 * sent.len(), "each twice");

    let drawn = seen.faults.iter().find(|fault| fault.index == 2).expect("one by chance");
    let messages = seen.on(3, 4, seen.span(drawn.index));
    let (tries, hits) = (messages.len() as f64, lost(&messages) as f64);
    let deviation = (tries * 0.21).sqrt();
    assert!(tries > 300.0 && (hits - tries * 0.3).abs() < 5.0 * deviation, "{hits} of {tries}");
    let links: Vec<String> = drawn.links.iter().map(ToString::to_string).collect();
    assert_eq!(links, ["loss from 0003 to 0004"], "written down as settled");
}

#[test]
fn over_a_stream_a_reset_is_told_at_once_and_a_black_hole_is_not() {
    let seen = run(
        r#""sites": {"eu": ["0003"], "us": ["0000", "0001"]},
        "network": [{"rule": "latency", "distribution": "matrix", "matrix_ms": {"eu": {"us": 30}}}],
        "events": [
            {"type": "reset", "target": "0001", "time": 1},
            {"type": "network", "time": 1, "duration": 1.5, "rules": [
                {"rule": "cut", "from": "*", "to": "0002"}, {"rule": "cut", "from": "0002", "to": "*"},
                {"rule": "latency", "ms": 50, "from": "0003", "to": "0004"}]}],
        "nemesis": {"interval": [4, 4.1], "faults": [
            {"type": "network", "optional": true, "duration": 0.2, "rules": [
                {"rule": "loss", "probability": 0.5}]},
            {"type": "network", "duration": 0.2, "rules": [
                {"rule": "cut", "from": "0001", "to": "0004"}]}]}"#,
        "stream",
        &["--replica-arg", "stream"],
    );
    // What is optional, and not for a stream, is left out: the other one is drawn.
    let drawn: Vec<String> = seen.faults[2].links.iter().map(ToString::to_string).collect();
    assert_eq!((seen.faults.len(), drawn), (3, vec!["cut from 0001 to 0004".to_owned()]));
    let told = |id: &str| seen.log(id).matches("the connection ended").count();
    assert_eq!(["0000", "0001", "0002", "0003", "0004"].map(told), [0, 1, 0, 0, 0]);
    // It connected again: it is heard, and hears.
    let reset = seen.span(0).start;
    let after = seen.on(1, 0, reset + 1..u64::MAX);
    assert!(after.len() > 500 && after.iter().all(|message| message.fate == "delivered"));
    let log = seen.log("0001");
    let heard_again = log.split("the connection ended").nth(1).expect("what came after");
    assert!(heard_again.lines().count() > 500);
    // The black hole: the connection stands, and nothing crosses.
    let hole = seen.span(1);
    for (from, to) in [(0, 2), (3, 2), (2, 0), (2, 4)] {
        let crossed = seen.on(from, to, hole.clone());
        assert!(crossed.len() > 300 && crossed.iter().all(|it| it.fate == "partition"));
        let healed = seen.on(from, to, hole.end..u64::MAX);
        assert!(healed.iter().any(|message| message.fate == "delivered"));
    }
    // The sites, by the receivers' own clock, in both directions.
    for (to, from) in [("0000", "0003"), ("0003", "0000"), ("0003", "0001")] {
        let mut times = seen.times_ms(to, from);
        assert!(times.len() > 500, "{} from {from} to {to}", times.len());
        times.sort_by(f64::total_cmp);
        // The rules end with the request phase: what came later is not late.
        assert!(times[times.len() / 4] >= 30.0, "{} ms", times[times.len() / 4]);
    }
    let late = seen.on(3, 4, hole.start..hole.end - 60_000_000);
    assert!(late.len() > 300 && late.iter().all(|it| it.fate_ns >= it.sent_ns + 50_000_000));
}
