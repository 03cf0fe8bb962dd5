//! The rules of 2021: correctness decides, four benchmarks are graded in tiers.

use std::fmt;

use serde::Serialize;

use super::{Statistics, broken_by_any};
use crate::scenario::{Benchmarks, CourseTests, Scenario};

/// The fewest messages between replicas that the requests can be replicated with, as the course
/// reckons: one for each put and replica, less what batching saves.
pub(super) fn least_messages(scenario: &Scenario, requests: u64, tests: &CourseTests) -> f64 {
    requests as f64
        * scenario.replicas as f64
        * (1.0 - scenario.mix)
        * (1.0 - tests.maximum_appends_batched_fraction)
}

/// The rules of correctness that the run broke, a sentence each; it passes if there are none.
///
/// Unanswered operations are judged against those generated; gets that could not be generated, and
/// became puts, against those that were to be gets.
pub fn correctness(
    tests: &CourseTests,
    least_messages: f64,
    statistics: &Statistics,
) -> Vec<String> {
    let mut broken = broken_by_any(statistics);
    if statistics.puts_acknowledged == 0 {
        broken.push("no put was acknowledged; some state must be stored".to_owned());
    }
    let to_be_gets = statistics.gets + statistics.gets_not_generated;
    let fractions = [
        (
            "unanswered gets",
            statistics.unanswered_gets,
            statistics.gets,
            tests.maximum_get_fail_fraction,
        ),
        (
            "unanswered puts",
            statistics.unanswered_puts,
            statistics.puts,
            tests.maximum_put_fail_fraction,
        ),
        (
            "gets that could not be generated, for lack of acknowledged puts",
            statistics.gets_not_generated,
            to_be_gets,
            tests.maximum_get_generation_fail_fraction,
        ),
    ];
    for (what, count, of, fraction) in fractions {
        let most = of as f64 * fraction;
        if count as f64 > most {
            broken.push(format!(
                "{what}: {count}; at most {} are allowed ({fraction} of {of})",
                most.floor()
            ));
        }
    }
    if (statistics.messages_sent as f64) < least_messages {
        broken.push(format!(
            "messages between replicas: {}; at least {least_messages} are needed to replicate the \
             puts",
            statistics.messages_sent
        ));
    }
    broken
}

/// A benchmark's grade. Serialized as its number, 0 to 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(into = "u8")]
pub enum Tier {
    /// Strictly below the first limit.
    Bonus,
    /// Strictly below the second limit.
    FullCredit,
    /// Strictly below the third limit.
    PartialCredit,
    /// At the third limit, or above.
    NoCredit,
}

impl Tier {
    fn of(value: f64, limits: [f64; 3]) -> Self {
        match limits.iter().position(|&limit| value < limit) {
            Some(0) => Self::Bonus,
            Some(1) => Self::FullCredit,
            Some(_) => Self::PartialCredit,
            None => Self::NoCredit,
        }
    }

    /// 0 (best) to 3.
    pub fn number(self) -> u8 {
        match self {
            Self::Bonus => 0,
            Self::FullCredit => 1,
            Self::PartialCredit => 2,
            Self::NoCredit => 3,
        }
    }
}

impl From<Tier> for u8 {
    fn from(tier: Tier) -> Self {
        tier.number()
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let credit = match self {
            Self::Bonus => "bonus",
            Self::FullCredit => "full credit",
            Self::PartialCredit => "partial credit",
            Self::NoCredit => "no credit",
        };
        write!(f, "tier {} ({credit})", self.number())
    }
}

/// The grades of the benchmarks; `None` where the file sets no limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Tiers {
    /// Messages between replicas.
    pub total_msgs: Option<Tier>,
    /// Failed and unanswered operations.
    pub failures: Option<Tier>,
    /// Duplicate responses.
    pub duplicates: Option<Tier>,
    /// Median latency.
    pub median_latency: Option<Tier>,
}

impl Tiers {
    /// The four in the course's order, under its names.
    pub fn each(&self) -> [(&'static str, Option<Tier>); 4] {
        [
            ("total_msgs", self.total_msgs),
            ("failures", self.failures),
            ("duplicates", self.duplicates),
            ("median_latency", self.median_latency),
        ]
    }

    /// The grades for the console, a line each.
    pub fn lines(&self) -> Vec<String> {
        self.each()
            .into_iter()
            .filter_map(|(name, tier)| Some(format!("{name:<33} {}", tier?)))
            .collect()
    }
}

/// Grades a run.
pub fn tiers(limits: &Benchmarks, statistics: &Statistics) -> Tiers {
    let tier = |value: f64, limits: Option<[f64; 3]>| limits.map(|limits| Tier::of(value, limits));
    Tiers {
        total_msgs: tier(statistics.messages_sent as f64, limits.total_msgs),
        failures: tier(statistics.failures() as f64, limits.failures),
        duplicates: tier(statistics.duplicate_responses as f64, limits.duplicates),
        median_latency: tier(statistics.median_latency_s, limits.median_latency),
    }
}
