//! A trace in Chrome's JSON form, which Perfetto's viewer opens: clients, replicas and faults are
//! tracks, operations slices, messages flows between their two ends.
//!
//! The viewer drops slices of a track that overlap without lying inside one another. So the messages
//! of a client have a track beside its operations, and a message's end is as short as the next one
//! wants. Faults, of which several may go on at once, are asynchronous.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use serde_json::{Value, json};

use crate::files::stored;
use crate::network::message_log;
use crate::report::html::faults;

/// The groups of tracks.
const CLIENTS: u32 = 1;
const REPLICAS: u32 = 2;
const FAULTS: u32 = 3;

/// How long a message is drawn at its ends, in nanoseconds, if there is room: handing over takes
/// next to no time.
const MESSAGE_NS: u64 = 1000;

/// Writes the run in `folder`.
pub fn write(folder: &Path, out: impl Write) -> io::Result<()> {
    let mut trace = Trace { out, is_first: true, tracks: BTreeSet::new() };
    trace.out.write_all(b"{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n")?;
    for (pid, name) in [(CLIENTS, "clients"), (REPLICAS, "replicas"), (FAULTS, "faults")] {
        trace.event(&json!({"ph": "M", "name": "process_name", "pid": pid, "tid": 0, "args": {"name": name}}))?;
    }
    let end = trace.operations(folder)?;
    trace.faults(folder, end)?;
    trace.messages(folder)?;
    trace.out.write_all(b"\n]}\n")?;
    trace.out.flush()
}

/// A track: its group, and its number, which no other track has.
type Track = (u32, u64);

struct Trace<W> {
    out: W,
    is_first: bool,
    tracks: BTreeSet<Track>,
}

impl<W: Write> Trace<W> {
    fn event(&mut self, event: &Value) -> io::Result<()> {
        if !std::mem::take(&mut self.is_first) {
            self.out.write_all(b",\n")?;
        }
        serde_json::to_writer(&mut self.out, event)?;
        Ok(())
    }

    /// The track with this name, told to the viewer when it is first used.
    fn track(&mut self, pid: u32, name: &str) -> io::Result<Track> {
        let track = track(pid, name);
        if self.tracks.insert(track) {
            self.event(&json!({"ph": "M", "name": "thread_name", "pid": pid, "tid": track.1, "args": {"name": name}}))?;
        }
        Ok(track)
    }

    /// A slice for each operation on the track of its client; one that stays open lasts until the end
    /// of the run, which is returned.
    fn operations(&mut self, folder: &Path) -> io::Result<u64> {
        let mut open: BTreeMap<u64, Value> = BTreeMap::new();
        let mut end = 0;
        for event in lines(&folder.join("history.jsonl"))?.skip(1) {
            end = event["time_ns"].as_u64().unwrap_or(end);
            let process = event["process"].as_u64().unwrap_or_default();
            if event["type"] == "invoke" {
                open.insert(process, event);
            } else if let Some(invocation) = open.remove(&process) {
                self.operation(&invocation, &event, end)?;
            }
        }
        for invocation in open.values() {
            self.operation(invocation, &json!({"type": "info"}), end)?;
        }
        Ok(end)
    }

    fn operation(&mut self, invocation: &Value, completion: &Value, end: u64) -> io::Result<()> {
        let track = self.track(CLIENTS, &word(&invocation["client"]))?;
        let name = format!("{} {}", word(&invocation["f"]), word(&invocation["key"]));
        let begin = invocation["time_ns"].as_u64().unwrap_or_default();
        let mut slice = slice(track, &name, (begin, end));
        slice["cat"] = json!("operation");
        let of = |name: &str| {
            if completion[name].is_null() { &invocation[name] } else { &completion[name] }
        };
        slice["args"] = json!({"outcome": completion["type"], "value": of("value"),
            "node": of("node"), "error": completion["error"], "process": invocation["process"],
            "index": invocation["index"]});
        self.event(&slice)
    }

    fn faults(&mut self, folder: &Path, end: u64) -> io::Result<()> {
        for (n, fault) in faults::of_run(folder, end / 1000).iter().enumerate() {
            let Some(begin) = fault.begin else { continue };
            let event = |phase: &str, at: u64| {
                json!({"ph": phase, "cat": "fault", "id": n, "name": fault.title, "pid": FAULTS,
                    "tid": 0, "ts": at, "args": {"what": fault.what}})
            };
            match fault.end {
                Some(end) => {
                    self.event(&event("b", begin))?;
                    self.event(&event("e", end))?;
                }
                None => self.event(&event("n", begin))?,
            }
        }
        Ok(())
    }

