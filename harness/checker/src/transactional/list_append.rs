//! What lists tell about the order of transactions.
//!
//! A list only grows, at its end. So each read of a list shows all of its versions until then, in their
//! order, and the longest read of a key shows the order of all versions that any read saw: the others must
//! be beginnings of it. A committed append that no read saw comes after all of these, in an unknown order
//! with others of its kind: these are the *tail* of the key.
//!
//! What a transaction reads of its own appends shows nothing of the others. They are taken off the end of
//! the list; what is left is the *base* that the transaction saw.
//!
//! A transaction of unknown outcome took effect if any of its appends was read. One that no read shows
//! constrains nothing, and is left out.

use super::anomaly::Anomaly;
use super::graph::{Edges, Kind};
use super::inference::{Doubt, Finding, Inference, Versions};
use super::transactions::{ListRead, Micro, NEVER, NOBODY, Status, Transactions};

/// The most edges from readers to the unread appends that follow.
const MOST_TAIL_EDGES: usize = 20_000_000;

/// One read of a list, without what the reader had appended itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Base {
    pub(super) key: u32,
    read: ListRead,
    /// How many elements it has.
    pub(super) length: u32,
    /// The place of the read among the micro-operations of the transaction.
    pub(super) place: u32,
    /// Whether the list ends with all that the reader had appended before.
    ends_with_own: bool,
}

/// Hands on each read of a committed transaction.
pub(super) fn each_base(
    transactions: &Transactions,
    transaction: u32,
    own: &mut Vec<(u32, u32)>,
    mut take: impl FnMut(Base),
) {
    own.clear();
    for (place, (key, micro)) in (0..).zip(transactions.micros(transaction)) {
        match micro {
            Micro::Append(version) => own.push((key, version)),
            Micro::ReadList(_) | Micro::ReadNil => {
                let read = match micro {
                    Micro::ReadList(read) => read,
                    // A key that was never written holds nil, or an empty list.
                    _ => ListRead::EMPTY,
                };
                let list = transactions.list(key, read);
                let mut length = list.len();
                let mut ends_with_own = true;
                for &(_, version) in own.iter().rev().filter(|it| it.0 == key) {
                    if length == 0 || list[length - 1] != version {
                        ends_with_own = false;
                        break;
                    }
                    length -= 1;
                }
                let length = if ends_with_own { length } else { list.len() };
                let length = u32::try_from(length).unwrap_or(NEVER);
                take(Base { key, read, length, place, ends_with_own });
            }
            _ => {}
        }
    }
}

/// Infers the dependencies of a history of lists, and finds the anomalies that show without them.
pub fn infer(transactions: &Transactions) -> Inference {
    let mut state = State::new(transactions);
    state.find_orders();
    state.find_disorder();
    state.find_outcomes();
    state.find_reads();
    state.connect_versions();
    state.connect_reads();
    state.inference
}

struct State<'a> {
    transactions: &'a Transactions,
    inference: Inference,
    /// A version that is not the last that its transaction appended to the key.
    is_intermediate: Vec<bool>,
    /// The first place of a key's order that holds what no transaction wrote, or a failed one.
    first_garbage: Vec<u32>,
    first_aborted: Vec<u32>,
    own: Vec<(u32, u32)>,
}

impl<'a> State<'a> {
    fn new(transactions: &'a Transactions) -> Self {
        let (keys, versions) = (transactions.keys(), transactions.versions());
        let is_committed =
            transactions.all().map(|it| transactions.frame(it).status == Status::Ok).collect();
        State {
            transactions,
            inference: Inference {
                is_committed,
                edges: Edges::default(),
                findings: Vec::new(),
                doubts: Vec::new(),
                versions: Versions {
                    lengths: vec![0; keys],
                    places: vec![NEVER; versions],
                    orders: vec![None; keys],
                    tails: Vec::new(),
                },
            },
            is_intermediate: vec![false; versions],
            first_garbage: vec![NEVER; keys],
            first_aborted: vec![NEVER; keys],
            own: Vec::new(),
        }
    }

    fn committed_reads(&mut self, mut take: impl FnMut(&mut Inference, u32, Base)) {
        let State { transactions, inference, own, .. } = self;
        for transaction in transactions.all() {
            if transactions.frame(transaction).status == Status::Ok {
                each_base(transactions, transaction, own, |base| {
                    take(inference, transaction, base);
                });
            }
        }
    }

