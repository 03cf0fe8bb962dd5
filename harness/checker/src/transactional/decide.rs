//! From dependencies to levels: which are refuted, by what, and which are kept.
//!
//! | level | no cycle of |
//! |---|---|
//! | read uncommitted | ww |
//! | read committed | ww, wr; and no read of what was aborted or intermediate |
//! | monotonic atomic view | wr, then rw of the same two transactions by a later read |
//! | read atomic | wr, then rw of the same two transactions; and reads that agree with one another |
//! | cursor stability | rw and ww of one key, where the reader writes that key next |
//! | consistent view | ww, wr and one rw |
//! | causal | ww, wr and session; and wr, session, then one rw |
//! | prefix | ww, wr, and rw only after wr |
//! | snapshot isolation | ww, wr, and rw only after ww or wr |
//! | update serializable | ww, wr, rw, through at most one transaction that only reads |
//! | serializable, repeatable read | ww, wr, rw |
//!
//! The `strong-session-` levels have the order of sessions among the edges, the `strong-` levels that of
//! real time; both count as seen (Cerone, Gotsman, Yang: *Algebraic laws for weak consistency*, 2017).
//!
//! These conditions are exact where the order of all versions is known. Of versions that no read shows it is
//! not: there the history keeps a level if *some* order of them does. Where no dependency ties two such
//! writes together, any topological order will do; where one does, some levels are left undecided.

use super::anomaly::Anomaly;
use super::confirm;
use super::graph::{Graph, Kind};
use super::inference::{Doubt, Finding, Inference, Versions};
use super::knot::{Effort, Knot, Pattern, Step};
use super::level::{Level, Scope};
use super::list_append::each_base;
use super::transactions::{Micro, NEVER, NOBODY, Status, Transactions};

/// How many edges the searches for cycles may look at, besides those that decide in linear time.
const EFFORT: u64 = 100_000_000;

/// How a level stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// The history keeps it.
    Kept,
    /// It does not: the place of the anomaly among those found.
    Refuted(usize),
    /// It is not known, and here is why.
    Undecided(Why),
}

/// Why a level is not decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// The history does not tell enough.
    Doubt(Doubt),
    /// Two writes of this key were never read, and the level depends on their order.
    UnreadWrites {
        /// The key.
        key: u32,
    },
    /// A transaction of unknown outcome was seen, perhaps by a read of what it never committed.
    UnknownOutcome,
    /// The search took as long as it may.
    Effort,
    /// The explanation did not stand up to an independent check.
    Unconfirmed,
    /// This is not supported yet.
    Unsupported,
}

/// An anomaly that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its name.
    pub anomaly: Anomaly,
    /// The weakest levels that it refutes; each level that implies one of them falls, too.
    pub refutes: Vec<Level>,
    /// The dependencies that close a cycle; none if it is no cycle.
    pub cycle: Vec<Step>,
    /// What a read shows, if it is no cycle.
    pub finding: Option<Finding>,
    /// Whether trying all orders of the transactions of the cycle found none; none if there are too many of
    /// them, or there is no cycle.
    pub confirmed: Option<bool>,
}

impl Found {
    /// Whether it refutes a level.
    pub fn is_against(&self, level: Level) -> bool {
        self.refutes.iter().any(|&weakest| level.implies(weakest))
    }

    /// The transactions that take part, each once: those of the cycle in its order.
    pub fn transactions(&self) -> Vec<u32> {
        match &self.finding {
            Some(finding) => std::iter::once(finding.reader).chain(finding.other).collect(),
            None => self.cycle.iter().map(|step| step.from).collect(),
        }
    }
}

/// How much the history told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Evidence {
    /// Transactions that committed, for all that anyone saw.
    pub committed: u64,
    /// Those of them whose outcome was unknown, but which a read shows.
    pub unknown_seen: u64,
    /// Transactions of unknown outcome that no read shows.
    pub unknown_unseen: u64,
    /// Transactions that certainly did not commit.
    pub failed: u64,
    /// Write dependencies.
    pub ww: u64,
    /// Read dependencies.
    pub wr: u64,
    /// Anti-dependencies.
    pub rw: u64,
}

/// All that is known of a history.
#[derive(Debug)]
pub struct Outcome {
    /// The anomalies, of the weakest level first.
    pub found: Vec<Found>,
    /// How each level stands, in the order of [`Level::ALL`].
    pub standings: Vec<Standing>,
    /// How much the history told.
    pub evidence: Evidence,
    /// The orders of versions, for explanations.
    pub versions: Versions,
}

