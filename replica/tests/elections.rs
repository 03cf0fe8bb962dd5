//! The promise of the faster election: with no loss it is over within two election timeouts,
//! whatever number of replicas timed out together, from when a majority has timed out.

#[path = "../proof/outage.rs"]
mod outage;

use std::sync::Arc;
use std::time::Duration;

use outage::{Situation, outage};
use rand::seq::SliceRandom;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use replica::core::{
    Command, ElectionRule, Entry, Id, Input, Message, Now, Output, Replica, Saved, Term, Time,
};
use replica::profile::Profile;

/// A cluster whose messages all arrive, in random order, and take no time.
struct Cluster {
    replicas: Vec<Replica>,
    network: Vec<Message>,
    random: ChaCha8Rng,
    time: Time,
}

impl Cluster {
    /// Replicas whose logs are prefixes of one another, as after a leader's death.
    fn new(count: u16, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let ids: Vec<Id> = (0..count).map(Id).collect();
        let replica = |&id: &Id| {
            let peers = ids.iter().copied().filter(|other| *other != id).collect();
            let entry = Entry { term: Term(1), command: Command::Noop };
            let entries = vec![entry; random.random_range(0..4)];
            let saved = Saved { term: Term(1), vote: None, entries };
            Replica::new(Arc::new(Profile::Course.config(id, peers)), saved, Now::default())
        };
        let replicas = ids.iter().map(replica).collect();
        Self { replicas, network: Vec::new(), random, time: Time(1_000_000) }
    }

    fn drive(&mut self, number: usize, change: impl FnOnce(&mut Replica, Now)) {
        let now = Now { time: self.time, jitter: self.random.next_u32() };
        let replica = &mut self.replicas[number];
        change(replica, now);
        replica.flush(now);
        self.network.extend(replica.take_effects().1.into_iter().filter_map(|output| {
            if let Output::Send(message) = output { Some(message) } else { None }
        }));
    }

    /// These replicas time out together, and everything that follows happens.
    fn time_out(&mut self, mut numbers: Vec<usize>) {
        numbers.shuffle(&mut self.random);
        for number in numbers {
            self.drive(number, Replica::election_timeout);
        }
        while !self.network.is_empty() {
            let place = self.random.random_range(0..self.network.len());
            let message = self.network.swap_remove(place);
            let to = usize::from(message.to.0);
            self.drive(to, |replica, now| replica.step(now, Input::Message(message)));
        }
        self.time = Time(self.time.0 + 300_000);
    }

    fn has_leader(&self) -> bool {
        self.replicas.iter().any(Replica::is_leader)
    }
}

/// After how many timeouts of everyone there is a leader, if some time out together first.
fn timeouts_needed(count: u16, seed: u64) -> usize {
    let mut cluster = Cluster::new(count, seed);
    let all: Vec<_> = (0..usize::from(count)).collect();
    let together = cluster.random.random_range(1..=all.len());
    let mut first = all.clone();
    first.shuffle(&mut cluster.random);
    first.truncate(together);
    // A minority may time out first and fail, for want of a good log. It does not count: those
    // that could have been elected have not had their first timeout yet.
    let mut needed = usize::from(together > all.len() / 2);
    cluster.time_out(first);
    while !cluster.has_leader() {
        needed += 1;
        assert!(needed <= 3, "{count} replicas, seed {seed}: no leader after three timeouts");
        cluster.time_out(all.clone());
    }
    needed
}

#[test]
fn two_timeouts_are_enough() {
    let mut third = 0;
    for seed in 0..100_000 {
        let count = 3 + u16::try_from(seed % 5).expect("small");
        third += usize::from(timeouts_needed(count, seed) > 2);
    }
    // Three do with these seeds: when real candidacies cross, the best replica may lose its own to a
    // higher term and learn too late that it is the best.
    assert!(third <= 10, "{third} of 100,000 elections took a third timeout");
}

/// The spans of many outages on a simulated clock, the shortest first, and the most terms of one.
fn outages(
    election: ElectionRule,
    loss: f64,
    killed_before: u16,
    kills: u64,
) -> (Vec<Duration>, u64) {
    let election_max = Duration::from_millis(300);
    let situation = Situation { loss, election, election_max, killed_before };
    let outages: Vec<_> = (0..kills).map(|seed| outage(situation, seed)).collect();
    let terms = outages.iter().map(|outage| outage.terms).max().unwrap_or_default();
    let mut spans: Vec<_> = outages.iter().map(|outage| outage.span).collect();
    spans.sort_unstable();
    (spans, terms)
}

#[test]
fn without_loss_an_outage_is_short() {
    let (spans, terms) = outages(ElectionRule::Fast, 0.0, 0, 2_000);
    assert!(spans[spans.len() / 2] < Duration::from_millis(150), "{:?}", spans[spans.len() / 2]);
    assert!(spans[spans.len() - 1] < Duration::from_millis(400), "{:?}", spans.last());
    assert!(terms <= 2, "{terms} terms");
}

#[test]
fn with_loss_it_is_never_worse_than_the_papers() {
    // After a second kill all that are left are needed.
    for (loss, killed_before) in [(0.3, 0), (0.5, 0), (0.3, 1)] {
        let of = |election| outages(election, loss, killed_before, 2_000).0;
        let (fast, paper) = (of(ElectionRule::Fast), of(ElectionRule::Paper));
        for percent in [50, 90, 99] {
            let (fast, paper) = (fast[20 * percent - 1], paper[20 * percent - 1]);
            // Of 2,000 the hundredth part is twenty: let chance have a twentieth.
            assert!(
                fast <= paper.mul_f64(1.05),
                "{loss}, {killed_before}, p{percent}: fast {fast:?}, paper {paper:?}"
            );
        }
    }
}

/// A client that asks without pause makes a backlog, which must get through in what time a leader has.
#[test]
fn with_half_of_all_messages_lost_it_ends() {
    let (spans, _) = outages(ElectionRule::Fast, 0.5, 0, 500);
    assert!(spans[spans.len() - 1] < Duration::from_secs(20), "{:?}", spans.last());
}
