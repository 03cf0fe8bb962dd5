//! Five replicas through random faults on a simulated clock: lost, late, reordered and repeated
//! messages, partitions, pauses, crashes with and without a way back. Everything follows from
//! the seed.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use replica::bugs::Bugs;
use replica::core::{
    Config, Entry, Id, Index, Input, Message, Now, Operation, Outcome, Output, Replica, Reply,
    Request, RequestId, Saved, Term, Time,
};
use replica::profile::{FOLLOW_UP_ON_DISK, Profile};
use replica::storage::{Ballot, Stable, Storage, StorageError};

use super::ledger::{Ledger, Violation};

const REPLICAS: u16 = 5;
const CLIENTS: u16 = 8;
const KEYS: u16 = 3;
/// A client that has no answer for so long goes on with something else.
const CLIENT_TIMEOUT: Duration = Duration::from_millis(700);
/// How long faults last, and how long the cluster then has to recover.
const FAULTY: Duration = Duration::from_secs(6);
const QUIET: Duration = Duration::from_secs(4);

/// What a run did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Summary {
    /// Inputs handled by replicas.
    pub steps: usize,
    /// Entries committed.
    pub commits: usize,
    /// Operations completed.
    pub completed: usize,
}

/// A disk that survives its replica.
#[derive(Clone, Debug, Default)]
struct Disk(Saved);

impl Storage for Disk {
    fn load(&mut self) -> Result<Saved, StorageError> {
        Ok(self.0.clone())
    }

    fn store(
        &mut self,
        ballot: Option<Ballot>,
        log: Option<(Index, &[Entry])>,
    ) -> Result<(), StorageError> {
        if let Some(Ballot { term, vote }) = ballot {
            (self.0.term, self.0.vote) = (term, vote);
        }
        if let Some((from, entries)) = log {
            self.0.entries.truncate(usize::try_from(from.previous().0).unwrap_or(usize::MAX));
            self.0.entries.extend_from_slice(entries);
        }
        Ok(())
    }
}

struct Node {
    config: Arc<Config>,
    stable: Stable<Disk>,
    /// None: crashed.
    replica: Option<Replica>,
    life: u32,
    paused_until: Time,
    inbox: VecDeque<Input>,
    /// The time of the next turn of its loop.
    turn_at: Option<Time>,
    /// Puts that it queued in each term, in the order in which they came.
    queued: BTreeMap<Term, Vec<RequestId>>,
}

struct Client {
    leader: Option<Id>,
    waits_for: Option<RequestId>,
}

/// How bad this run's world is: drawn once, so that runs differ in kind.
struct World {
    loss: f64,
    repeats: f64,
    /// Messages take up to this long, in microseconds.
    latency: u64,
    /// The fraction of messages that take up to a hundred times as long.
    late: f64,
    crashes: bool,
    client_repeats: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Turn(u16, u32),
    Deliver(u64),
    Act(u16),
    GiveUp(u16, u64),
    Fault,
    Restart(u16),
}

/// A cluster, its clients, its network and its clock.
pub struct Simulation {
    random: ChaCha8Rng,
    world: World,
    time: Time,
    events: BinaryHeap<(std::cmp::Reverse<(Time, u64)>, Event)>,
    sequence: u64,
    parcels: BTreeMap<u64, (Id, Input)>,
    nodes: Vec<Node>,
    clients: Vec<Client>,
    side: BTreeSet<Id>,
    ledger: Ledger,
    next_mid: u64,
    healed: bool,
    quiet: bool,
    steps: usize,
}

/// Runs one seed to its end.
pub fn run(seed: u64, bugs: Bugs) -> Result<Summary, Violation> {
    Simulation::new(seed, bugs).run()
}

