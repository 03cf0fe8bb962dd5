//! What a table of many programs says of each: a row from the verdicts of its runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::text::{cell, escape};
use crate::verdict::{Answer, AnswerKind, Question, Standing};

/// A row of `grade.csv`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The name of its folder.
    pub program: String,
    /// Configs passed by the course's rules.
    pub passed: usize,
    /// Configs asked.
    pub of: usize,
    /// `yes` (in what was seen), `no`, `unknown`, or `not tried`.
    pub linearizable: String,
    /// What is wrong at worst: `safety: stale read`; empty if nothing is.
    pub kind: String,
    /// The median of the configs' median latencies.
    pub median_latency_ms: Option<f64>,
    /// Messages between replicas in all configs together.
    pub messages: u64,
    /// The tiers of each config: `simple-1 3-1-1-1; ...`.
    pub tiers: String,
    /// What the host did to it, in how many runs.
    pub environment: String,
    /// Why there is less than was asked for: it cannot be started, or met a limit.
    pub note: String,
    /// How long it took.
    pub seconds: u64,
    /// The page of its runs.
    #[serde(default)]
    pub report: String,
}

/// The parts of a verdict that matter here.
#[derive(Clone, Debug, Deserialize)]
pub struct RunPart {
    scenario: String,
    #[serde(default)]
    seed: u64,
    #[serde(default)]
    run_again: bool,
    answers: Vec<Answer>,
    course: CoursePart,
}

#[derive(Clone, Debug, Deserialize)]
struct CoursePart {
    judgement: Option<JudgementPart>,
    statistics: StatisticsPart,
}

#[derive(Clone, Debug, Deserialize)]
struct JudgementPart {
    passed: bool,
    tiers: Option<BTreeMap<String, Option<u8>>>,
}

#[derive(Clone, Debug, Deserialize)]
struct StatisticsPart {
    messages_sent: u64,
    median_latency_s: f64,
}

impl RunPart {
    /// How the answer to this question stands, and its kind.
    fn answer(&self, question: Question) -> Option<(Standing, AnswerKind)> {
        let answer = self.answers.iter().find(|answer| answer.question == question)?;
        Some((answer.standing, answer.kind))
    }

    fn is_invalid(&self, question: Question) -> bool {
        matches!(self.answer(question), Some((Standing::Invalid, _)))
    }
}

impl Row {
    /// Whether it is this program's, as it is written in `grade.csv`.
    pub fn is_of(&self, program: &str) -> bool {
        self.program == program || self.program == cell(program)
    }

    /// The row of a program that made these runs; `of` configs were asked.
    pub fn of(program: &str, of: usize, runs: &[RunPart]) -> Self {
        let runs = &counted(runs);
        let judged: Vec<(&RunPart, &JudgementPart)> =
            runs.iter().filter_map(|run| Some((run, run.course.judgement.as_ref()?))).collect();
        let mut medians: Vec<f64> =
            judged.iter().map(|(run, _)| run.course.statistics.median_latency_s * 1e3).collect();
        medians.sort_by(f64::total_cmp);
        let mut tiers: Vec<String> = judged.iter().filter_map(|(run, it)| tiers(run, it)).collect();
        tiers.sort();
        Self {
            program: program.to_owned(),
            passed: judged.iter().filter(|(_, judgement)| judgement.passed).count(),
            of,
            linearizable: linearizable(runs).to_owned(),
            kind: worst(runs).unwrap_or_default(),
            median_latency_ms: medians.get(medians.len() / 2).map(|ms| (ms * 1e3).round() / 1e3),
            messages: judged.iter().map(|(run, _)| run.course.statistics.messages_sent).sum(),
            tiers: tiers.join("; "),
            environment: environment(runs),
            note: String::new(),
            seconds: 0,
            report: String::new(),
        }
    }
}

/// Without those that were made again.
fn counted(runs: &[RunPart]) -> Vec<RunPart> {
    let is_replaced = |run: &RunPart| {
        let same = |other: &&RunPart| other.scenario == run.scenario && other.seed == run.seed;
        !run.run_again && runs.iter().filter(same).any(|other| other.run_again)
    };
    runs.iter().filter(|run| !is_replaced(run)).cloned().collect()
}

fn tiers(run: &RunPart, judgement: &JudgementPart) -> Option<String> {
    const ORDER: [&str; 4] = ["total_msgs", "failures", "duplicates", "median_latency"];
    let tiers = judgement.tiers.as_ref()?;
    let number = |name: &&str| match tiers.get(*name) {
        Some(Some(tier)) => tier.to_string(),
        _ => "x".to_owned(),
    };
    let numbers: Vec<String> = ORDER.iter().map(number).collect();
    let config = run.scenario.trim_start_matches("course-2021-").trim_start_matches("course-2016-");
    Some(format!("{config} {}", numbers.join("-")))
}

fn linearizable(runs: &[RunPart]) -> &'static str {
    let stand = |standing| {
        runs.iter().any(|run| run.answer(Question::Safety).is_some_and(|(it, _)| it == standing))
    };
    if stand(Standing::Invalid) {
        return "no";
    }
    // Where hardly anything was answered, there was nothing to check.
    let says_much = |run: &&RunPart| {
        run.answer(Question::Evidence).is_none_or(|(standing, _)| standing != Standing::Unknown)
    };
    let mut tried = runs.iter().filter(|run| run.course.judgement.is_none()).peekable();
    if tried.peek().is_none() {
        return "not tried";
    }
    let is_known = !stand(Standing::Unknown) && tried.any(|run| says_much(&run));
    if is_known { "yes" } else { "unknown" }
}

