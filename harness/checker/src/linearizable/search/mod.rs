//! Search for a linearization: Wing and Gong's, with Lowe's memoization.
//!
//! Wing and Gong (1993) try to build a sequential order from the front: any operation may come
//! next that was invoked before the first completion of those still to be placed. Lowe (2017)
//! remembers which *configurations* (the set of operations placed, and the state they lead to)
//! were already seen to fail. Here:
//!
//! - The set of operations placed is not a bit per operation of the history. All completed
//!   operations up to the first completion still to be placed, the *frontier*, are in it; of those
//!   after it only the ones that were invoked before the frontier can be. They have a *slot* each,
//!   reused after completion, so that a bit per slot says the rest: the [`window`].
//! - Open operations are optional. Equal ones are interchangeable except for when they become
//!   available, so that the earliest stands for its class and a count per class says which were
//!   used: the [`used`] sets, interned.
//! - A configuration that used more open operations than another, and is the same otherwise, has
//!   nothing that the other has not: it is not gone into ([`least_used`]).
//! - States are interned by the search, so that a configuration is four numbers, compared exactly.
//! - An operation that only looks ([`Model::is_read_only`]) is placed as soon as its answer fits,
//!   without trying anything else: in any order that works it can be moved to there.
//! - Of equal operations that could come next, only the one that is completed first is tried: in
//!   any order that works the two can change places.
//! - Where the model names its states by *tokens* ([`Model::token`]), a state is not left as long
//!   as a call still needs it and none is left to bring it back; and an open operation is
//!   placed only where something that waits needs what it brings about. What needs a state that
//!   nothing brings about ends the search before it began.
//!
//! No single order of trying wins: [`linearize`] tries several with growing budgets.

mod least_used;
mod table;
mod tokens;
mod used;
mod window;

use rustc_hash::FxHashMap;

use crate::budget::{Budget, Limit, Meter};
use crate::intern::Interner;
use crate::memory;
use crate::model::{Call, Model};
use least_used::{LeastUsed, Taken};
use table::Table;
use tokens::Tokens;
use used::UsedSets;
use window::{Window, Windows};

/// What a search found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// An order of positions in the given calls: each completed one, and those of the open ones
    /// that took effect.
    Linearizable(Vec<u32>),
    /// There is no order.
    NotLinearizable,
    /// Unknown; this limit was reached.
    GivenUp(Limit),
}

/// A configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Configuration {
    window: Window,
    /// Completed operations placed without a gap, in order of completion.
    frontier: u32,
    state: u32,
    used: u32,
}

/// Open operations that are equal.
#[derive(Debug)]
struct Class<'c, O> {
    op: &'c O,
    /// Positions in the given calls, earliest invocation first.
    members: Vec<u32>,
    /// Places of their invocations.
    invokes: Vec<u32>,
}

/// What the search places next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Move {
    /// A completed operation, by its number in order of invocation.
    Completed(u32),
    /// The earliest unused of a class of open operations.
    Open(u32),
}

/// Where the search goes on among the moves from a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cursor {
    /// At completed operations of this rank and above.
    Completed(u32),
    /// At this one of the classes of open operations that fit the state, or past the last.
    Open(u32),
    /// Nothing left to try.
    End,
}

/// In which order completed operations are tried.
#[derive(Debug, Clone)]
pub(crate) enum Order {
    /// The one that must be over first.
    Completion,
    /// The one that began first.
    Invocation,
    /// By a rank for each of the given calls, all different.
    Ranked(Vec<u32>),
}

const FIRST: Cursor = Cursor::Completed(0);

/// One move made, and how to take it back.
#[derive(Debug)]
struct Frame {
    made: Move,
    before: Configuration,
    /// What to try instead; `End` for a forced move.
    instead: Cursor,
}

/// Steps of the first attempt with each order.
const FIRST_ATTEMPT_STEPS: u64 = 20_000;

/// How many times as many steps the next attempt has.
pub(crate) const GROWTH: u64 = 8;

