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

#[test]
#[ignore = "takes minutes"]
fn every_level_is_as_its_definition_says_over_many_more_histories() {
    many(4_000..150_000);
}

/// Transactions from lines as `0 [1..4]: append 5 1, read 5 [1 2]`: a process and the places of its events;
/// `!` after these for one that failed, `?` for one of unknown outcome.
fn history(text: &str) -> Vec<Given> {
    let line = |line: &str| {
        let (frame, ops) = line.trim().split_once(": ")?;
        let (session, times) = frame.split_once(" [")?;
        let (times, mark) = times.split_once(']')?;
        let (invoke, complete) = times.split_once("..")?;
        let ops = ops.split(", ").map(|op| match op.splitn(3, ' ').collect::<Vec<_>>()[..] {
            ["append", key, element] => {
                SmallOp::Append(key.parse().unwrap(), element.parse().unwrap())
            }
            ["read", key, list] => {
                let list = list.trim_matches(['[', ']']).split_whitespace();
                let list = list.map(|it| it.parse().unwrap()).collect();
                SmallOp::Read { key: key.parse().unwrap(), list, shows_last: true }
            }
            _ => panic!("{op}"),
        });
        let status = match mark {
            "!" => Status::Fail,
            "?" => Status::Info,
            _ => Status::Ok,
        };
        let is_ok = status == Status::Ok;
        let small = Small {
            ops: ops.collect(),
            session: session.parse().unwrap(),
            invoke: invoke.parse().unwrap(),
            complete: complete.parse().unwrap(),
            is_ok,
            took_effect: is_ok,
        };
        Some(Given { small, status })
    };
    text.lines().filter_map(line).collect()
}

/// Asserts that the first anomaly is this one, against these levels, and what is kept at the most; and that
/// the oracle agrees.
fn shows(text: &str, anomaly: &str, not: &[&str], kept: &[&str]) {
    let given = history(text);
    let (_, outcome) = judge(&given);
    let names =
        |levels: Vec<Level>| -> Vec<&'static str> { levels.into_iter().map(Level::name).collect() };
    let first = outcome.found.first().map_or("none", |it| it.anomaly.name());
    let seen = (first, names(outcome.not()), names(outcome.strongest()));
    assert_eq!(seen, (anomaly, not.to_vec(), kept.to_vec()), "{}", told(&given, &outcome));
    assert!(compare(&given, &mut Tally::new()).is_empty());
    for found in outcome.found.iter().filter(|it| !it.cycle.is_empty()) {
        assert_eq!(found.confirmed, Some(true), "{found:?}");
    }
}

const ALL: &[&str] = &["strong-serializable"];

#[test]
fn a_lost_update_is_one_only_if_both_read_before_either_wrote() {
    let lost = "0 [1..3]: read 5 [], append 5 1
                1 [2..4]: read 5 [], append 5 2
                2 [5..6]: read 5 [1 2]";
    shows(lost, "lost-update", &["cursor-stability"], &["strong-prefix"]);
    shows(&lost.replacen("1 [2..4]: read 5 []", "1 [2..4]: read 5 [1]", 1), "none", &[], ALL);
    // One of them writes blindly: then it may have come first, or last.
    shows(&lost.replacen("1 [2..4]: read 5 [], ", "1 [2..4]: ", 1), "none", &[], ALL);
    let between = lost.replacen("0 [1..3]: read 5 [], ", "0 [1..3]: ", 1);
    shows(&between, "lost-update", &["cursor-stability"], &["strong-prefix"]);
    // No read shows the end: both orders are tried.
    let unread = lost.replacen("read 5 [1 2]", "read 5 []", 1).replacen("[5..6]", "[0..9]", 1);
    shows(&unread, "lost-update", &["cursor-stability"], &["strong-prefix"]);
}

#[test]
fn write_skew_is_snapshot_isolated_and_not_serializable() {
    let skew = "0 [1..3]: read 5 [], append 6 1
                1 [2..4]: read 6 [], append 5 2";
    let not = &["update-serializable", "repeatable-read"];
    shows(skew, "write-skew", not, &["strong-snapshot-isolation"]);
    shows(&skew.replacen("read 6 []", "read 6 [1]", 1), "none", &[], ALL);
}