    fn messages(&mut self, folder: &Path) -> io::Result<()> {
        let ends = Ends::of(folder);
        let mut flow = 0u64;
        for message in messages(folder) {
            let is_lost = message.fate != message_log::DELIVERED;
            let lost = if is_lost { format!(", lost: {}", message.fate) } else { String::new() };
            let (kind, to, from) = (&message.kind, &message.to, &message.from);
            flow += 1;
            let sent =
                (message.sent, ends.from(message.sent, from), format!("{kind} to {to}{lost}"));
            let came = (message.ended, ends.from(message.ended, to), format!("{kind} from {from}"));
            for (phase, who, (at, dur, name)) in [("s", from, sent), ("f", to, came)] {
                if is_lost && phase == "f" {
                    continue;
                }
                let track = self.track(ends.group(who), &ends.track_name(who))?;
                let mut slice = slice(track, &name, (at, at + dur));
                slice["cat"] = json!("message");
                self.event(&slice)?;
                if !is_lost {
                    self.event(&json!({"ph": phase, "bp": "e", "cat": "message", "name": kind,
                        "id": flow, "pid": track.0, "tid": track.1, "ts": micros(at)}))?;
                }
            }
        }
        Ok(())
    }
}

fn slice((pid, tid): Track, name: &str, (begin, end): (u64, u64)) -> Value {
    json!({"ph": "X", "name": name, "pid": pid, "tid": tid, "ts": micros(begin),
        "dur": micros(end.saturating_sub(begin))})
}

/// The number is made of the name, which is hexadecimal for all processes that the harness knows.
fn track(pid: u32, name: &str) -> Track {
    let (id, beside) = name.split_once(' ').map_or((name, 0), |(id, _)| (id, 1));
    let number = u64::from_str_radix(id, 16).unwrap_or(0);
    (pid, (u64::from(pid) * 2 + beside) * 0x10_0000 + number + 1)
}

struct Message {
    sent: u64,
    from: String,
    to: String,
    kind: String,
    fate: String,
    ended: u64,
}

fn messages(folder: &Path) -> impl Iterator<Item = Message> + use<> {
    let lines = lines(&folder.join(message_log::NAME)).into_iter().flatten();
    lines.skip(1).filter(Value::is_array).map(|line| Message {
        sent: line[0].as_u64().unwrap_or_default(),
        from: word(&line[1]),
        to: word(&line[2]),
        kind: word(&line[3]),
        fate: word(&line[4]),
        ended: line[5].as_u64().unwrap_or_default(),
    })
}

/// When messages begin and end at each process.
struct Ends {
    replicas: BTreeSet<String>,
    times: BTreeMap<String, Vec<u64>>,
}

impl Ends {
    fn of(folder: &Path) -> Self {
        let replicas = std::fs::read_dir(folder.join("replicas")).into_iter().flatten();
        let replicas = replicas.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut times: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for message in messages(folder) {
            times.entry(message.from).or_default().push(message.sent);
            if message.fate == message_log::DELIVERED {
                times.entry(message.to).or_default().push(message.ended);
            }
        }
        for list in times.values_mut() {
            list.sort_unstable();
            list.dedup();
        }
        Self { replicas: replicas.collect(), times }
    }

    /// How long an end at `time` may last at this process: until the next one there.
    fn from(&self, time: u64, who: &str) -> u64 {
        let times = self.times.get(who).map_or(&[][..], Vec::as_slice);
        let next = times.get(times.partition_point(|&other| other <= time));
        next.map_or(MESSAGE_NS, |next| (next - time).min(MESSAGE_NS))
    }

    fn group(&self, who: &str) -> u32 {
        if self.replicas.contains(who) { REPLICAS } else { CLIENTS }
    }

    fn track_name(&self, who: &str) -> String {
        if self.replicas.contains(who) { who.to_owned() } else { format!("{who} messages") }
    }
}

fn lines(path: &Path) -> io::Result<impl Iterator<Item = Value> + use<>> {
    let lines = BufReader::new(stored::open(path)?).lines().map_while(Result::ok);
    Ok(lines.map_while(|line| serde_json::from_str(&line).ok()))
}

fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn micros(nanoseconds: u64) -> f64 {
    Value::from(nanoseconds).as_f64().unwrap_or(0.0) / 1000.0
}

#[cfg(test)]
mod tests;
