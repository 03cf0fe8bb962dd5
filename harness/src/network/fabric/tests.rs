//! The fabric in simulated time: each message arrives when the rules say so, to the nanosecond.

use super::*;
use crate::limits;
use crate::network::rules::{Buffer, Distribution, Duplicate, Latency, Rate, Reorder, Size};

const A: NodeId = NodeId(0);
const B: NodeId = NodeId(1);
const C: NodeId = NodeId(2);
const CLIENT: NodeId = NodeId(0x13);
const NETWORK: FaultId = FaultId::Network(0);

fn ms(ms: u64) -> RunTime {
    RunTime(ms * 1_000_000)
}

fn constant(ms: f64) -> Rule {
    Rule::Latency(Latency { distribution: Distribution::Constant { ms }, reorders: false })
}

/// Three replicas that read all that they are handed, and a time that jumps from one arrival to the next.
struct Net {
    fabric: Fabric,
    now: RunTime,
    arrived: Vec<(RunTime, NodeId, String)>,
}

impl Net {
    fn new(drops: f64) -> Self {
        let settings =
            Settings { replicas: vec![A, B, C], clients: vec![CLIENT], links: Seed(7), drops };
        let mut fabric = Fabric::new(&settings, MessageLog::default());
        fabric.start();
        Self { fabric, now: RunTime::ZERO, arrived: Vec::new() }
    }

    /// With this rule on the link from `A` to `B`.
    fn with(rule: &Rule) -> Self {
        let mut net = Self::new(0.0);
        net.fabric.apply(NETWORK, [(A, B)], rule);
        net
    }

    fn arrives(&mut self, to: NodeId, message: Outgoing) {
        let text = String::from_utf8_lossy(&message.packet).into_owned();
        self.arrived.push((self.now, to, text));
        self.fabric.handed(self.now, to, message, Sent::Delivered);
    }

    /// `A` sends to `B`.
    fn send(&mut self, at: RunTime, text: &str) -> &mut Self {
        self.send_on(at, A, B, text)
    }

    fn send_on(&mut self, at: RunTime, from: NodeId, to: NodeId, text: &str) -> &mut Self {
        self.run_until(at);
        let packet = Rc::from(text.as_bytes());
        if let Fate::Arrives(message) = self.fabric.send(at, from, to, "x", &packet) {
            self.arrives(to, message);
        }
        self
    }

    /// Lets time pass until `end`, every arrival on the way.
    fn run_until(&mut self, end: RunTime) {
        while let Some(next) = self.fabric.next_at().filter(|&next| next <= end) {
            self.now = self.now.max(next);
            while let Some((to, message)) = self.fabric.due(self.now) {
                self.arrives(to, message);
            }
        }
        self.now = end;
    }

    /// What arrived, and when in milliseconds, after everything has had its time.
    fn seen(&mut self) -> Vec<(u64, &str)> {
        self.run_until(ms(60_000));
        self.arrived.iter().map(|(at, _, text)| (at.0 / 1_000_000, &**text)).collect()
    }

    /// Messages sent, delivered and lost on the link from `A` to `B`.
    fn counted(self) -> (u64, u64, BTreeMap<DropCause, u64>) {
        let (counts, problem) = self.fabric.finish();
        assert_eq!(problem, None);
        let counts = &counts[&(A, B, "x".into())];
        (counts.sent, counts.delivered, counts.dropped.clone())
    }
}

#[test]
fn latency_is_added_to_the_time_of_sending() {
    let mut net = Net::with(&constant(100.0));
    net.send(ms(0), "one").send(ms(30), "two").send(ms(31), "three");
    assert_eq!(net.seen(), [(100, "one"), (130, "two"), (131, "three")]);
    assert_eq!(net.counted(), (3, 3, BTreeMap::new()));
}

#[test]
fn only_the_link_that_a_rule_holds_on_is_slow() {
    let mut net = Net::with(&constant(100.0));
    net.send(ms(0), "slow").send_on(ms(1), B, A, "back").send_on(ms(2), A, C, "beside");
    assert_eq!(net.seen(), [(1, "back"), (2, "beside"), (100, "slow")]);
}

#[test]
fn the_latencies_of_two_rules_add_up() {
    let mut net = Net::with(&constant(100.0));
    net.fabric.apply(FaultId::Planned(0, 0), [(A, B)], &constant(20.0));
    net.send(ms(5), "one");
    assert_eq!(net.seen(), [(125, "one")]);
}

