//! Was it the host?

use super::{Answer, AnswerKind, Question, Standing, blame};
use crate::host::disturbance::{Disturbance, DisturbanceKind};
use crate::limits;
use crate::network::counts::DropCause;
use crate::record::RunRecord;
use crate::text::{counted, was};

/// The answer, from what the harness measured while it worked. `blamed` are the sentences by which
/// other answers were attributed to the host.
pub fn answer(record: &RunRecord, blamed: &[String]) -> Answer {
    let host = &record.host;
    let (invalidating, named): (Vec<&Disturbance>, Vec<&Disturbance>) =
        host.disturbances.iter().partition(|it| it.invalidates_run());
    let mut causes = blamed.to_vec();
    causes.extend(blame::foreign_processes(record).filter(|said| !blamed.contains(said)));
    // What a sentence tells already is not told again.
    let is_new = |it: &&Disturbance| {
        let said = it.describe();
        it.kind != DisturbanceKind::ForeignProcess
            && !blamed.iter().any(|blamed| blamed.contains(&said))
    };
    causes.extend(told(&invalidating.into_iter().filter(is_new).collect::<Vec<_>>()));
    let mut notes = told(&named);
    notes.extend(messages(record));
    let not_exact = record.host.not_exact.as_deref().unwrap_or_default();
    notes.extend(not_exact.iter().map(|why| format!("not deterministic: {why}")));
    if causes.is_empty() {
        let (kind, sentence) = endured(record);
        return Answer::new(Question::Environment, Standing::Valid, kind, sentence)
            .with_details(notes);
    }
    let sentence = causes.join("; ");
    Answer::new(Question::Environment, Standing::Invalid, AnswerKind::Disturbed, sentence)
        .with_details(notes)
}

/// How the host did where nothing is attributed to it.
fn endured(record: &RunRecord) -> (AnswerKind, String) {
    let slow = record.host.disturbances.iter().filter(|it| it.is_long());
    let Some(longest) = slow.max_by(|a, b| a.figure.total_cmp(&b.figure)) else {
        let sentence = match record.host.not_exact.as_deref() {
            None => {
                let lag = record.host.max_loop_lag.as_secs_f64() * 1e3;
                format!("the host kept up (the harness's loop was at most {lag:.0} ms late)")
            }
            Some([]) => "time was virtual: no delay of this host reached a replica".to_owned(),
            Some([first, more @ ..]) => {
                let more = match more.len() {
                    0 => String::new(),
                    count => format!(" (and {})", counted(count as u64, "more reason")),
                };
                format!("time was virtual, but not deterministic: {first}{more}")
            }
        };
        return (AnswerKind::Quiet, sentence);
    };
    let sentence =
        format!("the host was slow, but no failure is attributed to it: {}", longest.describe());
    (AnswerKind::Slow, sentence)
}

fn told(disturbances: &[&Disturbance]) -> Vec<String> {
    let mut told: Vec<String> = disturbances
        .iter()
        .take(limits::DISTURBANCES_TOLD)
        .map(|disturbance| disturbance.describe())
        .collect();
    let left = disturbances.len() - told.len();
    if left > 0 {
        let noun = counted(left, "more disturbance");
        told.push(format!("and {noun} like these"));
    }
    told
}

/// What may have mattered in the sockets, but need not.
fn messages(record: &RunRecord) -> Vec<String> {
    let mut notes = Vec::new();
    let lost = |cause: DropCause| -> u64 {
        record.messages.values().filter_map(|counts| counts.dropped.get(&cause)).sum()
    };
    let full = lost(DropCause::FullQueue);
    if full > 0 {
        let messages = counted(full, "message");
        notes.push(format!("{messages} {} lost because the receiver did not read", was(full)));
    }
    let lives = |id| record.replicas.iter().any(|it| it.id == id && it.death.is_none());
    let to_living = record.messages.iter().filter(|((_, to, _), _)| lives(*to));
    let failed: u64 =
        to_living.filter_map(|(_, counts)| counts.dropped.get(&DropCause::Gone)).sum();
    if failed > 0 {
        notes.push(format!(
            "{} could not be sent to replicas that were alive but not connected",
            counted(failed, "message")
        ));
    }
    notes
}
