//! Unique ids: no two answers of `generate` are equal. O(n).

use rustc_hash::FxHashMap;

use super::Subject;
use crate::history::{Operation, Value};
use crate::verdict::Verdict;
use crate::witness::{Anomaly, Size};

/// Open operations handed out nothing that was seen.
pub(super) fn judge(subject: Subject<'_>) -> Verdict {
    let mut verdict = Verdict::Valid;
    let mut seen: FxHashMap<Value, &Operation> = FxHashMap::default();
    let mut twice: Option<[&Operation; 2]> = None;
    for &op in subject.operations.iter().filter(|op| op.is_ok()) {
        if op.result == Value::NIL {
            verdict = verdict.join(subject.misfit(op, "an id as the answer"));
        } else if let Some(first) = seen.insert(op.result, op) {
            let pair = [first, op];
            if twice.is_none_or(|least| Size::of_all(&pair) < Size::of_all(&least)) {
                twice = Some(pair);
            }
        }
    }
    let Some(pair) = twice else { return verdict };
    subject.witness(Anomaly::Duplicated, &pair, true, "one id was handed out twice")
}