/// The worst question that is answered badly anywhere, with the kind that is most frequent there.
fn worst(runs: &[RunPart]) -> Option<String> {
    for question in Question::OWED {
        let mut counts = BTreeMap::<&str, usize>::new();
        for run in runs.iter().filter(|run| run.is_invalid(question)) {
            if let Some((_, kind)) = run.answer(question) {
                *counts.entry(kind.name()).or_default() += 1;
            }
        }
        if let Some((kind, _)) = counts.iter().max_by_key(|(_, count)| **count) {
            return Some(format!("{}: {kind}", question.name()));
        }
    }
    None
}

fn environment(runs: &[RunPart]) -> String {
    let mut counts = BTreeMap::<&str, usize>::new();
    for run in runs {
        if let Some((standing, kind)) = run.answer(Question::Environment)
            && standing != Standing::Valid
        {
            *counts.entry(kind.name()).or_default() += 1;
        }
    }
    let told = counts.iter().map(|(kind, count)| format!("{kind} in {count} of {}", runs.len()));
    told.collect::<Vec<_>>().join("; ")
}

fn program(row: &Row) -> String {
    escape(&row.program)
}

/// All rows for people.
pub fn table(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| program(row).chars().count()).max().unwrap_or(0).max(7);
    let mut text = format!(
        "{:<width$}  {:>7}  {:<12}  {:>10}  {:>9}  problems and notes\n",
        "program", "passed", "linearizable", "median", "messages"
    );
    for row in rows {
        let median = row.median_latency_ms.map_or("-".to_owned(), |ms| format!("{ms:.3} ms"));
        let notes = [&row.kind, &row.note, &row.environment];
        let notes: Vec<&str> =
            notes.into_iter().map(String::as_str).filter(|it| !it.is_empty()).collect();
        let line = format!(
            "{:<width$}  {:>7}  {:<12}  {median:>10}  {:>9}  {}",
            program(row),
            format!("{}/{}", row.passed, row.of),
            row.linearizable,
            row.messages,
            escape(&notes.join("; "))
        );
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(scenario: &str, passed: Option<bool>, safety: (&str, &str)) -> RunPart {
        let judgement = passed.map(|passed| {
            json!({"passed": passed, "tiers": passed.then(|| json!({"total_msgs": 3, "failures": 1}))})
        });
        let run = json!({
            "scenario": scenario,
            "answers": [
                {"question": "safety", "standing": safety.0, "kind": safety.1,
                    "sentence": ""},
                {"question": "environment", "standing": "valid", "kind": "quiet",
                    "sentence": ""},
            ],
            "course": {
                "judgement": judgement,
                "statistics": {"messages_sent": 100, "median_latency_s": 0.002},
            },
        });
        serde_json::from_value(run).expect("the parts of a verdict")
    }

    #[test]
    fn passing_the_course_and_being_linearizable_are_told_apart() {
        let valid = ("valid", "linearizable");
        let runs = [
            run("course-2021-simple-1", Some(true), valid),
            run("course-2021-crash-1", Some(false), valid),
            run("stress", None, ("invalid", "stale read")),
        ];
        let row = Row::of("anna", 2, &runs);
        assert_eq!((row.passed, row.of, row.messages), (1, 2, 200));
        assert_eq!((row.linearizable.as_str(), row.kind.as_str()), ("no", "safety: stale read"));
        assert_eq!(row.median_latency_ms, Some(2.0));
        assert_eq!(row.tiers, "simple-1 3-1-x-x");
        assert!(table(&[row]).contains("anna         1/2  no"));
        assert_eq!(Row::of("anna", 2, &runs[..2]).linearizable, "not tried");
        let mut silent = run("stress", None, valid);
        silent.answers.push(Answer {
            question: Question::Evidence,
            standing: Standing::Unknown,
            kind: AnswerKind::Vacuous,
            sentence: String::new(),
            details: Vec::new(),
            attributed_to_host: None,
        });
        assert_eq!(Row::of("anna", 2, &[silent.clone()]).linearizable, "unknown");
        let loud = run("stress", None, valid);
        assert_eq!(Row::of("anna", 2, &[silent, loud]).linearizable, "yes");
        assert_eq!(Row::of("anna", 2, &[]).median_latency_ms, None);
    }

    #[test]
    fn what_was_run_again_alone_takes_the_place_of_what_failed_before() {
        let valid = ("valid", "linearizable");
        let mut again = run("course-2021-crash-1", Some(true), valid);
        again.run_again = true;
        let failed = run("course-2021-crash-1", Some(false), valid);
        let other = run("course-2021-crash-2", Some(false), valid);
        let row = Row::of("anna", 2, &[failed.clone(), other.clone(), again.clone()]);
        assert_eq!((row.passed, row.messages), (1, 200), "the first is not counted");
        // It may fail once more.
        again.course.judgement = failed.course.judgement.clone();
        let row = Row::of("anna", 2, &[failed.clone(), other.clone(), again.clone()]);
        assert_eq!((row.passed, row.messages), (0, 200));
        // Another seed is another run.
        again.seed = 8;
        assert_eq!(Row::of("anna", 2, &[failed, other, again]).messages, 300);
    }
}
