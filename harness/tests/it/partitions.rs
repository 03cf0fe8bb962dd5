//! Partitions of every shape on real processes, by what crossed: nothing where links were cut, and
//! the others carried on.

use std::collections::{BTreeMap, BTreeSet};

use harness::fault::{LinkRule, PartitionShape};
use harness::ids::NodeId;
use harness::nemesis::happened::FaultRecord;
use harness::network::rules::Rule;

use crate::support::{Bench, Finished, Message, odd_replica};

type Pair = (NodeId, NodeId);

/// The faults, one after the other, then two that overlap.
fn events() -> Vec<String> {
    let shape = |shape: &PartitionShape| format!(r#""shape": "{}""#, shape.name());
    let mut shapes: Vec<String> = PartitionShape::ALL.iter().map(shape).collect();
    for direction in ["deaf", "mute"] {
        shapes.push(format!(r#""shape": "leader_minority", "direction": "{direction}""#));
    }
    shapes.push(r#""shape": "hub", "lag": 0.05"#.to_owned());
    let timed = |(n, shape): (usize, String)| {
        let time = 0.3 + 0.5 * n as f64;
        format!(r#"{{"type": "partition", "time": {time}, "duration": 0.3, {shape}}}"#)
    };
    let mut events: Vec<String> = shapes.into_iter().enumerate().map(timed).collect();
    let last = 0.3 + 0.5 * events.len() as f64;
    for (time, shape) in [(last, "leader"), (last + 0.2, "halves")] {
        events.push(format!(
            r#"{{"type": "partition", "time": {time}, "duration": 0.4, "shape": "{shape}"}}"#
        ));
    }
    events
}

fn pair(message: &Message) -> Pair {
    (message.from, message.to)
}

fn is_between_replicas(message: &Message) -> bool {
    let is_replica = |id: NodeId| id.0 < 5;
    let Message { from, to, .. } = message;
    message.kind == "stamp" && from != to && is_replica(*from) && is_replica(*to)
}

fn cut(fault: &FaultRecord) -> BTreeSet<Pair> {
    let cuts = fault.links.iter().filter(|link| link.rule == Rule::Cut);
    cuts.flat_map(LinkRule::pairs).collect()
}

/// Where messages come later instead.
fn late(fault: &FaultRecord) -> BTreeSet<Pair> {
    let others = fault.links.iter().filter(|link| link.rule != Rule::Cut);
    others.flat_map(LinkRule::pairs).collect()
}

#[test]
fn nothing_crosses_a_cut_link_and_all_others_carry_on() {
    let bench = Bench::alone();
    let text = format!(
        r#"{{"lifetime": 10, "start_wait": 0, "end_wait": 0, "replicas": 5,
        "clients": {{"count": 2, "keys": 2, "rate": 20, "timeout_ms": 2000}}, "events": [{}]}}"#,
        events().join(", ")
    );
    let workload = bench.file("partitions.json", text);
    let program = odd_replica().with_file_name("stamping_replica");
    let (workload, program) = (workload.to_string_lossy(), program.to_string_lossy());
    let to_packets = ["--transport", "seqpacket", "--replica", &program];
    bench
        .harness(&[&["run", &workload, "--seed", "3", "--quiet"], &to_packets[..]].concat())
        .expect(0);

    let run = bench.run();
    let messages: Vec<Message> = run.messages().into_iter().filter(is_between_replicas).collect();
    let faults = run.faults();
    assert_eq!(faults.len(), events().len());

    let all: BTreeSet<Pair> = messages.iter().map(pair).collect();
    assert_eq!(all.len(), 20);
    let span = |fault: &FaultRecord| {
        let begin = fault.applied_ns.unwrap_or_else(|| panic!("not applied: {fault:?}"));
        begin.0..fault.ended_ns.expect("it ended").0
    };
    for fault in &faults {
        let during = |message: &&Message| span(fault).contains(&message.sent_ns);
        let is_flapping = fault.parameters.shape == Some(PartitionShape::Flapping);
        let cut_by_others: BTreeSet<Pair> = faults
            .iter()
            .filter(|other| other.index != fault.index)
            .filter(|other| {
                span(other).start < span(fault).end && span(fault).start < span(other).end
            })
            .flat_map(cut)
            .collect();
        for &link in &all {
            let sent = messages.iter().filter(during).filter(|message| pair(message) == link);
            let delivered = sent.clone().filter(|message| message.is_delivered()).count();
            let lost = sent.count() - delivered;
            let what = format!("{link:?}: {delivered} delivered, {lost} lost during {fault:?}");
            match cut(fault).contains(&link) {
                true if is_flapping => assert!(delivered > 0 && lost > 0, "{what}"),
                true => assert!(delivered == 0 && lost > 0, "{what}"),
                false if cut_by_others.contains(&link) => {}
                false => assert!(delivered > 0 && lost == 0, "{what}"),
            }
        }
    }
    let hub = &faults[faults.len() - 3];
    assert_eq!(late(hub).len(), 4, "from each of two to each of two");
    // What is on its way when the delay ends arrives at once.
    let in_time = span(hub).start..span(hub).end - 50_000_000;
    let those = messages.iter().filter(|it| late(hub).contains(&pair(it)));
    let took: Vec<u64> = those
        .filter(|it| in_time.contains(&it.sent_ns))
        .map(|it| {
            assert!(it.is_delivered(), "only late");
            it.fate_ns - it.sent_ns
        })
        .collect();
    assert!(!took.is_empty() && took.iter().all(|&ns| ns >= 48_000_000), "{took:?} ns");
    let [.., alone, halves] = faults.as_slice() else { panic!("two that overlap") };
    assert!(span(halves).start < span(alone).end, "they overlap");
    assert!(cut(halves).intersection(&cut(alone)).count() > 0, "on the same links too");
    let after = span(halves).end;
    let healed = messages.iter().filter(|it| it.sent_ns > after && it.is_delivered());
    assert_eq!(healed.map(pair).collect::<BTreeSet<_>>(), all, "all carry again");
    assert_receivers_saw_just_those(&run, &messages);
}

/// The replicas' own word: what the harness says it delivered arrived, and nothing else.
fn assert_receivers_saw_just_those(run: &Finished, messages: &[Message]) {
    let mut arrived: BTreeMap<Pair, Vec<u64>> = BTreeMap::new();
    for to in (0..5).map(NodeId::replica) {
        for line in run.log(to, "stdout").lines() {
            let mut words = line.split(' ');
            let from = words.next().and_then(|word| word.parse().ok());
            // The last line may be cut off by the end.
            if let (Some(from), Some(Ok(n))) = (from, words.next().map(str::parse)) {
                arrived.entry((from, to)).or_default().push(n);
            }
        }
    }
    for (link, numbers) in arrived {
        // Messages are numbered by their sender; what it sent before the clock started is not written
        // down, and nothing was cut at the first of the others.
        let told = messages.iter().filter(|message| pair(message) == link);
        let delivered = (numbers[0]..).zip(told).filter(|(_, message)| message.is_delivered());
        let delivered: Vec<u64> = delivered.map(|(n, _)| n).collect();
        // At the end a replica may be killed before it has read, or written down, the last.
        let seen = numbers.len();
        assert!(seen + 50 > delivered.len(), "{link:?}: {seen} of {} arrived", delivered.len());
        let both = seen.min(delivered.len());
        assert_eq!(numbers[..both], delivered[..both], "{link:?}");
    }
}
