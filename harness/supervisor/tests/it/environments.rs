//! Systems that refuse something: they are told of, and nothing hangs.

use std::path::Path;
use std::process::{Command, Stdio};

use supervisor::{Settings, Supervisor};

use super::support::{SpawnAlone, compiled, run};

/// What the program below prints where the system refuses this call.
fn told_without(refusing: &Path, call: &str) -> String {
    let me = std::env::current_exe().expect("a program");
    let child = Command::new(refusing)
        .arg(call)
        .arg(me)
        .args(["--ignored", "--nocapture", "--exact", "environments::program_that_supervises"])
        .stdout(Stdio::piped())
        .spawn_alone();
    let output = child.and_then(std::process::Child::wait_with_output).expect("a program");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let told = text.lines().find_map(|line| line.split_once("told: "));
    told.unwrap_or_else(|| panic!("{call}: {text}")).1.to_owned()
}

#[test]
fn what_a_system_refuses_is_told_in_a_sentence() {
    let Some(refusing) = compiled("refusing.c") else { return };
    let not_permitted = "EPERM: Operation not permitted";
    for (call, told) in [
        ("seccomp", format!("starting a process: {not_permitted}")),
        ("pidfd_getfd", format!("starting a process: {not_permitted}")),
        ("ptrace", format!("following a process: {not_permitted}")),
        ("sched_setaffinity", format!("staying on one processor: {not_permitted}")),
        ("process_vm_readv", format!("supervising a process: {not_permitted}")),
        ("namespaces", "the system refused namespaces (Operation not permitted)".to_owned()),
    ] {
        assert_eq!(told_without(&refusing, call), told, "{call}");
    }
}

#[test]
#[ignore = "the program that the test above runs where the system refuses something"]
fn program_that_supervises() {
    let trial = Supervisor::trial(Settings { is_apart: false, ..Settings::default() });
    let ran = || compiled("clocks.c").map(|program| run(7, &program, &[]).remarks.join("; "));
    let told = trial.map_or_else(|error| Some(error.to_string()), |()| ran());
    println!("told: {}", told.unwrap_or_default());
}
