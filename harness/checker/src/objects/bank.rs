//! Bank accounts: transfers move money between accounts, so that the total stays.
//!
//! Every answered read is a map or a list of balances. All totals must be equal, whatever
//! transfers are open, since each moves all of its amount at once; and no balance is below zero
//! unless that is allowed. What single balances should be is not asked: a read that mixes two
//! moments and happens to keep the total goes unseen. O(n · accounts).

use serde_json::Value;

use super::finding::{Finding, Judgement, Kind, invalid, misfit};
use super::history::ObjectOperation;

/// Whose balances a read holds, and what they are.
struct Balances {
    accounts: Vec<String>,
    amounts: Vec<i128>,
}

fn balances(value: &Value) -> Option<Balances> {
    let amount = |value: &Value| value.as_i64().map(i128::from);
    let (accounts, amounts) = match value {
        Value::Object(entries) => {
            (entries.keys().cloned().collect(), entries.values().map(amount).collect::<Option<_>>())
        }
        Value::Array(items) => (
            (0..items.len()).map(|at| at.to_string()).collect(),
            items.iter().map(amount).collect::<Option<_>>(),
        ),
        _ => return None,
    };
    Some(Balances { accounts, amounts: amounts? })
}

pub(super) fn judge(operations: &[&ObjectOperation], negative: bool) -> Judgement {
    let mut finding = Finding::Valid;
    let mut first: Option<(&ObjectOperation, Vec<String>, i128)> = None;
    for &op in operations {
        match op.f() {
            "transfer" => continue,
            "read" if !op.is_ok() => continue,
            "read" => {}
            _ => return misfit(op, "transfer or read").into(),
        }
        let Some(Balances { accounts, amounts }) = balances(&op.result.value()) else {
            finding = finding.join(misfit(op, "whole numbers by account as the answer"));
            continue;
        };
        if !negative && amounts.iter().any(|&amount| amount < 0) {
            let what = "a balance is below zero";
            return invalid(Kind::NegativeBalance, &[op], what).into();
        }
        let total: i128 = amounts.iter().sum();
        match &first {
            None => first = Some((op, accounts, total)),
            Some((_, known, _)) if *known != accounts => {
                finding = finding.join(misfit(op, "the accounts of the first read"));
            }
            Some((before, _, expected)) if *expected != total => {
                let what = format!("the total is {total}, and it was {expected}");
                return invalid(Kind::WrongTotal, &[before, op], &what).into();
            }
            Some(_) => {}
        }
    }
    finding.into()
}
