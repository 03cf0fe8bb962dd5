//! Who can know of which put, and of whose knowledge.
//!
//! Of each put that waits for its answer, each replica has the set of those replicas of which it can know that they
//! can know of the put. A request brings a replica into its own set. A message brings the sender's set, as it was when
//! the message was sent, into the receiver's, and the receiver with it.
//!
//! Each growth of a sender's set is one [`Growth`] in its list, in the order of time; so what a message carries is the
//! list up to the time at which it was sent, and what the receiver has of that is a place in the list. Each growth is
//! looked at once by each receiver, however many messages there are.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::unseen::Brought;
use super::{Carrier, DurabilityRecord, EarlyAcknowledgement, Knower};
use crate::ids::NodeId;
use crate::time::RunTime;

/// A set of replicas, a bit each, by their places.
type Set = u64;

/// A list is looked through for what is over when it is so much longer than after the last time.
const SLACK: usize = 1024;

/// What the replicas of a run can know of the puts that wait for their answers.
#[derive(Debug)]
pub struct Knowledge {
    replicas: Vec<NodeId>,
    puts: BTreeMap<u64, Put>,
    /// By the place of the replica: its lives, each until it forgot everything; the last goes on.
    lives: Vec<Vec<Life>>,
    record: DurabilityRecord,
    brought: Brought,
    /// The type of a request, to be shared.
    put: Arc<str>,
}

/// A put that waits for its answer.
#[derive(Debug)]
struct Put {
    /// By the place of the replica, its set.
    sets: Vec<Set>,
    /// By the place of the replica, since when it can know of the put; also after it forgot it, because others can
    /// have heard of that.
    since: Vec<Option<RunTime>>,
    carriers: Vec<Carried>,
}

/// How news of a put came to a replica.
#[derive(Clone, Debug)]
struct Carried {
    from: NodeId,
    to: NodeId,
    kind: Arc<str>,
    sent: RunTime,
    arrived: RunTime,
}

impl From<&Carried> for Carrier {
    fn from(carried: &Carried) -> Self {
        let Carried { from, to, kind, sent, arrived } = carried;
        Self { from: *from, to: *to, kind: kind.to_string(), sent: *sent, arrived: *arrived }
    }
}

/// What a replica can have told from one start to the next.
#[derive(Debug)]
struct Life {
    /// Until when what it sent tells of this.
    until: RunTime,
    growths: Vec<Growth>,
    /// By the place of the receiver, how many of these it has heard of.
    heard: Vec<usize>,
    /// The length at which the list is next looked through.
    look_through_at: usize,
}

/// A replica's set for a put grew.
#[derive(Clone, Copy, Debug)]
struct Growth {
    at: RunTime,
    put: u64,
    set: Set,
}

/// A message that a replica got.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// The replica that sent it.
    pub from: NodeId,
    /// The replica that got it.
    pub to: NodeId,
    /// Its type.
    pub kind: &'a Arc<str>,
    /// When it was sent.
    pub sent: RunTime,
    /// When it arrived.
    pub at: RunTime,
}

impl Life {
    fn new(replicas: usize) -> Self {
        Self {
            until: RunTime(u64::MAX),
            growths: Vec::new(),
            heard: vec![0; replicas],
            look_through_at: SLACK,
        }
    }

    /// What a message that was sent then tells this receiver that it has not heard.
    fn news(&mut self, receiver: usize, sent: RunTime) -> Vec<Growth> {
        let begin = self.heard[receiver];
        let end = self.growths.partition_point(|growth| growth.at <= sent);
        if begin >= end {
            return Vec::new();
        }
        self.heard[receiver] = end;
        self.growths[begin..end].to_vec()
    }

    fn grew(&mut self, growth: Growth, puts: &BTreeMap<u64, Put>) {
        self.growths.push(growth);
        if self.growths.len() < self.look_through_at {
            return;
        }
        // Of puts that are over nothing needs to be told.
        let kept = |growth: &Growth| puts.contains_key(&growth.put);
        for heard in &mut self.heard {
            *heard = self.growths[..*heard].iter().filter(|growth| kept(growth)).count();
        }
        self.growths.retain(kept);
        self.look_through_at = 2 * self.growths.len() + SLACK;
    }
}

impl Knowledge {
    /// Of these replicas, of which `required` have to be able to know of a put.
    ///
    /// # Panics
    ///
    /// With more than 64 replicas.
    pub fn new(replicas: &[NodeId], required: Option<usize>) -> Self {
        assert!(replicas.len() <= 64, "a set of replicas has 64 bits");
        Self {
            replicas: replicas.to_vec(),
            puts: BTreeMap::new(),
            lives: replicas.iter().map(|_| vec![Life::new(replicas.len())]).collect(),
            record: DurabilityRecord { required, ..DurabilityRecord::default() },
            brought: Brought::new(replicas.len()),
            put: Arc::from("put"),
        }
    }

