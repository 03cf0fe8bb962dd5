//! Names and arguments of any bytes: no panic, no formula, and a line that a shell reads back.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use crate::support::{Bench, SHORT, odd_replica, wait_until};

fn no_text(name: &[u8]) -> OsString {
    OsStr::from_bytes(name).to_owned()
}

/// The commands, from the help.
fn commands(bench: &Bench) -> Vec<String> {
    let help = bench.refused(&["--help"]).stdout;
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = listed.take_while(|line| !line.is_empty());
    // A long description goes on in lines that are indented further.
    let names = listed.filter(|line| !line.starts_with("   "));
    names.filter_map(|line| Some(line.split_whitespace().next()?.to_owned())).collect()
}

/// The options of a command that take a value, from its help.
fn options(bench: &Bench, command: &str) -> Vec<String> {
    let help = bench.refused(&[command, "--help"]).stdout;
    let lines = help.lines().filter(|line| line.contains("--") && line.contains('<'));
    let words = lines.flat_map(|line| line.split_whitespace());
    let mut options: Vec<String> =
        words.filter(|word| word.starts_with("--")).map(str::to_owned).collect();
    options.dedup();
    options
}

#[test]
fn every_command_takes_arguments_that_are_no_text_without_a_panic() {
    let bench = Bench::new();
    let odd = no_text(b"no-such-\xff");
    let commands = commands(&bench);
    assert!(commands.len() > 15, "{commands:?}");
    for command in commands.iter().filter(|it| *it != "help") {
        let mut tries: Vec<Vec<OsString>> = vec![vec![odd.clone()], vec![odd.clone(), odd.clone()]];
        for option in options(&bench, command) {
            // No command gets beyond a file, or a program, that is not there.
            tries.push(vec![odd.clone(), option.clone().into(), odd.clone()]);
            let mut with = no_text(option.as_bytes());
            with.push("=");
            with.push(&odd);
            tries.push(vec![with, odd.clone()]);
        }
        for words in tries {
            let mut call = bench.command(&[command]);
            call.args(&words);
            let ended = bench.finish(&mut call, 0);
            let told = format!("{command} {words:?}:\n{}\n{}", ended.stdout, ended.stderr);
            assert!(!told.contains("panicked") && ended.code != 101, "{told}");
            assert!([1, 2].contains(&ended.code) || *command == "man", "{told}");
            assert!(!ended.stderr.is_empty() || ended.code == 0, "{told}");
        }
    }
}

#[test]
fn a_run_whose_files_and_program_have_names_that_are_no_text_is_made_and_made_again() {
    let bench = Bench::new();
    let [workload, program, results] =
        [&b"work\xff.json"[..], b"st\xfere", b"out\xfd"].map(no_text);
    let folder = bench.path("");
    std::fs::write(folder.join(&workload), SHORT).unwrap();
    std::fs::copy(odd_replica(), folder.join(&program)).unwrap();
    let mut with_dot = OsString::from("./");
    with_dot.push(&program);
    let mut command = bench.command(&["run"]);
    command.arg(&workload).args(["--seed", "7", "--quiet", "--durability", "off"]);
    command.arg("--replica").arg(&with_dot).arg("--results").arg(&results);
    // The counter finds its file in the data directory, wherever that is.
    command.args(["--replica-arg", "{data}", "--replica-arg", "counts"]);
    bench.finish(&mut command, 1).expect(0);
    let run = folder.join(&results).join("latest");
    assert!(run.join("replicas/0001/data/count").exists(), "the data directory is the run's");
    let verdict: serde_json::Value =
        serde_json::from_slice(&std::fs::read(run.join("verdict.json")).unwrap()).unwrap();
    let again = verdict["reproduce"].as_str().unwrap();
    let mut shell = Command::new("bash");
    shell.args(["-c", again]).current_dir(&folder);
    bench.finish(&mut shell, 1).expect(0);
    let mut replay = bench.command(&["replay"]);
    replay.arg(&run).args(["--quiet", "--durability", "off"]);
    bench.finish(&mut replay, 1).expect(0);
    for command in ["check", "explain", "report"] {
        bench.finish(bench.command(&[command]).arg(&run), 0).expect(0);
    }
}