impl Outcome {
    /// That nothing is known of any level.
    pub fn unsupported(transactions: &Transactions) -> Self {
        let is_committed: Vec<bool> =
            transactions.all().map(|it| transactions.frame(it).status == Status::Ok).collect();
        Outcome {
            found: Vec::new(),
            standings: vec![Standing::Undecided(Why::Unsupported); Level::ALL.len()],
            evidence: evidence(transactions, &is_committed, [0; 3]),
            versions: Versions::default(),
        }
    }

    /// How a level stands.
    pub fn standing(&self, level: Level) -> &Standing {
        &self.standings[level as usize]
    }

    fn with(&self, is: impl Fn(&Standing) -> bool) -> Vec<Level> {
        Level::ALL.into_iter().filter(|&level| is(self.standing(level))).collect()
    }

    /// The weakest levels that are refuted.
    pub fn not(&self) -> Vec<Level> {
        let all = self.with(|it| matches!(it, Standing::Refuted(_)));
        let is_weakest =
            |level: &&Level| !all.iter().any(|other| other != *level && level.implies(*other));
        all.iter().filter(is_weakest).copied().collect()
    }

    /// All other levels that fall with those.
    pub fn also_not(&self) -> Vec<Level> {
        let weakest = self.not();
        let all = self.with(|it| matches!(it, Standing::Refuted(_)));
        all.into_iter().filter(|level| !weakest.contains(level)).collect()
    }

    /// The strongest levels that the history keeps.
    pub fn strongest(&self) -> Vec<Level> {
        let all = self.with(|it| *it == Standing::Kept);
        let is_strongest =
            |level: &&Level| !all.iter().any(|other| other != *level && other.implies(**level));
        all.iter().filter(is_strongest).copied().collect()
    }

    /// Whether no transaction had to do with another one, so that any level is kept.
    pub fn is_vacuous(&self) -> bool {
        let Evidence { ww, wr, rw, .. } = self.evidence;
        let is_open = |it: &Standing| matches!(it, Standing::Undecided(_));
        self.found.is_empty() && ww + wr + rw == 0 && !self.standings.iter().any(is_open)
    }
}

/// Decides all levels.
pub fn decide(transactions: &Transactions, inference: Inference) -> Outcome {
    let Inference { is_committed, edges, findings, doubts, versions } = inference;
    let evidence = evidence(transactions, &is_committed, edges.counts);
    let found = findings.into_iter().map(|finding| Found {
        anomaly: finding.anomaly,
        refutes: finding.anomaly.forbidden_by().to_vec(),
        cycle: Vec::new(),
        finding: Some(finding),
        confirmed: None,
    });
    let mut found: Vec<Found> = found.collect();
    found.sort_by_key(|it| it.anomaly);
    let graph = Graph::new(transactions, &is_committed, edges);
    let knots = Knots::of(&graph);
    let mut state =
        Deciding { transactions, versions: &versions, is_committed: &is_committed, knots, found };
    let mut standings: Vec<Standing> = Vec::new();
    for level in Level::ALL {
        let standing = match state.refutation(level) {
            Some(place) => Standing::Refuted(place),
            None => state.search(level),
        };
        standings.push(standing);
    }
    for level in Level::ALL {
        if standings[level as usize] != Standing::Kept {
            continue;
        }
        if let Some(doubt) = doubts.iter().find(|doubt| doubt.leaves_open(level)) {
            standings[level as usize] = Standing::Undecided(Why::Doubt(doubt.clone()));
        } else if let Some(key) = state.open_key(level) {
            let is_implied = |stronger: &Level| {
                stronger.implies(level)
                    && is_exact(*stronger)
                    && standings[*stronger as usize] == Standing::Kept
            };
            if !Level::ALL.iter().any(is_implied) {
                standings[level as usize] = Standing::Undecided(Why::UnreadWrites { key });
            }
        }
    }
    let found = state.found;
    let mut outcome = Outcome { found, standings, evidence, versions };
    confirm::confirm(transactions, &mut outcome);
    outcome
}

/// Whether any topological order of the dependencies is good enough for writes that no read shows.
fn is_exact(level: Level) -> bool {
    !matches!(
        level,
        Level::CursorStability
            | Level::ConsistentView
            | Level::SnapshotIsolation
            | Level::StrongSessionSnapshotIsolation
            | Level::StrongSnapshotIsolation
            | Level::UpdateSerializable
            | Level::StrongSessionUpdateSerializable
            | Level::StrongUpdateSerializable
    )
}

