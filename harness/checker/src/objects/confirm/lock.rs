//! Locks for the testers.

use std::collections::BTreeSet;

use super::{Case, Done, Object, Step};
use crate::event::F;
use crate::history::Operation;
use crate::model::Call;
use crate::models::ModelName;
use crate::objects::Subject;
use crate::objects::decide::number;

pub(super) struct Lock<'a> {
    subject: Subject<'a>,
    /// Whether only the holder may release.
    has_owner: bool,
    /// Whether the holder may acquire it again.
    is_reentrant: bool,
    /// Whether tokens grow.
    is_fenced: bool,
    /// The processes of the witness.
    owners: Vec<u32>,
}

#[derive(Debug, Clone)]
pub(super) struct Op {
    owner: u32,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// With its token, if that is known.
    Acquire(Option<i128>),
    Release,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct State {
    /// The holder, and how often it holds it.
    held: Option<(u32, usize)>,
    /// The holder's token, and the highest so far, as far as they are known.
    token: Option<i128>,
    highest: Option<i128>,
}

const FREE: State = State { held: None, token: None, highest: None };

impl<'a> Lock<'a> {
    pub(super) fn new(model: ModelName, case: &Case<'a>) -> Self {
        use ModelName::{FencedLock, ReentrantFencedLock, ReentrantLock};
        Lock {
            subject: case.subject,
            has_owner: model != ModelName::Lock,
            is_reentrant: matches!(model, ReentrantLock | ReentrantFencedLock),
            is_fenced: matches!(model, FencedLock | ReentrantFencedLock),
            owners: case.core.iter().map(|op| op.process).collect(),
        }
    }

    fn acquired(&self, state: &State, owner: u32, token: Option<i128>) -> Option<State> {
        let again = match state.held {
            None => None,
            Some((holder, count)) if self.is_reentrant && holder == owner => Some(count),
            Some(_) => return None,
        };
        let mut after = State { held: Some((owner, again.unwrap_or(0) + 1)), ..state.clone() };
        if again.is_none() {
            after.token = None;
        }
        if let (true, Some(token)) = (self.is_fenced, token) {
            let is_right = match after.token {
                Some(known) => known == token,
                None => after.highest.is_none_or(|highest| highest < token),
            };
            if !is_right {
                return None;
            }
            after.token = Some(token);
            after.highest = Some(token);
        }
        Some(after)
    }

    fn released(&self, state: &State, owner: u32) -> Option<State> {
        let (holder, count) = state.held?;
        if self.has_owner && holder != owner {
            return None;
        }
        if count > 1 {
            return Some(State { held: Some((holder, count - 1)), ..state.clone() });
        }
        Some(State { highest: state.highest, ..FREE })
    }
}

impl Object for Lock<'_> {
    type State = State;
    type Op = Op;

    /// Free, or held by one of the processes, as often as it releases it and once more.
    fn starts(&self, is_any: bool, calls: &[Call<Step<Op>>]) -> BTreeSet<State> {
        let mut states = BTreeSet::from([FREE]);
        let ops = || calls.iter().filter(|_| is_any).map(|call| &call.op.op);
        for &Op { owner, .. } in ops() {
            let is_own = |op: &&Op| op.owner == owner && op.what == What::Release;
            let releases = if self.is_reentrant { ops().filter(is_own).count() } else { 0 };
            let held = |count| State { held: Some((owner, count)), ..FREE };
            states.extend((1..=releases + 1).map(held));
        }
        states
    }

    fn after(&self, state: &State, op: &Op) -> Vec<State> {
        let after = match op.what {
            What::Acquire(token) => self.acquired(state, op.owner, token),
            What::Release => self.released(state, op.owner),
        };
        after.into_iter().collect()
    }

    fn acts(&self, op: &Operation, _: bool) -> Vec<Done<Op>> {
        if self.has_owner && !self.owners.contains(&op.process) {
            return Vec::new();
        }
        let token = || number(self.subject.result(op)).filter(|_| op.is_ok());
        let what = if op.f == F::Acquire { What::Acquire(token()) } else { What::Release };
        vec![Done { op: Op { owner: op.process, what }, is_open: false }]
    }
}