#[test]
fn a_program_in_a_folder_whose_name_is_no_text_is_graded() {
    use std::os::unix::fs::PermissionsExt;

    let bench = Bench::new();
    let folder = bench.path("class").join(no_text(b"an\xffna"));
    std::fs::create_dir_all(&folder).unwrap();
    let program = folder.join("kv");
    // It is found, or the row would say that there is no such file; that it is none of the kinds that start is told.
    std::fs::write(&program, "print('no first line')\n").unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let arguments =
        ["grade", "class", "--replica-name", "kv", "--configs", "simple-1", "--results", "graded"];
    bench.refused(&arguments).expect(0);
    let mut csv = csv::Reader::from_path(bench.path("graded/grade.csv")).unwrap();
    let rows: Vec<csv::StringRecord> = csv.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(&rows[0][0], r"an\xffna");
    assert!(rows[0][9].contains("neither a binary nor a script"), "{rows:?}");
    // Once graded it is known by that name.
    bench.refused(&arguments).expect(0).expect_words("1 of 1 programs have a row");
    // Two folders that would have one name are refused.
    std::fs::create_dir_all(bench.path("class").join(r"an\xffna")).unwrap();
    bench.refused(&arguments).expect(2).expect_words("two subfolders would both be called");
}

#[test]
fn hosts_and_configs_may_be_files_whose_names_are_no_text() {
    let bench = Bench::new();
    let [workload, program] =
        [&b"w.json"[..], b"stere"].map(|name| bench.path("").join(no_text(name)));
    std::fs::write(&workload, SHORT).unwrap();
    std::fs::copy(odd_replica(), &program).unwrap();
    let [host, config] = [&b"hos\xfft.json"[..], b"con,fi\xfeg.json"].map(no_text);
    std::fs::write(bench.path("").join(&host), "{}").unwrap();
    let text = r#"{"lifetime": 5, "replicas": 3, "requests": 20, "start_wait": 0, "end_wait": 0, "mix": 0.5}"#;
    std::fs::write(bench.path("").join(&config), text).unwrap();
    let mut run =
        bench.command(&["run", "w.json", "--seed", "7", "--quiet", "--durability", "off"]);
    run.args(["--replica", "./stere", "--replica-arg", "right", "--host"]).arg(&host);
    bench.expect_code_of_verdict(&bench.finish(&mut run, 1));
    // The line that repeats it names the host as the system does.
    let verdict = bench.verdict();
    let again = verdict["reproduce"].as_str().unwrap();
    assert!(again.contains(r"--host $'hos\377t.json'"), "{again}");
    let mut shell = Command::new("bash");
    shell.args(["-c", again]).current_dir(bench.path(""));
    bench.expect_code_of_verdict(&bench.finish(&mut shell, 1));
    let mut diagnose = bench.command(&["diagnose", "results/latest", "--times", "1", "--host"]);
    let ended = bench.finish(diagnose.arg(&host), 1);
    assert!(ended.code != 2 && !ended.stderr.contains("panicked"), "{}", ended.stderr);
    let mut course = bench.command(&["course"]);
    course.arg(&config).args(["--replica", "./stere", "--replica-arg", "right", "--quiet"]);
    let ended = bench.finish(course.args(["--durability", "off"]), 2);
    assert!(ended.code != 2, "{}", ended.stderr);
    ended.expect_words("of 1 passed by the course's rules of 2021");
    // A config that is not there is told as what was asked for.
    let mut grade = bench.command(&["grade", "class", "--replica-name", "kv", "--configs"]);
    std::fs::create_dir_all(bench.path("class/anna")).unwrap();
    bench.file("class/anna/kv", "");
    let ended = bench.finish(grade.arg(no_text(b"no\xff")), 0);
    ended.expect(2).expect_words(r"`no\xff` is neither a file nor a published config");
    let mut flake = bench.command(&["flake", "--host"]);
    let ended = bench.finish(flake.arg(no_text(b"no\xff")), 0);
    ended.expect(2).expect_words("there is no such profile and no such file");
}

