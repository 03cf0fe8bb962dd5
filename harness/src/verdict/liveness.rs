//! Once faults are healed and a majority lives, are operations answered within the bound?

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Answer, AnswerKind, Question, Standing};
use crate::fault::FaultKind;
use crate::ids::NodeId;
use crate::op::{F, OperationError, OperationRecord, Outcome};
use crate::record::RunRecord;
use crate::text::was;
use crate::time::RunTime;

/// The answer: from what was asked after the healing, and for course clients (which ask nothing
/// then) from the requests after the last fault.
pub fn answer(record: &RunRecord) -> Answer {
    let scenario = &record.scenario;
    let alive = record.replicas.iter().filter(|replica| replica.death.is_none()).count();
    if alive < scenario.majority() {
        let sentence = format!(
            "not judged: only {alive} of {} replicas {} alive at the end, which is no majority",
            scenario.replicas,
            was(alive)
        );
        return Answer::new(Question::Liveness, Standing::Valid, AnswerKind::NoMajority, sentence);
    }
    let answer =
        if record.recovery.is_empty() { after_last_fault(record) } else { after_healing(record) };
    let answer =
        if answer.standing == Standing::Valid { agreement(record, answer) } else { answer };
    with_refusals(record, answer)
}

/// Puts that were answered `fail`, by the replica that refused them.
#[derive(Debug, Default, PartialEq, Eq)]
struct Refusals {
    puts: usize,
    refused: usize,
    by: BTreeMap<NodeId, usize>,
}

impl Refusals {
    fn of(operations: &[OperationRecord]) -> Self {
        let mut refusals = Self::default();
        for operation in operations.iter().filter(|it| it.f == F::Put) {
            refusals.puts += 1;
            if operation.error == Some(OperationError::Refused) {
                refusals.refused += 1;
                if let Some(id) = operation.node {
                    *refusals.by.entry(id).or_default() += 1;
                }
            }
        }
        refusals
    }

    /// Whether the store refuses more than it takes: then it is live and of little use.
    fn are_many(&self) -> bool {
        self.refused > 0 && 2 * self.refused >= self.puts
    }

    fn by_replica(&self) -> String {
        let by = self.by.iter().map(|(id, count)| format!("{count} by {id}"));
        by.collect::<Vec<_>>().join(", ")
    }
}

/// A store may answer in time and refuse most of what it is asked.
fn with_refusals(record: &RunRecord, mut answer: Answer) -> Answer {
    let refusals = Refusals::of(&record.operations);
    let Refusals { puts, refused, .. } = refusals;
    if refusals.are_many() {
        answer.sentence = format!(
            "{}; {refused} of {puts} puts {} refused (`fail`): {}",
            answer.sentence,
            was(refused),
            refusals.by_replica()
        );
    } else if answer.standing == Standing::Invalid && refused > 0 {
        answer.details.push(format!(
            "{refused} of {puts} puts {} refused (`fail`): {}",
            was(refused),
            refusals.by_replica()
        ));
    }
    answer
}

/// Adds to a good answer whether the living replicas that told their state hold the same.
fn agreement(record: &RunRecord, answer: Answer) -> Answer {
    let [first, others @ ..] = record.states.as_slice() else { return answer };
    let count = record.states.len();
    if others.iter().all(|state| state.is_same(first)) {
        let sentence = format!("{}; {count} replicas hold the same state", answer.sentence);
        return Answer { sentence, ..answer };
    }
    let details = record.states.iter().map(|state| {
        format!("{}: applied up to {}, digest {}", state.id, state.commit, state.digest)
    });
    let bound = record.scenario.liveness_bound.as_secs_f64();
    let sentence = format!(
        "the {count} living replicas that report their state still differ {bound} s after the last request"
    );
    Answer::new(Question::Liveness, Standing::Invalid, AnswerKind::Diverged, sentence)
        .with_details(details.collect())
}

fn after_healing(record: &RunRecord) -> Answer {
    let bound = record.scenario.liveness_bound;
    let end = RunTime::from(record.duration);
    let mut asked = 0;
    let mut late = Vec::new();
    for operation in &record.recovery {
        let Some(started) = operation.started else { continue };
        let waited = operation.answered.unwrap_or(end).since(started);
        // An operation that the end of the run found waiting for less than the bound says nothing.
        asked += u32::from(operation.answered.is_some() || waited >= bound);
        if waited > bound {
            let how =
                if operation.answered.is_some() { "was answered after" } else { "waited for" };
            let told = format!(
                "client {} {} {:?}, first asked at {started}, {how} {:.1} s",
                operation.client,
                operation.f.name(),
                operation.key,
                waited.as_secs_f64()
            );
            late.push(Late { told, waited, is_answered: operation.answered.is_some() });
        }
    }
    let since = "after the healing";
    conclude(record, asked, late, since)
}

