//! Random histories.

use rand::{RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Answer, ByTheBook, Contradiction, Op, SequenceOp, Symbol, borrow, check, replay};
use crate::budget::Budget;
use crate::linearizable::appends::chains::Chains;
use crate::linearizable::appends::excerpt::{Candidates, Naming};
use crate::linearizable::appends::places::Places;
use crate::linearizable::appends::texts::Texts;
use crate::linearizable::appends::{Anomaly, ExcerptModel, Sequence};
use crate::linearizable::oracle::{brute_force, cases, intervals};
use crate::linearizable::search;
use crate::model::Call;

/// What is written: the n-th text, perhaps of a put.
type Write<S> = fn(&mut ChaCha8Rng, u32, bool) -> Vec<S>;

/// Which texts are written, and how often what.
struct Mix<S> {
    text: Write<S>,
    /// Whether each text is another.
    is_unique: bool,
    puts: f64,
    /// Writes of nothing.
    empty: f64,
    initial: Vec<S>,
    /// Operations.
    least: usize,
    most: usize,
}

fn mix<S>(text: Write<S>, puts: f64) -> Mix<S> {
    Mix { text, is_unique: true, puts, empty: 0.0, initial: vec![], least: 1, most: 7 }
}

/// Operations that each take effect at a random place of their interval; in most histories some
/// answers are exchanged for others, or operations for one another.
fn history<S: Symbol>(rng: &mut ChaCha8Rng, mix: &Mix<S>) -> Vec<Call<Op<S>>> {
    let count = rng.random_range(mix.least..=mix.most);
    let intervals = intervals(rng, count);
    let end = u32::try_from(2 * count).unwrap();
    let mut points: Vec<(u32, usize)> = Vec::new();
    for (at, &(invoke, complete)) in intervals.iter().enumerate() {
        let last = complete.unwrap_or(end).max(invoke + 1);
        points.push((rng.random_range(invoke..last), at));
    }
    points.sort_unstable();
    let mut written = rng.random_range(0..3);
    let mut state = mix.initial.clone();
    let mut states = vec![state.clone()];
    let mut ops: Vec<Option<Op<S>>> = vec![None; count];
    let reads = rng.random_range(0.3..0.7);
    for (_, at) in points {
        let takes_effect = intervals[at].1.is_some() || rng.random_bool(0.6);
        if rng.random_bool(reads) {
            ops[at] = Some(Op::Read(state.clone()));
            continue;
        }
        let is_put = rng.random_bool(mix.puts);
        written += 1;
        let number = if mix.is_unique { written } else { rng.random_range(0..4) };
        let is_empty = rng.random_bool(mix.empty);
        let text = if is_empty { vec![] } else { (mix.text)(rng, number, is_put) };
        if takes_effect {
            state = if is_put { text.clone() } else { [&state[..], &text].concat() };
            states.push(state.clone());
        }
        ops[at] = Some(if is_put { Op::Put(text) } else { Op::Append(text) });
    }
    let mut ops: Vec<Op<S>> = ops.into_iter().map(Option::unwrap).collect();
    for _ in 0..rng.random_range(0..4) {
        disturb(rng, &mut ops, &states, mix);
    }
    let call = |((invoke, complete), op)| Call { op, invoke, complete };
    intervals.into_iter().zip(ops).map(call).collect()
}

fn disturb<S: Symbol>(rng: &mut ChaCha8Rng, ops: &mut [Op<S>], states: &[Vec<S>], mix: &Mix<S>) {
    let (one, other) = (rng.random_range(0..ops.len()), rng.random_range(0..ops.len()));
    let kind = rng.random_range(0..6);
    if kind == 5 {
        ops.swap(one, other);
        return;
    }
    let Op::Read(text) = &mut ops[one] else { return };
    match kind {
        0 => text.clone_from(&states[rng.random_range(0..states.len())]),
        1 => {
            text.pop();
        }
        2 => {
            let number = rng.random_range(0..6);
            text.extend((mix.text)(rng, number, false));
        }
        3 if text.len() > 1 => {
            let (a, b) = (rng.random_range(0..text.len()), rng.random_range(0..text.len()));
            text.swap(a, b);
        }
        _ if !text.is_empty() => {
            text.remove(rng.random_range(0..text.len()));
        }
        _ => {}
    }
}

/// How many histories were found what, how many witnesses were of the fewest calls that could be, and
/// how many need no other calls to be understood.
#[derive(Debug, Default)]
struct Counts {
    valid: u64,
    invalid: u64,
    undecided: u64,
    fewest: u64,
    /// Witnesses that a reader understands without the others.
    standing: u64,
}

/// Compares answers: an order replays, and an excerpt is impossible.
fn compare<S: Symbol>(first: u64, count: u64, mix: &Mix<S>) -> Counts {
    let mut counts = Counts::default();
    let model = ByTheBook { initial: mix.initial.clone() };
    for seed in first..first + cases(count) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let calls = history(&mut rng, mix);
        let is_valid = || {
            if calls.len() <= 7 {
                return brute_force(&model, &calls);
            }
            // A search that gives up has nothing against either answer.
            let budget = Budget { steps: 300_000, ..Budget::default() };
            let answer = search::linearize(&model, &calls, budget).answer;
            matches!(answer, search::Answer::Linearizable(_))
        };
        match check(&mix.initial, &borrow(&calls), &|| false) {
            Answer::Linearizable(order) => {
                replay(&model, &calls, &order);
                counts.valid += 1;
            }
            Answer::Contradiction(found) => {
                assert!(!is_valid(), "seed {seed}: {found:?} in {calls:#?}");
                assert!(!brute_force(&ExcerptModel, &found.excerpt), "seed {seed}: {found:?}");
                let alone = found.operations.iter().map(|&at| calls[at as usize].clone());
                let alone: Vec<_> = alone.collect();
                let story = || format!("seed {seed}: {found:?} in {calls:#?}");
                assert_eq!(found.stands, !brute_force(&model, &alone), "{}", story());
                counts.invalid += 1;
                counts.standing += u64::from(found.stands);
                counts.fewest += u64::from(is_fewest(&mix.initial, &calls, &found));
            }
            Answer::NotApplicable => counts.undecided += 1,
        }
    }
    println!("{counts:?}");
    counts
}