    /// The order of the versions of each key: its longest base.
    fn find_orders(&mut self) {
        let transactions = self.transactions;
        let mut odd_keys: Vec<(u32, u32, Base)> = Vec::new();
        self.committed_reads(|inference, reader, base| {
            if transactions.has_odd_lists(base.key) {
                odd_keys.push((base.key, reader, base));
            } else {
                let longest = &mut inference.versions.lengths[base.key as usize];
                *longest = base.length.max(*longest);
            }
        });
        odd_keys.sort_by_key(|it| it.0);
        for reads in odd_keys.chunk_by(|one, other| one.0 == other.0) {
            self.find_odd_order(reads);
        }
        for &(version, again) in transactions.rewritten() {
            let key = transactions.key_of(version);
            self.inference.versions.lengths[key as usize] = NEVER;
            let first = transactions.writer(version);
            self.inference.doubts.push(Doubt::Rewritten { key, version, first, again });
        }
        for key in 0..u32::try_from(transactions.keys()).unwrap_or(NEVER) {
            self.find_places(key);
        }
    }

    /// The order of a key of which some list is no beginning of the longest.
    fn find_odd_order(&mut self, reads: &[(u32, u32, Base)]) {
        let transactions = self.transactions;
        let list = |base: &Base| &transactions.list(base.key, base.read)[..base.length as usize];
        let Some(longest) = reads.iter().max_by_key(|it| it.2.length) else { return };
        let key = longest.0;
        let whole = list(&longest.2);
        let twice = reads.iter().find(|it| has_twice(list(&it.2)));
        if let Some(&(_, reader, base)) = twice {
            self.inference.find(Finding {
                length: Some(base.length),
                ..Finding::new(Anomaly::DuplicateElements, key, reader)
            });
        }
        let Some(&(_, reader, base)) = reads.iter().find(|it| !whole.starts_with(list(&it.2)))
        else {
            self.inference.versions.lengths[key as usize] = longest.2.length;
            self.inference.versions.orders[key as usize] = Some(whole.into());
            return;
        };
        if twice.is_none() {
            self.inference.find(Finding {
                other: Some(longest.1),
                lists: Some([list(&base).into(), whole.into()]),
                ..Finding::new(Anomaly::IncompatibleOrder, key, reader)
            });
        }
        // Nothing is known of the order of this key. Who is in a list took effect, though.
        self.inference.doubts.push(Doubt::NoOrder { key });
        for &version in reads.iter().flat_map(|it| list(&it.2)) {
            self.inference.has_taken_effect(transactions, version);
        }
        self.find_origins(reads);
        self.inference.versions.lengths[key as usize] = NEVER;
    }

    /// What was never written, or not committed, in the lists of a key that has no order.
    fn find_origins(&mut self, reads: &[(u32, u32, Base)]) {
        let transactions = self.transactions;
        for &(key, reader, base) in reads {
            for &version in &transactions.list(key, base.read)[..base.length as usize] {
                let writer = transactions.writer(version);
                let found = if writer == NOBODY {
                    Finding::new(Anomaly::GarbageRead, key, reader)
                } else if transactions.frame(writer).status == Status::Fail {
                    Finding { other: Some(writer), ..Finding::new(Anomaly::G1a, key, reader) }
                } else {
                    continue;
                };
                self.inference.find(Finding { version: Some(version), ..found });
            }
        }
    }

    /// The place of each version in the order of its key.
    fn find_places(&mut self, key: u32) {
        let transactions = self.transactions;
        let versions = &mut self.inference.versions;
        if versions.lengths[key as usize] == NEVER {
            return;
        }
        let mut twice = None;
        let order: &[u32] = match &versions.orders[key as usize] {
            Some(order) => order,
            None => &transactions.longest(key)[..versions.lengths[key as usize] as usize],
        };
        for (place, &version) in (0..).zip(order) {
            let known = &mut versions.places[version as usize];
            if *known == NEVER {
                *known = place;
            } else {
                twice.get_or_insert((place, version));
            }
            let writer = transactions.writer(version);
            if writer == NOBODY {
                let first = &mut self.first_garbage[key as usize];
                *first = place.min(*first);
                continue;
            }
            match transactions.frame(writer).status {
                Status::Ok => {}
                Status::Info => self.inference.is_committed[writer as usize] = true,
                Status::Fail => {
                    let first = &mut self.first_aborted[key as usize];
                    *first = place.min(*first);
                }
            }
        }
        if let Some((place, version)) = twice {
            self.find_twice(key, place, version);
        }
    }

