//! Porcupine's operations, and its events.

use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;

use super::edn::on_lines;
use super::{Pieces, Style};
use crate::fuzz_check::generate::chance;
use crate::fuzz_check::history::{End, Event, F, Op, Pairing, pair};
use crate::fuzz_check::value::Val;

/// The operations that did not fail, if each client goes on under another number when one stays open.
fn whole(events: &[Event]) -> Option<Vec<Op>> {
    // Whether a failed compare-and-set was refused is not known here; what failed is left out.
    let ops: Vec<Op> = pair(events, Pairing::default())?;
    let goes_on = ops.iter().enumerate().any(|(at, op)| {
        op.end == End::Open && ops[at + 1..].iter().any(|later| later.process == op.process)
    });
    let ops = ops.into_iter().filter(|op| op.end != End::Fail).collect();
    (!goes_on).then_some(ops)
}

fn input(op: &Op, style: &Style, rng: &mut ChaCha8Rng) -> Option<String> {
    let mut fields = vec![format!("\"op\":\"{}\"", op.f.name(style.says_read))];
    if let Some(key) = &op.key {
        fields.push(format!("\"key\":{}", key.json(rng)?));
    }
    match op.arg.halves() {
        Some((old, new)) if op.f == F::Cas && chance(rng, 60) => {
            fields.push(format!("\"expected\":{}", old.json(rng)?));
            fields.push(format!("\"value\":{}", new.json(rng)?));
        }
        _ if !op.f.only_asks() => fields.push(format!("\"value\":{}", op.arg.json(rng)?)),
        _ => {}
    }
    Some(format!("{{{}}}", fields.join(",")))
}

fn output(op: &Op, rng: &mut ChaCha8Rng) -> Option<String> {
    if op.answer == Val::Nil || op.f == F::Cas || matches!(op.f, F::Put | F::Append) {
        let nothing = if chance(rng, 50) { "{}" } else { "null" };
        return Some(nothing.to_owned());
    }
    let value = op.answer.json(rng)?;
    // An object is the answer only inside of another.
    let is_bare = !matches!(op.answer, Val::Map(_)) && chance(rng, 30);
    Some(if is_bare { value } else { format!("{{\"value\":{value}}}") })
}

fn joined(rows: Vec<String>, rng: &mut ChaCha8Rng) -> Pieces {
    if chance(rng, 40) {
        return on_lines(rows);
    }
    let between = if chance(rng, 50) { ",\n " } else { "," };
    Pieces { head: "[".to_owned(), rows, between, tail: "]\n".to_owned() }
}

pub fn operations(events: &[Event], style: &Style, rng: &mut ChaCha8Rng) -> Option<Pieces> {
    let mut objects = Vec::new();
    for op in whole(events)? {
        // Places are times, but leases need those of the clock.
        let mut fields = vec![
            format!("\"clientId\":{}", op.process),
            format!("\"input\":{}", input(&op, style, rng)?),
            format!("\"call\":{}", op.invoke * 10),
        ];
        if let Some(end) = op.complete {
            fields.push(format!("\"output\":{}", output(&op, rng)?));
            fields.push(format!("\"return\":{}", end * 10));
        } else if chance(rng, 50) {
            fields.push("\"return\":null".to_owned());
        }
        objects.push(format!("{{{}}}", fields.join(",")));
    }
    if chance(rng, 30) {
        objects.shuffle(rng);
    }
    Some(joined(objects, rng))
}

pub fn events(events: &[Event], style: &Style, rng: &mut ChaCha8Rng) -> Option<Pieces> {
    let ops = whole(events)?;
    let mut objects: Vec<(usize, String)> = Vec::new();
    for (id, op) in ops.iter().enumerate() {
        let client = op.process;
        let call = input(op, style, rng)?;
        let event = |kind: bool, value: String| {
            format!("{{\"ClientId\":{client},\"Kind\":{kind},\"Value\":{value},\"Id\":{id}}}")
        };
        objects.push((op.invoke, event(false, call)));
        if let Some(end) = op.complete {
            objects.push((end, event(true, output(op, rng)?)));
        }
    }
    objects.sort();
    let objects = objects.into_iter().map(|(_, object)| object).collect();
    Some(joined(objects, rng))
}
