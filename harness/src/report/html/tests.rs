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
fn what_a_window_does_not_show_does_not_fill_the_page() {
    let mut lines = vec![r#"{"schema":1}"#.to_owned()];
    for n in 0..40 {
        let key = format!("{n}{}", "k".repeat(10_000));
        lines.extend([event(2 * n, "invoke", &key), event(2 * n + 1, "ok", &key)]);
    }
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let room = Room { operations: 4, ..Room::default() };
    let folder = folder_with(&lines);
    let source = Source::read(folder.path()).unwrap();
    let page = embedded(&Page::of(folder.path(), &source, room)).unwrap();
    assert!(page.len() < 6000, "{} bytes", page.len());
    let page: serde_json::Value = serde_json::from_str(&page).unwrap();
    let keys: Vec<&str> =
        page["keys"].as_array().unwrap().iter().filter_map(|key| key.as_str()).collect();
    assert_eq!(keys.iter().map(|key| &key[..2]).collect::<Vec<_>>(), ["0k", "1k", "2k", "3k"]);
    assert_eq!(page["points"].as_object().unwrap().len(), 4);
}

#[test]
fn of_a_long_run_each_nth_look_is_kept_and_the_worst_lag() {
    let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
    let mut table = vec![row(["time_ns", "subject", "lag_us"])];
    for (time, lag) in [("1", "7"), ("2", "900"), ("3", "8"), ("4", "9")] {
        table.extend([row([time, "harness", lag]), row([time, "0000", ""])]);
    }
    assert_eq!(messages::thinned(table.clone(), 9), table);
    let thin = messages::thinned(table, 3);
    let told: Vec<&[String]> = thin.iter().skip(1).map(Vec::as_slice).collect();
    assert_eq!(told, [["3", "harness", "900"], ["3", "0000", ""]]);
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