    /// An element is twice in the order of a key, so that there is none.
    fn find_twice(&mut self, key: u32, place: u32, version: u32) {
        if let Some((reader, length)) = self.reader_beyond(key, place) {
            self.inference.find(Finding {
                version: Some(version),
                length: Some(length),
                ..Finding::new(Anomaly::DuplicateElements, key, reader)
            });
        }
        self.forget_order(key);
    }

    /// A transaction that read more than so many elements of a key, and how many.
    fn reader_beyond(&mut self, key: u32, place: u32) -> Option<(u32, u32)> {
        let mut reader = None;
        self.committed_reads(|_, transaction, base| {
            if base.key == key && base.length > place {
                reader.get_or_insert((transaction, base.length));
            }
        });
        reader
    }

    fn forget_order(&mut self, key: u32) {
        self.inference.versions.lengths[key as usize] = NEVER;
        self.inference.doubts.push(Doubt::NoOrder { key });
    }

    /// The appends of each transaction are in its own order, and none lacks before a later one.
    fn find_disorder(&mut self) {
        let State { transactions, inference, own, .. } = self;
        let mut found = Vec::new();
        for transaction in transactions.all() {
            own.clear();
            if !inference.is_committed[transaction as usize] {
                continue;
            }
            for (key, micro) in transactions.micros(transaction) {
                let Micro::Append(version) = micro else { continue };
                let place = inference.versions.places[version as usize];
                match own.iter_mut().find(|it| it.0 == key) {
                    None => own.push((key, place)),
                    Some(last) => {
                        if place < last.1 && inference.versions.is_known(key) {
                            found.push((key, transaction, version, place));
                        }
                        last.1 = place;
                    }
                }
            }
        }
        found.dedup_by_key(|it| it.0);
        for (key, writer, version, place) in found {
            if let Some((reader, length)) = self.reader_beyond(key, place) {
                self.inference.find(Finding {
                    other: Some(writer),
                    version: Some(version),
                    length: Some(length),
                    ..Finding::new(Anomaly::IncompatibleOrder, key, reader)
                });
            }
            self.forget_order(key);
        }
    }

    /// Which versions are in the tail of their key, and which are not the last of their transaction.
    fn find_outcomes(&mut self) {
        let State { transactions, inference, is_intermediate, own, .. } = self;
        for transaction in transactions.all() {
            own.clear();
            let is_committed = inference.is_committed[transaction as usize];
            for (key, micro) in transactions.micros(transaction) {
                let Micro::Append(version) = micro else { continue };
                match own.iter_mut().find(|it| it.0 == key) {
                    Some(last) => {
                        is_intermediate[last.1 as usize] = true;
                        last.1 = version;
                    }
                    None => own.push((key, version)),
                }
                let versions = &mut inference.versions;
                let is_unread = versions.places[version as usize] == NEVER;
                if is_committed && is_unread && versions.lengths[key as usize] != NEVER {
                    versions.tails.push((key, transaction));
                }
            }
        }
        inference.versions.tails.sort_unstable();
        inference.versions.tails.dedup();
    }

