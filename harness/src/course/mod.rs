//! The judgement of the course that the bundled replica comes from, by its own rules.
//!
//! - [`configs`]: the published configs, inside the binary.
//! - `statistics`: what the course's simulator reports of a run ([`Statistics`]).
//! - `rules_2016`: limits by test ([`pass_2016`]).
//! - `rules_2021`: correctness ([`correctness`]) and four benchmarks with tiers ([`tiers`]).
//! - [`grade`]: what a table of many programs says of each.
//! - [`judge`]: the rules of the scenario's era.
//!
//! Everything here is a pure function of plain values. It stands beside the harness's own
//! verdict and never changes it: a store can pass the course and still be inconsistent, because the
//! course's clients share no keys.

pub mod configs;
pub mod grade;
mod rules_2016;
mod rules_2021;
mod statistics;

use serde::Serialize;

use crate::scenario::{Clients, Era, Scenario};
pub use rules_2016::{Limits, limits_2016, pass_2016};
pub use rules_2021::{Tier, Tiers, correctness, tiers};
pub use statistics::Statistics;

/// How the course judges a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CourseJudgement {
    /// The era of the rules.
    pub era: Era,
    /// 2016: every limit of the test is kept. 2021: correctness holds, whatever the tiers.
    pub passed: bool,
    /// Each rule that was broken, a sentence each; empty if it passed.
    pub reasons: Vec<String>,
    /// The tiers of the benchmarks that the file has. The course looks at them only where
    /// correctness holds.
    pub tiers: Option<Tiers>,
}

impl CourseJudgement {
    /// The judgement for the console, a line each.
    pub fn lines(&self) -> Vec<String> {
        let word = if self.passed { "passed" } else { "failed" };
        let mut lines = vec![format!("{word} by the course's rules of {}", self.era)];
        lines.extend(self.reasons.iter().map(|reason| format!("  {reason}")));
        if let Some(tiers) = &self.tiers {
            lines.extend(tiers.lines());
        }
        lines
    }
}

/// The judgement by the rules of the scenario's era; `None` where the course has no rules for it:
/// other clients than the course's, or neither `tests` nor the name of a published test of 2016.
pub fn judge(scenario: &Scenario, statistics: &Statistics) -> Option<CourseJudgement> {
    let Clients::Course { requests } = scenario.clients else { return None };
    let (reasons, benchmarks) = match scenario.era {
        Era::Y2016 => {
            let test = scenario.name.strip_prefix("course-2016-")?;
            (pass_2016(limits_2016(test)?, statistics), None)
        }
        Era::Y2021 => {
            let tests = scenario.tests.as_ref()?;
            let least = rules_2021::least_messages(scenario, requests, tests);
            (correctness(tests, least, statistics), tests.benchmarks.as_ref())
        }
    };
    let passed = reasons.is_empty();
    let tiers = benchmarks.filter(|_| passed).map(|limits| tiers(limits, statistics));
    Some(CourseJudgement { era: scenario.era, passed, reasons, tiers })
}

/// The rules of both eras that any answer or death breaks.
fn broken_by_any(statistics: &Statistics) -> Vec<String> {
    let mut broken = Vec::new();
    if statistics.incorrect_gets > 0 {
        broken.push(format!(
            "gets answered incorrectly: {}; none is allowed",
            statistics.incorrect_gets
        ));
    }
    if statistics.protocol_errors > 0 {
        broken.push(format!(
            "messages that the course's simulator cannot read or place: {}; none is allowed",
            statistics.protocol_errors
        ));
    }
    if statistics.replicas_died > 0 {
        broken.push(format!(
            "replicas that died by themselves: {}; none is allowed",
            statistics.replicas_died
        ));
    }
    broken
}

#[cfg(test)]
mod tests;
