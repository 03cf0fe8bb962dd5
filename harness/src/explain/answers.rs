//! What the verdicts besides safety mean for the reader.

use crate::verdict::answer::AnswerPart;

/// What an answer that is not good means.
pub fn meaning(answer: &AnswerPart) -> &'static str {
    match (answer.question.as_str(), answer.kind.as_str()) {
        ("process", "died") => {
            "No fault did this: the program ended by itself. Its last output is in \
             replicas/<id>/stderr.log."
        }
        ("process", _) => {
            "Replicas sent messages that the protocol does not allow. A correct peer may drop them, \
             and so does the harness."
        }
        ("liveness", "diverged") => {
            "All faults were over and no request was pending, so all living replicas should have reached the \
             same state. Replicas with another digest applied other operations, or the same ones in another \
             order. A client that reads from one of them, now or as a later leader, gets other values. \
             Replicas that applied less and never catch up hold old values."
        }
        ("liveness", _) => {
            "All faults were over and a majority was alive, so every operation should have been \
             answered within the bound. Either no leader was elected, or the leader does not answer, \
             or it takes long to bring the others up to date. This says nothing against the answers \
             that were given."
        }
        ("environment", _) => {
            "The host disturbed the run, so late answers may be the host's doing. Reproduce the run on \
             a quieter machine, or with fewer runs at a time, before you trust the other answers."
        }
        ("evidence", "vacuous") => {
            "The run shows too little to be trusted: expected operations, answers or faults are \
             missing. A valid verdict would mean nothing here."
        }
        _ => "It could not be decided, which is neither a pass nor a failure.",
    }
}

/// What a valid answer shows.
pub fn shown(answer: &AnswerPart) -> String {
    format!("{}: {}.", answer.question, answer.sentence.trim_end_matches('.'))
}