/// What a search found out, and how far it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) answer: Answer,
    /// The most completed operations that some order placed, in order of completion. Not more may
    /// have been tried, because the search looks ahead.
    pub(crate) placed: usize,
}

/// Decides whether `calls` are linearizable.
pub(crate) fn linearize<M: Model>(model: &M, calls: &[Call<M::Op>], budget: Budget<'_>) -> Found {
    let mut steps = 0;
    let mut attempt_steps = match budget.too_few {
        0 => FIRST_ATTEMPT_STEPS,
        too_few => too_few.saturating_mul(GROWTH),
    };
    loop {
        for order in [Order::Completion, Order::Invocation] {
            let left = budget.steps.saturating_sub(steps);
            let mut meter = Meter::new(Budget { steps: attempt_steps.min(left), ..budget });
            let found = Search::new(model, calls, &order).run(&mut meter);
            steps += meter.steps;
            let again = matches!(found.answer, Answer::GivenUp(Limit::Steps));
            if !again || steps >= budget.steps {
                return found;
            }
        }
        attempt_steps = attempt_steps.saturating_mul(GROWTH);
    }
}

/// Room for so many configurations at most is made before they are met.
const MOST_EXPECTED: usize = 4_096;

/// Steps per operation that are worth taking along a given order.
const STEPS_ALONG: u64 = 20;

/// Decides whether `calls` are linearizable, trying the given order first.
pub(crate) fn linearize_along<M: Model>(
    model: &M,
    calls: &[Call<M::Op>],
    order: &Order,
    budget: Budget<'_>,
) -> Found {
    let along = STEPS_ALONG * calls.len() as u64 + FIRST_ATTEMPT_STEPS;
    if budget.too_few < along {
        let steps = budget.steps.min(along);
        let mut meter = Meter::new(Budget { steps, ..budget });
        let found = Search::new(model, calls, order).run(&mut meter);
        if found.answer != Answer::GivenUp(Limit::Steps) || steps == budget.steps {
            return found;
        }
    }
    linearize(model, calls, budget)
}

struct Search<'c, M: Model> {
    model: &'c M,
    /// Completed operations in order of invocation.
    ops: Vec<&'c M::Op>,
    /// Their positions in the given calls.
    positions: Vec<u32>,
    invokes: Vec<u32>,
    read_only: Vec<bool>,
    /// The call to try first.
    ranks: Vec<u32>,
    by_rank: Vec<u32>,
    slots: Vec<u32>,
    /// Completed operations in order of completion, and the places of their completions.
    by_completion: Vec<u32>,
    completions: Vec<u32>,
    due: Vec<u32>,
    placed: Vec<bool>,
    /// The list of completed operations not placed, in order of invocation; the last entry is
    /// its head and its end.
    next: Vec<u32>,
    previous: Vec<u32>,
    classes: Vec<Class<'c, M::Op>>,
    used_counts: Vec<u32>,
    tokens: Tokens,
    states: Interner<M::State>,
    /// Bytes that the states own.
    owned_by_states: usize,
    /// What was owned when the meter was told last.
    told: usize,
    windows: Windows,
    used: UsedSets,
    /// Visited configurations that `least_used` does not hold.
    visited: Table<Configuration, ()>,
    least_used: LeastUsed,
    frames: Vec<Frame>,
    /// Room for the ranks of what may come next.
    to_try: Vec<u32>,
    /// Room for the slots that the frontier passes.
    passed: Vec<u32>,
    furthest: u32,
    /// Bytes of what never grows: one entry for each operation.
    fixed: usize,
}

