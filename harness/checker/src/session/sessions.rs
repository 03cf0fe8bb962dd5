//! The four session guarantees of Terry et al. ("Session Guarantees for Weakly Consistent
//! Replicated Data", 1994), process by process.
//!
//! Which servers a process met is not known, and without an order of the writes almost nothing
//! could be said. Only certain orders count: a write is *older* than another
//! of its key if one process made both, this one first and acknowledged; and what was there at
//! first is older than every write. A later read `r` of a process contradicts
//!
//! - *read your writes*, if it returns something older than a write acknowledged to the process;
//! - *monotonic reads*, if it returns something older than what the process has read, or, having
//!   read something else in between, the same again;
//! - *monotonic writes*, if the process has read a write `b`, and `r` returns something older than
//!   a write that `b`'s process made before `b`, or older than `b` by the order of its process;
//! - *writes follow reads*, if the process has read a write `b`, and `r` returns something older
//!   than what `b`'s process had read before it wrote `b`, or, of `b`'s key, just that.
//!
//! The last two presume that the reader's view does not go back, without which no client could
//! tell. A read of one's own later write, or of a value from nowhere, contradicts all four. All of
//! this is impossible in a causally consistent store, so that none is accused; what goes unseen is
//! what only an order of writes by different processes would show, and causes of causes.
//! O(n · log n · p) for p processes whose writes one process reads.

use rustc_hash::FxHashMap;

use super::origins::{Origin, Origins, writes};
use super::words::{invalid, spent, unknown};
use crate::budget::{Budget, Limit, Meter};
use crate::history::{History, Key, Operation, Outcome};
use crate::memory;
use crate::models::ModelName;
use crate::verdict::Verdict;
use crate::witness::Anomaly;

pub(super) fn check(guarantee: ModelName, history: &History, budget: Budget<'_>) -> Verdict {
    let origins = Origins::new(history);
    let mut verdict = Verdict::Valid;
    let mut doubtful: Vec<_> = origins.doubtful.iter().collect();
    doubtful.sort_unstable();
    if let Some(&(key, why)) = doubtful.first() {
        let key = &history.key_text(*key);
        verdict = unknown(key, Limit::Algorithm, 0, &format!("key {key:?}: {why}"));
    }
    let mut meter = Meter::new(budget);
    let sessions = match Sessions::new(history, origins, &mut meter) {
        Ok(sessions) => sessions,
        Err(limit) => return verdict.join(spent(limit)),
    };
    for session in &sessions.by_process {
        match sessions.judge(guarantee, session, &mut meter) {
            Ok(None) => {}
            Ok(Some(Found { kind, core, what })) => {
                return invalid(history, kind, &core, true, what);
            }
            Err(limit) => return verdict.join(spent(limit)),
        }
    }
    verdict
}

struct Found {
    kind: Anomaly,
    core: Vec<u32>,
    what: &'static str,
}

/// A read, and the latest write of one process that was read up to there.
#[derive(Clone, Copy)]
struct Seen {
    write: u32,
    read: u32,
}

struct Sessions<'a> {
    history: &'a History,
    origins: Origins<'a>,
    by_process: Vec<Vec<u32>>,
    /// By process and key: positions of acknowledged writes, increasing.
    acknowledged: FxHashMap<(u32, Key), Vec<u32>>,
    /// By reader, key and writer: reads with the latest of the writes read up to there.
    reads: FxHashMap<(u32, Key, u32), Vec<Seen>>,
    /// By reader and key: the first read of a write.
    first_reads: FxHashMap<(u32, Key), Seen>,
    /// By reader and write: the first read of it.
    first_read_of: FxHashMap<(u32, u32), u32>,
}

impl<'a> Sessions<'a> {
    fn new(
        history: &'a History,
        origins: Origins<'a>,
        meter: &mut Meter<'_>,
    ) -> Result<Self, Limit> {
        let mut sessions = Sessions {
            history,
            origins,
            by_process: Vec::new(),
            acknowledged: FxHashMap::default(),
            reads: FxHashMap::default(),
            first_reads: FxHashMap::default(),
            first_read_of: FxHashMap::default(),
        };
        for (at, op) in (0u32..).zip(history.operations()) {
            meter.step(0, || sessions.memory_bytes())?;
            let process = op.process as usize;
            if sessions.by_process.len() <= process {
                sessions.by_process.resize(process + 1, Vec::new());
            }
            sessions.by_process[process].push(at);
            if writes(op) && op.outcome == Outcome::Ok {
                sessions.acknowledged.entry((op.process, op.key)).or_default().push(at);
            }
            if let Some(Origin::Write(write)) = sessions.origins.of(op) {
                let seen = Seen { write, read: at };
                let writer = history.operations()[write as usize].process;
                let reads = sessions.reads.entry((op.process, op.key, writer)).or_default();
                let latest = reads.last().copied().filter(|last| last.write > write);
                reads.push(Seen { write: latest.map_or(write, |last| last.write), read: at });
                sessions.first_reads.entry((op.process, op.key)).or_insert(seen);
                sessions.first_read_of.entry((op.process, write)).or_insert(at);
            }
        }
        Ok(sessions)
    }

