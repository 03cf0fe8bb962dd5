//! The recovery phase: operations after the healing, each retried until it is answered.
//!
//! Each key that holds an acknowledged write is read by several clients. Then each client writes a
//! key of its own and reads it back: not one of the others, since a write would hide what was lost.
//!
//! The protocol leaves open what a get of a key without value is answered; many programs answer
//! `fail`. So does one that has lost the key. A refusal may also mean "not now": it is asked
//! again, and taken for "no such key" only when several clients were refused for half of the time
//! in which everything must be answered, while each of them was served other keys.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::ids::NodeId;
use crate::limits;
use crate::op::{F, RecoveryOperation};
use crate::time::RunTime;

/// All operations of the recovery phase, and what became of them.
#[derive(Clone, Debug, Default)]
pub struct Recovery {
    asked: Vec<RecoveryOperation>,
    clients: Vec<Turns>,
    refusals: BTreeMap<Arc<str>, Refusals>,
}

/// What one client still has to ask.
#[derive(Clone, Debug, Default)]
struct Turns {
    places: VecDeque<usize>,
    /// Whether it has written and read a key of its own.
    is_served: bool,
}

/// The clients that were refused a key although served otherwise, and since when.
#[derive(Clone, Debug)]
struct Refusals {
    since: RunTime,
    clients: BTreeSet<usize>,
}

impl Recovery {
    /// Plans it, up to a limit, for the clients with these ids.
    pub fn plan(ids: &[NodeId], keys: &[Arc<str>]) -> Self {
        let count = ids.len();
        let mut recovery = Self { clients: vec![Turns::default(); count], ..Self::default() };
        let readers = limits::FINAL_READERS.min(count);
        let reads = (0..readers)
            .flat_map(|reader| (0..keys.len()).map(move |key| ((key + reader) % count, key)));
        for (client, key) in reads.take(limits::FINAL_OPERATIONS) {
            recovery.add(client, ids[client], F::Get, Arc::clone(&keys[key]));
        }
        for (client, &id) in ids.iter().enumerate() {
            recovery.add(client, id, F::Put, format!("end.{id}").into());
        }
        recovery
    }

    fn add(&mut self, client: usize, id: NodeId, f: F, key: Arc<str>) {
        self.clients[client].places.push_back(self.asked.len());
        self.asked.push(RecoveryOperation { client: id, f, key, started: None, answered: None });
    }

    /// What `client` has to ask next.
    pub fn next(&mut self, client: usize, now: RunTime) -> Option<(F, Arc<str>)> {
        let place = *self.clients[client].places.front()?;
        let operation = &mut self.asked[place];
        operation.started.get_or_insert(now);
        Some((operation.f, Arc::clone(&operation.key)))
    }

    /// `client` was not answered: it asks the others first, since a read may wait for a write.
    pub fn postpone(&mut self, client: usize) {
        if let Some(turns) = self.clients.get_mut(client) {
            let first = turns.places.pop_front();
            turns.places.extend(first);
        }
    }

    /// `client` was answered `ok`.
    pub fn answered(&mut self, client: usize, now: RunTime) {
        let key = self.take(client, now);
        self.refusals.retain(|refused, _| Some(refused) != key.as_ref());
    }

    /// `client` was told by so many refusals that the key is gone.
    pub fn given_up(&mut self, client: usize, now: RunTime) {
        self.take(client, now);
    }

    fn take(&mut self, client: usize, now: RunTime) -> Option<Arc<str>> {
        let place = self.clients[client].places.pop_front()?;
        let operation = &mut self.asked[place];
        operation.answered = Some(now);
        let (id, kind, key) = (operation.client, operation.f, Arc::clone(&operation.key));
        if kind == F::Get {
            self.clients[client].is_served |= *key == *format!("end.{id}");
        } else {
            self.add(client, id, F::Get, Arc::clone(&key));
        }
        Some(key)
    }

