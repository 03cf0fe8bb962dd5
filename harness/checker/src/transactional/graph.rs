//! The dependencies between transactions: edges as flat arrays, and the orders of sessions and of real
//! time without any edges of their own.
//!
//! Real time would have a quadratic number of edges. Instead each completion is a node: a transaction
//! leads to its completion, a completion to the next one, and to the transactions that began between the
//! two. So everything that began later is reached, and nothing else.

use super::level::Scope;
use super::transactions::{NOBODY, Status, Transactions};

/// What one transaction has to do with another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// The second one wrote over what the first one wrote.
    Ww,
    /// The second one read what the first one wrote.
    Wr,
    /// The second one wrote over what the first one read.
    Rw,
    /// The second one came later in the same session.
    Session,
    /// The second one began after the first one was over.
    RealTime,
}

impl Kind {
    /// The short name of the field.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Ww => "ww",
            Kind::Wr => "wr",
            Kind::Rw => "rw",
            Kind::Session => "session",
            Kind::RealTime => "realtime",
        }
    }

    /// Whether a level of this scope respects it.
    pub fn is_within(self, scope: Scope) -> bool {
        match self {
            Kind::Ww | Kind::Wr | Kind::Rw => true,
            Kind::Session => scope >= Scope::Session,
            Kind::RealTime => scope >= Scope::RealTime,
        }
    }

    const DATA: [Kind; 3] = [Kind::Ww, Kind::Wr, Kind::Rw];
}

/// Dependencies of the data, while they are collected.
#[derive(Debug, Default)]
pub struct Edges {
    pairs: Vec<(u32, u32)>,
    /// How many there are of each kind: ww, wr, rw.
    pub counts: [u64; 3],
}

const KIND_SHIFT: u32 = 30;
const NODE: u32 = (1 << KIND_SHIFT) - 1;

impl Edges {
    /// Adds one, unless it leads from a transaction to itself.
    pub fn add(&mut self, from: u32, to: u32, kind: Kind) {
        if from != to {
            self.counts[kind as usize] += 1;
            self.pairs.push((from, to | (kind as u32) << KIND_SHIFT));
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }
}

/// The whole graph. Nodes are transactions, by their numbers, and then completions.
#[derive(Debug)]
pub struct Graph {
    transactions: u32,
    starts: Vec<u32>,
    targets: Vec<u32>,
    /// Committed transactions, each session's in a row.
    by_session: Vec<u32>,
    place_in_session: Vec<u32>,
    /// Committed transactions in the order of their invocations.
    by_invoke: Vec<u32>,
    /// Of each transaction, its completion among all; [`NOBODY`] if it has none.
    completion: Vec<u32>,
    /// The first of `by_invoke` that began after each completion.
    begun_after: Vec<u32>,
    /// Whether a transaction is known to end before the next one of its session.
    is_ok: Vec<bool>,
    session: Vec<u32>,
}

impl Graph {
    /// The graph of these edges between committed transactions.
    pub fn new(transactions: &Transactions, is_committed: &[bool], edges: Edges) -> Self {
        let count = transactions.len();
        let mut starts = vec![0_u32; count + 1];
        for &(from, _) in &edges.pairs {
            starts[from as usize + 1] += 1;
        }
        for at in 0..count {
            starts[at + 1] += starts[at];
        }
        let mut next = starts.clone();
        let mut targets = vec![0; edges.pairs.len()];
        for &(from, to) in &edges.pairs {
            let at = &mut next[from as usize];
            targets[*at as usize] = to;
            *at += 1;
        }
        drop((next, edges));
        let frame = |transaction: &u32| transactions.frame(*transaction);
        let mut by_invoke: Vec<u32> =
            transactions.all().filter(|&it| is_committed[it as usize]).collect();
        let mut ends: Vec<u32> = by_invoke.clone();
        let is_ok: Vec<bool> =
            transactions.all().map(|it| frame(&it).status == Status::Ok).collect();
        ends.retain(|&it| is_ok[it as usize]);
        by_invoke.sort_by_key(|it| frame(it).invoke);
        ends.sort_by_key(|it| frame(it).complete);
        let mut completion = vec![NOBODY; count];
        let mut begun_after = Vec::with_capacity(ends.len());
        let mut begun = 0;
        for (place, end) in (0..).zip(&ends) {
            completion[*end as usize] = place;
            let complete = frame(end).complete;
            while by_invoke.get(begun as usize).is_some_and(|it| frame(it).invoke <= complete) {
                begun += 1;
            }
            begun_after.push(begun);
        }
        let mut by_session = by_invoke.clone();
        by_session.sort_by_key(|it| frame(it).session);
        let mut place_in_session = vec![NOBODY; count];
        for (place, transaction) in (0..).zip(&by_session) {
            place_in_session[*transaction as usize] = place;
        }
        let session = transactions.all().map(|it| frame(&it).session).collect();
        Graph {
            transactions: u32::try_from(count).unwrap_or(NODE),
            starts,
            targets,
            by_session,
            place_in_session,
            by_invoke,
            completion,
            begun_after,
            is_ok,
            session,
        }
    }

