//! Two runs side by side: what differs beyond chance.
//!
//! Latency quantiles are compared by the bootstrap: latencies are drawn again, with replacement,
//! many times, and each time the quantiles and their difference are taken. If zero lies outside of the
//! middle of these differences, the runs differ. Operations close in time are slow together (an
//! election, a partition), so whole stretches of a run are drawn, not single ones (Künsch 1989); and the four
//! quantiles share the 5 % of error among them.

use std::fmt;
use std::io;
use std::path::Path;

use serde_json::Value;

use crate::files::stored;
use crate::op::Outcome;
use crate::seed::Seed;

/// How often a run is drawn again.
const DRAWS: u32 = 1000;

/// Into so many stretches a run is cut.
const STRETCHES: usize = 20;

/// Beyond this many latencies a run is thinned out: the intervals are narrow enough.
const MOST_LATENCIES: usize = 10_000;

/// The quantiles that are compared, with their names.
const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];

/// What lies outside of an interval on each side: 5 % in all, for all quantiles together.
const OUTSIDE: f64 = 0.05 / 2.0 / QUANTILES.len() as f64;

/// A value, with its interval where chance has a part in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// The value.
    pub value: String,
    /// From where to where it may as well be.
    pub interval: Option<(String, String)>,
}

impl Cell {
    fn plain(value: impl Into<String>) -> Self {
        Self { value: value.into(), interval: None }
    }

    /// The value of the whole, and the middle of what was drawn.
    fn of(value: f64, mut drawn: Vec<f64>, number: fn(f64) -> String) -> Self {
        drawn.sort_unstable_by(f64::total_cmp);
        let interval = [OUTSIDE, 1.0 - OUTSIDE].map(|q| number(quantile(&drawn, q)));
        Self { value: number(value), interval: Some(interval.into()) }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.interval {
            None => f.write_str(&self.value),
            Some((low, high)) => write!(f, "{} [{low}, {high}]", self.value),
        }
    }
}

/// One line of the comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What is compared.
    pub what: String,
    /// In the first run.
    pub a: Cell,
    /// In the second.
    pub b: Cell,
    /// The difference.
    pub difference: Cell,
    /// Whether it is more than chance.
    pub differs: bool,
}

/// What of a run is compared.
pub struct Run {
    verdict: Value,
    /// In the order of the operations.
    latencies: Vec<f64>,
}

impl Run {
    /// Reads what the run in `folder` left.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let path = folder.join("verdict.json");
        let verdict = stored::json(&path, &stored::read(&path)?).map_err(io::Error::other)?;
        let path = folder.join("latency.csv");
        let about = |error: csv::Error| io::Error::other(format!("{}: {error}", path.display()));
        let mut reader = csv::Reader::from_reader(stored::open(&path)?);
        let headers = reader.headers().map_err(about)?.clone();
        let column = |name: &str| {
            let found = headers.iter().position(|header| header == name);
            found.ok_or_else(|| io::Error::other(format!("latency.csv has no column `{name}`")))
        };
        let (latency, outcome) = (column("latency_us")?, column("outcome")?);
        let mut latencies = Vec::new();
        for row in reader.records() {
            let row = row.map_err(about)?;
            if row.get(outcome) == Some(Outcome::Ok.name()) {
                latencies.extend(row.get(latency).and_then(|cell| cell.parse::<f64>().ok()));
            }
        }
        let step = latencies.len().div_ceil(MOST_LATENCIES).max(1);
        let latencies = latencies.into_iter().step_by(step).collect();
        Ok(Self { verdict, latencies })
    }

    fn standing(&self, question: &str) -> String {
        let answers = self.verdict["answers"].as_array();
        let answer = answers.into_iter().flatten().find(|answer| answer["question"] == question);
        answer.map_or_else(String::new, |answer| {
            let text = |name: &str| answer[name].as_str().unwrap_or_default();
            format!("{} ({})", text("standing"), text("kind"))
        })
    }

    fn messages_per_operation(&self) -> Option<f64> {
        let statistics = &self.verdict["statistics"];
        let operations = statistics["operations"].as_f64().filter(|&it| it > 0.0)?;
        Some(statistics["messages"]["sent"].as_f64()? / operations)
    }
}

