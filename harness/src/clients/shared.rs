//! What clients on shared keys ask next: all on the same few keys, every written value unique, so
//! that the checker can see what one client's own keys cannot show.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::ids::NodeId;
use crate::limits;
use crate::plan::operations::draw_shared;
use crate::run::record::{OpKind, SettlingOperation};
use crate::seed::{self, Seed};
use crate::time::RunTime;

/// A key that was written once is read by chance as long as it is among so many last ones.
const RECENT_KEYS: usize = 8;

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
    fresh: f64,
    fresh_keys: Vec<Arc<str>>,
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
        fresh: f64,
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
            fresh,
            fresh_keys: Vec::new(),
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
        let n = state.drawn;
        let drawn = draw_shared(state.seed, n, self.mix, self.keys.len());
        state.drawn += 1;
        let fresh = state.seed.derive("fresh");
        if fresh.fraction(2 * n) >= self.fresh {
            return (drawn.kind, Arc::clone(&self.keys[drawn.key]));
        }
        if drawn.kind == OpKind::Put && self.fresh_keys.len() < limits::FRESH_KEYS {
            self.fresh_keys.push(format!("f{client}.{n}").into());
            return (drawn.kind, Arc::clone(&self.fresh_keys[self.fresh_keys.len() - 1]));
        }
        (OpKind::Get, self.recent_key(fresh.draw(2 * n + 1)))
    }

    /// One of the keys that were written last, or of those that are written all the time.
    pub fn recent_key(&self, draw: u64) -> Arc<str> {
        let recent = self.fresh_keys.len().saturating_sub(RECENT_KEYS);
        let among: Vec<&Arc<str>> = self.fresh_keys[recent..].iter().chain(&self.keys).collect();
        Arc::clone(among[seed::index(draw, among.len())])
    }

    /// A value that nobody wrote before: who writes, and the how-manieth.
    pub fn fresh_value(&mut self, client: usize, id: NodeId) -> Arc<str> {
        let state = &mut self.clients[client];
        state.written += 1;
        format!("{id}.{}", state.written).into()
    }

    /// Plans what is asked after the healing: each key is read by several clients, and each client
    /// writes once, up to a limit. The reads come first: a write would hide what was lost.
    pub fn plan_settling(&mut self, id_of: impl Fn(usize) -> NodeId) {
        let keys: Vec<Arc<str>> = self.keys.iter().chain(&self.fresh_keys).cloned().collect();
        let count = self.clients.len();
        let readers = limits::FINAL_READERS.min(count);
        let reads = (0..readers).flat_map(|reader| {
            (0..keys.len()).map(move |key| ((key + reader) % count, OpKind::Get, key))
        });
        let writes = (0..count).map(|client| (client, OpKind::Put, client % self.keys.len()));
        for (client, kind, key) in
            reads.take(limits::FINAL_OPERATIONS).chain(writes).collect::<Vec<_>>()
        {
            self.clients[client].settling.push_back(self.settling.len());
            self.settling.push(SettlingOperation {
                client: id_of(client),
                kind,
                key: Arc::clone(&keys[key]),
                started: None,
                answered: None,
            });
        }
    }

    /// `client` was not answered: it asks the others first, since a read may wait for a write.
    pub fn postpone(&mut self, client: usize) {
        if let Some(state) = self.clients.get_mut(client)
            && let Some(place) = state.settling.pop_front()
        {
            state.settling.push_back(place);
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