    /// How many nodes there are: transactions, and in real time completions.
    pub fn nodes(&self, scope: Scope) -> u32 {
        match scope {
            Scope::RealTime => self.transactions + self.completions(),
            _ => self.transactions,
        }
    }

    /// Whether a node is a transaction.
    pub fn is_transaction(&self, node: u32) -> bool {
        node < self.transactions
    }

    fn completions(&self) -> u32 {
        u32::try_from(self.begun_after.len()).unwrap_or(NODE)
    }

    /// The n-th successor of a node, and by what; `None` after the last.
    pub fn successor(&self, node: u32, n: u32, scope: Scope) -> Option<(u32, Kind)> {
        if !self.is_transaction(node) {
            return self.after_completion(node - self.transactions, n);
        }
        let at = node as usize;
        let begin = self.starts[at];
        let data = self.starts[at + 1] - begin;
        if n < data {
            let packed = self.targets[(begin + n) as usize];
            return Some((packed & NODE, Kind::DATA[(packed >> KIND_SHIFT) as usize]));
        }
        let n = n - data;
        match scope {
            Scope::Data => None,
            Scope::Session => self.next_in_session(node, n).map(|next| (next, Kind::Session)),
            // Each session keeps the order of real time.
            Scope::RealTime => {
                let completion = self.completion[at];
                let has_one = n == 0 && completion != NOBODY;
                has_one.then(|| (self.transactions + completion, Kind::RealTime))
            }
        }
    }

    /// The next transactions of a session: those of unknown outcome, and the first that ended. After one
    /// of unknown outcome nothing is certain: it may take effect at any later time.
    fn next_in_session(&self, transaction: u32, n: u32) -> Option<u32> {
        let place = self.place_in_session[transaction as usize];
        if place == NOBODY || !self.is_ok[transaction as usize] {
            return None;
        }
        let begin = place as usize + 1;
        let next = *self.by_session.get(begin + n as usize)?;
        let is_same = self.session[next as usize] == self.session[transaction as usize];
        let before = &self.by_session[begin..begin + n as usize];
        let is_reached = before.iter().all(|&it| !self.is_ok[it as usize]);
        (is_same && is_reached).then_some(next)
    }

