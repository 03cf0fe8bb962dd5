//! The rules of 2016: each published test has limits of its own.

use super::{Statistics, broken_by_any};

/// The limits of one test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// The file's stem: `simple-1`.
    pub test: &'static str,
    /// The number of operations that the other limits are taken of.
    pub requests: f64,
    /// Fraction of them that may fail or stay unanswered, gets and puts apart.
    pub mayfail: f64,
    /// By how much the messages may exceed two for each operation and replica.
    pub tolerance: f64,
    /// The greatest mean latency in seconds.
    pub mean_latency_s: f64,
}

impl Limits {
    /// The most operations of a kind that may fail or stay unanswered.
    pub fn most_failures(&self) -> f64 {
        self.requests * self.mayfail
    }

    /// The most messages between replicas.
    pub fn most_messages(&self) -> f64 {
        /// Every published test of 2016 has five.
        const REPLICAS: f64 = 5.0;
        self.requests * REPLICAS * 2.0 * self.tolerance
    }
}

const fn limits(
    test: &'static str,
    requests: f64,
    mayfail: f64,
    tolerance: f64,
    mean_latency_s: f64,
) -> Limits {
    Limits { test, requests, mayfail, tolerance, mean_latency_s }
}

const TESTS: [Limits; 17] = [
    limits("simple-1", 500.0, 0.01, 1.2, 0.05),
    limits("simple-2", 500.0, 0.01, 1.2, 0.05),
    limits("unreliable-1", 500.0, 0.01, 1.25, 0.05),
    limits("unreliable-2", 500.0, 0.01, 1.3, 0.09),
    limits("unreliable-3", 500.0, 0.01, 1.35, 0.09),
    limits("crash-1", 500.0, 0.01, 1.2, 0.05),
    limits("crash-2", 500.0, 0.01, 1.2, 0.05),
    limits("crash-3", 500.0, 0.1, 1.3, 0.05),
    limits("crash-4", 500.0, 0.1, 1.4, 0.05),
    limits("partition-1", 500.0, 0.01, 1.3, 0.05),
    limits("partition-2", 500.0, 0.01, 1.4, 0.05),
    limits("partition-3", 500.0, 0.1, 1.5, 0.5),
    limits("partition-4", 500.0, 0.1, 1.5, 0.5),
    limits("advanced-1", 1000.0, 0.1, 1.5, 0.5),
    limits("advanced-2", 800.0, 0.1, 1.5, 0.09),
    limits("advanced-3", 500.0, 0.3, 2.0, 0.5),
    limits("advanced-4", 1000.0, 0.1, 2.0, 0.5),
];

/// The limits of the published test with this name.
pub fn limits_2016(test: &str) -> Option<&'static Limits> {
    TESTS.iter().find(|limits| limits.test == test)
}

/// The rules of 2016 that the run broke, a sentence each; it passes if there are none.
pub fn pass_2016(limits: &Limits, statistics: &Statistics) -> Vec<String> {
    let mut broken = broken_by_any(statistics);
    let kinds = [
        ("gets", statistics.failed_gets + statistics.unanswered_gets),
        ("puts", statistics.failed_puts + statistics.unanswered_puts),
    ];
    for (kind, failures) in kinds {
        if failures as f64 > limits.most_failures() {
            broken.push(format!(
                "failed and unanswered {kind}: {failures}; at most {} are allowed ({} of {})",
                limits.most_failures().floor(),
                limits.mayfail,
                limits.requests
            ));
        }
    }
    if statistics.messages_sent as f64 > limits.most_messages() {
        broken.push(format!(
            "messages between replicas: {}; at most {} are allowed",
            statistics.messages_sent,
            limits.most_messages().floor()
        ));
    }
    if statistics.mean_latency_s > limits.mean_latency_s {
        broken.push(format!(
            "mean latency: {:.6} s; at most {} s are allowed",
            statistics.mean_latency_s, limits.mean_latency_s
        ));
    }
    broken
}
