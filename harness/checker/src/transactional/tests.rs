//! The checker against the oracle, over many small histories.

use std::collections::BTreeMap;
use std::fmt::Write;

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::oracle::{Lists, Small, SmallOp, allows};
use super::*;

/// A transaction of a test, with how it ended.
#[derive(Debug, Clone)]
struct Given {
    small: Small,
    status: Status,
}

fn build(given: &[Given]) -> Transactions {
    let mut builder = Builder::new();
    for Given { small, status } in given {
        for op in &small.ops {
            match op {
                SmallOp::Append(key, element) => {
                    let key = builder.key(Name::Integer(i64::from(*key)));
                    let version = builder.version(key, Name::Integer(i64::from(*element)));
                    builder.append(key, version);
                }
                SmallOp::Read { key, list, .. } => {
                    let key = builder.key(Name::Integer(i64::from(*key)));
                    for &element in list {
                        let version = builder.version(key, Name::Integer(i64::from(element)));
                        builder.element(version);
                    }
                    builder.end_list(key);
                }
            }
        }
        let session = builder.session(Name::Integer(i64::from(small.session)));
        let (invoke, complete) = (small.invoke, small.complete);
        let (index, complete_index) = (u64::from(invoke), u64::from(complete));
        let status = *status;
        builder
            .finish_transaction(Frame { session, status, invoke, complete, index, complete_index })
            .unwrap();
    }
    builder.finish()
}

fn judge(given: &[Given]) -> (Transactions, Outcome) {
    let transactions = build(given);
    let inference = list_append::infer(&transactions);
    let outcome = decide(&transactions, inference);
    (transactions, outcome)
}

/// A history, a transaction a line, and what was found.
fn told(given: &[Given], outcome: &Outcome) -> String {
    let mut text = String::new();
    for (at, Given { small, status }) in given.iter().enumerate() {
        let Small { ops, session, invoke, complete, .. } = small;
        let _ = write!(text, "\n{at}: session {session} {invoke}..{complete} {status:?}");
        for op in ops {
            let _ = match op {
                SmallOp::Append(key, element) => write!(text, ", append {key} {element}"),
                SmallOp::Read { key, list, .. } => write!(text, ", read {key} {list:?}"),
            };
        }
    }
    for found in &outcome.found {
        let _ = write!(text, "\n{found:?}");
    }
    text
}

/// How often each level was kept, refuted and left undecided.
type Tally = BTreeMap<Level, [u32; 3]>;

/// Compares all levels of a history with the oracle's.
fn compare(given: &[Given], tally: &mut Tally) -> Vec<(Level, String)> {
    let mut wrong = Vec::new();
    let (_, outcome) = judge(given);
    let small: Vec<Small> =
        given.iter().filter(|it| it.status != Status::Fail).map(|it| it.small.clone()).collect();
    let is_odd =
        |it: &Found| matches!(it.anomaly, Anomaly::GarbageRead | Anomaly::DuplicateElements);
    for level in Level::ALL {
        let counts = tally.entry(level).or_default();
        match outcome.standing(level) {
            Standing::Kept => {
                counts[0] += 1;
                if !allows(level, &small, &Lists::new()) {
                    wrong.push((level, format!("kept:{}", told(given, &outcome))));
                }
            }
            Standing::Refuted(at) => {
                counts[1] += 1;
                let is_own = level != Level::ReadUncommitted || !is_odd(&outcome.found[*at]);
                if is_own && allows(level, &small, &Lists::new()) {
                    wrong.push((level, format!("refuted:{}", told(given, &outcome))));
                }
            }
            Standing::Undecided(_) => counts[2] += 1,
        }
    }
    wrong
}

/// Transactions without the lists that they read.
fn frames(rng: &mut ChaCha8Rng) -> Vec<Given> {
    let count = rng.random_range(2..=5);
    let keys = rng.random_range(1..=3);
    let mut element = 0;
    let mut given: Vec<Given> = (0..count)
        .map(|at| {
            let ops = (0..rng.random_range(1..=3)).map(|_| {
                let key = rng.random_range(0..keys);
                if rng.random_bool(0.5) {
                    element += 1;
                    SmallOp::Append(key, element)
                } else {
                    SmallOp::Read { key, list: Vec::new(), shows_last: true }
                }
            });
            let ops: Vec<SmallOp> = ops.collect();
            let small = Small {
                ops,
                session: at,
                invoke: 0,
                complete: NEVER,
                is_ok: true,
                took_effect: true,
            };
            Given { small, status: Status::Ok }
        })
        .collect();
    for it in &mut given {
        if rng.random_bool(0.12) {
            it.status = if rng.random_bool(0.6) { Status::Info } else { Status::Fail };
            (it.small.is_ok, it.small.took_effect) = (false, false);
            it.small.ops.retain(|op| matches!(op, SmallOp::Append(..)));
        }
    }
    // Times: a few sessions, each of which runs one transaction after another.
    let sessions = rng.random_range(1..=3);
    let mut clock = 0;
    let mut waiting: Vec<usize> = (0..given.len()).collect();
    let mut open: Vec<Option<usize>> = vec![None; sessions];
    let mut names: Vec<u32> = (0..u32::try_from(sessions).unwrap()).collect();
    while !waiting.is_empty() || open.iter().any(Option::is_some) {
        let session = rng.random_range(0..sessions);
        clock += 1;
        match open[session].take() {
            Some(at) => {
                if given[at].status == Status::Info {
                    names[session] += 10;
                }
                given[at].small.complete = clock;
            }
            None => {
                if let Some(at) = waiting.first().copied() {
                    waiting.remove(0);
                    given[at].small.session = names[session];
                    given[at].small.invoke = clock;
                    open[session] = Some(at);
                }
            }
        }
    }
    given
}

