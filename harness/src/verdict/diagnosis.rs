//! The host or the replica? From how often runs of one plan failed on two hosts.
//!
//! An anomaly is the replica's wherever it shows: no host makes a store forget what it acknowledged.
//! A failure on the quiet host, while that host was quiet indeed, is the replica's. Only failures that
//! show on the disturbed host alone, and that its disturbances account for, are the host's.

use crate::exit::Exit;
use crate::text::counted;
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
    /// Of them those with an anomaly.
    pub unsafe_runs: usize,
    /// Of them with a replica that died or broke the protocol, and nothing that the host did accounts for it.
    pub crashed: usize,
    /// Of them too slow, and nothing that the host did accounts for it.
    pub failed: usize,
    /// Of them failed, and the host is to blame.
    pub attributed_to_host: usize,
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
            crashed: 0,
            failed: 0,
            attributed_to_host: 0,
            worst: Exit::Valid,
            worst_of_replica: Exit::Valid,
        };
        for verdict in verdicts {
            let is = |question, standing| {
                verdict.answer(question).is_some_and(|answer| answer.standing == standing)
            };
            counts.add(is);
            counts.worst = counts.worst.join(verdict.exit());
        }
        counts
    }

    /// Counts one run, by how its answers stand.
    fn add(&mut self, is: impl Fn(Question, Standing) -> bool) {
        let exit = if is(Question::Safety, Standing::Invalid) {
            self.unsafe_runs += 1;
            Exit::Safety
        } else if is(Question::Process, Standing::Invalid) {
            self.crashed += 1;
            Exit::Process
        } else if is(Question::Liveness, Standing::Invalid) {
            self.failed += 1;
            Exit::Liveness
        } else {
            self.attributed_to_host += usize::from(is(Question::Environment, Standing::Invalid));
            Exit::Valid
        };
        self.worst_of_replica = self.worst_of_replica.join(exit);
    }

    /// Counts the run that is to be diagnosed, by what was said of it.
    pub fn of_earlier(answers: &[Answer]) -> Self {
        let mut counts = Self::of(&[]);
        counts.runs = usize::from(!answers.is_empty());
        counts.add(|question, standing| {
            answers.iter().any(|it| it.question == question && it.standing == standing)
        });
        counts.worst = counts.worst_of_replica;
        counts
    }

    /// For people.
    pub fn describe(&self) -> String {
        format!(
            "{}: {} unsafe, {} with a failed replica, {} too slow, {} attributed to the host",
            counted(self.runs, "run"),
            self.unsafe_runs,
            self.crashed,
            self.failed,
            self.attributed_to_host
        )
    }
}

/// The answer about a run, and why.
pub fn diagnose(before: &Counts, quiet: &Counts, disturbed: &Counts) -> (Diagnosis, String) {
    let unsafe_runs = before.unsafe_runs + quiet.unsafe_runs + disturbed.unsafe_runs;
    if unsafe_runs > 0 {
        let runs = before.runs + quiet.runs + disturbed.runs;
        let show = if unsafe_runs == 1 { "shows" } else { "show" };
        let reason = format!(
            "{unsafe_runs} of {runs} runs {show} an anomaly, and slowness excuses no answer"
        );
        return (Diagnosis::TheReplica, reason);
    }
    let crashed = before.crashed + quiet.crashed + disturbed.crashed;
    if crashed > 0 {
        let runs = before.runs + quiet.runs + disturbed.runs;
        let reason = format!(
            "in {crashed} of {runs} runs a replica died or broke the protocol by itself, and no disturbance \
             of the host accounts for it"
        );
        return (Diagnosis::TheReplica, reason);
    }
    if quiet.failed > 0 {
        let reason =
            format!("it fails on the quiet host too, in {} of {} runs", quiet.failed, quiet.runs);
        return (Diagnosis::TheReplica, reason);
    }
    if quiet.attributed_to_host > 0 {
        let reason = format!(
            "this host itself was disturbed in {} of {} runs; try again when it is quiet",
            quiet.attributed_to_host, quiet.runs
        );
        return (Diagnosis::CannotTell, reason);
    }
    // The run itself was on the disturbed host, too.
    let runs = before.runs + disturbed.runs;
    let attributed = before.attributed_to_host + disturbed.attributed_to_host;
    match before.failed + disturbed.failed {
        0 if attributed == 0 => (
            Diagnosis::CannotTell,
            format!(
                "it failed on neither host in {}; more runs may decide (--times)",
                counted(quiet.runs + runs, "run")
            ),
        ),
        0 => (
            Diagnosis::TheHost,
            format!(
                "none of {} runs failed on the quiet host, {attributed} of {runs} on the disturbed one, and the \
                 disturbances account for each",
                quiet.runs
            ),
        ),
        failed => (
            Diagnosis::CannotTell,
            format!(
                "{failed} of {runs} runs failed on the disturbed host only, and its disturbances do not \
                 account for every failure; more runs may decide (--times)"
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(unsafe_runs: usize, failed: usize, attributed_to_host: usize) -> Counts {
        let worst = Exit::Valid;
        let (runs, crashed) = (5, 0);
        Counts {
            runs,
            unsafe_runs,
            crashed,
            failed,
            attributed_to_host,
            worst,
            worst_of_replica: worst,
        }
    }

    #[test]
    fn an_anomaly_counts_also_where_it_does_not_come_again() {
        let (diagnosis, _) = diagnose(&counts(1, 0, 0), &counts(0, 0, 0), &counts(0, 0, 5));
        assert_eq!(diagnosis, Diagnosis::TheReplica);
    }

    #[test]
    fn the_run_itself_counts_as_one_on_the_disturbed_host() {
        let (none, once) = (counts(0, 0, 0), counts(0, 0, 1));
        assert_eq!(diagnose(&once, &none, &none).0, Diagnosis::TheHost);
        assert_eq!(diagnose(&counts(0, 1, 0), &none, &none).0, Diagnosis::CannotTell);
    }

    #[test]
    fn no_host_is_blamed_for_a_crash_that_it_does_not_account_for() {
        let crashed = Counts { crashed: 1, ..counts(0, 0, 4) };
        let (diagnosis, _) = diagnose(&counts(0, 0, 1), &counts(0, 0, 0), &crashed);
        assert_eq!(diagnosis, Diagnosis::TheReplica);
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
            let (diagnosis, reason) = diagnose(&counts(0, 0, 0), &quiet, &disturbed);
            assert_eq!(diagnosis, expected, "{quiet:?} {disturbed:?}: {reason}");
        }
    }
}
