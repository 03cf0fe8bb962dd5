//! Sequences that are read whole, appended to, and replaced: decided by what each read shows.
//!
//! The object is a list or a string. Where no two writes add the same text, a read *is* the order
//! of the writes before it: it begins with the put that replaced everything before, and each append
//! in it took effect in exactly one known state. So the reads that begin with the same put form a
//! *chain*: each is the beginning of the longest one, and its place there is its *stage*. Nothing
//! that changes the sequence comes between two stages. A chain is therefore one block, as in
//! [`crate::linearizable::chains`], and blocks obey the law of [`crate::linearizable::zones`] (Gibbons and Korach, 1997).
//!
//! Three things are to be checked, each in O(n log n):
//!
//! - What reads show can be written ([`texts`], [`decode`], [`chains`]): each read is a put and
//!   appends after it, no append twice, and of two reads of a chain one begins with the other.
//! - Within a chain, nothing at a later stage is over before something at an earlier one began.
//! - Between blocks, no two must each come before the other ([`order`]). A write that no read shows
//!   is a block of its own: it may come between any two others, and the put that begins the next
//!   chain hides it. The first value was there before everything. Open writes that no read shows
//!   are left out: what follows them would follow the write before them just as well.
//!
//! A string is a sequence of bytes; what was appended to it has to be found again. Where no text
//! begins with another, there is one way at most to cut a read into texts. Else the ways are
//! counted, between the places where shorter reads end.
//!
//! No answer rests on this reasoning alone. A valid one has an order, which was replayed. An
//! invalid one has an *excerpt* ([`excerpt`]): a few operations whose reads show only the texts of
//! those operations, which the search found impossible. Where texts are written more than once, or
//! where there is more than one way to cut a read, both are tried; if neither holds, the answer is
//! that this does not apply.

use std::fmt::Debug;
use std::hash::Hash;

use crate::model::Call;
use chains::Chains;
use places::Places;
use stands::stands;
use texts::Texts;

pub(crate) use anomaly::Anomaly;
#[cfg_attr(not(test), expect(unused_imports, reason = "for a second opinion on an excerpt"))]
pub(crate) use excerpt::ExcerptModel;
pub(crate) use excerpt::ExcerptOp;

mod anomaly;
mod chains;
mod closest;
mod decode;
mod excerpt;
mod order;
mod places;
mod replay;
mod stands;
mod sweep;
#[cfg(test)]
mod tests;
mod texts;
mod witness;

/// What a sequence is made of: the elements of a list, or the bytes of a string.
pub(crate) trait Symbol: Copy + Ord + Hash + Debug {}

impl<S: Copy + Ord + Hash + Debug> Symbol for S {}

/// An operation on a sequence, with its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum SequenceOp<'a, S> {
    /// A read that returned this. One without an answer says nothing and is left out.
    Read(&'a [S]),
    /// An append of this at the end.
    Append(&'a [S]),
    /// A write that replaces everything by this.
    Put(&'a [S]),
}

/// What the reads show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// There is an order: these calls, by position. It was replayed.
    Linearizable(Vec<u32>),
    /// There is none.
    Contradiction(Contradiction),
    /// Texts are written more than once, or may be cut in more than one way, so that reads do not
    /// show the order of the writes.
    NotApplicable,
}

/// A few calls that contradict one another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Contradiction {
    pub(crate) anomaly: Anomaly,
    /// Positions of the calls, in increasing order.
    pub(crate) operations: Vec<u32>,
    /// The same calls, reduced to what they wrote themselves, for [`ExcerptModel`], and after them the
    /// appends that some of them may not be known from: impossible, while no fewer of the calls are.
    pub(crate) excerpt: Vec<Call<ExcerptOp>>,
    /// Whether the calls, with all that their reads returned, have no order if nothing else was done.
    /// Else they are a part of a contradiction that is told by what others were at which time.
    pub(crate) stands: bool,
}

/// The position of no call.
const NO_CALL: u32 = u32::MAX;
/// Before everything.
const START: i64 = -1;
/// After everything.
const NEVER: i64 = i64::MAX;

/// Decides whether calls on one sequence are linearizable. All places in time differ. Once `stop` says so, between
/// two steps, no more is done: the answer is then that this does not apply.
pub(crate) fn check<S: Symbol>(
    initial: &[S],
    calls: &[Call<SequenceOp<'_, S>>],
    stop: &dyn Fn() -> bool,
) -> Answer {
    decide(Sequence { initial, calls }, stop).unwrap_or(Answer::NotApplicable)
}

fn decide<S: Symbol>(sequence: Sequence<'_, '_, S>, stop: &dyn Fn() -> bool) -> Option<Answer> {
    let go_on = || (!stop()).then_some(());
    go_on()?;
    let texts = Texts::new(sequence);
    go_on()?;
    let mut chains = Chains::new(sequence, &texts, true);
    go_on()?;
    if chains.are_whole() {
        let places = Places::guessed(&chains);
        go_on()?;
        let order = order::order(&chains, &places);
        go_on()?;
        if let Some(order) = order.filter(|order| replay::replays(sequence, order)) {
            return Some(Answer::Linearizable(order));
        }
    }
    if !chains.are_certain() {
        go_on()?;
        chains = Chains::new(sequence, &texts, false);
    }
    go_on()?;
    let places = Places::certain(&chains);
    go_on()?;
    witness::find(&chains, &places).map(Answer::Contradiction)
}

/// What is to be decided.
#[derive(Debug)]
struct Sequence<'c, 'a, S> {
    initial: &'a [S],
    calls: &'c [Call<SequenceOp<'a, S>>],
}

impl<S> Clone for Sequence<'_, '_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Sequence<'_, '_, S> {}

impl<'a, S: Symbol> Sequence<'_, 'a, S> {
    fn op(&self, position: u32) -> SequenceOp<'a, S> {
        self.calls[position as usize].op
    }

    /// The place of an invocation; that of the first value is before everything.
    fn invoke(&self, position: u32) -> i64 {
        if position == NO_CALL { START } else { self.calls[position as usize].invoke.into() }
    }

    fn complete(&self, position: u32) -> i64 {
        if position == NO_CALL {
            return START;
        }
        self.calls[position as usize].complete.map_or(NEVER, i64::from)
    }

    /// The last that is known of a call: when it was over, or else when it began.
    fn end(&self, position: u32) -> i64 {
        if self.is_open(position) { self.invoke(position) } else { self.complete(position) }
    }

    fn is_open(&self, position: u32) -> bool {
        self.complete(position) == NEVER
    }

    /// What a read showed, or a write wrote.
    fn text(&self, position: u32) -> &'a [S] {
        let (SequenceOp::Read(text) | SequenceOp::Append(text) | SequenceOp::Put(text)) =
            self.op(position);
        text
    }

    /// Positions of all calls.
    fn positions(&self) -> impl Iterator<Item = u32> + use<S> {
        0..number(self.calls.len())
    }

    /// Positions of the reads that were answered.
    fn reads(&self) -> impl Iterator<Item = u32> {
        self.positions()
            .filter(|&at| matches!(self.op(at), SequenceOp::Read(_)) && !self.is_open(at))
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).expect("a history has fewer than 2^32 operations")
}