impl<'c, M: Model> Search<'c, M> {
    fn new(model: &'c M, calls: &'c [Call<M::Op>], order: &Order) -> Self {
        let mut keep: Vec<bool> =
            calls.iter().map(|c| c.complete.is_some() || !model.is_read_only(&c.op)).collect();
        model.strike_out(calls, &mut keep);

        let (mut completed, mut open) = positions(calls);
        completed.sort_by_key(|&position| calls[position as usize].invoke);
        open.retain(|&position| keep[position as usize]);
        open.sort_by_key(|&position| calls[position as usize].invoke);

        let call = |position: &u32| -> &'c Call<M::Op> { &calls[*position as usize] };
        let ops: Vec<&M::Op> = completed.iter().map(|p| &call(p).op).collect();
        let count = number(ops.len());
        let mut ends: Vec<(u32, u32)> =
            completed.iter().map(|p| call(p).complete.unwrap_or(u32::MAX)).zip(0..count).collect();
        ends.sort_unstable();
        let by_completion: Vec<u32> = ends.iter().map(|&(_, op)| op).collect();
        let completions: Vec<u32> = ends.iter().map(|&(completion, _)| completion).collect();
        let invokes: Vec<u32> = completed.iter().map(|p| call(p).invoke).collect();
        let (slots, width) = window::assign_slots(&invokes, &by_completion, &completions);
        let classes = classes(calls, &open);
        let mut due = vec![0; ops.len()];
        for (place, &op) in (0u32..).zip(&by_completion) {
            due[op as usize] = place;
        }
        let by_rank = match order {
            Order::Completion => by_completion.clone(),
            Order::Invocation => (0..count).collect(),
            Order::Ranked(ranks) => {
                let mut by_rank: Vec<u32> = (0..count).collect();
                by_rank.sort_by_key(|&op| ranks[completed[op as usize] as usize]);
                by_rank
            }
        };
        let mut ranks = vec![0; ops.len()];
        for (rank, &op) in (0u32..).zip(&by_rank) {
            ranks[op as usize] = rank;
        }

        let expected = ops.len().min(MOST_EXPECTED);

        let mut search = Search {
            model,
            tokens: Tokens::new(model, &ops, &classes),
            ranks,
            by_rank,
            due,
            read_only: ops.iter().map(|op| model.is_read_only(op)).collect(),
            ops,
            positions: completed,
            invokes,
            slots,
            by_completion,
            completions,
            placed: vec![false; count as usize],
            next: (1..=count).chain([0]).collect(),
            previous: [count].into_iter().chain(0..count).collect(),
            used_counts: vec![0; classes.len()],
            classes,
            states: Interner::new(),
            owned_by_states: 0,
            told: 0,
            windows: Windows::new(width),
            used: UsedSets::new(),
            visited: Table::new(),
            least_used: LeastUsed::new(),
            frames: Vec::with_capacity(expected),
            to_try: Vec::new(),
            passed: Vec::new(),
            furthest: 0,
            fixed: 0,
        };
        search.fixed = search.fixed_bytes();
        search
    }

    fn run(&mut self, meter: &mut Meter<'_>) -> Found {
        let answer = self.answer(meter);
        Found { answer, placed: self.furthest as usize }
    }

    fn answer(&mut self, meter: &mut Meter<'_>) -> Answer {
        let initial = self.model.initial();
        if self.tokens.are_out_of_reach(self.model.token(&initial)) {
            return Answer::NotLinearizable;
        }
        let state = self.intern(initial);
        let mut at = Configuration { window: Window::EMPTY, frontier: 0, state, used: 0 };
        let mut arrived = true;
        let mut cursor = FIRST;
        loop {
            if arrived {
                at = match self.place_read_only(at, meter) {
                    Ok(at) => at,
                    Err(limit) => return Answer::GivenUp(limit),
                };
                if at.frontier as usize == self.ops.len() {
                    return Answer::Linearizable(self.order());
                }
                let more = self.newly_owned();
                if let Err(limit) = meter.step(more, || self.memory_bytes()) {
                    return Answer::GivenUp(limit);
                }
                cursor = if self.is_new(at) { FIRST } else { Cursor::End };
            }
            arrived = false;
            let next = match self.next_move(at, cursor, meter) {
                Ok(next) => next,
                Err(limit) => return Answer::GivenUp(limit),
            };
            if let Some((made, state, instead)) = next {
                self.frames.push(Frame { made, before: at, instead });
                at = self.make(made, at, state);
                arrived = true;
            } else {
                match self.back() {
                    Some((before, instead)) => (at, cursor) = (before, instead),
                    None => return Answer::NotLinearizable,
                }
            }
        }
    }

