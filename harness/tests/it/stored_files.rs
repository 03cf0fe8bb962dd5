//! Files and folders that are not as they should be: what was tried, where, why it failed, and what to do.

use std::fs;
use std::path::Path;

use crate::support::{Bench, SHORT, odd_replica};

/// Puts a byte that is no text into the last string of a line, from 1.
fn damage(path: &Path, line: usize) {
    let text = fs::read(path).expect("a file of the run");
    let mut lines: Vec<Vec<u8>> = text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let at = lines[line - 1].iter().rposition(|byte| *byte == b'"').expect("a string");
    lines[line - 1].insert(at, 0xff);
    fs::write(path, lines.join(&b'\n')).expect("a file of the run");
}

/// The first line with this text, from 1.
fn line_with(path: &Path, text: &str) -> usize {
    let all = fs::read_to_string(path).expect("a file of the run");
    1 + all.lines().position(|line| line.contains(text)).unwrap_or_else(|| panic!("{text}: {all}"))
}

/// The file, what is damaged in it, and the commands with their ends.
type Case<'a> = (&'a str, &'a str, &'a [(&'a str, i32)]);

#[test]
fn bytes_that_are_no_text_are_told_with_file_and_line() {
    let bench = Bench::new();
    // Whatever the verdict: the files are there.
    bench.odd("right", SHORT);
    let run = bench.path("results/latest").canonicalize().unwrap();
    let absent = ["--replica", "/nonexistent"];
    // The file, a text in the line that is damaged, and what reads the file, with its exit code.
    let cases: [Case<'_>; 8] = [
        ("plan.json", "\"name\"", &[("replay", 2), ("shrink", 2), ("diagnose", 2), ("report", 0)]),
        ("manifest.json", "\"scenario\"", &[("replay", 2), ("report", 0)]),
        ("verdict.json", "\"sentence\"", &[("explain", 2), ("compare", 2), ("report", 0)]),
        ("faults.jsonl", "\"kind\"", &[("report", 0)]),
        ("leaders.jsonl", "\"kind\"", &[("report", 0)]),
        ("messages.jsonl", "\"src\"", &[("report", 0)]),
        ("sightings.jsonl", "\"kind\"", &[("report", 0)]),
        ("history.jsonl", "\"k0\"", &[("check", 2), ("explain", 2), ("report", 1)]),
    ];
    for (file, text, commands) in cases {
        let path = run.join(file);
        let whole = fs::read(&path).unwrap();
        let line = line_with(&path, text);
        damage(&path, line);
        for (command, code) in commands {
            let mut words = vec![*command, "results/latest"];
            match *command {
                "compare" => words.push("results/latest"),
                "replay" | "shrink" | "diagnose" => words.extend(absent),
                _ => {}
            }
            let ended = bench.refused(&words);
            let told = format!("{file} {command}:\n{}\n{}", ended.stdout, ended.stderr);
            assert_eq!(ended.code, *code, "{told}");
            assert!(ended.says(&format!("{file}, line {line}")), "{told}");
            assert!(!told.contains("panicked") && !told.contains(" at line "), "{told}");
        }
        fs::write(&path, whole).unwrap();
    }
}

#[test]
fn lines_that_are_cut_off_or_no_json_are_told_when_a_page_is_made() {
    let bench = Bench::new();
    bench.odd("right", SHORT);
    let run = bench.path("results/latest").canonicalize().unwrap();
    for file in ["faults.jsonl", "leaders.jsonl", "messages.jsonl", "sightings.jsonl"] {
        let path = run.join(file);
        let whole = fs::read(&path).unwrap();
        let line = String::from_utf8_lossy(&whole).lines().count();
        let torn = &whole[..whole.len() - 4];
        let damaged = [&whole[..], b"{\"index\" 1}\n"].concat();
        for (bytes, line, reason) in
            [(torn, line, "the line is cut off"), (&damaged, line + 1, "expected `:`")]
        {
            fs::write(&path, bytes).unwrap();
            let ended = bench.refused(&["report", "results/latest"]);
            ended.expect(0);
            let place = format!("{file}, line {line}, column ");
            assert!(ended.says(&place) && ended.says(reason), "{file}: {}", ended.stderr);
        }
        fs::write(&path, whole).unwrap();
    }
    let ended = bench.refused(&["report", "results/latest"]);
    assert!(ended.stderr.is_empty(), "as it was: {}", ended.stderr);
}

#[test]
fn what_the_system_refuses_is_told_with_what_was_tried_and_a_remedy() {
    let bench = Bench::new();
    let workload = bench.file("w.json", SHORT);
    let (workload, odd) = (workload.to_string_lossy(), odd_replica());
    let odd = odd.to_string_lossy();
    bench.file("file", "");
    fs::create_dir_all(bench.path("taken")).unwrap();
    bench.file("taken/w", "");
    bench.file("taken/anna", "");
    fs::create_dir_all(bench.path("class/anna")).unwrap();
    bench.file("class/anna/kv", "");
    fs::create_dir_all(bench.path("folders/grade.csv")).unwrap();
    let run = |results| vec!["run", &*workload, "--replica", &*odd, "-q", "--results", results];
    let grade = |results| {
        let first = ["grade", "class", "--replica-name", "kv", "--configs", "simple-1"];
        [&first[..], &["--results", results]].concat()
    };
    let is_file = "a file has the name of a folder there: rename or remove it";
    let cases = [
        (run("file"), "making the results folder file: File exists", is_file),
        (run("file/in"), "making the results folder file/in: Not a directory", is_file),
        (run("taken"), "making a folder for the run in", is_file),
        (grade("file"), "making the results folder file: File exists", is_file),
        (grade("taken"), "making the results folder taken/anna: File exists", is_file),
        (grade("folders"), "folders/grade.csv is no regular file", "give other --results"),
        (vec!["man", "file"], "writing man pages to file", is_file),
    ];
    for (words, tried, remedy) in cases {
        let ended = bench.refused(&words);
        assert_ne!(ended.code, 0, "{words:?}");
        ended.expect_words(tried).expect_words(remedy);
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    }
    let mut without_room = bench.command(&run("results"));
    let ended = bench.finish(without_room.env("TMPDIR", bench.path("file")), 0);
    ended
        .expect_words("making a directory for the sockets in")
        .expect_words("set TMPDIR to another");
    assert_ne!(ended.code, 0);
}
