//! Transactions as flat arrays: everything is a number of 32 bits, and names are looked up only to tell
//! about them.
//!
//! A [`Builder`] takes one transaction after another: first its micro-operations, then
//! [`Builder::finish_transaction`]. Where they come from, a file or a run, is not its business.
//! Transactions keep the order in which they were handed over.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use crate::datum::Datum;

type Map<K, V> = HashMap<K, V, FxBuildHasher>;

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It committed, and what it read is known.
    Ok,
    /// It certainly did not commit.
    Fail,
    /// Unknown: it may have committed at any time after its invocation, or never. What it read is
    /// unknown, too: it has no reads.
    Info,
}

/// A place after all others: where a transaction completes of which no end is recorded.
pub const NEVER: u32 = u32::MAX;

/// What is known of a transaction besides its micro-operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// Its session, the process that ran it, by number; [`Builder::session`] gives numbers.
    pub session: u32,
    /// How it ended.
    pub status: Status,
    /// The place of its invocation in the order of all events. No two events have one place.
    pub invoke: u32,
    /// The place of its completion; [`NEVER`] if that is open. Only an `ok` counts as an end for the order
    /// of real time: whoever reports `info` does not know the end.
    pub complete: u32,
    /// The number of its invocation as the history names it, for people.
    pub index: u64,
    /// The number of its completion, or of its invocation if it has none, likewise.
    pub complete_index: u64,
}

/// What one micro-operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Micro {
    /// `[:append key element]`: the version that has this element for its last.
    Append(u32),
    /// `[:r key [...]]`: a read of a list; [`Transactions::list`] shows it.
    ReadList(ListRead),
    /// `[:w key value]`: a version of a register.
    Write(u32),
    /// `[:r key value]`: a read of a register.
    Read(u32),
    /// `[:r key nil]` of a register: it was as it is at first.
    ReadNil,
}

/// A list that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListRead(u32);

impl ListRead {
    /// No elements.
    pub const EMPTY: ListRead = ListRead(0);

    /// The bit of a list that is no beginning of its key's longest.
    const ODD: u32 = 1 << 31;

    /// Whether the list is no beginning of the longest that was read of its key, and stands apart.
    pub fn is_odd(self) -> bool {
        self.0 & Self::ODD != 0
    }
}

/// One micro-operation, in eight bytes: the key has the kind in its three highest bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Packed {
    kind_and_key: u32,
    value: u32,
}

const KIND_SHIFT: u32 = 29;
const MOST_KEYS: u32 = 1 << KIND_SHIFT;

impl Packed {
    fn new(key: u32, micro: Micro) -> Self {
        let (kind, value) = match micro {
            Micro::Append(version) => (0, version),
            Micro::ReadList(list) => (1, list.0),
            Micro::Write(version) => (2, version),
            Micro::Read(version) => (3, version),
            Micro::ReadNil => (4, 0),
        };
        Packed { kind_and_key: kind << KIND_SHIFT | key, value }
    }

    fn key(self) -> u32 {
        self.kind_and_key & (MOST_KEYS - 1)
    }

    fn micro(self) -> Micro {
        match self.kind_and_key >> KIND_SHIFT {
            0 => Micro::Append(self.value),
            1 => Micro::ReadList(ListRead(self.value)),
            2 => Micro::Write(self.value),
            3 => Micro::Read(self.value),
            _ => Micro::ReadNil,
        }
    }
}

/// Names of things that are mostly small whole numbers.
#[derive(Debug, Default)]
struct Names {
    numbers: Vec<i64>,
    /// Those that are no number of 64 bits, which stand in `numbers` as [`OTHER`].
    others: Map<u32, Datum>,
}

/// Stands for a name that is no whole number. A true number of this value is kept as another name.
const OTHER: i64 = i64::MIN;