    /// Whether neither this configuration was visited, nor one that differs only by having used
    /// fewer open operations: whatever leads on from here leads on from there.
    fn is_new(&mut self, at: Configuration) -> bool {
        if self.classes.is_empty() {
            return self.visited.entry(at).1;
        }
        let Configuration { window, frontier, state, used } = at;
        match self.least_used.take((window, frontier, state), used, &self.used) {
            Taken::Yes => true,
            Taken::No => false,
            Taken::NoRoom => self.visited.entry(at).1,
        }
    }

    /// The end of the list of operations not placed.
    fn end(&self) -> u32 {
        number(self.ops.len())
    }

    /// The completion before which everything placed next must have been invoked.
    fn deadline(&self, at: Configuration) -> u32 {
        self.completions[at.frontier as usize]
    }

    /// Places every operation that only looks and whose answer fits, since nothing is lost by it.
    fn place_read_only(
        &mut self,
        mut at: Configuration,
        meter: &mut Meter<'_>,
    ) -> Result<Configuration, Limit> {
        let mut op = self.next[self.ops.len()];
        while op != self.end()
            && (at.frontier as usize) < self.ops.len()
            && self.invokes[op as usize] < self.deadline(at)
        {
            let next = self.next[op as usize];
            meter.work(1)?;
            if self.read_only[op as usize] && self.fits(at.state, op) {
                let made = Move::Completed(op);
                self.frames.push(Frame { made, before: at, instead: Cursor::End });
                at = self.make(made, at, at.state);
                let more = self.newly_owned();
                meter.take(more, || self.memory_bytes())?;
            }
            op = next;
        }
        Ok(at)
    }

    fn fits(&self, state: u32, op: u32) -> bool {
        self.model.step(self.states.get(state), self.ops[op as usize]).is_some()
    }

    /// The next possible move from `cursor` on: what, the state after it, and where to go on.
    fn next_move(
        &mut self,
        at: Configuration,
        cursor: Cursor,
        meter: &mut Meter<'_>,
    ) -> Result<Option<(Move, u32, Cursor)>, Limit> {
        let mut cursor = cursor;
        if let Cursor::Completed(from) = cursor {
            let mut ranks = std::mem::take(&mut self.to_try);
            self.rank_pending(at, from, &mut ranks);
            let next = self.next_completed(at, &ranks, meter);
            self.to_try = ranks;
            if let Some(next) = next? {
                return Ok(Some(next));
            }
            cursor = Cursor::Open(0);
        }
        let Cursor::Open(mut choice) = cursor else { return Ok(None) };
        let deadline = self.deadline(at);
        loop {
            let token = self.model.token(self.states.get(at.state));
            let Some(class) = self.tokens.open_class(token, choice as usize) else {
                return Ok(None);
            };
            choice += 1;
            let Class { op, invokes, .. } = &self.classes[class as usize];
            let used = self.used_counts[class as usize] as usize;
            meter.work(1)?;
            if invokes.get(used).is_some_and(|&invoke| invoke < deadline)
                && self.is_useful(at, class, meter)?
                && let Some(state) = self.model.step(self.states.get(at.state), op)
            {
                let state = self.intern(state);
                if state != at.state {
                    return Ok(Some((Move::Open(class), state, Cursor::Open(choice))));
                }
            }
        }
    }

    /// The ranks from `from` on of the operations that may come next and change the state, in order.
    fn rank_pending(&self, at: Configuration, from: u32, ranks: &mut Vec<u32>) {
        ranks.clear();
        let changing = self.pending(at).filter(|&op| !self.read_only[op as usize]);
        ranks.extend(changing.map(|op| self.ranks[op as usize]).filter(|&rank| rank >= from));
        ranks.sort_unstable();
    }

