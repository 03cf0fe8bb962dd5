//! Many runs of one command: how far all are, and when they are over, which failed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use crate::text::{escape, wrap};
use crate::verdict::{Standing, Verdict};

/// The estimated cost of the start and the judging of a run beside its own time, until one has ended.
const OVERHEAD: Duration = Duration::from_secs(1);

/// How far the runs of a command are.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Runs at the same time.
    pub at_once: usize,
    /// Of each run that is over: how long it was to take, and how long it took.
    pub over: Vec<(Duration, Duration)>,
    /// How many of those were not valid.
    pub bad: usize,
    /// Of each run that goes on: how long it is to take, and how long it has taken.
    pub going: Vec<(Duration, Duration)>,
    /// Of each run to come: how long it is to take.
    pub to_come: Vec<Duration>,
}

impl Tally {
    /// `3 of 12 runs done, 1 not valid, about 1 min 20 s left`.
    pub fn line(&self) -> String {
        let all = self.over.len() + self.going.len() + self.to_come.len();
        let mut line = format!("{} of {all} runs done", self.over.len());
        if self.bad > 0 {
            let _ = write!(line, ", {} not valid", self.bad);
        }
        let _ = write!(line, ", about {} left", rough(self.to_go()));
        line
    }

    /// How long until all are over, if each takes beyond its own time what the others took so far.
    pub fn to_go(&self) -> Duration {
        let beyond: Duration =
            self.over.iter().map(|(planned, took)| took.saturating_sub(*planned)).sum();
        let runs = u32::try_from(self.over.len()).unwrap_or(u32::MAX);
        let beyond = beyond.checked_div(runs).unwrap_or(OVERHEAD);
        let mut lanes: Vec<Duration> = self
            .going
            .iter()
            .map(|(planned, taken)| (*planned + beyond).saturating_sub(*taken))
            .collect();
        lanes.resize(self.at_once.max(lanes.len()).max(1), Duration::ZERO);
        for planned in &self.to_come {
            // The next run takes the lane that is free first.
            lanes.sort();
            lanes[0] += *planned + beyond;
        }
        lanes.into_iter().max().unwrap_or_default()
    }
}

/// Whole seconds, from a minute on minutes too, from an hour on without seconds.
fn rough(duration: Duration) -> String {
    let seconds = duration.as_millis().div_ceil(1000);
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// A finished run among others.
#[derive(Clone, Debug)]
pub struct Line<'a> {
    /// The run in one line.
    pub line: &'a str,
    /// Its answers.
    pub verdict: &'a Verdict,
    /// The command that makes it again.
    pub reproduce: &'a str,
}

/// How many were valid, and those that were not once more: they may have scrolled away; in the end, how
/// many of which kind.
pub fn summary(runs: &[Line<'_>], width: usize) -> String {
    let is_bad = |run: &&Line<'_>| {
        run.verdict.is_interrupted
            || run.verdict.answers.iter().any(|answer| answer.standing != Standing::Valid)
    };
    let bad: Vec<&Line<'_>> = runs.iter().filter(is_bad).collect();
    let mut text = match bad.len() {
        0 => format!("all {} runs valid\n", runs.len()),
        count => format!("{count} of {} runs not valid:\n", runs.len()),
    };
    for run in &bad {
        let _ = write!(text, "\n{}", run.line);
        let answers = &run.verdict.answers;
        for answer in answers.iter().filter(|answer| answer.standing != Standing::Valid) {
            let (question, standing) = (answer.question.name(), answer.standing.name());
            let sentence = escape(&answer.sentence);
            for line in wrap(&format!("    {question} {standing}: {sentence}"), width) {
                let _ = writeln!(text, "{line}");
            }
        }
        let _ = writeln!(text, "    reproduce: {}", run.reproduce);
    }
    if !bad.is_empty() {
        let valid = runs.len() - bad.len();
        let kinds = kinds(&bad).into_iter().map(|(kind, count)| format!(", {count} {kind}"));
        let _ = writeln!(text, "\n{} runs: {valid} valid{}", runs.len(), kinds.collect::<String>());
    }
    text
}

/// How many ended in which way, each counted by its worst answer: `safety invalid (stale read)`.
fn kinds(bad: &[&Line<'_>]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for run in bad {
        let with = |standing| run.verdict.answers.iter().find(|it| it.standing == standing);
        let worst = with(Standing::Invalid).or_else(|| with(Standing::Unknown));
        let kind = worst.map_or_else(
            || "interrupted".to_owned(),
            |it| format!("{} {} ({})", it.question.name(), it.standing.name(), it.kind),
        );
        *counts.entry(kind).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::Sample;

    fn seconds(seconds: &[u64]) -> Vec<Duration> {
        seconds.iter().copied().map(Duration::from_secs).collect()
    }

    #[test]
    fn the_time_to_go_counts_lanes_and_what_runs_take_beyond_their_time() {
        let tally = Tally { at_once: 2, to_come: seconds(&[10, 10, 10]), ..Tally::default() };
        assert_eq!(tally.to_go().as_secs(), 22);
        let ten = Duration::from_secs(10);
        let tally = Tally {
            over: vec![(ten, ten + ten / 2)],
            going: vec![(ten, Duration::from_secs(3)), (ten, Duration::from_secs(99))],
            bad: 1,
            ..tally
        };
        // 12 s of the one that goes on, then 15; beside it two of 15.
        assert_eq!(tally.to_go().as_secs(), 30);
        assert_eq!(tally.line(), "1 of 6 runs done, 1 not valid, about 30 s left");
        assert_eq!(Tally::default().to_go(), Duration::ZERO);
        assert_eq!(rough(Duration::from_secs(80)), "1 min 20 s");
        assert_eq!(rough(Duration::from_secs(7300)), "2 h 1 min");
    }

    #[test]
    fn the_failures_are_repeated_and_the_valid_are_counted() {
        let bad = Sample::new().verdict;
        let mut good = bad.clone();
        for answer in &mut good.answers {
            answer.standing = Standing::Valid;
        }
        let run = |verdict| Line { line: "demo  seed 7\n", verdict, reproduce: "harness run demo" };
        assert_eq!(summary(&[run(&good), run(&good)], 100), "all 2 runs valid\n");
        let text = summary(&[run(&good), run(&bad)], 100);
        assert!(text.starts_with("1 of 2 runs not valid:\n\ndemo  seed 7\n    "), "{text}");
        let last: Vec<&str> = text.lines().rev().take(3).collect();
        let count = "2 runs: 1 valid, 1 safety invalid (stale read)";
        assert_eq!(last, [count, "", "    reproduce: harness run demo"], "{text}");
        assert_eq!(text.matches("demo  seed 7").count(), 1, "{text}");
    }
}