#[test]
fn a_long_fork_is_causal_and_no_prefix() {
    let fork = "0 [1..10]: append 5 1
                1 [2..11]: append 6 2
                2 [3..12]: read 5 [1], read 6 []
                3 [4..13]: read 5 [], read 6 [2]";
    let not = &["prefix", "repeatable-read"];
    shows(fork, "long-fork", not, &["causal", "strong-update-serializable"]);
    shows(&fork.replacen("read 5 [], read 6 [2]", "read 5 [1], read 6 [2]", 1), "none", &[], ALL);
}

#[test]
fn a_fractured_read_by_its_order_is_one_of_monotonic_atomic_view_or_not() {
    let fractured = "0 [1..3]: append 5 1, append 6 1
                     1 [2..4]: read 5 [1], read 6 []";
    let kept = &["cursor-stability"];
    shows(fractured, "fractured-read", &["monotonic-atomic-view"], kept);
    let reverse = fractured.replacen("read 5 [1], read 6 []", "read 6 [], read 5 [1]", 1);
    let kept = &["monotonic-atomic-view", "cursor-stability"];
    shows(&reverse, "fractured-read", &["read-atomic"], kept);
    shows(&fractured.replacen("read 6 []", "read 6 [1]", 1), "none", &[], ALL);
}

#[test]
fn read_skew_over_another_transaction_keeps_read_atomic() {
    let skew = "0 [1..4]: append 5 1, append 7 1
                1 [2..5]: read 7 [1], append 6 2
                2 [3..6]: read 6 [2], read 5 []";
    let kept = &["cursor-stability", "read-atomic"];
    shows(skew, "G-single", &["causal", "consistent-view", "prefix"], kept);
    shows(&skew.replacen("read 5 []", "read 5 [1]", 1), "none", &[], ALL);
}

#[test]
fn dirty_writes_and_circular_information_flow() {
    let writes = "0 [1..3]: append 5 1, append 6 1
                  1 [2..4]: append 5 2, append 6 2
                  2 [5..6]: read 5 [1 2], read 6 [2 1]";
    shows(writes, "G0", &["read-uncommitted"], &[]);
    shows(&writes.replacen("[2 1]", "[1 2]", 1), "none", &[], ALL);
    // The reads may have been of what was never committed.
    shows(&writes.replacen("[2..4]", "[2..4]?", 1), "G0", &["read-committed"], &[]);
    let flow = "0 [1..3]: append 5 1, read 6 [2]
                1 [2..4]: append 6 2, read 5 [1]";
    shows(flow, "G1c", &["read-committed"], &["read-uncommitted"]);
    shows(&flow.replacen("read 5 [1]", "read 5 []", 1), "none", &[], ALL);
}

#[test]
fn aborted_and_intermediate_reads() {
    let aborted = "0 [1..2]!: append 5 1
                   1 [3..4]: read 5 [1]";
    shows(aborted, "G1a", &["read-committed"], &["read-uncommitted"]);
    shows(&aborted.replacen('!', "?", 1), "none", &[], ALL);
    shows(&aborted.replacen("[1..2]!", "[1..2]", 1), "none", &[], ALL);
    let intermediate = "0 [1..2]: append 5 1, append 5 2
                        1 [3..4]: read 5 [1]";
    shows(intermediate, "G1b", &["read-committed"], &["read-uncommitted"]);
    shows(&intermediate.replacen("read 5 [1]", "read 5 [1 2]", 1), "none", &[], ALL);
    let dirty = "0 [1..2]!: append 5 1
                 1 [3..4]: append 5 2
                 2 [5..6]: read 5 [1 2]";
    let (_, outcome) = judge(&history(dirty));
    let names: Vec<&str> = outcome.found.iter().map(|it| it.anomaly.name()).collect();
    assert_eq!(names, ["G1a", "dirty-update"]);
}

#[test]
fn reads_that_no_list_gives() {
    let anomalies = |text: &str| -> Vec<&'static str> {
        let (_, outcome) = judge(&history(text));
        outcome.found.iter().map(|it| it.anomaly.name()).collect()
    };
    assert_eq!(anomalies("0 [1..2]: read 5 [9]"), ["garbage-read"]);
    let twice = "0 [1..2]: append 5 1\n1 [3..4]: read 5 [1 1]";
    assert_eq!(anomalies(twice), ["duplicate-elements"]);
    let orders =
        "0 [1..2]: append 5 1\n1 [3..4]: append 5 2\n2 [5..6]: read 5 [1 2]\n3 [7..8]: read 5 [2]";
    assert_eq!(anomalies(orders), ["incompatible-order"]);
    assert_eq!(anomalies("0 [1..2]: read 5 [1], append 5 1"), ["future-read"]);
    assert_eq!(anomalies("0 [1..2]: append 5 1, read 5 []"), ["internal"]);
    let changed = "0 [1..4]: append 5 1\n1 [2..3]: read 5 [], read 5 [1]";
    assert_eq!(anomalies(changed)[0], "internal");
    assert!(anomalies("0 [1..2]: append 5 1, read 5 [1]").is_empty());
}

