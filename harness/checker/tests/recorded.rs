//! The recorded histories and their known verdicts.

use std::fs;
use std::path::Path;

use checker::format::{self, Format};
use checker::{History, ModelName, Options, Reading, Verdict, check};

fn read(path: &Path) -> (History, ModelName) {
    let text = fs::read(path).expect("a recorded history");
    let format = Format::detect(&text).expect("a known format");
    let model = if format == Format::Edn { ModelName::Kv } else { ModelName::CasRegister };
    let read = format::read(&text, format, Reading::default()).expect("a whole file");
    (read.history, model)
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
        if let Verdict::Invalid(witness) = &report.verdict {
            assert!(witness.minimal, "{file}: {}", witness.explanation);
        }
        assert_eq!(report.verdict.name(), if ok == "true" { "valid" } else { "invalid" }, "{file}");
        seen += 1;
    }
    assert_eq!(seen, 56);
}
