//! A queue of values by first completion, with the largest last invocation of any part of it.

use std::collections::VecDeque;

/// The queue, and over it a tree of maxima: both ends move on, and the tree is built anew when it
/// is full, which is paid for by what was pushed since.
#[derive(Debug)]
pub(super) struct Recent {
    /// First completions; the front has the place `front`.
    first_completions: VecDeque<u64>,
    front: u64,
    /// The place of the tree's first leaf.
    base: u64,
    /// Node 1 is the root, node `n` has the children `2n` and `2n + 1`, leaves are the last half.
    tree: Vec<u64>,
}

impl Recent {
    /// An empty queue; place 0 was given to the initial value.
    pub(super) fn after_initial() -> Self {
        Recent { first_completions: VecDeque::new(), front: 1, base: 1, tree: vec![0; 16] }
    }

    fn leaves(&self) -> usize {
        self.tree.len() / 2
    }

    fn leaf(&self, place: u64) -> usize {
        usize::try_from(place - self.base).expect("a place within the tree")
    }

    /// Appends a value and returns its place.
    pub(super) fn push(&mut self, first_completion: u64, last_invocation: u64) -> u64 {
        let place = self.front + self.first_completions.len() as u64;
        if self.leaf(place) == self.leaves() {
            self.rebuild();
        }
        self.first_completions.push_back(first_completion);
        self.raise(place, last_invocation);
        place
    }

    fn rebuild(&mut self) {
        let start = self.leaves() + self.leaf(self.front);
        let live = self.tree[start..].to_vec();
        let leaves = (2 * live.len()).next_power_of_two().max(8);
        self.base = self.front;
        self.tree.clear();
        self.tree.resize(2 * leaves, 0);
        self.tree[leaves..leaves + live.len()].copy_from_slice(&live);
        for node in (1..leaves).rev() {
            self.tree[node] = self.tree[2 * node].max(self.tree[2 * node + 1]);
        }
    }

    /// Raises the last invocation of the value at a place, and says whether it is still here.
    pub(super) fn raise(&mut self, place: u64, last_invocation: u64) -> bool {
        if place < self.front {
            return false;
        }
        let mut node = self.leaves() + self.leaf(place);
        while node > 0 && self.tree[node] < last_invocation {
            self.tree[node] = last_invocation;
            node /= 2;
        }
        true
    }

    /// The largest last invocation of the values first completed before `end`, without the one at
    /// `but`.
    pub(super) fn largest_before(&self, end: u64, but: u64) -> u64 {
        let count = self.first_completions.partition_point(|&first| first < end) as u64;
        let (from, to) = (self.front, self.front + count);
        if (from..to).contains(&but) {
            self.largest(from, but).max(self.largest(but + 1, to))
        } else {
            self.largest(from, to)
        }
    }

    fn largest(&self, from: u64, to: u64) -> u64 {
        if from >= to {
            return 0;
        }
        let mut low = self.leaves() + self.leaf(from);
        let mut high = self.leaves() + self.leaf(to);
        let mut largest = 0;
        while low < high {
            if low % 2 == 1 {
                largest = largest.max(self.tree[low]);
                low += 1;
            }
            if high % 2 == 1 {
                high -= 1;
                largest = largest.max(self.tree[high]);
            }
            low /= 2;
            high /= 2;
        }
        largest
    }

    /// Takes the front out if it was first completed before `end`: its place and last invocation.
    pub(super) fn pop_before(&mut self, end: u64) -> Option<(u64, u64)> {
        if *self.first_completions.front()? >= end {
            return None;
        }
        self.first_completions.pop_front();
        let place = self.front;
        self.front += 1;
        Some((place, self.tree[self.leaves() + self.leaf(place)]))
    }
}
