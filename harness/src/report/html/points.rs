//! When each operation took effect: a point between its invocation and its completion.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::{Duration, Instant};

use checker::event::Event;
use checker::{Budget, Options, Recorder, linearization};

use super::operations::{Operation, Operations};
use crate::files::stored;

/// A picture on demand is worth this much time, all keys together.
const TIME: Duration = Duration::from_secs(3);

/// Beyond this many operations single points are of no use.
const MOST_OPERATIONS: usize = 300_000;

/// By key: (operation, microseconds), in the order in which they took effect. Keys without an
/// order, or without one within the time, are left out.
pub(super) fn of_all_keys(
    folder: &Path,
    operations: &Operations,
) -> BTreeMap<usize, Vec<(usize, u64)>> {
    let begin = Instant::now();
    let mut points = BTreeMap::new();
    if operations.all.len() > MOST_OPERATIONS {
        return points;
    }
    let completions = operations.all.iter().filter_map(Operation::completed);
    let invocations = operations.all.iter().map(|it| (it.invoke_index, it.invoke_ns));
    let times: HashMap<u64, u64> = invocations.chain(completions).collect();
    let stop = || begin.elapsed() > TIME;
    let budget =
        Budget { steps: 10_000_000, memory_bytes: 200_000_000, stop: &stop, ..Budget::default() };
    let options = Options { budget, ..Options::default() };
    for (key, events) in by_key(folder, operations) {
        let mut recorder = Recorder::new();
        if stop() || events.iter().any(|event| recorder.push(event).is_err()) {
            continue;
        }
        let Ok(history) = recorder.finish() else { continue };
        let Some(orders) = linearization(&history, &options) else { continue };
        let found = orders.iter().flat_map(|order| &order.points).filter_map(|point| {
            let time = times.get(&point.after_index)?;
            Some((operations.invoked_by(point.invoke_index)?, time / 1000))
        });
        points.insert(key, found.collect());
    }
    points
}

fn by_key(folder: &Path, operations: &Operations) -> BTreeMap<usize, Vec<Event<'static>>> {
    let mut by_key: BTreeMap<usize, Vec<Event<'static>>> = BTreeMap::new();
    let mut keys = operations.keys.clone();
    let Ok(file) = stored::open(&folder.join("history.jsonl")) else { return by_key };
    for line in BufReader::new(file).lines().skip(1).map_while(Result::ok) {
        let Ok(event) = serde_json::from_str::<Event<'_>>(&line) else { break };
        by_key.entry(keys.number(&event.key)).or_default().push(event.into_owned());
    }
    by_key
}
