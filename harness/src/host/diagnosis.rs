//! The host or the replica? From how often runs of one plan failed on two hosts.
//!
//! A contradiction is the replica's wherever it shows: no host makes a store forget what it acknowledged.
//! A failure on the quiet host, while that host was quiet indeed, is the replica's. Only failures that
//! show on the disturbed host alone, and that its disturbances account for, are the host's.

use crate::exit::Exit;
use crate::verdict::{Answer, Question, Standing, Verdict};

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Diagnosis {
    /// The store has a bug.
    TheReplica,
    /// The host broke it.
    TheHost,
    /// What was seen fits both.
    CannotTell,
}

impl Diagnosis {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::TheReplica => "the replica",
            Self::TheHost => "the host",
            Self::CannotTell => "cannot tell",
        }
    }
}

/// What runs of one plan on one host came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Runs.
    pub runs: usize,
    /// Of them contradictory.
    pub unsafe_runs: usize,
    /// Of them failed otherwise, and nothing that the host did accounts for it.
    pub failed: usize,
    /// Of them failed, and the host is to blame.
    pub laid_to_host: usize,
    /// The worst exit code.
    pub worst: Exit,
    /// The worst exit code of what is not the host's.
    pub worst_of_replica: Exit,
}

impl Counts {
    /// Counts verdicts.
    pub fn of(verdicts: &[Verdict]) -> Self {
        let mut counts = Self {
            runs: verdicts.len(),
            unsafe_runs: 0,
            failed: 0,
            laid_to_host: 0,
            worst: Exit::Valid,
            worst_of_replica: Exit::Valid,
        };
        for verdict in verdicts {
            let stands = |question, standing| {
                verdict.answer(question).is_some_and(|answer| answer.standing == standing)
            };
            let own = [Question::Process, Question::Liveness]
                .into_iter()
                .filter(|&question| stands(question, Standing::Invalid));
            let own = own.filter_map(|question| verdict.answer(question)).map(Answer::exit);
            let own = own.fold(Exit::Valid, Exit::join);
            counts.worst = counts.worst.join(verdict.exit());
            if stands(Question::Safety, Standing::Invalid) {
                counts.unsafe_runs += 1;
                counts.worst_of_replica = counts.worst_of_replica.join(Exit::Safety);
            } else if own != Exit::Valid {
                counts.failed += 1;
                counts.worst_of_replica = counts.worst_of_replica.join(own);
            } else if stands(Question::Environment, Standing::Invalid) {
                counts.laid_to_host += 1;
            }
        }
        counts
    }

    /// For people.
    pub fn describe(&self) -> String {
        format!(
            "{} runs: {} contradictory, {} failed otherwise, {} failed by the host",
            self.runs, self.unsafe_runs, self.failed, self.laid_to_host
        )
    }
}

/// The answer, and why.
pub fn diagnose(quiet: &Counts, disturbed: &Counts) -> (Diagnosis, String) {
    let contradictory = quiet.unsafe_runs + disturbed.unsafe_runs;
    if contradictory > 0 {
        let runs = quiet.runs + disturbed.runs;
        let reason = format!(
            "{contradictory} of {runs} runs contradict themselves, and slowness excuses no answer"
        );
        return (Diagnosis::TheReplica, reason);
    }
    if quiet.failed > 0 {
        let reason =
            format!("it fails on the quiet host too, {} of {} times", quiet.failed, quiet.runs);
        return (Diagnosis::TheReplica, reason);
    }
    if quiet.laid_to_host > 0 {
        let reason = format!(
            "this host was not quiet itself, {} of {} times: try again when it is",
            quiet.laid_to_host, quiet.runs
        );
        return (Diagnosis::CannotTell, reason);
    }
    match (disturbed.failed, disturbed.laid_to_host) {
        (0, 0) => (
            Diagnosis::CannotTell,
            format!("it failed on neither host in {} runs", quiet.runs + disturbed.runs),
        ),
        (0, laid) => (
            Diagnosis::TheHost,
            format!(
                "none of {} runs failed on the quiet host, {laid} of {} on the disturbed one, and \
                 the disturbances account for each",
                quiet.runs, disturbed.runs
            ),
        ),
        (failed, _) => (
            Diagnosis::CannotTell,
            format!(
                "{failed} of {} runs failed on the disturbed host only, and its disturbances do not \
                 account for all of it",
                disturbed.runs
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(unsafe_runs: usize, failed: usize, laid_to_host: usize) -> Counts {
        let worst = Exit::Valid;
        Counts { runs: 5, unsafe_runs, failed, laid_to_host, worst, worst_of_replica: worst }
    }

    #[test]
    fn a_bug_is_never_excused_and_a_host_is_blamed_for_its_own_only() {
        let cases = [
            (counts(0, 0, 0), counts(1, 0, 4), Diagnosis::TheReplica),
            (counts(1, 0, 0), counts(0, 0, 5), Diagnosis::TheReplica),
            (counts(0, 2, 0), counts(0, 0, 5), Diagnosis::TheReplica),
            (counts(0, 0, 0), counts(0, 0, 3), Diagnosis::TheHost),
            (counts(0, 0, 0), counts(0, 1, 3), Diagnosis::CannotTell),
            (counts(0, 0, 0), counts(0, 0, 0), Diagnosis::CannotTell),
            (counts(0, 0, 2), counts(0, 0, 3), Diagnosis::CannotTell),
        ];
        for (quiet, disturbed, expected) in cases {
            let (diagnosis, reason) = diagnose(&quiet, &disturbed);
            assert_eq!(diagnosis, expected, "{quiet:?} {disturbed:?}: {reason}");
        }
    }
}
