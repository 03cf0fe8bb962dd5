//! A run judged: its history read from the file, checked, and put beside what was recorded.

use std::path::Path;

use crate::check::{self, Question};
use crate::explain::{self, Evidence, Explanation};
use crate::journal::history::{self, Kept};
use crate::record::RunRecord;
use crate::verdict::{self, Verdict, safety};

/// What a run comes to.
pub struct Judged {
    /// The six answers.
    pub verdict: Verdict,
    /// The operations that exclude one another, if the history is invalid.
    pub witness: Option<checker::Witness>,
    evidence: Evidence,
}

impl Judged {
    /// The verdict in sentences.
    pub fn explanation(&self) -> Explanation {
        explain::tell(&self.evidence)
    }
}

/// Reads the history of a run, as `harness check` would, checks it and judges the run. What else there is to explain
/// comes from its folder.
pub fn judge(record: &RunRecord, history: Kept, folder: &Path) -> anyhow::Result<Judged> {
    let question = Question::of_scenario(&record.scenario);
    let mut asked = check::read_kept(history, &folder.join(history::NAME), &question)?;
    asked.read.history.note_sightings(record.sightings.clone());
    let report = asked.judge(&question);
    let history = asked.read.history;
    let verdict = verdict::judge(record, safety::answer(&report));
    let witness = match &report.verdict {
        checker::Verdict::Invalid(witness) => Some((**witness).clone()),
        _ => None,
    };
    let evidence = Evidence::of_run(folder, history, report, verdict.answers.clone())?;
    Ok(Judged { verdict, witness, evidence })
}

#[cfg(test)]
mod texts;