fn evidence(transactions: &Transactions, is_committed: &[bool], counts: [u64; 3]) -> Evidence {
    let [ww, wr, rw] = counts;
    let mut evidence = Evidence { ww, wr, rw, ..Evidence::default() };
    for (transaction, &is_committed) in transactions.all().zip(is_committed) {
        match (transactions.frame(transaction).status, is_committed) {
            (Status::Ok, _) => evidence.committed += 1,
            (Status::Info, true) => {
                evidence.committed += 1;
                evidence.unknown_seen += 1;
            }
            (Status::Info, false) => evidence.unknown_unseen += 1,
            (Status::Fail, _) => evidence.failed += 1,
        }
    }
    evidence
}

/// The knots of each scope.
struct Knots {
    data: Vec<Knot>,
    session: Vec<Knot>,
    real_time: Vec<Knot>,
}

impl Knots {
    /// All cycles are within those of real time, if each session is one thread.
    fn of(graph: &Graph) -> Self {
        let real_time = Knot::all(graph, Scope::RealTime);
        let session: Vec<Knot> =
            real_time.iter().flat_map(|it| it.within(graph, Scope::Session)).collect();
        let data = session.iter().flat_map(|it| it.within(graph, Scope::Data)).collect();
        Knots { data, session, real_time }
    }

    fn of_scope(&self, scope: Scope) -> &[Knot] {
        match scope {
            Scope::Data => &self.data,
            Scope::Session => &self.session,
            Scope::RealTime => &self.real_time,
        }
    }
}

struct Deciding<'a> {
    transactions: &'a Transactions,
    versions: &'a Versions,
    is_committed: &'a [bool],
    knots: Knots,
    found: Vec<Found>,
}

/// A search's end: a cycle with its name, if that is not told by its edges, or that the effort was spent.
enum Searched {
    Nothing,
    Cycle(Vec<Step>, Option<Anomaly>),
    Spent,
}

