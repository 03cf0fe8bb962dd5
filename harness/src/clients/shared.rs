//! What clients on shared keys ask next: all on the same few keys, every written value unique, so
//! that the checker can see what one client's own keys cannot show.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::ids::NodeId;
use crate::limits;
use crate::op::F;
use crate::plan::operations::draw_shared;
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
    /// Whether any operation was answered within that time.
    pub was_served: bool,
    /// Between two operations, all clients together; `None` in a closed loop.
    pub interval: Option<Duration>,
    /// Operations that may still begin.
    pub left: Option<u64>,
    /// Operations that are due and wait for an idle client (at a given rate only).
    pub backlog: u64,
    /// Operations that fall due at the same moment.
    pub burst: u64,
    /// Whether a silence made the load a gentle one.
    pub is_gentle: bool,
    /// Operations that were due so far since `base`.
    pub due: u64,
    /// From when on operations fall due.
    pub base: RunTime,
    /// Between two operations that come evenly beside the bursts, if there are any.
    pub steady: Option<Duration>,
    /// When a client was last answered.
    pub last_answer: RunTime,
    mix: f64,
    one_shot_keys: f64,
    one_shot_names: Vec<Arc<str>>,
    clients: Vec<SharedClient>,
    /// The keys of which a put was acknowledged.
    acknowledged: BTreeSet<Arc<str>>,
}

#[derive(Clone, Debug)]
struct SharedClient {
    seed: Seed,
    drawn: u64,
    written: u64,
}

impl Shared {
    /// Clients with these seeds on `keys` keys.
    pub fn new(
        seeds: &[Seed],
        keys: usize,
        mix: f64,
        one_shot_keys: f64,
        rate: Option<f64>,
        left: Option<u64>,
        timeout: Duration,
    ) -> Self {
        let client = |&seed| SharedClient { seed, drawn: 0, written: 0 };
        Self {
            keys: (0..keys).map(|n| Arc::from(format!("k{n}"))).collect(),
            timeout,
            was_served: false,
            interval: rate.map(|rate| Duration::from_secs_f64(1.0 / rate)),
            left,
            backlog: 0,
            burst: 1,
            is_gentle: false,
            due: 0,
            base: RunTime::ZERO,
            steady: None,
            last_answer: RunTime::ZERO,
            mix,
            one_shot_keys,
            one_shot_names: Vec::new(),
            clients: seeds.iter().map(client).collect(),
            acknowledged: BTreeSet::new(),
        }
    }

    /// Number of clients.
    pub fn count(&self) -> usize {
        self.clients.len()
    }

    /// Nobody was answered for long: from now on operations come evenly, and not too many.
    pub fn be_gentle(&mut self, now: RunTime) {
        let silence = now.since(self.last_answer.max(self.base));
        if self.burst > 1 && silence >= limits::SILENCE {
            let gentle = Duration::from_secs_f64(1.0 / limits::GENTLE_RATE);
            self.interval = self.interval.map(|interval| interval.max(gentle));
            (self.burst, self.base, self.due) = (1, now, 0);
            (self.is_gentle, self.backlog) = (true, 0);
        }
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

    /// What `client` asks next. What a get of a key without value is answered is left open by the
    /// protocol, and some programs die of it: where the load has puts, such a get becomes one.
    pub fn next(&mut self, client: usize) -> (F, Arc<str>) {
        let (kind, key) = self.draw(client);
        let is_early = kind == F::Get && self.mix < 1.0 && !self.is_acknowledged(&key);
        (if is_early { F::Put } else { kind }, key)
    }

    fn draw(&mut self, client: usize) -> (F, Arc<str>) {
        let state = &mut self.clients[client];
        let n = state.drawn;
        let drawn = draw_shared(state.seed, n, self.mix, self.keys.len());
        state.drawn += 1;
        let fresh = state.seed.derive("fresh");
        if fresh.fraction(2 * n) >= self.one_shot_keys {
            return (drawn.kind, Arc::clone(&self.keys[drawn.key]));
        }
        if drawn.kind == F::Put && self.one_shot_names.len() < limits::ONE_SHOT_KEYS {
            self.one_shot_names.push(format!("f{client}.{n}").into());
            return (drawn.kind, Arc::clone(&self.one_shot_names[self.one_shot_names.len() - 1]));
        }
        let recent = self.recent_key(fresh.draw(2 * n + 1));
        (F::Get, recent.unwrap_or_else(|| Arc::clone(&self.keys[drawn.key])))
    }

    /// One of the keys that were written last, or of those that are written all the time; `None` while
    /// no write was acknowledged.
    pub fn recent_key(&self, draw: u64) -> Option<Arc<str>> {
        let recent = self.one_shot_names.len().saturating_sub(RECENT_KEYS);
        let among: Vec<&Arc<str>> = self.one_shot_names[recent..]
            .iter()
            .chain(&self.keys)
            .filter(|key| self.is_acknowledged(key))
            .collect();
        (!among.is_empty()).then(|| Arc::clone(among[seed::index(draw, among.len())]))
    }

    /// A value that was never written before: the client and a count.
    pub fn unique_value(&mut self, client: usize, id: NodeId) -> Arc<str> {
        let state = &mut self.clients[client];
        state.written += 1;
        format!("{id}.{}", state.written).into()
    }

    /// A put of `key` was acknowledged.
    pub fn put_acknowledged(&mut self, key: &str) {
        if !self.acknowledged.contains(key) {
            self.acknowledged.insert(key.into());
        }
    }

    /// Whether a put of `key` was ever acknowledged.
    pub fn is_acknowledged(&self, key: &str) -> bool {
        self.acknowledged.contains(key)
    }

    /// The keys that hold an acknowledged write.
    pub fn acknowledged_keys(&self) -> Vec<Arc<str>> {
        let keys = self.keys.iter().chain(&self.one_shot_names);
        keys.filter(|key| self.is_acknowledged(key)).cloned().collect()
    }
}
