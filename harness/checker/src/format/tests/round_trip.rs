//! What is written is read again.

use std::collections::{BTreeMap, BTreeSet};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::random;
use super::*;
use crate::event::F;
use crate::format::write::{Form, WriteError, write_history};
use crate::history::Outcome;

/// The format by which what is written in a form is read.
fn reader(form: Form) -> Format {
    match form {
        Form::Jsonl => Format::Jsonl,
        Form::JepsenEdn | Form::KnossosEdn => Format::Edn,
        Form::HistoryTxt => Format::Columns,
        Form::JepsenLog | Form::OldJepsenLog => Format::JepsenLog,
        Form::JepsenJson => Format::JepsenJson,
        Form::PorcupineJson => Format::PorcupineJson,
        Form::PorcupineEvents => Format::PorcupineEvents,
        Form::Csv => Format::Csv,
    }
}

/// The operations, as far as a form tells of them.
fn as_told_by(form: Form, history: &History) -> Vec<Told> {
    let mut all = told(history);
    let mut events: Vec<u64> = all.iter().map(|op| op.events.0).collect();
    events.extend(all.iter().filter_map(|op| op.events.1));
    events.sort_unstable();
    let rank = |index: u64| events.iter().position(|&event| event == index).unwrap() as u64;
    let is_numbered = matches!(form, Form::Jsonl | Form::JepsenEdn | Form::JepsenJson | Form::Csv);
    for op in &mut all {
        if !is_numbered {
            op.events = (rank(op.events.0), op.events.1.map(rank));
            op.times = (0, None);
            op.client.clear();
            op.node = None;
        }
        if op.node.as_deref() == Some("") {
            op.node = None;
        }
    }
    all
}

/// Whether a history has words of which there are two.
fn has_two_words(history: &History) -> bool {
    history.operations().iter().any(|op| matches!(op.f, F::Get | F::Put))
}

#[test]
fn what_is_written_is_read_again() {
    let mut held: BTreeMap<&str, [u64; 4]> = BTreeMap::new();
    let mut seen: BTreeSet<(&str, F)> = BTreeSet::new();
    for seed in 0..cases(6_000) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let history = random::history(&mut rng);
        for (name, form) in Form::NAMES {
            let counts = held.entry(name).or_default();
            let mut out = Vec::new();
            let reading = match write_history(form, &history, None, &mut out) {
                Ok(reading) => reading,
                Err(WriteError::CannotHold { .. }) => continue,
                Err(error) => panic!("{error}"),
            };
            counts[0] += 1;
            seen.extend(history.operations().iter().map(|op| (name, op.f)));
            let text = String::from_utf8(out).unwrap();
            let format = reader(form);
            let read = crate::format::read(text.as_bytes(), format, reading);
            let read = read.unwrap_or_else(|error| panic!("seed {seed}: {error}\n{text}"));
            assert_eq!(Format::detect(text.as_bytes()), Some(format), "seed {seed}\n{text}");
            assert_eq!(read.torn, None);
            let (told, back) = (as_told_by(form, &history), as_told_by(form, &read.history));
            let strip = |told: Vec<Told>| -> Vec<Told> {
                let word = |what: String| what.split_once(' ').unwrap().1.to_owned();
                told.into_iter().map(|op| Told { what: word(op.what), ..op }).collect()
            };
            if has_two_words(&history) {
                assert_eq!(back, told, "seed {seed}\n{text}");
            } else {
                assert_eq!(strip(back), strip(told), "seed {seed}\n{text}");
            }
            let operations = history.operations();
            counts[1] += u64::from(operations.iter().any(|op| op.refused));
            counts[2] += u64::from(operations.iter().any(|op| op.outcome == Outcome::Fail));
            counts[3] += u64::from(operations.len() > 10);
        }
    }
    for (name, counts) in &held {
        println!("{name}: {counts:?} histories, with refusals, with failures, long ones");
        assert!(counts[0] > 200, "{name} held only {} histories", counts[0]);
    }
    let functions = F::NAMES.map(|(_, f)| f).iter().collect::<BTreeSet<_>>().len();
    assert_eq!(seen.len(), Form::NAMES.len() * functions);
}