    /// What all this takes in memory: of each list its first room, and twice what may be in all.
    fn memory_bytes(&self) -> u64 {
        let lists = self.by_process.len() + self.acknowledged.len() + self.reads.len();
        let entries = 2 * self.history.operations().len();
        let maps = memory::growing_hash_map(&self.acknowledged)
            + memory::growing_hash_map(&self.reads)
            + memory::growing_hash_map(&self.first_reads)
            + memory::growing_hash_map(&self.first_read_of);
        let lists = lists * memory::block(4 * size_of::<Seen>()) + entries * size_of::<Seen>();
        let processes = memory::growing_list(&self.by_process);
        (maps + lists + processes + self.origins.memory_bytes()) as u64
    }

    fn op(&self, at: u32) -> &Operation {
        &self.history.operations()[at as usize]
    }

    fn judge(
        &self,
        guarantee: ModelName,
        session: &[u32],
        meter: &mut Meter<'_>,
    ) -> Result<Option<Found>, Limit> {
        let mut view = View::default();
        for &at in session {
            let op = self.op(at);
            if let Some(origin) = self.origins.of(op) {
                let found = self.impossible(at, origin).map_or_else(
                    || match guarantee {
                        ModelName::ReadYourWrites => Ok(self.own(at, origin, &view)),
                        ModelName::MonotonicReads => Ok(self.backwards(at, origin, &view)),
                        ModelName::MonotonicWrites => self.overtaken(at, origin, &view, meter),
                        _ => self.without_cause(at, origin, &view, meter),
                    },
                    |found| Ok(Some(found)),
                )?;
                if found.is_some() {
                    return Ok(found);
                }
                if let Origin::Write(write) = origin {
                    view.take(Seen { write, read: at }, op.key, self.op(write).process);
                }
            } else if writes(op) && op.outcome == Outcome::Ok {
                view.own.insert(op.key, at);
            }
            meter.step(0, || self.memory_bytes() + view.memory_bytes())?;
        }
        Ok(None)
    }

    /// What no store can answer.
    fn impossible(&self, read: u32, origin: Origin) -> Option<Found> {
        match origin {
            Origin::Nowhere => Some(Found {
                kind: Anomaly::GarbageRead,
                core: vec![read],
                what: "a read returned a value that no process wrote",
            }),
            Origin::Write(write)
                if write > read && self.op(write).process == self.op(read).process =>
            {
                let what = "a process read what it wrote only later";
                Some(Found { kind: Anomaly::FutureRead, core: vec![write, read], what })
            }
            _ => None,
        }
    }

    /// Whether what was read is older than `newer`, a write of the same key.
    fn is_older(&self, origin: Origin, newer: u32) -> bool {
        match origin {
            Origin::Initial => true,
            Origin::Write(write) => {
                let op = self.op(write);
                write < newer && op.process == self.op(newer).process && op.outcome == Outcome::Ok
            }
            Origin::Nowhere => false,
        }
    }

    fn own(&self, read: u32, origin: Origin, view: &View) -> Option<Found> {
        let &own = view.own.get(&self.op(read).key)?;
        let what = "a process read what was there before its own write";
        self.is_older(origin, own).then(|| stale(origin, &[own, read], what))
    }

    fn backwards(&self, read: u32, origin: Origin, view: &View) -> Option<Found> {
        let key = self.op(read).key;
        let latest = view.latest.get(&key)?;
        let what = "a process read something, and then what was there before";
        let Origin::Write(write) = origin else {
            return Some(stale(origin, &[latest.write, latest.read, read], what));
        };
        if let Some(seen) = view.of_key.get(&(key, self.op(write).process))
            && self.is_older(origin, seen.write)
        {
            return Some(stale(origin, &[seen.write, seen.read, read], what));
        }
        let before = view.read_of.get(&write).filter(|_| latest.write != write)?;
        let core = [latest.write, latest.read, *before, read];
        Some(stale(origin, &core, what))
    }

