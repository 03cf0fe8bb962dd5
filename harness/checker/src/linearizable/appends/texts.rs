//! The texts that were written, to be found again in what was read.
//!
//! The different texts are kept in order. Those that something begins with stand not far from where
//! it would stand itself: if `p` is one of them and `t` is the last text that is not greater than
//! the something, then everything from `p` to `t` in this order begins with `p`. So each text knows
//! the longest other that it begins with, and all that fit are found from `t` along these.

use rustc_hash::FxHashMap;

use super::{NO_CALL, Sequence, SequenceOp, Symbol, number};

/// No text.
pub(super) const NO_TEXT: u32 = u32::MAX;

pub(super) struct Texts<'a, S> {
    /// The different texts that are not empty, in order.
    distinct: Vec<&'a [S]>,
    /// For each, the longest other that it begins with.
    parents: Vec<u32>,
    /// Where the texts are that begin with a symbol: from, to.
    by_first: FxHashMap<S, (u32, u32)>,
    /// Positions of all writes, those of a text together: appends, then puts, each by invocation.
    /// The first value counts as a put by [`NO_CALL`].
    writes: Vec<u32>,
    groups: Vec<Group>,
    /// Those that wrote nothing.
    empty: Group,
    /// Whether no text begins with another.
    is_prefix_free: bool,
}

/// Where the writes of a text are.
#[derive(Debug, Clone, Copy, Default)]
struct Group {
    appends: usize,
    puts: usize,
    end: usize,
}

impl<'a, S: Symbol> Texts<'a, S> {
    pub(super) fn new(sequence: Sequence<'_, 'a, S>) -> Self {
        let of_write = |text: &'a [S], is_put, at| {
            // Most texts differ in their first symbol already, which is here at hand.
            (text.first().copied(), text, is_put, sequence.invoke(at), at)
        };
        let mut written = vec![of_write(sequence.initial, true, NO_CALL)];
        for at in sequence.positions() {
            let (text, is_put) = match sequence.op(at) {
                SequenceOp::Read(_) => continue,
                SequenceOp::Append(text) => (text, false),
                SequenceOp::Put(text) => (text, true),
            };
            written.push(of_write(text, is_put, at));
        }
        written.sort_unstable();
        let mut distinct: Vec<&[S]> = Vec::with_capacity(written.len());
        let mut groups: Vec<Group> = Vec::with_capacity(written.len());
        let mut empty = Group::default();
        for (place, &(_, text, is_put, ..)) in written.iter().enumerate() {
            if !text.is_empty() && distinct.last() != Some(&text) {
                distinct.push(text);
                groups.push(Group { appends: place, puts: place, end: place });
            }
            let group = groups.last_mut().unwrap_or(&mut empty);
            group.puts += usize::from(!is_put);
            group.end += 1;
        }
        let parents = parents(&distinct);
        let is_prefix_free = parents.iter().all(|&parent| parent == NO_TEXT);
        let by_first = by_first(&distinct);
        let writes = written.into_iter().map(|(.., at)| at).collect();
        Texts { distinct, parents, by_first, writes, groups, empty, is_prefix_free }
    }

    pub(super) fn is_prefix_free(&self) -> bool {
        self.is_prefix_free
    }

    /// How many different texts there are.
    pub(super) fn len(&self) -> usize {
        self.distinct.len()
    }

    pub(super) fn get(&self, text: u32) -> &'a [S] {
        self.distinct[text as usize]
    }

    /// Positions of the appends of a text, by invocation.
    pub(super) fn appends(&self, text: u32) -> &[u32] {
        let Group { appends, puts, .. } = self.groups[text as usize];
        &self.writes[appends..puts]
    }

    /// Positions of the puts of a text, by invocation.
    pub(super) fn puts(&self, text: u32) -> &[u32] {
        let Group { puts, end, .. } = self.groups[text as usize];
        &self.writes[puts..end]
    }

    /// Positions of the puts of nothing, by invocation.
    pub(super) fn empty_puts(&self) -> &[u32] {
        &self.writes[self.empty.puts..self.empty.end]
    }

    /// The number of a text that was written and is not empty.
    pub(super) fn find(&self, text: &[S]) -> Option<u32> {
        self.distinct.binary_search(&text).ok().map(number)
    }

    /// The longest text with which something begins.
    pub(super) fn longest(&self, something: &[S]) -> Option<u32> {
        let &(from, to) = self.by_first.get(something.first()?)?;
        let range = &self.distinct[from as usize..to as usize];
        let last = range.partition_point(|&text| text <= something).checked_sub(1)?;
        let mut text = from + number(last);
        while !something.starts_with(self.get(text)) {
            text = self.shorter(text)?;
        }
        Some(text)
    }

    /// The longest other text that a text begins with.
    pub(super) fn shorter(&self, text: u32) -> Option<u32> {
        Some(self.parents[text as usize]).filter(|&parent| parent != NO_TEXT)
    }
}

fn parents<S: Symbol>(texts: &[&[S]]) -> Vec<u32> {
    let mut parents = Vec::with_capacity(texts.len());
    let mut open: Vec<u32> = Vec::new();
    for (at, text) in (0u32..).zip(texts) {
        while open.last().is_some_and(|&last| !text.starts_with(texts[last as usize])) {
            open.pop();
        }
        parents.push(open.last().copied().unwrap_or(NO_TEXT));
        open.push(at);
    }
    parents
}

fn by_first<S: Symbol>(texts: &[&[S]]) -> FxHashMap<S, (u32, u32)> {
    let mut by_first: FxHashMap<S, (u32, u32)> = FxHashMap::default();
    for (at, text) in (0u32..).zip(texts) {
        by_first.entry(text[0]).or_insert((at, at)).1 = at + 1;
    }
    by_first
}
