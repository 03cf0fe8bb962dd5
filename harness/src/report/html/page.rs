//! What the page shows: a plain value, read from the folder of a run.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use super::faults::{self, Claim, Fault};
use super::messages::{self, Messages};
use super::operations::{Columns, Operations, shortened};
use super::points;
use crate::files::stored;
use crate::limits;

/// The longest text of the verdict that is shown; the whole is in `verdict.json`.
const VERDICT_CHARS: usize = 4000;

/// How much of a run fits on a page.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// The most operations.
    pub operations: usize,
    /// The most messages.
    pub messages: usize,
    /// The most leadership claims.
    pub claims: usize,
    /// The most samples of the host and its processes.
    pub samples: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            operations: limits::REPORT_OPERATIONS,
            messages: limits::REPORT_MESSAGES,
            claims: limits::LEADERSHIP_CLAIMS,
            samples: limits::REPORT_SAMPLES,
        }
    }
}

impl Room {
    /// Less of everything, so that what took so many bytes fits with some luck.
    #[must_use]
    pub fn less(self, bytes: usize) -> Self {
        let part = |count: usize| count * (limits::REPORT_BYTES / 1000 * 9 / 10) / (bytes / 1000);
        Self {
            operations: part(self.operations),
            messages: part(self.messages),
            claims: part(self.claims),
            samples: part(self.samples),
        }
    }
}

/// Everything on the page. Times are microseconds since the start of the run.
#[derive(Debug, Serialize)]
pub struct Page {
    /// `verdict.json`, its longest texts cut.
    verdict: Value,
    /// `manifest.json`, whole.
    manifest: Value,
    /// As text: a browser's numbers have 53 bits.
    seed: String,
    replicas: Vec<String>,
    clients: Vec<String>,
    nodes: Vec<String>,
    keys: Vec<String>,
    values: Vec<String>,
    errors: Vec<String>,
    operations: Columns,
    /// How many operations there were in all.
    operations_total: usize,
    /// Of all, by outcome: how many were completed in each of so many parts of the run.
    rates: [Vec<u64>; 3],
    /// The operations of the witness, or the first put that was acknowledged too early.
    witness: Vec<usize>,
    /// When operations took effect, by key.
    points: BTreeMap<usize, Vec<(usize, u64)>>,
    faults: Vec<Fault>,
    leaders: Vec<Claim>,
    messages: Messages,
    /// `messages.csv`: columns, then rows.
    counts: Vec<Vec<String>>,
    /// `host.csv`: columns, then rows.
    host: Vec<Vec<String>>,
    /// The ends of the replicas' outputs.
    logs: BTreeMap<String, Log>,
    end: u64,
}

/// The end of what a replica wrote.
#[derive(Debug, Default, Serialize)]
struct Log {
    stdout: String,
    stderr: String,
}

/// What takes longest to be read: once, however often the page has to shrink.
pub struct Source {
    operations: Operations,
    points: BTreeMap<usize, Vec<(usize, u64)>>,
}

impl Source {
    /// Reads the history of the run in `folder`.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let operations = Operations::read(folder)?;
        let points = points::of_all_keys(folder, &operations);
        Ok(Self { operations, points })
    }
}

