//! Logs: `send` appends a message to the log of a key and answers its offset, `poll` reads messages from given offsets
//! on, `commit` says up to where messages were worked off, `committed` asks for that.
//!
//! Values:
//!
//! | operation | given | answered |
//! |---|---|---|
//! | `send` | `{"key": k, "msg": m}`, each message once | the offset |
//! | `poll` | `{"offsets": {k: from, ...}}` | `{k: [[offset, m], ...], ...}` |
//! | `commit` | `{"offsets": {k: offset, ...}}` | nothing |
//! | `committed` | `{"keys": [k, ...]}` | `{k: offset, ...}` |
//!
//! The offsets of one log need not be without gaps. A message is where its answer, or some poll, says that it is; it is
//! *lost* if it was acknowledged, and a poll that began after that read on behind its offset without it. A poll that
//! reads on from where it was asked to may leave nothing out, and goes up. What is committed is no less than the least
//! of the commits that can have been the last: clients that stand at different places may take it back. Each of these
//! is necessary. O(n log n).

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::{Fact, Judgement, Subject, end};
use crate::budget::Meter;
use crate::datum::{Datum, Encoded, View};
use crate::event::F;
use crate::history::Operation;
use crate::verdict::Verdict;
use crate::witness::Anomaly;

/// A message of a log.
struct Message<'a> {
    send: &'a Operation,
    /// Where it was seen first, and by which operation.
    at: Option<(i64, &'a Operation)>,
    is_polled: bool,
}

/// What one poll read of one key.
struct Poll<'a> {
    op: &'a Operation,
    /// From where it was asked to read, if that was said.
    from: Option<i64>,
    read: Vec<(i64, Datum)>,
}

/// One log.
#[derive(Default)]
struct Log<'a> {
    messages: FxHashMap<Datum, Message<'a>>,
    /// What was seen at each offset, and by which operation.
    places: BTreeMap<i64, (Datum, &'a Operation)>,
    polls: Vec<Poll<'a>>,
    /// Whether a message was sent twice, so that it cannot be said which of them was read.
    has_equal_messages: bool,
}

pub(super) fn judge(subject: Subject<'_>) -> Judgement {
    let mut meter = Meter::new(subject.budget);
    let mut logs: BTreeMap<Datum, Log<'_>> = BTreeMap::new();
    let mut commits = Vec::new();
    let mut doubt = Verdict::Valid;
    for &op in subject.operations {
        if let Err(limit) = meter.work(1) {
            return subject.spent(limit).into();
        }
        let expected = match op.f {
            F::Send => send(subject, op, &mut logs),
            F::Poll => poll(subject, op, &mut logs),
            _ => {
                commits.push(op);
                None
            }
        };
        if let Some(expected) = expected {
            doubt = doubt.join(subject.misfit(op, expected));
        }
    }
    let mut wrong = None;
    logs.retain(|_, log| !log.has_equal_messages);
    for log in logs.values_mut() {
        wrong = wrong.or_else(|| log.place_all(subject));
    }
    let wrong = wrong
        .or_else(|| logs.values().find_map(|log| log.wrong_poll(subject)))
        .or_else(|| logs.values().find_map(|log| log.lost(subject)))
        .or_else(|| backwards(subject, &commits));
    let messages = || logs.values().flat_map(|log| log.messages.values());
    let acknowledged = messages().filter(|it| it.send.is_ok());
    let facts = vec![
        Fact { name: "messages", count: messages().count() as u64 },
        Fact { name: "unseen", count: acknowledged.filter(|it| !it.is_polled).count() as u64 },
    ];
    Judgement { verdict: wrong.unwrap_or(doubt), facts, claim: None }
}

fn entries(value: Encoded<'_>) -> Option<Vec<(Datum, Encoded<'_>)>> {
    let View::Map(mut items) = value.view() else { return None };
    let mut entries = Vec::new();
    while let (Some(key), Some(value)) = (items.next(), items.next()) {
        entries.push((key.datum(), value));
    }
    Some(entries)
}

fn entry<'a>(value: Encoded<'a>, name: &str) -> Option<Encoded<'a>> {
    let name = Datum::text(name);
    entries(value)?.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
}

fn number(value: Encoded<'_>) -> Option<i64> {
    match value.view() {
        View::Integer(number) => Some(number),
        _ => None,
    }
}