/// Compares two runs; the same seed gives the same intervals.
pub fn compare(a: &Run, b: &Run, seed: Seed) -> Vec<Line> {
    let mut lines = Vec::new();
    for question in ["safety", "process", "liveness", "environment", "evidence"] {
        let (a, b) = (a.standing(question), b.standing(question));
        let differs = a != b;
        let difference = if differs { "differs" } else { "" };
        lines.push(Line {
            what: question.to_owned(),
            a: Cell::plain(a),
            b: Cell::plain(b),
            difference: Cell::plain(difference),
            differs,
        });
    }
    if !a.latencies.is_empty() && !b.latencies.is_empty() {
        lines.extend(quantiles(&a.latencies, &b.latencies, seed));
    }
    if let (Some(a), Some(b)) = (a.messages_per_operation(), b.messages_per_operation()) {
        // One number of each run has no interval: a tenth is called a difference.
        let differs = (a - b).abs() > 0.1 * a.max(b);
        lines.push(Line {
            what: "messages per operation".to_owned(),
            a: Cell::plain(format!("{a:.2}")),
            b: Cell::plain(format!("{b:.2}")),
            difference: Cell::plain(format!("{:+.2}", b - a)),
            differs,
        });
    }
    lines
}

fn quantiles(a: &[f64], b: &[f64], seed: Seed) -> Vec<Line> {
    let (of_a, of_b) = (drawn(a, seed.derive("a")), drawn(b, seed.derive("b")));
    let whole = |latencies: &[f64]| taken(latencies.to_vec());
    let (a, b) = (whole(a), whole(b));
    let line = |(n, (name, _)): (usize, (&str, f64))| {
        let column = |drawn: &[[f64; 4]]| drawn.iter().map(|it| it[n]).collect::<Vec<f64>>();
        let (of_a, of_b) = (column(&of_a), column(&of_b));
        let differences: Vec<f64> = of_a.iter().zip(&of_b).map(|(a, b)| b - a).collect();
        let are_above = differences.iter().filter(|it| **it > 0.0).count() as f64;
        let are_below = differences.iter().filter(|it| **it < 0.0).count() as f64;
        let most = differences.len() as f64 * (1.0 - OUTSIDE);
        Line {
            what: format!("latency {name} (ms)"),
            a: Cell::of(a[n], of_a, ms),
            b: Cell::of(b[n], of_b, ms),
            difference: Cell::of(b[n] - a[n], differences, signed),
            differs: are_above >= most || are_below >= most,
        }
    };
    QUANTILES.into_iter().enumerate().map(line).collect()
}

/// The quantiles of the run as it is drawn again and again.
fn drawn(latencies: &[f64], seed: Seed) -> Vec<[f64; 4]> {
    let stretch = latencies.len().div_ceil(STRETCHES);
    let again = |draw: u32| {
        let mut sample = Vec::with_capacity(latencies.len() + stretch);
        let mut number = u64::from(draw) << 32;
        while sample.len() < latencies.len() {
            // The end of a run is followed by its beginning: each operation is drawn as often.
            let begin = place(seed.fraction(number), latencies.len());
            sample.extend(latencies.iter().cycle().skip(begin).take(stretch));
            number += 1;
        }
        sample.truncate(latencies.len());
        taken(sample)
    };
    (0..DRAWS).map(again).collect()
}

fn taken(mut latencies: Vec<f64>) -> [f64; 4] {
    latencies.sort_unstable_by(f64::total_cmp);
    QUANTILES.map(|(_, q)| quantile(&latencies, q))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a list")]
fn place(share: f64, length: usize) -> usize {
    ((length as f64 * share) as usize).min(length.saturating_sub(1))
}

fn quantile(sorted: &[f64], q: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in a list"
    )]
    let rank = ((sorted.len() as f64 * q).ceil() as usize).clamp(1, sorted.len());
    sorted[rank - 1]
}

fn ms(us: f64) -> String {
    format!("{:.3}", us / 1000.0)
}

fn signed(us: f64) -> String {
    format!("{:+.3}", us / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn latencies(seed: u64, scale: f64) -> Vec<f64> {
        (0..400).map(|n| scale * (100.0 + 900.0 * Seed(seed).fraction(n))).collect()
    }

    #[test]
    fn the_same_distribution_does_not_differ_and_a_slower_one_does() {
        let same = quantiles(&latencies(1, 1.0), &latencies(2, 1.0), Seed(7));
        assert!(same.iter().all(|line| !line.differs), "{same:#?}");
        let slower = quantiles(&latencies(1, 1.0), &latencies(2, 1.5), Seed(7));
        assert!(slower.iter().take(3).all(|line| line.differs), "{slower:#?}");
        assert_eq!(slower, quantiles(&latencies(1, 1.0), &latencies(2, 1.5), Seed(7)));
    }

    #[test]
    fn a_slow_stretch_in_one_of_two_runs_is_chance() {
        let one = latencies(1, 1.0);
        let mut other = latencies(2, 1.0);
        // As one election: a fortieth of the run.
        other[100..110].iter_mut().for_each(|us| *us *= 100.0);
        let lines = quantiles(&one, &other, Seed(7));
        assert!(lines.iter().all(|line| !line.differs), "{lines:#?}");
    }
}