impl Simulation {
    fn new(seed: u64, bugs: Bugs) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let crashes = random.random_bool(0.6);
        let world = World {
            loss: random.random_range(0.0..0.3) * f64::from(random.random_range(0..=1_u8)),
            repeats: random.random_range(0.0..0.1),
            latency: *pick(&mut random, &[200, 2_000, 20_000]),
            late: *pick(&mut random, &[0.0, 0.01, 0.05]),
            crashes,
            client_repeats: !crashes && random.random_bool(0.5),
        };
        let ids: Vec<Id> = (0..REPLICAS).map(Id).collect();
        let node = |&id: &Id| {
            let peers = ids.iter().copied().filter(|other| *other != id).collect();
            // As it is in memory, and as it is on disk.
            let follow_up = if seed.is_multiple_of(2) { Duration::ZERO } else { FOLLOW_UP_ON_DISK };
            let config = Config { bugs, follow_up, ..Profile::Course.config(id, peers) };
            Node {
                config: config.into(),
                stable: Stable::new(Disk::default(), bugs),
                replica: None,
                life: 0,
                paused_until: Time(0),
                inbox: VecDeque::new(),
                turn_at: None,
                queued: BTreeMap::new(),
            }
        };
        let nodes = ids.iter().map(node).collect();
        let client = |_| Client { leader: None, waits_for: None };
        Self {
            random,
            world,
            time: Time(1),
            events: BinaryHeap::new(),
            sequence: 0,
            parcels: BTreeMap::new(),
            nodes,
            clients: (0..CLIENTS).map(client).collect(),
            side: BTreeSet::new(),
            ledger: Ledger::default(),
            next_mid: 0,
            healed: false,
            quiet: false,
            steps: 0,
        }
    }

    fn run(mut self) -> Result<Summary, Violation> {
        for node in 0..REPLICAS {
            self.start(node)?;
        }
        for client in 0..CLIENTS {
            let wait = self.micros(300_000);
            self.at(wait, Event::Act(client));
        }
        self.at(Duration::from_millis(400), Event::Fault);
        self.run_until(Time(0) + FAULTY)?;
        self.heal();
        // Clients go on for half of the quiet time: the cluster must serve them again.
        self.run_until(Time(0) + FAULTY + QUIET / 2)?;
        self.clients.iter_mut().for_each(|client| client.waits_for = None);
        self.quiet = true;
        self.run_until(Time(0) + FAULTY + QUIET)?;
        self.check_end()?;
        let (commits, completed) = (self.ledger.commits(), self.ledger.completed());
        Ok(Summary { steps: self.steps, commits, completed })
    }

    fn check_end(&self) -> Result<(), Violation> {
        let living: Vec<_> = self.nodes.iter().filter_map(|node| node.replica.as_ref()).collect();
        let leaders = living.iter().filter(|replica| replica.is_leader()).count();
        if leaders != 1 {
            return Err(format!("liveness: {leaders} leaders after a quiet time"));
        }
        let ends: BTreeSet<_> =
            living.iter().map(|replica| (replica.commit(), replica.machine().digest())).collect();
        if ends.len() != 1 {
            return Err(format!("replicas differ after a quiet time: {ends:?}"));
        }
        if !self.world.crashes {
            self.ledger.each_answered(if self.world.client_repeats { 2 } else { 1 })?;
        }
        // A leader that takes in a part of a queue and fails may execute it after the rest.
        if !self.world.crashes && self.world.loss == 0.0 && self.world.late == 0.0 {
            for node in &self.nodes {
                for spell in node.queued.values() {
                    self.ledger.in_order(spell)?;
                }
            }
        }
        Ok(())
    }

    fn run_until(&mut self, end: Time) -> Result<(), Violation> {
        while let Some((std::cmp::Reverse((time, _)), _)) = self.events.peek() {
            if *time > end {
                break;
            }
            let Some((std::cmp::Reverse((time, _)), event)) = self.events.pop() else { break };
            assert!(time >= self.time, "time never runs backwards");
            self.time = time;
            self.happen(event)?;
        }
        self.time = end;
        Ok(())
    }

    fn happen(&mut self, event: Event) -> Result<(), Violation> {
        match event {
            Event::Turn(node, life) => self.turn(node, life)?,
            Event::Deliver(parcel) => self.deliver(parcel),
            Event::Act(client) => self.act(client),
            Event::GiveUp(client, mid) => self.give_up(client, mid),
            Event::Fault => self.fault(),
            Event::Restart(node) => self.start(node)?,
        }
        Ok(())
    }

    fn at(&mut self, wait: Duration, event: Event) {
        self.sequence += 1;
        self.events.push((std::cmp::Reverse((self.time + wait, self.sequence)), event));
    }

    fn micros(&mut self, below: u64) -> Duration {
        Duration::from_micros(self.random.random_range(0..below))
    }

    fn now(&mut self) -> Now {
        Now { time: self.time, jitter: self.random.next_u32() }
    }

    // Replicas.

    fn start(&mut self, number: u16) -> Result<(), Violation> {
        let now = self.now();
        let node = &mut self.nodes[usize::from(number)];
        if node.replica.is_some() {
            return Ok(());
        }
        node.life += 1;
        let config = Config { boot: node.life, ..(*node.config).clone() };
        let saved = node.stable.load().map_err(|error| error.to_string())?;
        let replica = Replica::new(config.into(), saved, now);
        self.ledger.restarted(replica.id());
        node.replica = Some(replica);
        node.inbox.clear();
        node.turn_at = None;
        self.plan_turn(number);
        Ok(())
    }

    /// Makes sure that a replica's loop turns when it has something to do.
    fn plan_turn(&mut self, number: u16) {
        let work = self.micros(150);
        let node = &mut self.nodes[usize::from(number)];
        let Some(replica) = &node.replica else { return };
        let soon = self.time + work;
        let wanted = if node.inbox.is_empty() { replica.deadline().max(soon) } else { soon };
        let wanted = wanted.max(node.paused_until);
        if wanted < Time::NEVER && node.turn_at.is_none_or(|planned| wanted < planned) {
            node.turn_at = Some(wanted);
            let life = node.life;
            self.at(wanted.since(self.time), Event::Turn(number, life));
        }
    }

    /// One turn of a replica's loop, as the server does it.
    fn turn(&mut self, number: u16, life: u32) -> Result<(), Violation> {
        let place = usize::from(number);
        if self.nodes[place].life != life || self.nodes[place].turn_at != Some(self.time) {
            return Ok(());
        }
        self.nodes[place].turn_at = None;
        let Some(mut replica) = self.nodes[place].replica.take() else { return Ok(()) };
        for input in std::mem::take(&mut self.nodes[place].inbox) {
            self.step(&mut replica, input)?;
        }
        self.step(&mut replica, Input::Tick)?;
        let now = self.now();
        replica.flush(now);
        let early = replica.take_early();
        let torn = !early.is_empty() && self.tears();
        for message in &early {
            self.post(message);
        }
        if torn {
            self.ledger.observe(&replica)?;
            self.crash(replica.id());
            return Ok(());
        }
        let (unsaved, outputs) = replica.take_effects();
        let stable = &mut self.nodes[place].stable;
        stable.keep(now.time, &replica, unsaved).map_err(|error| error.to_string())?;
        self.ledger.observe(&replica)?;
        self.nodes[place].replica = Some(replica);
        if self.steps.is_multiple_of(50) {
            self.compare_logs()?;
        }
        for output in outputs {
            match output {
                Output::Send(message) => self.post(&message),
                Output::Reply(reply) => self.answer(&reply)?,
            }
        }
        self.plan_turn(number);
        Ok(())
    }

    fn step(&mut self, replica: &mut Replica, input: Input) -> Result<(), Violation> {
        self.steps += 1;
        let put = match &input {
            Input::Request(Request { id, operation: Operation::Put { .. } }) => Some(id.clone()),
            _ => None,
        };
        if let Input::Message(message) = &input {
            let bugs = self.nodes[usize::from(replica.id().0)].config.bugs;
            Ledger::believes(bugs, replica, message)?;
        }
        let queued = replica.queued();
        let now = self.now();
        replica.step(now, input);
        if let Some(id) = put
            && replica.queued() > queued
        {
            let queued = &mut self.nodes[usize::from(replica.id().0)].queued;
            queued.entry(replica.term()).or_default().push(id);
        }
        self.ledger.observe(replica)
    }

    fn compare_logs(&self) -> Result<(), Violation> {
        let living: Vec<_> = self.nodes.iter().filter_map(|node| node.replica.as_ref()).collect();
        for (place, one) in living.iter().enumerate() {
            for other in &living[..place] {
                Ledger::compare_logs(one, other)?;
            }
        }
        Ok(())
    }

    // The network.

    fn post(&mut self, message: &Message) {
        let copies = 1 + usize::from(self.random.random_bool(self.world.repeats));
        for _ in 0..copies {
            if !self.healed && self.random.random_bool(self.world.loss) {
                continue;
            }
            let late = !self.healed && self.random.random_bool(self.world.late);
            let wait = self.micros(self.world.latency * if late { 100 } else { 1 });
            self.send(message.to, Input::Message(message.clone()), wait);
        }
    }

    fn send(&mut self, to: Id, input: Input, wait: Duration) {
        self.sequence += 1;
        let parcel = self.sequence;
        self.parcels.insert(parcel, (to, input));
        self.at(wait, Event::Deliver(parcel));
    }

    fn deliver(&mut self, parcel: u64) {
        let Some((to, input)) = self.parcels.remove(&parcel) else { return };
        if let Input::Message(message) = &input
            && self.side.contains(&message.from) != self.side.contains(&to)
        {
            return;
        }
        let node = &mut self.nodes[usize::from(to.0)];
        if node.replica.is_some() {
            node.inbox.push_back(input);
            self.plan_turn(to.0);
        }
    }

    // Clients.

    fn act(&mut self, number: u16) {
        if self.quiet || self.clients[usize::from(number)].waits_for.is_some() {
            return;
        }
        self.next_mid += 1;
        let mid = self.next_mid;
        let key = Arc::from(format!("k{}", self.random.random_range(0..KEYS)));
        let operation = if self.random.random_bool(0.5) {
            Operation::Get { key }
        } else {
            Operation::Put { key, value: Arc::from(format!("v{mid}")) }
        };
        let id = RequestId { client: Id(REPLICAS + 16 + number), mid: Arc::from(mid.to_string()) };
        let request = Request { id, operation };
        self.ledger.ask(&request);
        let client = &mut self.clients[usize::from(number)];
        client.waits_for = Some(request.id.clone());
        let living = |id: &Id| self.nodes[usize::from(id.0)].replica.is_some();
        let known = client.leader.filter(living);
        let anyone = Id(self.random.random_range(0..REPLICAS));
        let to = known.unwrap_or(anyone);
        if !living(&to) && !self.world.crashes {
            return;
        }
        if self.world.client_repeats && self.random.random_bool(0.2) {
            let wait = self.micros(300_000);
            self.send(to, Input::Request(request.clone()), wait);
        }
        let wait = self.micros(self.world.latency);
        self.send(to, Input::Request(request), wait);
        self.at(CLIENT_TIMEOUT, Event::GiveUp(number, mid));
    }

    fn give_up(&mut self, number: u16, mid: u64) {
        let client = &mut self.clients[usize::from(number)];
        if client.waits_for.as_ref().is_some_and(|id| *id.mid == *mid.to_string()) {
            client.waits_for = None;
            client.leader = None;
            self.at(Duration::ZERO, Event::Act(number));
        }
    }

    fn answer(&mut self, reply: &Reply) -> Result<(), Violation> {
        self.ledger.answer(reply)?;
        let number = reply.id.client.0 - REPLICAS - 16;
        let client = &mut self.clients[usize::from(number)];
        if client.waits_for.as_ref() == Some(&reply.id) {
            client.waits_for = None;
            client.leader = reply.leader;
            let again = matches!(reply.outcome, Outcome::Redirect | Outcome::Fail);
            let wait = self.micros(if again { 1_000 } else { 30_000 });
            self.at(wait, Event::Act(number));
        }
        Ok(())
    }

    // Faults.

    fn fault(&mut self) {
        if self.time >= Time(0) + FAULTY {
            return;
        }
        let leader = self.nodes.iter().find_map(|node| {
            node.replica.as_ref().filter(|replica| replica.is_leader()).map(Replica::id)
        });
        let anyone = Id(self.random.random_range(0..REPLICAS));
        let victim = leader.filter(|_| self.random.random_bool(0.7)).unwrap_or(anyone);
        match self.random.random_range(0..8) {
            0 | 1 => self.side = BTreeSet::from([victim]),
            2 => self.side = BTreeSet::from([victim, Id((victim.0 + 1) % REPLICAS)]),
            3 => self.side.clear(),
            4 => self.pause(victim),
            5 => {
                self.side = BTreeSet::from([victim]);
                self.pause(victim);
            }
            _ => self.crash(victim),
        }
        let wait = Duration::from_millis(50) + self.micros(600_000);
        self.at(wait, Event::Fault);
    }

    fn pause(&mut self, victim: Id) {
        let span = Duration::from_millis(50) + self.micros(900_000);
        let node = &mut self.nodes[usize::from(victim.0)];
        node.paused_until = self.time + span;
        node.turn_at = None;
        self.plan_turn(victim.0);
    }

    /// Whether a leader crashes now: its appends have left and its disk does not have them yet.
    fn tears(&mut self) -> bool {
        self.world.crashes && !self.healed && self.random.random_bool(0.002)
    }

    fn crash(&mut self, victim: Id) {
        if self.world.crashes {
            self.nodes[usize::from(victim.0)].replica = None;
            let wait = Duration::from_millis(5) + self.micros(800_000);
            self.at(wait, Event::Restart(victim.0));
        }
    }

    fn heal(&mut self) {
        self.side.clear();
        self.healed = true;
    }
}

fn pick<'a, T>(random: &mut ChaCha8Rng, from: &'a [T]) -> &'a T {
    &from[random.random_range(0..from.len())]
}