#[test]
fn a_rate_lets_one_message_out_after_the_other() {
    // 100 bytes at 10,000 bytes a second: 10 ms each.
    let mut net = Net::with(&Rule::Rate(Rate { bytes_per_s: 10_000.0 }));
    let text = "x".repeat(100);
    for at in [0, 0, 5, 100] {
        net.send(ms(at), &text);
    }
    let at: Vec<u64> = net.seen().iter().map(|(at, _)| *at).collect();
    assert_eq!(at, [10, 20, 30, 110]);
}

#[test]
fn a_buffer_loses_what_finds_no_room_and_has_room_after_each_arrival() {
    let mut net = Net::with(&constant(100.0));
    let buffer = Buffer { messages: Some(2), bytes: None };
    net.fabric.apply(FaultId::Network(1), [(A, B)], &Rule::Buffer(buffer));
    net.send(ms(0), "a").send(ms(10), "b").send(ms(99), "lost");
    net.send(ms(100), "c").send(ms(109), "lost").send(ms(110), "d");
    assert_eq!(net.seen(), [(100, "a"), (110, "b"), (200, "c"), (210, "d")]);
    assert_eq!(net.counted(), (6, 4, BTreeMap::from([(DropCause::FullBuffer, 2)])));
}

#[test]
fn a_message_that_is_held_back_is_overtaken() {
    let hold = Reorder { probability: 0.5, within_ms: 40.0 };
    let mut net = Net::with(&Rule::Reorder(hold));
    let texts: Vec<String> = (0..100).map(|n| n.to_string()).collect();
    for (n, text) in (0..).zip(&texts) {
        net.send(ms(n), text);
    }
    let seen: Vec<(u64, u64)> =
        net.seen().iter().map(|(at, text)| (*at, text.parse().unwrap())).collect();
    assert_eq!(seen.len(), 100);
    assert!(seen.iter().all(|&(at, sent)| (sent..=sent + 40).contains(&at)));
    let held = seen.iter().filter(|&&(at, sent)| at > sent).count();
    assert!((30..70).contains(&held), "about half of them: {held}");
    assert!(seen.windows(2).any(|pair| pair[1].1 < pair[0].1), "one is overtaken");
    assert!(seen.windows(2).all(|pair| pair[0].0 <= pair[1].0), "in the order of time");
}

#[test]
fn jitter_keeps_the_order_unless_it_reorders() {
    let jitter = |reorders| {
        let distribution = Distribution::Uniform { min_ms: 40.0, max_ms: 80.0 };
        let mut net = Net::with(&Rule::Latency(Latency { distribution, reorders }));
        for n in 0..200 {
            net.send(ms(n), &n.to_string());
        }
        let seen = net.seen();
        seen.iter().map(|(at, text)| (*at, text.parse().unwrap())).collect::<Vec<(u64, u64)>>()
    };
    let ordered = jitter(false);
    assert!(ordered.iter().map(|(_, n)| *n).eq(0..200));
    let reordered = jitter(true);
    assert!(reordered.iter().all(|&(at, n)| (n + 40..=n + 80).contains(&at)));
    assert!(!reordered.iter().map(|(_, n)| *n).eq(0..200));
    // With the same draws, order makes a message wait for the one before it, and no longer.
    let mut due: Vec<(u64, u64)> = reordered.iter().map(|&(at, n)| (n, at)).collect();
    due.sort_unstable();
    let mut last = 0;
    for ((n, at), (seen_at, seen)) in due.into_iter().zip(ordered) {
        last = last.max(at);
        assert_eq!((seen, seen_at), (n, last));
    }
}

#[test]
fn latencies_have_the_quantiles_of_their_distributions() {
    let quantiles = |distribution: Distribution| {
        let mut net = Net::with(&Rule::Latency(Latency { distribution, reorders: true }));
        for n in 0..20_000 {
            net.send(ms(n), &n.to_string());
        }
        net.run_until(ms(60_000));
        let taken = |(at, _, text): &(RunTime, NodeId, String)| at.since(ms(text.parse().unwrap()));
        let mut times: Vec<f64> =
            net.arrived.iter().map(|it| 1e3 * taken(it).as_secs_f64()).collect();
        times.sort_by(f64::total_cmp);
        move |percent: usize| times[times.len() * percent / 100]
    };
    let assert_near = |seen: f64, expected: f64| {
        assert!((seen - expected).abs() < expected * 0.04, "{seen} ms, expected {expected} ms");
    };
    let exponential = quantiles(Distribution::Exponential { mean_ms: 50.0 });
    assert_near(exponential(50), 34.66);
    assert_near(exponential(90), 115.1);
    let pareto = quantiles(Distribution::Pareto { min_ms: 30.0, shape: 2.0 });
    assert_near(pareto(1), 30.15);
    assert_near(pareto(50), 42.43);
    assert_near(pareto(90), 94.87);
    let uniform = quantiles(Distribution::Uniform { min_ms: 40.0, max_ms: 80.0 });
    assert_near(uniform(10), 44.0);
    assert_near(uniform(50), 60.0);
    assert_near(uniform(90), 76.0);
    let normal = quantiles(Distribution::Normal { mean_ms: 60.0, sd_ms: 10.0 });
    assert_near(normal(10), 47.2);
    assert_near(normal(50), 60.0);
    assert_near(normal(90), 72.8);
}

