//! Was it the host?

use super::{Answer, Question, Standing};
use crate::limits;
use crate::run::record::{DropCause, RunRecord};

/// The answer, from what the harness measured while it worked.
pub fn answer(record: &RunRecord) -> Answer {
    let host = &record.host;
    let mut causes = Vec::new();
    if host.max_loop_lag > limits::LOOP_LAG {
        causes.push(format!(
            "the harness's own loop stood still for {:.1} s until {}: the host is overloaded, or \
             was suspended",
            host.max_loop_lag.as_secs_f64(),
            host.max_loop_lag_at
        ));
    }
    if host.clock_jump_ms.abs() > limits::CLOCK_JUMP_MS {
        causes.push(format!(
            "the wall clock left the monotonic one by {} ms: somebody set it",
            host.clock_jump_ms
        ));
    }
    let missing = record
        .replicas
        .iter()
        .filter(|replica| replica.connect_time.is_none() && replica.death.is_none());
    causes.extend(missing.map(|replica| {
        format!("{} lived to the end but never connected to its socket", replica.id)
    }));
    let remarks = remarks(record);
    if causes.is_empty() {
        let lag = host.max_loop_lag.as_secs_f64() * 1e3;
        let sentence = format!("the host kept up (the loop was late by {lag:.0} ms at most)");
        return Answer::new(Question::Environment, Standing::Valid, "quiet", sentence)
            .with_details(remarks);
    }
    let sentence = causes.join("; ");
    Answer::new(Question::Environment, Standing::Invalid, "disturbed", sentence)
        .with_details(remarks)
}

/// What may have mattered, but need not.
fn remarks(record: &RunRecord) -> Vec<String> {
    let mut remarks: Vec<String> = record
        .host
        .late_starts
        .iter()
        .map(|(id, time)| format!("{id} took {:.1} s to connect", time.as_secs_f64()))
        .collect();
    let full: u64 = record
        .messages
        .values()
        .filter_map(|counts| counts.dropped.get(&DropCause::FullQueue))
        .sum();
    if full > 0 {
        remarks.push(format!("{full} messages were lost because their receiver did not read"));
    }
    remarks
}