#[test]
fn a_name_that_could_be_a_formula_is_none_in_the_summary() {
    let bench = Bench::new();
    let mut command = bench.odd_command("right", SHORT);
    command.args(["--results", "=cmd\t1"]);
    let ended = bench.finish(&mut command, 1);
    ended.expect(0);
    let results = bench.path("=cmd\t1");
    for file in [results.join("summary.csv"), results.join("latest/summary.csv")] {
        let mut reader = csv::Reader::from_path(file).unwrap();
        let column = reader.headers().unwrap().iter().position(|name| name == "results").unwrap();
        let row = reader.records().next().unwrap().unwrap();
        assert!(row[column].starts_with(r"'=cmd\t1/odd/"), "{row:?}");
    }
}

#[test]
fn a_workload_whose_name_begins_with_a_hyphen_is_repeated_as_a_file() {
    let bench = Bench::new();
    bench.file("-w 'x'.json", SHORT);
    let odd = odd_replica();
    let mut command = bench.command(&["run", "--seed", "7", "--quiet", "--durability", "off"]);
    command.arg("--replica").arg(&odd).args(["--replica-arg", "right", "--", "-w 'x'.json"]);
    bench.finish(&mut command, 1).expect(0);
    let again = bench.verdict()["reproduce"].as_str().unwrap().to_owned();
    assert!(again.contains(r"run './-w '\''x'\''.json' --seed 7"), "{again}");
    let mut shell = Command::new("sh");
    shell.args(["-c", &again]).current_dir(bench.path(""));
    bench.finish(&mut shell, 1).expect(0);
}

#[test]
fn another_file_of_the_harness_is_no_history_and_named() {
    let bench = Bench::new();
    bench.odd("right", SHORT).expect(0);
    bench
        .refused(&["check", "odd.json"])
        .expect(2)
        .expect_words("odd.json is a workload, not a history: `harness run odd.json` runs it");
    for (file, what) in [("plan.json", "the plan"), ("verdict.json", "the verdict")] {
        let ended = bench.refused(&["check", &format!("results/latest/{file}")]);
        ended.expect(2).expect_words(&format!("is {what} of a run, not a history"));
        ended.expect_words("`harness check results/latest` checks its history");
    }
}

#[test]
fn a_run_whose_results_are_moved_away_keeps_its_verdict_and_says_so() {
    let bench = Bench::new();
    let mut command = bench.odd_command("right", SHORT);
    let child = command.spawn().expect("the harness starts");
    wait_until("operations are written", || {
        let history = std::fs::read_to_string(bench.path("results/latest/history.jsonl"));
        history.is_ok_and(|text| text.lines().count() > 20)
    });
    std::fs::rename(bench.path("results"), bench.path("elsewhere")).unwrap();
    let ended = crate::support::Ended::from(child.wait_with_output().unwrap());
    ended.expect(15).expect_words("the folder of the run was moved or removed");
    ended.expect_words("safety valid");
    let verdict = bench.path("elsewhere/latest/verdict.json");
    let verdict: serde_json::Value =
        serde_json::from_slice(&std::fs::read(verdict).unwrap()).unwrap();
    assert_eq!(
        (&verdict["exit_code"], &verdict["answers"][0]["standing"]),
        (&15.into(), &"valid".into())
    );
    assert!(!bench.path("results").exists() || !bench.path("results/odd").exists());
}

#[test]
fn no_colours_reach_what_is_no_terminal() {
    let bench = Bench::new();
    // By the rules of 2016 a replica that never connects is given up, which is logged.
    let mut command = bench.odd_command("one-never-connects", SHORT);
    command.args(["--router", "course-2016"]);
    command.env_remove("NO_COLOR").env("TERM", "xterm-256color").env("HARNESS_LOG", "info");
    let ended = bench.finish(&mut command, 1);
    assert!(!ended.stdout.contains('\u{1b}'), "{:?}", ended.stdout);
    assert!(!ended.stderr.contains('\u{1b}'), "{:?}", ended.stderr);
    assert!(ended.stderr.contains("INFO"), "{}{}", ended.stdout, ended.stderr);
}
