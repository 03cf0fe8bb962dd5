//! From reads to chains: what each read began with, and how far it had come.

use std::cmp::Reverse;

use smallvec::SmallVec;

use super::decode::{Cut, Decoded, Token, decode};
use super::texts::Texts;
use super::{NEVER, NO_CALL, START, Sequence, Symbol, number};

/// The stage of a call that has none.
pub(super) const NOWHERE: u32 = u32::MAX;

/// Of reads that contradict a chain, so many symbols are looked at.
const MOST_BESIDE: usize = 1 << 20;

/// Of equal writes, so many are looked at.
const MOST_EQUAL: usize = 64;

/// The states between one put and the next, as the longest read shows them.
#[derive(Debug)]
pub(super) struct Chain {
    /// The put that it begins with; [`NO_CALL`] for the first value.
    pub(super) root: u32,
    /// What was appended to it: the state after so many is a stage.
    pub(super) tokens: Vec<Token>,
    /// The number of its first stage among those of all chains.
    pub(super) first_stage: u32,
}

impl Chain {
    /// Numbers of its stages.
    pub(super) fn stages(&self) -> std::ops::Range<u32> {
        self.first_stage..self.first_stage + 1 + number(self.tokens.len())
    }
}

/// The reads of a state.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stage {
    pub(super) chain: u32,
    /// The one that was over first, and the one that began last.
    pub(super) first: u32,
    pub(super) last: u32,
}

pub(super) struct Chains<'c, 't, 'a, S> {
    pub(super) sequence: Sequence<'c, 'a, S>,
    pub(super) texts: &'t Texts<'a, S>,
    /// One after another.
    pub(super) all: Vec<Chain>,
    /// The stages of all chains, one chain after another.
    pub(super) stages: Vec<Stage>,
    /// For each call that is a read, its stage.
    pub(super) stage_of: Vec<u32>,
    /// Reads of what no writes could have led to.
    pub(super) garbage: Vec<u32>,
    /// Reads that a chain does not begin with, although they begin with its put; and the chain.
    pub(super) beside: Vec<(u32, u32)>,
    /// Whether to guess what is not certain.
    is_guessing: bool,
    /// Whether something was guessed.
    is_guessed: bool,
    /// Whether something was left out.
    is_partial: bool,
}

/// A read, and the put that it began with.
#[derive(Debug, Clone, Copy)]
struct Rooted {
    root: u32,
    read: u32,
}

/// The puts of each text that a read may begin with, by invocation, and where the read goes on.
type Fitting<'t> = SmallVec<[(&'t [u32], usize); 2]>;

impl<'c, 't, 'a, S: Symbol> Chains<'c, 't, 'a, S> {
    pub(super) fn new(
        sequence: Sequence<'c, 'a, S>,
        texts: &'t Texts<'a, S>,
        is_guessing: bool,
    ) -> Self {
        let mut chains = Chains {
            sequence,
            texts,
            all: Vec::new(),
            stages: Vec::new(),
            stage_of: vec![NOWHERE; sequence.calls.len()],
            garbage: Vec::new(),
            beside: Vec::new(),
            is_guessing,
            is_guessed: false,
            is_partial: false,
        };
        let mut reads: Vec<Rooted> = Vec::new();
        for read in sequence.reads() {
            let roots = chains.possible_roots(read);
            match roots[..] {
                [] => chains.garbage.push(read),
                [root] => reads.push(Rooted { root, read }),
                [.., root] if is_guessing => {
                    reads.push(Rooted { root, read });
                    chains.is_guessed = true;
                }
                _ => chains.is_partial = true,
            }
        }
        reads.sort_unstable_by_key(|&Rooted { root, read }| {
            (sequence.invoke(root), Reverse(sequence.text(read).len()), read)
        });
        for of_root in reads.chunk_by(|one, other| one.root == other.root) {
            chains.add(of_root);
        }
        chains
    }

    /// Whether every read stands at a stage.
    pub(super) fn are_whole(&self) -> bool {
        self.garbage.is_empty() && self.beside.is_empty() && !self.is_partial
    }

    /// Whether nothing was guessed.
    pub(super) fn are_certain(&self) -> bool {
        !self.is_guessed
    }

    /// The chain of a stage.
    pub(super) fn chain_of(&self, stage: u32) -> &Chain {
        &self.all[self.stages[stage as usize].chain as usize]
    }