impl Names {
    fn push(&mut self, name: &Name<'_>) {
        match *name {
            Name::Integer(number) if number != OTHER => self.numbers.push(number),
            Name::Integer(number) => self.push_other(Datum::Integer(number)),
            Name::Datum(datum) => self.push_other(datum.clone()),
        }
    }

    fn push_other(&mut self, datum: Datum) {
        let id = u32::try_from(self.numbers.len()).expect("the builder counts names");
        self.others.insert(id, datum);
        self.numbers.push(OTHER);
    }

    fn get(&self, id: u32) -> Datum {
        match self.numbers[id as usize] {
            OTHER => self.others[&id].clone(),
            number => Datum::Integer(number),
        }
    }
}

/// A name of a key, an element or a process, as a reader has it at hand.
#[derive(Debug, Clone, Copy)]
pub enum Name<'a> {
    /// A whole number.
    Integer(i64),
    /// Anything else.
    Datum(&'a Datum),
}

impl<'a> From<&'a Datum> for Name<'a> {
    fn from(datum: &'a Datum) -> Self {
        match *datum {
            Datum::Integer(number) => Name::Integer(number),
            _ => Name::Datum(datum),
        }
    }
}

/// All transactions of a history.
///
/// - A *key* is an object, numbered from 0.
/// - A *version* is what one write of one value to one key makes of that key, numbered from 0 over all
///   keys: two writes of one value to one key make one version, which is then not recoverable
///   ([`Transactions::rewritten`]). Of a list, the version is named by its last element.
/// - A *session* is a process.
#[derive(Debug, Default)]
pub struct Transactions {
    keys: Names,
    versions: Names,
    key_of_version: Vec<u32>,
    /// Who writes each version; [`NOBODY`] if it was only read.
    writers: Vec<u32>,
    /// Versions that are written more than once: the version, and the transaction that writes it again.
    rewritten: Vec<(u32, u32)>,
    sessions: Names,
    frames: Vec<Frame>,
    /// Where the micro-operations of each transaction begin, and of the last one end.
    begins: Vec<u32>,
    micros: Vec<Packed>,
    /// The longest list read of each key, of which most others are beginnings.
    longest: Vec<Vec<u32>>,
    /// Lists that are no beginning of their key's longest.
    odd: Vec<Box<[u32]>>,
    /// Whether a key has such a list.
    has_odd: Vec<bool>,
    /// Elements of all lists that are kept.
    elements: usize,
}

/// The writer of a version that no transaction writes.
pub const NOBODY: u32 = u32::MAX;

impl Transactions {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// The numbers of all transactions.
    pub fn all(&self) -> std::ops::Range<u32> {
        0..count(&self.frames)
    }

    /// What is known of a transaction besides its micro-operations.
    pub fn frame(&self, transaction: u32) -> &Frame {
        &self.frames[transaction as usize]
    }

    /// The micro-operations of a transaction, in their order, each with its key.
    pub fn micros(
        &self,
        transaction: u32,
    ) -> impl DoubleEndedIterator<Item = (u32, Micro)> + Clone {
        let at = transaction as usize;
        let range = self.begins[at] as usize..self.begins[at + 1] as usize;
        self.micros[range].iter().map(|packed| (packed.key(), packed.micro()))
    }

    /// The versions of the elements of a list that was read.
    pub fn list(&self, key: u32, read: ListRead) -> &[u32] {
        if read.is_odd() {
            &self.odd[(read.0 & !ListRead::ODD) as usize]
        } else {
            &self.longest[key as usize][..read.0 as usize]
        }
    }

    /// The longest list that was read of a key; all others are beginnings of it, unless
    /// [`Transactions::has_odd_lists`].
    pub fn longest(&self, key: u32) -> &[u32] {
        &self.longest[key as usize]
    }

    /// Whether some list that was read of a key is no beginning of its longest.
    pub fn has_odd_lists(&self, key: u32) -> bool {
        self.has_odd[key as usize]
    }

    /// How many keys there are.
    pub fn keys(&self) -> usize {
        self.keys.numbers.len()
    }