    /// `client` was answered `fail`: whether that means that the key it asked for is gone, by what
    /// others were told and for how long.
    pub fn refused(&mut self, client: usize, now: RunTime, bound: Duration) -> bool {
        let turns = &self.clients[client];
        let Some(&place) = turns.places.front() else { return false };
        let operation = &self.asked[place];
        if !turns.is_served || operation.f == F::Put {
            return false;
        }
        let new = Refusals { since: now, clients: BTreeSet::new() };
        let refusals = self.refusals.entry(Arc::clone(&operation.key)).or_insert(new);
        refusals.clients.insert(client);
        let enough = 2.min(self.clients.len());
        refusals.clients.len() >= enough && now.since(refusals.since) >= bound / 2
    }

    /// Whether something waits in vain.
    pub fn is_stalled(&self, now: RunTime, bound: Duration) -> bool {
        RecoveryOperation::are_stalled(&self.asked, now, bound)
    }

    /// Whether everything was answered.
    pub fn is_over(&self) -> bool {
        self.clients.iter().all(|turns| turns.places.is_empty())
    }

    /// What was asked, in the order of the plan.
    pub fn into_asked(self) -> Vec<RecoveryOperation> {
        self.asked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUND: Duration = Duration::from_secs(2);

    fn at(ms: u64) -> RunTime {
        RunTime(ms * 1_000_000)
    }

    /// Two clients after the healing, and one key that was written.
    fn two_clients() -> Recovery {
        Recovery::plan(&[NodeId(21), NodeId(22)], &["k".into()])
    }

    /// Lets `client` be answered all but the reads of the key.
    fn serve(recovery: &mut Recovery, client: usize) {
        for _ in 0..4 {
            match recovery.next(client, at(0)) {
                Some((_, key)) if *key != *"k" => recovery.answered(client, at(0)),
                _ => recovery.postpone(client),
            }
        }
    }

    #[test]
    fn each_key_is_read_by_several_then_each_client_reads_what_it_writes() {
        let mut recovery = two_clients();
        let mut asked = Vec::new();
        for client in [0, 1] {
            while let Some((kind, key)) = recovery.next(client, at(1)) {
                asked.push((client, kind, key.to_string()));
                recovery.answered(client, at(2));
            }
        }
        let (get, put) = (F::Get, F::Put);
        let expected = [
            (0, get, "k"),
            (0, put, "end.0015"),
            (0, get, "end.0015"),
            (1, get, "k"),
            (1, put, "end.0016"),
            (1, get, "end.0016"),
        ];
        assert_eq!(asked, expected.map(|(client, kind, key)| (client, kind, key.to_owned())));
        assert!(recovery.is_over());
    }

    #[test]
    fn a_key_is_gone_when_several_are_refused_for_long_and_served_otherwise() {
        let mut recovery = two_clients();
        assert!(!recovery.refused(0, at(0), BOUND), "no client was served yet");
        assert!(!recovery.refused(0, at(9000), BOUND), "for however long");
        serve(&mut recovery, 0);
        assert_eq!(recovery.next(0, at(0)).map(|(_, key)| key.to_string()), Some("k".into()));
        assert!(!recovery.refused(0, at(10_000), BOUND), "for no time");
        assert!(!recovery.refused(0, at(12_000), BOUND), "one client only");
        serve(&mut recovery, 1);
        assert!(recovery.refused(1, at(12_000), BOUND));
    }

    #[test]
    fn the_last_questions_end_when_nobody_answers_any_more() {
        let mut recovery = two_clients();
        assert!(!recovery.is_stalled(at(9000), BOUND), "nothing was asked");
        recovery.next(0, at(0));
        recovery.next(1, at(0));
        assert!(!recovery.is_stalled(at(2900), BOUND), "there is time left");
        assert!(recovery.is_stalled(at(3100), BOUND));
        recovery.answered(0, at(2500));
        assert!(!recovery.is_stalled(at(3100), BOUND), "one was just answered");
        assert!(recovery.is_stalled(at(3600), BOUND), "the other one waits for ever");
        recovery.answered(1, at(3700));
        assert!(!recovery.is_stalled(at(9000), BOUND), "the others were not asked yet");
    }

    #[test]
    fn a_key_that_anybody_read_is_not_gone() {
        let mut recovery = two_clients();
        serve(&mut recovery, 0);
        serve(&mut recovery, 1);
        assert!(!recovery.refused(0, at(0), BOUND));
        recovery.answered(1, at(500));
        assert!(!recovery.refused(0, at(1500), BOUND), "the time begins anew");
    }
}
