//! Jepsen's `history.txt` and its logs, old and new.

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::edn::{columns, on_lines};
use super::{Pieces, Row, Style};
use crate::fuzz_check::generate::chance;

fn line(row: &Row<'_>, style: &Style, between: &str, rng: &mut ChaCha8Rng) -> String {
    match row {
        Row::Event(event) => columns(event, style, between, rng),
        Row::Nemesis => [":nemesis", ":info", ":start", "nil"].join(between),
    }
}

pub fn history_txt(rows: &[Row<'_>], style: &Style, rng: &mut ChaCha8Rng) -> Option<Pieces> {
    let between = if chance(rng, 70) { "\t" } else { "  " };
    let lines: Vec<String> = rows.iter().map(|row| line(row, style, between, rng)).collect();
    Some(on_lines(lines))
}

pub fn log_old(rows: &[Row<'_>], style: &Style, rng: &mut ChaCha8Rng) -> Option<Pieces> {
    let between = if chance(rng, 50) { "\t" } else { " " };
    let mut texts = Vec::new();
    for row in rows {
        let other = if chance(rng, 10) { "INFO  jepsen.core - Worker 3 starting\n" } else { "" };
        let line = line(row, style, between, rng);
        texts.push(format!("{other}INFO  jepsen.util - {line}"));
    }
    Some(on_lines(texts))
}

pub fn log_new(rows: &[Row<'_>], style: &Style, rng: &mut ChaCha8Rng) -> Option<Pieces> {
    let mut texts = Vec::new();
    let mut millis = rng.random_range(0..900);
    for row in rows {
        millis += rng.random_range(0..3);
        let head = format!("2025-06-19 11:44:{:02},{:03}{{GMT}}", millis / 1000, millis % 1000);
        let other = format!("{head}\tINFO\t[main] jepsen.core: Running test\n");
        let other = if chance(rng, 10) { other } else { String::new() };
        let who = if matches!(row, Row::Nemesis) { "nemesis" } else { "worker 1" };
        let line = line(row, style, "\t", rng);
        texts.push(format!("{other}{head}\tINFO\t[jepsen {who}] jepsen.util: {line}"));
    }
    Some(on_lines(texts))
}
