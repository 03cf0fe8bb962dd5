//! A host that starves replicas is told as such, and what failed on it is run again, alone.

use serde_json::Value;

use crate::support::{Bench, SHORT};

/// Replicas run for a fifth of a second, then have no processor for three.
const STARVES: &str = r#"{"name": "starves",
    "starvation": {"runs": {"kind": "fixed", "ms": 200}, "waits": {"kind": "fixed", "ms": 3000}}}"#;

/// A config of the course with its thresholds.
const CONFIG: &str = r#"{
    "lifetime": 5, "replicas": 3, "requests": 300, "mix": 0.8, "start_wait": 1, "end_wait": 0, "max_packets": 20000,
    "tests": {"maximum_get_fail_fraction": 0, "maximum_put_fail_fraction": 0,
        "maximum_get_generation_fail_fraction": 0, "maximum_appends_batched_fraction": 0}
}"#;

#[test]
fn configs_that_fail_on_a_disturbed_host_are_run_again_alone_and_told_so() {
    let bench = Bench::new();
    let [host, one] = [("host.json", STARVES), ("one.json", CONFIG)]
        .map(|(name, text)| bench.file(name, text).to_string_lossy().into_owned());
    // Its twin with shared keys runs beside it.
    let arguments = ["course", &one, "--host", &host, "--seed", "7"];
    let mut command = bench.command(&arguments);
    let ended = bench.finish(command.args(["--quiet", "--transport", "seqpacket"]), 2);
    for words in [
        "while the host was disturbed (",
        "; it is run again alone",
        "run again alone: before, side by side with others, it failed",
    ] {
        ended.expect_words(words);
    }
    let again = ended.stderr.lines().filter(|line| line.ends_with("it is run again alone")).count();
    assert_eq!(again, 1, "{}", ended.stderr);
    // Both runs are there, and the second says that it counts.
    let folder = bench.path("results/course-2021-one");
    let runs: Vec<Value> = std::fs::read_dir(folder)
        .expect("the folder of the config")
        .map(|run| run.expect("a run").path().join("verdict.json"))
        .map(|path| serde_json::from_slice(&std::fs::read(path).expect("a verdict")).expect("JSON"))
        .collect();
    let marks: Vec<bool> = runs.iter().map(|run| run["run_again"] == true).collect();
    assert_eq!((marks.len(), marks.iter().filter(|&&mark| mark).count()), (2, 1), "{runs:?}");
}

#[test]
fn a_host_that_starves_replicas_is_not_said_to_keep_up() {
    let bench = Bench::new();
    let host = bench.file("host.json", STARVES).to_string_lossy().into_owned();
    let workload = bench.file("w.json", SHORT).to_string_lossy().into_owned();
    bench.harness(&["run", &workload, "--seed", "7", "--host", &host]);
    let verdict = bench.verdict();
    let environment = &verdict["answers"][4];
    assert_eq!(environment["question"], "environment");
    let sentence = environment["sentence"].as_str().unwrap_or_default();
    assert!(!sentence.contains("kept up"), "{verdict}");
    assert!(sentence.contains("got no processor for"), "{verdict}");
}

#[test]
fn quiet_leaves_one_line_on_standard_output_and_the_warnings_on_standard_error() {
    let bench = Bench::new();
    let late = r#""events": [{"type": "pause", "target": "0001", "time": 4.9, "duration": 1}],"#;
    let workload = bench.file("late.json", SHORT.replacen('{', &format!("{{{late}"), 1));
    let mut command =
        bench.command(&["run", &workload.to_string_lossy(), "--seed", "7", "--quiet"]);
    let ended = bench.finish(&mut command, 1);
    if ended.code == 0 {
        assert_eq!(ended.stdout.lines().count(), 1, "{}", ended.stdout);
        let warning = ended.stderr.lines().find(|line| line.contains("is cut short at 5 s"));
        let warning = warning.unwrap_or_else(|| panic!("a warning: {}", ended.stderr));
        assert!(warning.starts_with("harness: late seed 7: warning: "), "{warning}");
    } else {
        ended.expect_words("is cut short at 5 s");
    }
}
