//! The correct objects that histories are drawn from, and answers that may be wrong.

use std::collections::BTreeMap;

use rand::RngExt as _;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand_chacha::ChaCha8Rng;

use crate::fuzz_check::generate::{Draft, DraftOp, Plan, Pool, Values, chance};
use crate::fuzz_check::history::F;
use crate::fuzz_check::model::Model;
use crate::fuzz_check::value::{Num, Val};

/// What a key is like now.
#[derive(Debug, Clone)]
struct State {
    /// Of a register.
    held: Val,
    /// What is in a set or container, in the order in which it came.
    items: Vec<Val>,
    sum: i128,
    holder: Option<u64>,
    depth: u32,
    token: i128,
    balances: Vec<i128>,
    /// Whether accounts are named by texts, by numbers, or not at all.
    accounts: u32,
    /// What drains have taken so far, by process.
    drained: BTreeMap<u64, Vec<Val>>,
}

/// All keys of a correct store.
#[derive(Debug)]
pub struct Object {
    states: BTreeMap<Option<Val>, State>,
    first: State,
    /// Whether processes see writes late, each in the order of all.
    lags: bool,
    log: Vec<(Option<Val>, Val)>,
    views: BTreeMap<u64, usize>,
}

impl Object {
    pub fn new(plan: &Plan, rng: &mut ChaCha8Rng) -> Object {
        let empty: Val = "".into();
        let held = plan.options.initial.clone().unwrap_or_else(|| match plan.model {
            Model::Kv if chance(rng, 50) => empty,
            Model::ListRegister if chance(rng, 50) => Val::List(vec![]),
            _ => Val::Nil,
        });
        let accounts = rng.random_range(2..=3);
        let first = State {
            held,
            items: Vec::new(),
            sum: plan.options.initial.as_ref().and_then(Val::whole).unwrap_or(0),
            holder: None,
            depth: 0,
            token: 0,
            balances: (0..accounts).map(|_| rng.random_range(0..=5)).collect(),
            accounts: rng.random_range(0..3),
            drained: BTreeMap::new(),
        };
        let lags = plan.model.is_session() && chance(rng, 60);
        let (states, views) = (BTreeMap::new(), BTreeMap::new());
        Object { states, first, lags, log: Vec::new(), views }
    }

    fn state(&mut self, key: &Option<Val>) -> &mut State {
        let first = &self.first;
        self.states.entry(key.clone()).or_insert_with(|| first.clone())
    }

    /// What a process asks for next.
    pub fn ask(
        &mut self,
        plan: &Plan,
        key: &Option<Val>,
        process: u64,
        values: &mut Values,
        rng: &mut ChaCha8Rng,
    ) -> (F, Val) {
        let state = self.state(key);
        let mut f = *plan.functions.choose(rng).expect("some");
        state.drained.remove(&process);
        if plan.model.is_lock() && chance(rng, 80) {
            let may_again = plan.model.is_reentrant() && state.depth < 3 && chance(rng, 40);
            let releases = state.holder == Some(process) && !may_again;
            f = if releases { F::Release } else { F::Acquire };
        }
        let arg = match f {
            F::Put => values.whole(plan, rng),
            F::Cas => {
                let old = if chance(rng, 70) { state.held.clone() } else { values.old(plan, rng) };
                Val::pair(old, values.whole(plan, rng))
            }
            F::Append => values.fresh(plan, rng),
            F::Add if plan.model.is_counter() => amount(plan, rng),
            F::Add | F::Enqueue | F::Push | F::Insert => match values.fresh(plan, rng) {
                Val::Nil => Val::from(0),
                value => value,
            },
            F::Acquire if plan.model == Model::Lease => Val::from(rng.random_range(0..4)),
            F::Renew => Val::from(rng.random_range(0..4)),
            F::Transfer => Val::map(vec![
                ("from".into(), account(state.accounts, 0)),
                ("to".into(), account(state.accounts, 1)),
                ("amount".into(), Val::from(rng.random_range(1..=3))),
            ]),
            _ => Val::Nil,
        };
        (f, arg)
    }

