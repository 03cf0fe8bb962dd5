//! For the tests: an oracle that tries all orders, small random histories, and how many of them.

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use crate::datum::Datum;
use crate::event::{Event, EventType, F};
use crate::history::{Entry, History, Recorder, Value};
use crate::model::{Call, Model, RegisterOp};

/// How many random cases a test tries: as many as given, times `CHECKER_CASES` if that is set, for
/// users with minutes instead of seconds.
pub(crate) fn cases(count: u64) -> u64 {
    let factor = std::env::var("CHECKER_CASES").map_or(1, |factor| {
        factor.parse::<u64>().expect("CHECKER_CASES says how many times as many cases to try")
    });
    count * factor
}

/// Whether some order of all completed and any open operations respects time and the model.
pub(crate) fn brute_force<M: Model>(model: &M, calls: &[Call<M::Op>]) -> bool {
    fn extend<M: Model>(
        model: &M,
        calls: &[Call<M::Op>],
        left: &mut Vec<usize>,
        state: &M::State,
    ) -> bool {
        let deadline = left.iter().filter_map(|&at| calls[at].complete).min();
        let Some(deadline) = deadline else { return true };
        for position in 0..left.len() {
            let call = &calls[left[position]];
            if call.invoke < deadline
                && let Some(after) = model.step(state, &call.op)
            {
                let at = left.remove(position);
                let found = extend(model, calls, left, &after);
                left.insert(position, at);
                if found {
                    return true;
                }
            }
        }
        false
    }
    extend(model, calls, &mut (0..calls.len()).collect(), &model.initial())
}

/// Random intervals for `count` operations, in order of invocation.
pub(crate) fn intervals(rng: &mut ChaCha8Rng, count: usize) -> Vec<(u32, Option<u32>)> {
    let span = 4 * count;
    let mut times: Vec<u32> = (0..u32::try_from(2 * span).unwrap()).collect();
    for at in (1..times.len()).rev() {
        times.swap(at, rng.random_range(0..=at));
    }
    let reach = rng.random_range(1..=3 * count);
    let mut intervals: Vec<(u32, Option<u32>)> = (0..count)
        .map(|_| {
            let start = rng.random_range(0..span);
            let end = start + rng.random_range(1..=reach);
            let open = rng.random_range(0..6) == 0;
            (u32::try_from(start * 2).unwrap(), (!open).then(|| u32::try_from(end * 2).unwrap()))
        })
        .collect();
    // Distinct places in one order of events.
    let mut ends: Vec<(u32, u32, usize, bool)> = Vec::new();
    for (at, &(start, end)) in intervals.iter().enumerate() {
        ends.push((start, times[2 * at], at, false));
        ends.extend(end.map(|end| (end, times[2 * at + 1], at, true)));
    }
    ends.sort_unstable();
    for (place, &(_, _, at, is_end)) in (0u32..).zip(&ends) {
        if is_end {
            intervals[at].1 = Some(place);
        } else {
            intervals[at].0 = place;
        }
    }
    intervals.sort_unstable();
    intervals
}

/// Random operations on a register, empty at first, each taking effect at a random place of its
/// interval, with one answer in some of the histories exchanged for another. Written values are
/// all different if `unique`, else few.
pub(crate) fn register_calls(
    rng: &mut ChaCha8Rng,
    count: usize,
    unique: bool,
    cas: bool,
) -> Vec<Call<RegisterOp>> {
    let intervals = intervals(rng, count);
    let end = u32::try_from(2 * count).expect("a small number");
    let mut points: Vec<(u32, usize)> = Vec::new();
    for (at, &(invoke, complete)) in intervals.iter().enumerate() {
        if complete.is_some() || rng.random_bool(0.6) {
            let last = complete.unwrap_or(end).max(invoke + 1);
            points.push((rng.random_range(invoke..last), at));
        }
    }
    points.sort_unstable();
    let mut written = 0;
    let mut fresh = |rng: &mut ChaCha8Rng| {
        written += 1;
        Value(if unique { written } else { rng.random_range(0..3) })
    };
    let mut ops: Vec<RegisterOp> = (0..count).map(|_| RegisterOp::Write(Value(90))).collect();
    let mut state = Value::EMPTY;
    for (at, op) in ops.iter_mut().enumerate() {
        if !points.iter().any(|&(_, point)| point == at) {
            *op = RegisterOp::Write(fresh(rng));
        }
    }
    for &(_, at) in &points {
        ops[at] = match rng.random_range(0..if cas { 8 } else { 5 }) {
            0..3 => RegisterOp::Read(state),
            3..5 => RegisterOp::Write(fresh(rng)),
            5..7 => RegisterOp::Cas(state, fresh(rng)),
            _ => {
                let other = Value(rng.random_range(0..6));
                let open = intervals[at].1.is_none();
                if open || other == state {
                    RegisterOp::Read(state)
                } else {
                    RegisterOp::Refused(other)
                }
            }
        };
        if let RegisterOp::Write(new) | RegisterOp::Cas(_, new) = ops[at] {
            state = new;
        }
    }
    if rng.random_bool(0.6) {
        let at = rng.random_range(0..count);
        let value = Value(rng.random_range(0..=6));
        match &mut ops[at] {
            RegisterOp::Read(read) => *read = value,
            RegisterOp::Cas(old, _) | RegisterOp::Refused(old) => *old = value,
            RegisterOp::Write(_) => {}
        }
    }
    let call = |((invoke, complete), op)| Call { op, invoke, complete };
    intervals.into_iter().zip(ops).map(call).collect()
}

