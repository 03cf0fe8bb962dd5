//! Puts and messages in made-up orders.

use super::*;
use crate::seed::Seed;

const CLIENT: NodeId = NodeId(0x15);
const IDS: [NodeId; 5] = [NodeId(0), NodeId(1), NodeId(2), NodeId(3), NodeId(4)];

fn knowledge(required: usize) -> Knowledge {
    Knowledge::new(&IDS, Some(required))
}

/// A message from one replica to another, sent and arrived at these times.
fn message(knowledge: &mut Knowledge, from: usize, to: usize, sent: u64, at: u64) {
    let (from, to, kind) = (IDS[from], IDS[to], Arc::from("append"));
    let (sent, at) = (RunTime(sent), RunTime(at));
    knowledge.arrived(&Arrival { from, to, kind: &kind, sent, at });
}

fn early(mut knowledge: Knowledge, at: u64, by: usize) -> bool {
    knowledge.acknowledged(RunTime(at), 1, IDS[by]);
    let record = knowledge.into_record();
    assert_eq!(record.acknowledged, 1);
    assert_eq!(record.first.is_some(), record.early == 1);
    record.early == 1
}

/// The put 1 is sent to the replica 0 at 10.
fn asked(required: usize) -> Knowledge {
    let mut knowledge = knowledge(required);
    knowledge.asked(RunTime(10), 1, CLIENT, IDS[0]);
    knowledge
}

#[test]
fn one_that_asks_nobody_acknowledges_early_and_two_answers_of_five_are_a_majority() {
    assert!(early(asked(3), 20, 0));
    assert!(!early(asked(1), 20, 0), "nothing more was promised");
    let mut knowledge = asked(3);
    for to in 1..5 {
        message(&mut knowledge, 0, to, 11, 12);
    }
    message(&mut knowledge, 1, 0, 13, 14);
    message(&mut knowledge, 2, 0, 13, 14);
    assert!(!early(knowledge, 20, 0));
}

#[test]
fn what_was_sent_before_the_news_came_is_no_sign_of_it() {
    let mut knowledge = asked(2);
    // The answer to something older crosses the news of the put.
    message(&mut knowledge, 1, 0, 11, 13);
    message(&mut knowledge, 0, 1, 11, 12);
    knowledge.acknowledged(RunTime(20), 1, IDS[0]);
    let first = knowledge.into_record().first.unwrap();
    let knower = |id: usize, since: Option<u64>, is_heard| Knower {
        id: IDS[id],
        since: since.map(RunTime),
        is_heard,
    };
    assert_eq!(
        first.replicas[..3],
        [knower(0, Some(10), true), knower(1, Some(12), false), knower(2, None, false)]
    );
    let carried: Vec<&str> = first.messages.iter().map(|carrier| carrier.kind.as_str()).collect();
    assert_eq!(carried, ["put", "append"]);
    assert_eq!((first.messages[1].sent, first.messages[1].arrived), (RunTime(11), RunTime(12)));
}

#[test]
fn news_may_come_by_others_and_in_any_order() {
    let mut knowledge = asked(4);
    message(&mut knowledge, 0, 1, 11, 12);
    message(&mut knowledge, 1, 2, 13, 19);
    message(&mut knowledge, 1, 3, 13, 14);
    message(&mut knowledge, 3, 2, 15, 16);
    // Sent before the one above had arrived, so it tells of 1 and not of 3.
    message(&mut knowledge, 2, 0, 16, 18);
    assert!(!early(knowledge, 20, 0));
    let mut knowledge = asked(3);
    message(&mut knowledge, 0, 1, 11, 12);
    message(&mut knowledge, 1, 2, 13, 14);
    // A later message overtakes an earlier one.
    message(&mut knowledge, 2, 0, 16, 17);
    message(&mut knowledge, 2, 0, 13, 18);
    assert!(!early(knowledge, 20, 0));
}

#[test]
fn a_put_that_is_sent_again_elsewhere_is_the_same_put() {
    let mut knowledge = asked(2);
    knowledge.asked(RunTime(15), 1, CLIENT, IDS[1]);
    message(&mut knowledge, 0, 1, 14, 16);
    assert!(!early(knowledge, 20, 1), "0 knew of it");
    let mut knowledge = asked(2);
    knowledge.asked(RunTime(15), 1, CLIENT, IDS[1]);
    assert!(early(knowledge, 20, 1), "0 knows, but 1 cannot know that");
}