    /// Does it now, if it can be done now.
    pub fn serve(&mut self, plan: &Plan, op: &mut DraftOp, rng: &mut ChaCha8Rng) -> bool {
        if self.lags && plan.model.is_session() && op.f != F::Append {
            return self.serve_late(op, rng);
        }
        let model = plan.model;
        let is_listed = plan.pool == Pool::Lists;
        let state = self.state(&op.key);
        match op.f {
            F::Get => op.answer = seen(model, state, rng),
            F::Put => state.held = op.arg.clone(),
            F::Cas => {
                let (old, new) = op.arg.halves().expect("a cas has two values");
                if *old != state.held {
                    return false;
                }
                state.held = new.clone();
            }
            F::Append => state.held = appended(&state.held, &op.arg, is_listed),
            F::Add => match op.arg.whole() {
                Some(amount) if model.is_counter() => {
                    state.sum += amount;
                }
                _ if state.items.contains(&op.arg) => {}
                _ => state.items.push(op.arg.clone()),
            },
            F::Enqueue | F::Push | F::Insert => state.items.push(op.arg.clone()),
            F::Dequeue | F::Pop | F::DeleteMin => {
                op.answer = taken(model, &mut state.items, rng).unwrap_or(Val::Nil);
            }
            F::Drain => {
                let Some(item) = taken(model, &mut state.items, rng) else {
                    let drained = state.drained.remove(&op.process).unwrap_or_default();
                    op.answer = Val::List(drained);
                    return true;
                };
                state.drained.entry(op.process).or_default().push(item);
                return false;
            }
            F::Acquire | F::Renew if model == Model::Lease => {
                op.answer = if chance(rng, 60) { Val::Nil } else { Val::from(2) };
            }
            F::Acquire => {
                let is_again = model.is_reentrant() && state.holder == Some(op.process);
                if state.holder.is_some() && !is_again {
                    return false;
                }
                state.holder = Some(op.process);
                state.depth += 1;
                if !is_again {
                    state.token += rng.random_range(1..=2);
                }
                op.answer = match model {
                    _ if model.is_fenced() => Val::from(state.token),
                    _ if chance(rng, 30) => Val::Bool(true),
                    _ => Val::Nil,
                };
            }
            F::Release if model != Model::Lease => {
                let may = match state.holder {
                    None => false,
                    Some(holder) => model == Model::Lock || holder == op.process,
                };
                if !may {
                    return false;
                }
                state.depth -= 1;
                state.holder = state.holder.filter(|_| state.depth > 0);
            }
            F::Release | F::Renew => {}
            F::Generate => {
                state.sum += 1;
                op.answer = if plan.pool == Pool::Texts {
                    format!("id{}", state.sum).as_str().into()
                } else {
                    Val::from(state.sum)
                };
            }
            F::Transfer => {
                let amount = rng.random_range(0..=3);
                if model == Model::BankNegative || state.balances[0] >= amount {
                    state.balances[0] -= amount;
                    state.balances[1] += amount;
                }
            }
        }
        true
    }

    /// Sequential consistency: a process sees a beginning of all writes, and all of its own.
    fn serve_late(&mut self, op: &mut DraftOp, rng: &mut ChaCha8Rng) -> bool {
        let latest = self.log.len();
        let held = |log: &[(Option<Val>, Val)], first: &State| {
            let last = log.iter().rfind(|(key, _)| *key == op.key);
            last.map_or_else(|| first.held.clone(), |(_, value)| value.clone())
        };
        let view = self.views.entry(op.process).or_insert(0);
        match op.f {
            F::Get => {
                *view = rng.random_range(*view..=latest);
                op.answer = held(&self.log[..*view], &self.first);
                return true;
            }
            F::Cas => {
                let (old, new) = op.arg.halves().expect("a cas has two values");
                if *old != held(&self.log, &self.first) {
                    return false;
                }
                self.log.push((op.key.clone(), new.clone()));
            }
            _ => self.log.push((op.key.clone(), op.arg.clone())),
        }
        *view = self.log.len();
        let value = self.log[latest].1.clone();
        self.state(&op.key.clone()).held = value;
        true
    }

    /// Whether the register holds something else than this compare-and-set expects.
    pub fn refuses(&mut self, op: &DraftOp) -> bool {
        let (old, _) = op.arg.halves().expect("a cas has two values");
        self.views.insert(op.process, self.log.len());
        let held = &self.state(&op.key).held;
        let is_empty = |value: &Val| {
            *value == Val::Nil || *value == Val::from("") || *value == Val::List(vec![])
        };
        held != old && !(is_empty(held) && is_empty(old))
    }
}

fn amount(plan: &Plan, rng: &mut ChaCha8Rng) -> Val {
    Val::from(match (plan.is_unique, rng.random_range(0..10)) {
        (true, _) => 1,
        (false, 0) => -1,
        (false, 1) => 0,
        (false, 2) => 1 << 70,
        (false, _) => rng.random_range(1..=5),
    })
}

fn account(naming: u32, at: usize) -> Val {
    if naming == 0 { ["a", "b", "c"][at].into() } else { Val::from(at as i128) }
}

/// What a read of it returns.
fn seen(model: Model, state: &State, rng: &mut ChaCha8Rng) -> Val {
    match model {
        _ if model.is_set() => {
            let mut items = state.items.clone();
            items.shuffle(rng);
            if chance(rng, 50) { Val::List(items) } else { Val::set(items) }
        }
        _ if model.is_counter() => Val::from(state.sum),
        Model::Bank | Model::BankNegative => balances(&state.balances, state.accounts),
        _ => state.held.clone(),
    }
}

fn balances(balances: &[i128], naming: u32) -> Val {
    let balances = balances.iter().map(|&balance| Val::from(balance));
    if naming == 2 {
        return Val::List(balances.collect());
    }
    Val::map(balances.enumerate().map(|(at, it)| (account(naming, at), it)).collect())
}

