//! A few calls that are impossible by themselves, with reads reduced to what those calls wrote.
//!
//! A read of a hundred elements says a hundred things, and a contradiction needs two of them. An
//! excerpt keeps some calls, and of each read only the put that it begins with and the appends that
//! are kept. If the whole has an order, so has the excerpt: leave out of that order what is not
//! kept. No put stands between the put of a kept read and the read, kept or not; and what was
//! appended in between is what the read showed. So an excerpt that is impossible is a proof.
//!
//! The put may be left out where all kept reads begin with the same one, no other is kept, and each
//! kept append is shown by a kept read: then all of them come after that put.
//!
//! Of equal appends it may not be known which is shown where. Then the others of a kept one are
//! *struck*: each may take effect at any time after it began, or never. An excerpt that is impossible
//! with them is so without them too. Where time tells which is which, a reader who sees just the
//! excerpt cannot know it. So they are told apart by time only where nothing else is found, and an
//! excerpt says whether it [stands by itself](Excerpt::stands): whether its calls, with all that their
//! reads returned, have no order if nothing else was done.

use super::chains::{Chains, NOWHERE};
use super::decode::Token;
use super::places::{Places, UNKNOWN};
use super::{NEVER, NO_CALL, SequenceOp, Symbol, number, stands};
use crate::budget::Budget;
use crate::linearizable::search;
use crate::model::{Call, Model};

/// An operation on a list of numbers, each of which stands for a write: its position, or for equal
/// appends, of which it is not known which is read where, a number above all positions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum ExcerptOp {
    /// A read that showed these.
    Read(Vec<u32>),
    Append(u32),
    /// A write that leaves nothing but this.
    Put(u32),
}

/// A list, empty at first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ExcerptModel;

impl Model for ExcerptModel {
    type Op = ExcerptOp;
    type State = Vec<u32>;

    fn initial(&self) -> Vec<u32> {
        Vec::new()
    }

    fn step(&self, state: &Vec<u32>, op: &ExcerptOp) -> Option<Vec<u32>> {
        match op {
            ExcerptOp::Read(shown) => (state == shown).then(|| shown.clone()),
            ExcerptOp::Append(text) => Some([&state[..], &[*text]].concat()),
            ExcerptOp::Put(text) => Some(vec![*text]),
        }
    }

    fn is_read_only(&self, op: &ExcerptOp) -> bool {
        matches!(op, ExcerptOp::Read(_))
    }
}

/// More candidates than this are not tried in all combinations.
pub(super) const MOST_CANDIDATES: usize = 12;

/// Steps for one combination: they are few calls.
const MOST_STEPS: u64 = 20_000;

/// With more appends struck than this, an excerpt is not tried.
const MOST_STRUCK: usize = 32;

/// How equal appends are known from one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Naming {
    /// Not at all: an excerpt stands by itself.
    ByText,
    /// By where they are shown, as far as that is known: an excerpt may need others to be understood.
    ByPlace,
}

/// How good a witness is: few calls, in a short time, early.
pub(super) type Size = (u32, i64, i64);

/// An excerpt that is impossible, while none of fewer of the same candidates is.
#[derive(Debug, Clone)]
pub(super) struct Excerpt {
    pub(super) size: Size,
    pub(super) operations: Vec<u32>,
    pub(super) reduced: Reduced,
    /// Whether its calls have no order if nothing else was done.
    pub(super) stands: bool,
}

/// The calls of an excerpt, reduced to what they wrote.
#[derive(Debug, Clone)]
pub(super) struct Reduced {
    pub(super) kept: Vec<Call<ExcerptOp>>,
    /// Appends that are equal to those kept.
    pub(super) struck: Vec<Call<ExcerptOp>>,
}

impl Reduced {
    fn is_impossible(&self) -> bool {
        let budget = Budget { steps: MOST_STEPS, ..Budget::default() };
        let calls = [&self.kept[..], &self.struck].concat();
        search::linearize(&ExcerptModel, &calls, budget).answer == search::Answer::NotLinearizable
    }
}

/// Calls of which an excerpt may consist.
pub(super) struct Candidates<'x, 'c, 't, 'a, S> {
    chains: &'x Chains<'c, 't, 'a, S>,
    places: &'x Places,
    naming: Naming,
    calls: Vec<Candidate>,
}

/// A call and what matters of it.
#[derive(Debug)]
struct Candidate {
    position: u32,
    name: u32,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// The chain of a read, and the names of what it shows that candidates appended.
    Read(u32, Vec<u32>),
    Append,
    Put,
}