/// Notes a message. Returns what was expected instead, if it has another form.
fn send<'a>(
    subject: Subject<'a>,
    op: &'a Operation,
    logs: &mut BTreeMap<Datum, Log<'a>>,
) -> Option<&'static str> {
    let given = subject.argument(op);
    let (Some(key), Some(text)) = (entry(given, "key"), entry(given, "msg")) else {
        return Some("a map with `key` and `msg`");
    };
    let at = if op.is_ok() { number(subject.result(op)) } else { None };
    if op.is_ok() && at.is_none() {
        return Some("an offset as the answer");
    }
    let log = logs.entry(key.datum()).or_default();
    let message = Message { send: op, at: at.map(|at| (at, op)), is_polled: false };
    if log.messages.insert(text.datum(), message).is_some() {
        log.has_equal_messages = true;
        return Some("a message that is sent once");
    }
    None
}

/// Notes what was polled.
fn poll<'a>(
    subject: Subject<'a>,
    op: &'a Operation,
    logs: &mut BTreeMap<Datum, Log<'a>>,
) -> Option<&'static str> {
    const EXPECTED: &str = "a map of keys to lists of [offset, message] as the answer";
    if !op.is_ok() {
        return None;
    }
    let Some(answer) = entries(subject.result(op)) else { return Some(EXPECTED) };
    let asked = entry(subject.argument(op), "offsets").and_then(entries).unwrap_or_default();
    for (key, list) in answer {
        let View::List(items) = list.view() else { return Some(EXPECTED) };
        let mut read = Vec::new();
        for item in items {
            let Some((offset, message)) = item.pair() else { return Some(EXPECTED) };
            let Some(offset) = number(offset) else { return Some(EXPECTED) };
            read.push((offset, message.datum()));
        }
        let from = asked.iter().find(|(asked, _)| *asked == key).and_then(|(_, at)| number(*at));
        logs.entry(key).or_default().polls.push(Poll { op, from, read });
    }
    None
}

impl<'a> Log<'a> {
    /// Gives each message its place: at most one, with nothing else there.
    fn place_all(&mut self, subject: Subject<'a>) -> Option<Verdict> {
        let sends = self.messages.iter();
        let mut seen: Vec<(i64, Datum, &Operation)> = sends
            .filter_map(|(it, message)| Some((message.at?.0, it.clone(), message.at?.1)))
            .collect();
        let polled = |poll: &Poll<'a>| {
            let op = poll.op;
            poll.read.iter().map(move |(at, it)| (*at, it.clone(), op)).collect::<Vec<_>>()
        };
        seen.extend(self.polls.iter().flat_map(polled));
        seen.sort_by_key(|(at, _, op)| (end(op), *at));
        for (at, message, op) in seen {
            let Some(known) = self.messages.get_mut(&message) else {
                let what = format!("{message} was polled at offset {at}, but never sent");
                return Some(subject.invalid(Anomaly::GarbageRead, &[op], &what));
            };
            if op.f == F::Poll {
                known.is_polled = true;
                if end(op) < known.send.invoke {
                    let what = format!("{message} was polled before it was sent");
                    return Some(subject.invalid(Anomaly::FutureRead, &[op, known.send], &what));
                }
            }
            if let Some((other, by)) = known.at.filter(|(other, _)| *other != at) {
                let what = format!("{message} is at two offsets, {other} and {at}");
                return Some(subject.invalid(Anomaly::Duplicated, &[by, op], &what));
            }
            known.at = Some((at, op));
            if let Some((other, by)) = self.places.get(&at).filter(|(other, _)| *other != message) {
                let what = format!("at offset {at} there are two messages, {other} and {message}");
                return Some(subject.invalid(Anomaly::DivergentReads, &[by, op], &what));
            }
            self.places.entry(at).or_insert((message, op));
        }
        None
    }

    /// A poll that does not go up, begins before where it was asked to, or leaves out what was acknowledged before.
    fn wrong_poll(&self, subject: Subject<'a>) -> Option<Verdict> {
        for poll in &self.polls {
            if let Some(pair) = poll.read.windows(2).find(|pair| pair[0].0 >= pair[1].0) {
                let what = format!("offset {} was read behind {}", pair[1].0, pair[0].0);
                return Some(subject.invalid(Anomaly::OutOfOrder, &[poll.op], &what));
            }
            let first = poll.read.first().map(|(at, _)| *at);
            if let (Some(from), Some(first)) = (poll.from, first)
                && first < from
            {
                let what = format!("asked to read from offset {from} on, it read {first}");
                return Some(subject.invalid(Anomaly::OutOfOrder, &[poll.op], &what));
            }
        }
        None
    }

    /// A message that was acknowledged before a poll began which read on behind it without it.
    fn lost(&self, subject: Subject<'a>) -> Option<Verdict> {
        for poll in &self.polls {
            let (Some((first, _)), Some((last, _))) = (poll.read.first(), poll.read.last()) else {
                continue;
            };
            let from = poll.from.unwrap_or(*first);
            for (at, (message, _)) in self.places.range(from..*last) {
                let Some(known) = self.messages.get(message) else { continue };
                let is_there = poll.read.binary_search_by_key(at, |(at, _)| *at).is_ok();
                if is_there || !known.send.is_ok() || end(known.send) >= poll.op.invoke {
                    continue;
                }
                let anomaly = if known.is_polled { Anomaly::OutOfOrder } else { Anomaly::Lost };
                let how = if known.is_polled { "a poll skipped it" } else { "it is gone" };
                let what = format!(
                    "{message}, acknowledged at offset {at}, was not read on the way from {from} to {last}: {how}"
                );
                return Some(subject.invalid(anomaly, &[known.send, poll.op], &what));
            }
        }
        None
    }
}