#[test]
fn a_message_arrives_again_for_each_copy() {
    let again = Duplicate { probability: 1.0, copies: 2, within_ms: 0.0 };
    let mut net = Net::with(&Rule::Duplicate(again));
    net.fabric.apply(FaultId::Network(1), [(A, B)], &constant(10.0));
    net.send(ms(5), "one");
    assert_eq!(net.seen(), [(15, "one"); 3]);
    assert_eq!(net.counted(), (1, 1, BTreeMap::new()), "a copy is no message");
}

#[test]
fn what_is_on_its_way_when_its_link_is_cut_is_lost() {
    let mut net = Net::with(&constant(100.0));
    net.send(ms(0), "arrives").send(ms(50), "lost");
    net.run_until(ms(120));
    net.fabric.apply(FaultId::Partition, [(A, B), (B, A)], &Rule::Cut);
    assert!(net.fabric.is_cut(A, B) && !net.fabric.is_cut(A, C));
    net.send(ms(130), "cut").send_on(ms(131), A, C, "beside");
    net.run_until(ms(200));
    net.fabric.lift(FaultId::Partition);
    net.send(ms(200), "healed");
    assert_eq!(net.seen(), [(100, "arrives"), (131, "beside"), (300, "healed")]);
    assert_eq!(net.counted(), (4, 2, BTreeMap::from([(DropCause::Partition, 2)])));
}

#[test]
fn what_no_rule_holds_back_any_longer_arrives_at_once_and_in_order() {
    let mut net = Net::with(&constant(500.0));
    net.send(ms(0), "one").send(ms(10), "two").send_on(ms(11), A, C, "beside");
    net.run_until(ms(50));
    net.fabric.lift(NETWORK);
    net.run_until(ms(50));
    net.send(ms(60), "three");
    assert_eq!(net.seen(), [(11, "beside"), (50, "one"), (50, "two"), (60, "three")]);
}

#[test]
fn a_link_with_another_rule_goes_on_holding_back() {
    let mut net = Net::with(&constant(500.0));
    net.fabric.apply(FaultId::Network(1), [(A, B)], &constant(1.0));
    net.send(ms(0), "one");
    net.fabric.lift(NETWORK);
    net.send(ms(1), "two");
    assert_eq!(net.seen(), [(501, "one"), (501, "two")], "the second keeps behind the first");
}

#[test]
fn every_rule_ends_with_the_run_of_faults() {
    let mut net = Net::new(1.0);
    net.fabric.apply(FaultId::Partition, [(A, C)], &Rule::Cut);
    net.send(ms(0), "lost").send_on(ms(0), A, C, "lost");
    net.fabric.lift_all();
    net.send(ms(1), "one").send_on(ms(1), A, C, "two");
    assert_eq!(net.seen(), [(1, "one"), (1, "two")]);
}

#[test]
fn a_message_for_a_replica_that_does_not_read_waits_its_turn() {
    let mut net = Net::new(0.0);
    let mut blocked = |text: &str| {
        let packet = Rc::from(text.as_bytes());
        let Fate::Arrives(message) = net.fabric.send(ms(1), A, B, "x", &packet) else { panic!() };
        assert_eq!(net.fabric.is_queued(B), text != "one");
        net.fabric.handed(ms(1), B, message, Sent::WouldBlock);
    };
    ["one", "two", "three", "four"].into_iter().for_each(&mut blocked);
    assert_eq!(net.fabric.waiting(B), 4);
    let first = |net: &Net| net.fabric.first_waiting(B).map(|message| message.packet.to_vec());
    assert_eq!(first(&net).as_deref(), Some(&b"one"[..]));
    assert!(net.fabric.retried(ms(5), B, Sent::Delivered));
    assert!(!net.fabric.retried(ms(5), B, Sent::WouldBlock));
    assert_eq!(first(&net).as_deref(), Some(&b"two"[..]), "it stays the first");
    assert!(net.fabric.retried(ms(6), B, Sent::TooLarge));
    net.fabric.disconnected(ms(7), B);
    assert!(!net.fabric.is_queued(B));
    assert!(!net.fabric.retried(ms(8), B, Sent::Delivered), "nothing waits");
    let lost = BTreeMap::from([(DropCause::Gone, 2), (DropCause::TooLarge, 1)]);
    assert_eq!(net.counted(), (4, 1, lost));
}