/// Whether no excerpt of all calls has fewer.
fn is_fewest<S: Symbol>(initial: &[S], calls: &[Call<Op<S>>], found: &Contradiction) -> bool {
    if found.anomaly == Anomaly::GarbageRead {
        return true;
    }
    let calls = borrow(calls);
    let sequence = Sequence { initial, calls: &calls };
    let texts = Texts::new(sequence);
    let chains = Chains::new(sequence, &texts, false);
    let places = Places::certain(&chains);
    let says_something = |&at: &u32| match sequence.op(at) {
        SequenceOp::Read(_) => !sequence.is_open(at),
        SequenceOp::Append(text) => !text.is_empty(),
        SequenceOp::Put(_) => true,
    };
    let all: Vec<u32> = sequence.positions().filter(says_something).collect();
    let naming = if found.stands { Naming::ByText } else { Naming::ByPlace };
    let best = Candidates::new(&chains, &places, naming, all).and_then(|all| all.best(None));
    best.is_none_or(|best| best.operations.len() == found.operations.len())
}

/// Everything is decided where texts differ and reads can be cut in one way only.
fn assert_decided(counts: &Counts) {
    assert_eq!(counts.undecided, 0, "{counts:?}");
    assert!(counts.invalid > cases(500) && counts.valid > cases(500), "{counts:?}");
    assert!(counts.fewest * 100 >= counts.invalid * 99, "{counts:?}");
}

/// So many at least of a thousand histories are decided.
fn assert_mostly_decided(counts: &Counts, of_a_thousand: u64) {
    let decided = counts.valid + counts.invalid;
    let all = decided + counts.undecided;
    assert!(decided * 1000 >= all * of_a_thousand, "{counts:?}");
    assert!(counts.invalid > cases(500) && counts.valid > cases(500), "{counts:?}");
}

fn element(_: &mut ChaCha8Rng, number: u32, _: bool) -> Vec<u32> {
    vec![number]
}

/// Puts of one to three elements.
fn elements(rng: &mut ChaCha8Rng, number: u32, is_put: bool) -> Vec<u32> {
    let more = if is_put { rng.random_range(0..3) } else { 0 };
    (0..=more).map(|place| number + 100 * place).collect()
}

fn letter(_: &mut ChaCha8Rng, number: u32, _: bool) -> Vec<u8> {
    vec![b'a' + u8::try_from(number).unwrap()]
}

/// No text begins with another.
fn words(_: &mut ChaCha8Rng, number: u32, _: bool) -> Vec<u8> {
    format!("x {} y", number * 7).into_bytes()
}

/// Many texts begin with others, and some texts one after another are two others.
fn digits(rng: &mut ChaCha8Rng, number: u32, _: bool) -> Vec<u8> {
    let number = if rng.random_bool(0.5) { number } else { number + 9 };
    number.to_string().into_bytes()
}

fn some_letters(rng: &mut ChaCha8Rng, _: u32, _: bool) -> Vec<u8> {
    (0..rng.random_range(1..=2)).map(|_| b"ab"[rng.random_range(0..2)]).collect()
}

#[test]
fn lists() {
    assert_decided(&compare(0, 5_000, &mix(element, 0.0)));
}

#[test]
fn lists_with_puts() {
    assert_decided(&compare(100_000_000, 10_000, &mix(element, 0.3)));
    assert_decided(&compare(200_000_000, 5_000, &mix(element, 0.7)));
    assert_decided(&compare(300_000_000, 5_000, &mix(elements, 0.3)));
}

#[test]
fn long_lists_with_puts() {
    let long = |puts| Mix { least: 8, most: 12, ..mix(element, puts) };
    assert_decided(&compare(400_000_000, 3_000, &long(0.1)));
    assert_decided(&compare(500_000_000, 3_000, &long(0.4)));
}

#[test]
fn lists_with_a_first_value() {
    let mix = Mix { initial: vec![1000, 1001], ..mix(element, 0.2) };
    assert_decided(&compare(600_000_000, 5_000, &mix));
}

#[test]
fn lists_with_equal_elements() {
    let equal = Mix { is_unique: false, ..mix(element, 0.2) };
    assert_mostly_decided(&compare(700_000_000, 10_000, &equal), 950);
}

#[test]
fn lists_with_writes_of_nothing() {
    let empty = Mix { empty: 0.3, ..mix(element, 0.2) };
    assert_mostly_decided(&compare(800_000_000, 10_000, &empty), 980);
}

#[test]
fn strings() {
    assert_decided(&compare(900_000_000, 5_000, &mix(letter, 0.3)));
    assert_decided(&compare(1_000_000_000, 5_000, &mix(words, 0.3)));
}

#[test]
fn strings_that_can_be_cut_in_several_ways() {
    assert_mostly_decided(&compare(1_100_000_000, 10_000, &mix(digits, 0.2)), 970);
    let letters = Mix { empty: 0.1, ..mix(some_letters, 0.2) };
    assert_mostly_decided(&compare(1_200_000_000, 10_000, &letters), 900);
}
