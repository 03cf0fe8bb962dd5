//! The fewest calls that contradict one another.
//!
//! Each law that is broken names a few calls (a *core*), of all that break it those that took the
//! least time. To them come what shows where they belong: the puts that reads begin with, a read
//! that shows an append, all writes of a text. The fewest of those that are impossible are an
//! [`Excerpt`]. Of these, one of the fewest calls is taken, then the one that took the least time,
//! then the earliest.

use rustc_hash::FxHashMap;

use super::anomaly::{Anomaly, anomaly};
use super::chains::{Chain, Chains, NOWHERE};
use super::closest::{Closest, Surroundings};
use super::excerpt::{Candidates, Excerpt, ExcerptOp, MOST_CANDIDATES, Naming, Size, equals};
use super::order::{self, Block, Content};
use super::places::Places;
use super::sweep::{Item, nearest};
use super::{Contradiction, NEVER, NO_CALL, START, SequenceOp, Symbol, number};
use crate::model::Call;

/// Positions of calls that break a law.
type Core = Vec<u32>;

/// Of what is wrong in the same way, so many are looked at.
const MOST_ALIKE: usize = 32;

/// So many cores are tried, those of few calls first.
const MOST_CORES: usize = 64;

/// Of equal appends, so many are candidates for an excerpt together.
const MOST_EQUAL: usize = 4;

/// What a read of garbage shows in an excerpt.
const GARBAGE: u32 = u32::MAX;

/// A contradiction, if one can be shown.
pub(super) fn find<S: Symbol>(
    chains: &Chains<'_, '_, '_, S>,
    places: &Places,
) -> Option<Contradiction> {
    let finder = Finder { chains, places, reads: reads(chains) };
    if let Some(garbage) = finder.garbage() {
        return Some(garbage);
    }
    let cores = finder.cores();
    let by_text = finder.best(&cores, Naming::ByText);
    let best = finder
        .of_all(by_text.as_ref())
        .or(by_text)
        .or_else(|| finder.best(&cores, Naming::ByPlace));
    best.map(|Excerpt { operations, reduced, stands, .. }| {
        // What it is called is told best with what is known of all calls.
        let by_place = Candidates::new(chains, places, Naming::ByPlace, operations.clone());
        let known = by_place.and_then(|all| all.whole()).unwrap_or_else(|| reduced.kept.clone());
        Contradiction {
            anomaly: anomaly(&known, &|at, end| finder.is_seen_after(operations[at], end)),
            operations,
            excerpt: [reduced.kept, reduced.struck].concat(),
            stands,
        }
    })
}

/// The reads of each chain.
fn reads<S: Symbol>(chains: &Chains<'_, '_, '_, S>) -> Vec<Vec<u32>> {
    let mut reads = vec![Vec::new(); chains.all.len()];
    for read in chains.sequence.reads() {
        let stage = chains.stage_of[read as usize];
        if stage != NOWHERE {
            reads[chains.stages[stage as usize].chain as usize].push(read);
        }
    }
    reads
}

struct Finder<'x, 'c, 't, 'a, S> {
    chains: &'x Chains<'c, 't, 'a, S>,
    places: &'x Places,
    reads: Vec<Vec<u32>>,
}

impl<S: Symbol> Finder<'_, '_, '_, '_, S> {
    /// A read of garbage stands for itself.
    fn garbage(&self) -> Option<Contradiction> {
        let sequence = self.chains.sequence;
        let span = |read: u32| sequence.complete(read) - sequence.invoke(read);
        let garbage = self.chains.garbage.iter().copied();
        let read = garbage.min_by_key(|&read| (span(read), sequence.invoke(read)))?;
        let Call { invoke, complete, .. } = sequence.calls[read as usize];
        let op = ExcerptOp::Read(vec![GARBAGE]);
        Some(Contradiction {
            anomaly: Anomaly::GarbageRead,
            operations: vec![read],
            excerpt: vec![Call { op, invoke, complete }],
            stands: true,
        })
    }

