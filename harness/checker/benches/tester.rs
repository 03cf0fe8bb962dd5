//! `stateright`'s `LinearizabilityTester`, which keeps no memory of where it has been.

use checker::{Datum, F, History, Operation, Outcome};
use stateright::semantics::{ConsistencyTester, LinearizabilityTester, SequentialSpec};

/// A register with compare-and-set.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Register(u64);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Op {
    Read,
    Write(u64),
    Cas(u64, u64),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Ret {
    Read(u64),
    Written,
    Refused,
}

impl SequentialSpec for Register {
    type Op = Op;
    type Ret = Ret;

    fn invoke(&mut self, op: &Op) -> Ret {
        match *op {
            Op::Read => return Ret::Read(self.0),
            Op::Cas(old, _) if self.0 != old => return Ret::Refused,
            Op::Write(new) | Op::Cas(_, new) => self.0 = new,
        }
        Ret::Written
    }
}

/// What it says about the first operations of a history of one key.
pub fn is_consistent(history: &History, count: usize) -> bool {
    let number = |value| match history.value(value) {
        Datum::Integer(number) => u64::try_from(number).unwrap_or(u64::MAX),
        Datum::Text(text) => text.parse().unwrap_or(u64::MAX),
        _ => u64::MAX,
    };
    let operations: Vec<&Operation> = history
        .operations()
        .iter()
        .filter(|op| op.f != F::Get || op.outcome == Outcome::Ok)
        .take(count)
        .collect();
    let mut events: Vec<(u64, &Operation)> = Vec::new();
    for &op in &operations {
        events.push((op.invoke_index(), op));
        events.extend(op.complete_index().map(|index| (index, op)));
    }
    events.sort_by_key(|&(index, _)| index);
    let mut tester = LinearizabilityTester::new(Register(u64::MAX));
    for (index, op) in events {
        let process = history.process(op);
        if index == op.invoke_index() {
            let op = match op.f {
                F::Get => Op::Read,
                F::Cas => Op::Cas(number(op.result), number(op.argument)),
                _ => Op::Write(number(op.argument)),
            };
            tester.on_invoke(process, op).expect("one at a time");
        } else {
            let ret = match op.f {
                F::Get => Ret::Read(number(op.result)),
                F::Cas if op.refused => Ret::Refused,
                _ => Ret::Written,
            };
            tester.on_return(process, ret).expect("what was invoked");
        }
    }
    tester.is_consistent()
}