impl<'x, 'c, 't, 'a, S: Symbol> Candidates<'x, 'c, 't, 'a, S> {
    /// None if they are too many, or if some read cannot be read.
    pub(super) fn new(
        chains: &'x Chains<'c, 't, 'a, S>,
        places: &'x Places,
        naming: Naming,
        mut positions: Vec<u32>,
    ) -> Option<Self> {
        positions.sort_unstable();
        positions.dedup();
        if positions.len() > MOST_CANDIDATES {
            return None;
        }
        let appends = || positions.iter().copied().filter(|&at| is_append(chains, at));
        let names: Vec<u32> = appends().map(|at| name(chains, places, naming, at)).collect();
        let texts: Vec<u32> = appends().filter_map(|at| text(chains, at)).collect();
        let candidate = |&position: &u32| {
            let kind = match chains.sequence.op(position) {
                SequenceOp::Append(_) => Kind::Append,
                SequenceOp::Put(_) => Kind::Put,
                SequenceOp::Read(_) => {
                    let (chain, mut shown) = shown(chains, places, naming, position, &texts)?;
                    shown.retain(|name| names.contains(name));
                    Kind::Read(chain, shown)
                }
            };
            Some(Candidate { position, name: name(chains, places, naming, position), kind })
        };
        let calls = positions.iter().map(candidate).collect::<Option<Vec<_>>>()?;
        Some(Candidates { chains, places, naming, calls })
    }

    /// The best excerpt that is impossible; only one that is better than this, if there is one.
    pub(super) fn best(&self, than: Option<Size>) -> Option<Excerpt> {
        let mut best: Option<Excerpt> = None;
        let subsets = 1_u32 << self.calls.len();
        let most = than.map_or(number(self.calls.len()), |(count, ..)| count);
        for count in 2..=most {
            for subset in (1..subsets).filter(|subset| subset.count_ones() == count) {
                let size = self.size(subset);
                let limit = best.as_ref().map(|best| best.size).or(than);
                if limit.is_none_or(|limit| size < limit)
                    && let Some(reduced) = self.reduced(subset)
                    && reduced.is_impossible()
                {
                    let operations: Vec<u32> =
                        self.chosen(subset).map(|call| call.position).collect();
                    let stands = stands(self.chains.sequence, &operations);
                    if stands || self.naming == Naming::ByPlace {
                        best = Some(Excerpt { size, operations, reduced, stands });
                    }
                }
            }
            if best.is_some() {
                break;
            }
        }
        best
    }

    /// The excerpt of all candidates, if it is impossible.
    pub(super) fn whole(&self) -> Option<Vec<Call<ExcerptOp>>> {
        let reduced = self.reduced((1 << self.calls.len()) - 1)?;
        reduced.is_impossible().then_some(reduced.kept)
    }

    fn chosen(&self, subset: u32) -> impl Iterator<Item = &Candidate> + Clone {
        (0..).zip(&self.calls).filter(move |(at, _)| subset & (1 << at) != 0).map(|(_, call)| call)
    }

    /// Chains of the chosen reads, and what they show.
    fn reads(&self, subset: u32) -> impl Iterator<Item = (u32, &[u32])> + Clone {
        self.chosen(subset).filter_map(|call| match &call.kind {
            Kind::Read(chain, shown) => Some((*chain, &shown[..])),
            _ => None,
        })
    }

    fn size(&self, subset: u32) -> Size {
        let sequence = self.chains.sequence;
        let begin = self.chosen(subset).map(|call| sequence.invoke(call.position)).min();
        let end = self.chosen(subset).map(|call| sequence.end(call.position)).max();
        let (begin, end) = (begin.unwrap_or(0), end.unwrap_or(0));
        (subset.count_ones(), end - begin, begin)
    }

    /// The calls of an excerpt; none if they may be impossible although the whole is not.
    fn reduced(&self, subset: u32) -> Option<Reduced> {
        let is_kept = |position: u32| self.chosen(subset).any(|call| call.position == position);
        let root = |chain: u32| self.chains.all[chain as usize].root;
        let roots = self.reads(subset).map(|(chain, _)| root(chain));
        let first_root = roots.clone().next()?;
        let has_put = self.chosen(subset).any(|call| matches!(call.kind, Kind::Put));
        let is_without_root =
            first_root != NO_CALL && !has_put && roots.clone().all(|root| root == first_root);
        if !is_without_root && !roots.clone().all(|root| root == NO_CALL || is_kept(root)) {
            return None;
        }
        let mut kept = Vec::new();
        let mut others = Vec::new();
        for call in self.chosen(subset).filter(|call| matches!(call.kind, Kind::Append)) {
            let is_certain = call.name == call.position || self.is_single(call.position);
            let is_shown = self.reads(subset).any(|(_, shown)| shown.contains(&call.name));
            if is_without_root && !(is_certain && is_shown) {
                return None;
            }
            kept.push(call.name);
            let equals = self.equals(call).filter(|&equal| !is_kept(equal));
            others.extend(equals.map(|equal| (equal, call.name)));
        }
        others.sort_unstable();
        others.dedup();
        let struck = self.struck(subset, others)?;
        let call = |candidate: &Candidate| {
            let op = match &candidate.kind {
                Kind::Append => ExcerptOp::Append(candidate.name),
                Kind::Put => ExcerptOp::Put(candidate.name),
                Kind::Read(chain, shown) => {
                    let root = Some(root(*chain)).filter(|&root| root != NO_CALL && is_kept(root));
                    let shown = shown.iter().copied().filter(|name| kept.contains(name));
                    ExcerptOp::Read(root.into_iter().chain(shown).collect())
                }
            };
            let Call { invoke, complete, .. } =
                self.chains.sequence.calls[candidate.position as usize];
            Call { op, invoke, complete }
        };
        Some(Reduced { kept: self.chosen(subset).map(call).collect(), struck })
    }

