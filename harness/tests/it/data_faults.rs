//! What faults do to what replicas keep on disk, by their own word: each counts on in its data directory, and says how
//! far the count was when it began.
#![expect(clippy::unwrap_used, reason = "a test that has nothing to read has failed")]

use crate::support::{Bench, odd_replica};

/// What a replica said of its count: in each of its lives, what it found and what it wrote last.
struct Life {
    found: u64,
    wrote: u64,
    errors: Vec<String>,
}

fn lives(bench: &Bench, id: &str) -> Vec<Life> {
    let mut lives = Vec::new();
    for line in bench.run().log(id, "stdout").lines() {
        // The last line of a life may be cut off.
        let number = |word: &str| word.parse().unwrap_or(0);
        match line.split_once(' ') {
            Some(("found", n)) => {
                lives.push(Life { found: number(n), wrote: number(n), errors: Vec::new() });
            }
            Some(("wrote", n)) => {
                let life = lives.last_mut().unwrap();
                life.wrote = life.wrote.max(number(n));
            }
            Some(("cannot", error)) => lives.last_mut().unwrap().errors.push(error.to_owned()),
            _ => {}
        }
    }
    lives
}

#[test]
fn who_keeps_its_data_goes_on_and_who_lost_or_got_back_some_does_not() {
    for clock in ["real", "virtual"] {
        who_keeps_its_data_goes_on(clock);
    }
}

fn who_keeps_its_data_goes_on(clock: &str) {
    let bench = Bench::new();
    let workload = bench.file(
        "d.json",
        r#"{"lifetime": 6, "start_wait": 0, "end_wait": 0, "replicas": 6,
        "clients": {"count": 2, "keys": 2, "rate": 50, "timeout_ms": 2000}, "events": [
            {"type": "crash", "target": "0001", "time": 1.5, "duration": 0.1},
            {"type": "crash", "target": "0002", "time": 1.5, "duration": 0.1, "keep_data": false},
            {"type": "disk", "target": "0003", "disk_fault": "old_copy", "time": 1, "duration": 2},
            {"type": "disk", "target": "0004", "disk_fault": "full", "time": 1.5, "duration": 1.5},
            {"type": "restart", "target": "0005", "time": 1.5, "keep_data": false}]}"#,
    );
    let (workload, program) = (workload.to_string_lossy(), odd_replica());
    let program = program.to_string_lossy();
    let counts = ["--replica", &program, "--replica-arg", "{data}", "--replica-arg", "counts"];
    let mut arguments = vec!["run", &workload, "--seed", "1", "--quiet", "--clock", clock];
    arguments.extend(["--transport", "seqpacket"]);
    arguments.extend(counts);
    bench.harness(&arguments).expect(0);

    let [before, after] = &lives(&bench, "0001")[..] else { panic!("one crash") };
    assert!(before.wrote > 0 && after.found >= before.wrote, "it goes on where it was");
    for wiped in ["0002", "0005"] {
        let [before, after] = &lives(&bench, wiped)[..] else { panic!("one end") };
        assert!(before.wrote > 0 && after.found == 0 && after.wrote > 0, "{wiped} begins anew");
    }
    let [before, after] = &lives(&bench, "0003")[..] else { panic!("one crash") };
    assert!(after.found > 0, "a copy of something");
    // A second older, in which it wrote hundreds: fewer where the host is busy.
    assert!(after.found + 20 < before.wrote, "{} of {}", after.found, before.wrote);

    let [before, full, after] = &lives(&bench, "0004")[..] else { panic!("two starts") };
    assert_eq!((before.errors.len(), after.errors.len()), (0, 0));
    assert!(full.errors.iter().any(|error| error.contains("too large")), "{:?}", full.errors);
    // To the end of a page there is room.
    assert!(full.wrote < full.found + 100, "{} after {}", full.wrote, full.found);
    assert!(after.wrote > full.wrote + 100, "on a good disk it writes again");
}

#[test]
fn who_does_not_hear_sigterm_is_killed_at_the_deadline() {
    let bench = Bench::new();
    let workload = r#"{"lifetime": 5, "start_wait": 0, "end_wait": 0, "replicas": 3,
        "clients": {"count": 2, "keys": 2, "rate": 50, "timeout_ms": 2000}, "events": [
            {"type": "restart", "target": "0001", "time": 1, "deadline": 0.4, "keep_data": false}]}"#;
    bench.odd("ignores-sigterm", workload).expect(0);
    let fault = &bench.run().faults()[0];
    let took_ns = fault.ended_ns.unwrap().0 - fault.applied_ns.unwrap().0;
    // It ends when the new process has connected: before the faults are over, which ends it in any case.
    assert!((400_000_000..3_500_000_000).contains(&took_ns), "{took_ns} ns");
}
