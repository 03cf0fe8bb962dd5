//! Messages that no replica sent: every field of real ones changed at random, on their way between
//! real cores. Nothing can be promised of what the cluster then holds, but no replica stops.

use std::time::Duration;

use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use replica::core::{
    Append, Appended, Body, Config, Entry, Id, Index, Input, Message, Now, Operation, Output,
    Position, Replica, Request, RequestId, Saved, Term, Time,
};
use replica::profile::Profile;

const REPLICAS: u16 = 3;

/// A number near the old one, or far from it, or a special one.
fn number(random: &mut ChaCha8Rng, old: u64) -> u64 {
    match random.random_range(0..8) {
        0 => 0,
        1 => old.wrapping_add(1),
        2 => old.wrapping_sub(1),
        3 => old.wrapping_add(random.random_range(0..20)),
        4 => old ^ 1 << random.random_range(0..64),
        5 => u64::MAX - random.random_range(0..3),
        6 => random.next_u64(),
        _ => random.random_range(0..50),
    }
}

fn change_position(random: &mut ChaCha8Rng, position: &mut Position) {
    match random.random_range(0..3) {
        0 => position.last_term = Term(number(random, position.last_term.0)),
        1 => position.last_index = Index(number(random, position.last_index.0)),
        _ => position.commit = Index(number(random, position.commit.0)),
    }
}

fn change_append(random: &mut ChaCha8Rng, append: &mut Append) {
    match random.random_range(0..8) {
        0 => append.round = number(random, append.round),
        1 => append.prev_index = Index(number(random, append.prev_index.0)),
        2 => append.prev_term = Term(number(random, append.prev_term.0)),
        3 => append.commit = Index(number(random, append.commit.0)),
        4 => append.entries.shuffle(random),
        5 => append.entries.truncate(random.random_range(0..4)),
        6 => {
            if let Some(place) = &mut append.queue_ack {
                place.next = number(random, place.next);
            }
        }
        _ => {
            let again: Vec<Entry> = append.entries.clone();
            append.entries.extend(again);
            for entry in &mut append.entries {
                if random.random_bool(0.3) {
                    entry.term = Term(number(random, entry.term.0));
                }
            }
        }
    }
}

fn change_appended(random: &mut ChaCha8Rng, answer: &mut Appended) {
    match random.random_range(0..5) {
        0 => answer.round = number(random, answer.round),
        1 => answer.success = !answer.success,
        2 => answer.matched = Index(number(random, answer.matched.0)),
        _ => {
            if let Some(queue) = &mut answer.queue {
                queue.first = number(random, queue.first);
                queue.left = number(random, queue.left);
                queue.boot ^= u32::from(random.random_bool(0.3));
            }
        }
    }
}

/// Changes one thing.
fn change(random: &mut ChaCha8Rng, message: &mut Message) {
    match random.random_range(0..6) {
        0 => message.from = Id(random.random_range(0..=REPLICAS)),
        1 | 2 => message.term = Term(number(random, message.term.0)),
        _ => match &mut message.body {
            Body::Elect(elect) => {
                elect.pre ^= random.random_bool(0.3);
                change_position(random, &mut elect.position);
            }
            Body::Vote(vote) => {
                vote.granted ^= random.random_bool(0.5);
                vote.election = Term(number(random, vote.election.0));
                change_position(random, &mut vote.position);
            }
            Body::Append(append) => change_append(random, append),
            Body::Appended(answer) => change_appended(random, answer),
        },
    }
}

struct Cluster {
    random: ChaCha8Rng,
    replicas: Vec<Replica>,
    network: Vec<Message>,
    time: Time,
    /// The fraction of messages that are changed.
    changed: f64,
    /// How many messages were changed, and how many messages were dropped.
    lies: usize,
    noticed: usize,
    answers: usize,
}

impl Cluster {
    fn new(seed: u64, profile: Profile) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut replica = |id| {
            let peers = (0..REPLICAS).filter(|other| *other != id).map(Id).collect();
            let config = Config { boot: random.next_u32(), ..profile.config(Id(id), peers) };
            let now = Now { time: Time(1), jitter: random.next_u32() };
            Replica::new(config.into(), Saved::default(), now)
        };
        let replicas = (0..REPLICAS).map(&mut replica).collect();
        Self {
            random,
            replicas,
            network: Vec::new(),
            time: Time(1),
            changed: 0.0,
            lies: 0,
            noticed: 0,
            answers: 0,
        }
    }

    /// One input for one replica: a message, a request, or that time has passed.
    fn step(&mut self, number: u64) {
        self.time = self.time + Duration::from_micros(self.random.random_range(0..3_000));
        let now = Now { time: self.time, jitter: self.random.next_u32() };
        let place = self.random.random_range(0..usize::from(REPLICAS));
        let mut to = place;
        let input = match self.random.random_range(0..10) {
            0 => Input::Tick,
            1 => {
                let key = "k".into();
                let put = Operation::Put { key, value: "v".into() };
                let get = Operation::Get { key: "k".into() };
                let operation = [put, get].choose(&mut self.random).expect("two").clone();
                let id = RequestId { client: Id(0x15), mid: number.to_string().into() };
                Input::Request(Request { id, operation })
            }
            _ if self.network.is_empty() => Input::Tick,
            _ => {
                let last = self.network.len() - 1;
                let early = self.random.random_range(0..=last.min(5));
                let mut message = self.network.remove(early);
                to = usize::from(message.to.0);
                if self.random.random_bool(self.changed) {
                    self.lies += 1;
                    change(&mut self.random, &mut message);
                }
                let dropped = self.replicas[to].objection(&message).is_some();
                self.noticed += usize::from(dropped);
                Input::Message(message)
            }
        };
        let replica = &mut self.replicas[to];
        replica.step(now, input);
        replica.step(now, Input::Tick);
        replica.flush(now);
        for output in replica.take_effects().1 {
            match output {
                Output::Send(message) => self.network.push(message),
                Output::Reply(_) => self.answers += 1,
            }
        }
        self.network.truncate(200);
    }
}

#[test]
fn no_message_stops_a_replica() {
    let (mut lies, mut noticed, mut answers) = (0, 0, 0);
    for seed in 0..300 {
        let profile = if seed % 3 == 0 { Profile::LowMessage } else { Profile::Course };
        let mut cluster = Cluster::new(seed, profile);
        for number in 0..3_000 {
            // Changed for a while, and then what the lies have left behind works on.
            cluster.changed = if number % 1_000 < 600 { 0.2 } else { 0.0 };
            cluster.step(number);
        }
        lies += cluster.lies;
        noticed += cluster.noticed;
        answers += cluster.answers;
    }
    println!("{lies} messages changed, {noticed} dropped, {answers} requests answered");
    assert!(lies > 10_000 && noticed > 1_000 && answers > 1_000, "too little happened");
}
