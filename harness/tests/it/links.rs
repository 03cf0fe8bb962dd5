//! What rules on links do to real processes, seen at the receiver: each link of one cluster has its own
//! rule, and the replicas write down what arrives.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::support::{Bench, Finished, odd_replica};

/// One link of the run, as the receiver and the harness saw it.
struct Link {
    /// What arrived, in order.
    arrived: Vec<Stamp>,
    /// The row of `messages.csv` for the stamps.
    counts: BTreeMap<String, u64>,
}

#[derive(Clone, Copy)]
struct Stamp {
    n: u64,
    sent_ns: u64,
    received_ns: u64,
    is_sound: bool,
}

struct Seen {
    /// When the first message was sent that arrived at `0001`: when the clock started, or soon after.
    start_ns: u64,
    links: BTreeMap<(String, String), Link>,
    garbage: BTreeMap<String, usize>,
}

const WORKLOAD: &str = r#"{
    "lifetime": 5, "start_wait": 0, "end_wait": 0, "replicas": 5,
    "clients": {"count": 2, "keys": 2, "rate": 20, "timeout_ms": 2000},
    "network": [
        {"rule": "loss", "probability": 0.3, "from": "0000", "to": "0001"},
        {"rule": "latency", "distribution": "normal", "mean_ms": 60, "sd_ms": 10, "from": "0000", "to": "0002"},
        {"rule": "duplicate", "probability": 0.25, "copies": 2, "within_ms": 5, "from": "0000", "to": "0003"},
        {"rule": "reorder", "probability": 0.3, "within_ms": 40, "from": "0000", "to": "0004"},
        {"rule": "corrupt", "probability": 0.4, "bytes": 3, "spare_envelope": false, "from": "0001", "to": "0000"},
        {"rule": "corrupt", "probability": 0.4, "bytes": 2, "from": "0001", "to": "0002"},
        {"rule": "rate", "bytes_per_s": 20000, "from": "0001", "to": "0003"},
        {"rule": "size", "max_bytes": 300, "from": "0001", "to": "0004"},
        {"rule": "latency", "ms": 100, "from": "0002", "to": "0000"},
        {"rule": "buffer", "messages": 5, "from": "0002", "to": "0000"},
        {"rule": "cut", "from": "0002", "to": "0001", "start": 1, "end": 3},
        {"rule": "latency", "distribution": "exponential", "mean_ms": 50, "reorders": true, "from": "0002", "to": "0003"},
        {"rule": "latency", "distribution": "pareto", "min_ms": 30, "shape": 2, "reorders": true, "from": "0002", "to": "0004"},
        {"rule": "latency", "distribution": "uniform", "min_ms": 40, "max_ms": 80, "reorders": true, "from": "0003", "to": "0000"},
        {"rule": "latency", "distribution": "uniform", "min_ms": 40, "max_ms": 80, "from": "0003", "to": "0001"},
        {"rule": "cut", "from": "0004", "to": "0003"},
        {"rule": "latency", "ms": 100, "from": "0004", "to": "0000"},
        {"rule": "buffer", "bytes": 1500, "from": "0004", "to": "0000"}
    ]
}"#;

/// The run, made once for all tests.
fn seen() -> &'static Seen {
    static SEEN: OnceLock<Seen> = OnceLock::new();
    SEEN.get_or_init(|| {
        let bench = Bench::alone();
        let workload = bench.file("links.json", WORKLOAD);
        let program = odd_replica().with_file_name("stamping_replica");
        let (workload, program) = (workload.to_string_lossy(), program.to_string_lossy());
        let arguments = [
            "run",
            &workload,
            "--seed",
            "5",
            "--quiet",
            "--replica",
            &program,
            "--transport",
            "seqpacket",
        ];
        bench.harness(&arguments).expect(0);
        read(&bench.run())
    })
}

fn read(run: &Finished) -> Seen {
    let mut seen = Seen { start_ns: u64::MAX, links: BTreeMap::new(), garbage: BTreeMap::new() };
    for row in run.rows("messages.csv") {
        if row["type"] == "stamp" {
            let counts =
                row.iter().filter_map(|(name, cell)| Some((name.clone(), cell.parse().ok()?)));
            let link = Link { arrived: Vec::new(), counts: counts.collect() };
            seen.links.insert((row["src"].clone(), row["dst"].clone()), link);
        }
    }
    for entry in std::fs::read_dir(run.path("replicas")).expect("the replicas") {
        let to = entry.expect("an entry").file_name().into_string().expect("an id");
        for line in run.log(&to, "stdout").lines() {
            let words: Vec<&str> = line.split(' ').collect();
            // The last line may be cut off by the end.
            let [from, n, sent, received, sound] = words.as_slice() else {
                *seen.garbage.entry(to.clone()).or_default() += 1;
                continue;
            };
            let number = |word: &str| word.parse::<u64>().expect("a number");
            let stamp = Stamp {
                n: number(n),
                sent_ns: number(sent),
                received_ns: number(received),
                is_sound: *sound == "true",
            };
            // Nothing that it receives is corrupted, this time too.
            if to == "0001" {
                seen.start_ns = seen.start_ns.min(stamp.sent_ns);
            }
            if let Some(link) = seen.links.get_mut(&((*from).to_owned(), to.clone())) {
                link.arrived.push(stamp);
            }
        }
    }
    seen
}

