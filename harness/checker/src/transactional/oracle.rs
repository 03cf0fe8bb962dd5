//! The levels by their definitions, for a handful of transactions: all orders are tried.
//!
//! Nothing here is shared with what infers dependencies and finds cycles. A cycle is shown to people only
//! after this has said that its transactions indeed have no order; and the tests compare the two over
//! many thousands of small histories.
//!
//! Serializable histories are executed one transaction after another; those of prefix and snapshot
//! isolation by points where transactions take their snapshot and where they commit. The weaker levels are
//! conditions on an order of all commits, as Cerone, Bernardi and Gotsman state them (2015).

use super::level::{Level, Scope};

/// The most transactions that all orders are tried of.
pub const MOST: usize = 6;

/// One micro-operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SmallOp {
    /// An append of an element to a key.
    Append(u32, u32),
    /// A read of a key that returned these elements.
    Read {
        /// The key.
        key: u32,
        /// The elements.
        list: Vec<u32>,
        /// Whether the last element, but for the reader's own, is the one that it really saw last: not so
        /// where the elements of other transactions are left out.
        shows_last: bool,
    },
}

/// One transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Small {
    /// What it did. One whose end is unknown has no reads.
    pub ops: Vec<SmallOp>,
    /// Its session.
    pub session: u32,
    /// When it began.
    pub invoke: u32,
    /// When it was over, if it was.
    pub complete: u32,
    /// Whether its end is known.
    pub is_ok: bool,
    /// Whether it certainly committed; else it may have.
    pub took_effect: bool,
}

/// Whether some execution at this level gives these answers. The final list of each key begins with the
/// one that is given for it, if there is one.
pub fn allows(level: Level, all: &[Small], orders: &Lists) -> bool {
    let has_twice = |op: &SmallOp| match op {
        SmallOp::Append(..) => false,
        SmallOp::Read { list, .. } => {
            list.iter().enumerate().any(|(at, element)| list[..at].contains(element))
        }
    };
    // No list answers so, at any level.
    if all.iter().any(|one| one.ops.iter().any(has_twice)) {
        return false;
    }
    let open: Vec<usize> = (0..all.len()).filter(|&at| !all[at].took_effect).collect();
    (0_u32..1 << open.len()).any(|set| {
        let is_in =
            |at: &usize| open.iter().position(|it| it == at).is_none_or(|bit| set >> bit & 1 == 1);
        let chosen: Vec<&Small> = (0..all.len()).filter(is_in).map(|at| &all[at]).collect();
        Oracle { all: chosen, orders, scope: level.scope() }.allows(level)
    })
}

struct Oracle<'a> {
    all: Vec<&'a Small>,
    orders: &'a Lists,
    scope: Scope,
}

/// The lists of all keys.
pub type Lists = std::collections::BTreeMap<u32, Vec<u32>>;

/// A read without what the reader had appended itself.
struct Seen {
    key: u32,
    base: Vec<u32>,
    place: usize,
    shows_last: bool,
    ends_with_own: bool,
}

fn wrote(one: &Small, key: u32) -> Vec<u32> {
    let of_key = |op: &SmallOp| match op {
        SmallOp::Append(of, element) if *of == key => Some(*element),
        _ => None,
    };
    one.ops.iter().filter_map(of_key).collect()
}

fn reads(one: &Small) -> Vec<Seen> {
    let mut all = Vec::new();
    for (place, op) in one.ops.iter().enumerate() {
        let SmallOp::Read { key, list, shows_last } = op else { continue };
        let own = wrote(&Small { ops: one.ops[..place].to_vec(), ..one.clone() }, *key);
        let ends_with_own = list.ends_with(&own);
        let length = if ends_with_own { list.len() - own.len() } else { list.len() };
        let (key, shows_last) = (*key, *shows_last);
        all.push(Seen { key, base: list[..length].to_vec(), place, shows_last, ends_with_own });
    }
    all
}