#[test]
fn one_that_comes_back_with_nothing_has_to_hear_again() {
    let replicated = || {
        let mut knowledge = asked(2);
        message(&mut knowledge, 0, 1, 11, 12);
        message(&mut knowledge, 1, 0, 13, 14);
        knowledge
    };
    let mut knowledge = replicated();
    knowledge.forgot(RunTime(15), IDS[0]);
    assert!(early(knowledge, 20, 0));
    let mut knowledge = replicated();
    knowledge.forgot(RunTime(15), IDS[0]);
    message(&mut knowledge, 1, 0, 16, 17);
    assert!(!early(knowledge, 20, 0));
    let mut knowledge = replicated();
    knowledge.forgot(RunTime(15), IDS[1]);
    assert!(!early(knowledge, 20, 0), "0 had heard of 1 before that");
    let mut knowledge = asked(2);
    message(&mut knowledge, 0, 1, 11, 12);
    knowledge.forgot(RunTime(15), IDS[1]);
    message(&mut knowledge, 1, 0, 16, 17);
    assert!(early(knowledge, 20, 0), "what 1 sends now tells of nothing");
    let mut knowledge = asked(2);
    message(&mut knowledge, 0, 1, 11, 12);
    knowledge.forgot(RunTime(15), IDS[1]);
    message(&mut knowledge, 1, 0, 16, 17);
    message(&mut knowledge, 1, 0, 14, 18);
    assert!(!early(knowledge, 20, 0), "what it sent before arrives later");
}

#[test]
fn puts_do_not_mix_and_what_is_over_takes_no_room() {
    let mut knowledge = knowledge(2);
    for put in 0..10_000 {
        let now = 10 * put;
        knowledge.asked(RunTime(now), put, CLIENT, IDS[0]);
        if put % 2 == 0 {
            message(&mut knowledge, 0, 1, now + 1, now + 2);
            message(&mut knowledge, 1, 0, now + 3, now + 4);
        }
        knowledge.acknowledged(RunTime(now + 5), put, IDS[0]);
        knowledge.over(put);
    }
    let kept: usize = knowledge.lives.iter().flatten().map(|life| life.growths.len()).sum();
    assert!(kept <= 5 * (SLACK + 1), "{kept}");
    assert!(knowledge.puts.is_empty());
    let record = knowledge.into_record();
    assert_eq!((record.acknowledged, record.early), (10_000, 5_000));
    assert_eq!(record.first.unwrap().operation, 1);
}

/// The same by sets that each message carries whole.
#[derive(Default)]
struct Simple {
    sets: [[Set; 5]; 3],
    sent: Vec<(usize, usize, u64, [Set; 3])>,
}

impl Simple {
    fn send(&mut self, from: usize, to: usize, now: u64) {
        let carried = [0, 1, 2].map(|put| self.sets[put][from]);
        self.sent.push((from, to, now, carried));
    }

    fn arrive(&mut self, n: usize) -> (usize, usize, u64) {
        let (from, to, sent, carried) = self.sent.swap_remove(n);
        for (put, set) in carried.into_iter().enumerate().filter(|(_, set)| *set != 0) {
            self.sets[put][to] |= set | 1 << to;
        }
        (from, to, sent)
    }
}

#[test]
fn it_knows_what_messages_that_carry_whole_sets_would_tell() {
    for seed in 0..2_000 {
        let draws = Seed(seed);
        let mut step = 0;
        let mut draw = |of: u64| {
            step += 1;
            usize::try_from(draws.draw(step) % of).unwrap()
        };
        let (mut simple, mut knowledge) = (Simple::default(), knowledge(3));
        for now in 1..60 {
            match draw(8) {
                0 => {
                    let (put, to) = (draw(3), draw(5));
                    simple.sets[put][to] |= 1 << to;
                    knowledge.asked(RunTime(now), put as u64, CLIENT, IDS[to]);
                }
                1 if draw(4) == 0 => {
                    let place = draw(5);
                    simple.sets.iter_mut().for_each(|sets| sets[place] = 0);
                    knowledge.forgot(RunTime(now), IDS[place]);
                }
                2..=4 if !simple.sent.is_empty() => {
                    let (from, to, sent) = simple.arrive(draw(simple.sent.len() as u64));
                    message(&mut knowledge, from, to, sent, now);
                }
                _ => simple.send(draw(5), draw(5), now),
            }
            for (put, sets) in simple.sets.iter().enumerate() {
                let Some(known) = knowledge.puts.get(&(put as u64)) else { continue };
                assert_eq!(known.sets, sets, "seed {seed}, put {put}, at {now}");
            }
        }
    }
}
