//! Knots: the strong components of the graph, in which all cycles are, and the search for the shortest
//! cycle of a pattern.
//!
//! A pattern is a small automaton that reads the kinds of the edges along a cycle. Its product with a knot
//! has a cycle exactly if the knot has one that the automaton can follow for ever, which one more pass of
//! strong components decides. Only then a breadth-first search looks for the shortest.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::graph::{Graph, Kind, components};
use super::level::Scope;

/// One edge of a cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The transaction that comes before.
    pub from: u32,
    /// What puts the one before the other.
    pub kind: Kind,
    /// The transaction that comes after.
    pub to: u32,
}

/// Which kinds of edges may follow one another on a cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pattern {
    /// Write dependencies alone.
    Writes,
    /// No anti-dependency.
    Flow,
    /// Each anti-dependency comes after an edge by which the reader saw something.
    Prefix,
    /// No two anti-dependencies are neighbours.
    Snapshot,
    /// Any.
    Any,
}

impl Pattern {
    /// States of the automaton: whether an anti-dependency may come next.
    const MODES: u32 = 2;

    fn step(self, mode: u32, kind: Kind) -> Option<u32> {
        match (self, kind) {
            (Pattern::Any, _) | (Pattern::Writes, Kind::Ww) => Some(0),
            (Pattern::Writes, _) | (Pattern::Flow, Kind::Rw) => None,
            (Pattern::Flow, _) | (Pattern::Prefix, Kind::Ww) => Some(0),
            (Pattern::Prefix | Pattern::Snapshot, Kind::Rw) => (mode == 1).then_some(0),
            (Pattern::Prefix | Pattern::Snapshot, _) => Some(1),
        }
    }
}

/// How many edges the searches of a check may look at before they take what they have.
#[derive(Debug)]
pub(super) struct Effort {
    left: u64,
}

impl Effort {
    pub(super) fn new(edges: u64) -> Self {
        Effort { left: edges }
    }

    fn take(&mut self) -> bool {
        self.left = self.left.saturating_sub(1);
        self.left > 0
    }

    /// Whether there is none left.
    pub(super) fn is_spent(&self) -> bool {
        self.left == 0
    }
}

/// A part of the graph whose nodes all reach one another, at least before edges are left out.
#[derive(Debug)]
pub(super) struct Knot {
    /// The nodes in the graph.
    nodes: Vec<u32>,
    /// How many of the first nodes are transactions; the others are completions.
    transactions: u32,
    starts: Vec<u32>,
    edges: Vec<(u32, Kind)>,
}

impl Knot {
    /// The knots of the whole graph.
    pub(super) fn all(graph: &Graph, scope: Scope) -> Vec<Knot> {
        let next = |node, n| graph.successor(node, n, scope).map(|it| it.0);
        let (found, _) = components(graph.nodes(scope), next);
        found.into_iter().map(|members| Knot::new(graph, members, scope)).collect()
    }

    /// The knots of a narrower scope, all of which are in this one.
    pub(super) fn within(&self, graph: &Graph, scope: Scope) -> Vec<Knot> {
        let members = self.nodes[..self.transactions as usize].to_vec();
        let all = Knot::new(graph, members, scope);
        let (found, _) = components(all.count(), |node, n| all.edge(node, n).map(|it| it.0));
        let global = |it: Vec<u32>| it.iter().map(|&node| all.nodes[node as usize]).collect();
        found.into_iter().map(|it| Knot::new(graph, global(it), scope)).collect()
    }

    fn new(graph: &Graph, mut nodes: Vec<u32>, scope: Scope) -> Self {
        nodes.sort_unstable();
        let ids: FxHashMap<u32, u32> = nodes.iter().copied().zip(0..).collect();
        let (mut starts, mut edges) = (vec![0], Vec::new());
        for &node in &nodes {
            let all = (0..).map_while(|n| graph.successor(node, n, scope));
            edges.extend(all.filter_map(|(to, kind)| Some((*ids.get(&to)?, kind))));
            starts.push(u32::try_from(edges.len()).unwrap_or(u32::MAX));
        }
        let transactions = nodes.partition_point(|&node| graph.is_transaction(node));
        let transactions = u32::try_from(transactions).unwrap_or(u32::MAX);
        Knot { nodes, transactions, starts, edges }
    }