    fn after_completion(&self, completion: u32, n: u32) -> Option<(u32, Kind)> {
        let is_last = completion + 1 == self.completions();
        if n == 0 && !is_last {
            return Some((self.transactions + completion + 1, Kind::RealTime));
        }
        let n = n - u32::from(!is_last);
        let begin = self.begun_after[completion as usize];
        let end = if is_last {
            u32::try_from(self.by_invoke.len()).unwrap_or(NODE)
        } else {
            self.begun_after[completion as usize + 1]
        };
        let at = begin + n;
        (at < end).then(|| (self.by_invoke[at as usize], Kind::RealTime))
    }
}

/// The strong components of a graph that have more than one node, by Tarjan's algorithm (1972) without
/// recursion. The second value numbers the nodes in a topological order of the components, from the end:
/// a node has a larger number than those that it leads to in other components.
pub fn components(
    nodes: u32,
    successor: impl Fn(u32, u32) -> Option<u32>,
) -> (Vec<Vec<u32>>, Vec<u32>) {
    const UNSEEN: u32 = u32::MAX;
    const DONE: u32 = 1 << 31;
    // The number of a node's visit, then the lowest that it reaches; once its component is complete, the
    // number of that, with a bit.
    let mut low = vec![UNSEEN; nodes as usize];
    let mut open: Vec<u32> = Vec::new();
    // The path: a node, its next successor, and its number.
    let mut path: Vec<(u32, u32, u32)> = Vec::new();
    let mut found = Vec::new();
    let (mut visits, mut complete) = (0_u32, 0_u32);
    for root in 0..nodes {
        if low[root as usize] != UNSEEN {
            continue;
        }
        path.push((root, 0, visits));
        low[root as usize] = visits;
        open.push(root);
        visits += 1;
        while let Some(top) = path.last_mut() {
            let (node, number) = (top.0, top.2);
            if let Some(next) = successor(node, top.1) {
                top.1 += 1;
                let seen = low[next as usize];
                if seen == UNSEEN {
                    low[next as usize] = visits;
                    path.push((next, 0, visits));
                    open.push(next);
                    visits += 1;
                } else if seen & DONE == 0 && seen < low[node as usize] {
                    low[node as usize] = seen;
                }
                continue;
            }
            path.pop();
            let lowest = low[node as usize];
            if lowest == number {
                let begin = open.iter().rposition(|&it| it == node).unwrap_or_default();
                for &member in &open[begin..] {
                    low[member as usize] = complete | DONE;
                }
                complete += 1;
                if open.len() - begin > 1 {
                    found.push(open[begin..].to_vec());
                }
                open.truncate(begin);
            }
            if let Some(parent) = path.last() {
                let above = &mut low[parent.0 as usize];
                if lowest < *above {
                    *above = lowest;
                }
            }
        }
    }
    for it in &mut low {
        *it &= !DONE;
    }
    (found, low)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(edges: &[(u32, u32)], nodes: u32) -> Vec<Vec<u32>> {
        let next =
            |node, n: u32| edges.iter().filter(|it| it.0 == node).nth(n as usize).map(|it| it.1);
        let (mut found, order) = components(nodes, next);
        for it in &mut found {
            it.sort_unstable();
        }
        for &(from, to) in edges {
            assert!(order[from as usize] >= order[to as usize]);
        }
        found
    }

    #[test]
    fn components_are_those_that_reach_one_another() {
        assert!(of(&[(0, 1), (1, 2), (0, 2)], 3).is_empty());
        assert_eq!(of(&[(0, 1), (1, 2), (2, 1), (3, 0), (2, 4)], 5), [[1, 2]]);
        let two = of(&[(0, 1), (1, 0), (1, 2), (2, 3), (3, 4), (4, 2)], 5);
        assert_eq!(two, [vec![2, 3, 4], vec![0, 1]]);
    }

    #[test]
    fn components_agree_with_reachability_on_all_small_graphs() {
        // Four nodes: each of the twelve edges is there or not.
        let all: Vec<(u32, u32)> = (0..4)
            .flat_map(|from| (0..4).map(move |to| (from, to)))
            .filter(|(from, to)| from != to)
            .collect();
        for set in 0_u32..1 << 12 {
            let edges: Vec<(u32, u32)> =
                (0..12).filter(|bit| set >> bit & 1 == 1).map(|bit| all[bit]).collect();
            let mut reach = [[false; 4]; 4];
            for &(from, to) in &edges {
                reach[from as usize][to as usize] = true;
            }
            for via in 0..4 {
                for from in 0..4 {
                    for to in 0..4 {
                        reach[from][to] |= reach[from][via] && reach[via][to];
                    }
                }
            }
            let found = of(&edges, 4);
            for (from, row) in (0..4_u32).zip(&reach) {
                let is_in = found.iter().any(|it| it.contains(&from));
                assert_eq!(is_in, row[from as usize], "{edges:?}");
            }
        }
    }
}
