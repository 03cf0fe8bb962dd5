//! How long five replicas are without a leader after its death, on a simulated clock: from the
//! kill to the first put that the next leader acknowledges. The same question as the bench asks
//! of real processes, over as many kills as it takes to see the tail. Everything follows from the
//! seed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;
use std::time::Duration;

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use replica::core::{
    Config, ElectionRule, Id, Input, Now, Operation, Outcome, Output, Replica, Request, RequestId,
    Saved, Term, Time,
};
use replica::profile::Profile;

const REPLICAS: u16 = 5;
const CLIENT: Id = Id(0x15);
/// Every so often the client asks another living replica at random.
const PATIENCE: Duration = Duration::from_millis(2);
/// No outage lasts so long.
const FOREVER: Time = Time(120_000_000);

/// The network and the rule.
#[derive(Clone, Copy, Debug)]
pub struct Situation {
    /// The fraction of the messages between replicas that is lost.
    pub loss: f64,
    /// How elections go on.
    pub election: ElectionRule,
    /// The longest election timeout; the shortest is 100 ms.
    pub election_max: Duration,
    /// How many leaders were killed before: of five replicas two may be, and then all that are left
    /// are needed.
    pub killed_before: u16,
}

/// What one kill cost.
#[derive(Clone, Copy, Debug)]
pub struct Outage {
    /// From the kill to the first put that was acknowledged.
    pub span: Duration,
    /// How many terms it took.
    pub terms: u64,
}

enum Event {
    Deliver(Id, Input),
    Tick(Id),
    Ask,
}

struct Cluster {
    random: ChaCha8Rng,
    loss: f64,
    time: Time,
    replicas: BTreeMap<Id, Replica>,
    events: BTreeMap<u64, Event>,
    order: BinaryHeap<Reverse<(Time, u64)>>,
    sequence: u64,
    /// Which leader has acknowledged the latest put.
    acknowledged: Option<Id>,
}

/// Kills the leader of a fresh cluster, at a moment that the seed decides.
#[must_use]
pub fn outage(situation: Situation, seed: u64) -> Outage {
    let mut cluster = Cluster::new(situation, seed);
    cluster.at(Duration::ZERO, Event::Ask);
    cluster.run_until_acknowledged();
    for _ in 0..situation.killed_before {
        cluster.kill_leader();
    }
    cluster.kill_leader()
}

impl Cluster {
    fn new(situation: Situation, seed: u64) -> Self {
        let mut cluster = Self {
            random: ChaCha8Rng::seed_from_u64(seed),
            loss: situation.loss,
            time: Time(1),
            replicas: BTreeMap::new(),
            events: BTreeMap::new(),
            order: BinaryHeap::new(),
            sequence: 0,
            acknowledged: None,
        };
        for id in (0..REPLICAS).map(Id) {
            let peers = (0..REPLICAS).map(Id).filter(|other| *other != id).collect();
            let config = Config {
                election: situation.election,
                election_max: situation.election_max,
                ..Profile::Course.config(id, peers)
            };
            let now = cluster.now();
            cluster.replicas.insert(id, Replica::new(Arc::new(config), Saved::default(), now));
            cluster.plan_tick(id);
        }
        cluster
    }

    fn kill_leader(&mut self) -> Outage {
        // Anywhere within two heartbeats of the last message.
        let moment = self.time + self.micros(140_000);
        self.run_until(moment);
        let before = self.term();
        if let Some(leader) = self.acknowledged {
            self.replicas.remove(&leader);
        }
        let killed = self.time;
        self.acknowledged = None;
        self.at(Duration::ZERO, Event::Ask);
        self.run_until_acknowledged();
        Outage { span: self.time.since(killed), terms: self.term().0 - before.0 }
    }

    fn now(&mut self) -> Now {
        Now { time: self.time, jitter: self.random.next_u32() }
    }

    fn micros(&mut self, below: u64) -> Duration {
        Duration::from_micros(self.random.random_range(0..below))
    }

    fn term(&self) -> Term {
        self.replicas.values().map(Replica::term).max().unwrap_or_default()
    }

    fn at(&mut self, wait: Duration, event: Event) {
        self.sequence += 1;
        self.events.insert(self.sequence, event);
        self.order.push(Reverse((self.time + wait, self.sequence)));
    }

    fn plan_tick(&mut self, id: Id) {
        let deadline = self.replicas[&id].deadline();
        if deadline < FOREVER {
            let wait = deadline.since(self.time).max(Duration::from_micros(1));
            self.at(wait, Event::Tick(id));
        }
    }

    fn run_until(&mut self, end: Time) {
        while self.order.peek().is_some_and(|Reverse((time, _))| *time <= end) {
            self.happen();
        }
        self.time = end;
    }

    fn run_until_acknowledged(&mut self) {
        while self.acknowledged.is_none() {
            assert!(self.time < FOREVER, "no leader in two minutes");
            self.happen();
        }
    }

    fn happen(&mut self) {
        let Some(Reverse((time, number))) = self.order.pop() else { return };
        self.time = time;
        match self.events.remove(&number) {
            Some(Event::Deliver(to, input)) => self.drive(to, Some(input)),
            Some(Event::Tick(id)) => self.drive(id, None),
            Some(Event::Ask) if self.acknowledged.is_none() => self.ask(),
            Some(Event::Ask) | None => {}
        }
    }

    fn ask(&mut self) {
        let living: Vec<Id> = self.replicas.keys().copied().collect();
        let to = living[self.random.random_range(0..living.len())];
        let id = RequestId { client: CLIENT, mid: self.sequence.to_string().into() };
        let operation = Operation::Put { key: "key".into(), value: "value".into() };
        self.at(
            Duration::from_micros(100),
            Event::Deliver(to, Input::Request(Request { id, operation })),
        );
        self.at(PATIENCE, Event::Ask);
    }

    fn drive(&mut self, id: Id, input: Option<Input>) {
        let now = self.now();
        let Some(replica) = self.replicas.get_mut(&id) else { return };
        if input.is_none() && replica.deadline() > now.time {
            return; // an earlier input moved the deadline, and planned another tick
        }
        replica.step(now, input.unwrap_or(Input::Tick));
        replica.step(now, Input::Tick);
        replica.flush(now);
        let (_, outputs) = replica.take_effects();
        for output in outputs {
            match output {
                Output::Send(message) if !self.random.random_bool(self.loss) => {
                    let wait = Duration::from_micros(80) + self.micros(200);
                    self.at(wait, Event::Deliver(message.to, Input::Message(message)));
                }
                Output::Reply(reply) if reply.outcome == Outcome::Done => {
                    self.acknowledged = Some(id);
                }
                Output::Send(_) | Output::Reply(_) => {}
            }
        }
        self.plan_tick(id);
    }
}
