//! What the verdicts besides safety mean for the reader.

use crate::verdict::answer::AnswerPart;

/// What an answer that is not good means.
pub fn meaning(answer: &AnswerPart) -> &'static str {
    match (answer.question.as_str(), answer.kind.as_str()) {
        ("process", "died") => {
            "No fault did that: the program ended by itself. Its last words are in \
             replicas/<id>/stderr.log."
        }
        ("process", _) => {
            "Replicas wrote what the protocol does not allow; a correct peer may drop it, and so \
             does the harness."
        }
        ("liveness", "diverged") => {
            "All faults were over and nobody asked for anything any more, so all living replicas should have \
             come to the same state. Those with another digest applied other operations, or others first: \
             whoever reads from one of them, or from it as a later leader, reads something else. Those that \
             applied less and never catch up hold old values."
        }
        ("liveness", _) => {
            "All faults were over and a majority lived, so every operation should have been answered \
             within the bound. That some were not is a fault of the cluster: no leader was elected, \
             the one there is does not answer, or (where the answers came, but late) it takes long to \
             bring the others up to date. It says nothing against the answers that were given."
        }
        ("environment", _) => {
            "The host disturbed the run: what was late may have been late because of it. Repeat it on \
             a quieter machine, or with fewer runs at a time, before you believe the rest."
        }
        ("evidence", "vacuous") => {
            "The run shows too little to trust: operations, answers or faults that should have been \
             there were not. A valid verdict here would mean nothing."
        }
        _ => "It could not be decided, which is neither good nor bad news.",
    }
}

/// What a valid answer shows.
pub fn shown(answer: &AnswerPart) -> String {
    format!("{}: {}.", answer.question, answer.sentence.trim_end_matches('.'))
}