    fn cores(&self) -> Vec<Core> {
        let mut cores = Vec::new();
        self.add_repeated(&mut cores);
        self.add_beside(&mut cores);
        let mut blocks: Vec<Block> = order::writes(self.chains, self.places).collect();
        let mut closest = Closest::default();
        for at in 0..number(self.chains.all.len()) {
            let (block, is_in_order) = order::chain(self.chains, self.places, at);
            blocks.push(block);
            if !is_in_order {
                self.note_disorder(at, &mut closest);
            }
        }
        cores.extend(closest.into_cores());
        self.add_conflicts(&order::conflicts(&mut blocks), &mut cores);
        cores.sort_by_key(|core| (core.len(), self.span(core)));
        cores.truncate(MOST_CORES);
        cores
    }

    /// The best excerpt of all cores.
    fn best(&self, cores: &[Core], naming: Naming) -> Option<Excerpt> {
        let mut best: Option<Excerpt> = None;
        for core in cores {
            let than = best.as_ref().map(|best| best.size);
            best = self.excerpt(core.clone(), naming, than).or(best);
        }
        best
    }

    /// The best excerpt of all calls, where they are few, if it is better than what there is.
    fn of_all(&self, than: Option<&Excerpt>) -> Option<Excerpt> {
        let sequence = self.chains.sequence;
        let says_something = |&at: &u32| match sequence.op(at) {
            SequenceOp::Read(_) => !sequence.is_open(at),
            SequenceOp::Append(text) => !text.is_empty(),
            SequenceOp::Put(_) => true,
        };
        let all = sequence.positions().filter(says_something).take(MOST_CANDIDATES + 1).collect();
        let all = Candidates::new(self.chains, self.places, Naming::ByText, all)?;
        all.best(than.map(|than| than.size))
    }

    /// The best excerpt of a core and what it needs, if that is better than what there is.
    fn excerpt(&self, core: Core, naming: Naming, than: Option<Size>) -> Option<Excerpt> {
        let core = self.with_evidence(core, naming);
        Candidates::new(self.chains, self.places, naming, core)?.best(than)
    }

    /// Texts that were read more often than they were appended.
    fn add_repeated(&self, cores: &mut Vec<Core>) {
        let repeated = &self.places.repeated[..self.places.repeated.len().min(MOST_ALIKE)];
        let mut shown: Vec<Vec<(usize, u32)>> = vec![Vec::new(); repeated.len()];
        for (at, chain) in self.chains.all.iter().enumerate() {
            for (stage, token) in (chain.first_stage + 1..).zip(&chain.tokens) {
                if let Ok(place) = repeated.binary_search(&token.text) {
                    shown[place].push((at, stage));
                }
            }
        }
        for (&text, shown) in repeated.iter().zip(shown) {
            let appends = self.chains.texts.appends(text);
            for of_chain in shown.chunk_by(|one, other| one.0 == other.0) {
                if let Some(&(chain, stage)) = of_chain.get(appends.len()) {
                    cores.push(self.with_read(appends.to_vec(), &self.reads[chain], stage));
                }
            }
            let mut core = appends.to_vec();
            for &(chain, stage) in &shown[..=appends.len()] {
                core = self.with_read(core, &self.reads[chain], stage);
            }
            cores.push(core);
        }
    }

    /// Reads that show something else than the longest read of their chain.
    fn add_beside(&self, cores: &mut Vec<Core>) {
        let sequence = self.chains.sequence;
        let mut beside = self.chains.beside.clone();
        beside.sort_unstable_by_key(|&(read, _)| sequence.complete(read));
        for (read, at) in beside.into_iter().take(MOST_ALIKE) {
            let Some((_, common, tokens)) = self.chains.beside(read) else { continue };
            let Some(token) = tokens.get(common) else { continue };
            let stage = self.chains.all[at as usize].first_stage + number(common) + 1;
            let mut core = vec![read];
            core.extend(Some(self.places.writes[stage as usize]).filter(|&at| at != NO_CALL));
            core.extend(self.chains.texts.appends(token.text).iter().take(2));
            cores.push(self.with_read(core, &self.reads[at as usize], stage));
        }
    }

