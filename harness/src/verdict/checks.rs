//! What the user's own checks say: invariants and final checks are safety, what is to hold in the end is liveness.

use super::{Answer, AnswerKind, Question, Standing};
use crate::record::{CheckPhase, CheckRecord, RunRecord};

/// The answer with the checks that belong to its question.
pub fn join(record: &RunRecord, answer: Answer) -> Answer {
    let is_liveness = answer.question == Question::Liveness;
    let belongs = |check: &&CheckRecord| (check.phase == CheckPhase::Eventually) == is_liveness;
    let told = record.checks.iter().filter(belongs).map(|check| (check.failed.is_some(), tell(check)));
    let (failed, held): (Vec<_>, Vec<_>) = told.partition(|(is_failed, _)| *is_failed);
    let mut failed = failed.into_iter().map(|(_, told)| told);
    let held = held.into_iter().map(|(_, told)| told);
    let Some(first) = failed.next() else {
        return with_more(answer, held);
    };
    if answer.standing == Standing::Invalid {
        return with_more(answer, std::iter::once(first).chain(failed));
    }
    let details = failed.collect();
    let invalid = Answer::new(answer.question, Standing::Invalid, AnswerKind::Check, first);
    invalid.with_details(details)
}

fn with_more(mut answer: Answer, more: impl Iterator<Item = String>) -> Answer {
    answer.details.extend(more);
    answer
}

/// One check in one sentence.
fn tell(check: &CheckRecord) -> String {
    let CheckRecord { command, runs, failed, .. } = check;
    match failed {
        None if *runs == 0 => format!("{command}: was never run"),
        None => format!("{command}: held, {runs} runs"),
        Some(failed) => {
            format!("the check {command} did not hold at {}: {}", failed.at, failed.how)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::FailedCheck;
    use crate::record::sample::record;
    use crate::time::RunTime;

    fn check(phase: CheckPhase, fails: bool) -> CheckRecord {
        let failed =
            fails.then(|| FailedCheck { at: RunTime(2_000_000_000), how: "exit status 1".into() });
        CheckRecord { command: "a_check".into(), phase, runs: 3, failed }
    }

    fn valid(question: Question) -> Answer {
        Answer::new(question, Standing::Valid, AnswerKind::Answered, "fine")
    }

    #[test]
    fn each_check_belongs_to_one_question() {
        let mut record = record();
        record.checks = vec![check(CheckPhase::Anytime, true), check(CheckPhase::Eventually, false)];
        let safety = join(&record, valid(Question::Safety));
        assert_eq!((safety.standing, safety.kind), (Standing::Invalid, AnswerKind::Check));
        assert!(safety.sentence.contains("a_check did not hold at 2.000 s: exit status 1"));
        let liveness = join(&record, valid(Question::Liveness));
        assert_eq!(liveness.standing, Standing::Valid);
        assert_eq!(liveness.details, ["a_check: held, 3 runs"]);
    }

    #[test]
    fn an_anomaly_of_the_history_comes_first() {
        let mut record = record();
        record.checks = vec![check(CheckPhase::Finally, true)];
        let wrong = Answer { standing: Standing::Invalid, ..valid(Question::Safety) };
        let safety = join(&record, wrong);
        assert_eq!(safety.sentence, "fine");
        assert_eq!(safety.details.len(), 1);
    }
}
