use proptest::prelude::*;

use super::*;
use crate::network::rules::{Buffer, Distribution, Duplicate, Latency, Loss, Rate, Reorder, Size};

const NETWORK: FaultId = FaultId::Network(0);

fn loss(probability: f64) -> Rule {
    Rule::Loss(Loss { probability })
}

fn uniform(reorders: bool) -> Rule {
    let distribution = Distribution::Uniform { min_ms: 1.0, max_ms: 50.0 };
    Rule::Latency(Latency { distribution, reorders })
}

fn link(seed: u64, rules: impl IntoIterator<Item = (FaultId, Rule)>) -> Link {
    let mut link = Link::new(Seed(seed));
    rules.into_iter().for_each(|(fault, rule)| link.apply(fault, rule));
    link
}

fn ms(ms: u64) -> RunTime {
    RunTime(ms * 1_000_000)
}

/// The fates of messages, one a millisecond.
fn fates(link: &mut Link, messages: std::ops::Range<u64>) -> Vec<Fate> {
    messages.map(|n| link.decide(ms(n), "append", 100).0).collect()
}

fn is_lost(fate: &Fate) -> bool {
    matches!(fate, Fate::Drop(_))
}

fn arrival(fate: &Fate, sent: RunTime) -> RunTime {
    match fate {
        Fate::Drop(_) => panic!("lost"),
        Fate::Deliver => sent,
        Fate::DeliverSo(delivery) => delivery.at.unwrap_or(sent),
    }
}

/// Rules that draw.
fn a_rule() -> impl Strategy<Value = Rule> {
    let share = 0.0..=1.0;
    prop_oneof![
        share.clone().prop_map(loss),
        any::<bool>().prop_map(uniform),
        (share.clone(), 1.0..50.0).prop_map(|(probability, within_ms)| {
            Rule::Reorder(Reorder { probability, within_ms })
        }),
        (share.clone(), 1_u32..4).prop_map(|(probability, copies)| {
            Rule::Duplicate(Duplicate { probability, copies, within_ms: 3.0 })
        }),
        (share, any::<bool>()).prop_map(|(probability, spare_envelope)| {
            Rule::Corrupt(Corrupt { probability, bytes: 1, spare_envelope })
        }),
        Just(Rule::Cut),
    ]
}

proptest! {
    #[test]
    fn what_a_rule_decides_depends_on_nothing_but_seed_fault_and_n(
        seed: u64, rule in a_rule(), other in a_rule(), from in 0_u64..100, to in 100_u64..200,
    ) {
        // Alone, from the first message on.
        let fault_seed = NETWORK.seed(Seed(seed));
        let alone = |n: u64| {
            let message =
                Message { n, bytes: 100, now: ms(n), waiting: 0, waiting_bytes: 0 };
            rule.decide(fault_seed, &message, &mut RunTime::default())
        };
        let expected: Vec<Decision> = (0..200).map(alone).collect();
        // Among others that come and go, asked in another order, from the middle on.
        let mut busy = link(seed, [(FaultId::Planned(1, 0), other)]);
        let mut seen = Vec::new();
        for n in 0..200 {
            if n == from {
                busy.apply(NETWORK, rule.clone());
            }
            if n == to {
                busy.lift(NETWORK);
            }
            if (from..to).contains(&n) {
                let it = busy.rules.iter_mut().find(|it| it.fault == NETWORK).unwrap();
                let message =
                    Message { n: busy.passed, bytes: 100, now: ms(n), waiting: 0, waiting_bytes: 0 };
                seen.push(it.rule.decide(it.seed, &message, &mut it.busy_until));
            }
            busy.decide(ms(n), "append", 100);
        }
        let (from, to) = (usize::try_from(from).unwrap(), usize::try_from(to).unwrap());
        prop_assert_eq!(&seen, &expected[from..to]);
    }

    #[test]
    fn one_more_rule_changes_what_is_lost_by_nothing_but_its_own_losses(
        seed: u64, other in a_rule(),
    ) {
        let mut plain = link(seed, [(FaultId::Drops, loss(0.3))]);
        let mut both = link(seed, [(FaultId::Planned(0, 0), other), (FaultId::Drops, loss(0.3))]);
        for (alone, together) in fates(&mut plain, 0..300).iter().zip(fates(&mut both, 0..300)) {
            prop_assert!(!is_lost(alone) || is_lost(&together));
        }
    }

    #[test]
    fn messages_keep_their_order_unless_a_rule_says_otherwise(
        seed: u64, latency in Just(uniform(false)), rate in prop::option::of(1e3..1e6),
    ) {
        let mut link = link(seed, [(NETWORK, latency)]);
        if let Some(bytes_per_s) = rate {
            link.apply(FaultId::Planned(0, 0), Rule::Rate(Rate { bytes_per_s }));
        }
        let mut last = RunTime::ZERO;
        for n in 0..200 {
            let at = arrival(&link.decide(ms(n), "append", 100).0, ms(n));
            prop_assert!(at >= last && at >= ms(n + 1));
            last = at;
        }
    }
}

