//! What clients on shared keys ask next: all on the same few keys, every written value unique, so
//! that the checker can see what one client's own keys cannot show.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::ids::NodeId;
use crate::limits;
use crate::plan::operations::draw_shared;
use crate::run::record::{OpKind, SettlingOperation};
use crate::seed::Seed;
use crate::time::RunTime;

/// The shared clients' common settings, and what each of them is at.
#[derive(Clone, Debug)]
pub struct Shared {
    /// The names of the keys.
    pub keys: Vec<Arc<str>>,
    /// An operation not answered within this time is given up.
    pub timeout: Duration,
    /// Between two operations, all clients together; `None` in a closed loop.
    pub interval: Option<Duration>,
    /// Operations that may still begin.
    pub left: Option<u64>,
    /// Operations that are due and wait for an idle client (at a given rate only).
    pub backlog: u64,
    /// Operations that fell due so far.
    pub due: u64,
    mix: f64,
    clients: Vec<SharedClient>,
    /// What is asked after the healing.
    pub settling: Vec<SettlingOperation>,
}

#[derive(Clone, Debug)]
struct SharedClient {
    seed: Seed,
    drawn: u64,
    written: u64,
    settling: VecDeque<usize>,
}

impl Shared {
    /// Clients with these seeds on `keys` keys.
    pub fn new(
        seeds: &[Seed],
        keys: usize,
        mix: f64,
        rate: Option<f64>,
        left: Option<u64>,
        timeout: Duration,
    ) -> Self {
        let client = |&seed| SharedClient { seed, drawn: 0, written: 0, settling: VecDeque::new() };
        Self {
            keys: (0..keys).map(|n| Arc::from(format!("k{n}"))).collect(),
            timeout,
            interval: rate.map(|rate| Duration::from_secs_f64(1.0 / rate)),
            left,
            backlog: 0,
            due: 0,
            mix,
            clients: seeds.iter().map(client).collect(),
            settling: Vec::new(),
        }
    }

    /// Number of clients.
    pub fn count(&self) -> usize {
        self.clients.len()
    }

    /// Whether a client that is idle in the request phase may ask now; takes its leave if so.
    pub fn may_ask(&mut self) -> bool {
        if self.left == Some(0) || (self.interval.is_some() && self.backlog == 0) {
            return false;
        }
        self.left = self.left.map(|left| left - 1);
        self.backlog = self.backlog.saturating_sub(1);
        true
    }

    /// What `client` asks next.
    pub fn next(&mut self, client: usize) -> (OpKind, Arc<str>) {
        let state = &mut self.clients[client];
        let drawn = draw_shared(state.seed, state.drawn, self.mix, self.keys.len());
        state.drawn += 1;
        (drawn.kind, Arc::clone(&self.keys[drawn.key]))
    }

    /// A value that nobody wrote before: who writes, and the how-manieth.
    pub fn fresh_value(&mut self, client: usize, id: NodeId) -> Arc<str> {
        let state = &mut self.clients[client];
        state.written += 1;
        format!("{id}.{}", state.written).into()
    }

    /// Plans what is asked after the healing: each client writes once, then each key is read by
    /// several clients, up to a limit.
    pub fn plan_settling(&mut self, id_of: impl Fn(usize) -> NodeId) {
        let (count, keys) = (self.clients.len(), self.keys.len());
        let writes = (0..count).map(|client| (client, OpKind::Put, client % keys));
        let readers = limits::FINAL_READERS.min(count);
        let reads = (0..readers).flat_map(|reader| {
            (0..keys).map(move |key| ((key + reader) % count, OpKind::Get, key))
        });
        for (client, kind, key) in writes.chain(reads).take(limits::FINAL_OPERATIONS) {
            self.clients[client].settling.push_back(self.settling.len());
            self.settling.push(SettlingOperation {
                client: id_of(client),
                kind,
                key: Arc::clone(&self.keys[key]),
                started: None,
                answered: None,
            });
        }
    }

    /// What `client` has to ask now that the faults are over, with its place in the plan.
    pub fn next_settling(&mut self, client: usize, now: RunTime) -> Option<usize> {
        let place = *self.clients[client].settling.front()?;
        self.settling[place].started.get_or_insert(now);
        Some(place)
    }

    /// `client` was answered.
    pub fn settled(&mut self, client: usize, now: RunTime) {
        if let Some(place) = self.clients[client].settling.pop_front() {
            self.settling[place].answered = Some(now);
        }
    }

    /// Whether everything after the healing was answered.
    pub fn is_settled(&self) -> bool {
        self.clients.iter().all(|client| client.settling.is_empty())
    }
}