/// The bytes of a message, more or less.
fn length(n: u64) -> u64 {
    if n.is_multiple_of(3) { 520 } else { 140 }
}

fn link(from: &str, to: &str) -> &'static Link {
    &seen().links[&(from.to_owned(), to.to_owned())]
}

impl Link {
    fn count(&self, column: &str) -> u64 {
        self.counts[column]
    }

    /// What was sent in the first four seconds (all rules end with the request phase, after five).
    fn early(&self) -> Vec<Stamp> {
        let is_early = |stamp: &&Stamp| stamp.sent_ns < seen().start_ns + 4_000_000_000;
        self.arrived.iter().filter(is_early).copied().collect()
    }

    /// The numbers of the early ones, in the order in which they arrived.
    fn numbers(&self) -> Vec<u64> {
        self.early().iter().map(|stamp| stamp.n).collect()
    }

    /// The `q`-quantile of the time from sender to receiver, in milliseconds, of the early ones.
    fn quantile_ms(&self, q: f64) -> f64 {
        let mut times: Vec<u64> =
            self.early().iter().map(|it| it.received_ns - it.sent_ns).collect();
        times.sort_unstable();
        assert!(times.len() > 200, "enough arrived: {}", times.len());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
        let at = (q * (times.len() - 1) as f64) as usize;
        times[at] as f64 / 1e6
    }

    fn overtakings(&self) -> usize {
        self.numbers().windows(2).filter(|pair| pair[1] < pair[0]).count()
    }
}

/// That `hits` of `tries` is what a probability gives, but for one time in a million.
#[track_caller]
fn assert_fraction(hits: u64, tries: u64, probability: f64) {
    assert!(tries > 500, "enough tries: {tries}");
    let expected = tries as f64 * probability;
    let deviation = (expected * (1.0 - probability)).sqrt();
    let off = (hits as f64 - expected).abs();
    assert!(off < 5.0 * deviation, "{hits} of {tries}, expected {expected:.0}");
}

/// That a time is at least what it must be, less what chance allows in the sample. How much more it is depends on
/// the host; the exact times are tested where time is simulated, with the fabric.
#[track_caller]
fn assert_time(ms: f64, expected_ms: f64) {
    assert!(ms > expected_ms * 0.85, "{ms} ms, expected {expected_ms} ms");
}

#[test]
fn loss_loses_its_fraction_and_the_receiver_misses_just_those() {
    let link = link("0000", "0001");
    let lost = link.count("dropped_loss");
    let numbers = link.numbers();
    let tries = numbers[numbers.len() - 1] - numbers[0] + 1;
    assert_fraction(tries - numbers.len() as u64, tries, 0.3);
    let gone = link.count("sent") - link.count("delivered");
    assert_eq!(gone, lost + link.count("dropped_before_start"));
}

#[test]
fn latencies_have_their_quantiles_at_the_receiver() {
    let normal = link("0000", "0002");
    // It keeps the order: what is fast waits behind what is slow, so it is no faster than the law.
    assert!(normal.quantile_ms(0.5) > 55.0, "{}", normal.quantile_ms(0.5));
    assert_eq!(normal.overtakings(), 0);

    let exponential = link("0002", "0003");
    for (q, ms) in [(0.5, 34.66), (0.9, 115.1)] {
        assert_time(exponential.quantile_ms(q), ms);
    }
    let pareto = link("0002", "0004");
    for (q, ms) in [(0.01, 30.15), (0.5, 42.43), (0.9, 94.87)] {
        assert_time(pareto.quantile_ms(q), ms);
    }
    let uniform = link("0003", "0000");
    for (q, ms) in [(0.1, 44.0), (0.5, 60.0), (0.9, 76.0)] {
        assert_time(uniform.quantile_ms(q), ms);
    }
    assert!(uniform.overtakings() > 20, "jitter that reorders");
    assert_eq!(link("0003", "0001").overtakings(), 0, "jitter that does not");
}

#[test]
fn duplicates_arrive_again_and_are_counted_apart() {
    let link = link("0000", "0003");
    let mut times = BTreeMap::<u64, u64>::new();
    for n in link.numbers() {
        *times.entry(n).or_default() += 1;
    }
    let (first, last) = (times.keys().next().unwrap(), times.keys().last().unwrap());
    let tries = times.len() as u64;
    assert_eq!(tries, last - first + 1, "none is lost");
    assert!(times.values().all(|&times| times == 1 || times == 3), "once, or with two copies");
    let repeated = times.values().filter(|&&times| times == 3).count() as u64;
    assert_fraction(repeated, tries, 0.25);
    assert!(link.count("duplicated") >= 2 * repeated);
}