#[test]
fn drops_lose_what_they_always_lost() {
    let mut link = link(5, [(FaultId::Drops, loss(0.3))]);
    let expected: Vec<bool> = (0..300).map(|n| Seed(5).fraction(n) < 0.3).collect();
    let seen: Vec<bool> = fates(&mut link, 0..300).iter().map(is_lost).collect();
    assert_eq!(seen, expected);
}

#[test]
fn cuts_that_overlap_end_with_the_last_of_them() {
    let mut link =
        link(1, [(FaultId::Planned(0, 0), Rule::Cut), (FaultId::Planned(1, 0), Rule::Cut)]);
    assert!(link.is_cut());
    link.lift(FaultId::Planned(0, 0));
    assert_eq!(link.decide(ms(0), "x", 1).0, Fate::Drop(DropCause::Partition));
    link.lift(FaultId::Planned(1, 0));
    assert!(!link.is_cut());
    assert_eq!(link.decide(ms(0), "x", 1).0, Fate::Deliver);
}

#[test]
fn jitter_and_reordering_let_messages_overtake() {
    let hold = Rule::Reorder(Reorder { probability: 0.3, within_ms: 50.0 });
    for rule in [uniform(true), hold] {
        let mut link = link(3, [(NETWORK, rule)]);
        let sent = fates(&mut link, 0..100);
        let at: Vec<RunTime> = sent.iter().zip(0..).map(|(fate, n)| arrival(fate, ms(n))).collect();
        assert!(at.windows(2).any(|pair| pair[1] < pair[0]), "a message is overtaken: {at:?}");
    }
}

#[test]
fn a_line_carries_its_bytes_a_second_one_message_after_the_other() {
    // 100 bytes at 10,000 bytes a second: 10 ms each.
    let mut link = link(1, [(NETWORK, Rule::Rate(Rate { bytes_per_s: 10_000.0 }))]);
    let at = |link: &mut Link, now| arrival(&link.decide(now, "x", 100).0, now);
    assert_eq!(
        [at(&mut link, ms(0)), at(&mut link, ms(0)), at(&mut link, ms(5))],
        [10, 20, 30].map(ms)
    );
    assert_eq!(at(&mut link, ms(100)), ms(110), "a line that was free is free");
}

#[test]
fn what_is_too_large_or_does_not_fit_is_lost_under_its_own_cause() {
    let mut limited = link(1, [(NETWORK, Rule::Size(Size { max_bytes: 100 }))]);
    assert_eq!(limited.decide(ms(0), "x", 100).0, Fate::Deliver);
    assert_eq!(limited.decide(ms(0), "x", 101).0, Fate::Drop(DropCause::SizeLimit));

    let buffer = Buffer { messages: Some(2), bytes: Some(250) };
    let mut full = link(1, [(NETWORK, Rule::Buffer(buffer))]);
    assert_eq!(full.decide(ms(0), "x", 1000).0, Fate::Deliver, "nothing waits");
    full.waits(100);
    assert_eq!(full.decide(ms(0), "x", 150).0, Fate::Deliver);
    assert_eq!(full.decide(ms(0), "x", 151).0, Fate::Drop(DropCause::FullBuffer));
    full.waits(1);
    assert_eq!(full.decide(ms(0), "x", 1).0, Fate::Drop(DropCause::FullBuffer));
    full.waits_no_longer(100);
    assert_eq!(full.decide(ms(0), "x", 1).0, Fate::Deliver);
}

#[test]
fn what_was_sent_was_delivered_or_lost_under_one_cause() {
    let mut link = link(1, [(FaultId::Drops, loss(0.5))]);
    for n in 0..1000 {
        let kind = format!("type-{}", n % 100);
        let (fate, index) = link.decide(ms(n), &kind, 7);
        if fate == Fate::Deliver {
            link.delivered(index);
        }
    }
    let key = (NodeId(0), NodeId(1));
    let mut links = Links::between([key.0, key.1]);
    links.insert(key, link);
    let counts = counts(links);
    assert_eq!(counts.len(), limits::MESSAGE_TYPES + 1, "the rest is one type, `(other)`");
    let total = |f: fn(&MessageCounts) -> u64| counts.values().map(f).sum::<u64>();
    assert_eq!(total(|c| c.sent), 1000);
    assert_eq!(total(|c| c.bytes), 7000);
    assert_eq!(total(|c| c.delivered + c.dropped.values().sum::<u64>()), 1000);
}