impl Deciding<'_> {
    fn refutation(&self, level: Level) -> Option<usize> {
        self.found.iter().position(|found| found.is_against(level))
    }

    /// Asks whether a level that nothing refutes so far is kept.
    fn search(&mut self, level: Level) -> Standing {
        match self.ask(level) {
            Searched::Nothing => Standing::Kept,
            Searched::Spent => Standing::Undecided(Why::Effort),
            Searched::Cycle(cycle, name) => {
                let anomaly = name.unwrap_or_else(|| self.name(&cycle));
                // A read shows that an unknown transaction took effect, unless it was dirty. That refutes
                // read committed in either case, but the weaker level only if it did take effect.
                let is_uncertain = level == Level::ReadUncommitted
                    && cycle.iter().any(|it| self.transactions.frame(it.from).status != Status::Ok);
                let refutes = vec![if is_uncertain { Level::ReadCommitted } else { level }];
                let (finding, confirmed) = (None, None);
                self.found.push(Found { anomaly, refutes, cycle, finding, confirmed });
                if is_uncertain {
                    Standing::Undecided(Why::UnknownOutcome)
                } else {
                    Standing::Refuted(self.found.len() - 1)
                }
            }
        }
    }

    fn ask(&self, level: Level) -> Searched {
        let mut effort = Effort::new(EFFORT);
        let knots = self.knots.of_scope(level.scope());
        let pattern = match level {
            Level::ReadUncommitted => Pattern::Writes,
            Level::ReadCommitted => Pattern::Flow,
            Level::MonotonicAtomicView => return self.fractured(true),
            Level::ReadAtomic => return self.fractured(false),
            Level::CursorStability => return self.lost_update(),
            Level::ConsistentView => {
                return shortest(knots, &mut effort, Knot::single);
            }
            Level::Causal => {
                let flow = cycle(knots, Pattern::Flow, &mut effort);
                return match flow {
                    Searched::Nothing => self.causal(knots, &mut effort),
                    _ => flow,
                };
            }
            Level::Prefix | Level::StrongSessionPrefix | Level::StrongPrefix => Pattern::Prefix,
            Level::SnapshotIsolation
            | Level::StrongSessionSnapshotIsolation
            | Level::StrongSnapshotIsolation => Pattern::Snapshot,
            Level::UpdateSerializable
            | Level::StrongSessionUpdateSerializable
            | Level::StrongUpdateSerializable => {
                let only_reads = |it| self.only_reads(it);
                let search =
                    |knot: &Knot, effort: &mut Effort| knot.with_one_reader(only_reads, effort);
                return shortest(knots, &mut effort, search);
            }
            Level::RepeatableRead
            | Level::Serializable
            | Level::StrongSessionSerializable
            | Level::StrongSerializable => Pattern::Any,
        };
        cycle(knots, pattern, &mut effort)
    }

    fn only_reads(&self, transaction: u32) -> bool {
        self.transactions
            .micros(transaction)
            .all(|(_, micro)| !matches!(micro, Micro::Append(_) | Micro::Write(_)))
    }

    /// A transaction that saw one write of another one, and not another; with `in_order`, not another
    /// *later*.
    fn fractured(&self, in_order: bool) -> Searched {
        let transactions = self.transactions;
        let mut own = Vec::new();
        let mut bases = Vec::new();
        for &reader in self.knots.data.iter().flat_map(Knot::members) {
            if transactions.frame(reader).status != Status::Ok {
                continue;
            }
            bases.clear();
            each_base(transactions, reader, &mut own, |base| bases.push(base));
            bases.retain(|base| self.versions.is_known(base.key));
            for seen in bases.iter().filter(|base| base.length > 0) {
                let order = self.versions.order(transactions, seen.key);
                let writer = transactions.writer(order[seen.length as usize - 1]);
                if writer == NOBODY || writer == reader || !self.is_committed[writer as usize] {
                    continue;
                }
                let is_missed = |missed: &super::list_append::Base| {
                    missed.place != seen.place
                        && (!in_order || seen.place < missed.place)
                        && self.wrote_after(writer, missed.key, missed.length)
                };
                if bases.iter().any(is_missed) {
                    let cycle = vec![
                        Step { from: writer, kind: Kind::Wr, to: reader },
                        Step { from: reader, kind: Kind::Rw, to: writer },
                    ];
                    return Searched::Cycle(cycle, Some(Anomaly::FracturedRead));
                }
            }
        }
        Searched::Nothing
    }

    /// Whether a transaction wrote a version of a key that comes after the first so many.
    fn wrote_after(&self, transaction: u32, key: u32, length: u32) -> bool {
        self.transactions.micros(transaction).any(|(written, micro)| {
            written == key
                && matches!(micro, Micro::Append(version)
                    if self.versions.places[version as usize] >= length)
        })
    }

    /// A transaction that read a key and then wrote it, where another one wrote it in between.
    fn lost_update(&self) -> Searched {
        let transactions = self.transactions;
        for &reader in self.knots.data.iter().flat_map(Knot::members) {
            for (key, length, place) in self.updates(reader) {
                let order = self.versions.order(transactions, key);
                let end = if place == NEVER { order.len() } else { place as usize };
                let between = order.get(length as usize..end).unwrap_or_default();
                let other = between
                    .iter()
                    .map(|&version| transactions.writer(version))
                    .find(|&it| it != NOBODY && it != reader && self.is_committed[it as usize]);
                let (other, back) = if let Some(other) = other {
                    (Some(other), Kind::Ww)
                } else if place == NEVER {
                    let is_same = |&(of, other_length, other_place): &(u32, u32, u32)| {
                        of == key && other_length == length && other_place == NEVER
                    };
                    let tail = self.versions.tail(key).iter().map(|it| it.1);
                    let mut others =
                        tail.filter(|&it| it != reader && self.updates(it).iter().any(is_same));
                    (others.next(), Kind::Rw)
                } else {
                    (None, Kind::Ww)
                };
                if let Some(other) = other {
                    let cycle = vec![
                        Step { from: reader, kind: Kind::Rw, to: other },
                        Step { from: other, kind: back, to: reader },
                    ];
                    return Searched::Cycle(cycle, Some(Anomaly::LostUpdate));
                }
            }
        }
        Searched::Nothing
    }

    /// The keys that a transaction read and then wrote: how much of the list it saw last before, and the
    /// place of its first append.
    fn updates(&self, transaction: u32) -> Vec<(u32, u32, u32)> {
        let mut updates: Vec<(u32, u32, u32)> = Vec::new();
        if self.transactions.frame(transaction).status != Status::Ok {
            return updates;
        }
        let (mut bases, mut written) = (Vec::new(), Vec::new());
        each_base(self.transactions, transaction, &mut Vec::new(), |base| bases.push(base));
        for (place, (key, micro)) in (0..).zip(self.transactions.micros(transaction)) {
            let Micro::Append(version) = micro else { continue };
            if written.contains(&key) || !self.versions.is_known(key) {
                continue;
            }
            written.push(key);
            if let Some(base) = bases.iter().rev().find(|it| it.key == key && it.place < place) {
                updates.push((key, base.length, self.versions.places[version as usize]));
            }
        }
        updates
    }

    /// A transaction that missed a write of one that it comes after by what sessions saw.
    fn causal(&self, knots: &[Knot], effort: &mut Effort) -> Searched {
        let (mut reader_of_bases, mut bases, mut own) = (NOBODY, Vec::new(), Vec::new());
        let mut is_missed = |writer: u32, reader: u32| {
            if reader_of_bases != reader {
                reader_of_bases = reader;
                bases.clear();
                if self.transactions.frame(reader).status == Status::Ok {
                    each_base(self.transactions, reader, &mut own, |base| bases.push(base));
                }
                bases.retain(|base| self.versions.is_known(base.key));
            }
            bases.iter().any(|base| self.wrote_after(writer, base.key, base.length))
        };
        for knot in knots {
            if let Some((reader, mut cycle)) = knot.cause(&mut is_missed, effort) {
                let writer = cycle.first().map_or(reader, |step| step.from);
                cycle.push(Step { from: reader, kind: Kind::Rw, to: writer });
                return Searched::Cycle(cycle, None);
            }
        }
        if effort.is_spent() { Searched::Spent } else { Searched::Nothing }
    }

    /// What a cycle is called.
    fn name(&self, cycle: &[Step]) -> Anomaly {
        let has = |kind| cycle.iter().any(|step| step.kind == kind);
        let scope = if has(Kind::RealTime) {
            Scope::RealTime
        } else if has(Kind::Session) {
            Scope::Session
        } else {
            Scope::Data
        };
        let is_rw = |step: &Step| step.kind == Kind::Rw;
        let next = cycle.iter().cycle().skip(1);
        let are_neighbours = cycle.iter().zip(next).any(|(one, next)| is_rw(one) && is_rw(next));
        let is_plain = scope == Scope::Data;
        match cycle.iter().filter(|step| is_rw(step)).count() {
            0 if has(Kind::Wr) => Anomaly::G1c(scope),
            0 => Anomaly::G0(scope),
            1 => Anomaly::GSingle(scope),
            2 if is_plain && cycle.len() == 2 => Anomaly::WriteSkew,
            2 if is_plain && self.is_long_fork(cycle) => Anomaly::LongFork,
            _ if are_neighbours => Anomaly::G2Item(scope),
            _ => Anomaly::GNonadjacent(scope),
        }
    }

    /// Two transactions that only read, each of which saw the write of one that the other one missed.
    fn is_long_fork(&self, cycle: &[Step]) -> bool {
        cycle.len() == 4
            && cycle.iter().filter(|step| step.kind == Kind::Wr).count() == 2
            && cycle.iter().all(|step| match step.kind {
                Kind::Rw => self.only_reads(step.from),
                _ => self.only_reads(step.to),
            })
    }

    /// A key of which two writes that no read shows are tied together by dependencies within this level's
    /// scope, so that not any order of them will do.
    fn open_key(&self, level: Level) -> Option<u32> {
        if is_exact(level) {
            return None;
        }
        self.knots.of_scope(level.scope()).iter().find_map(|knot| {
            let is_in = |it: u32| knot.members().binary_search(&it).is_ok();
            let tails = self.versions.tails.chunk_by(|one, other| one.0 == other.0);
            let mut open = tails.filter(|tail| tail.iter().filter(|it| is_in(it.1)).count() > 1);
            open.next().map(|tail| tail[0].0)
        })
    }
}

fn cycle(knots: &[Knot], pattern: Pattern, effort: &mut Effort) -> Searched {
    let search = |knot: &Knot, effort: &mut Effort| knot.cycle(pattern, effort);
    match shortest(knots, effort, search) {
        // What decides is linear: only to find the shortest takes effort.
        Searched::Spent => Searched::Nothing,
        found => found,
    }
}

fn shortest(
    knots: &[Knot],
    effort: &mut Effort,
    search: impl Fn(&Knot, &mut Effort) -> Option<Vec<Step>>,
) -> Searched {
    let mut best: Option<Vec<Step>> = None;
    for knot in knots {
        if let Some(cycle) = search(knot, effort)
            && best.as_ref().is_none_or(|best| cycle.len() < best.len())
        {
            best = Some(cycle);
        }
    }
    match best {
        Some(cycle) => Searched::Cycle(cycle, None),
        None if effort.is_spent() => Searched::Spent,
        None => Searched::Nothing,
    }
}
