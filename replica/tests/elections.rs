//! The promise of the faster election: with no loss it is over within two election timeouts,
//! whatever number of replicas timed out together.

use std::sync::Arc;

use proptest::prelude::*;
use rand::seq::SliceRandom;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use replica::core::{Command, Entry, Id, Input, Message, Now, Output, Replica, Saved, Term, Time};
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
            Replica::new(Arc::new(Profile::Seed.config(id, peers)), saved, Now::default())
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn two_timeouts_are_enough(
        count in 3..8_u16,
        seed in any::<u64>(),
        together in any::<u8>(),
    ) {
        let mut cluster = Cluster::new(count, seed);
        let all = 0..usize::from(count);
        let first: Vec<_> = all.clone().filter(|number| together >> number & 1 == 1).collect();
        cluster.time_out(if first.is_empty() { vec![0] } else { first });
        if !cluster.has_leader() {
            cluster.time_out(all.collect());
        }
        prop_assert!(cluster.has_leader());
    }
}
