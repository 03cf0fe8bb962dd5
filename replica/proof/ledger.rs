//! What must hold of a cluster, watched from outside of it, step by step.
//!
//! The properties of figure 3 of the paper, and what clients may see. Because the ledger knows
//! the committed log, it needs no search to judge the clients' history: a put takes effect at its
//! place in the log, a get must fit at some place, and both must lie behind everything that was
//! completed before they were asked. That is linearizability with the order of writes given.

use std::collections::BTreeMap;
use std::sync::Arc;

use replica::bugs::Bugs;
use replica::core::{
    Command, Entry, Id, Index, Message, Operation, Outcome, Replica, Reply, Request, RequestId,
    Term,
};

/// A sentence on what does not hold.
pub type Violation = String;

type Dictionary = BTreeMap<Arc<str>, Arc<str>>;

/// One request as its client sees it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Asked {
    request: Request,
    /// How far the log was known to be committed by completed operations when this was asked.
    floor: u64,
    answers: usize,
    refused: bool,
}

/// Everything seen so far.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ledger {
    leaders: BTreeMap<Term, Id>,
    /// The committed entries, each with the term in which it was committed.
    committed: Vec<(Entry, Term)>,
    /// The dictionary after each committed entry, beginning with the empty one.
    versions: Vec<Dictionary>,
    /// Where each request took effect.
    effects: BTreeMap<RequestId, u64>,
    /// Up to where each replica has been compared, by life.
    compared: BTreeMap<Id, Index>,
    floor: u64,
    asked: BTreeMap<RequestId, Asked>,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            leaders: BTreeMap::new(),
            committed: Vec::new(),
            versions: vec![Dictionary::new()],
            effects: BTreeMap::new(),
            compared: BTreeMap::new(),
            floor: 0,
            asked: BTreeMap::new(),
        }
    }
}

fn ensure(holds: bool, story: impl FnOnce() -> String) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(story()) }
}

impl Ledger {
    /// A replica starts again: it knows of no commits yet.
    pub fn restarted(&mut self, id: Id) {
        self.compared.remove(&id);
    }

    /// Compares a replica with everything seen before. To be called after each of its steps.
    pub fn observe(&mut self, replica: &Replica) -> Result<(), Violation> {
        self.observe_leader(replica)?;
        self.observe_commits(replica)
    }

    /// Election safety and leader completeness.
    fn observe_leader(&mut self, replica: &Replica) -> Result<(), Violation> {
        if !replica.is_leader() {
            return Ok(());
        }
        let (id, term) = (replica.id(), replica.term());
        let first = *self.leaders.entry(term).or_insert(id);
        ensure(first == id, || format!("election safety: {first} and {id} both lead {term:?}"))?;
        for (place, (entry, committed_in)) in self.committed.iter().enumerate() {
            let own = replica.log().get(Index(place as u64 + 1));
            ensure(own == Some(entry) || *committed_in >= term, || {
                format!(
                    "leader completeness: {id} leads {term:?} without the committed {entry:?} at \
                     {}: it has {own:?}",
                    place + 1
                )
            })?;
        }
        Ok(())
    }

    /// State machine safety, and the dictionary that follows from it.
    fn observe_commits(&mut self, replica: &Replica) -> Result<(), Violation> {
        let compared = self.compared.get(&replica.id()).copied().unwrap_or_default();
        if compared == replica.commit() {
            return Ok(());
        }
        let mut index = compared;
        while index < replica.commit() {
            index = index.next();
            let entry = replica.log().get(index).ok_or_else(|| {
                format!("{} has committed {index:?} and does not have it", replica.id())
            })?;
            self.observe_commit(replica, index, entry)?;
        }
        self.compared.insert(replica.id(), index);
        let place = usize::try_from(index.0).unwrap_or(usize::MAX);
        let expected = &self.versions[place];
        let same = expected.len() == replica.machine().len()
            && expected.iter().all(|(key, value)| replica.machine().get(key) == *value);
        ensure(same, || {
            format!("{}: its dictionary is not what its log says at {index:?}", replica.id())
        })
    }

    fn observe_commit(
        &mut self,
        replica: &Replica,
        index: Index,
        entry: &Entry,
    ) -> Result<(), Violation> {
        let id = replica.id();
        let place = usize::try_from(index.0 - 1).unwrap_or(usize::MAX);
        if let Some((known, _)) = self.committed.get(place) {
            return ensure(known == entry, || {
                format!("state machine safety: {id} applies {entry:?} at {index:?}, not {known:?}")
            });
        }
        self.committed.push((entry.clone(), replica.term()));
        let mut version = self.versions.last().cloned().unwrap_or_default();
        if let Command::Put { id, key, value } = &entry.command
            && !self.effects.contains_key(id)
        {
            version.insert(Arc::clone(key), Arc::clone(value));
            self.effects.insert(id.clone(), index.0);
            self.check_wanted(id, key, value)?;
        }
        self.versions.push(version);
        Ok(())
    }

