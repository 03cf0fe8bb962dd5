//! The messages of a run: each of them from `messages.jsonl`, and the counts of `messages.csv`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde::Serialize;

use super::operations::{RATE_PARTS, Texts, rate_part};
use crate::files::stored;
use crate::network::message_log;

type Line = (u64, String, String, String, String, u64);

struct Message {
    sent: u64,
    took: u64,
    from: usize,
    to: usize,
    kind: usize,
    fate: usize,
}

/// Messages by column, in the order of sending; times in microseconds.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Messages {
    nodes: Vec<String>,
    types: Vec<String>,
    fates: Vec<String>,
    sent: Vec<u64>,
    took: Vec<u64>,
    from: Vec<usize>,
    to: Vec<usize>,
    r#type: Vec<usize>,
    fate: Vec<usize>,
    /// How many there are in the log.
    total: usize,
    /// Of all between replicas, by type: how many were sent in each of so many parts of the run.
    rates: Vec<Vec<u64>>,
}

/// Of the logged messages of a run until `end_us` at most `room`, those around the time `center_us`.
/// A log that is not there has none.
pub(super) fn read(
    folder: &Path,
    room: usize,
    (center_us, end_us): (u64, u64),
    replicas: &[String],
) -> Messages {
    let Ok(file) = stored::open(&folder.join(message_log::NAME)) else {
        return Messages::default();
    };
    let (mut nodes, mut types, mut fates) = (Texts::default(), Texts::default(), Texts::default());
    let mut all: Vec<Message> = Vec::new();
    for line in BufReader::new(file).lines().skip(1).map_while(Result::ok) {
        let Ok((sent, from, to, kind, fate, end)) = serde_json::from_str::<Line>(&line) else {
            continue;
        };
        all.push(Message {
            sent: sent / 1000,
            took: (end / 1000).saturating_sub(sent / 1000),
            from: nodes.number(&from),
            to: nodes.number(&to),
            kind: types.number(&kind),
            fate: fates.number(&fate),
        });
    }
    all.sort_by_key(|message| message.sent);
    let middle = all.partition_point(|message| message.sent < center_us);
    let shown = super::page::around(middle, room, all.len());
    let is_replica: Vec<bool> = nodes.texts.iter().map(|node| replicas.contains(node)).collect();
    let mut rates = vec![vec![0; RATE_PARTS]; types.texts.len()];
    for message in all.iter().filter(|it| is_replica[it.from] && is_replica[it.to]) {
        rates[message.kind][rate_part(message.sent, end_us)] += 1;
    }
    let mut messages = Messages {
        rates,
        nodes: nodes.texts,
        types: types.texts,
        fates: fates.texts,
        total: all.len(),
        ..Messages::default()
    };
    for message in &all[shown] {
        messages.sent.push(message.sent);
        messages.took.push(message.took);
        messages.from.push(message.from);
        messages.to.push(message.to);
        messages.r#type.push(message.kind);
        messages.fate.push(message.fate);
    }
    messages
}

/// A CSV file as a table of texts: its columns, then its rows, at most so many.
pub(super) fn table(folder: &Path, name: &str, rows: usize) -> Vec<Vec<String>> {
    let Ok(text) = stored::read(&folder.join(name)) else { return Vec::new() };
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_slice());
    let records = reader.records().map_while(Result::ok).take(rows);
    records.map(|record| record.iter().map(str::to_owned).collect()).collect()
}

/// The samples of processes in a table of `host.csv`, at most about so many: of each subject each n-th, with the
/// worst lag of those that are left out before it.
pub(super) fn thinned(table: Vec<Vec<String>>, most: usize) -> Vec<Vec<String>> {
    let n = table.len().div_ceil(most.max(1)).max(1);
    let Some(columns) = table.first().filter(|_| n > 1) else { return table };
    let column = |name: &str| columns.iter().position(|column| column == name);
    let (Some(subject), lag) = (column("subject"), column("lag_us")) else { return table };
    let micros = |row: &[String]| lag.and_then(|at| row.get(at)?.parse::<u64>().ok());
    let mut kept = vec![columns.clone()];
    let mut since: BTreeMap<String, (usize, Option<u64>)> = BTreeMap::new();
    for mut row in table.into_iter().skip(1) {
        let Some(name) = row.get(subject) else { continue };
        let (left_out, worst) = since.entry(name.clone()).or_default();
        *worst = micros(&row).max(*worst);
        *left_out += 1;
        if *left_out == n {
            if let (Some(at), Some(worst)) = (lag, *worst) {
                row[at] = worst.to_string();
            }
            (*left_out, *worst) = (0, None);
            kept.push(row);
        }
    }
    kept
}