    /// Of a read that its chain does not begin with: the chain, up to which stage of it they agree,
    /// and what the read shows.
    pub(super) fn beside(&self, read: u32) -> Option<(u32, usize, Vec<Token>)> {
        let &(_, at) = self.beside.iter().find(|&&(other, _)| other == read)?;
        let chain = &self.all[at as usize];
        let Decoded::Once(tokens) = self.decode(read, chain.root) else { return None };
        let common = tokens.iter().zip(&chain.tokens).take_while(|(one, other)| one == other);
        Some((at, common.count(), tokens))
    }

    /// A read by itself.
    fn decode(&self, read: u32, root: u32) -> Decoded {
        let text = self.sequence.text(read);
        self.cut(text, self.length(root), &[Cut::whole(text)])
    }

    fn cut(&self, text: &[S], start: usize, cuts: &[Cut]) -> Decoded {
        decode(self.texts, text, start, cuts, &|text, _| !self.texts.appends(text).is_empty())
    }

    /// How long a put's text is.
    fn length(&self, root: u32) -> usize {
        if root == NO_CALL { self.sequence.initial.len() } else { self.sequence.text(root).len() }
    }

    /// The puts that a read may have begun with, or some of them, the likeliest last: it was over
    /// before the read began, and later than the others.
    fn possible_roots(&self, read: u32) -> SmallVec<[u32; 4]> {
        let sequence = self.sequence;
        let text = sequence.text(read);
        let over = sequence.complete(read);
        let mut fitting = self.fitting(text);
        let in_time = |fitting: &Fitting<'_>| {
            let mut possible = SmallVec::new();
            for (puts, _) in fitting {
                let count = puts.partition_point(|&put| sequence.invoke(put) < over);
                possible.extend_from_slice(&puts[count.saturating_sub(MOST_EQUAL)..count]);
            }
            possible
        };
        let mut possible: SmallVec<[u32; 4]> = in_time(&fitting);
        if possible.len() > 1 {
            let whole = [Cut::whole(text)];
            fitting.retain(|&mut (_, start)| self.cut(text, start, &whole) != Decoded::No);
            possible = in_time(&fitting);
        }
        if possible.is_empty() {
            // If all began too late, the read saw the future.
            possible.extend(fitting.first().map(|(puts, _)| puts[0]));
        }
        let begin = sequence.invoke(read);
        possible.sort_unstable_by_key(|&put| {
            let complete = sequence.complete(put);
            if complete < begin { (true, complete) } else { (false, -sequence.invoke(put)) }
        });
        possible
    }

    /// The puts that a text may begin with.
    fn fitting(&self, text: &[S]) -> Fitting<'t> {
        let mut fitting = Fitting::new();
        let mut next = self.texts.longest(text);
        let is_appended = |first: u32| !self.texts.appends(first).is_empty();
        if text.is_empty() || !self.texts.is_prefix_free() || next.is_some_and(is_appended) {
            fitting.push((self.texts.empty_puts(), 0));
        }
        while let Some(put) = next {
            fitting.push((self.texts.puts(put), self.texts.get(put).len()));
            next = self.texts.shorter(put);
        }
        fitting.retain(|(puts, _)| !puts.is_empty());
        fitting
    }

    /// Makes a chain of all reads that began with the same put, the longest first.
    fn add(&mut self, reads: &[Rooted]) {
        let Some((at, tokens)) = self.longest(reads) else { return };
        let Rooted { root, read: longest } = reads[at];
        let chain = number(self.all.len());
        let first_stage = number(self.stages.len());
        let stage = Stage { chain, first: NO_CALL, last: NO_CALL };
        self.stages.resize(self.stages.len() + 1 + tokens.len(), stage);
        let (longest, start) = (self.sequence.text(longest), self.length(root));
        let mut others = Vec::new();
        for &Rooted { read, .. } in &reads[at..] {
            let text = self.sequence.text(read);
            match stage_at(&tokens, start, text.len()) {
                Some(stage) if longest.starts_with(text) => self.place(read, first_stage + stage),
                _ => others.push(read),
            }
        }
        self.all.push(Chain { root, tokens, first_stage });
        self.add_beside(chain, others);
    }

    /// Takes the reads that a chain does not begin with, the shortest first. Each is a contradiction,
    /// so that not all have to be seen.
    fn add_beside(&mut self, chain: u32, reads: Vec<u32>) {
        let root = self.all[chain as usize].root;
        let mut seen = 0;
        for read in reads.into_iter().rev() {
            if seen > MOST_BESIDE {
                self.is_partial = true;
                return;
            }
            seen += self.sequence.text(read).len();
            match self.decode(read, root) {
                Decoded::No => self.garbage.push(read),
                Decoded::Once(_) => self.beside.push((read, chain)),
                Decoded::Several(_) | Decoded::Unclear => self.is_partial = true,
            }
        }
    }

    /// The place of the longest read that is no garbage, and what was appended up to there.
    fn longest(&mut self, reads: &[Rooted]) -> Option<(usize, Vec<Token>)> {
        for (at, &Rooted { root, read }) in reads.iter().enumerate() {
            let tokens = match self.decode(read, root) {
                Decoded::No => {
                    self.garbage.push(read);
                    continue;
                }
                Decoded::Once(tokens) => Some(tokens),
                Decoded::Several(_) => self.cut_at_reads(&reads[at..]),
                Decoded::Unclear => None,
            };
            self.is_partial |= tokens.is_none();
            return Some((at, tokens?));
        }
        None
    }

    /// Where there are several ways, shorter reads may leave only one; or else time: what was
    /// appended between two reads was not over before the first of them, and began before the
    /// second was over. A way that is guessed may be wrong.
    fn cut_at_reads(&mut self, reads: &[Rooted]) -> Option<Vec<Token>> {
        let sequence = self.sequence;
        let Rooted { root, read: longest } = reads[0];
        let (text, start) = (sequence.text(longest), self.length(root));
        let cuts = self.cuts(reads);
        if let Decoded::Once(tokens) = self.cut(text, start, &cuts) {
            return Some(tokens);
        }
        let may_be = |text: u32, cut: Cut| {
            let appends = self.texts.appends(text);
            let count = appends.partition_point(|&append| sequence.invoke(append) < cut.before);
            count > MOST_EQUAL
                || appends[..count].iter().any(|&append| sequence.complete(append) > cut.after)
        };
        match decode(self.texts, text, start, &cuts, &may_be) {
            Decoded::Once(tokens) => Some(tokens),
            Decoded::Several(tokens) if self.is_guessing => {
                self.is_guessed = true;
                Some(tokens)
            }
            _ => None,
        }
    }

    /// Where the reads end that are the beginning of the first of them, in increasing order.
    fn cuts(&self, reads: &[Rooted]) -> Vec<Cut> {
        let sequence = self.sequence;
        let Rooted { root, read: longest } = reads[0];
        let longest = sequence.text(longest);
        let shorter = reads.iter().rev().map(|rooted| rooted.read);
        let beginnings: Vec<u32> =
            shorter.filter(|&read| longest.starts_with(sequence.text(read))).collect();
        let length = |read: u32| sequence.text(read).len();
        let mut cuts: Vec<Cut> = Vec::new();
        let mut after = sequence.invoke(root);
        for equal in beginnings.chunk_by(|&one, &other| length(one) == length(other)) {
            let first = equal.iter().map(|&read| sequence.complete(read)).min();
            let last = equal.iter().map(|&read| sequence.invoke(read)).max();
            cuts.push(Cut { end: length(equal[0]), after, before: first.unwrap_or(NEVER) });
            after = after.max(last.unwrap_or(START));
        }
        for at in (1..cuts.len()).rev() {
            cuts[at - 1].before = cuts[at - 1].before.min(cuts[at].before);
        }
        cuts
    }

    fn place(&mut self, read: u32, stage: u32) {
        self.stage_of[read as usize] = stage;
        let sequence = self.sequence;
        let Stage { first, last, .. } = &mut self.stages[stage as usize];
        if *first == NO_CALL || sequence.complete(read) < sequence.complete(*first) {
            *first = read;
        }
        if *last == NO_CALL || sequence.invoke(read) > sequence.invoke(*last) {
            *last = read;
        }
    }
}

/// After how many appends a state has this length.
fn stage_at(tokens: &[Token], start: usize, length: usize) -> Option<u32> {
    if length == start {
        return Some(0);
    }
    tokens.binary_search_by_key(&length, |token| token.end).ok().map(|at| number(at) + 1)
}