    fn place(&self, id: NodeId) -> Option<usize> {
        self.replicas.iter().position(|&replica| replica == id)
    }

    /// A client sends a put to a replica: for the first time, or again. The replica can know of it from now on.
    pub fn asked(&mut self, now: RunTime, put: u64, client: NodeId, to: NodeId) {
        if self.record.required.is_none() {
            return;
        }
        let Some(place) = self.place(to) else { return };
        let count = self.replicas.len();
        let new = || Put { sets: vec![0; count], since: vec![None; count], carriers: Vec::new() };
        self.puts.entry(put).or_insert_with(new);
        let kind = Arc::clone(&self.put);
        let carrier = Carried { from: client, to, kind, sent: now, arrived: now };
        self.learn(now, put, place, 1 << place, || carrier);
    }

    /// A replica got a message of another.
    pub fn arrived(&mut self, arrival: &Arrival<'_>) {
        if self.record.required.is_none() {
            return;
        }
        let places = self.place(arrival.from).zip(self.place(arrival.to));
        if let Some((from, to)) = places {
            self.brought.message(from, arrival.sent, to);
        }
        if self.puts.is_empty() {
            return;
        }
        let Some((from, to)) = places else { return };
        let Some(life) = self.lives[from].iter_mut().find(|life| arrival.sent <= life.until) else {
            return;
        };
        for Growth { put, set, .. } in life.news(to, arrival.sent) {
            self.learn(arrival.at, put, to, set | 1 << to, || Carried {
                from: arrival.from,
                to: arrival.to,
                kind: Arc::clone(arrival.kind),
                sent: arrival.sent,
                arrived: arrival.at,
            });
        }
    }

    fn learn(
        &mut self,
        now: RunTime,
        id: u64,
        place: usize,
        news: Set,
        carrier: impl FnOnce() -> Carried,
    ) {
        let Some(put) = self.puts.get_mut(&id) else { return };
        let set = put.sets[place] | news;
        if set == put.sets[place] {
            return;
        }
        put.sets[place] = set;
        put.since[place].get_or_insert(now);
        put.carriers.push(carrier());
        if let Some(life) = self.lives[place].last_mut() {
            life.grew(Growth { at: now, put: id, set }, &self.puts);
        }
    }

    /// A replica was started again, and has lost what it knew.
    pub fn forgot(&mut self, now: RunTime, id: NodeId) {
        let Some(place) = self.place(id) else { return };
        for put in self.puts.values_mut() {
            put.sets[place] = 0;
        }
        for life in self.lives.iter_mut().flatten() {
            life.heard[place] = 0;
        }
        let lives = &mut self.lives[place];
        if let Some(life) = lives.last_mut() {
            life.until = now;
        }
        let puts = &self.puts;
        lives.retain(|life| life.growths.iter().any(|growth| puts.contains_key(&growth.put)));
        lives.push(Life::new(self.replicas.len()));
    }

    /// A replica acknowledged a put, and a client heard it.
    pub fn acknowledged(&mut self, now: RunTime, id: u64, by: NodeId) {
        let Some(required) = self.record.required else { return };
        let (Some(place), Some(put)) = (self.place(by), self.puts.get(&id)) else { return };
        self.record.acknowledged += 1;
        let heard = put.sets[place] | 1 << place;
        if heard.count_ones() as usize >= required {
            return;
        }
        self.record.early += 1;
        if self.record.first.is_some() {
            return;
        }
        let replicas = self.replicas.iter().enumerate().map(|(n, &id)| Knower {
            id,
            since: put.since[n],
            is_heard: heard & 1 << n != 0,
        });
        self.record.first = Some(EarlyAcknowledgement {
            operation: id,
            by,
            at: now,
            replicas: replicas.collect(),
            messages: put.carriers.iter().map(Carrier::from).collect(),
        });
    }

    /// A client brings a value to a replica.
    pub fn brought(&mut self, now: RunTime, key: &Arc<str>, value: &Arc<str>, to: NodeId) {
        if let Some(place) = self.place(to).filter(|_| self.record.required.is_some()) {
            self.brought.put(now, key, value, place);
        }
    }

    /// A replica answered a read with this value.
    pub fn read(&mut self, now: RunTime, key: &Arc<str>, value: &Arc<str>, by: NodeId) {
        if let Some(place) = self.place(by) {
            self.brought.read(now, key, value, (place, by));
        }
    }

    /// An operation has ended.
    pub fn over(&mut self, operation: u64) {
        self.puts.remove(&operation);
    }

    /// What was seen.
    pub fn into_record(self) -> DurabilityRecord {
        DurabilityRecord { unseen: self.brought.into_found(), ..self.record }
    }
}

#[cfg(test)]
mod tests;
