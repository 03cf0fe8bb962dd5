//! The history as Jepsen writes it: a map an event, keys and values as pairs.

use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use checker::event::{Event, EventType};

use crate::files::stored;

/// Writes the history of the run in `folder`; what `harness check` reads again.
pub fn write(folder: &Path, mut out: impl Write) -> io::Result<()> {
    for line in BufReader::new(stored::open(&folder.join("history.jsonl"))?).lines().skip(1) {
        let line = line?;
        // A last line that was cut off is no event.
        let Ok(event) = serde_json::from_str::<Event<'_>>(&line) else { break };
        let kind = match event.r#type {
            EventType::Invoke => "invoke",
            EventType::Ok => "ok",
            EventType::Fail => "fail",
            EventType::Info => "info",
        };
        let f = event.f.name();
        let (key, value) =
            (text(&event.key), event.value.as_deref().map_or("nil".to_owned(), text));
        write!(
            out,
            "{{:type :{kind}, :f :{f}, :value [{key} {value}], :process {}, :time {}, :index {}",
            event.process, event.time_ns, event.index
        )?;
        if let Some(error) = &event.error {
            write!(out, ", :error {}", text(error))?;
        }
        writeln!(out, "}}")?;
    }
    out.flush()
}

/// An EDN string. EDN has escapes for few control characters; the others stand as they are.
fn text(text: &str) -> String {
    let mut edn = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => edn.push_str("\\\""),
            '\\' => edn.push_str("\\\\"),
            '\n' => edn.push_str("\\n"),
            '\r' => edn.push_str("\\r"),
            '\t' => edn.push_str("\\t"),
            c => edn.push(c),
        }
    }
    edn.push('"');
    edn
}
