//! The textbook: Wing and Gong's search with Lowe's memo, a bit for each operation of the history.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use checker::{Datum, F, History, Outcome};

/// One operation: place of invocation and completion, function, argument, answer.
struct Op {
    invoke: u64,
    complete: u64,
    f: F,
    argument: u64,
    result: u64,
    refused: bool,
}

/// The seconds that it takes on a history of one key, or how long it was given.
pub fn seconds(history: &History, limit: Duration) -> String {
    let number = |value| match history.value(value) {
        Datum::Integer(number) => u64::try_from(number).unwrap_or(u64::MAX),
        Datum::Text(text) => text.parse().unwrap_or(u64::MAX),
        _ => u64::MAX,
    };
    let mut ops: Vec<Op> = history
        .operations()
        .iter()
        .filter(|op| op.f != F::Get || op.outcome == Outcome::Ok)
        .map(|op| Op {
            invoke: op.invoke_index(),
            complete: op.complete_index().unwrap_or(u64::MAX),
            f: op.f,
            argument: number(op.argument),
            result: number(op.result),
            refused: op.refused,
        })
        .collect();
    ops.sort_by_key(|op| op.invoke);
    let start = Instant::now();
    match search(&ops, start, limit) {
        Some(_) => format!("{:.3}", start.elapsed().as_secs_f64()),
        None => format!("more than {}", limit.as_secs()),
    }
}

fn search(ops: &[Op], start: Instant, limit: Duration) -> Option<bool> {
    let mut done = vec![0_u64; ops.len().div_ceil(64)];
    let mut visited: HashSet<(Vec<u64>, u64)> = HashSet::new();
    let mut path: Vec<(usize, u64)> = Vec::new();
    let (mut state, mut from) = (u64::MAX, 0);
    loop {
        if start.elapsed() > limit {
            return None;
        }
        let is_done = |done: &[u64], at: usize| done[at / 64] >> (at % 64) & 1 == 1;
        let first = (0..ops.len()).find(|&at| !is_done(&done, at)).unwrap_or(ops.len());
        let mut deadline = u64::MAX;
        let mut next = None;
        for (at, op) in ops.iter().enumerate().skip(first) {
            if op.invoke > deadline {
                break;
            }
            if is_done(&done, at) {
                continue;
            }
            deadline = deadline.min(op.complete);
            if at < from || next.is_some() {
                continue;
            }
            let after = match op.f {
                F::Get => (op.result == state).then_some(state),
                F::Cas if op.refused => (op.result != state).then_some(state),
                F::Cas => (op.result == state).then_some(op.argument),
                _ => Some(op.argument),
            };
            if let Some(after) = after {
                done[at / 64] |= 1 << (at % 64);
                if visited.insert((done.clone(), after)) {
                    next = Some((at, after));
                }
                done[at / 64] &= !(1 << (at % 64));
            }
        }
        if deadline == u64::MAX {
            return Some(true);
        }
        if let Some((at, after)) = next {
            done[at / 64] |= 1 << (at % 64);
            path.push((at, state));
            (state, from) = (after, 0);
        } else if let Some((at, before)) = path.pop() {
            done[at / 64] &= !(1 << (at % 64));
            (state, from) = (before, at + 1);
        } else {
            return Some(false);
        }
    }
}
