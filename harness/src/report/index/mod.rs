//! `results/index.html`: all runs on one page, newest first, from their folders alone.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use super::html;
use crate::exit::Exit;
use crate::files::stored;

/// The file's name in the folder of all results.
pub const NAME: &str = "index.html";

/// One run on the page.
#[derive(Debug, Serialize)]
pub struct Row {
    /// Its folder, from that of all results.
    pub folder: String,
    workload: String,
    seed: String,
    start: String,
    replica: String,
    exit_code: Option<u64>,
    /// In one or two words.
    verdict: String,
    standings: BTreeMap<String, String>,
    sentence: String,
    operations: Option<u64>,
    messages: Option<u64>,
    p50_us: Option<f64>,
    p99_us: Option<f64>,
    max_us: Option<f64>,
    has_report: bool,
}

/// All runs under `results`, newest first.
pub fn rows(results: &Path) -> io::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for scenario in folders(results)? {
        for run in folders(&scenario)? {
            if run.join("manifest.json").is_file() {
                rows.push(row(results, &run));
            }
        }
    }
    rows.sort_by(|a, b| (&b.start, &b.folder).cmp(&(&a.start, &a.folder)));
    Ok(rows)
}

/// The real folders in a folder: `latest` is a link to one of them.
fn folders(parent: &Path) -> io::Result<Vec<std::path::PathBuf>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            folders.push(entry.path());
        }
    }
    folders.sort();
    Ok(folders)
}

fn row(results: &Path, run: &Path) -> Row {
    let json = |name: &str| -> Value {
        let text = stored::read(&run.join(name)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or(Value::Null)
    };
    let (manifest, verdict) = (json("manifest.json"), json("verdict.json"));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let answers: Vec<&Value> = verdict["answers"].as_array().into_iter().flatten().collect();
    let bad = |standing: &str| answers.iter().find(|answer| answer["standing"] == standing);
    let worst = bad("invalid").or_else(|| bad("unknown"));
    let words = match (worst, answers.is_empty()) {
        (Some(answer), _) => text(&answer["kind"]),
        (None, false) if verdict["exit_code"] == u64::from(Exit::Interrupted.code()) => {
            "interrupted".to_owned()
        }
        (None, false) => "valid".to_owned(),
        (None, true) => "never judged".to_owned(),
    };
    let mut replica = text(&manifest["replica"]["path"]);
    for argument in manifest["replica"]["arguments"].as_array().into_iter().flatten() {
        replica = format!("{replica} {}", text(argument));
    }
    // Of a manifest that was cut off the folder tells the rest.
    let or = |text: String, other: &str| if text.is_empty() { other.to_owned() } else { text };
    let parent = run.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let statistics = &verdict["statistics"];
    Row {
        folder: run.strip_prefix(results).unwrap_or(run).display().to_string(),
        workload: or(text(&manifest["scenario"]), &parent),
        seed: manifest["seed"].as_u64().map(|seed| seed.to_string()).unwrap_or_default(),
        start: text(&manifest["start"]),
        replica: or(replica, "unknown"),
        exit_code: manifest["exit_code"].as_u64(),
        verdict: words,
        standings: answers
            .iter()
            .map(|it| (text(&it["question"]), text(&it["standing"])))
            .collect(),
        sentence: worst.map(|answer| text(&answer["sentence"])).unwrap_or_default(),
        operations: statistics["operations"].as_u64(),
        messages: statistics["messages"]["sent"].as_u64(),
        p50_us: statistics["latency"]["p50_us"].as_f64(),
        p99_us: statistics["latency"]["p99_us"].as_f64(),
        max_us: statistics["latency"]["max_us"].as_f64(),
        has_report: run.join(html::NAME).is_file(),
    }
}

/// Writes the page.
pub fn write(rows: &[Row], out: impl Write) -> io::Result<()> {
    let scripts = [html::ELEMENTS, include_str!("index.js")];
    html::fill(include_str!("index.html"), &html::embedded(&rows)?, &scripts, out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_stand_newest_first_and_no_value_becomes_markup() {
        let results = tempfile::tempdir().unwrap();
        for (run, start) in [("a", "2026-01-01T00:00:00Z"), ("b", "2026-01-02T00:00:00Z")] {
            let folder = results.path().join("demo").join(run);
            fs::create_dir_all(&folder).unwrap();
            let manifest = serde_json::json!({"scenario": "</script>", "start": start, "seed": 7,
                "replica": {"path": "/bin/r", "arguments": ["--bug"]}, "exit_code": 0});
            fs::write(folder.join("manifest.json"), manifest.to_string()).unwrap();
        }
        let rows = rows(results.path()).unwrap();
        let folders: Vec<&str> = rows.iter().map(|row| row.folder.as_str()).collect();
        assert_eq!(folders, ["demo/b", "demo/a"]);
        assert_eq!(
            (rows[0].verdict.as_str(), rows[0].replica.as_str()),
            ("never judged", "/bin/r --bug")
        );
        let mut out = Vec::new();
        write(&rows, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.matches("</script>").count(), 2, "only the page's own");
    }
}
