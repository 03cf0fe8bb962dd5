//! `verdict.json`: the verdict and the run's numbers for machines; also `--format json`'s line.

use std::io::{self, Write};

use serde::Serialize;

use crate::course::{self, CourseJudgement};
use crate::durability::DurabilityRecord;
use crate::explain::Explanation;
use crate::ids::NodeId;
use crate::record::{EndReason, ReplicaRecord, RunRecord};
use crate::report::files::FILES;
use crate::report::totals::Totals;
use crate::report::{Finished, warnings};
use crate::seed::Seed;
use crate::text;
use crate::time::RunTime;
use crate::verdict::Answer;
use crate::world::Clock;

/// The version of this shape.
pub const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct VerdictFile<'a> {
    schema: u32,
    scenario: &'a str,
    seed: Seed,
    /// When the run was begun (UTC).
    start: String,
    duration_s: f64,
    /// It takes the place of a run that failed on a disturbed host.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    run_again: bool,
    end: EndReason,
    exit_code: u8,
    /// In the order of badness of their questions.
    answers: &'a [Answer],
    /// What all that means, in sentences; the same as `harness explain` says.
    explanation: &'a Option<Explanation>,
    /// The operations of the witness; `null` if there is none.
    witness: Option<&'a checker::Witness>,
    /// The first put that was acknowledged too early, with its messages, and how many there were.
    durability: &'a DurabilityRecord,
    replicas: Vec<ReplicaReport<'a>>,
    statistics: Totals,
    course: CourseReport<'a>,
    warnings: Vec<String>,
    reproduce: &'a str,
    results: String,
    files: Vec<String>,
}

/// The life of one replica, and its own word about its state at the end.
#[derive(Serialize)]
struct ReplicaReport<'a> {
    id: NodeId,
    connect_ms: Option<u64>,
    death: Option<DeathReport>,
    cpu_ms: Option<u64>,
    output_bytes: u64,
    commit: Option<u64>,
    digest: Option<&'a str>,
}

#[derive(Serialize)]
struct DeathReport {
    time_ns: RunTime,
    how: String,
    is_planned: bool,
}

impl<'a> ReplicaReport<'a> {
    fn of(replica: &'a ReplicaRecord, record: &'a RunRecord) -> Self {
        let state = record.states.iter().find(|state| state.id == replica.id);
        let death = replica.death.as_ref();
        Self {
            id: replica.id,
            connect_ms: replica.connect_time.and_then(|it| u64::try_from(it.as_millis()).ok()),
            death: death.map(|it| DeathReport {
                time_ns: it.at,
                how: it.how.to_string(),
                is_planned: it.is_planned,
            }),
            cpu_ms: replica.cpu_ns.map(|ns| ns / 1_000_000),
            output_bytes: replica.output_bytes,
            commit: state.map(|it| it.commit),
            digest: state.map(|it| it.digest.as_str()),
        }
    }
}

/// What the course's simulator would say; `judgement` is `null` where it has no rules.
#[derive(Serialize)]
struct CourseReport<'a> {
    judgement: &'a Option<CourseJudgement>,
    statistics: &'a course::Statistics,
}

impl<'a> VerdictFile<'a> {
    fn of(finished: &'a Finished<'_>) -> Self {
        let record = finished.record;
        Self {
            schema: SCHEMA,
            scenario: &record.scenario.name,
            seed: record.plan.seed,
            start: finished.start.to_string(),
            duration_s: record.duration.as_secs_f64(),
            run_again: finished.is_again,
            end: record.end,
            exit_code: finished.verdict.exit().code(),
            answers: &finished.verdict.answers,
            explanation: &finished.explanation,
            witness: finished.witness,
            durability: &record.durability,
            replicas: record.replicas.iter().map(|it| ReplicaReport::of(it, record)).collect(),
            statistics: Totals::of(record),
            course: CourseReport {
                judgement: &finished.judgement,
                statistics: &finished.statistics,
            },
            warnings: warnings(finished),
            reproduce: &finished.reproduce,
            // Two runs in virtual time differ in nothing, not in their folders either.
            results: match finished.clock {
                Clock::Real => finished.folder.display().to_string(),
                Clock::Virtual => ".".to_owned(),
            },
            files: FILES.iter().map(|file| file.name.to_owned()).collect(),
        }
    }
}

/// Writes the verdict as indented JSON.
pub fn write(finished: &Finished<'_>, mut out: impl Write) -> io::Result<()> {
    let json = serde_json::to_string_pretty(&VerdictFile::of(finished))?;
    writeln!(out, "{}", text::escape_json(&json))?;
    out.flush()
}

/// The same on one line, with its line end.
///
/// # Panics
///
/// Never: all keys of the shape are text, and no part of it refuses to be serialized.
pub fn json_line(finished: &Finished<'_>) -> String {
    let json = serde_json::to_string(&VerdictFile::of(finished))
        .expect("a verdict has text keys only and serializes into memory");
    format!("{}\n", text::escape_json(&json))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::Value;

    use super::*;
    use crate::report::sample::{self, Sample};

    #[test]
    fn the_line_and_the_file_say_the_same() {
        let sample = Sample::new();
        let finished = sample.finished(Path::new("results"));
        let line = json_line(&finished);
        assert_eq!(line.matches('\n').count(), 1, "{line}");
        let line: Value = serde_json::from_str(&line).unwrap();
        let file: Value = serde_json::from_str(&sample::text(|out| write(&finished, out))).unwrap();
        assert_eq!(line, file);
        assert_eq!(line["exit_code"], 10);
        assert_eq!(line["answers"][0]["question"], "safety");
        assert_eq!(line["answers"][0]["standing"], "invalid");
        assert_eq!(line["statistics"]["latency"]["p50_us"], 1000.001);
        assert_eq!(line["statistics"]["messages"]["dropped_by_cause"]["loss"], 201);
        assert_eq!(line["course"]["judgement"], Value::Null);
    }

    #[test]
    fn no_control_character_gets_out_and_every_one_comes_back() {
        let sample = Sample::new();
        let mut verdict = sample.verdict.clone();
        verdict.answers[0].sentence = "a\u{9b}31m\u{1b}\u{7f}\u{202e}é".to_owned();
        let mut finished = sample.finished(Path::new("results"));
        finished.verdict = &verdict;
        let line = json_line(&finished);
        assert!(!line.trim_end().contains(text::is_unsafe), "{line:?}");
        let back: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(back["answers"][0]["sentence"], verdict.answers[0].sentence);
    }
}