#[test]
fn a_full_queue_loses_what_comes_on_top() {
    let mut net = Net::new(0.0);
    for n in 0..=limits::OUTBOX_MESSAGES {
        let Fate::Arrives(message) = net.fabric.send(ms(1), A, B, "x", &Rc::from([1])) else {
            panic!("the message {n} is held back")
        };
        net.fabric.handed(ms(1), B, message, Sent::WouldBlock);
    }
    assert_eq!(net.fabric.waiting(B), limits::OUTBOX_MESSAGES);
    let lost = BTreeMap::from([(DropCause::FullQueue, limits::OUTBOX_MESSAGES as u64 + 1)]);
    let sent = limits::OUTBOX_MESSAGES as u64 + 1;
    assert_eq!(net.counted(), (sent, 0, lost), "what waits at the end is lost, too");
}

#[test]
fn messages_that_are_not_received_are_remembered_until_the_replica_dies() {
    let mut net = Net::new(0.0);
    for at in [3, 1, 9] {
        let Fate::Arrives(message) = net.fabric.send(ms(at), A, B, "x", &Rc::from([1])) else {
            panic!()
        };
        net.fabric.handed(ms(at), B, message, Sent::Gone);
    }
    let expected = Unsent { messages: 3, from: ms(3), until: ms(9) };
    assert_eq!(net.fabric.unsent(), &BTreeMap::from([(B, expected)]));
    net.fabric.died(B);
    assert!(net.fabric.unsent().is_empty());
}

#[test]
fn each_phase_counts_as_it_should() {
    let settings =
        Settings { replicas: vec![A, B], clients: vec![CLIENT], links: Seed(7), drops: 0.0 };
    let mut fabric = Fabric::new(&settings, MessageLog::default());
    let packet: Rc<[u8]> = Rc::from([1, 2, 3]);
    assert_eq!(fabric.phase(), Phase::BeforeStart);
    assert_eq!(fabric.send(ms(0), A, B, "x", &packet), Fate::Lost);
    assert!(!fabric.send_to_client(ms(0), A, CLIENT, "ok", 3));
    fabric.start();
    assert!(fabric.send_to_client(ms(1), A, CLIENT, "ok", 3));
    fabric.apply(NETWORK, [(A, B)], &constant(100.0));
    assert_eq!(fabric.send(ms(1), A, B, "x", &packet), Fate::Underway);
    fabric.let_all_pass();
    assert_eq!(fabric.due(ms(1_000)), None, "what was on its way never arrives");
    assert!(matches!(fabric.send(ms(2), A, B, "x", &packet), Fate::Arrives(_)));
    assert!(fabric.send_to_client(ms(2), A, CLIENT, "status", 3));
    assert_eq!(fabric.send(ms(2), A, C, "x", &packet), Fate::Lost, "there is no such link");
    let (counts, _) = fabric.finish();
    let dropped = BTreeMap::from([(DropCause::BeforeStart, 1), (DropCause::Underway, 1)]);
    let of_link = &counts[&(A, B, "x".into())];
    assert_eq!((of_link.sent, of_link.bytes, &of_link.dropped), (2, 6, &dropped));
    let answers = &counts[&(A, CLIENT, "ok".into())];
    assert_eq!((answers.sent, answers.delivered), (2, 1));
    assert!(!counts.contains_key(&(A, CLIENT, "status".into())));
}

#[test]
fn ten_thousand_messages_keep_their_counts() {
    let mut net = Net::new(0.1);
    net.fabric.apply(NETWORK, [(A, B)], &Rule::Size(Size { max_bytes: 3 }));
    net.fabric.apply(FaultId::Network(1), [(A, B)], &constant(2.0));
    for n in 0..10_000 {
        net.send(ms(n), &n.to_string());
    }
    let seen = net.seen();
    assert!(seen.iter().all(|(at, text)| at - 2 == text.parse::<u64>().unwrap()));
    let delivered = seen.len() as u64;
    let (sent, counted, dropped) = net.counted();
    assert_eq!((sent, counted), (10_000, delivered));
    assert_eq!(dropped[&DropCause::SizeLimit], 9_000, "the numbers of four digits");
    assert_eq!(sent, counted + dropped.values().sum::<u64>());
}