    /// Calls of a chain in the wrong order: of reads and writes, before and after.
    fn note_disorder(&self, at: u32, closest: &mut Closest) {
        let chain = &self.chains.all[at as usize];
        let reads = self.reads[at as usize].iter();
        let reads: Vec<Item> = reads.map(|&read| self.item(read, chain, 1)).collect();
        let writes = self.writes(chain);
        let writes: Vec<Item> = writes.map(|write| self.item(write, chain, 0)).collect();
        let is_initial = usize::from(chain.root == NO_CALL);
        for (one, befores) in [&reads, &writes].into_iter().enumerate() {
            for (other, afters) in [&reads, &writes].into_iter().enumerate() {
                if let Some((span, before, after)) = nearest(befores.clone(), afters.clone()) {
                    let core = || self.with_what_is_between(before, after);
                    closest.note(4 * is_initial + 2 * one + other, span, core);
                }
            }
        }
    }

    /// The known writes of a chain.
    fn writes(&self, chain: &Chain) -> impl Iterator<Item = u32> {
        let writes = chain.stages().map(|stage| self.places.writes[stage as usize]);
        writes.filter(|&write| write != NO_CALL)
    }

    fn item(&self, position: u32, chain: &Chain, rank: u32) -> Item {
        let sequence = self.chains.sequence;
        Item {
            rank: 2 * (self.places.stage_of[position as usize] - chain.first_stage) + rank,
            invoke: sequence.invoke(position),
            complete: sequence.complete(position),
            end: sequence.end(position),
            position,
        }
    }

    /// What a later state had and an earlier one had not: the write between them that began last.
    fn with_what_is_between(&self, later: u32, earlier: u32) -> Core {
        let stage = |at: u32| self.places.stage_of[at as usize];
        let writes = &self.places.writes[stage(earlier) as usize + 1..=stage(later) as usize];
        let known = writes.iter().copied().filter(|&write| write != NO_CALL);
        let between = known.max_by_key(|&write| self.chains.sequence.invoke(write));
        [later, earlier].into_iter().chain(between).collect()
    }

    /// Blocks that must each come before the other: calls of one around a call of the other, and
    /// the ends of both.
    fn add_conflicts(&self, conflicts: &[(Block, Block)], cores: &mut Vec<Core>) {
        let sequence = self.chains.sequence;
        let mut closest = Closest::default();
        let mut known: FxHashMap<u32, Surroundings> = FxHashMap::default();
        for (at, (one, other)) in conflicts.iter().enumerate() {
            // Many may be in conflict with the same first one, which may have many calls.
            let ways = if at < MOST_ALIKE { 2 } else { 1 };
            for (around, within) in [(one, other), (other, one)].into_iter().take(ways) {
                let Content::Chain(chain) = around.content else { continue };
                let surroundings = known.entry(chain).or_insert_with(|| {
                    let is_initial = self.chains.all[chain as usize].root == NO_CALL;
                    let reads = &self.reads[chain as usize];
                    Surroundings::new(sequence, &self.calls(around), reads, is_initial)
                });
                for inner in self.calls(within) {
                    surroundings.note(sequence, inner, self.sort(inner), &mut closest);
                }
            }
        }
        cores.extend(closest.into_cores());
        let ends = |(one, other): &(Block, Block)| -> Core {
            let ends = [one.first, one.last, other.first, other.last];
            ends.into_iter().filter(|&end| end != NO_CALL).collect()
        };
        cores.extend(conflicts.iter().map(ends).min_by_key(|ends| self.span(ends)));
    }