    /// A put that takes effect was asked for, with these words, and not refused.
    fn check_wanted(
        &self,
        id: &RequestId,
        key: &Arc<str>,
        value: &Arc<str>,
    ) -> Result<(), Violation> {
        let asked = self.asked.get(id).ok_or_else(|| format!("{id:?} was never asked"))?;
        let wanted = Operation::Put { key: Arc::clone(key), value: Arc::clone(value) };
        ensure(asked.request.operation == wanted, || {
            format!("{:?} is executed as {wanted:?}", asked.request)
        })?;
        ensure(!asked.refused, || format!("{id:?} was refused and takes effect"))
    }

    /// What replicas say to one another is never taken for a lie, however late it arrives. With a bug
    /// it may be one.
    pub fn believes(bugs: Bugs, replica: &Replica, message: &Message) -> Result<(), Violation> {
        let objection = replica.objection(message).filter(|_| bugs == Bugs::default());
        ensure(objection.is_none(), || {
            format!("{} drops a true message, {message:?}: {objection:?}", replica.id())
        })
    }

    /// Log matching, between any two logs.
    pub fn compare_logs(one: &Replica, other: &Replica) -> Result<(), Violation> {
        let mut index = one.log().last_index().min(other.log().last_index());
        while index.0 > 0 && one.log().term_at(index) != other.log().term_at(index) {
            index = index.previous();
        }
        while index.0 > 0 {
            ensure(one.log().get(index) == other.log().get(index), || {
                format!("log matching: {} and {} differ at {index:?}", one.id(), other.id())
            })?;
            index = index.previous();
        }
        Ok(())
    }

    /// A client asks.
    pub fn ask(&mut self, request: &Request) {
        let (request, floor) = (request.clone(), self.floor);
        let asked = Asked { request, floor, answers: 0, refused: false };
        self.asked.insert(asked.request.id.clone(), asked);
    }

    /// A client is answered.
    pub fn answer(&mut self, reply: &Reply) -> Result<(), Violation> {
        let id = &reply.id;
        let asked =
            self.asked.get_mut(id).ok_or_else(|| format!("an answer to nothing: {id:?}"))?;
        asked.answers += 1;
        match (&reply.outcome, &asked.request.operation) {
            (Outcome::Value(value), Operation::Get { key }) => {
                let floor = usize::try_from(asked.floor).unwrap_or(usize::MAX);
                let read = |version: &Dictionary| version.get(key).cloned().unwrap_or_default();
                let places = self.versions.iter().enumerate().skip(floor);
                let place = places.clone().find(|(_, version)| read(version) == *value);
                let (place, _) = place.ok_or_else(|| {
                    format!(
                        "linearizability: {id:?} reads {value:?} from {key:?}, which at no time \
                         since it was asked was its value: {:?}",
                        places.map(|(_, version)| read(version)).collect::<Vec<_>>()
                    )
                })?;
                self.floor = self.floor.max(place as u64);
                Ok(())
            }
            (Outcome::Done, Operation::Put { .. }) => {
                let place = *self
                    .effects
                    .get(id)
                    .ok_or_else(|| format!("{id:?} is acknowledged and not committed"))?;
                ensure(place > asked.floor || asked.answers > 1, || {
                    format!("linearizability: {id:?} takes effect before it was asked")
                })?;
                self.floor = self.floor.max(place);
                Ok(())
            }
            (Outcome::Redirect | Outcome::Fail, _) => {
                asked.refused = true;
                ensure(!self.effects.contains_key(id), || {
                    format!("{id:?} has taken effect and is refused")
                })
            }
            (outcome, operation) => Err(format!("{operation:?} is answered with {outcome:?}")),
        }
    }

    /// How many requests have had an answer other than a redirect.
    pub fn completed(&self) -> usize {
        self.asked.values().filter(|asked| asked.answers > 0 && !asked.refused).count()
    }

    /// How many entries are committed.
    pub fn commits(&self) -> usize {
        self.committed.len()
    }

    /// After a quiet time, if no replica that may have held it died: every request is answered,
    /// and once for each time it was delivered. Once more is possible, if an acknowledgement of
    /// a queue was lost with the leader that gave it: it is unknown then whether that leader
    /// has answered, and silence would be worse.
    pub fn each_answered(&self, delivered: usize) -> Result<(), Violation> {
        self.asked.iter().try_for_each(|(id, asked)| {
            let good = (1..=delivered + 1).contains(&asked.answers);
            ensure(good, || format!("{id:?} has {} answers", asked.answers))
        })?;
        let again = self.asked.values().filter(|asked| asked.answers > delivered).count();
        let rare = again * 100 <= self.asked.len();
        ensure(rare, || format!("{again} of {} requests answered twice", self.asked.len()))
    }

    /// Requests of one queue took effect in the order in which they came.
    pub fn in_order(&self, queued: &[RequestId]) -> Result<(), Violation> {
        let places: Vec<_> = queued.iter().filter_map(|id| self.effects.get(id)).collect();
        ensure(places.is_sorted(), || format!("the queue {queued:?} was executed as {places:?}"))
    }
}