    fn count(&self) -> u32 {
        u32::try_from(self.nodes.len()).unwrap_or(u32::MAX)
    }

    /// The transactions in it.
    pub(super) fn members(&self) -> &[u32] {
        &self.nodes[..self.transactions as usize]
    }

    fn edge(&self, node: u32, n: u32) -> Option<(u32, Kind)> {
        let (begin, end) = (self.starts[node as usize], self.starts[node as usize + 1]);
        (begin + n < end).then(|| self.edges[(begin + n) as usize])
    }

    fn edges_of(&self, node: u32) -> &[(u32, Kind)] {
        let (begin, end) = (self.starts[node as usize], self.starts[node as usize + 1]);
        &self.edges[begin as usize..end as usize]
    }

    /// A shortest cycle of a pattern; one that is not too long, if the effort is spent.
    pub(super) fn cycle(&self, pattern: Pattern, effort: &mut Effort) -> Option<Vec<Step>> {
        let modes = Pattern::MODES;
        let next = |state: u32, n| {
            let (node, mode) = (state / modes, state % modes);
            // An edge that the pattern forbids leads back to where it begins, which adds no cycle.
            self.edge(node, n)
                .map(|(to, kind)| pattern.step(mode, kind).map_or(state, |mode| to * modes + mode))
        };
        let (found, _) = components(self.count() * modes, next);
        let mut search = Search::new(self, pattern);
        for members in found {
            search.within(&members, effort);
        }
        search.best.map(|cycle| self.steps(&cycle))
    }

    /// A cycle with exactly one anti-dependency. If the effort is spent before one is found, it says so.
    pub(super) fn single(&self, effort: &mut Effort) -> Option<Vec<Step>> {
        let mut best: Option<Vec<(u32, Kind, u32)>> = None;
        let mut walk = Walk::new(self.nodes.len());
        for node in 0..self.transactions {
            let first = self.edges_of(node).iter().filter(|it| it.1 == Kind::Rw);
            let first: Vec<u32> = first.map(|it| it.0).collect();
            if first.is_empty() {
                continue;
            }
            let longest = best.as_ref().map_or(usize::MAX, Vec::len);
            let is_free = |_, kind: Kind, _| kind != Kind::Rw;
            let found = walk.path(self, &first, node, longest, is_free, effort);
            if let Some(path) = found {
                let begin = path.first().map_or(node, |it| it.0);
                let mut cycle = vec![(node, Kind::Rw, begin)];
                cycle.extend(path);
                if best.as_ref().is_none_or(|best| cycle.len() < best.len()) {
                    best = Some(cycle);
                }
            }
            if effort.is_spent() {
                break;
            }
        }
        best.map(|cycle| self.steps(&cycle))
    }

    /// A cycle with at most one transaction that only reads, those aside that are passed in the order of a
    /// session or of real time.
    pub(super) fn with_one_reader(
        &self,
        is_reader: impl Fn(u32) -> bool,
        effort: &mut Effort,
    ) -> Option<Vec<Step>> {
        let only_reads: Vec<bool> = (0..self.count())
            .map(|node| node < self.transactions && is_reader(self.nodes[node as usize]))
            .collect();
        let is_apart = |node: u32, kind: Kind, focus: u32| {
            let is_data = matches!(kind, Kind::Ww | Kind::Wr | Kind::Rw);
            is_data && node != focus && only_reads[node as usize]
        };
        let may =
            |from, kind, to, focus| !is_apart(from, kind, focus) && !is_apart(to, kind, focus);
        let mut best: Option<Vec<(u32, Kind, u32)>> = None;
        let mut walk = Walk::new(self.nodes.len());
        let updates = |node: u32, n| {
            self.edge(node, n)
                .map(|(to, kind)| if may(node, kind, to, u32::MAX) { to } else { node })
        };
        let (found, _) = components(self.count(), updates);
        let mut is_update = vec![false; self.nodes.len()];
        for &node in found.iter().flatten() {
            is_update[node as usize] = true;
        }
        for focus in 0..self.transactions {
            if !only_reads[focus as usize] && !is_update[focus as usize] {
                continue;
            }
            let longest = best.as_ref().map_or(usize::MAX, Vec::len);
            let free = |from, kind, to| may(from, kind, to, focus);
            for &(to, kind) in self.edges_of(focus) {
                if !may(focus, kind, to, focus) {
                    continue;
                }
                if let Some(path) = walk.path(self, &[to], focus, longest, free, effort) {
                    let mut cycle = vec![(focus, kind, to)];
                    cycle.extend(path);
                    if best.as_ref().is_none_or(|best| cycle.len() < best.len()) {
                        best = Some(cycle);
                    }
                }
            }
            if effort.is_spent() {
                break;
            }
        }
        best.map(|cycle| self.steps(&cycle))
    }

