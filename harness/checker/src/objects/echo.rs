//! Echo: each answer is what was sent. O(n).

use super::Subject;
use crate::history::Operation;
use crate::verdict::Verdict;
use crate::witness::Anomaly;

pub(super) fn judge(subject: Subject<'_>) -> Verdict {
    let wrong = |op: &&&Operation| op.is_ok() && op.result != op.argument;
    let Some(&op) = subject.operations.iter().find(wrong) else { return Verdict::Valid };
    let (sent, answered) = (subject.shown(op.argument), subject.shown(op.result));
    let what = format!("{answered} is not what was sent; right would have been {sent}");
    subject.witness(Anomaly::GarbageRead, &[op], true, &what)
}
