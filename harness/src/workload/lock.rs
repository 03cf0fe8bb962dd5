//! A lock or lease: a client that holds it releases it again, or renews it first; any other tries to acquire it.

use std::collections::BTreeSet;

use checker::Datum;

use super::{Draws, Settings, Workload};
use crate::op::{Completion, F, Op};

/// For how many milliseconds a lease is asked.
const LEASE_MS: i64 = 300;

/// A lease is renewed with this probability before it is released.
const RENEWALS: f64 = 0.4;

/// What the lock is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It is held until it is released.
    Plain,
    /// It ends by itself.
    Lease,
}

/// Clients that take a lock from each other.
pub struct Lock {
    kind: Kind,
    holders: BTreeSet<usize>,
}

impl Lock {
    /// It is free.
    pub fn new(_settings: &Settings, kind: Kind) -> Self {
        Self { kind, holders: BTreeSet::new() }
    }
}

impl Workload for Lock {
    fn next(&mut self, client: usize, draws: &mut Draws) -> Op {
        let value = match self.kind {
            Kind::Plain => Datum::Nil,
            Kind::Lease => Datum::from(LEASE_MS),
        };
        let is_renewed = draws.is(RENEWALS) && self.kind == Kind::Lease;
        match (self.holders.contains(&client), is_renewed) {
            (false, _) => Op::new(F::Acquire, value),
            (true, true) => Op::new(F::Renew, value),
            (true, false) => Op::new(F::Release, Datum::Nil),
        }
    }

    fn completed(&mut self, client: usize, op: &Op, end: &Completion) {
        // What may not have been released is tried again.
        let is_held = match end {
            Completion::Ok(_) => op.f != F::Release,
            Completion::Info(_) => op.f == F::Release,
            Completion::Fail(_) => false,
        };
        if is_held {
            self.holders.insert(client);
        } else {
            self.holders.remove(&client);
        }
    }

    fn final_ops(&mut self, _clients: usize) -> Vec<(usize, Op)> {
        // Whoever holds it lets it go; then it must be free.
        self.holders.iter().map(|&client| (client, Op::new(F::Release, Datum::Nil))).collect()
    }
}