    /// How many versions there are, of all keys.
    pub fn versions(&self) -> usize {
        self.versions.numbers.len()
    }

    /// How many sessions there are.
    pub fn sessions(&self) -> usize {
        self.sessions.numbers.len()
    }

    /// The key of a version.
    pub fn key_of(&self, version: u32) -> u32 {
        self.key_of_version[version as usize]
    }

    /// The transaction that writes a version, however it ended; [`NOBODY`] if none does.
    pub fn writer(&self, version: u32) -> u32 {
        self.writers[version as usize]
    }

    /// Versions that are written more than once, each with a later transaction that does. Nothing is
    /// known of the origin of what reads of such a version saw.
    pub fn rewritten(&self) -> &[(u32, u32)] {
        &self.rewritten
    }

    /// The name of a key, for people.
    pub fn key_name(&self, key: u32) -> Datum {
        self.keys.get(key)
    }

    /// The value that a version was written with, for people.
    pub fn value_name(&self, version: u32) -> Datum {
        self.versions.get(version)
    }

    /// The name of the process of a session, for people.
    pub fn session_name(&self, session: u32) -> Datum {
        self.sessions.get(session)
    }

    /// What all this takes in memory.
    pub fn memory_bytes(&self) -> u64 {
        // A list that grows is there twice for a moment, and takes up to twice its length.
        let lists = 24 * (self.longest.len() + self.odd.len()) + 6 * self.elements;
        let names = 8 * (self.keys() + self.versions() + self.sessions());
        let flat = 8 * self.versions()
            + size_of::<Frame>() * self.frames.capacity()
            + 4 * self.begins.capacity()
            + 8 * self.micros.capacity();
        (lists + names + flat) as u64
    }
}

fn count<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).expect("the builder refuses more than 2^31")
}

/// More than the numbers of 32 bits can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than {limit} {what}: split the history")]
pub struct TooMany {
    what: &'static str,
    limit: u32,
}

/// Takes transactions one by one.
#[derive(Debug)]
pub struct Builder {
    made: Transactions,
    ids_of_keys: Ids,
    ids_of_sessions: Ids,
    /// Of each key, the versions of its small values.
    small: Vec<Vec<u32>>,
    /// Entries of all these tables.
    small_entries: usize,
    other_versions: Map<(u32, i64), u32>,
    named_versions: Map<(u32, Datum), u32>,
    /// The list that is being read.
    list: Vec<u32>,
}

/// Numbers of names.
#[derive(Debug, Default)]
struct Ids {
    numbers: Map<i64, u32>,
    others: Map<Datum, u32>,
}

impl Ids {
    fn intern(&mut self, name: &Name<'_>, names: &mut Names) -> u32 {
        let next = count(&names.numbers);
        let id = match *name {
            Name::Integer(number) => *self.numbers.entry(number).or_insert(next),
            Name::Datum(datum) => match self.others.get(datum) {
                Some(&id) => id,
                None => *self.others.entry(datum.clone()).or_insert(next),
            },
        };
        if id == next {
            names.push(name);
        }
        id
    }
}

/// The most entries of a key's table of small values that stay unused, besides half of it.
const SPARE: usize = 64;

impl Default for Builder {
    fn default() -> Self {
        Builder::new()
    }
}

impl Builder {
    /// A builder that has seen nothing.
    pub fn new() -> Self {
        Builder {
            made: Transactions { begins: vec![0], ..Transactions::default() },
            ids_of_keys: Ids::default(),
            ids_of_sessions: Ids::default(),
            small: Vec::new(),
            small_entries: 0,
            other_versions: Map::default(),
            named_versions: Map::default(),
            list: Vec::new(),
        }
    }

    /// The number of a process.
    pub fn session(&mut self, name: Name<'_>) -> u32 {
        self.ids_of_sessions.intern(&name, &mut self.made.sessions)
    }

