//! Registers, texts and lists: read, written, swapped, appended to.

use super::Verdicts;
use super::search::{Call, has_order};
use crate::fuzz_check::history::{End, F, Op};
use crate::fuzz_check::model::Model;
use crate::fuzz_check::value::Val;

/// What a key holds that is appended to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    Any,
    Text,
    List,
    Mixed,
}

#[derive(Debug)]
enum Act {
    Read(Val),
    Write(Val),
    Swap(Val, Val),
    Refused(Val),
    Append(Val),
}

/// What is given or seen as a whole.
fn wholes(ops: &[&Op]) -> Vec<Val> {
    let mut wholes = Vec::new();
    for op in ops {
        match op.f {
            F::Get if op.end == End::Ok => wholes.push(op.answer.clone()),
            F::Put => wholes.push(op.arg.clone()),
            F::Cas => {
                let (old, new) = op.arg.halves().expect("a cas has two values");
                wholes.extend([old.clone(), new.clone()]);
            }
            _ => {}
        }
    }
    wholes
}

pub fn content(ops: &[&Op], initial: Option<&Val>) -> Content {
    let appends = || ops.iter().filter(|op| op.f == F::Append);
    if appends().next().is_none() {
        return Content::Any;
    }
    let wholes: Vec<Val> = wholes(ops).into_iter().chain(initial.cloned()).collect();
    let is_text = |value: &Val| matches!(value, Val::Nil | Val::Text(_));
    let is_list = |value: &Val| matches!(value, Val::Nil | Val::List(_)) || *value == Val::from("");
    if wholes.iter().all(is_text) && appends().all(|op| is_text(&op.arg)) {
        Content::Text
    } else if wholes.iter().all(is_list) {
        Content::List
    } else {
        Content::Mixed
    }
}

/// The value with what counts as equal made equal: what holds nothing is nothing.
fn plain(value: &Val, content: Content, model: Model) -> Val {
    let is_empty = |value: &Val| match content {
        Content::Any if model == Model::Kv => *value == Val::from(""),
        Content::Any if model == Model::ListRegister => *value == Val::List(Vec::new()),
        Content::Any => false,
        Content::Text => *value == Val::from(""),
        _ => *value == Val::from("") || *value == Val::List(Vec::new()),
    };
    if is_empty(value) { Val::Nil } else { value.clone() }
}

pub fn verdicts(model: Model, ops: &[&Op], content: Content, initial: Option<&Val>) -> Verdicts {
    if content == Content::Mixed {
        return Verdicts::UNKNOWN;
    }
    let plain = |value: &Val| plain(value, content, model);
    let halves = |op: &Op| {
        let (old, new) = op.arg.halves().expect("a cas has two values");
        (plain(old), plain(new))
    };
    let mut calls = Vec::new();
    for op in ops {
        let act = match op.f {
            F::Get if op.end != End::Ok => continue,
            F::Get => Act::Read(plain(&op.answer)),
            F::Put => Act::Write(plain(&op.arg)),
            F::Cas if op.refused => Act::Refused(halves(op).0),
            F::Cas => Act::Swap(halves(op).0, halves(op).1),
            _ => Act::Append(op.arg.clone()),
        };
        calls.push(Call::new(op, vec![act]));
    }
    let initial = plain(initial.unwrap_or(&Val::Nil));
    Verdicts::of(has_order(&calls, initial, &|state, act| next(state, act, content)))
}

fn next(state: &Val, act: &Act, content: Content) -> Vec<Val> {
    let when = |fits: bool, after: &Val| if fits { vec![after.clone()] } else { Vec::new() };
    match act {
        Act::Read(value) => when(state == value, state),
        Act::Write(value) => vec![value.clone()],
        Act::Swap(old, new) => when(state == old, new),
        Act::Refused(old) => when(state != old, state),
        Act::Append(value) => vec![appended(state, value, content)],
    }
}

fn appended(state: &Val, value: &Val, content: Content) -> Val {
    if content == Content::List {
        let mut items = state.items().unwrap_or_default().to_vec();
        items.push(value.clone());
        return Val::List(items);
    }
    let text = |value: &Val| if let Val::Text(text) = value { text.clone() } else { String::new() };
    let text = text(state) + &text(value);
    if text.is_empty() { Val::Nil } else { Val::Text(text) }
}
