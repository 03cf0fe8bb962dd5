//! Cases as the keys of one history.

use rand::RngExt as _;
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;

use crate::fuzz_check::generate::{Case, block, chance};
use crate::fuzz_check::history::{Event, Pairing, pair};
use crate::fuzz_check::model::Model;
use crate::fuzz_check::value::{Num, Val};

/// The most keys of one history: no more are named in an answer.
const KEYS: usize = 20;

/// Of a hundred blocks, so many are judged bundled.
const BUNDLED: u32 = 90;

/// The block with whose cases this one may share a history, if it may.
pub fn block_of(case: &Case) -> Option<u64> {
    let block = block(case.seed);
    let is_bundled = chance(&mut ChaCha8Rng::seed_from_u64(block ^ 0xb0d1e), BUNDLED);
    let fits = case.events.iter().all(|event| case.model.functions().contains(&event.f));
    let is_whole = fits && pair(&case.events, Pairing::default()).is_some();
    let is_whole = is_whole && !case.options.is_lenient && !case.options.strict_time;
    (is_bundled && is_whole && !case.model.is_session()).then_some(block)
}

/// These cases of one block as few histories, each with how many cases it has.
pub fn bundles(cases: Vec<Case>) -> Vec<(usize, Case)> {
    let mut rng = ChaCha8Rng::seed_from_u64(cases.first().map_or(0, |case| case.seed) ^ 0xb0d1);
    let mut bundles = Vec::new();
    let most = rng.random_range(4..=KEYS);
    let mut members: Vec<Case> = Vec::new();
    let mut keys = 0;
    for case in cases {
        let more = keys_of(&case).len();
        if keys + more > most && !members.is_empty() {
            bundles.push((members.len(), bundle(&members, &mut rng)));
            members.clear();
            keys = 0;
        }
        keys += more;
        members.push(case);
    }
    if !members.is_empty() {
        bundles.push((members.len(), bundle(&members, &mut rng)));
    }
    bundles
}

/// The keys of a case, each once.
fn keys_of(case: &Case) -> Vec<&Option<Val>> {
    let mut keys: Vec<&Option<Val>> = case.events.iter().map(|event| &event.key).collect();
    keys.sort();
    keys.dedup();
    keys
}

fn bundle(members: &[Case], rng: &mut ChaCha8Rng) -> Case {
    let mut case = Case { events: Vec::new(), is_untouched: false, ..members[0].clone() };
    case.options.all_keys = chance(rng, 90);
    let mut names = names(rng).into_iter();
    let mut lanes: Vec<std::vec::IntoIter<Event>> = Vec::new();
    let (mut first_op, mut first_process) = (0, 0);
    for member in members {
        let keys: Vec<(&Option<Val>, Val)> = keys_of(member).into_iter().zip(&mut names).collect();
        let (mut ops, mut processes) = (0, 0);
        let shifted = |event: &Event| {
            ops = ops.max(event.op + 1);
            processes = processes.max(event.process + 1);
            let (_, key) = keys.iter().find(|(key, _)| **key == event.key).expect("it is named");
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
fn names(rng: &mut ChaCha8Rng) -> Vec<Val> {
    let odd =
        ["x", "", "k 1", "d\u{e9}", "a\"b", "[1]", ":k", "nil", "a/b", "x,y", "#", "\\", "{", "'"];
    let plain = (0..KEYS).map(|at| Val::from(format!("k{at}").as_str()));
    let numbers = (0..KEYS as i128).map(Val::from);
    let mut names: Vec<Val> = match rng.random_range(0..4) {
        0 => plain.collect(),
        1 => numbers.collect(),
        2 => odd.into_iter().map(Val::from).chain(plain).collect(),
        _ => {
            let more = [Val::from(-1), Val::Num(Num::new(75, 1)), Val::from(1 << 80)];
            odd.into_iter().map(Val::from).chain(more).chain(numbers).collect()
        }
    };
    names.shuffle(rng);
    names
}