/// Reads show any beginning of one order of each key.
fn with_random_reads(given: &mut [Given], rng: &mut ChaCha8Rng) {
    let mut lists: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    let mut order: Vec<usize> = (0..given.len()).collect();
    let is_shuffled = rng.random_bool(0.3);
    for key in 0..3 {
        if key == 0 || is_shuffled {
            order.shuffle(rng);
        }
        for &at in &order {
            let seen = match given[at].status {
                Status::Ok => rng.random_bool(0.9),
                Status::Info => rng.random_bool(0.5),
                Status::Fail => rng.random_bool(0.1),
            };
            for op in &given[at].small.ops {
                if let SmallOp::Append(of, element) = op
                    && *of == key
                    && seen
                {
                    lists.entry(key).or_default().push(*element);
                }
            }
        }
    }
    for it in given.iter_mut() {
        let mut own: Vec<(u32, u32)> = Vec::new();
        let mut chosen: BTreeMap<u32, usize> = BTreeMap::new();
        for op in &mut it.small.ops {
            match op {
                SmallOp::Append(key, element) => own.push((*key, *element)),
                SmallOp::Read { key, list, .. } => {
                    let whole = lists.get(key).cloned().unwrap_or_default();
                    let mut length = rng.random_range(0..=whole.len());
                    if rng.random_bool(0.8) {
                        length = *chosen.entry(*key).or_insert(length);
                    }
                    let is_own = |it: &u32| own.iter().any(|own| own.1 == *it);
                    *list = whole[..length].to_vec();
                    if !list.iter().any(is_own) {
                        list.extend(own.iter().filter(|it| it.0 == *key).map(|it| it.1));
                    }
                }
            }
        }
    }
}

/// Transactions run in the order of some points in their times: a snapshot, and a commit. The closer these
/// are, the stronger the level.
fn with_run_reads(given: &mut [Given], rng: &mut ChaCha8Rng) {
    let mut lists: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    let mut points: Vec<(u32, bool, usize)> = Vec::new();
    let at_once = rng.random_bool(0.4);
    let in_time = rng.random_bool(0.6);
    let end = 4 * u32::try_from(given.len()).unwrap();
    for (at, it) in given.iter().enumerate() {
        let (begin, end) = if in_time { (it.small.invoke, it.small.complete) } else { (0, end) };
        let commit = rng.random_range(4 * begin + 2..=4 * end + 1);
        let snapshot = if at_once { commit } else { rng.random_range(4 * begin + 1..commit) };
        points.push((snapshot, false, at));
        points.push((commit, true, at));
    }
    points.sort_unstable();
    for (_, is_commit, at) in points {
        let status = given[at].status;
        let mut own: Vec<(u32, u32)> = Vec::new();
        if !is_commit {
            for op in &mut given[at].small.ops {
                match op {
                    SmallOp::Append(key, element) => own.push((*key, *element)),
                    SmallOp::Read { key, list, .. } => {
                        *list = lists.get(key).cloned().unwrap_or_default();
                        list.extend(own.iter().filter(|it| it.0 == *key).map(|it| it.1));
                    }
                }
            }
        } else if status == Status::Ok || status == Status::Info && rng.random_bool(0.5) {
            for op in &given[at].small.ops {
                if let SmallOp::Append(key, element) = op {
                    lists.entry(*key).or_default().push(*element);
                }
            }
        }
    }
}

/// Changes one list a little.
fn mutate(given: &mut [Given], rng: &mut ChaCha8Rng) {
    let mut reads: Vec<&mut Vec<u32>> = given
        .iter_mut()
        .flat_map(|it| &mut it.small.ops)
        .filter_map(|op| match op {
            SmallOp::Read { list, .. } => Some(list),
            SmallOp::Append(..) => None,
        })
        .collect();
    if reads.is_empty() {
        return;
    }
    let at = rng.random_range(0..reads.len());
    let list = &mut *reads[at];
    match rng.random_range(0..10) {
        0 => list.push(99),
        1 => list.push(rng.random_range(1..6)),
        2 if list.len() > 1 => list.swap(0, 1),
        3 if !list.is_empty() => drop(list.remove(0)),
        _ => drop(list.pop()),
    }
}

fn many(seeds: std::ops::Range<u64>) -> Tally {
    let mut tally = Tally::new();
    let mut wrong: BTreeMap<Level, (u32, String)> = BTreeMap::new();
    for seed in seeds {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut given = frames(&mut rng);
        if rng.random_bool(0.5) {
            with_random_reads(&mut given, &mut rng);
        } else {
            with_run_reads(&mut given, &mut rng);
        }
        if rng.random_bool(0.25) {
            mutate(&mut given, &mut rng);
        }
        for (level, told) in compare(&given, &mut tally) {
            let known = wrong.entry(level).or_insert((0, told));
            known.0 += 1;
        }
    }
    for (level, (count, told)) in &wrong {
        println!("{level:?} is wrong {count} times, first {told}");
    }
    assert!(wrong.is_empty());
    tally
}

#[test]
fn every_level_is_as_its_definition_says() {
    let tally = many(0..4_000);
    for (level, [kept, refuted, undecided]) in &tally {
        println!(
            "{:<36} kept {kept:>6} refuted {refuted:>6} undecided {undecided:>6}",
            level.name()
        );
        // Each level is told from its neighbours often enough to matter.
        assert!(*kept > 200 && *refuted > 20, "{level:?}: {tally:?}");
    }
}
