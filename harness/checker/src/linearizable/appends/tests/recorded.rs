//! Recorded histories of a key-value store with get, put and append.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::{Answer, Op, borrow, check};
use crate::model::Call;

/// The calls of each key of a file: an EDN map per line.
fn read(file: &str) -> Vec<Vec<Call<Op<u8>>>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/histories/kv");
    let text = fs::read_to_string(folder.join(file)).expect("a recorded history");
    let mut keys: BTreeMap<&str, Vec<Call<Op<u8>>>> = BTreeMap::new();
    let mut under_way: BTreeMap<&str, usize> = BTreeMap::new();
    for (place, line) in (0u32..).zip(text.lines()) {
        let field = |name: &str| {
            let (_, rest) = line.split_once(name).expect("a field");
            rest.split([',', '}']).next().expect("a value").trim_matches([' ', '"'])
        };
        let (process, value) = (field(":process"), field(":value"));
        let calls = keys.entry(field(":key")).or_default();
        if field(":type") == ":invoke" {
            let op = match field(":f") {
                ":get" => Op::Read(vec![]),
                ":put" => Op::Put(value.into()),
                _ => Op::Append(value.into()),
            };
            under_way.insert(process, calls.len());
            calls.push(Call { op, invoke: place, complete: None });
        } else {
            let call = &mut calls[under_way.remove(process).expect("an invocation")];
            call.complete = Some(place);
            if let Op::Read(text) = &mut call.op {
                *text = value.into();
            }
        }
    }
    keys.into_values().collect()
}

#[test]
fn recorded_histories_are_decided() {
    for (file, is_valid) in
        [("c01-ok.txt", true), ("c01-bad.txt", false), ("c10-ok.txt", true), ("c10-bad.txt", false)]
    {
        let keys = read(file);
        let answers: Vec<Answer> =
            keys.iter().map(|calls| check(&[], &borrow(calls), &|| false)).collect();
        let all_valid = answers.iter().all(|answer| matches!(answer, Answer::Linearizable(_)));
        assert_eq!(all_valid, is_valid, "{file}: {answers:?}");
        assert!(!answers.contains(&Answer::NotApplicable), "{file}");
        for (calls, answer) in keys.iter().zip(&answers) {
            if let Answer::Contradiction(found) = answer {
                assert!(found.operations.len() <= 3, "{file}: {found:?}");
                let calls = found.operations.iter().map(|&at| &calls[at as usize]);
                println!("{file}: {:?}: {:?}", found.anomaly, calls.collect::<Vec<_>>());
            }
        }
    }
}