/// An event whose key and values are texts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TextEvent<'a> {
    pub(crate) index: u64,
    pub(crate) process: u64,
    pub(crate) r#type: EventType,
    pub(crate) f: F,
    pub(crate) key: &'a str,
    pub(crate) value: Option<&'a str>,
    /// What a compare-and-set expects.
    pub(crate) expected: Option<&'a str>,
    pub(crate) refused: bool,
    pub(crate) node: Option<&'a str>,
}

impl<'a> TextEvent<'a> {
    /// Records it, at as many milliseconds as its index says.
    pub(crate) fn record(&self, recorder: &mut Recorder) {
        let key = Datum::text(self.key);
        let value = match (self.value.map(Datum::text), self.expected) {
            (Some(value), Some(expected)) => Some(Datum::List(vec![Datum::text(expected), value])),
            (value, _) => value,
        };
        let entry = Entry {
            index: self.index,
            time_ns: self.index * 1_000_000,
            process: self.process,
            client: "",
            r#type: self.r#type,
            f: self.f,
            key: Some(&key),
            value: value.as_ref(),
            refused: self.refused,
            node: self.node,
        };
        recorder.record(&entry).expect("events that fit together");
    }

    /// As an event of the journal; without compare-and-set.
    pub(crate) fn event(&self) -> Event<'a> {
        Event {
            index: self.index,
            time_ns: self.index * 1_000_000,
            process: self.process,
            client: "".into(),
            r#type: self.r#type,
            f: self.f,
            key: self.key.into(),
            value: self.value.map(Into::into),
            node: self.node.map(Into::into),
            error: None,
        }
    }
}

/// The history that these calls make, each by a process of its own.
pub(crate) fn record(calls: &[Call<RegisterOp>]) -> History {
    let mut recorder = Recorder::new();
    events(calls, &mut |event| event.record(&mut recorder));
    recorder.finish().expect("values that fit together")
}

/// The events of that history, in order.
pub(crate) fn events(calls: &[Call<RegisterOp>], take: &mut dyn FnMut(&TextEvent<'_>)) {
    let text = |value: Value| match value {
        Value::EMPTY => String::new(),
        Value(number) => number.to_string(),
    };
    let mut events: Vec<(u32, u64, EventType)> = Vec::new();
    for (process, call) in (0..).zip(calls) {
        events.push((call.invoke, process, EventType::Invoke));
        events.extend(call.complete.map(|complete| (complete, process, EventType::Ok)));
    }
    events.sort_unstable_by_key(|&(place, ..)| place);
    for (place, process, r#type) in events {
        let op = calls[usize::try_from(process).expect("a small number")].op;
        let (f, value, expected) = match op {
            RegisterOp::Read(value) => (F::Get, text(value), None),
            RegisterOp::Write(value) => (F::Put, text(value), None),
            RegisterOp::Cas(old, new) => (F::Cas, text(new), Some(text(old))),
            RegisterOp::Refused(old) => (F::Cas, "other".to_owned(), Some(text(old))),
        };
        take(&TextEvent {
            index: place.into(),
            process,
            r#type,
            f,
            key: "k",
            value: Some(&value),
            expected: expected.as_deref(),
            refused: matches!(op, RegisterOp::Refused(_)) && r#type == EventType::Ok,
            node: None,
        });
    }
}
