//! Logs of messages, as Kafka has them: each client reads on from where it stands, and commits that now and then.

use std::collections::BTreeMap;

use checker::Datum;

use super::{Draws, Settings, Workload};
use crate::op::{Completion, F, Op};

/// Of the operations that send nothing, this fraction commits; as many ask for what was committed.
const COMMITS: f64 = 0.1;

/// Sends, polls, commits and questions for what was committed.
pub struct Logs {
    keys: usize,
    mix: f64,
    sent: i64,
    /// By client: the offset from which it reads each key next.
    positions: Vec<BTreeMap<String, i64>>,
}

impl Logs {
    /// All logs are empty.
    pub fn new(settings: &Settings) -> Self {
        let positions = vec![BTreeMap::new(); settings.clients];
        Self { keys: settings.keys, mix: settings.mix, sent: 0, positions }
    }

    fn key(n: usize) -> String {
        format!("k{n}")
    }

    fn poll(&self, client: usize) -> Op {
        let at = |n| {
            let key = Self::key(n);
            let at = self.positions[client].get(&key).copied().unwrap_or(0);
            (Datum::text(&key), Datum::from(at))
        };
        Op::new(F::Poll, map("offsets", Datum::map((0..self.keys).map(at).collect())))
    }

    /// What a client has read, as the last offset of each key.
    fn commit(&self, client: usize) -> Option<Op> {
        let read = self.positions[client].iter().filter(|(_, at)| **at > 0);
        let read: Vec<(Datum, Datum)> =
            read.map(|(key, at)| (Datum::text(key), Datum::from(at - 1))).collect();
        (!read.is_empty()).then(|| Op::new(F::Commit, map("offsets", Datum::map(read))))
    }
}

fn map(name: &str, value: Datum) -> Datum {
    Datum::map(vec![(Datum::text(name), value)])
}

impl Workload for Logs {
    fn next(&mut self, client: usize, draws: &mut Draws) -> Op {
        let (asks, draw) = (draws.is(self.mix), draws.below(1000) as f64 / 1000.0);
        let key = draws.below(self.keys);
        if !asks {
            self.sent += 1;
            let entry = |name: &str, value| (Datum::text(name), value);
            let message =
                vec![entry("key", Datum::text(&Self::key(key))), entry("msg", self.sent.into())];
            return Op::new(F::Send, Datum::map(message));
        }
        if draw < COMMITS
            && let Some(commit) = self.commit(client)
        {
            return commit;
        }
        if draw > 1.0 - COMMITS {
            let keys = (0..self.keys).map(|n| Datum::text(&Self::key(n))).collect();
            return Op::new(F::Committed, map("keys", Datum::List(keys)));
        }
        self.poll(client)
    }

    fn completed(&mut self, client: usize, op: &Op, end: &Completion) {
        let (F::Poll, Completion::Ok(Datum::Map(logs))) = (op.f, end) else { return };
        for (key, read) in logs {
            let (Datum::Text(key), Datum::List(read)) = (key, read) else { continue };
            let offset = |pair: &Datum| match pair {
                Datum::List(pair) => match pair.first() {
                    Some(Datum::Integer(at)) => Some(*at),
                    _ => None,
                },
                _ => None,
            };
            if let Some(last) = read.iter().filter_map(offset).max() {
                let position = self.positions[client].entry(key.to_string()).or_default();
                *position = (*position).max(last.saturating_add(1));
            }
        }
    }

    fn final_ops(&mut self, clients: usize) -> Vec<(usize, Op)> {
        // Each reads on from where it stands, then all from the beginning.
        let ahead: Vec<(usize, Op)> =
            (0..clients).map(|client| (client, self.poll(client))).collect();
        self.positions.iter_mut().for_each(BTreeMap::clear);
        let all = (0..clients).map(|client| (client, self.poll(client)));
        ahead.into_iter().chain(all).collect()
    }
}