#[test]
fn sessions_and_real_time_tell_the_strong_levels_apart() {
    let stale = "0 [1..2]: append 5 1
                 1 [3..4]: read 5 []";
    let not = &["strong-prefix", "strong-update-serializable"];
    shows(stale, "G-single-realtime", not, &["strong-session-serializable"]);
    shows(&stale.replacen("[3..4]", "[0..4]", 1), "none", &[], ALL);
    let own = stale.replacen("1 [3..4]", "0 [3..4]", 1);
    let not = &["causal", "strong-session-update-serializable"];
    shows(&own, "G-single-session", not, &["serializable"]);
    // Whoever does not know how its own write ended may miss it.
    shows(&own.replacen("[1..2]", "[1..2]?", 1), "none", &[], ALL);
}

#[test]
fn a_value_that_is_written_twice_leaves_all_open() {
    let (transactions, outcome) =
        judge(&history("0 [1..2]: append 5 1\n1 [3..4]: append 5 1\n2 [5..6]: read 5 [1]"));
    let Standing::Undecided(why) = outcome.standing(Level::ReadUncommitted) else { panic!() };
    assert_eq!(
        explain::undecided(&transactions, why),
        "1 is written to key 5 twice, in events 1 and 3, so that a read does not tell which of the two it \
         saw; write each value once"
    );
}

#[test]
fn transactions_that_never_meet_show_nothing() {
    let (_, outcome) = judge(&history("0 [1..2]: append 5 1\n1 [3..4]: append 6 1, read 6 [1]"));
    assert!(outcome.is_vacuous());
    let (_, outcome) = judge(&history("0 [1..2]: append 5 1\n1 [3..4]: read 5 [1]"));
    assert!(!outcome.is_vacuous());
}

#[test]
fn renaming_splitting_sessions_and_forgetting_what_no_read_shows_change_nothing() {
    for seed in 0..300 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut given = frames(&mut rng);
        with_random_reads(&mut given, &mut rng);
        let (_, before) = judge(&given);
        let mut renamed = given.clone();
        for op in renamed.iter_mut().flat_map(|it| &mut it.small.ops) {
            match op {
                SmallOp::Append(key, element) => {
                    (*key, *element) = (*key + 10, *element * 7 + 1_000);
                }
                SmallOp::Read { key, list, .. } => {
                    *key += 10;
                    for it in list {
                        *it = *it * 7 + 1_000;
                    }
                }
            }
        }
        assert_eq!(judge(&renamed).1.standings, before.standings, "{}", told(&given, &before));
        // Real time says all that sessions say.
        let mut split = given.clone();
        for (at, it) in (100..).zip(&mut split) {
            it.small.session = at;
        }
        let (_, after) = judge(&split);
        for level in Level::ALL.into_iter().filter(|it| it.scope() != Scope::Session) {
            let is_kept = |outcome: &Outcome| *outcome.standing(level) == Standing::Kept;
            assert_eq!(is_kept(&after), is_kept(&before), "{level:?} {}", told(&given, &before));
        }
        let seen: Vec<u32> = given
            .iter()
            .flat_map(|it| &it.small.ops)
            .filter_map(|op| match op {
                SmallOp::Read { list, .. } => Some(list.clone()),
                SmallOp::Append(..) => None,
            })
            .flatten()
            .collect();
        let mut less = given.clone();
        less.retain(|it| {
            let is_seen = |op: &SmallOp| matches!(op, SmallOp::Append(_, it) if seen.contains(it));
            it.status != Status::Info || it.small.ops.iter().any(is_seen)
        });
        let (_, after) = judge(&less);
        let kinds = |outcome: &Outcome| -> Vec<bool> {
            outcome.standings.iter().map(|it| *it == Standing::Kept).collect()
        };
        assert_eq!(kinds(&after), kinds(&before), "{}", told(&given, &before));
    }
}