    /// One of four sorts of calls: contradictions with each need different evidence.
    fn sort(&self, call: u32) -> usize {
        match self.chains.sequence.op(call) {
            SequenceOp::Read(_) => 0,
            _ if self.places.is_apart(call) => 1,
            SequenceOp::Append(_) => 2,
            SequenceOp::Put(_) => 3,
        }
    }

    /// The calls of a block.
    fn calls(&self, block: &Block) -> Vec<u32> {
        let Content::Chain(chain) = block.content else { return vec![block.first] };
        let reads = self.reads[chain as usize].iter().copied();
        self.writes(&self.chains.all[chain as usize]).chain(reads).collect()
    }

    /// From the first invocation to the last that is known.
    fn span(&self, core: &[u32]) -> i64 {
        let ends = core.iter().map(|&at| self.chains.sequence.end(at));
        let begins = core.iter().map(|&at| self.chains.sequence.invoke(at));
        ends.max().unwrap_or(0) - begins.min().unwrap_or(0)
    }

    /// With what shows where the calls of a core belong.
    fn with_evidence(&self, mut core: Core, naming: Naming) -> Core {
        for write in core.clone() {
            if !matches!(self.chains.sequence.op(write), SequenceOp::Append(_)) {
                continue;
            }
            let equals = equals(self.chains, self.places, naming, write);
            for equal in equals.take(MOST_EQUAL) {
                core.push(equal);
                core.extend(self.first_read(equal).filter(|_| equal != write));
            }
            if let Some(stage) = self.places.stage(write) {
                let chain = self.chains.stages[stage as usize].chain;
                core = self.with_read(core, &self.reads[chain as usize], stage);
            }
        }
        for read in core.clone() {
            if let Some(root) = self.root(read) {
                core.push(root);
            }
        }
        core
    }

    /// The read that shows a write and was over first.
    fn first_read(&self, write: u32) -> Option<u32> {
        let stage = self.places.stage(write)?;
        let chain = self.chains.stages[stage as usize].chain;
        let reads = self.reads[chain as usize].iter().copied();
        let showing = reads.filter(|&read| self.chains.stage_of[read as usize] >= stage);
        showing.min_by_key(|&read| self.chains.sequence.complete(read))
    }

    /// The put that a read began with.
    fn root(&self, read: u32) -> Option<u32> {
        let stage = self.chains.stage_of[read as usize];
        let root = if stage == NOWHERE {
            let &(_, chain) = self.chains.beside.iter().find(|&&(other, _)| other == read)?;
            self.chains.all[chain as usize].root
        } else {
            self.chains.chain_of(stage).root
        };
        Some(root).filter(|&root| root != NO_CALL)
    }

    /// With one of the reads that are at a stage or later: the one that takes the least more time, if
    /// none is there.
    fn with_read(&self, mut core: Core, reads: &[u32], stage: u32) -> Core {
        let sequence = self.chains.sequence;
        let shows = |read: u32| {
            let shown = self.chains.stage_of[read as usize];
            shown != NOWHERE && shown >= stage
        };
        if core.iter().any(|&at| reads.contains(&at) && shows(at)) {
            return core;
        }
        let begin = core.iter().map(|&at| sequence.invoke(at)).min().unwrap_or(NEVER);
        let end = core.iter().map(|&at| sequence.end(at)).max().unwrap_or(START);
        let extra = |read: u32| {
            (begin - sequence.invoke(read)).max(0) + (sequence.complete(read) - end).max(0)
        };
        let showing = reads.iter().copied().filter(|&read| shows(read));
        core.extend(showing.min_by_key(|&read| extra(read)));
        core
    }

    /// Whether a read that was over after this still shows what a write wrote.
    fn is_seen_after(&self, write: u32, end: u32) -> bool {
        let Some(stage) = self.places.stage(write) else { return false };
        let chain = self.chains.stages[stage as usize].chain;
        self.reads[chain as usize].iter().any(|&read| {
            self.chains.stage_of[read as usize] >= stage
                && self.chains.sequence.complete(read) > end.into()
        })
    }
}
