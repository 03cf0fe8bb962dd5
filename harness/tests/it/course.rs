//! All 34 published configs of the course against the bundled replica, at full length: every one
//! passes by the course's own rules for its era, and is linearizable.

use std::path::{Path, PathBuf};

use crate::support::Bench;

/// As many at once as two cores bear without disturbing them: one era.
const AT_ONCE: &str = "17";

fn configs(era: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../workloads/course").join(era);
    let entries = std::fs::read_dir(folder).expect("the configs");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.iter().map(|path| path.to_string_lossy().into_owned()).collect()
}

#[test]
fn every_config_passes_and_is_linearizable() {
    let bench = Bench::alone();
    let workloads: Vec<String> = ["2021", "2016"].into_iter().flat_map(configs).collect();
    assert_eq!(workloads.len(), 34);
    // One seed: what the clients ask and what is lost is the same each time.
    let mut arguments = vec!["run", "--jobs", AT_ONCE, "--seed", "1", "--quiet"];
    arguments.extend(workloads.iter().map(String::as_str));
    let ended = bench.harness(&arguments);
    ended.expect(0);

    let mut rows = csv::Reader::from_path(bench.path("results/summary.csv")).unwrap();
    let headers = rows.headers().unwrap().clone();
    let column = |name: &str| headers.iter().position(|header| header == name).unwrap();
    let (scenario, passed, safety) =
        (column("scenario"), column("course_passed"), column("safety"));
    let mut seen = 0;
    for row in rows.records() {
        let row = row.unwrap();
        assert_eq!(&row[passed], "true", "{}: {row:?}", &row[scenario]);
        assert_eq!(&row[safety], "valid", "{}: {row:?}", &row[scenario]);
        seen += 1;
    }
    assert_eq!(seen, 34, "a row for each run");
}