/// What is committed of a log is what was committed last, or more: an answer below every commit that can have been the
/// last one is wrong.
fn backwards(subject: Subject<'_>, commits: &[&Operation]) -> Option<Verdict> {
    let mut by_key: BTreeMap<Datum, Commits<'_>> = BTreeMap::new();
    for &commit in commits.iter().filter(|op| op.f == F::Commit) {
        let offsets = entry(subject.argument(commit), "offsets").and_then(entries);
        for (key, at) in offsets.unwrap_or_default() {
            let at = number(at).unwrap_or(i64::MIN);
            by_key.entry(key).or_default().all.push((commit, at));
        }
    }
    by_key.values_mut().for_each(Commits::sort);
    for &asked in commits.iter().filter(|op| op.f == F::Committed && op.is_ok()) {
        let answer: BTreeMap<Datum, i64> = entries(subject.result(asked))
            .unwrap_or_default()
            .into_iter()
            .filter_map(|(key, at)| Some((key, number(at)?)))
            .collect();
        let keys = entry(subject.argument(asked), "keys").map(Encoded::datum);
        let Some(Datum::List(keys)) = keys else { continue };
        for key in keys {
            let last = by_key.get(&key).and_then(|commits| commits.last_before(asked.invoke));
            let Some((commit, least)) = last else { continue };
            let found = answer.get(&key).copied();
            if found.is_none_or(|found| found < least) {
                let found = found.map_or_else(|| "nothing".to_owned(), |found| found.to_string());
                let what = format!(
                    "at least offset {least} of {key} was committed, and later {found} was"
                );
                return Some(subject.invalid(Anomaly::LostWrite, &[commit, asked], &what));
            }
        }
    }
    None
}

/// The commits of one log.
#[derive(Default)]
struct Commits<'a> {
    /// With their offsets, those that were over first at first; unknown ones last.
    all: Vec<(&'a Operation, i64)>,
    /// By place in `all`: the least offset from there on.
    least: Vec<i64>,
    /// By place in `all`: of the acknowledged ones up to there, the one that began last.
    latest: Vec<Option<&'a Operation>>,
}

impl<'a> Commits<'a> {
    fn sort(&mut self) {
        self.all.sort_by_key(|(op, _)| end(op));
        self.least = self.all.iter().map(|(_, at)| *at).collect();
        for n in (1..self.least.len()).rev() {
            self.least[n - 1] = self.least[n - 1].min(self.least[n]);
        }
        let mut latest: Option<&Operation> = None;
        self.latest = Vec::with_capacity(self.all.len());
        for &(op, _) in &self.all {
            if op.is_ok() && latest.is_none_or(|known| known.invoke < op.invoke) {
                latest = Some(op);
            }
            self.latest.push(latest);
        }
    }

    /// A commit that was over before a place, and the least offset of those that can have come last there: all that
    /// were not over before it began.
    fn last_before(&self, place: u32) -> Option<(&'a Operation, i64)> {
        let over = self.all.partition_point(|(op, _)| end(op) < place);
        let latest = self.latest[..over].last().copied().flatten()?;
        let from = self.all.partition_point(|(op, _)| end(op) < latest.invoke);
        Some((latest, self.least[from]))
    }
}
