//! A list or text that is read, replaced, appended to, and compared and set.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{Call, Model};
use crate::memory;

/// More first states than this are not tried one by one.
const MOST_STARTS: usize = 256;

/// One key of a store of lists, or of texts: then its elements are bytes.
#[derive(Debug, Clone)]
pub struct Sequence<E> {
    /// What it holds before the first write.
    pub initial: Box<[E]>,
}

/// An operation on a sequence, with its answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SequenceOp<E> {
    /// A read that returned this.
    Get(Box<[E]>),
    /// A write of this.
    Put(Box<[E]>),
    /// An append of these.
    Append(Box<[E]>),
    /// A compare-and-set from the first to the second that was done.
    Cas(Box<[E]>, Box<[E]>),
    /// A compare-and-set that was refused, because the sequence was not this.
    Refused(Box<[E]>),
}

impl<E: Clone + Eq + std::hash::Hash + std::fmt::Debug> Model for Sequence<E> {
    type Op = SequenceOp<E>;
    type State = Box<[E]>;

    fn initial(&self) -> Box<[E]> {
        self.initial.clone()
    }

    fn step(&self, state: &Box<[E]>, op: &SequenceOp<E>) -> Option<Box<[E]>> {
        match op {
            SequenceOp::Get(value) => (state == value).then(|| value.clone()),
            SequenceOp::Put(value) => Some(value.clone()),
            SequenceOp::Append(value) => Some([&**state, &**value].concat().into()),
            SequenceOp::Cas(old, new) => (state == old).then(|| new.clone()),
            SequenceOp::Refused(old) => (state != old).then(|| state.clone()),
        }
    }

    fn is_read_only(&self, op: &SequenceOp<E>) -> bool {
        matches!(op, SequenceOp::Get(_) | SequenceOp::Refused(_))
    }

    /// Before the first write of the whole, what is seen is what was there at first and what was
    /// appended. So a state that can be told from others is the beginning of something seen, without
    /// some of what these calls append; or it is none of these, as one that is longer than all of them.
    fn starts(&self, calls: &[Call<SequenceOp<E>>]) -> Option<Vec<Self>> {
        let mut seen: Vec<&[E]> = Vec::new();
        let mut appended: Vec<&[E]> = Vec::new();
        let (mut longest, mut any) = (0, None);
        for call in calls {
            let (SequenceOp::Get(whole)
            | SequenceOp::Put(whole)
            | SequenceOp::Append(whole)
            | SequenceOp::Cas(whole, _)
            | SequenceOp::Refused(whole)) = &call.op;
            (longest, any) = (longest.max(whole.len()), any.or(whole.first()));
            match &call.op {
                SequenceOp::Get(_) | SequenceOp::Cas(..) => seen.push(whole),
                SequenceOp::Append(_) if !whole.is_empty() => appended.push(whole),
                _ => {}
            }
        }
        let mut known: FxHashSet<&[E]> = FxHashSet::default();
        let mut starts = Vec::new();
        while let Some(whole) = seen.pop() {
            if known.insert(whole) {
                starts.push(Sequence { initial: whole.into() });
                seen.extend(appended.iter().filter_map(|part| whole.strip_suffix(*part)));
            }
            if starts.len() > MOST_STARTS {
                return None;
            }
        }
        let is_refused = |call: &Call<_>| matches!(call.op, SequenceOp::Refused(_));
        match any {
            Some(any) => starts.push(Sequence { initial: vec![any.clone(); longest + 1].into() }),
            // Nothing but empty ones: there is no state like that which does better.
            None if calls.iter().any(is_refused) => return None,
            None => starts.push(Sequence { initial: Box::default() }),
        }
        Some(starts)
    }

    fn state_bytes(&self, state: &Box<[E]>) -> usize {
        memory::block(size_of_val(&**state))
    }

    /// An open write whose elements no call saw or expected helps no call, except
    /// to be something else than a refused compare-and-set expected.
    fn strike_out(&self, calls: &[Call<SequenceOp<E>>], keep: &mut [bool]) {
        if calls.iter().any(|call| matches!(call.op, SequenceOp::Refused(_))) {
            return;
        }
        let mut helps: FxHashMap<&[E], bool> = FxHashMap::default();
        for call in calls.iter().filter(|call| call.complete.is_none()) {
            if let SequenceOp::Put(part) | SequenceOp::Append(part) = &call.op {
                helps.insert(part, part.is_empty());
            }
        }
        let whole = calls.iter().filter_map(|call| match &call.op {
            SequenceOp::Get(seen) | SequenceOp::Cas(seen, _) => Some(&**seen),
            _ => None,
        });
        if !find_parts(whole, &mut helps) {
            return;
        }
        for (call, keep) in calls.iter().zip(keep) {
            if let (SequenceOp::Put(part) | SequenceOp::Append(part), None) =
                (&call.op, call.complete)
            {
                *keep &= helps[&**part];
            }
        }
    }
}

/// So many places are looked at to find parts.
const MOST_PLACES: usize = 10_000_000;

/// Marks the parts that are in one of the whole sequences. False if that would take too long.
fn find_parts<'a, E: Eq + std::hash::Hash + 'a>(
    whole: impl Iterator<Item = &'a [E]>,
    parts: &mut FxHashMap<&[E], bool>,
) -> bool {
    let mut left = parts.values().filter(|is_found| !**is_found).count();
    let mut lengths: Vec<usize> = parts.keys().map(|part| part.len()).collect();
    lengths.sort_unstable();
    lengths.dedup();
    let mut places = 0;
    let mut known: FxHashSet<&[E]> = FxHashSet::default();
    for whole in whole.filter(|whole| known.insert(whole)) {
        for &length in lengths.iter().filter(|&&length| length > 0) {
            places += whole.len();
            if left == 0 || places > MOST_PLACES {
                return left == 0;
            }
            for window in whole.windows(length) {
                if let Some(is_found) = parts.get_mut(window) {
                    left -= usize::from(!std::mem::replace(is_found, true));
                }
            }
        }
    }
    true
}
