//! The recorded histories and their known verdicts.

use std::fs;
use std::path::Path;

use checker::format::{jepsen_log, knossos_edn};
use checker::{History, ModelName, Options, check};

fn read(path: &Path) -> (History, ModelName) {
    let text = fs::read(path).expect("a recorded history");
    let lines = text.split(|&byte| byte == b'\n');
    if path.extension().is_some_and(|extension| extension == "log") {
        let mut reader = jepsen_log::Reader::new();
        lines.for_each(|line| reader.line(line).expect("a line"));
        (reader.finish(), ModelName::CasRegister)
    } else {
        let mut reader = knossos_edn::Reader::new();
        lines.for_each(|line| reader.line(line).expect("a line"));
        (reader.finish(), ModelName::Kv)
    }
}

#[test]
fn every_recorded_history_gets_its_known_verdict() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/histories");
    let expected = fs::read_to_string(folder.join("expected.csv")).unwrap();
    let mut seen = 0;
    for line in expected.lines().skip(1) {
        let (file, ok) = line.split_once(',').unwrap();
        let (history, model) = read(&folder.join(file));
        let report = check(&history, &Options { model, ..Options::default() });
        assert_eq!(report.verdict.name(), if ok == "true" { "valid" } else { "invalid" }, "{file}");
        seen += 1;
    }
    assert_eq!(seen, 56);
}