    /// The first of these ranks that is possible and not equal to one that must be over sooner.
    fn next_completed(
        &mut self,
        at: Configuration,
        ranks: &[u32],
        meter: &mut Meter<'_>,
    ) -> Result<Option<(Move, u32, Cursor)>, Limit> {
        meter.work(ranks.len())?;
        for &rank in ranks {
            let op = self.by_rank[rank as usize];
            meter.work(1)?;
            if self.tokens.may_leave(self.model, self.states.get(at.state), op)
                && let Some(state) =
                    self.model.step(self.states.get(at.state), self.ops[op as usize])
                && !self.has_sooner_equal(at, op, meter)?
            {
                let state = self.intern(state);
                return Ok(Some((Move::Completed(op), state, Cursor::Completed(rank + 1))));
            }
        }
        Ok(None)
    }

    fn has_sooner_equal(
        &self,
        at: Configuration,
        op: u32,
        meter: &mut Meter<'_>,
    ) -> Result<bool, Limit> {
        let (this, due) = (self.ops[op as usize], self.due[op as usize]);
        for other in self.pending(at) {
            meter.work(1)?;
            if self.due[other as usize] < due && self.ops[other as usize] == this {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The completed operations that may come next, in order of invocation.
    fn pending(&self, at: Configuration) -> impl Iterator<Item = u32> {
        let deadline = self.deadline(at);
        let mut next = self.next[self.ops.len()];
        std::iter::from_fn(move || {
            let op = next;
            if op == self.end() || self.invokes[op as usize] >= deadline {
                return None;
            }
            next = self.next[op as usize];
            Some(op)
        })
    }

    /// Whether something that waits needs what an open operation brings about, or is only held up
    /// by the state as it is. If nothing is, leaving the operation out makes no difference: what
    /// comes next replaces its effect.
    fn is_useful(
        &self,
        at: Configuration,
        class: u32,
        meter: &mut Meter<'_>,
    ) -> Result<bool, Limit> {
        let Some(token) = self.tokens.produced_by_class(class) else { return Ok(true) };
        if self.tokens.is_required_by_class(token) {
            return Ok(true);
        }
        for op in self.pending(at) {
            meter.work(1)?;
            let required = self.tokens.required_by(op);
            if required == Some(token) || (self.read_only[op as usize] && required.is_none()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn make(&mut self, made: Move, at: Configuration, state: u32) -> Configuration {
        let mut after = Configuration { state, ..at };
        match made {
            Move::Open(class) => {
                self.used_counts[class as usize] += 1;
                self.tokens.use_class(class);
                after.used = self.used.with(at.used, class);
            }
            Move::Completed(op) => {
                self.unlink(op);
                self.tokens.place(op);
                self.passed.clear();
                while let Some(&op) = self.by_completion.get(after.frontier as usize)
                    && self.placed[op as usize]
                {
                    self.passed.push(self.slots[op as usize]);
                    after.frontier += 1;
                }
                let slot = self.slots[op as usize];
                after.window = self.windows.moved(at.window, slot, &self.passed);
                self.furthest = self.furthest.max(after.frontier);
            }
        }
        after
    }

    /// Takes back the last move that had alternatives, and all forced ones after it.
    fn back(&mut self) -> Option<(Configuration, Cursor)> {
        while let Some(Frame { made, before, instead }) = self.frames.pop() {
            match made {
                Move::Open(class) => {
                    self.used_counts[class as usize] -= 1;
                    self.tokens.release_class(class);
                }
                Move::Completed(op) => {
                    self.relink(op);
                    self.tokens.take_back(op);
                }
            }
            if instead != Cursor::End {
                return Some((before, instead));
            }
        }
        None
    }

    fn unlink(&mut self, op: u32) {
        let op = op as usize;
        let (previous, next) = (self.previous[op], self.next[op]);
        self.next[previous as usize] = next;
        self.previous[next as usize] = previous;
        self.placed[op] = true;
    }

    fn relink(&mut self, op: u32) {
        let (previous, next) = (self.previous[op as usize], self.next[op as usize]);
        self.next[previous as usize] = op;
        self.previous[next as usize] = op;
        self.placed[op as usize] = false;
    }

    /// The moves made, as positions in the given calls.
    fn order(&self) -> Vec<u32> {
        let mut used = vec![0; self.classes.len()];
        let mut order = Vec::with_capacity(self.frames.len());
        for frame in &self.frames {
            match frame.made {
                Move::Completed(op) => order.push(self.positions[op as usize]),
                Move::Open(class) => {
                    let class = class as usize;
                    order.push(self.classes[class].members[used[class]]);
                    used[class] += 1;
                }
            }
        }
        order
    }

    fn intern(&mut self, state: M::State) -> u32 {
        let (owned, before) = (self.model.state_bytes(&state), self.states.len());
        let number = self.states.intern(state);
        if self.states.len() > before {
            self.owned_by_states += owned;
        }
        number
    }

    /// What is there from the beginning, by operation and by class of open ones.
    fn fixed_bytes(&self) -> usize {
        let numbers = [
            &self.positions,
            &self.invokes,
            &self.ranks,
            &self.by_rank,
            &self.slots,
            &self.by_completion,
            &self.completions,
            &self.due,
            &self.next,
            &self.previous,
            &self.used_counts,
        ];
        let flags = memory::list(&self.read_only) + memory::list(&self.placed);
        let members = self
            .classes
            .iter()
            .map(|class| memory::list(&class.members) + memory::list(&class.invokes));
        numbers.into_iter().map(memory::list).sum::<usize>()
            + memory::list(&self.ops)
            + memory::list(&self.classes)
            + members.sum::<usize>()
            + flags
            + self.tokens.memory_bytes()
    }

    /// What states and sets own, each of which may be large.
    fn owned_bytes(&self) -> usize {
        self.owned_by_states + self.windows.owned_bytes() + self.used.owned_bytes()
    }

    /// How much more that is than when this was asked last.
    fn newly_owned(&mut self) -> usize {
        let owned = self.owned_bytes();
        owned - std::mem::replace(&mut self.told, owned)
    }

    fn memory_bytes(&self) -> u64 {
        let sets = self.windows.memory_bytes() + self.used.memory_bytes();
        let visited = self.visited.memory_bytes() + self.least_used.memory_bytes();
        let room = memory::list(&self.to_try) + memory::list(&self.passed);
        let frames = memory::growing_list(&self.frames);
        let all = self.states.memory_bytes() + sets + visited + frames + room;
        (self.fixed + self.owned_bytes() + all) as u64
    }
}

/// Positions of completed calls and of open ones.
fn positions<O>(calls: &[Call<O>]) -> (Vec<u32>, Vec<u32>) {
    let mut completed = Vec::with_capacity(calls.len());
    let mut open = Vec::new();
    for (position, call) in (0u32..).zip(calls) {
        if call.complete.is_some() { &mut completed } else { &mut open }.push(position);
    }
    (completed, open)
}

fn classes<'c, O: Eq + std::hash::Hash>(calls: &'c [Call<O>], open: &[u32]) -> Vec<Class<'c, O>> {
    let mut classes: Vec<Class<'_, O>> = Vec::new();
    let mut known: FxHashMap<&O, usize> = FxHashMap::default();
    for &position in open {
        let call = &calls[position as usize];
        let class = *known.entry(&call.op).or_insert_with(|| {
            classes.push(Class { op: &call.op, members: Vec::new(), invokes: Vec::new() });
            classes.len() - 1
        });
        classes[class].members.push(position);
        classes[class].invokes.push(call.invoke);
    }
    classes
}

fn number(count: usize) -> u32 {
    u32::try_from(count).expect("a history has fewer than 2^32 operations")
}

#[cfg(test)]
mod tests;
