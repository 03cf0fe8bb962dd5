//! How long it takes, to be printed:
//! `cargo test -p checker --lib appends::tests::timing -- --ignored --nocapture`.

use std::time::Instant;

use rand::{RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Answer, Op, Symbol, borrow, check};
use crate::linearizable::model::Call;

/// Clients in a closed loop around one sequence that behaves.
#[derive(Debug, Clone, Copy)]
struct Shape {
    seed: u64,
    clients: u32,
    operations: usize,
    reads: f64,
    /// The fraction of writes that are puts.
    puts: f64,
    /// The fraction of operations whose outcome is unknown.
    open: f64,
    /// One of so many reads returns what was there five writes before.
    stale: Option<u32>,
}

/// Like Porcupine's recorded histories of 50 clients, per key.
const KEY: Shape =
    Shape { seed: 1, clients: 50, operations: 250, reads: 0.5, puts: 0.1, open: 0.0, stale: None };

/// The calls of a shape. A write's text is made of its client and its number there.
fn closed_loop<S: Symbol>(shape: Shape, text: impl Fn(u32, u32) -> Vec<S>) -> Vec<Call<Op<S>>> {
    let mut rng = ChaCha8Rng::seed_from_u64(shape.seed);
    let mut calls: Vec<Call<Op<S>>> = Vec::with_capacity(shape.operations);
    let mut under_way: Vec<(usize, u32, bool)> = Vec::new();
    let mut idle: Vec<(u32, u32)> = (0..shape.clients).map(|client| (client, 0)).collect();
    let mut states: Vec<Vec<S>> = vec![vec![]];
    let mut counts = vec![0; idle.len()];
    let mut place = 0;
    while calls.len() < shape.operations || !under_way.is_empty() {
        let may_begin = calls.len() < shape.operations && !idle.is_empty();
        if under_way.is_empty() || (may_begin && rng.random_bool(0.4)) {
            let (client, number) = idle.swap_remove(rng.random_range(0..idle.len()));
            let op = match rng.random::<f64>() {
                read if read < shape.reads => Op::Read(vec![]),
                _ if rng.random_bool(shape.puts) => Op::Put(text(client, number)),
                _ => Op::Append(text(client, number)),
            };
            under_way.push((calls.len(), client, false));
            counts[client as usize] = number + 1;
            calls.push(Call { op, invoke: place, complete: None });
            place += 1;
            continue;
        }
        let at = rng.random_range(0..under_way.len());
        let (position, client, is_done) = under_way[at];
        if is_done {
            under_way.swap_remove(at);
            idle.push((client, counts[client as usize]));
            calls[position].complete = (!rng.random_bool(shape.open)).then_some(place);
            place += 1;
            continue;
        }
        under_way[at].2 = true;
        let is_stale = shape.stale.is_some_and(|one_of| rng.random_range(0..one_of) == 0);
        take_effect(&mut calls[position].op, &mut states, if is_stale { 5 } else { 0 });
    }
    calls
}

/// Only the last few states are kept.
fn take_effect<S: Symbol>(op: &mut Op<S>, states: &mut Vec<Vec<S>>, back: usize) {
    let last = states.len() - 1;
    match op {
        Op::Read(text) => text.clone_from(&states[last - back.min(last)]),
        Op::Append(text) => states.push([&states[last][..], text].concat()),
        Op::Put(text) => states.push(text.clone()),
    }
    if states.len() > 8 {
        states.remove(0);
    }
}

fn time<S: Symbol>(name: &str, keys: &[Vec<Call<Op<S>>>]) {
    let read = |op: &Op<S>| if let Op::Read(text) = op { text.len() } else { 0 };
    let size: usize = keys.iter().flatten().map(|call| read(&call.op)).sum();
    let keys: Vec<_> = keys.iter().map(|calls| borrow(calls)).collect();
    let start = Instant::now();
    let answers: Vec<Answer> = keys.iter().map(|calls| check(&[], calls)).collect();
    let took = start.elapsed();
    let mut names: Vec<String> = Vec::new();
    for answer in &answers {
        names.push(match answer {
            Answer::Linearizable(_) => "valid".to_owned(),
            Answer::Contradiction(found) => {
                format!("{:?} of {}", found.anomaly, found.operations.len())
            }
            Answer::NotApplicable => "not applicable".to_owned(),
        });
    }
    names.dedup();
    println!("{name}: {:.3} ms, {size} read: {}", took.as_secs_f64() * 1e3, names.join(", "));
}

