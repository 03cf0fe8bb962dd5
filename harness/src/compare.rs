//! Two runs side by side: what differs beyond chance.
//!
//! Latency quantiles are compared by the bootstrap (Efron 1979): both runs' latencies are number again with
//! replacement, many times, and the difference of the quantiles is taken each time. If zero lies
//! outside of the middle 95 % of these differences, the runs differ.

use std::io;
use std::path::Path;

use serde_json::Value;

use crate::seed::Seed;

/// How often is number again.
const DRAWS: usize = 400;

/// Beyond this many latencies a run is thinned out: the intervals are narrow enough.
const MOST_LATENCIES: usize = 20_000;

/// The quantiles that are compared, with their names.
const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];

/// One line of the comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// What is compared.
    pub what: String,
    /// In the first run.
    pub a: String,
    /// In the second.
    pub b: String,
    /// The difference, with its interval where chance has a part in it.
    pub difference: String,
    /// Whether it is more than chance.
    pub differs: bool,
}

/// What of a run is compared.
pub struct Run {
    verdict: Value,
    latencies: Vec<f64>,
}

impl Run {
    /// Reads what the run in `folder` left.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let verdict = serde_json::from_slice(&std::fs::read(folder.join("verdict.json"))?)?;
        let mut reader = csv::Reader::from_path(folder.join("latency.csv"))?;
        let headers = reader.headers()?.clone();
        let column = |name: &str| {
            let found = headers.iter().position(|header| header == name);
            found.ok_or_else(|| io::Error::other(format!("latency.csv has no column `{name}`")))
        };
        let (latency, outcome) = (column("latency_us")?, column("outcome")?);
        let mut latencies = Vec::new();
        for row in reader.records() {
            let row = row?;
            if row.get(outcome) == Some("ok") {
                latencies.extend(row.get(latency).and_then(|cell| cell.parse::<f64>().ok()));
            }
        }
        let step = latencies.len().div_ceil(MOST_LATENCIES).max(1);
        let mut latencies: Vec<f64> = latencies.into_iter().step_by(step).collect();
        latencies.sort_unstable_by(f64::total_cmp);
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
            a,
            b,
            difference: difference.to_owned(),
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
            a: format!("{a:.2}"),
            b: format!("{b:.2}"),
            difference: format!("{:+.2}", b - a),
            differs,
        });
    }
    lines
}

fn quantiles(a: &[f64], b: &[f64], seed: Seed) -> Vec<Line> {
    let mut draws = vec![Vec::with_capacity(DRAWS); QUANTILES.len()];
    let (mut x, mut y) = (vec![0.0; a.len()], vec![0.0; b.len()]);
    let mut number = 0;
    for _ in 0..DRAWS {
        for (of, into) in [(a, &mut x), (b, &mut y)] {
            for place in into.iter_mut() {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a place in a list"
                )]
                let at = (seed.fraction(number) * of.len() as f64) as usize;
                *place = of[at.min(of.len() - 1)];
                number += 1;
            }
            into.sort_unstable_by(f64::total_cmp);
        }
        for (differences, (_, q)) in draws.iter_mut().zip(QUANTILES) {
            differences.push(quantile(&y, q) - quantile(&x, q));
        }
    }
    let line = |(mut differences, (name, q)): (Vec<f64>, (&str, f64))| {
        differences.sort_unstable_by(f64::total_cmp);
        let (low, high) = (quantile(&differences, 0.025), quantile(&differences, 0.975));
        let (a, b) = (quantile(a, q), quantile(b, q));
        Line {
            what: format!("latency {name} (ms)"),
            a: ms(a),
            b: ms(b),
            difference: format!("{} [{}, {}]", signed(b - a), signed(low), signed(high)),
            differs: low > 0.0 || high < 0.0,
        }
    };
    draws.into_iter().zip(QUANTILES).map(line).collect()
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
        let mut list: Vec<f64> =
            (0..400).map(|n| scale * (100.0 + 900.0 * Seed(seed).fraction(n))).collect();
        list.sort_unstable_by(f64::total_cmp);
        list
    }

    #[test]
    fn the_same_distribution_does_not_differ_and_a_slower_one_does() {
        let same = quantiles(&latencies(1, 1.0), &latencies(2, 1.0), Seed(7));
        assert!(same.iter().take(2).all(|line| !line.differs), "{same:#?}");
        let slower = quantiles(&latencies(1, 1.0), &latencies(2, 1.5), Seed(7));
        assert!(slower.iter().take(3).all(|line| line.differs), "{slower:#?}");
        assert_eq!(slower, quantiles(&latencies(1, 1.0), &latencies(2, 1.5), Seed(7)));
    }
}
