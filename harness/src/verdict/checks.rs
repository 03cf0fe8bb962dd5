//! What the user's own checks say: invariants and final checks are safety, what is to hold in the end is liveness.

use super::{Answer, AnswerKind, Question, Standing};
use crate::record::{CheckPhase, CheckRecord, FailedCheck, RunRecord};
use crate::text::counted;

/// The answer with the checks that belong to its question. Those that held stand with safety: details of a liveness
/// that is valid are warnings.
pub fn join(record: &RunRecord, mut answer: Answer) -> Answer {
    let is_liveness = answer.question == Question::Liveness;
    let belongs = |check: &&CheckRecord| (check.phase == CheckPhase::Eventually) == is_liveness;
    let mut failed: Vec<String> =
        record.checks.iter().filter(belongs).filter_map(failure).collect();
    if !failed.is_empty() && answer.standing != Standing::Invalid {
        let first = failed.remove(0);
        answer = Answer::new(answer.question, Standing::Invalid, AnswerKind::Check, first);
    }
    answer.details.extend(failed);
    if !is_liveness {
        answer.details.extend(record.checks.iter().filter(|it| it.failed.is_none()).map(held));
    }
    answer
}

fn failure(check: &CheckRecord) -> Option<String> {
    let FailedCheck { at, how } = check.failed.as_ref()?;
    Some(format!("the check {} did not hold at {at}: {how}", check.command))
}

fn held(check: &CheckRecord) -> String {
    match check.runs {
        0 => format!("{}: was never run", check.command),
        runs => format!("{}: held in {}", check.command, counted(runs, "run")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        record.checks =
            vec![check(CheckPhase::Anytime, true), check(CheckPhase::Eventually, false)];
        let safety = join(&record, valid(Question::Safety));
        assert_eq!((safety.standing, safety.kind), (Standing::Invalid, AnswerKind::Check));
        assert!(safety.sentence.contains("a_check did not hold at 2.000 s: exit status 1"));
        assert_eq!(safety.details, ["a_check: held in 3 runs"]);
        let liveness = join(&record, valid(Question::Liveness));
        assert_eq!(liveness.standing, Standing::Valid);
        assert!(liveness.details.is_empty(), "{:?}", liveness.details);
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