    /// The number of a key.
    pub fn key(&mut self, name: Name<'_>) -> u32 {
        let key = self.ids_of_keys.intern(&name, &mut self.made.keys);
        if key as usize == self.made.longest.len() {
            self.made.longest.push(Vec::new());
            self.made.has_odd.push(false);
            self.small.push(Vec::new());
        }
        key
    }

    /// The version of a key that a value makes.
    pub fn version(&mut self, key: u32, value: Name<'_>) -> u32 {
        let next = count(&self.made.writers);
        let known = match value {
            Name::Integer(number) => self.integer_version(key, number, next),
            Name::Datum(datum) => *self.named_versions.entry((key, datum.clone())).or_insert(next),
        };
        if known == next {
            self.made.versions.push(&value);
            self.made.key_of_version.push(key);
            self.made.writers.push(NOBODY);
        }
        known
    }

    /// Values that count from 1 in each key are found in a table; others by their hash.
    fn integer_version(&mut self, key: u32, number: i64, next: u32) -> u32 {
        let small = &mut self.small[key as usize];
        if let Ok(at) = usize::try_from(number) {
            if at < small.len() && small[at] != NOBODY {
                return small[at];
            }
            if at < 2 * small.len() + SPARE {
                // The same value may have come when the table was still too small for it.
                let known = if self.other_versions.is_empty() {
                    next
                } else {
                    self.other_versions.get(&(key, number)).copied().unwrap_or(next)
                };
                if at >= small.len() {
                    self.small_entries += at + 1 - small.len();
                    small.resize(at + 1, NOBODY);
                }
                small[at] = known;
                return known;
            }
        }
        *self.other_versions.entry((key, number)).or_insert(next)
    }

    /// `[:append key element]`.
    pub fn append(&mut self, key: u32, version: u32) {
        self.write_by_next(version);
        self.push(key, Micro::Append(version));
    }

    /// `[:w key value]`.
    pub fn write(&mut self, key: u32, version: u32) {
        self.write_by_next(version);
        self.push(key, Micro::Write(version));
    }

    /// `[:r key value]`; no version: nil.
    pub fn read(&mut self, key: u32, version: Option<u32>) {
        self.push(key, version.map_or(Micro::ReadNil, Micro::Read));
    }

    /// An element of a list that is being read; [`Builder::end_list`] ends it.
    pub fn element(&mut self, version: u32) {
        self.list.push(version);
    }

    /// The end of a list that was read of a key, after its elements.
    pub fn end_list(&mut self, key: u32) {
        let longest = &mut self.made.longest[key as usize];
        let list = &self.list;
        let common = longest.len().min(list.len());
        let value = if longest[..common] == list[..common] {
            longest.extend_from_slice(&list[common..]);
            self.made.elements += list.len() - common;
            count(list)
        } else {
            self.made.has_odd[key as usize] = true;
            self.made.odd.push(list.as_slice().into());
            self.made.elements += list.len();
            ListRead::ODD | (count(&self.made.odd) - 1)
        };
        self.list.clear();
        self.push(key, Micro::ReadList(ListRead(value)));
    }

    /// The end of a transaction whose micro-operations were handed over.
    pub fn finish_transaction(&mut self, frame: Frame) -> Result<(), TooMany> {
        let made = &mut self.made;
        made.frames.push(frame);
        let limits = [
            ("transactions", made.frames.len()),
            ("micro-operations", made.micros.len()),
            ("versions", made.versions.numbers.len()),
            ("lists that exclude one another", made.odd.len()),
        ];
        for (what, count) in limits {
            if count >= ListRead::ODD as usize {
                return Err(TooMany { what, limit: ListRead::ODD });
            }
        }
        if made.keys.numbers.len() >= MOST_KEYS as usize {
            return Err(TooMany { what: "keys", limit: MOST_KEYS });
        }
        made.begins.push(count(&made.micros));
        Ok(())
    }

