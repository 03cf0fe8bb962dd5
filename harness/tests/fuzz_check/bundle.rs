//! Cases as the keys of one history.

use rand::RngExt as _;
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;

use crate::generate::{Case, block, chance};
use crate::history::Event;
use crate::model::Model;
use crate::value::{Num, Val};

/// The most keys of one history: no more are named in an answer.
const KEYS: usize = 20;

/// Of a hundred blocks, so many are judged bundled.
const BUNDLED: u32 = 85;

/// The block with whose cases this one may share a history, if it may.
pub fn block_of(case: &Case) -> Option<u64> {
    let block = block(case.seed);
    let is_bundled = chance(&mut ChaCha8Rng::seed_from_u64(block ^ 0xb0d1e), BUNDLED);
    let is_of_one_key = case.events.windows(2).all(|two| two[0].key == two[1].key);
    let is_whole = !case.options.is_lenient && crate::history::pair(&case.events, crate::history::Pairing::default()).is_some();
    (is_bundled && is_of_one_key && is_whole && !case.model.is_session()).then_some(block)
}

/// These cases of one block as few histories, each with how many cases it has.
pub fn bundles(mut cases: Vec<Case>) -> Vec<(usize, Case)> {
    let mut rng = ChaCha8Rng::seed_from_u64(cases.first().map_or(0, |case| case.seed) ^ 0xb0d1e5);
    let mut bundles = Vec::new();
    while !cases.is_empty() {
        let count = rng.random_range(2..=KEYS).min(cases.len());
        let members: Vec<Case> = cases.drain(..count).collect();
        bundles.push((count, bundle(&members, &mut rng)));
    }
    bundles
}

fn bundle(members: &[Case], rng: &mut ChaCha8Rng) -> Case {
    let mut case = Case { events: Vec::new(), is_untouched: false, ..members[0].clone() };
    case.options.all_keys = chance(rng, 90);
    let keys = keys(rng);
    let mut lanes: Vec<std::vec::IntoIter<Event>> = Vec::new();
    let (mut first_op, mut first_process) = (0, 0);
    for (member, key) in members.iter().zip(keys) {
        let (mut ops, mut processes) = (0, 0);
        let shifted = |event: &Event| {
            ops = ops.max(event.op + 1);
            processes = processes.max(event.process + 1);
            Event {
                op: first_op + event.op,
                process: first_process + event.process,
                key: Some(key.clone()),
                ..event.clone()
            }
        };
        let events: Vec<Event> = member.events.iter().map(shifted).collect();
        lanes.push(events.into_iter());
        first_op += ops;
        first_process += processes;
    }
    if case.model == Model::Lease {
        case.events = lanes.into_iter().flatten().collect();
        case.events.sort_by_key(|event| event.time_ns);
        return case;
    }
    let mut time_ns = 0;
    let mut left: Vec<usize> =
        lanes.iter().enumerate().flat_map(|(at, lane)| vec![at; lane.len()]).collect();
    left.shuffle(rng);
    // One after another, or all at once.
    if chance(rng, 20) {
        left.sort_unstable();
    }
    for lane in left {
        time_ns += rng.random_range(1..1000);
        case.events.extend(lanes[lane].next().map(|event| Event { time_ns, ..event }));
    }
    case
}

/// Keys with names that a reader may stumble over; all different, whatever is said of their types.
fn keys(rng: &mut ChaCha8Rng) -> Vec<Val> {
    let odd = ["x", "", "k 1", "d\u{e9}", "a\"b", "[1]", ":k", "nil", "a/b", "x,y", "#", "\\", "{", "'"];
    let plain = (0..KEYS).map(|at| Val::from(format!("k{at}").as_str()));
    let numbers = (0..KEYS as i128).map(Val::from);
    let mut keys: Vec<Val> = match rng.random_range(0..4) {
        0 => plain.collect(),
        1 => numbers.collect(),
        2 => odd.into_iter().map(Val::from).chain(plain).collect(),
        _ => {
            let more = [Val::from(-1), Val::Num(Num::new(75, 1)), Val::from(1 << 80)];
            odd.into_iter().map(Val::from).chain(more).chain(numbers).collect()
        }
    };
    keys.shuffle(rng);
    keys
}
