//! What a finished run shows: files for programs, text for people.
//!
//! Each export format is a file of its own, a pure renderer from a plain value to
//! [`Write`](std::io::Write). Nothing here judges: a report that fails changes no verdict.
//!
//! - [`latency_csv`], [`latency_summary_csv`], [`messages_csv`], [`faults_jsonl`], [`leaders_jsonl`]: from
//!   the record of a run alone, in the folder of the run;
//! - [`summary_csv`]: one row for the run, also appended to the summary of all runs;
//! - [`verdict_json`]: for machines, as a file or as one line on standard output;
//! - [`html`]: one self-contained page of pictures for people, from the run's folder;
//! - [`junit`], [`annotations`]: for CI servers; [`schema`]: the shapes of files, for other tools;
//! - [`index`]: all runs on one page;
//! - [`console`]: the final block for people; [`progress`]: the lines while a run goes on; [`many`]: how
//!   far many runs are, and which failed.
//!
//! [`files`] is the table of what is written into a run's folder: a new format is one new file
//! here and one line there. [`totals`] and [`quantiles`] hold the numbers that several formats
//! show; [`text`] makes them readable, and makes foreign text safe for a terminal.

pub mod annotations;
pub mod console;
pub mod files;
pub mod html;
pub mod index;
pub mod junit;
pub mod latency_csv;
pub mod latency_summary_csv;
pub mod many;
pub mod messages_csv;
pub mod progress;
pub mod quantiles;
pub mod schema;
pub mod summary_csv;
pub mod totals;
pub mod verdict_json;

#[cfg(test)]
pub(crate) mod sample;

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::course;
use crate::explain::Explanation;
use crate::record::RunRecord;
use crate::text;
use crate::verdict::{Answer, Question, Standing, Verdict};
use crate::world::Clock;

pub use console::{Style, console_block, quiet_line, verdict_lines};
pub use files::write_files;
pub use verdict_json::json_line;

/// A judged run, and what its reports have to know besides.
#[derive(Clone, Debug)]
pub struct Finished<'a> {
    /// What was seen.
    pub record: &'a RunRecord,
    /// What it means.
    pub verdict: &'a Verdict,
    /// The operations of the witness, if the history is not linearizable.
    pub witness: Option<&'a checker::Witness>,
    /// What the course's simulator would report.
    pub statistics: course::Statistics,
    /// How the course judges it; `None` where it has no rules, or the run was cut short.
    pub judgement: Option<course::CourseJudgement>,
    /// What the verdict means, in sentences.
    pub explanation: Option<Explanation>,
    /// The command that reproduces the run.
    pub reproduce: String,
    /// The run's folder, as people are shown it.
    pub folder: PathBuf,
    /// The folder of all results, where the summary of all runs is.
    pub results: &'a Path,
    /// Whether it takes the place of a run that failed on a disturbed host.
    pub is_again: bool,
    /// When the run was begun.
    pub start: Timestamp,
    /// Whose time it has.
    pub clock: Clock,
}

impl Finished<'_> {
    /// The same as the files in the run's own folder tell it. In virtual time they hold neither real times nor the
    /// folder's name, so that the same run has the same files.
    fn inside(&self) -> Self {
        match self.clock {
            Clock::Real => self.clone(),
            Clock::Virtual => {
                Self { start: Timestamp::UNIX_EPOCH, folder: PathBuf::from("."), ..self.clone() }
            }
        }
    }
}

/// What the reader should know although no verdict says it, a sentence each: what is odd about the
/// workload, what is allowed but odd in the replicas' messages, and the details of good answers.
pub(crate) fn warnings(finished: &Finished<'_>) -> Vec<String> {
    let record = finished.record;
    let protocol_warnings = record.protocol_warnings.iter().map(|(warning, example)| {
        format!(
            "{} {}; the first by {} at {}: {}",
            text::grouped(example.count),
            warning.describe(),
            example.node,
            example.at,
            example.text
        )
    });
    // Details of good answers: what the host did, which faults could not be applied. What the checker counted is no
    // warning.
    let is_counted = |answer: &Answer| answer.question == Question::Safety;
    let good = finished.verdict.answers.iter();
    let good = good.filter(|it| it.standing == Standing::Valid && !is_counted(it));
    let notes = good.flat_map(|answer| answer.details.iter().cloned());
    let left_out = record.notes.iter().cloned();
    let warnings = record.scenario.warnings.iter().cloned();
    warnings.chain(protocol_warnings).chain(left_out).chain(notes).collect()
}
