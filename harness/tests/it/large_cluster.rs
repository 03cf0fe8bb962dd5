//! The largest cluster: what each of 21 replicas says, and what 64 clients ask meanwhile, arrives to the
//! last message, and is counted.

use std::collections::BTreeMap;
use std::fs;

use crate::support::{Bench, odd_replica};

/// What each replica sends to the others, in turn.
const EACH: u64 = 2000;

#[test]
fn what_21_replicas_and_64_clients_say_is_counted_to_the_last_message() {
    let bench = Bench::alone();
    let workload = bench.file(
        "large.json",
        r#"{"lifetime": 8, "start_wait": 0, "end_wait": 0, "replicas": 21,
        "clients": {"count": 64, "keys": 64, "rate": 200, "timeout_ms": 8000}}"#,
    );
    let program = odd_replica().with_file_name("talking_replica");
    let (workload, program) = (workload.to_string_lossy(), program.to_string_lossy());
    let arguments =
        ["run", &workload, "--quiet", "--transport", "seqpacket", "--replica", &program];
    let to_replicas = ["--replica-arg", &EACH.to_string(), "--replica-arg", "1000"];
    bench.harness(&[&arguments[..], &to_replicas].concat()).expect(0);
    let run = bench.run();

    // What the replicas say of themselves.
    let (mut said, mut heard) = (BTreeMap::new(), BTreeMap::new());
    for entry in fs::read_dir(run.path("replicas")).expect("the replicas") {
        let entry = entry.expect("an entry");
        let id = entry.file_name().into_string().expect("an id");
        for line in run.log(&id, "stdout").lines() {
            match line.split(' ').collect::<Vec<_>>().as_slice() {
                ["sent", to, count] => {
                    let count = count.parse::<u64>().expect("a count");
                    said.insert((id.clone(), (*to).to_owned()), count);
                }
                // The last one counts.
                ["received", count] => {
                    heard.insert(id.clone(), count.parse::<u64>().expect("a count"));
                }
                _ => panic!("{id} wrote {line}"),
            }
        }
    }
    assert_eq!(said.values().sum::<u64>(), 21 * EACH, "all said what they had to say");

    // What the harness says of it.
    let mut arrived = BTreeMap::<String, u64>::new();
    let mut links = BTreeMap::new();
    for row in run.rows("messages.csv") {
        let number = |column: &str| row[column].parse::<u64>().expect("a count");
        let is_early = number("dropped_before_start") > 0;
        assert!(is_early || number("sent") == number("delivered"), "a loss: {row:?}");
        if row["type"] == "talk" {
            links.insert((row["src"].clone(), row["dst"].clone()), number("sent"));
            *arrived.entry(row["dst"].clone()).or_default() += number("delivered");
        }
    }
    assert_eq!(links, said, "link by link");
    assert_eq!(arrived, heard, "receiver by receiver");
}
