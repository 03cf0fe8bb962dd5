//! What the verdicts besides safety mean for the reader.

use crate::verdict::{Answer, AnswerKind, Question, Standing};

/// What an answer that is not good means.
pub fn meaning(answer: &Answer) -> &'static str {
    match (answer.question, answer.kind) {
        (_, AnswerKind::Host) => {
            "The host accounts for this failure, so it says nothing about the replicas. Reproduce the \
             run on a quieter machine, or with fewer runs at a time."
        }
        (_, AnswerKind::Undecided) => {
            "It could not be decided, which is neither a pass nor a failure."
        }
        (Question::Liveness, AnswerKind::Check) => {
            "All faults were over, and a check of yours that should hold in the end did not within the bound."
        }
        (_, AnswerKind::Check) => {
            "A check of yours did not hold. Its log is in the folder `clients` of the run."
        }
        (Question::Durability, _) => {
            "The replica said that the put was done before it can have heard from enough others that they know of \
             it. If those that know of it are lost, or cut off while the others elect a leader, the put is lost, \
             although the client was told that it was done. Clients need not have seen that in this run."
        }
        (Question::Process, AnswerKind::Died) => "No fault did this: the program ended by itself.",
        (Question::Process, AnswerKind::Interference) => {
            "A file, socket or directory that only the harness and this run use was changed or removed, and no \
             other run is at work there. The verdict is made from what the harness itself remembers."
        }
        (Question::Process, _) => {
            "Replicas sent messages that the protocol does not allow. A correct peer may drop them, \
             and so does the harness."
        }
        (Question::Liveness, AnswerKind::Diverged) => {
            "All faults were over and no request was pending, so all living replicas should have reached the \
             same state. Replicas with another digest applied other operations, or the same ones in another \
             order. A client that reads from one of them, now or as a later leader, gets other values. \
             Replicas that applied less and never catch up hold old values."
        }
        (Question::Liveness, AnswerKind::SlowToCatchUp) => {
            "All faults were over and a majority was alive, so every operation should have been answered within the \
             bound. All were answered in the end, but later. A leader that goes back one entry a heartbeat until it \
             meets a follower's log takes that long behind hundreds of entries."
        }
        (Question::Liveness, _) => {
            "All faults were over and a majority was alive, so every operation should have been \
             answered within the bound. Either no leader was elected, or the leader does not answer, \
             or it takes long to bring the others up to date. This says nothing against the answers \
             that were given."
        }
        (Question::Environment, _) => {
            "The host disturbed the run, so late answers may be the host's doing. Reproduce the run on \
             a quieter machine, or with fewer runs at a time, before you trust the other answers."
        }
        (Question::Evidence, _) => {
            "The run shows too little to be trusted: expected operations, answers or faults are \
             missing. A valid verdict would mean nothing here."
        }
        (Question::Safety, _) => "The history contradicts the model.",
    }
}

/// What a valid answer shows.
pub fn shown(answer: &Answer) -> Option<String> {
    (answer.standing == Standing::Valid)
        .then(|| format!("{}: {}.", answer.question.name(), answer.sentence.trim_end_matches('.')))
}