fn appended(held: &Val, arg: &Val, is_listed: bool) -> Val {
    if is_listed {
        let mut items = held.items().unwrap_or_default().to_vec();
        items.push(arg.clone());
        return Val::List(items);
    }
    let text = |value: &Val| if let Val::Text(text) = value { text.clone() } else { String::new() };
    Val::Text(text(held) + &text(arg))
}

fn taken(model: Model, items: &mut Vec<Val>, rng: &mut ChaCha8Rng) -> Option<Val> {
    if items.is_empty() {
        return None;
    }
    let rank = |value: &Val| if let Val::Num(number) = value { number.rank() } else { 0 };
    let at = match model {
        Model::Queue => 0,
        Model::Stack => items.len() - 1,
        Model::PriorityQueue => (0..items.len()).min_by_key(|&at| rank(&items[at]))?,
        _ => rng.random_range(0..items.len()),
    };
    Some(items.remove(at))
}

/// An answer made of what the history has, right or wrong.
pub fn any_answer(draft: &Draft, at: usize, plan: &Plan, rng: &mut ChaCha8Rng) -> Val {
    let op = &draft.ops[at];
    let of_key = || draft.ops.iter().filter(|other| other.key == op.key || plan.is_one_key());
    let mut given: Vec<Val> = of_key()
        .filter(|other| !other.f.only_asks() && other.f != F::Acquire)
        .map(|other| other.arg.halves().map_or(&other.arg, |(_, new)| new).clone())
        .collect();
    given.shuffle(rng);
    let count = rng.random_range(0..=given.len());
    match (op.f, plan.model) {
        _ if chance(rng, 6) => odd(rng),
        (F::Get, model) if model.is_set() => {
            given.truncate(count);
            if chance(rng, 70) { Val::set(given) } else { Val::List(given) }
        }
        (F::Get, model) if model.is_counter() => {
            let sum: i128 = given[..count].iter().filter_map(Val::whole).sum();
            Val::from(sum + i128::from(chance(rng, 10)))
        }
        (F::Get, Model::Bank | Model::BankNegative) => shifted(&op.answer, rng),
        (F::Get, _) if plan.functions.contains(&F::Append) => {
            given.truncate(count);
            let is_listed = plan.pool == Pool::Lists;
            let start = if is_listed { Val::List(vec![]) } else { "".into() };
            given.iter().fold(start, |held, value| match value {
                Val::List(_) if is_listed => value.clone(),
                _ => appended(&held, value, is_listed),
            })
        }
        (F::Get, _) => {
            given.extend([Val::Nil, "".into()]);
            given.extend(plan.options.initial.clone());
            given.choose(rng).expect("some").clone()
        }
        (F::Drain, _) => {
            given.truncate(count);
            Val::List(given)
        }
        (F::Dequeue | F::Pop | F::DeleteMin, _) => given.choose(rng).cloned().unwrap_or(Val::Nil),
        (F::Generate, _) => Val::from(rng.random_range(1..=6)),
        (F::Acquire, model) if model.is_fenced() => Val::from(rng.random_range(1..=5)),
        (F::Acquire | F::Renew, Model::Lease) => Val::from(rng.random_range(0..4)),
        _ => op.answer.clone(),
    }
}

/// A value that no answer should have.
fn odd(rng: &mut ChaCha8Rng) -> Val {
    let odd = [
        Val::Nil,
        "".into(),
        Val::from(99),
        "99".into(),
        Val::List(vec![]),
        Val::List(vec![Val::from(1), Val::from(1)]),
        Val::Bool(false),
        Val::map(vec![("a".into(), Val::Nil)]),
        Val::Num(Num::new(15, 1)),
        Val::Keyword("a".to_owned()),
        Val::set(vec![Val::from(1)]),
        Val::from(-1),
    ];
    odd.choose(rng).expect("some").clone()
}

/// Balances with one of them changed, or two, or one of them gone.
fn shifted(answer: &Val, rng: &mut ChaCha8Rng) -> Val {
    let by = rng.random_range(-3..=3);
    let plus = |value: &Val, by: i128| Val::from(value.whole().unwrap_or(0) + by);
    match answer {
        Val::Map(entries) if !entries.is_empty() => {
            let mut entries = entries.clone();
            let at = rng.random_range(0..entries.len());
            match rng.random_range(0..4) {
                0 => {
                    entries.remove(at);
                }
                1 => entries[at].1 = Val::Nil,
                2 => entries[at].1 = plus(&entries[at].1, by),
                _ => {
                    let last = entries.len() - 1;
                    entries[0].1 = plus(&entries[0].1, by);
                    entries[last].1 = plus(&entries[last].1, -by);
                }
            }
            Val::Map(entries)
        }
        Val::List(items) if !items.is_empty() => {
            let mut items = items.clone();
            items[0] = plus(&items[0], by);
            Val::List(items)
        }
        other => other.clone(),
    }
}