impl Page {
    /// The run in `folder`. What is not there is not shown.
    pub fn of(folder: &Path, Source { operations, points }: &Source, room: Room) -> Self {
        let mut verdict = json(&folder.join("verdict.json"));
        let witness = witness(&verdict, operations);
        let middle = match (witness.first(), witness.last()) {
            (Some(first), Some(last)) if last - first < room.operations => {
                usize::midpoint(*first, *last)
            }
            (_, Some(last)) => *last,
            _ => 0,
        };
        let shown = around(middle, room.operations, operations.all.len());
        let last = operations.last.1 / 1000;
        let duration = verdict["duration_s"].as_f64().unwrap_or(0.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a duration")]
        let end = last.max((duration * 1e6) as u64).max(1);
        let center = witness.last().map_or(0, |&at| operations.all[at].invoke_ns / 1000);
        let columns = operations.columns(shown.clone(), &witness);
        let in_view = |list: &Vec<(usize, u64)>| {
            list.iter().copied().filter(|(at, _)| shown.contains(at)).collect()
        };
        let used = points
            .iter()
            .filter_map(|(key, list)| Some((columns.keys.new_of(*key)?, in_view(list))));
        let points = used.collect();
        cut(&mut verdict);
        let replicas = replicas(folder);
        let logs = replicas.iter().map(|id| (id.clone(), log(&folder.join("replicas").join(id))));
        let mut manifest = json(&folder.join("manifest.json"));
        if manifest["clock"] == "virtual"
            && let Some(told) = manifest.as_object_mut()
        {
            // Real times differ from run to run.
            told.retain(|key, _| !matches!(&**key, "start" | "end" | "took_s"));
        }
        Self {
            seed: manifest["seed"].to_string(),
            manifest,
            faults: faults::of_run(folder, end),
            leaders: faults::leaders(folder, room.claims, center),
            messages: messages::read(folder, room.messages, (center, end), &replicas),
            rates: operations.rates(end),
            counts: messages::table(folder, "messages.csv", limits::REPORT_ROWS),
            host: messages::thinned(messages::table(folder, "host.csv", usize::MAX), room.samples),
            logs: logs.collect(),
            operations_total: operations.all.len(),
            keys: columns.keys.texts(&operations.keys),
            values: columns.values.texts.clone(),
            errors: columns.errors.texts(&operations.errors),
            operations: columns,
            clients: operations.clients.texts.clone(),
            nodes: operations.nodes.texts.clone(),
            verdict,
            replicas,
            witness,
            points,
            end,
        }
    }
}

/// At most `room` places of `len`, around the one in the `middle`.
pub(super) fn around(middle: usize, room: usize, len: usize) -> Range<usize> {
    let start = middle.saturating_sub(room / 2).min(len.saturating_sub(room));
    start..len.min(start + room)
}

pub(super) fn json(path: &Path) -> Value {
    let text = stored::read(path).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or(Value::Null)
}

fn witness(verdict: &Value, operations: &Operations) -> Vec<usize> {
    let listed = verdict["witness"]["operations"].as_array();
    let invoked = listed.into_iter().flatten().filter_map(|it| it["invoke_index"].as_u64());
    let mut places: Vec<usize> = invoked.filter_map(|at| operations.invoked_by(at)).collect();
    if places.is_empty() {
        // Operations are numbered by their invocations.
        let early = verdict["durability"]["first"]["operation"].as_u64();
        let place = early.and_then(|at| usize::try_from(at).ok());
        places.extend(place.filter(|&at| at < operations.all.len()));
    }
    places.sort_unstable();
    places
}

/// Cuts the longest texts.
fn cut(value: &mut Value) {
    match value {
        Value::String(text) if text.len() > VERDICT_CHARS => *text = shortened(text, VERDICT_CHARS),
        Value::Array(items) => items.iter_mut().for_each(cut),
        Value::Object(fields) => fields.values_mut().for_each(cut),
        _ => {}
    }
}

/// When partitions are healed for good: at the end of the requests, for clients of ours.
pub(super) fn healed(plan: &Value) -> Option<u64> {
    let scenario = &plan["scenario"];
    let is_course =
        scenario["clients"].as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("course"));
    let micros = |name: &str| {
        let duration = &scenario[name];
        Some(duration["secs"].as_u64()? * 1_000_000 + duration["nanos"].as_u64()? / 1000)
    };
    if is_course { None } else { Some(micros("start_wait")? + micros("request_phase")?) }
}

fn replicas(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder.join("replicas")).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort_unstable();
    names
}

fn log(folder: &Path) -> Log {
    Log { stdout: tail(&folder.join("stdout.log")), stderr: tail(&folder.join("stderr.log")) }
}

/// The last lines of a file; empty if it cannot be read.
fn tail(path: &Path) -> String {
    let read = || -> io::Result<String> {
        let mut file = stored::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(limits::REPORT_LOG_BYTES)))?;
        let mut bytes = Vec::new();
        file.take(limits::REPORT_LOG_BYTES).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    read().unwrap_or_default()
}