#[test]
fn who_is_held_back_is_overtaken_and_nobody_is_lost() {
    let link = link("0000", "0004");
    assert!(link.overtakings() > 100, "{} overtakings", link.overtakings());
    let mut numbers = link.numbers();
    numbers.sort_unstable();
    assert!(numbers.iter().copied().eq(numbers[0]..=numbers[numbers.len() - 1]));
}

#[test]
fn corruption_reaches_the_same_receiver_with_other_bytes() {
    let spared = link("0001", "0002");
    let early = spared.early();
    let changed = early.iter().filter(|stamp| !stamp.is_sound).count() as u64;
    // Of some only the digits of `n` and `sent_ns` are others: the text is sound then.
    assert!(changed > early.len() as u64 / 5, "{changed} of {} changed", early.len());
    let (corrupted, sent) = (spared.count("corrupted"), spared.count("sent") as f64);
    let most = 0.4 * sent + 5.0 * (0.24 * sent).sqrt();
    assert!(corrupted >= changed && (corrupted as f64) < most, "{corrupted} of {sent}");
    assert_eq!(seen().garbage.get("0002"), None, "what is spared can be read");
    let broken = seen().garbage.get("0000").copied().unwrap_or(0);
    assert!(broken > 100, "{broken} of its messages were no messages any more");
}

#[test]
fn a_line_of_20_000_bytes_a_second_carries_no_more() {
    let link = link("0001", "0003");
    let first = link.arrived.first().unwrap().received_ns;
    let within = |it: &&Stamp| it.received_ns < first + 3_000_000_000;
    let bytes: u64 = link.arrived.iter().filter(within).map(|it| length(it.n)).sum();
    assert!((1..75_000).contains(&bytes), "{bytes} bytes in three seconds");
}

#[test]
fn what_is_too_large_does_not_arrive_and_the_rest_does() {
    let link = link("0001", "0004");
    let early = link.numbers();
    assert!(early.iter().all(|n| !n.is_multiple_of(3)), "those of 400 characters are lost");
    let small = (early[0]..=early[early.len() - 1]).filter(|n| !n.is_multiple_of(3));
    assert!(early.len() > 500 && small.eq(early.iter().copied()), "all others arrive");
    assert!(link.count("dropped_size_limit") > 250);
}

#[test]
fn a_buffer_of_five_carries_five_messages_in_each_delay() {
    let link = link("0002", "0000");
    // 100 ms each, five at a time: fifty a second of some five hundred.
    let first = link.arrived.first().unwrap().received_ns;
    let within = |it: &&Stamp| it.received_ns < first + 3_000_000_000;
    let arrived = link.arrived.iter().filter(within).count();
    assert!((1..=160).contains(&arrived), "{arrived} in three seconds");
    assert!(link.count("dropped_full_buffer") > 500);
}

#[test]
fn a_buffer_of_1500_bytes_carries_no_more_in_each_delay() {
    let link = link("0004", "0000");
    let first = link.arrived.first().unwrap().received_ns;
    let within = |it: &&Stamp| it.received_ns < first + 3_000_000_000;
    let bytes: u64 = link.arrived.iter().filter(within).map(|it| length(it.n)).sum();
    // 100 ms each: thirty times in three seconds; unhindered it would be eight times as many.
    assert!((1..=60_000).contains(&bytes), "{bytes} bytes in three seconds");
    assert!(link.count("dropped_full_buffer") > 500);
}

#[test]
fn nothing_crosses_a_cut_link_while_the_other_direction_is_heard() {
    let never = link("0004", "0003");
    assert_eq!(never.early().len(), 0, "nothing crossed");
    assert!(never.count("dropped_partition") > 500);
    assert!(link("0003", "0004").early().len() > 500, "the other direction");

    // From the first to the third second only.
    let passing = link("0002", "0001");
    let largest_gap =
        passing.arrived.windows(2).max_by_key(|two| two[1].sent_ns - two[0].sent_ns).unwrap();
    let silence_ns = largest_gap[1].sent_ns - largest_gap[0].sent_ns;
    assert!(silence_ns > 1_800_000_000, "silent for {silence_ns} ns");
}

#[test]
fn every_row_adds_up() {
    for ((from, to), link) in &seen().links {
        let dropped: u64 = link
            .counts
            .iter()
            .filter(|(column, _)| column.starts_with("dropped_"))
            .map(|(_, count)| count)
            .sum();
        assert_eq!(link.count("sent"), link.count("delivered") + dropped, "{from} to {to}");
    }
}