/// Runs a transaction on these lists, if its reads agree with that.
fn run(one: &Small, lists: &Lists) -> Option<Lists> {
    let mut lists = lists.clone();
    for op in &one.ops {
        match op {
            SmallOp::Append(key, element) => lists.entry(*key).or_default().push(*element),
            SmallOp::Read { key, list, .. } => {
                if lists.get(key).map_or(&[][..], Vec::as_slice) != list {
                    return None;
                }
            }
        }
    }
    Some(lists)
}

impl Oracle<'_> {
    fn allows(&self, level: Level) -> bool {
        match level {
            Level::RepeatableRead
            | Level::Serializable
            | Level::StrongSessionSerializable
            | Level::StrongSerializable => self.serial(0, &Lists::new()),
            Level::Prefix | Level::StrongSessionPrefix | Level::StrongPrefix => {
                self.points(&Points::default(), false)
            }
            Level::SnapshotIsolation
            | Level::StrongSessionSnapshotIsolation
            | Level::StrongSnapshotIsolation => self.points(&Points::default(), true),
            _ => {
                let mut order = Vec::new();
                self.any_order(&mut order, &|order| match level {
                    Level::UpdateSerializable
                    | Level::StrongSessionUpdateSerializable
                    | Level::StrongUpdateSerializable => self.is_update_serial(order),
                    _ => self.is_order(level, order),
                })
            }
        }
    }

    /// Whether one must be visible to the other by the order of the session or of real time.
    fn is_before(&self, one: usize, other: usize) -> bool {
        let (first, second) = (self.all[one], self.all[other]);
        let in_session = first.session == second.session && first.invoke < second.invoke;
        let in_time = first.complete < second.invoke;
        first.is_ok
            && match self.scope {
                Scope::Data => false,
                Scope::Session => in_session,
                Scope::RealTime => in_session || in_time,
            }
    }

    fn is_final(&self, lists: &Lists) -> bool {
        self.orders
            .iter()
            .all(|(key, order)| lists.get(key).map_or(&[][..], Vec::as_slice).starts_with(order))
    }

    /// One after another, from those in the set on.
    fn serial(&self, done: u32, lists: &Lists) -> bool {
        if done.count_ones() as usize == self.all.len() {
            return self.is_final(lists);
        }
        (0..self.all.len()).any(|next| {
            let is_free = done >> next & 1 == 0
                && (0..self.all.len()).all(|it| done >> it & 1 == 1 || !self.is_before(it, next));
            is_free
                && run(self.all[next], lists)
                    .is_some_and(|lists| self.serial(done | 1 << next, &lists))
        })
    }

    /// By points: a transaction reads what was committed when it began. With `exclusive`, it commits only
    /// if no key that it writes was written since.
    fn points(&self, points: &Points, exclusive: bool) -> bool {
        if points.committed.count_ones() as usize == self.all.len() {
            return self.is_final(&points.lists);
        }
        (0..self.all.len()).any(|next| {
            let has = |set: u32, it: usize| set >> it & 1 == 1;
            let mut after = points.clone();
            if has(points.committed, next) {
                return false;
            }
            if let Some(snapshot) = points.snapshots.get(&next) {
                for op in &self.all[next].ops {
                    let SmallOp::Append(key, element) = op else { continue };
                    if exclusive && snapshot.get(key) != points.lists.get(key) {
                        return false;
                    }
                    after.lists.entry(*key).or_default().push(*element);
                }
                after.committed |= 1 << next;
                after.snapshots.remove(&next);
                return self.points(&after, exclusive);
            }
            let is_free = (0..self.all.len())
                .all(|it| has(points.committed, it) || !self.is_before(it, next));
            if !is_free || run(self.all[next], &points.lists).is_none() {
                return false;
            }
            after.snapshots.insert(next, points.lists.clone());
            self.points(&after, exclusive)
        })
    }

    /// Whether a condition holds for some order of all commits.
    fn any_order(&self, order: &mut Vec<usize>, holds: &dyn Fn(&[usize]) -> bool) -> bool {
        if order.len() == self.all.len() {
            return holds(order);
        }
        (0..self.all.len()).any(|next| {
            if order.contains(&next) {
                return false;
            }
            order.push(next);
            let found = self.any_order(order, holds);
            order.pop();
            found
        })
    }

    fn only_reads(&self, one: usize) -> bool {
        self.all[one].ops.iter().all(|op| matches!(op, SmallOp::Read { .. }))
    }

    /// Those that write are serial in this order, and with each of the others in some order of the same
    /// versions.
    fn is_update_serial(&self, order: &[usize]) -> bool {
        let updates: Vec<usize> =
            order.iter().copied().filter(|&it| !self.only_reads(it)).collect();
        let final_lists = |order: &[usize]| {
            let mut lists = Lists::new();
            for (place, &one) in order.iter().enumerate() {
                if order[place + 1..].iter().any(|&later| self.is_before(later, one)) {
                    return None;
                }
                lists = run(self.all[one], &lists)?;
            }
            Some(lists)
        };
        let Some(lists) = final_lists(&updates).filter(|it| self.is_final(it)) else {
            return false;
        };
        let readers = order.iter().copied().filter(|&it| self.only_reads(it));
        readers.into_iter().all(|reader| {
            let mut members = updates.clone();
            members.push(reader);
            let part = Oracle { all: members.iter().map(|&it| self.all[it]).collect(), ..*self };
            part.any_order(&mut Vec::new(), &|order| {
                let order: Vec<usize> = order.iter().map(|&it| members[it]).collect();
                final_lists(&order).as_ref() == Some(&lists)
            })
        })
    }

    /// The conditions of the weaker levels on an order of all commits.
    fn is_order(&self, level: Level, order: &[usize]) -> bool {
        let mut lists = Lists::new();
        for &one in order {
            for op in &self.all[one].ops {
                if let SmallOp::Append(key, element) = op {
                    lists.entry(*key).or_default().push(*element);
                }
            }
        }
        if !self.is_final(&lists) {
            return false;
        }
        let is_causal = level == Level::Causal;
        let rank = |one: usize| order.iter().position(|&it| it == one);
        let count = self.all.len();
        let before =
            |one: usize| (0..count).map(move |other| is_causal && self.is_before(one, other));
        let mut sees: Vec<Vec<bool>> = (0..count).map(|one| before(one).collect()).collect();
        let mut depends = vec![vec![false; count]; count];
        for (reader, one) in self.all.iter().enumerate() {
            for seen in reads(one) {
                if !self.is_read(level, reader, &seen, &lists) {
                    return false;
                }
                let writer = seen.base.last().and_then(|&last| self.writer(seen.key, last));
                if let Some(writer) = writer.filter(|&it| it != reader) {
                    depends[writer][reader] = true;
                    sees[writer][reader] |= seen.shows_last;
                }
            }
        }
        if level == Level::ReadUncommitted {
            return true;
        }
        if is_causal {
            close(&mut sees);
        }
        let is_ordered = (0..count).all(|one| {
            (0..count)
                .all(|other| !(sees[one][other] || depends[one][other]) || rank(one) < rank(other))
        });
        is_ordered
            && match level {
                Level::MonotonicAtomicView => self.is_atomic(&lists, true),
                Level::ReadAtomic => self.agree() && self.is_atomic(&lists, false),
                Level::CursorStability => self.loses_no_update(&lists),
                Level::Causal => self.agree() && self.misses_nothing(&lists, &sees),
                Level::ConsistentView => {
                    for list in lists.values() {
                        let writers =
                            list.iter().map(|&it| (0..count).find(|&one| self.appends(one, it)));
                        let writers: Vec<usize> = writers.flatten().collect();
                        for pair in writers.windows(2).filter(|pair| pair[0] != pair[1]) {
                            depends[pair[0]][pair[1]] = true;
                        }
                    }
                    close(&mut depends);
                    self.agree() && self.misses_nothing(&lists, &depends)
                }
                _ => true,
            }
    }

    fn appends(&self, one: usize, element: u32) -> bool {
        self.all[one].ops.iter().any(|op| matches!(op, SmallOp::Append(_, it) if *it == element))
    }

    fn writer(&self, key: u32, element: u32) -> Option<usize> {
        (0..self.all.len()).find(|&one| wrote(self.all[one], key).contains(&element))
    }

    /// Whether a read returned a version of these lists that its level lets it see.
    fn is_read(&self, level: Level, reader: usize, seen: &Seen, lists: &Lists) -> bool {
        let list = lists.get(&seen.key).map_or(&[][..], Vec::as_slice);
        if level == Level::ReadUncommitted {
            let mut committed = seen.base.clone();
            committed.retain(|it| list.contains(it));
            return list.starts_with(&committed);
        }
        let later =
            Small { ops: self.all[reader].ops[seen.place..].to_vec(), ..self.all[reader].clone() };
        let is_future = wrote(&later, seen.key).iter().any(|it| seen.base.contains(it));
        let writer = seen.base.last().and_then(|&last| self.writer(seen.key, last));
        let is_whole = writer.is_none_or(|writer| {
            writer == reader
                || !seen.shows_last
                || wrote(self.all[writer], seen.key).iter().all(|it| seen.base.contains(it))
        });
        list.starts_with(&seen.base) && is_whole && !is_future
    }

    /// Whether the reads of each transaction agree with one another and with its own writes.
    fn agree(&self) -> bool {
        self.all.iter().all(|one| {
            let all = reads(one);
            all.iter().all(|seen| {
                seen.ends_with_own
                    && all.iter().all(|it| it.key != seen.key || it.base == seen.base)
            })
        })
    }

    /// Whether one wrote an element of this key that is not among the first so many.
    fn is_after(&self, lists: &Lists, writer: usize, key: u32, length: usize) -> bool {
        let list = lists.get(&key).map_or(&[][..], Vec::as_slice);
        let rest = list.get(length..).unwrap_or_default();
        wrote(self.all[writer], key).iter().any(|it| rest.contains(it))
    }

    fn is_atomic(&self, lists: &Lists, in_order: bool) -> bool {
        self.all.iter().enumerate().all(|(reader, one)| {
            let all = reads(one);
            all.iter().filter(|seen| seen.shows_last).all(|seen| {
                let writer = seen.base.last().and_then(|&last| self.writer(seen.key, last));
                let Some(writer) = writer.filter(|&it| it != reader) else { return true };
                all.iter().all(|missed| {
                    missed.place == seen.place
                        || in_order && missed.place < seen.place
                        || !self.is_after(lists, writer, missed.key, missed.base.len())
                })
            })
        })
    }

    fn loses_no_update(&self, lists: &Lists) -> bool {
        self.all.iter().all(|one| {
            let all = reads(one);
            one.ops.iter().enumerate().all(|(place, op)| {
                let SmallOp::Append(key, element) = op else { return true };
                let is_first = wrote(one, *key).first() == Some(element);
                let before = all.iter().rev().find(|it| it.key == *key && it.place < place);
                let at = lists[key].iter().position(|it| it == element);
                !is_first || before.is_none_or(|seen| at == Some(seen.base.len()))
            })
        })
    }

    fn misses_nothing(&self, lists: &Lists, before: &[Vec<bool>]) -> bool {
        self.all.iter().enumerate().all(|(reader, one)| {
            reads(one).iter().all(|missed| {
                (0..self.all.len()).all(|writer| {
                    !before[writer][reader]
                        || !self.is_after(lists, writer, missed.key, missed.base.len())
                })
            })
        })
    }
}

/// Makes a relation transitive.
fn close(relation: &mut [Vec<bool>]) {
    for via in 0..relation.len() {
        for from in 0..relation.len() {
            for to in 0..relation.len() {
                relation[from][to] |= relation[from][via] && relation[via][to];
            }
        }
    }
}

/// How far an execution by points has come.
#[derive(Debug, Clone, Default)]
struct Points {
    committed: u32,
    snapshots: std::collections::BTreeMap<usize, Lists>,
    lists: Lists,
}
