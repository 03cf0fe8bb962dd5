//! The law of time: within chains, and between them.

use super::chains::{Chain, Chains};
use super::places::Places;
use super::{NEVER, NO_CALL, START, SequenceOp, Symbol};

/// What has to stand together in any order: a chain, or a write that no read shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    /// Its first completion and its last invocation.
    pub(super) first_completion: i64,
    pub(super) last_invocation: i64,
    /// The calls that these are of.
    pub(super) first: u32,
    pub(super) last: u32,
    pub(super) content: Content,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    Chain(u32),
    Write,
}

impl Block {
    /// Whether something of it was over before something of it began.
    pub(super) fn is_forward(&self) -> bool {
        self.first_completion < self.last_invocation
    }

    fn shows(&self) -> i64 {
        self.first_completion.min(self.last_invocation)
    }
}

/// An order that explains all reads, if every read stands at a stage and time allows it.
pub(super) fn order<S: Symbol>(
    chains: &Chains<'_, '_, '_, S>,
    places: &Places,
) -> Option<Vec<u32>> {
    let mut blocks = Vec::new();
    for at in (0u32..).zip(&chains.all).map(|(at, _)| at) {
        let (block, is_in_order) = chain(chains, places, at);
        if !is_in_order || !is_written(&chains.all[at as usize], places) {
            return None;
        }
        blocks.push(block);
    }
    blocks.extend(writes(chains, places));
    if !conflicts(&mut blocks).is_empty() {
        return None;
    }
    Some(with_what_changes_nothing(chains, along(chains, places, blocks)))
}

fn is_written(chain: &Chain, places: &Places) -> bool {
    let is_written = |stage: u32| places.writes[stage as usize] != NO_CALL;
    chain
        .stages()
        .all(|stage| is_written(stage) || (chain.root == NO_CALL && stage == chain.first_stage))
}

/// A chain as a block, and whether time allows the order of its stages.
pub(super) fn chain<S: Symbol>(
    chains: &Chains<'_, '_, '_, S>,
    places: &Places,
    at: u32,
) -> (Block, bool) {
    let Chains { sequence, stages, .. } = chains;
    let chain = &chains.all[at as usize];
    let mut block = Block {
        first_completion: NEVER,
        last_invocation: START,
        first: NO_CALL,
        last: NO_CALL,
        content: Content::Chain(at),
    };
    if chain.root == NO_CALL {
        block.first_completion = START;
    }
    let mut is_in_order = true;
    for stage in chain.stages() {
        let reads = stages[stage as usize];
        let write = places.writes[stage as usize];
        // Reads of one stage have no order among them.
        for (position, is_ordered) in [(write, true), (reads.first, true), (reads.last, false)] {
            if position == NO_CALL {
                continue;
            }
            let (invoke, complete) = (sequence.invoke(position), sequence.complete(position));
            is_in_order &= complete > block.last_invocation || !is_ordered;
            if complete < block.first_completion {
                (block.first_completion, block.first) = (complete, position);
            }
            if invoke > block.last_invocation {
                (block.last_invocation, block.last) = (invoke, position);
            }
        }
    }
    (block, is_in_order)
}

/// The writes that no read shows and that were answered, each as a block.
pub(super) fn writes<S: Symbol>(
    chains: &Chains<'_, '_, '_, S>,
    places: &Places,
) -> impl Iterator<Item = Block> {
    let sequence = chains.sequence;
    let is_shown = move |at: u32| match sequence.op(at) {
        SequenceOp::Read(_) => true,
        SequenceOp::Append(text) => text.is_empty() || !places.is_apart(at),
        SequenceOp::Put(_) => !places.is_apart(at),
    };
    let apart = sequence.positions().filter(move |&at| !is_shown(at) && !sequence.is_open(at));
    apart.map(move |at| Block {
        first_completion: sequence.complete(at),
        last_invocation: sequence.invoke(at),
        first: at,
        last: at,
        content: Content::Write,
    })
}

/// Pairs of blocks that must each come before the other, each found once, and some of all there
/// are if there are any; the blocks by what shows first.
///
/// Blocks of which something was over before something else began must not overlap, and nothing else
/// may happen within them. Where they do not overlap, only the last one that began before a block
/// can have that within.
pub(super) fn conflicts(blocks: &mut [Block]) -> Vec<(Block, Block)> {
    blocks.sort_unstable_by_key(Block::shows);
    let mut conflicts = Vec::new();
    let mut forward: Option<Block> = None;
    for &block in blocks.iter() {
        if let Some(around) = forward
            && block.first_completion < around.last_invocation
            && around.first_completion < block.last_invocation
        {
            conflicts.push((around, block));
        }
        if block.is_forward()
            && forward.is_none_or(|around| around.last_invocation < block.last_invocation)
        {
            forward = Some(block);
        }
    }
    conflicts
}

/// Block by block: each write, then the reads that show it.
fn along<S: Symbol>(
    chains: &Chains<'_, '_, '_, S>,
    places: &Places,
    blocks: Vec<Block>,
) -> Vec<u32> {
    let mut starts = vec![0_u32; chains.stages.len() + 1];
    for read in chains.sequence.reads() {
        starts[chains.stage_of[read as usize] as usize + 1] += 1;
    }
    for stage in 0..chains.stages.len() {
        starts[stage + 1] += starts[stage];
    }
    let mut reads = vec![0_u32; *starts.last().unwrap_or(&0) as usize];
    let mut next = starts.clone();
    for read in chains.sequence.reads() {
        let next = &mut next[chains.stage_of[read as usize] as usize];
        reads[*next as usize] = read;
        *next += 1;
    }
    let mut order = Vec::with_capacity(chains.sequence.calls.len());
    for block in blocks {
        let Content::Chain(chain) = block.content else {
            order.push(block.first);
            continue;
        };
        for stage in chains.all[chain as usize].stages() {
            let stage = stage as usize;
            order.extend(Some(places.writes[stage]).filter(|&write| write != NO_CALL));
            order.extend_from_slice(&reads[starts[stage] as usize..starts[stage + 1] as usize]);
        }
    }
    order
}

/// An append of nothing can be anywhere: each is put before the first call that began after it.
fn with_what_changes_nothing<S: Symbol>(
    chains: &Chains<'_, '_, '_, S>,
    order: Vec<u32>,
) -> Vec<u32> {
    let sequence = chains.sequence;
    let is_empty = |at: u32| matches!(sequence.op(at), SequenceOp::Append([]));
    let mut empty: Vec<u32> =
        sequence.positions().filter(|&at| is_empty(at) && !sequence.is_open(at)).collect();
    if empty.is_empty() {
        return order;
    }
    empty.sort_unstable_by_key(|&at| sequence.complete(at));
    let mut empty = empty.into_iter().peekable();
    let mut all = Vec::with_capacity(order.len() + empty.len());
    for position in order {
        let begin = sequence.invoke(position);
        while let Some(over) = empty.next_if(|&at| sequence.complete(at) < begin) {
            all.push(over);
        }
        all.push(position);
    }
    all.extend(empty);
    all
}