    fn overtaken(
        &self,
        read: u32,
        origin: Origin,
        view: &View,
        meter: &mut Meter<'_>,
    ) -> Result<Option<Found>, Limit> {
        let key = self.op(read).key;
        let what = "a process saw a write, and then a state without one that its writer made \
                    before";
        // A write older than `seen`, by the order of its process, that is not in what was read.
        let hidden = |writer: u32, seen: &Seen, after: Option<u32>| {
            let writes = self.acknowledged.get(&(writer, key))?;
            let next = after.map_or(0, |after| writes.partition_point(|&write| write <= after));
            let hidden = *writes.get(next)?;
            let is_before =
                if after.is_some() { hidden <= seen.write } else { hidden < seen.write };
            is_before.then(|| stale(origin, &[hidden, seen.write, seen.read, read], what))
        };
        match origin {
            Origin::Write(write) if self.op(write).outcome == Outcome::Ok => {
                let writer = self.op(write).process;
                if let Some(seen) = view.of_key.get(&(key, writer))
                    && seen.write > write
                {
                    return Ok(Some(stale(origin, &[seen.write, seen.read, read], what)));
                }
                Ok(view.of_writer.get(&writer).and_then(|seen| hidden(writer, seen, Some(write))))
            }
            Origin::Initial => {
                for &writer in &view.writers {
                    meter.work(1)?;
                    if let Some(found) = hidden(writer, &view.of_writer[&writer], None) {
                        return Ok(Some(found));
                    }
                }
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    fn without_cause(
        &self,
        read: u32,
        origin: Origin,
        view: &View,
        meter: &mut Meter<'_>,
    ) -> Result<Option<Found>, Limit> {
        let key = self.op(read).key;
        let what = "a process saw a write, and then a state without what its writer had read \
                    before";
        for &writer in &view.writers {
            meter.work(1)?;
            let seen = view.of_writer[&writer];
            let cause = match origin {
                Origin::Initial => self.first_reads.get(&(writer, key)).copied(),
                Origin::Write(write) => {
                    let reads = self.reads.get(&(writer, key, self.op(write).process));
                    reads.and_then(|reads| {
                        let count = reads.partition_point(|cause| cause.read < seen.write);
                        count.checked_sub(1).map(|last| reads[last])
                    })
                }
                Origin::Nowhere => None,
            };
            if let Some(cause) = cause
                && cause.read < seen.write
                && self.is_older(origin, cause.write)
            {
                let core = [cause.write, cause.read, seen.write, seen.read, read];
                return Ok(Some(stale(origin, &core, what)));
            }
            if let Origin::Write(write) = origin
                && let Some(&cause) = self.first_read_of.get(&(writer, write))
                && let Some(after) = view.of_key.get(&(key, writer))
                && cause < after.write
            {
                let core = [cause, after.write, after.read, read];
                return Ok(Some(stale(origin, &core, what)));
            }
        }
        Ok(None)
    }
}

fn stale(origin: Origin, core: &[u32], what: &'static str) -> Found {
    let mut core = core.to_vec();
    if let Origin::Write(write) = origin {
        core.push(write);
    }
    Found { kind: Anomaly::StaleRead, core, what }
}

/// What a process knows at some place of its session.
#[derive(Default)]
struct View {
    /// By key: its own last acknowledged write.
    own: FxHashMap<Key, u32>,
    /// By key: the last read of a write.
    latest: FxHashMap<Key, Seen>,
    /// By write: the last read of it.
    read_of: FxHashMap<u32, u32>,
    /// By key and writer: the latest write read.
    of_key: FxHashMap<(Key, u32), Seen>,
    /// By writer: the latest write read, of any key.
    of_writer: FxHashMap<u32, Seen>,
    /// The writers, in order of first appearance.
    writers: Vec<u32>,
}

impl View {
    fn memory_bytes(&self) -> u64 {
        let maps = memory::growing_hash_map(&self.own)
            + memory::growing_hash_map(&self.latest)
            + memory::growing_hash_map(&self.read_of)
            + memory::growing_hash_map(&self.of_key)
            + memory::growing_hash_map(&self.of_writer);
        (maps + memory::growing_list(&self.writers)) as u64
    }

    fn take(&mut self, seen: Seen, key: Key, writer: u32) {
        let later = |old: &mut Seen| {
            if seen.write > old.write {
                *old = seen;
            }
        };
        self.latest.insert(key, seen);
        self.read_of.insert(seen.write, seen.read);
        self.of_key.entry((key, writer)).and_modify(later).or_insert(seen);
        if !self.of_writer.contains_key(&writer) {
            self.writers.push(writer);
        }
        self.of_writer.entry(writer).and_modify(later).or_insert(seen);
    }
}
