//! Of all pairs of calls in the wrong order, the one that took the least time.

use super::NO_CALL;

/// A call, with its place in an order that is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item {
    pub(super) rank: u32,
    pub(super) invoke: i64,
    pub(super) complete: i64,
    /// The last that is known of it.
    pub(super) end: i64,
    pub(super) position: u32,
}

/// One of the `befores` and one of the `afters`, by position, where the first was over before the
/// second began although its rank is higher; and the time from the begin of the first to the end of
/// the second, which is the least there is.
pub(super) fn nearest(mut befores: Vec<Item>, mut afters: Vec<Item>) -> Option<(i64, u32, u32)> {
    befores.sort_unstable_by_key(|item| item.complete);
    afters.sort_unstable_by_key(|item| item.invoke);
    let ranks = befores.iter().chain(&afters).map(|item| item.rank).max()?;
    let mut latest = Latest::new(ranks);
    let mut befores = befores.into_iter().peekable();
    let mut best: Option<(i64, u32, u32)> = None;
    for after in afters {
        while let Some(before) = befores.next_if(|before| before.complete < after.invoke) {
            latest.add(&before);
        }
        let (invoke, before) = latest.above(after.rank);
        if before != NO_CALL && best.is_none_or(|(span, ..)| after.end - invoke < span) {
            best = Some((after.end - invoke, before, after.position));
        }
    }
    best
}

/// For each rank, which call of a higher one began last: a tree of sums (Fenwick, 1994), of maxima.
struct Latest {
    nodes: Vec<(i64, u32)>,
}

impl Latest {
    fn new(highest: u32) -> Self {
        Latest { nodes: vec![(i64::MIN, NO_CALL); highest as usize + 2] }
    }

    fn add(&mut self, item: &Item) {
        // Nodes count from the highest rank down.
        let mut at = self.nodes.len() - 1 - item.rank as usize;
        while at < self.nodes.len() {
            self.nodes[at] = self.nodes[at].max((item.invoke, item.position));
            at += at & at.wrapping_neg();
        }
    }

    fn above(&self, rank: u32) -> (i64, u32) {
        let mut at = self.nodes.len() - 2 - rank as usize;
        let mut best = (i64::MIN, NO_CALL);
        while at > 0 {
            best = best.max(self.nodes[at]);
            at &= at - 1;
        }
        best
    }
}