    /// Anomalies of single reads.
    fn find_reads(&mut self) {
        let transactions = self.transactions;
        let (garbage, aborted) =
            (std::mem::take(&mut self.first_garbage), std::mem::take(&mut self.first_aborted));
        let is_intermediate = std::mem::take(&mut self.is_intermediate);
        // What a transaction has read of a key before.
        let mut before: Vec<Base> = Vec::new();
        let mut of = NOBODY;
        self.committed_reads(|inference, reader, base| {
            if of != reader {
                before.clear();
                of = reader;
            }
            let key = base.key as usize;
            let list = transactions.list(base.key, base.read);
            let differs = |earlier: &&Base| {
                earlier.key == base.key
                    && transactions.list(base.key, earlier.read)[..earlier.length as usize]
                        != list[..base.length as usize]
            };
            let earlier = before.iter().find(differs).map(|earlier| earlier.place);
            if !base.ends_with_own || earlier.is_some() {
                inference.find(Finding {
                    places: Some((earlier, base.place)),
                    ..Finding::new(Anomaly::Internal, base.key, reader)
                });
            }
            before.push(base);
            if inference.versions.lengths[key] == NEVER {
                return;
            }
            if base.length > garbage[key] {
                inference.find(Finding {
                    version: Some(list[garbage[key] as usize]),
                    ..Finding::new(Anomaly::GarbageRead, base.key, reader)
                });
            }
            if base.length > aborted[key] {
                let version = list[aborted[key] as usize];
                let found = Finding {
                    version: Some(version),
                    other: Some(transactions.writer(version)),
                    ..Finding::new(Anomaly::G1a, base.key, reader)
                };
                let is_dirty = list[aborted[key] as usize..base.length as usize].iter().any(|it| {
                    let writer = transactions.writer(*it);
                    writer != NOBODY && transactions.frame(writer).status != Status::Fail
                });
                if is_dirty {
                    inference.find(Finding { anomaly: Anomaly::DirtyUpdate, ..found.clone() });
                }
                inference.find(found);
            }
            if let Some(&last) = list[..base.length as usize].last() {
                let writer = transactions.writer(last);
                if is_intermediate[last as usize] && writer != reader && writer != NOBODY {
                    inference.find(Finding {
                        version: Some(last),
                        other: Some(writer),
                        ..Finding::new(Anomaly::G1b, base.key, reader)
                    });
                }
            }
            for (place, (other, micro)) in (0..).zip(transactions.micros(reader)) {
                let Micro::Append(version) = micro else { continue };
                let is_seen = inference.versions.places[version as usize] < base.length;
                if other != base.key || !is_seen {
                    continue;
                }
                let anomaly = if place > base.place {
                    Anomaly::FutureRead
                } else if base.ends_with_own {
                    // It is there before the reader's own appends, and among them.
                    Anomaly::DuplicateElements
                } else {
                    continue;
                };
                inference.find(Finding {
                    version: Some(version),
                    ..Finding::new(anomaly, base.key, reader)
                });
            }
        });
    }

    /// The write dependencies.
    fn connect_versions(&mut self) {
        let transactions = self.transactions;
        let Inference { is_committed, edges, versions, .. } = &mut self.inference;
        let tails = std::mem::take(&mut versions.tails);
        let mut tails_left = &tails[..];
        for key in 0..u32::try_from(transactions.keys()).unwrap_or(NEVER) {
            let mut last = None;
            for &version in versions.order(transactions, key) {
                let writer = transactions.writer(version);
                if writer == NOBODY || !is_committed[writer as usize] {
                    continue;
                }
                if let Some(last) = last {
                    edges.add(last, writer, Kind::Ww);
                }
                last = Some(writer);
            }
            let of_key = tails_left.partition_point(|it| it.0 <= key);
            for &(_, writer) in &tails_left[..of_key] {
                if let Some(last) = last {
                    edges.add(last, writer, Kind::Ww);
                }
            }
            tails_left = &tails_left[of_key..];
        }
        versions.tails = tails;
    }

    /// The read dependencies and the anti-dependencies.
    fn connect_reads(&mut self) {
        let transactions = self.transactions;
        let mut tail_edges = 0;
        self.committed_reads(|inference, reader, base| {
            if inference.versions.lengths[base.key as usize] == NEVER {
                return;
            }
            let Inference { is_committed, edges, versions, .. } = inference;
            let order = versions.order(transactions, base.key);
            let is_known = |version: u32| {
                let writer = transactions.writer(version);
                (writer != NOBODY && is_committed[writer as usize]).then_some(writer)
            };
            let (seen, unseen) = order.split_at(base.length as usize);
            if let Some(writer) = seen.last().and_then(|&version| is_known(version)) {
                edges.add(writer, reader, Kind::Wr);
            }
            if let Some(writer) = unseen.iter().find_map(|&version| is_known(version)) {
                edges.add(reader, writer, Kind::Rw);
                return;
            }
            let tail = versions.tail(base.key);
            tail_edges += tail.len();
            if tail_edges > MOST_TAIL_EDGES {
                return;
            }
            for &(_, writer) in tail {
                edges.add(reader, writer, Kind::Rw);
            }
        });
        if tail_edges > MOST_TAIL_EDGES {
            self.inference.doubts.push(Doubt::TooManyUnread);
        }
    }
}

fn has_twice(list: &[u32]) -> bool {
    let mut sorted = list.to_vec();
    sorted.sort_unstable();
    sorted.windows(2).any(|pair| pair[0] == pair[1])
}
