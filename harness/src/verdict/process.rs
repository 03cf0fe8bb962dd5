//! Did a replica die by itself, or write what no protocol allows?

use super::{Answer, AnswerKind, Question, Standing, last_words};
use crate::network::protocol::ProtocolViolation;
use crate::record::{ReplicaRecord, RunRecord};
use crate::text::listed;

/// The answer, from deaths and from what was written.
pub fn answer(record: &RunRecord) -> Answer {
    let died: Vec<&ReplicaRecord> =
        record.replicas.iter().filter(|replica| died_by_itself(replica)).collect();
    let mut details: Vec<String> = died.iter().map(|replica| describe_death(replica)).collect();
    details.extend(record.violations.iter().map(|(kind, example)| {
        format!(
            "{}{}: first by {} at {}{}{}",
            if example.count == 1 { String::new() } else { format!("{} times ", example.count) },
            kind.describe(),
            example.node,
            example.at,
            if example.text.is_empty() { "" } else { ": " },
            example.text
        )
    }));
    if !record.interference.is_empty() {
        let mut seen: Vec<String> = record.interference.iter().map(ToString::to_string).collect();
        let sentence = format!("the program changed the run itself: {}", seen[0]);
        seen.append(&mut details);
        return Answer::new(
            Question::Process,
            Standing::Invalid,
            AnswerKind::Interference,
            sentence,
        )
        .with_details(seen);
    }
    let (kind, sentence) = match (died.as_slice(), record.violations.is_empty()) {
        ([], true) => {
            let planned = record.replicas.iter().filter(|replica| replica.death.is_some()).count();
            let sentence = match planned {
                0 => "no replica died".to_owned(),
                1 => "no replica died except the one that was killed".to_owned(),
                n => format!("no replica died except the {n} that were killed"),
            };
            return Answer::new(Question::Process, Standing::Valid, AnswerKind::Sound, sentence);
        }
        ([], false) => {
            let kinds: Vec<&str> = record.violations.keys().map(|kind| kind.describe()).collect();
            let has_two_leaders = record.violations.contains_key(&ProtocolViolation::TwoLeaders);
            let kind = if has_two_leaders { AnswerKind::TwoLeaders } else { AnswerKind::Protocol };
            (kind, format!("replicas sent {}", kinds.join("; ")))
        }
        (died, _) => {
            let by = if died.len() == 1 { "itself" } else { "themselves" };
            let ids = listed(died.iter().map(|replica| replica.id));
            (AnswerKind::Died, format!("{ids} died by {by}"))
        }
    };
    Answer::new(Question::Process, Standing::Invalid, kind, sentence).with_details(details)
}

fn died_by_itself(replica: &ReplicaRecord) -> bool {
    replica.death.as_ref().is_some_and(|death| !death.is_planned)
}

fn describe_death(replica: &ReplicaRecord) -> String {
    let Some(death) = &replica.death else { return String::new() };
    let words = match last_words::cause(&replica.stderr_tail) {
        Some(cause) => format!("; {cause}; log: replicas/{}/stderr.log", replica.id),
        None => "; it wrote nothing on standard error".to_owned(),
    };
    format!("{} ended at {}: {}{words}", replica.id, death.at, death.how)
}