    /// How many transactions there are so far.
    pub fn len(&self) -> usize {
        self.made.len()
    }

    /// Whether there are none so far.
    pub fn is_empty(&self) -> bool {
        self.made.is_empty()
    }

    /// What is built so far, in bytes of memory, roughly.
    pub fn memory_bytes(&self) -> u64 {
        let small = 24 * self.small.len() + 6 * self.small_entries;
        let maps = 24 * self.other_versions.capacity() + 80 * self.named_versions.capacity();
        self.made.memory_bytes() + (small + maps) as u64
    }

    /// All transactions.
    pub fn finish(self) -> Transactions {
        self.made
    }

    fn write_by_next(&mut self, version: u32) {
        let transaction = count(&self.made.frames);
        let writer = &mut self.made.writers[version as usize];
        if *writer == NOBODY {
            *writer = transaction;
        } else {
            self.made.rewritten.push((version, transaction));
        }
    }

    fn push(&mut self, key: u32, micro: Micro) {
        self.made.micros.push(Packed::new(key, micro));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(at: u32) -> Frame {
        let (invoke, complete) = (2 * at, 2 * at + 1);
        let (index, complete_index) = (u64::from(invoke), u64::from(complete));
        Frame { session: 0, status: Status::Ok, invoke, complete, index, complete_index }
    }

    #[test]
    fn a_list_is_a_beginning_of_the_longest_or_stands_apart() {
        let mut builder = Builder::new();
        let key = builder.key(Name::Integer(7));
        let versions: Vec<u32> =
            (1..=4).map(|value| builder.version(key, Name::Integer(value))).collect();
        for list in [&versions[..2], &versions[..3], &[], &[versions[0], versions[3]]] {
            for &version in list {
                builder.element(version);
            }
            builder.end_list(key);
        }
        builder.finish_transaction(frame(0)).unwrap();
        let made = builder.finish();
        let lists: Vec<&[u32]> = made
            .micros(0)
            .map(|(key, micro)| match micro {
                Micro::ReadList(read) => made.list(key, read),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(lists, [&versions[..2], &versions[..3], &[], &[versions[0], versions[3]]]);
        assert!(made.has_odd_lists(key));
        assert_eq!(made.longest(key), &versions[..3]);
    }

    #[test]
    fn a_value_has_one_version_in_each_key_whenever_it_comes() {
        let mut builder = Builder::new();
        let (x, y) = (builder.key(Name::Integer(1)), builder.key(Name::Datum(&"y".into())));
        let mut versions = Vec::new();
        for value in [1_000, 5, 1_000, -3, 5, -3, i64::MIN] {
            versions.push(builder.version(x, Name::Integer(value)));
        }
        for value in 0..1_001 {
            builder.version(x, Name::Integer(value));
        }
        assert_eq!(builder.version(x, Name::Integer(1_000)), versions[0]);
        assert_eq!(versions[..6], [0, 1, 0, 2, 1, 2]);
        let other = builder.version(y, Name::Integer(5));
        assert!(!versions.contains(&other));
        let text = Datum::text("5");
        let named = builder.version(y, Name::Datum(&text));
        assert_eq!(builder.version(y, Name::Datum(&text)), named);
        let made = builder.finish();
        assert_eq!(made.value_name(named), text);
        assert_eq!(made.value_name(versions[6]), Datum::Integer(i64::MIN));
        assert_eq!(made.key_of(other), y);
    }

    #[test]
    fn a_value_that_is_written_twice_is_told() {
        let mut builder = Builder::new();
        let key = builder.key(Name::Integer(1));
        let version = builder.version(key, Name::Integer(1));
        builder.append(key, version);
        builder.finish_transaction(frame(0)).unwrap();
        builder.append(key, version);
        builder.finish_transaction(frame(1)).unwrap();
        let made = builder.finish();
        assert_eq!((made.writer(version), made.rewritten()), (0, &[(version, 1)][..]));
    }
}