fn after_last_fault(record: &RunRecord) -> Answer {
    let bound = record.scenario.liveness_bound;
    let end = RunTime::from(record.duration);
    let last = record.faults.iter().filter(|fault| fault.applied_ns.is_some());
    let last = last.max_by_key(|fault| fault.applied_ns);
    let is_healed =
        last.is_none_or(|fault| !matches!(fault.kind, FaultKind::PartEasy | FaultKind::PartHard));
    if !is_healed {
        let sentence = "not judged: the partition was never healed";
        return Answer::new(Question::Liveness, Standing::Valid, AnswerKind::NotHealed, sentence);
    }
    let from = last.and_then(|fault| fault.applied_ns).unwrap_or_default();
    let (mut asked, mut answered) = (0, 0);
    let mut late = Vec::new();
    for operation in record.operations.iter().filter(|operation| operation.invoked >= from) {
        let is_answered = operation.outcome == Outcome::Ok;
        let until = operation.completed.unwrap_or(end);
        let waited = until.since(operation.invoked);
        asked += u32::from(is_answered || waited >= bound);
        answered += u32::from(is_answered);
        if waited > bound || (waited == bound && !is_answered) {
            let told = describe(operation, waited.as_secs_f64());
            late.push(Late { told, waited, is_answered });
        }
    }
    let since = if last.is_some() { "after the last fault" } else { "throughout" };
    if record.scenario.drops > 0.0 && answered > 0 && !late.is_empty() {
        // Loss is a fault that a course config never heals: it excuses delay, not silence.
        let sentence = format!(
            "{answered} of {asked} operations {since} {} answered; {} waited longer than {} s \
             while messages went on being lost",
            was(answered),
            late.len(),
            bound.as_secs_f64()
        );
        return Answer::new(Question::Liveness, Standing::Valid, AnswerKind::Answered, sentence);
    }
    conclude(record, asked, late, since)
}

fn describe(operation: &OperationRecord, waited: f64) -> String {
    let how = match operation.outcome {
        Outcome::Ok => "was answered after",
        Outcome::Fail | Outcome::Info => "waited for",
    };
    format!(
        "client {} {} {:?} at {} {how} {waited:.1} s",
        operation.client,
        operation.f.name(),
        operation.key_name(),
        operation.invoked
    )
}

/// An operation that waited longer than the bound.
struct Late {
    told: String,
    waited: Duration,
    is_answered: bool,
}

fn conclude(record: &RunRecord, asked: u32, late: Vec<Late>, since: &str) -> Answer {
    const SHOWN: usize = 5;
    let bound = record.scenario.liveness_bound.as_secs_f64();
    let count = late.len();
    if count == 0 {
        let sentence = match asked {
            0 => format!("not judged: no operation {since} had long enough to be answered"),
            1 => format!("the only operation {since} was answered within {bound} s"),
            n => format!("all {n} operations {since} were answered within {bound} s"),
        };
        return Answer::new(Question::Liveness, Standing::Valid, AnswerKind::Answered, sentence);
    }
    let are_answered = late.iter().all(|it| it.is_answered);
    let longest = late.iter().map(|it| it.waited).max().unwrap_or_default().as_secs_f64();
    let mut details: Vec<String> = late.into_iter().take(SHOWN).map(|it| it.told).collect();
    if count > SHOWN {
        details.push(format!("and {} more", count - SHOWN));
    }
    let sentence = format!("{count} of {asked} operations {since} waited longer than {bound} s");
    let (kind, sentence) = if are_answered {
        let sentence =
            format!("{sentence}, and all were answered in the end, the last after {longest:.1} s");
        (AnswerKind::SlowToCatchUp, sentence)
    } else {
        (AnswerKind::Unanswered, sentence)
    };
    Answer::new(Question::Liveness, Standing::Invalid, kind, sentence).with_details(details)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample;

    fn record(refused: usize, puts: usize) -> RunRecord {
        let mut record = sample::record();
        record.replicas.iter_mut().for_each(|replica| replica.death = None);
        record.faults.clear();
        let pattern = record.operations[0].clone();
        record.operations = (0..puts)
            .map(|n| OperationRecord {
                node: Some(NodeId(u16::from(n % 3 == 0))),
                error: (n < refused).then_some(OperationError::Refused),
                outcome: if n < refused { Outcome::Info } else { Outcome::Ok },
                completed: Some(pattern.invoked),
                ..pattern.clone()
            })
            .collect();
        record
    }

    #[test]
    fn a_store_that_refuses_three_puts_of_four_is_told_even_if_it_is_live() {
        let answer = answer(&record(9, 12));
        assert_eq!(answer.standing, Standing::Valid);
        let end = "; 9 of 12 puts were refused (`fail`): 6 by 0000, 3 by 0001";
        assert!(answer.sentence.ends_with(end), "{}", answer.sentence);
    }

    #[test]
    fn some_refusals_are_told_of_a_store_that_is_not_live() {
        assert!(!answer(&record(2, 12)).sentence.contains("refused"));
        let mut late = record(2, 12);
        let waits = &mut late.operations[11];
        (waits.outcome, waits.completed) = (Outcome::Info, None);
        let answer = answer(&late);
        assert_eq!(answer.kind, AnswerKind::Unanswered);
        let told = "2 of 12 puts were refused (`fail`): 1 by 0000, 1 by 0001";
        assert_eq!(answer.details.last().map(String::as_str), Some(told));
    }

    #[test]
    fn one_that_answers_late_but_answers_is_slow_to_catch_up() {
        let mut late = record(0, 12);
        let bound = late.scenario.liveness_bound;
        late.operations[11].completed = Some(late.operations[11].invoked + bound * 2);
        let answer = answer(&late);
        assert_eq!((answer.standing, answer.kind), (Standing::Invalid, AnswerKind::SlowToCatchUp));
        let end = "and all were answered in the end, the last after 10.0 s";
        assert!(answer.sentence.ends_with(end), "{}", answer.sentence);
    }
}
