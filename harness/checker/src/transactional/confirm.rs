//! Each cycle is shown to the oracle before it is shown to people.
//!
//! The oracle gets the transactions of the cycle alone. Of the lists only their own elements are left, in
//! the order in which others read them; if the whole history had an order, these would have one, too.

use super::decide::{Found, Outcome, Standing, Why};
use super::level::Level;
use super::oracle::{self, Lists, Small, SmallOp};
use super::transactions::{Micro, Status, Transactions};

/// Asks the oracle about each cycle that it can try all orders of. What it does not confirm refutes nothing.
pub(super) fn confirm(transactions: &Transactions, outcome: &mut Outcome) {
    let mut found = std::mem::take(&mut outcome.found);
    for (place, found) in found.iter_mut().enumerate() {
        found.confirmed = is_confirmed(transactions, outcome, found);
        if found.confirmed == Some(false) {
            for standing in &mut outcome.standings {
                if *standing == Standing::Refuted(place) {
                    *standing = Standing::Undecided(Why::Unconfirmed);
                }
            }
        }
    }
    outcome.found = found;
}

fn is_confirmed(transactions: &Transactions, outcome: &Outcome, found: &Found) -> Option<bool> {
    let mut members: Vec<u32> = found.cycle.iter().map(|step| step.from).collect();
    members.sort_unstable();
    members.dedup();
    if members.is_empty() || members.len() > oracle::MOST {
        return None;
    }
    let is_own = |version: u32| members.binary_search(&transactions.writer(version)).is_ok();
    let all: Vec<Small> =
        members.iter().map(|&it| alone(transactions, outcome, it, &is_own)).collect();
    let mut orders = Lists::new();
    for &member in &members {
        for (key, _) in transactions.micros(member) {
            let order = outcome.versions.order(transactions, key).iter().copied();
            orders.entry(key).or_insert_with(|| order.filter(|&it| is_own(it)).collect());
        }
    }
    let is_refuted = |level: &Level| !oracle::allows(*level, &all, &orders);
    Some(found.refutes.iter().all(is_refuted))
}

/// A transaction whose lists have only the elements of the chosen ones.
fn alone(
    transactions: &Transactions,
    outcome: &Outcome,
    transaction: u32,
    is_own: &dyn Fn(u32) -> bool,
) -> Small {
    let frame = transactions.frame(transaction);
    let mut own: Vec<u32> = Vec::new();
    let mut ops = Vec::new();
    for (key, micro) in transactions.micros(transaction) {
        let list = match micro {
            Micro::Append(version) => {
                ops.push(SmallOp::Append(key, version));
                own.push(version);
                continue;
            }
            Micro::ReadList(read) => transactions.list(key, read),
            Micro::ReadNil => &[],
            Micro::Write(_) | Micro::Read(_) => continue,
        };
        // Of a key without an order nothing is known.
        if !outcome.versions.is_known(key) {
            continue;
        }
        let last = list.iter().rev().find(|it| !own.contains(it));
        let shows_last = last.is_some_and(|&last| is_own(last));
        let list = list.iter().copied().filter(|&it| is_own(it)).collect();
        ops.push(SmallOp::Read { key, list, shows_last });
    }
    let is_ok = frame.status == Status::Ok;
    // Who was seen took effect: only its end is unknown.
    let (session, invoke, complete) = (frame.session, frame.invoke, frame.complete);
    Small { ops, session, invoke, complete, is_ok, took_effect: true }
}
