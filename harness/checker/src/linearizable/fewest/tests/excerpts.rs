//! Witnesses whose reads are reduced to what the shown operations wrote themselves.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{Mix, is_made, record_sequence, report, sequence_calls, sets, smallest_of_sequence};
use crate::linearizable::contradiction::tests::shown;
use crate::linearizable::oracle::{brute_force, cases};
use crate::model::{Call, Sequence, SequenceOp};
use crate::models::ModelName;
use crate::verdict::Verdict;

type Calls = [Call<SequenceOp<u8>>];

/// The letter that a put or append wrote.
fn put(op: &SequenceOp<u8>) -> Option<u8> {
    if let SequenceOp::Put(text) = op { text.first().copied() } else { None }
}

fn appended(op: &SequenceOp<u8>) -> Option<u8> {
    if let SequenceOp::Append(text) = op { text.first().copied() } else { None }
}

fn seen(call: &Call<SequenceOp<u8>>) -> Option<&[u8]> {
    match &call.op {
        SequenceOp::Get(seen) if call.complete.is_some() => Some(seen),
        _ => None,
    }
}

fn has_order(calls: &Calls) -> bool {
    brute_force(&Sequence { initial: Box::default() }, calls)
}

/// Whether a set cannot be explained: each of its reads shows only the put that it begins with and what the
/// appends of the set appended, and equal appends may take effect or not.
///
/// The put that the reads begin with may be missing if it is one for all, no other is in the set, and
/// all appends of the set are seen to come after it. Puts are of letters that nothing else writes.
fn is_impossible(calls: &Calls, set: &[usize]) -> bool {
    let of_set = || set.iter().map(|&at| &calls[at]);
    let all_puts: Vec<u8> = calls.iter().filter_map(|call| put(&call.op)).collect();
    let puts: Vec<u8> = of_set().filter_map(|call| put(&call.op)).collect();
    let appends: Vec<u8> = of_set().filter_map(|call| appended(&call.op)).collect();
    let root = |seen: &[u8]| seen.first().copied().filter(|first| all_puts.contains(first));
    let roots: Vec<Option<u8>> = of_set().filter_map(seen).map(root).collect();
    let Some(&first_root) = roots.first() else { return false };
    let is_seen = |letter: &u8| of_set().filter_map(seen).any(|seen| seen.contains(letter));
    let is_single =
        |letter: &u8| calls.iter().filter(|call| appended(&call.op) == Some(*letter)).count() == 1;
    let is_without_root = first_root.is_some()
        && puts.is_empty()
        && roots.iter().all(|root| *root == first_root)
        && appends.iter().all(|letter| is_seen(letter) && is_single(letter));
    if !is_without_root && roots.iter().flatten().any(|root| !puts.contains(root)) {
        return false;
    }
    let mut reduced = Vec::new();
    for (at, call) in calls.iter().enumerate() {
        let mut call = call.clone();
        if let SequenceOp::Get(seen) = &mut call.op {
            let is_kept = |letter: &u8| appends.contains(letter) || puts.contains(letter);
            *seen = seen.iter().copied().filter(is_kept).collect();
        }
        let is_equal = appended(&call.op).is_some_and(|letter| appends.contains(&letter));
        if set.contains(&at) {
            reduced.push(call);
        } else if is_equal {
            reduced.push(Call { complete: None, ..call });
        }
    }
    !has_order(&reduced)
}

fn has_order_alone(calls: &Calls, set: &[usize]) -> bool {
    let alone: Vec<_> = set.iter().map(|&at| calls[at].clone()).collect();
    has_order(&alone)
}

/// Whether a read shows what no puts and appends can have led to.
fn is_garbage(calls: &Calls, call: &Call<SequenceOp<u8>>) -> bool {
    let writes: Vec<_> = calls.iter().map(|call| &call.op).collect();
    seen(call).is_some_and(|seen| !is_made(seen, &writes))
}

fn smallest(calls: &Calls) -> Option<usize> {
    if calls.iter().any(|call| is_garbage(calls, call)) {
        return Some(1);
    }
    let shows = |set: &&Vec<usize>| is_impossible(calls, set) && !has_order_alone(calls, set);
    sets(calls.len()).iter().find(shows).map(Vec::len)
}

/// Puts and appends of letters that nothing else writes, or appends alone, some of the same letter.
#[test]
fn of_texts_and_lists_none_is_smaller() {
    let mut counts = [0; 8];
    for seed in 0..cases(6_000) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let letters = [None, Some(2), Some(3)][usize::try_from(seed % 3).unwrap()];
        let mix = Mix { has_swaps: false, has_puts: letters.is_none(), letters, least: 2, most: 7 };
        let calls = sequence_calls(&mut rng, mix);
        if calls.iter().all(|call| appended(&call.op).is_none()) {
            continue;
        }
        let is_list = seed % 2 == 0;
        let model = if is_list { ModelName::ListRegister } else { ModelName::Kv };
        let report = report(&record_sequence(&calls, is_list), model);
        let Verdict::Invalid(witness) = report.verdict else { continue };
        let found = shown(&witness, &calls);
        let story = || format!("seed {seed}: {found:?} of {calls:#?}");
        assert!(!has_order_alone(&calls, &found), "{}", story());
        let excerpt = smallest(&calls).filter(|_| report.algorithms == ["appends"]);
        let least = excerpt.or_else(|| smallest_of_sequence(&calls));
        assert_eq!(Some(found.len()), least, "{}", story());
        assert!(witness.minimal, "{}", story());
        counts[found.len()] += 1;
    }
    assert!(counts[1..=4].iter().all(|&count| count > 10), "{counts:?} by size");
}

/// In larger histories not all sets are tried; but what is shown has no order by itself, unless the
/// witness says that it has one.
#[test]
fn what_is_shown_of_larger_histories_has_no_order() {
    let (mut by_reads, mut excerpts, mut large) = (0, 0, 0);
    for seed in 0..cases(400) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let letters = Some([2, 3, 5, 8][usize::try_from(seed % 4).unwrap()]);
        let has_puts = seed % 3 == 0;
        let mix = Mix { has_swaps: false, has_puts, letters, least: 13, most: 24 };
        let calls = sequence_calls(&mut rng, mix);
        let is_list = seed % 2 == 0;
        let model = if is_list { ModelName::ListRegister } else { ModelName::Kv };
        let report = report(&record_sequence(&calls, is_list), model);
        let Verdict::Invalid(witness) = report.verdict else { continue };
        let found = shown(&witness, &calls);
        let story = || format!("seed {seed}: {found:?} of {calls:#?}");
        let says_so = witness.explanation.contains("are an excerpt");
        if found.len() > 10 {
            large += 1;
            continue;
        }
        assert_eq!(has_order_alone(&calls, &found), says_so, "{}", story());
        assert!(!(says_so && witness.minimal), "{}", story());
        excerpts += u32::from(says_so);
        by_reads += u32::from(report.algorithms == ["appends"]);
    }
    println!("{by_reads} by what reads show, {excerpts} excerpts, {large} large");
    assert!(by_reads > 40 && (excerpts + large) * 20 < by_reads, "{by_reads}, {excerpts}, {large}");
}
