//! How large witnesses are and how long, on long histories of which a few reads are stale. Run by hand:
//! `cargo test -p checker --lib measure -- --ignored --nocapture`.

use rand::{RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Options, check};
use crate::event::{EventType, F};
use crate::history::{History, Recorder};
use crate::linearizable::oracle::TextEvent;
use crate::verdict::Verdict;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mix {
    Unique,
    UniqueCas,
    Small,
    Texts,
}

struct Pending {
    key: usize,
    f: F,
    value: String,
    expected: Option<String>,
    applied: bool,
    refused: bool,
}

const KEYS: usize = 10;
const CLIENTS: u64 = 10;

/// So many operations; about `stale` reads return what was there some writes before.
fn history(mix: Mix, operations: u64, stale: u64, seed: u64) -> History {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut versions: Vec<Vec<String>> = vec![vec![String::new()]; KEYS];
    let mut open: Vec<Option<Pending>> = (0..CLIENTS).map(|_| None).collect();
    let mut processes: Vec<u64> = (0..CLIENTS).collect();
    let (mut next_process, mut index, mut invoked) = (CLIENTS, 0, 0);
    let mut recorder = Recorder::new();
    while invoked < operations || open.iter().any(Option::is_some) {
        let client = rng.random_range(0..open.len());
        let mut emit = |process, r#type, pending: &Pending| {
            let is_read = pending.f == F::Get;
            let event = TextEvent {
                index,
                process,
                r#type,
                f: pending.f,
                key: &pending.key.to_string(),
                value: (!is_read || r#type == EventType::Ok).then_some(&pending.value[..]),
                expected: pending.expected.as_deref(),
                refused: pending.refused && r#type == EventType::Ok,
                node: None,
            };
            event.record(&mut recorder);
            index += 1;
        };
        match &mut open[client] {
            None if invoked == operations => {}
            None => {
                invoked += 1;
                let key = rng.random_range(0..KEYS);
                let kinds = if mix == Mix::Unique { 2 } else { 3 };
                let f = match (rng.random_range(0..kinds), mix) {
                    (0, _) => F::Get,
                    (_, Mix::Texts) => F::Append,
                    (1, _) => F::Put,
                    _ => F::Cas,
                };
                let small = |rng: &mut ChaCha8Rng| rng.random_range(0..5).to_string();
                let value = match mix {
                    Mix::Small => small(&mut rng),
                    Mix::Texts => format!("<{invoked}>"),
                    _ => invoked.to_string(),
                };
                let expected = (f == F::Cas).then(|| match mix {
                    Mix::Small => small(&mut rng),
                    _ => versions[key].last().cloned().unwrap_or_default(),
                });
                let (applied, refused) = (false, false);
                let pending = Pending { key, f, value, expected, applied, refused };
                emit(processes[client], EventType::Invoke, &pending);
                open[client] = Some(pending);
            }
            Some(pending) if !pending.applied => {
                let log = &mut versions[pending.key];
                let now = log.last().cloned().unwrap_or_default();
                pending.applied = true;
                match pending.f {
                    F::Get if rng.random_range(0..operations) < 2 * stale => {
                        let back = rng.random_range(1..=50);
                        pending.value = log[log.len().saturating_sub(back + 1)].clone();
                    }
                    F::Get => pending.value = now,
                    F::Cas if pending.expected.as_ref() != Some(&now) => pending.refused = true,
                    F::Append => log.push(now + &pending.value),
                    _ => log.push(pending.value.clone()),
                }
                if rng.random_range(0..100) == 0 {
                    open[client] = None;
                    processes[client] = next_process;
                    next_process += 1;
                }
            }
            Some(pending) => {
                emit(processes[client], EventType::Ok, pending);
                open[client] = None;
            }
        }
    }
    recorder.finish().unwrap()
}

#[test]
#[ignore = "measures; run by hand"]
fn measure_witnesses() {
    for (mix, operations) in
        [(Mix::Unique, 20_000), (Mix::UniqueCas, 20_000), (Mix::Small, 20_000), (Mix::Texts, 2_000)]
    {
        let (mut sizes, mut spans, mut seconds) = (vec![], vec![], vec![]);
        let mut deciding = vec![];
        let (mut confirmed, mut minimal, mut other) = (0, 0, 0);
        for seed in 0..30 {
            let history = history(mix, operations, 5, seed);
            let start = std::time::Instant::now();
            check(&history, &Options { witness: false, ..Options::default() });
            deciding.push(start.elapsed().as_secs_f64());
            let start = std::time::Instant::now();
            let report = check(&history, &Options::default());
            seconds.push(start.elapsed().as_secs_f64());
            let Verdict::Invalid(witness) = report.verdict else {
                other += 1;
                continue;
            };
            if witness.confirmed.is_none() && std::env::var("SHOW").is_ok() {
                println!("{mix:?} {seed}: {} {}", witness.minimal, witness.explanation);
            }
            let begin = witness.operations.iter().map(|op| op.invoke_index).min().unwrap();
            let end = |op: &crate::witness::WitnessOperation| {
                op.complete_index.unwrap_or(op.invoke_index)
            };
            spans.push(witness.operations.iter().map(end).max().unwrap() - begin);
            sizes.push(witness.operations.len() as u64);
            confirmed += u32::from(witness.confirmed == Some(true));
            minimal += u32::from(witness.minimal);
        }
        sizes.sort_unstable();
        spans.sort_unstable();
        seconds.sort_by(f64::total_cmp);
        deciding.sort_by(f64::total_cmp);
        let of = |list: &[u64]| {
            let n = list.len();
            (list[0], list[n / 4], list[n / 2], list[3 * n / 4], list[n - 1])
        };
        println!("{mix:?} {operations}: sizes {:?} spans {:?}", of(&sizes), of(&spans));
        println!("  {other} not invalid, {confirmed} confirmed, {minimal} minimal");
        let of = |seconds: &[f64]| format!("median {:.3}, most {:.3}", seconds[15], seconds[29]);
        println!("  seconds: {}, without a witness {}", of(&seconds), of(&deciding));
    }
}
