//! From chains to writes: which write led from each stage to the next.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::chains::{Chains, NOWHERE};
use super::{NEVER, NO_CALL, Symbol};

/// The stage of a write of which nothing is known: another wrote the same text.
pub(super) const UNKNOWN: u32 = u32::MAX - 1;

/// Of more equal writes than this, none is certain.
const MOST_EQUAL: usize = 64;

pub(super) struct Places {
    /// For each call its stage, [`NOWHERE`] for a write that no read shows, or [`UNKNOWN`].
    pub(super) stage_of: Vec<u32>,
    /// For each stage the write that led to it.
    pub(super) writes: Vec<u32>,
    /// Texts that reads show more often than they were appended.
    pub(super) repeated: Vec<u32>,
}

/// Where equal appends are shown, in order.
type Shown = Vec<(u32, Vec<u32>)>;

impl Places {
    /// Only where there is no choice.
    pub(super) fn certain<S: Symbol>(chains: &Chains<'_, '_, '_, S>) -> Self {
        let (mut places, shown) = Places::single(chains);
        if shown.is_empty() {
            return places;
        }
        let windows = windows(chains);
        for (text, stages) in shown {
            let mut appends = chains.texts.appends(text).to_vec();
            if stages.len() > appends.len() {
                places.repeated.push(text);
            } else if appends.len() <= MOST_EQUAL {
                let is_known = places.put_forced(chains, &windows, &mut appends, stages);
                if is_known {
                    continue;
                }
            }
            for append in appends {
                places.stage_of[append as usize] = UNKNOWN;
            }
        }
        places
    }

    /// Takes from equal appends those that alone can have led to a stage in time, and says whether
    /// none is left that led to another.
    fn put_forced<S: Symbol>(
        &mut self,
        chains: &Chains<'_, '_, '_, S>,
        windows: &[Window],
        appends: &mut Vec<u32>,
        mut stages: Vec<u32>,
    ) -> bool {
        loop {
            let before = stages.len();
            stages.retain(|&stage| {
                let window = windows[stage as usize];
                let mut fitting = (0..appends.len()).filter(|&at| window.fits(chains, appends[at]));
                let (Some(at), None) = (fitting.next(), fitting.next()) else { return true };
                self.put(appends.remove(at), stage);
                false
            });
            if stages.is_empty() || stages.len() == before {
                return stages.is_empty();
            }
        }
    }

    /// Of equal appends that may have led to a stage, the one that was over first did, where that was
    /// read first. There may be a better choice.
    pub(super) fn guessed<S: Symbol>(chains: &Chains<'_, '_, '_, S>) -> Self {
        let (mut places, shown) = Places::single(chains);
        if shown.is_empty() {
            return places;
        }
        let sequence = chains.sequence;
        let windows = windows(chains);
        for (text, mut stages) in shown {
            stages.sort_by_key(|&stage| windows[stage as usize].before);
            let mut appends = chains.texts.appends(text).iter().copied().peekable();
            let mut waiting = BinaryHeap::new();
            for stage in stages {
                let Window { after, before } = windows[stage as usize];
                while let Some(append) = appends.next_if(|&at| sequence.invoke(at) < before) {
                    waiting.push(Reverse((sequence.complete(append), append)));
                }
                while let Some(Reverse((complete, append))) = waiting.pop() {
                    if complete > after {
                        places.put(append, stage);
                        break;
                    }
                }
            }
        }
        places
    }

    /// Puts, and appends whose text is there once; and where the others are shown.
    fn single<S: Symbol>(chains: &Chains<'_, '_, '_, S>) -> (Self, Shown) {
        let mut counts = vec![0_u32; chains.texts.len()];
        for token in chains.all.iter().flat_map(|chain| &chain.tokens) {
            counts[token.text as usize] += 1;
        }
        let mut places = Places {
            stage_of: chains.stage_of.clone(),
            writes: vec![NO_CALL; chains.stages.len()],
            repeated: Vec::new(),
        };
        let mut others = Vec::new();
        for chain in &chains.all {
            if chain.root != NO_CALL {
                places.put(chain.root, chain.first_stage);
            }
            for (stage, token) in (chain.first_stage + 1..).zip(&chain.tokens) {
                match chains.texts.appends(token.text) {
                    &[append] if counts[token.text as usize] == 1 => places.put(append, stage),
                    _ => others.push((token.text, stage)),
                }
            }
        }
        others.sort_unstable();
        let equal = others.chunk_by(|one, other| one.0 == other.0);
        let stages = |shown: &[(u32, u32)]| shown.iter().map(|&(_, stage)| stage).collect();
        let shown = equal.map(|shown| (shown[0].0, stages(shown))).collect();
        (places, shown)
    }

    fn put(&mut self, write: u32, stage: u32) {
        self.stage_of[write as usize] = stage;
        self.writes[stage as usize] = write;
    }

    /// Whether a write is certainly in no chain.
    pub(super) fn is_apart(&self, write: u32) -> bool {
        self.stage_of[write as usize] == NOWHERE
    }

    /// The stage of a call, if it is known to have one.
    pub(super) fn stage(&self, call: u32) -> Option<u32> {
        Some(self.stage_of[call as usize]).filter(|&stage| stage != NOWHERE && stage != UNKNOWN)
    }
}

/// When a stage can have been reached: after reads of earlier stages began, and before one of it or
/// of a later stage was over.
#[derive(Debug, Clone, Copy)]
struct Window {
    after: i64,
    before: i64,
}

impl Window {
    fn fits<S: Symbol>(self, chains: &Chains<'_, '_, '_, S>, append: u32) -> bool {
        chains.sequence.invoke(append) < self.before
            && chains.sequence.complete(append) > self.after
    }
}

fn windows<S: Symbol>(chains: &Chains<'_, '_, '_, S>) -> Vec<Window> {
    let sequence = chains.sequence;
    let mut windows = Vec::with_capacity(chains.stages.len());
    for chain in &chains.all {
        let mut after = sequence.invoke(chain.root);
        for stage in chain.stages() {
            windows.push(Window { after, before: NEVER });
            let last = chains.stages[stage as usize].last;
            if last != NO_CALL {
                after = after.max(sequence.invoke(last));
            }
        }
        let mut before = NEVER;
        for stage in chain.stages().rev() {
            let first = chains.stages[stage as usize].first;
            if first != NO_CALL {
                before = before.min(sequence.complete(first));
            }
            windows[stage as usize].before = before;
        }
    }
    windows
}
