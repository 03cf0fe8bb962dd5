//! Unique ids: no two answers of `generate` are equal. O(n).

use rustc_hash::FxHashMap;

use super::Datum;
use super::finding::{Finding, Judgement, Kind, invalid, misfit};
use super::history::ObjectOperation;

/// Open operations handed out nothing that anybody saw.
pub(super) fn judge(operations: &[&ObjectOperation]) -> Judgement {
    let mut finding = Finding::Valid;
    let mut seen: FxHashMap<&Datum, &ObjectOperation> = FxHashMap::default();
    for &operation in operations {
        if operation.f() != "generate" {
            finding = finding.join(misfit(operation, "generate"));
        } else if operation.is_ok() && operation.result.is_null() {
            finding = finding.join(misfit(operation, "an id as the answer"));
        } else if operation.is_ok()
            && let Some(first) = seen.insert(&operation.result, operation)
        {
            let what = "one id was handed out twice";
            return invalid(Kind::Duplicated, &[first, operation], what).into();
        }
    }
    finding.into()
}
