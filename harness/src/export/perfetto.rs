//! A trace in Chrome's JSON form, which Perfetto's viewer opens: clients, replicas and faults are
//! tracks, operations slices, messages flows between their two ends.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use serde_json::{Value, json};

use crate::network::message_log;

/// The groups of tracks.
const CLIENTS: u32 = 1;
const REPLICAS: u32 = 2;
const FAULTS: u32 = 3;

/// How long a message is drawn at its ends, in microseconds: handing over takes next to no time.
const MESSAGE_US: f64 = 1.0;

/// Writes the run in `folder`.
pub fn write(folder: &Path, out: impl Write) -> io::Result<()> {
    let mut trace = Trace { out, is_first: true, tracks: BTreeSet::new(), flows: 0 };
    trace.out.write_all(b"{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n")?;
    for (pid, name) in [(CLIENTS, "clients"), (REPLICAS, "replicas"), (FAULTS, "faults")] {
        trace.event(&json!({"ph": "M", "name": "process_name", "pid": pid, "tid": 0, "args": {"name": name}}))?;
    }
    trace.operations(folder)?;
    trace.faults(folder)?;
    trace.messages(folder)?;
    trace.out.write_all(b"\n]}\n")?;
    trace.out.flush()
}

struct Trace<W> {
    out: W,
    is_first: bool,
    tracks: BTreeSet<(u32, u64)>,
    flows: u64,
}

impl<W: Write> Trace<W> {
    fn event(&mut self, event: &Value) -> io::Result<()> {
        if !std::mem::take(&mut self.is_first) {
            self.out.write_all(b",\n")?;
        }
        serde_json::to_writer(&mut self.out, event)?;
        Ok(())
    }

    /// The number of the track with this name, told to the viewer when it is first used.
    fn track(&mut self, pid: u32, name: &str) -> io::Result<u64> {
        let tid = u64::from_str_radix(name, 16).unwrap_or(0) + 1;
        if self.tracks.insert((pid, tid)) {
            self.event(&json!({"ph": "M", "name": "thread_name", "pid": pid, "tid": tid, "args": {"name": name}}))?;
        }
        Ok(tid)
    }

    /// An operation begins and ends on the track of its client; one that stays open has no end.
    fn operations(&mut self, folder: &Path) -> io::Result<()> {
        for event in lines(&folder.join("history.jsonl"))?.skip(1) {
            let client = event["client"].as_str().unwrap_or_default().to_owned();
            let tid = self.track(CLIENTS, &client)?;
            let name = format!("{} {}", word(&event["f"]), word(&event["key"]));
            // Asynchronous slices: an operation that nobody answered may lie under the next one.
            let phase = if event["type"] == "invoke" { "b" } else { "e" };
            let id = format!("{client}-{}", event["process"]);
            let arguments = json!({"type": event["type"], "value": event["value"],
                "node": event["node"], "error": event["error"], "index": event["index"]});
            self.event(
                &json!({"ph": phase, "cat": "operation", "id": id, "name": name, "pid": CLIENTS,
                "tid": tid, "ts": micros(&event["time_ns"]), "args": arguments}),
            )?;
        }
        Ok(())
    }

    fn faults(&mut self, folder: &Path) -> io::Result<()> {
        let Ok(faults) = lines(&folder.join("faults.jsonl")) else { return Ok(()) };
        for fault in faults.skip(1).filter(|fault| fault["applied_ns"].is_u64()) {
            let begin = micros(&fault["applied_ns"]);
            let mut event = json!({"ph": "i", "s": "g", "name": fault["kind"], "cat": "fault",
                "pid": FAULTS, "tid": 1, "ts": begin, "args": fault});
            if fault["ended_ns"].is_u64() {
                event["ph"] = json!("X");
                event["dur"] = json!(micros(&fault["ended_ns"]) - begin);
            }
            self.event(&event)?;
        }
        Ok(())
    }

    fn messages(&mut self, folder: &Path) -> io::Result<()> {
        let replicas: BTreeSet<String> = std::fs::read_dir(folder.join("replicas"))
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect();
        let Ok(messages) = lines(&folder.join(message_log::NAME)) else { return Ok(()) };
        for message in messages.skip(1).filter(Value::is_array) {
            let [from, to, kind, fate] = [1, 2, 3, 4].map(|at| word(&message[at]));
            let pid = |name: &String| if replicas.contains(name) { REPLICAS } else { CLIENTS };
            let (here, there) = (self.track(pid(&from), &from)?, self.track(pid(&to), &to)?);
            let (sent, ended) = (micros(&message[0]), micros(&message[5]));
            let lost = fate != "delivered";
            let name = if lost {
                format!("{kind} to {to}, lost: {fate}")
            } else {
                format!("{kind} to {to}")
            };
            self.event(
                &json!({"ph": "X", "cat": "message", "name": name, "pid": pid(&from), "tid": here,
                "ts": sent, "dur": MESSAGE_US}),
            )?;
            if lost {
                continue;
            }
            self.flows += 1;
            let flow = self.flows;
            self.event(
                &json!({"ph": "X", "cat": "message", "name": format!("{kind} from {from}"),
                "pid": pid(&to), "tid": there, "ts": ended, "dur": MESSAGE_US}),
            )?;
            for (phase, pid, tid, ts) in
                [("s", pid(&from), here, sent), ("f", pid(&to), there, ended)]
            {
                self.event(
                    &json!({"ph": phase, "bp": "e", "cat": "message", "name": kind, "id": flow,
                    "pid": pid, "tid": tid, "ts": ts}),
                )?;
            }
        }
        Ok(())
    }
}

fn lines(path: &Path) -> io::Result<impl Iterator<Item = Value> + use<>> {
    let lines = BufReader::new(File::open(path)?).lines().map_while(Result::ok);
    Ok(lines.map_while(|line| serde_json::from_str(&line).ok()))
}

fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn micros(nanoseconds: &Value) -> f64 {
    nanoseconds.as_u64().unwrap_or(0) as f64 / 1000.0
}