fn word(client: u32, number: u32) -> Vec<u8> {
    format!("x {client} {number} y").into_bytes()
}

fn element(client: u32, number: u32) -> Vec<u32> {
    vec![client << 20 | number]
}

#[test]
#[ignore = "prints how long it takes"]
fn keys_of_a_store() {
    for stale in [None, Some(50), Some(2)] {
        let key = |seed| closed_loop(Shape { seed, stale, ..KEY }, word);
        let keys: Vec<_> = (0..10).map(key).collect();
        time(&format!("10 keys, 50 clients, 2,500 operations, stale {stale:?}"), &keys);
    }
}

#[test]
#[ignore = "prints how long it takes"]
fn long_lists() {
    for operations in [20_000, 40_000, 80_000] {
        for stale in [None, Some(100)] {
            let long = Shape { operations, reads: 0.02, puts: 0.0, open: 0.05, stale, ..KEY };
            time(
                &format!("{operations} operations, stale {stale:?}"),
                &[closed_loop(long, element)],
            );
        }
    }
    for operations in [100_000, 1_000_000] {
        for stale in [None, Some(1_000)] {
            let puts = Shape { operations, open: 0.05, clients: 20, stale, ..KEY };
            let calls = closed_loop(puts, element);
            time(&format!("{operations} operations with puts, stale {stale:?}"), &[calls]);
        }
    }
}

#[test]
#[ignore = "prints how long it takes"]
fn appends_at_once() {
    for count in [1_000, 100_000] {
        for lost in [0, 1] {
            let append = |at| {
                let (invoke, complete) = (at, Some(2 * count + at));
                Call { op: Op::Append(vec![at]), invoke, complete }
            };
            let read = Op::Read((lost..count).rev().collect());
            let read = Call { op: read, invoke: 4 * count, complete: Some(4 * count + 1) };
            let calls = (0..count).map(append).chain([read]).collect();
            time(&format!("{count} appends at once, {lost} lost"), &[calls]);
        }
    }
}

/// Many contradictions, in all of which one is looked for.
#[test]
#[ignore = "prints how long it takes"]
fn much_that_is_wrong() {
    let one_by_one = |count: u32, read: &dyn Fn(u32) -> Vec<u32>| -> Vec<Call<Op<u32>>> {
        let calls = |at| {
            let append = Op::Append(vec![at]);
            let append = Call { op: append, invoke: 4 * at, complete: Some(4 * at + 1) };
            let read = Op::Read(read(at));
            [append, Call { op: read, invoke: 4 * at + 2, complete: Some(4 * at + 3) }]
        };
        (0..count).flat_map(calls).collect()
    };
    for count in [20_000, 80_000] {
        let name = format!("{count} appends, all lost but one");
        time(&name, &[one_by_one(count, &|_| vec![0])]);
    }
    for count in [2_000, 4_000, 8_000] {
        let half = |at: u32| (at % 2..=at).step_by(2).collect();
        time(&format!("{count} appends in two halves"), &[one_by_one(count, &half)]);
        let twice = |at: u32| (0..=at).chain(0..=at).collect();
        time(&format!("{count} appends, all twice"), &[one_by_one(count, &twice)]);
    }
}

/// Equal elements, and texts that may be cut in several ways.
#[test]
#[ignore = "prints how long it takes"]
fn what_reads_show_less_of() {
    for clients in [2, 5, 20] {
        for (puts, stale) in [(0.0, None), (0.1, None), (0.0, Some(200)), (0.1, Some(200))] {
            let shape = Shape { clients, operations: 2_000, puts, stale, ..KEY };
            let name = format!("2,000 operations, {clients} clients, {puts} puts, stale {stale:?}");
            let equal = closed_loop(shape, |_, number| vec![number % 5]);
            time(&format!("{name}, five elements"), &[equal]);
            let digits =
                |client: u32, number: u32| (client + number * clients).to_string().into_bytes();
            time(&format!("{name}, decimal numbers"), &[closed_loop(shape, digits)]);
        }
    }
    let nested = |at: u32| {
        let op = Op::Append(vec![b'a'; at as usize]);
        Call { op, invoke: at, complete: Some(at + 10_000) }
    };
    let read = Op::Read(vec![b'a'; 100_000]);
    let read = Call { op: read, invoke: 20_000, complete: Some(20_001) };
    time("nested texts", &[(1..2_000).map(nested).chain([read]).collect()]);
}
