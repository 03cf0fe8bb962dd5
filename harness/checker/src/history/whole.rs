//! A history from whole operations, in any order of time.

use rustc_hash::FxHashMap;

use super::{History, Key, NO_NODE, OPEN, Operation, Outcome, PairingError, Process, Value};
use crate::datum::Encoded;
use crate::event::F;
use crate::memory;

/// One operation with its answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whole<'a> {
    /// The caller.
    pub(crate) client: u64,
    pub(crate) f: F,
    pub(crate) key: Encoded<'a>,
    /// What it is given; what a compare-and-set writes.
    pub(crate) argument: Option<Encoded<'a>>,
    /// What it was answered; what a compare-and-set expects.
    pub(crate) result: Option<Encoded<'a>>,
    pub(crate) refused: bool,
    pub(crate) call_ns: u64,
    /// None if its outcome is unknown.
    pub(crate) return_ns: Option<u64>,
}

/// Takes operations and puts their events in order at the end. Meanwhile the index of an
/// operation's invocation is its place among those taken, and its process that of its client.
#[derive(Debug)]
pub(crate) struct WholeRecorder {
    history: History,
    clients: FxHashMap<u64, u32>,
}

impl WholeRecorder {
    pub(crate) fn new() -> Self {
        WholeRecorder { history: History::new(), clients: FxHashMap::default() }
    }

    /// What is taken so far, in bytes, with the order of the returns, which the end takes besides.
    pub(crate) fn memory_bytes(&self) -> u64 {
        let clients = &self.clients;
        let map = memory::growing_map(clients.len(), clients.capacity(), size_of::<(u64, u32)>());
        let returns = memory::block(self.history.operations.len() * size_of::<u32>());
        self.history.memory_bytes() + (map + returns) as u64
    }

    pub(crate) fn says_read(&mut self) {
        self.history.says_read = true;
    }

    pub(crate) fn push(&mut self, whole: &Whole<'_>) -> Result<(), PairingError> {
        let history = &mut self.history;
        let taken = history.operations.len() as u64;
        let place = u32::try_from(taken).ok().filter(|&place| place < OPEN / 2);
        let place = place.ok_or(PairingError::TooMany { index: 2 * taken })?;
        let process = *self.clients.entry(whole.client).or_insert_with(|| {
            let client = history.names.intern(&whole.client.to_string());
            history.processes.push(Process { number: whole.client, client });
            u32::try_from(history.processes.len() - 1).expect("no more processes than operations")
        });
        let mut value = |value: Option<Encoded<'_>>| {
            value.map_or(Value::NIL, |value| Value(history.values.intern(value.bytes())))
        };
        let (argument, result) = (value(whole.argument), value(whole.result));
        let outcome = if whole.return_ns.is_some() { Outcome::Ok } else { Outcome::Info };
        let operation = Operation {
            invoke_ns: whole.call_ns,
            complete_ns: whole.return_ns.unwrap_or(0),
            invoke: place,
            complete: OPEN,
            key: Key(history.keys.intern(whole.key.bytes())),
            argument,
            result,
            process,
            node: NO_NODE,
            f: whole.f,
            outcome,
            refused: whole.refused && outcome == Outcome::Ok,
            failed_plainly: false,
        };
        history.operations.push(operation);
        Ok(())
    }

    /// The history: at the same time, calls come before returns.
    pub(crate) fn finish(self) -> History {
        let mut history = self.history;
        history.operations.sort_unstable_by_key(|op| (op.invoke_ns, op.invoke));
        let operations = &mut history.operations;
        let mut returns: Vec<u32> = (0u32..)
            .zip(operations.iter())
            .filter(|(_, op)| op.outcome == Outcome::Ok)
            .map(|(at, _)| at)
            .collect();
        returns.sort_unstable_by_key(|&at| {
            let op = &operations[at as usize];
            (op.complete_ns, op.invoke)
        });
        // A client is one process until it has two operations at a time: then one more for each.
        let mut is_busy = vec![false; history.processes.len()];
        let highest = history.processes.iter().map(|process| process.number).max().unwrap_or(0);
        let mut next_number = highest.saturating_add(1);
        let mut returns = returns.into_iter().peekable();
        let mut index = 0;
        for at in 0..operations.len() {
            let called = operations[at].invoke_ns;
            while let Some(over) =
                returns.next_if(|&over| operations[over as usize].complete_ns < called)
            {
                end(&mut operations[over as usize], &mut index, &mut is_busy);
            }
            let op = &mut operations[at];
            op.invoke = index;
            index += 1;
            if std::mem::replace(&mut is_busy[op.process as usize], true) {
                let client = history.processes[op.process as usize].client;
                history.processes.push(Process { number: next_number, client });
                next_number = next_number.wrapping_add(1);
                is_busy.push(true);
                op.process = u32::try_from(is_busy.len() - 1).expect("no more than operations");
            }
        }
        for over in returns {
            end(&mut operations[over as usize], &mut index, &mut is_busy);
        }
        history.events = u64::from(index);
        history
    }
}

fn end(op: &mut Operation, index: &mut u32, is_busy: &mut [bool]) {
    op.complete = *index;
    *index += 1;
    is_busy[op.process as usize] = false;
}
