//! Promises that are about processes, over all keys together.

use std::collections::{BTreeMap, HashSet};

use super::Verdicts;
use crate::fuzz_check::history::{End, F, Op};
use crate::fuzz_check::model::Model;
use crate::fuzz_check::value::Val;

pub fn verdicts(model: Model, ops: &[Op], initial: Option<&Val>) -> Verdicts {
    let ops: Vec<&Op> = ops.iter().filter(|op| op.end != End::Fail).collect();
    let store = Store { ops: &ops, initial };
    match model {
        Model::Sequential => store.sequential(),
        Model::Eventual => store.eventual(),
        _ => store.guarantee(model),
    }
}

/// Where a value that was read is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Initial,
    Write(usize),
    Nowhere,
}

struct Store<'a> {
    ops: &'a [&'a Op],
    initial: Option<&'a Val>,
}

fn writes(op: &Op) -> bool {
    op.f != F::Get && !op.refused
}

fn written(op: &Op) -> &Val {
    if op.f == F::Cas { op.arg.halves().expect("a cas has two values").1 } else { &op.arg }
}

impl Store<'_> {
    fn is_initial(&self, value: &Val) -> bool {
        match self.initial {
            Some(initial) => value == initial,
            None => *value == Val::Nil || *value == Val::from(""),
        }
    }

    fn key(&self, at: usize) -> &Option<Val> {
        &self.ops[at].key
    }

    fn writes_of(&self, key: &Option<Val>) -> Vec<usize> {
        (0..self.ops.len()).filter(|&at| self.key(at) == key && writes(self.ops[at])).collect()
    }

    /// Whether a value does not tell which write of the key it is from.
    fn is_doubtful(&self, key: &Option<Val>) -> bool {
        let writes = self.writes_of(key);
        let mut seen = HashSet::new();
        writes.iter().any(|&at| {
            let op = self.ops[at];
            op.f == F::Append || self.is_initial(written(op)) || !seen.insert(written(op))
        })
    }

    /// Where the value of an answered read is from, if its key is not doubtful.
    fn origin(&self, at: usize) -> Option<Origin> {
        let op = self.ops[at];
        if op.f != F::Get || op.end != End::Ok || self.is_doubtful(&op.key) {
            return None;
        }
        let writer =
            self.writes_of(&op.key).into_iter().find(|&at| written(self.ops[at]) == &op.answer);
        Some(match writer {
            Some(write) => Origin::Write(write),
            None if self.is_initial(&op.answer) => Origin::Initial,
            None => Origin::Nowhere,
        })
    }

    /// One process made both writes, the older one first and acknowledged; what was there at first is
    /// older than all.
    fn is_older(&self, origin: Origin, newer: usize) -> bool {
        match origin {
            Origin::Initial => true,
            Origin::Nowhere => false,
            Origin::Write(older) => {
                let (one, other) = (self.ops[older], self.ops[newer]);
                older < newer
                    && one.process == other.process
                    && one.key == other.key
                    && one.end == End::Ok
            }
        }
    }

    fn guarantee(&self, model: Model) -> Verdicts {
        let all = 0..self.ops.len();
        let verdict = all.map(|at| self.at(model, at)).fold(Verdicts::VALID, Verdicts::and);
        let is_doubtful = self.ops.iter().any(|op| self.is_doubtful(&op.key));
        if is_doubtful { verdict.unreadable() } else { verdict }
    }

    /// Whether the read at this place contradicts the guarantee.
    fn at(&self, model: Model, at: usize) -> Verdicts {
        let Some(origin) = self.origin(at) else { return Verdicts::VALID };
        let op = self.ops[at];
        let is_impossible = match origin {
            Origin::Nowhere => true,
            Origin::Write(write) => write > at && self.ops[write].process == op.process,
            Origin::Initial => false,
        };
        if is_impossible {
            return Verdicts::INVALID;
        }
        // What its process did before, on any key.
        let before: Vec<usize> = (0..at).filter(|&it| self.ops[it].process == op.process).collect();
        let seen: Vec<(usize, usize)> = before
            .iter()
            .filter_map(|&read| match self.origin(read) {
                Some(Origin::Write(write)) => Some((read, write)),
                _ => None,
            })
            .collect();
        Verdicts::of(match model {
            Model::ReadYourWrites => !before.iter().any(|&own| {
                let own_op = self.ops[own];
                let is_own = writes(own_op) && own_op.end == End::Ok && own_op.key == op.key;
                is_own && self.is_older(origin, own)
            }),
            Model::MonotonicReads => !self.goes_back(origin, at, &seen),
            Model::MonotonicWrites => !self.is_overtaken(origin, at, &seen),
            _ => !self.lacks_cause(origin, at, &seen),
        })
    }

    /// Older than what the process has read; or, something else in between, the same again.
    fn goes_back(&self, origin: Origin, at: usize, seen: &[(usize, usize)]) -> bool {
        let of_key = || seen.iter().filter(|(read, _)| self.key(*read) == self.key(at));
        let is_older = of_key().any(|&(_, write)| self.is_older(origin, write));
        let first_same = of_key().find(|(_, write)| origin == Origin::Write(*write));
        let is_again = first_same.is_some_and(|&(first, same)| {
            of_key().any(|&(read, write)| read > first && write != same)
        });
        is_older || is_again
    }

    /// The process has read `b`, and this is older than a write that `b`'s process made before `b`, or
    /// than `b`, by the order of its process.
    fn is_overtaken(&self, origin: Origin, at: usize, seen: &[(usize, usize)]) -> bool {
        seen.iter().any(|&(_, b)| {
            let writer = self.ops[b].process;
            let is_own_order = |older: usize| self.ops[older].process == writer;
            let earlier = (0..b).filter(|&a| {
                let op = self.ops[a];
                writes(op)
                    && op.process == writer
                    && op.end == End::Ok
                    && op.key == self.ops[at].key
            });
            let older_than_earlier = earlier.into_iter().any(|a| match origin {
                Origin::Write(older) => is_own_order(older) && self.is_older(origin, a),
                _ => self.is_older(origin, a),
            });
            let older_than_b = matches!(origin, Origin::Write(_))
                && self.key(b) == self.key(at)
                && self.is_older(origin, b);
            older_than_earlier || older_than_b
        })
    }

    /// The process has read `b`, and this is older than what `b`'s process had read before it wrote `b`,
    /// or, of `b`'s key, just that.
    fn lacks_cause(&self, origin: Origin, at: usize, seen: &[(usize, usize)]) -> bool {
        seen.iter().any(|&(_, b)| {
            let causes = (0..b).filter(|&read| self.ops[read].process == self.ops[b].process);
            causes.into_iter().any(|read| {
                let Some(Origin::Write(cause)) = self.origin(read) else { return false };
                if self.key(read) != self.key(at) {
                    return false;
                }
                let is_that = self.key(b) == self.key(at) && origin == Origin::Write(cause);
                self.is_older(origin, cause) || is_that
            })
        })
    }

    /// After the last write all processes come to read the same.
    fn eventual(&self) -> Verdicts {
        let mut keys: Vec<&Option<Val>> = self.ops.iter().map(|op| &op.key).collect();
        keys.sort();
        keys.dedup();
        keys.into_iter().map(|key| self.converges(key)).fold(Verdicts::VALID, Verdicts::and)
    }

    fn converges(&self, key: &Option<Val>) -> Verdicts {
        let writes: Vec<&Op> = self.writes_of(key).into_iter().map(|at| self.ops[at]).collect();
        if writes.iter().any(|op| op.f == F::Append) {
            return Verdicts::UNKNOWN;
        }
        let last = writes.iter().map(|op| op.complete.unwrap_or(op.invoke)).max();
        let mut finals: BTreeMap<u64, &Val> = BTreeMap::new();
        for op in self.ops.iter().filter(|op| &op.key == key) {
            let is_read = op.f == F::Get && op.end == End::Ok;
            if is_read && last.is_none_or(|last| op.invoke > last) {
                finals.insert(op.process, &op.answer);
            }
        }
        if finals.is_empty() {
            return if writes.is_empty() { Verdicts::VALID } else { Verdicts::UNKNOWN };
        }
        let finals: Vec<&Val> = finals.into_values().collect();
        let by =
            |value: &Val, end: End| writes.iter().any(|op| op.end == end && written(op) == value);
        let is_acknowledged = writes.iter().any(|op| op.end == End::Ok);
        let may_be = |value: &Val| {
            by(value, End::Ok)
                || by(value, End::Open)
                || (self.is_initial(value) && !is_acknowledged)
        };
        let same = |one: &Val, other: &Val| {
            one == other || (self.is_initial(one) && self.is_initial(other))
        };
        let certain: Vec<&&Val> = finals.iter().filter(|value| !by(value, End::Open)).collect();
        if !finals.iter().all(|value| may_be(value))
            || !certain.iter().all(|value| same(value, certain[0]))
        {
            Verdicts::INVALID
        } else if finals.iter().all(|value| same(value, finals[0])) {
            Verdicts::VALID
        } else {
            Verdicts::UNKNOWN
        }
    }

    /// One order of all operations that is each process's own.
    fn sequential(&self) -> Verdicts {
        if self.ops.iter().any(|op| op.f == F::Append) {
            let guarantees = [
                Model::ReadYourWrites,
                Model::MonotonicReads,
                Model::MonotonicWrites,
                Model::WritesFollowReads,
            ];
            let is_refuted = guarantees.iter().any(|&it| self.guarantee(it).invalid);
            let or = if is_refuted { Verdicts::INVALID } else { Verdicts::UNKNOWN };
            return Verdicts::UNKNOWN.or(or);
        }
        // Each store knows for itself what nothing is.
        let empties = [Empty::Either, Empty::Nil, Empty::Text];
        let verdicts = empties.map(|empty| Verdicts::of(self.is_orderly(empty)));
        verdicts.into_iter().reduce(Verdicts::or).expect("three verdicts")
    }

    fn is_orderly(&self, empty: Empty) -> bool {
        let plain = |value: &Val| {
            let is_nothing = empty == Empty::Either && *value == Val::from("");
            if is_nothing { Val::Nil } else { value.clone() }
        };
        let first = match (self.initial, empty) {
            (Some(initial), _) => plain(initial),
            (None, Empty::Text) => Val::from(""),
            (None, _) => Val::Nil,
        };
        let mut threads: BTreeMap<u64, Vec<&Op>> = BTreeMap::new();
        // An open write may happen when what its process did before is done, or never.
        let mut open: Vec<(&Op, u64, usize)> = Vec::new();
        for op in self.ops {
            let thread = threads.entry(op.process).or_default();
            match op.end {
                End::Ok => thread.push(op),
                _ if op.f == F::Get => {}
                _ => open.push((op, op.process, thread.len())),
            }
        }
        let threads: Vec<(u64, Vec<&Op>)> = threads.into_iter().collect();
        let mut keys: Vec<&Option<Val>> = self.ops.iter().map(|op| &op.key).collect();
        keys.sort();
        keys.dedup();
        let state = Interleaved {
            done: vec![0; threads.len()],
            used: vec![false; open.len()],
            held: vec![first; keys.len()],
        };
        let holds = |held: &Val, value: &Val| *held == plain(value);
        let apply = |state: &mut Interleaved, op: &Op| {
            let at = keys.iter().position(|key| **key == op.key).expect("its key is known");
            let held = &mut state.held[at];
            match op.f {
                F::Get => holds(held, &op.answer),
                F::Cas => {
                    let (old, new) = op.arg.halves().expect("a cas has two values");
                    if op.refused {
                        return !holds(held, old);
                    }
                    let fits = holds(held, old);
                    if fits {
                        *held = plain(new);
                    }
                    fits
                }
                _ => {
                    *held = plain(&op.arg);
                    true
                }
            }
        };
        let mut seen = HashSet::new();
        let mut left = vec![state];
        while let Some(state) = left.pop() {
            let is_done = |(at, (_, ops)): (usize, &(u64, Vec<&Op>))| state.done[at] == ops.len();
            if threads.iter().enumerate().all(is_done) {
                return true;
            }
            if !seen.insert(state.clone()) {
                continue;
            }
            for (at, (_, ops)) in threads.iter().enumerate() {
                let mut after = state.clone();
                if let Some(op) = ops.get(state.done[at])
                    && apply(&mut after, op)
                {
                    after.done[at] += 1;
                    left.push(after);
                }
            }
            for (at, (op, process, from)) in open.iter().enumerate() {
                let thread = threads.iter().position(|(it, _)| it == process);
                let mut after = state.clone();
                if !state.used[at]
                    && state.done[thread.expect("its process is known")] >= *from
                    && apply(&mut after, op)
                {
                    after.used[at] = true;
                    left.push(after);
                }
            }
        }
        false
    }
}

/// How far each process is, which open writes are done, and what each key holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Interleaved {
    done: Vec<usize>,
    used: Vec<bool>,
    held: Vec<Val>,
}

/// What a key holds that was never written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Empty {
    Nil,
    Text,
    /// Nil and the empty text are one.
    Either,
}
