//! The calls that still need a state, and those that can still bring it about.

use rustc_hash::FxHashMap;

use super::Class;
use crate::memory;
use crate::model::Model;

/// No token.
const NONE: u32 = u32::MAX;

/// Counts per token, kept up while operations are placed and taken back.
#[derive(Debug)]
pub(super) struct Tokens {
    dense: FxHashMap<u32, u32>,
    /// By completed operation: what it requires and what it produces, in dense numbers.
    requires: Vec<u32>,
    produces: Vec<u32>,
    class_produces: Vec<u32>,
    /// By token: completed operations not placed that require it, and operations of both kinds
    /// not placed that produce it.
    needed: Vec<u32>,
    producers: Vec<u32>,
    /// Classes of open operations: by the token they require, then those that require none.
    by_token: Vec<Vec<u32>>,
    blind: Vec<u32>,
}

impl Tokens {
    pub(super) fn new<M: Model>(model: &M, ops: &[&M::Op], classes: &[Class<'_, M::Op>]) -> Self {
        let mut tokens = Tokens {
            dense: FxHashMap::default(),
            requires: Vec::with_capacity(ops.len()),
            produces: Vec::with_capacity(ops.len()),
            class_produces: Vec::with_capacity(classes.len()),
            needed: Vec::new(),
            producers: Vec::new(),
            by_token: Vec::new(),
            blind: Vec::new(),
        };
        for op in ops {
            let required = tokens.number(model.requires(op));
            let produced = tokens.number(model.produces(op));
            tokens.requires.push(required);
            tokens.produces.push(produced);
            tokens.count(required, produced, 1);
        }
        for (number, class) in (0u32..).zip(classes) {
            let required = tokens.number(model.requires(class.op));
            let produced = tokens.number(model.produces(class.op));
            tokens.class_produces.push(produced);
            tokens.count(NONE, produced, super::number(class.members.len()));
            match tokens.by_token.get_mut(required as usize) {
                Some(classes) => classes.push(number),
                None => tokens.blind.push(number),
            }
        }
        tokens
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let numbers =
            [&self.requires, &self.produces, &self.class_produces, &self.needed, &self.producers];
        memory::map(self.dense.capacity(), size_of::<(u32, u32)>())
            + numbers.into_iter().map(memory::list).sum::<usize>()
            + memory::list(&self.by_token)
            + self.by_token.iter().map(memory::list).sum::<usize>()
            + memory::list(&self.blind)
    }

    fn number(&mut self, token: Option<u32>) -> u32 {
        let Some(token) = token else { return NONE };
        let next = super::number(self.dense.len());
        *self.dense.entry(token).or_insert_with(|| {
            self.needed.push(0);
            self.producers.push(0);
            self.by_token.push(Vec::new());
            next
        })
    }

    /// Whether a completed operation needs a state that is not the initial one and that nothing
    /// brings about, so that there is no order, whatever the times.
    pub(super) fn are_out_of_reach(&self, initial: Option<u32>) -> bool {
        let initial = initial.and_then(|token| self.dense.get(&token)).copied();
        (0u32..).zip(self.needed.iter().zip(&self.producers)).any(
            |(token, (&needed, &producers))| needed > 0 && producers == 0 && Some(token) != initial,
        )
    }

    fn count(&mut self, required: u32, produced: u32, members: u32) {
        if let Some(needed) = self.needed.get_mut(required as usize) {
            *needed += members;
        }
        if let Some(producers) = self.producers.get_mut(produced as usize) {
            *producers += members;
        }
    }

    pub(super) fn place(&mut self, op: u32) {
        let (required, produced) = (self.requires[op as usize], self.produces[op as usize]);
        if let Some(needed) = self.needed.get_mut(required as usize) {
            *needed -= 1;
        }
        if let Some(producers) = self.producers.get_mut(produced as usize) {
            *producers -= 1;
        }
    }

    pub(super) fn take_back(&mut self, op: u32) {
        self.count(self.requires[op as usize], self.produces[op as usize], 1);
    }

    pub(super) fn use_class(&mut self, class: u32) {
        if let Some(producers) =
            self.producers.get_mut(self.class_produces[class as usize] as usize)
        {
            *producers -= 1;
        }
    }

    pub(super) fn release_class(&mut self, class: u32) {
        self.count(NONE, self.class_produces[class as usize], 1);
    }

    /// Whether no call but `op` itself needs `state`, or another can bring it back.
    pub(super) fn may_leave<M: Model>(&self, model: &M, state: &M::State, op: u32) -> bool {
        let Some(token) = model.token(state).and_then(|token| self.dense.get(&token)) else {
            return true;
        };
        let produced = self.produces[op as usize];
        let by_itself = u32::from(self.requires[op as usize] == *token);
        let token = *token as usize;
        produced as usize == token || self.needed[token] <= by_itself || self.producers[token] > 0
    }

    pub(super) fn required_by(&self, op: u32) -> Option<u32> {
        let required = self.requires[op as usize];
        (required != NONE).then_some(required)
    }

    pub(super) fn produced_by_class(&self, class: u32) -> Option<u32> {
        let produced = self.class_produces[class as usize];
        (produced != NONE).then_some(produced)
    }

    /// Whether some class of open operations requires this (dense) token.
    pub(super) fn is_required_by_class(&self, token: u32) -> bool {
        !self.by_token[token as usize].is_empty()
    }

    /// The `choice`-th class of open operations that fit a state with this token.
    pub(super) fn open_class(&self, token: Option<u32>, choice: usize) -> Option<u32> {
        let dense = token.and_then(|token| self.dense.get(&token));
        let fitting = dense.map_or(&[][..], |&dense| &self.by_token[dense as usize]);
        fitting.get(choice).or_else(|| self.blind.get(choice - fitting.len())).copied()
    }
}
