//! Small histories that went wrong once, each with the exit code that it must have: `cases/expected.csv`.

use std::path::Path;

use crate::support::Bench;

#[test]
fn every_case_has_its_exit_code() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let expected = std::fs::read_to_string(folder.join("expected.csv")).unwrap();
    let bench = Bench::new();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for line in expected.lines().skip(1) {
        let [file, options, code, why] = line.splitn(4, ',').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let path = folder.join(file);
        let mut arguments = vec!["check", path.to_str().unwrap()];
        arguments.extend(options.split_whitespace());
        let ended = bench.harness(&arguments);
        if ended.code != code.parse::<i32>().unwrap() {
            let (out, err) = (ended.stdout, ended.stderr);
            wrong.push(format!("{file} {options}: {}, not {code}: {why}\n{out}{err}", ended.code));
        }
        seen += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen >= 17, "only {seen} cases");
}