    /// For each transaction, those that it comes after by what sessions saw, nearest first, until one is
    /// accepted: the way from that one.
    pub(super) fn cause(
        &self,
        mut accepts: impl FnMut(u32, u32) -> bool,
        effort: &mut Effort,
    ) -> Option<(u32, Vec<Step>)> {
        let mut before: Vec<Vec<(u32, Kind)>> = vec![Vec::new(); self.nodes.len()];
        for node in 0..self.count() {
            for &(to, kind) in self.edges_of(node) {
                if matches!(kind, Kind::Wr | Kind::Session) {
                    before[to as usize].push((node, kind));
                }
            }
        }
        let mut seen = vec![u32::MAX; self.nodes.len()];
        let mut after = vec![(0, Kind::Wr); self.nodes.len()];
        for node in 0..self.transactions {
            let mut queue = VecDeque::from([node]);
            seen[node as usize] = node;
            while let Some(at) = queue.pop_front() {
                if at != node && accepts(self.nodes[at as usize], self.nodes[node as usize]) {
                    let mut steps = Vec::new();
                    let mut from = at;
                    while from != node {
                        let (to, kind) = after[from as usize];
                        steps.push((from, kind, to));
                        from = to;
                    }
                    return Some((self.nodes[node as usize], self.steps(&steps)));
                }
                for &(from, kind) in &before[at as usize] {
                    if !effort.take() {
                        return None;
                    }
                    if seen[from as usize] != node {
                        seen[from as usize] = node;
                        after[from as usize] = (at, kind);
                        queue.push_back(from);
                    }
                }
            }
        }
        None
    }

    /// Edges between transactions: those over completions become one.
    fn steps(&self, path: &[(u32, Kind, u32)]) -> Vec<Step> {
        let is_transaction = |node: u32| node < self.transactions;
        let first = path.iter().position(|it| is_transaction(it.0)).unwrap_or_default();
        let (end, begin) = path.split_at(first);
        let mut steps: Vec<Step> = Vec::new();
        for &(from, kind, to) in begin.iter().chain(end) {
            let to_node = self.nodes[to as usize];
            match steps.last_mut() {
                Some(last) if !is_transaction(from) => last.to = to_node,
                _ => steps.push(Step { from: self.nodes[from as usize], kind, to: to_node }),
            }
        }
        steps
    }
}

/// A breadth-first search for a path between nodes. Completions cost nothing.
struct Walk {
    round: u32,
    seen: Vec<u32>,
    before: Vec<(u32, Kind)>,
}

impl Walk {
    fn new(nodes: usize) -> Self {
        Walk { round: 0, seen: vec![0; nodes], before: vec![(0, Kind::Ww); nodes] }
    }

