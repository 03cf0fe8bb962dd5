//! What a confined program gets of the harness's environment.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use crate::support::{Bench, SHORT, odd_replica};

/// The environment of the replica `0000` of a run with these options.
fn environment(options: &[&str]) -> BTreeMap<String, String> {
    let bench = Bench::new();
    let odd = odd_replica();
    let script = format!("#!/bin/sh\nenv >&2\nexec {} \"$@\"\n", odd.display());
    let program = bench.file("store", script);
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("our own");
    let workload = bench.file("w.json", SHORT).to_string_lossy().into_owned();
    let program = program.to_string_lossy().into_owned();
    let mut command = bench.command(&["run", &workload, "--seed", "7", "--replica", &program]);
    command.args(["--replica-arg", "right", "--durability", "off", "--transport", "seqpacket"]);
    command.args(options).env("SOME_TOKEN", "secret").env("SOME_HOME", "/some/where");
    bench.finish(&mut command, 1).expect(0);
    let told = bench.run().log("0000", "stderr");
    told.lines()
        .filter_map(|line| line.split_once('='))
        .map(|(a, b)| (a.into(), b.into()))
        .collect()
}

#[test]
fn confined_programs_inherit_no_secrets() {
    let free = environment(&[]);
    assert_eq!(free.get("SOME_TOKEN").map(String::as_str), Some("secret"), "{free:?}");
    let confined = environment(&["--confined"]);
    assert!(!confined.contains_key("SOME_TOKEN"), "{confined:?}");
    assert!(confined.contains_key("PATH"), "{confined:?}");
    let passed = environment(&["--confined", "--pass-env", "SOME_HOME"]);
    assert_eq!(passed.get("SOME_HOME").map(String::as_str), Some("/some/where"), "{passed:?}");
    assert!(!passed.contains_key("SOME_TOKEN"), "{passed:?}");
}

#[test]
fn what_cannot_be_passed_is_refused() {
    let bench = Bench::new();
    let refused = |name: &str| bench.refused(&["run", "w.json", "--confined", "--pass-env", name]);
    refused("NO_SUCH_VARIABLE_HERE").expect(2).expect_words("no such variable");
    refused("A=b").expect(2).expect_words("the name of a variable alone");
    bench.refused(&["run", "w.json", "--pass-env", "PATH"]).expect(2).expect_words("--confined");
}
