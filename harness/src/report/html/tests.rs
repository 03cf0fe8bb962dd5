//! The page as a value and as a text; how it looks is tested in a browser.

use super::*;

fn folder_with(lines: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("history.jsonl"), lines.join("\n")).unwrap();
    folder
}

fn event(index: u64, kind: &str, key: &str) -> String {
    serde_json::json!({"index": index, "time_ns": index * 1_000_000, "process": 0, "client": "0015",
        "type": kind, "f": "put", "key": key, "value": "1", "node": "0000", "error": null})
    .to_string()
}

#[test]
fn a_key_that_looks_like_markup_stays_data() {
    let key = "</script><script>alert(1)</script>";
    let (invoke, ok) = (event(0, "invoke", key), event(1, "ok", key));
    let folder = folder_with(&[r#"{"schema":1}"#, &invoke, &ok]);
    let mut out = Vec::new();
    write(folder.path(), &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(!text.contains("<script>alert"), "a value became markup");
    let (_, data) = text.split_once(r#"<script id="data" type="application/json">"#).unwrap();
    let data: serde_json::Value = serde_json::from_str(data.split_once('<').unwrap().0).unwrap();
    assert_eq!(data["keys"][0], key);
    assert_eq!(data["operations"]["took"][0], 1000);
    assert_eq!(data["points"]["0"], serde_json::json!([[0, 0]]));
}

#[test]
fn nothing_is_fetched() {
    let folder = folder_with(&[r#"{"schema":1}"#]);
    let mut out = Vec::new();
    write(folder.path(), &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    for word in ["http://", "https://", "src=", "@import", "fetch(", "XMLHttpRequest"] {
        assert!(!text.contains(word), "{word} is in the page");
    }
    assert!(!text.contains("{{"), "a mark was not replaced");
}

#[test]
fn a_long_run_keeps_a_window_that_ends_with_the_run() {
    assert_eq!(page::around(990, 100, 1000), 900..1000);
    assert_eq!(page::around(0, 100, 1000), 0..100);
    assert_eq!(page::around(500, 100, 1000), 450..550);
    assert_eq!(page::around(5, 100, 7), 0..7);
}

#[test]
fn rules_that_hold_for_a_part_of_the_time_are_bands_too() {
    let folder = tempfile::tempdir().unwrap();
    let rule = |start: u64, end: Option<u64>| {
        serde_json::json!({"rule": "loss", "probability": 0.5, "from": ["0000"],
            "to": ["0000", "0001"], "start": start, "end": end, "place": "network[0]"})
    };
    let plan = serde_json::json!({"scenario": {
        "start_wait": {"secs": 1, "nanos": 0}, "request_phase": {"secs": 5, "nanos": 0},
        "clients": {"Shared": {}},
        "network": [rule(1_000_000_000, None), rule(2_000_000_000, Some(3_000_000_000))]}});
    std::fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
    let faults = super::faults::of_run(folder.path(), 9_000_000);
    let told: Vec<_> = faults.iter().map(|it| (it.begin, it.end, it.what.as_str())).collect();
    assert_eq!(told, [(Some(2_000_000), Some(3_000_000), "loss 0000 → 0001")]);
}