    /// A path from one of these nodes to another one, of fewer than so many edges.
    fn path(
        &mut self,
        knot: &Knot,
        from: &[u32],
        to: u32,
        longest: usize,
        may: impl Fn(u32, Kind, u32) -> bool,
        effort: &mut Effort,
    ) -> Option<Vec<(u32, Kind, u32)>> {
        self.round += 1;
        let mut queue = VecDeque::new();
        for &node in from {
            if self.seen[node as usize] != self.round {
                self.seen[node as usize] = self.round;
                self.before[node as usize] = (node, Kind::Ww);
                queue.push_back((node, 0));
            }
        }
        while let Some((node, length)) = queue.pop_front() {
            if length + 1 >= longest {
                return None;
            }
            for &(next, kind) in knot.edges_of(node) {
                if !effort.take() {
                    return None;
                }
                if self.seen[next as usize] == self.round || !may(node, kind, next) {
                    continue;
                }
                self.seen[next as usize] = self.round;
                self.before[next as usize] = (node, kind);
                if next == to {
                    return Some(self.back(to));
                }
                if next < knot.transactions {
                    queue.push_back((next, length + 1));
                } else {
                    queue.push_front((next, length));
                }
            }
        }
        None
    }

    fn back(&self, to: u32) -> Vec<(u32, Kind, u32)> {
        let mut path = Vec::new();
        let mut node = to;
        loop {
            let (before, kind) = self.before[node as usize];
            if before == node {
                break;
            }
            path.push((before, kind, node));
            node = before;
        }
        path.reverse();
        path
    }
}

/// The search for a shortest cycle in the product of a knot and a pattern.
struct Search<'a> {
    knot: &'a Knot,
    pattern: Pattern,
    round: u32,
    is_member: Vec<bool>,
    seen: Vec<u32>,
    before: Vec<(u32, Kind)>,
    best: Option<Vec<(u32, Kind, u32)>>,
    /// Transactions of the best.
    shortest: usize,
}

impl<'a> Search<'a> {
    fn new(knot: &'a Knot, pattern: Pattern) -> Self {
        let states = knot.nodes.len() * Pattern::MODES as usize;
        Search {
            knot,
            pattern,
            round: 0,
            is_member: vec![false; states],
            seen: vec![0; states],
            before: vec![(0, Kind::Ww); states],
            best: None,
            shortest: usize::MAX,
        }
    }

    fn within(&mut self, members: &[u32], effort: &mut Effort) {
        for &it in members {
            self.is_member[it as usize] = true;
        }
        let mut sorted = members.to_vec();
        sorted.sort_unstable();
        for &start in &sorted {
            // There are no shorter ones than of two; and what is spent is spent, once there is one.
            if self.shortest <= 2 || (effort.is_spent() && self.best.is_some()) {
                break;
            }
            if start / Pattern::MODES < self.knot.transactions {
                self.from(start, effort);
            }
        }
        for &it in members {
            self.is_member[it as usize] = false;
        }
    }

    fn from(&mut self, start: u32, effort: &mut Effort) {
        let modes = Pattern::MODES;
        self.round += 1;
        let mut queue = VecDeque::from([(start, 0)]);
        while let Some((state, length)) = queue.pop_front() {
            if length + 1 >= self.shortest {
                return;
            }
            for &(to, kind) in self.knot.edges_of(state / modes) {
                // The first cycle is found whatever it takes: it is there.
                effort.take();
                let Some(mode) = self.pattern.step(state % modes, kind) else { continue };
                let next = to * modes + mode;
                if !self.is_member[next as usize] || self.seen[next as usize] == self.round {
                    continue;
                }
                self.seen[next as usize] = self.round;
                self.before[next as usize] = (state, kind);
                if next == start {
                    self.keep(start);
                    return;
                }
                if to < self.knot.transactions {
                    queue.push_back((next, length + 1));
                } else {
                    queue.push_front((next, length));
                }
            }
        }
    }

    fn keep(&mut self, start: u32) {
        let modes = Pattern::MODES;
        let mut cycle = Vec::new();
        let mut state = start;
        loop {
            let (before, kind) = self.before[state as usize];
            cycle.push((before / modes, kind, state / modes));
            state = before;
            if state == start {
                break;
            }
        }
        cycle.reverse();
        self.shortest = cycle.iter().filter(|it| it.0 < self.knot.transactions).count();
        self.best = Some(cycle);
    }
}