    /// Whether an append is the only one of its text.
    fn is_single(&self, append: u32) -> bool {
        let text = text(self.chains, append);
        text.is_some_and(|text| self.chains.texts.appends(text).len() == 1)
    }

    /// The appends that an append cannot be known from, and itself.
    fn equals(&self, append: &Candidate) -> impl Iterator<Item = u32> {
        let (chains, places, naming) = (self.chains, self.places, self.naming);
        let equals = equals(chains, places, naming, append.position);
        equals.filter(move |&equal| name(chains, places, naming, equal) == append.name)
    }

    /// Appends that are not kept, with their names, as far as they began in time. None if they are
    /// too many.
    fn struck(&self, subset: u32, others: Vec<(u32, u32)>) -> Option<Vec<Call<ExcerptOp>>> {
        let sequence = self.chains.sequence;
        let ends = self.chosen(subset).map(|call| sequence.complete(call.position));
        let end = ends.filter(|&end| end != NEVER).max()?;
        let in_time = others.into_iter().filter(|&(append, _)| sequence.invoke(append) < end);
        let mut struck = Vec::new();
        for (append, name) in in_time {
            if struck.len() == MOST_STRUCK {
                return None;
            }
            let Call { invoke, .. } = sequence.calls[append as usize];
            struck.push(Call { op: ExcerptOp::Append(name), invoke, complete: None });
        }
        Some(struck)
    }
}

/// The appends that this one may not be known from.
pub(super) fn equals<S: Symbol>(
    chains: &Chains<'_, '_, '_, S>,
    places: &Places,
    naming: Naming,
    append: u32,
) -> impl Iterator<Item = u32> {
    let text = text(chains, append);
    let is_alike = text.is_some_and(|text| are_alike(chains, naming, text));
    let appends = text.map_or(&[][..], |text| chains.texts.appends(text));
    let stage_of = &places.stage_of;
    let equals = appends.iter().copied();
    equals.filter(move |&equal| is_alike || stage_of[equal as usize] == UNKNOWN)
}

/// Whether the appends of a text are several, and not known from one another.
fn are_alike<S: Symbol>(chains: &Chains<'_, '_, '_, S>, naming: Naming, text: u32) -> bool {
    naming == Naming::ByText && chains.texts.appends(text).len() > 1
}

fn is_append<S: Symbol>(chains: &Chains<'_, '_, '_, S>, at: u32) -> bool {
    matches!(chains.sequence.op(at), SequenceOp::Append(_))
}

/// The number of the text of a write.
fn text<S: Symbol>(chains: &Chains<'_, '_, '_, S>, write: u32) -> Option<u32> {
    chains.texts.find(chains.sequence.text(write))
}

/// What a write is known by in an excerpt: its position, or its text if another may be shown there.
fn name<S: Symbol>(
    chains: &Chains<'_, '_, '_, S>,
    places: &Places,
    naming: Naming,
    write: u32,
) -> u32 {
    let is_unknown = places.stage_of[write as usize] == UNKNOWN;
    match text(chains, write) {
        Some(text) if is_append(chains, write) && are_alike(chains, naming, text) => {
            name_of_text(chains, text)
        }
        Some(text) if is_unknown => name_of_text(chains, text),
        _ => write,
    }
}

fn name_of_text<S: Symbol>(chains: &Chains<'_, '_, '_, S>, text: u32) -> u32 {
    number(chains.sequence.calls.len()) + text
}

/// The chain of a read, and the names of what it shows after its put. None if it is not known which
/// append of one of these texts it shows.
fn shown<S: Symbol>(
    chains: &Chains<'_, '_, '_, S>,
    places: &Places,
    naming: Naming,
    read: u32,
    texts: &[u32],
) -> Option<(u32, Vec<u32>)> {
    let name = |stage: u32, token: &Token| match places.writes[stage as usize] {
        _ if are_alike(chains, naming, token.text) => name_of_text(chains, token.text),
        NO_CALL => name_of_text(chains, token.text),
        write => write,
    };
    let stage = chains.stage_of[read as usize];
    if stage != NOWHERE {
        let chain = chains.chain_of(stage);
        let stages = chain.first_stage + 1..=stage;
        let shown = stages.zip(&chain.tokens).map(|(stage, token)| name(stage, token)).collect();
        return Some((chains.stages[stage as usize].chain, shown));
    }
    let (at, common, tokens) = chains.beside(read)?;
    let chain = &chains.all[at as usize];
    let mut shown = Vec::with_capacity(tokens.len());
    for (stage, (place, token)) in (chain.first_stage + 1..).zip(tokens.iter().enumerate()) {
        shown.push(match chains.texts.appends(token.text) {
            _ if place < common => name(stage, token),
            &[append] => append,
            _ if are_alike(chains, naming, token.text) => name_of_text(chains, token.text),
            _ if texts.contains(&token.text) => return None,
            _ => name_of_text(chains, token.text),
        });
    }
    Some((at, shown))
}
